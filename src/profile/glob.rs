//! In: a glob and a path, both as components joined by `/`. Out: whether they match.
//! Not here: what a match means (`GlobRule`, `Protect`), and which files exist.
//!
//! Syntax, per component: `*` any bytes, `?` one character, `[abc]`, `[a-z]`, `[!abc]` one character of a set;
//! everything else stands for itself. A component `**` stands for any number of components, none included. A glob
//! matches a path if it matches the whole path or a whole ancestor of it (a denied directory denies its files).
//! Paths are bytes: one character is one UTF-8 sequence, or one byte where the bytes are not UTF-8.

/// Whether a text is a glob that [`matches()`] understands: components not empty, not `.` or `..`, every `[` closed, `**` only as a
/// whole component and only if `deep`.
#[must_use]
pub fn valid(glob: &str, deep: bool) -> bool {
    glob.split('/').all(|part| match part {
        "" | "." | ".." => false,
        "**" => deep,
        _ => !part.contains("**") && closed(part.as_bytes()),
    })
}

/// Whether a component has a wildcard.
#[must_use]
pub fn is_wild(component: &str) -> bool {
    component.contains(['*', '?', '['])
}

fn closed(mut part: &[u8]) -> bool {
    while let Some((&byte, rest)) = part.split_first() {
        part = if byte == b'[' {
            match class(rest) {
                Some((_, after)) => after,
                None => return false,
            }
        } else {
            rest
        };
    }
    true
}

/// Splits what follows a `[` into the set and what follows its `]`. A `]` directly after `[` or `[!` is a member.
fn class(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let skip = if rest.first() == Some(&b'!') { 2 } else { 1 };
    let end = rest.iter().skip(skip).position(|&byte| byte == b']')? + skip;
    Some((rest.get(..end)?, rest.get(end + 1..)?))
}

/// Whether a glob matches a path or an ancestor of it. `fold` compares ASCII letters without regard to case, as file systems
/// do on macOS.
///
/// Time is at most (components of the glob) × (components of the path) × the bytes of both; nothing is allocated.
#[must_use]
pub fn matches(glob: &str, path: &[u8], fold: bool) -> bool {
    walk(glob.as_bytes(), path, fold, true)
}

/// Whether a glob matches exactly this path, not only an ancestor of it.
#[must_use]
pub fn matches_exactly(glob: &str, path: &[u8], fold: bool) -> bool {
    walk(glob.as_bytes(), path, fold, false)
}

fn split(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match path.iter().position(|&byte| byte == b'/') {
        Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + 1..)),
        None => (path, None),
    }
}

/// The components that are left; `None` when there are none.
type Rest<'a> = Option<&'a [u8]>;

/// The two-pointer walk over components: on a mismatch, the last `**` takes one component more.
fn walk(glob: &[u8], path: &[u8], fold: bool, ancestors: bool) -> bool {
    let mut glob = Some(glob);
    let mut path = Some(path).filter(|path| !path.is_empty());
    let mut retry: Option<(Rest<'_>, Rest<'_>)> = None;
    loop {
        match (glob, path) {
            (None, None) => return true,
            (None, Some(_)) if ancestors => return true,
            (Some(pattern), _) if split(pattern).0 == b"**" => {
                glob = split(pattern).1;
                retry = Some((glob, path));
                continue;
            }
            (Some(pattern), Some(name)) => {
                let ((want, more), (have, below)) = (split(pattern), split(name));
                if component(want, have, fold) {
                    glob = more;
                    path = below;
                    continue;
                }
            }
            _ => {}
        }
        match retry {
            Some((after, Some(from))) => {
                let below = split(from).1;
                retry = Some((after, below));
                glob = after;
                path = below;
            }
            _ => return false,
        }
    }
}

/// Whether one component of a glob matches one name.
#[must_use]
pub fn component(glob: &[u8], name: &[u8], fold: bool) -> bool {
    let (mut glob, mut name) = (glob, name);
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match glob.split_first() {
            None if name.is_empty() => return true,
            Some((b'*', rest)) => {
                retry = Some((rest, name));
                glob = rest;
                continue;
            }
            Some((&want, rest)) if !name.is_empty() => {
                let (have, tail) = character(name);
                let step = match want {
                    b'?' => Some((rest, tail)),
                    b'[' => {
                        class(rest).and_then(|(set, after)| member(set, have, fold).then_some((after, tail)))
                    }
                    _ => name
                        .split_first()
                        .and_then(|(&byte, tail)| same(want, byte, fold).then_some((rest, tail))),
                };
                if let Some((rest, tail)) = step {
                    glob = rest;
                    name = tail;
                    continue;
                }
            }
            _ => {}
        }
        match retry {
            Some((after, from)) if !from.is_empty() => {
                let tail = character(from).1;
                retry = Some((after, tail));
                glob = after;
                name = tail;
            }
            _ => return false,
        }
    }
}

fn same(a: u8, b: u8, fold: bool) -> bool {
    if fold { a.eq_ignore_ascii_case(&b) } else { a == b }
}

/// The first character of a name that is not empty: its code, or for a byte that begins none, a code that no character has.
fn character(name: &[u8]) -> (u32, &[u8]) {
    for length in 1..=4 {
        let Some((head, tail)) = name.split_at_checked(length) else { break };
        if let Some(found) = core::str::from_utf8(head).ok().and_then(|text| text.chars().next()) {
            return (u32::from(found), tail);
        }
    }
    match name.split_first() {
        Some((&byte, tail)) => (0x8000_0000 | u32::from(byte), tail),
        None => (0, name),
    }
}

/// Whether a character is in a set as it stands between `[` and `]`.
fn member(set: &[u8], have: u32, fold: bool) -> bool {
    let (set, negated) = match set.split_first() {
        Some((b'!', rest)) => (rest, true),
        _ => (set, false),
    };
    let (mut rest, mut found) = (set, false);
    while !rest.is_empty() {
        let (low, tail) = character(rest);
        let (high, tail) = match tail.split_first() {
            Some((b'-', after)) if !after.is_empty() => character(after),
            _ => (low, tail),
        };
        rest = tail;
        found |= within(have, low, high);
        if fold && let Some(letter) = char::from_u32(have).filter(char::is_ascii_alphabetic) {
            found |= within(u32::from(letter.to_ascii_lowercase()), low, high);
            found |= within(u32::from(letter.to_ascii_uppercase()), low, high);
        }
    }
    found != negated
}

const fn within(have: u32, low: u32, high: u32) -> bool {
    low <= have && have <= high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_whole_components_and_what_is_below_them() {
        let cases: &[(&str, &str, bool)] = &[
            ("**/.env", ".env", true),
            ("**/.env", "a/b/.env", true),
            ("**/.env", "a/.env/inside", true),
            ("**/.env", "a/.env.local", false),
            ("*/c", "b/c/d", true),
            ("*/c", "a/b/c", false),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/**/b/**/c", "a/b/x/b/y/c", true),
            ("[!a]?", "b\u{e9}", true),
            ("[!a]?", "ab", false),
            ("[]x]", "]", true),
            ("[a-]", "-", true),
        ];
        for (glob, path, expected) in cases {
            assert!(valid(glob, true), "{glob}");
            assert_eq!(matches(glob, path.as_bytes(), false), *expected, "{glob} {path}");
        }
        assert!(!matches_exactly("**/.env", b"a/.env/inside", false));
        assert!(matches(".GIT/*", b".git/HOOKS", true));
        assert!(!matches(".GIT/*", b".git/HOOKS", false));
    }

    #[test]
    fn a_name_that_is_not_utf8_is_still_matched() {
        assert!(matches("*.key", b"\xff.key", false));
        assert!(matches("?.key", b"\xff.key", false));
        assert!(matches("[!a].key", b"\xff.key", false));
        assert!(!matches("?.key", b"\xff\xfe.key", false));
    }

    #[test]
    fn what_cannot_match_as_written_is_not_a_glob() {
        for glob in ["", "/a", "a/", "a//b", "..", "a/./b", "[a", "a**b"] {
            assert!(!valid(glob, true), "{glob}");
        }
        assert!(!valid("a/**", false));
    }
}
