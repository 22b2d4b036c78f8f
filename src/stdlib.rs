//! In: nothing. Out: the standard library, embedded: rule files under `@stdlib//`.
//! Not here: reading files of the user.

/// Every embedded file: its path below `@stdlib//` and its text.
pub const FILES: &[(&str, &str)] = &[
    ("coreutils.rules", include_str!("../stdlib/rules/coreutils.rules")),
    ("git.rules", include_str!("../stdlib/rules/git.rules")),
    ("default.rules", include_str!("../stdlib/rules/default.rules")),
];

/// The text of `@stdlib//path`.
#[must_use]
pub fn read(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// The full names of all files.
#[must_use]
pub fn names() -> Vec<String> {
    FILES.iter().map(|(name, _)| format!("{}{name}", crate::loader::STDLIB)).collect()
}
