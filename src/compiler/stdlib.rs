//! In: nothing. Out: the standard library, embedded: rule files under `@stdlib//`; and a [`Loader`] that knows them.
//! Not here: reading files of the user.

use crate::loader::{LoadFault, Loader, STDLIB};

/// Every embedded file: its path below `@stdlib//` and its text.
pub const FILES: &[(&str, &str)] = &[
    ("coreutils.rules", include_str!("../../stdlib/rules/coreutils.rules")),
    ("git.rules", include_str!("../../stdlib/rules/git.rules")),
    ("default.rules", include_str!("../../stdlib/rules/default.rules")),
];

/// The text of `@stdlib//path`.
#[must_use]
pub fn read(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// The full names of all files.
#[must_use]
pub fn names() -> Vec<String> {
    FILES.iter().map(|(name, _)| format!("{}{name}", STDLIB)).collect()
}

/// The outside world, and the standard library beside it.
pub struct WithLibrary<'a>(pub &'a dyn Loader);

impl Loader for WithLibrary<'_> {
    fn read(&self, name: &str) -> Result<Vec<u8>, LoadFault> {
        match name.strip_prefix(STDLIB) {
            Some(path) => read(path).map(|text| text.as_bytes().to_vec()).ok_or(LoadFault::NotFound),
            None => self.0.read(name),
        }
    }

    fn display(&self, name: &str) -> String {
        if name.starts_with(STDLIB) { name.to_owned() } else { self.0.display(name) }
    }

    fn candidates(&self, wanted: &str) -> Vec<String> {
        if wanted.starts_with(STDLIB) { names() } else { self.0.candidates(wanted) }
    }
}
