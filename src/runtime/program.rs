//! In: the first word of a command. Out: what it stands for: opaque or not, trusted or not, and
//! the absolute path that Codex would look up.
//! Not here: any file system, and the reference that this is compared with (the compiler's
//! `policy/program.rs`).
#![forbid(unsafe_code)]

use crate::table::key::{Key, SHORT};
use alloc::vec::Vec;
use execpolicy_shell::names::{GNU, component, tool_name, windows_path, without_suffix};
use execpolicy_shell::programs::{PROGRAMS, SYSTEM_DIRECTORIES};

/// A Bloom filter of program names: two bits for each.
#[derive(Clone, Debug)]
pub(crate) struct Names([u64; 64]);

impl Names {
    /// No names.
    pub(crate) const NONE: Self = Self([0; 64]);

    /// With one more name, which has no ASCII capitals.
    pub(crate) const fn with(self, name: &[u8]) -> Self {
        self.with_both(b"", name)
    }

    /// With one more name that is given in two parts.
    #[expect(
        clippy::indexing_slicing,
        reason = "spots are below 4096; and for constants the compiler sees it"
    )]
    const fn with_both(mut self, start: &[u8], rest: &[u8]) -> Self {
        // As the key of the name; of the first eight bytes, if it is long.
        let all = start.len() + rest.len();
        let len = if all > SHORT { 8 } else { all };
        let (mut low, mut byte) = (0, 0);
        while byte < len {
            let this = if byte < start.len() { start[byte] } else { rest[byte - start.len()] } as u64;
            if byte < 4 {
                low |= this << (8 * byte);
            }
            if len >= 4 && byte >= len - 4 {
                low |= this << (8 * (byte + 4 - len) + 32);
            }
            byte += 1;
        }
        let (one, two) = (spot(low, ONE), spot(low, TWO));
        self.0[one / 64] |= 1 << (one % 64);
        self.0[two / 64] |= 1 << (two % 64);
        self
    }

    /// Whether the name can be one of them: wrong only towards yes. Takes what [`name_key`] gives.
    #[inline]
    pub(crate) fn may_hold(&self, name: Key) -> bool {
        let set = |spot: usize| self.0.get(spot / 64).is_some_and(|bits| bits >> (spot % 64) & 1 != 0);
        set(spot(name.low, ONE)) && set(spot(name.low, TWO))
    }
}

/// The programs of [`PROGRAMS`], and those that GNU installs with a `g` before them.
const KNOWN: Names = {
    let mut names = Names::NONE;
    let mut at = 0;
    while at < PROGRAMS.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "evaluated by the compiler, where it cannot be wrong in silence"
        )]
        let name = PROGRAMS[at].0.as_bytes();
        names = names.with(name);
        at += 1;
    }
    at = 0;
    while at < GNU.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "evaluated by the compiler, where it cannot be wrong in silence"
        )]
        let name = GNU[at].as_bytes();
        names = names.with_both(b"g", name);
        at += 1;
    }
    names
};

/// Two odd constants without pattern (the golden ratio, and the digits of π).
const ONE: u64 = 0x9E37_79B9_7F4A_7C15;
const TWO: u64 = 0xA409_3822_299F_31D1;

/// A number below 4096 for the first eight bytes of a name.
#[inline]
const fn spot(low: u64, by: u64) -> usize {
    (low.wrapping_mul(by) >> 52) as usize
}

/// Whether a short word without `/` and `\` can name another tool than itself, or one that runs others: wrong only towards yes. Takes
/// its key and its last byte.
#[inline]
#[must_use]
pub(crate) fn may_be_more(key: Key, last: Option<&u8>) -> bool {
    // The fourth byte from the end is the dot of `.exe`; the second byte can be the colon of a drive.
    let odd = (key.low >> 32) as u8 == b'.' || (key.low >> 8) as u8 == b':';
    // A version at the end may stand behind a known name: `bash-5.2`.
    odd || last.is_some_and(u8::is_ascii_digit) || may_be_known(key)
}

/// Whether a first word is worth asking [`execpolicy_shell::programs::opaque`] about: wrong only towards yes.
#[must_use]
pub fn may_be_opaque(word: &[u8]) -> bool {
    let name = component(word);
    tool_name(name) != name || may_be_known(name_key(name))
}

#[inline]
fn may_be_known(name: Key) -> bool {
    // The dynamic loaders are known by how their names begin.
    KNOWN.may_hold(name) || name.low & 0x00FF_FFFF == u64::from_le_bytes(*b"ld-\0\0\0\0\0")
}

/// What `Names::may_hold` takes: the key of the folded name or, if that is long, of its first eight bytes.
#[must_use]
pub fn name_key(name: &[u8]) -> Key {
    let short = if name.len() > SHORT { name.get(..8).unwrap_or(name) } else { name };
    // Short words need no seeds.
    Key::folded(short, [0; 2])
}

/// If a word is an absolute path in normal form: its directory (empty for `/x`) and its base name.
#[must_use]
pub fn normal_path(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = word.strip_prefix(b"/")?;
    if rest.split(|&byte| byte == b'/').any(|part| matches!(part, b"" | b"." | b"..")) {
        return None;
    }
    let slash = word.iter().rposition(|&byte| byte == b'/')?;
    Some((word.get(..slash)?, word.get(slash + 1..)?))
}

/// If a word is a path of Windows: the name under which `host_executable` can list it.
#[must_use]
pub fn windows_name(word: &[u8]) -> Option<&[u8]> {
    windows_path(word).then(|| without_suffix(component(word)))
}

/// Whether programs directly in this directory belong to the system.
#[must_use]
pub fn is_system(directory: &[u8]) -> bool {
    SYSTEM_DIRECTORIES.iter().any(|known| known.as_bytes() == directory)
}

/// Writes the absolute, lexically normal path that a first word stands for in Codex; `false`, and
/// nothing written, for a bare name or where the directory it needs is not known.
pub fn absolute(word: &[u8], cwd: Option<&[u8]>, home: Option<&[u8]>, path: &mut Vec<u8>) -> bool {
    path.clear();
    let (before, rest) = if word.first() == Some(&b'/') {
        (&[][..], word)
    } else if let Some(rest) = word.strip_prefix(b"~/") {
        let Some(home) = home else { return false };
        (home, rest)
    } else if word.contains(&b'/') {
        let Some(cwd) = cwd else { return false };
        (cwd, word)
    } else {
        return false;
    };
    for part in before.split(|&byte| byte == b'/').chain(rest.split(|&byte| byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                let slash = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                path.truncate(slash);
            }
            _ => {
                path.push(b'/');
                path.extend_from_slice(part);
            }
        }
    }
    if path.is_empty() {
        path.push(b'/');
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use execpolicy_shell::programs::opaque;
    extern crate std;
    use std::string::String;
    use std::vec;

    fn may(name: &str) -> bool {
        let name = name.as_bytes();
        name.len() > SHORT || may_be_more(name_key(name), name.last())
    }

    #[test]
    fn the_filter_never_hides_an_opaque_program() {
        let loaders = ["ld-linux", "ld-linux.so", "ld-musl.so"];
        for name in ["bash-5.2", "zsh5.9", "powershell7", "dbus-run-session-1.2"] {
            assert!(opaque(&[name, "-c", "x"]).is_some() && may(name), "{name}");
        }
        for name in PROGRAMS.iter().map(|(name, _)| *name).chain(loaders) {
            assert!(may(name) && may(&name.to_ascii_uppercase()), "{name}");
            for name in [std::format!("{name}.exe"), std::format!("{name}-5.2"), std::format!("c:{name}")] {
                let hides = opaque(&[name.as_str(), "-c", "x"]).is_some();
                assert!(!hides || may(&name) && may_be_opaque(name.as_bytes()), "{name}");
            }
        }
        for name in GNU {
            assert!(
                may(&std::format!("g{name}")) && may(&std::format!("G{}", name.to_ascii_uppercase())),
                "{name}"
            );
        }
        for name in loaders {
            assert!(opaque(&[name, "x"]).is_some(), "{name}");
        }
    }

    #[test]
    fn every_name_is_found_in_a_filter() {
        for len in 0..20 {
            for start in 0..40u8 {
                let name: Vec<u8> = (0..len).map(|at| b'a' + (start + 7 * at) % 26).collect();
                let names = Names::NONE.with(&name);
                assert!(names.may_hold(name_key(&name)), "{name:?}");
                assert!(names.may_hold(name_key(&name.to_ascii_uppercase())), "{name:?}");
            }
        }
    }

    #[test]
    fn the_filter_says_no_to_most_other_names() {
        let names =
            ["git", "ls", "cargo", "npm", "kubectl", "aws", "docker", "cat", "rg", "make", "rm", "cp"];
        let maybe: Vec<_> = names.iter().filter(|name| may(name)).collect();
        assert!(maybe.len() <= 2, "{maybe:?}");
    }

    #[test]
    fn paths_become_absolute() {
        let path = |word: &str| {
            let mut path = vec![1];
            absolute(word.as_bytes(), Some(b"/w"), Some(b"/h"), &mut path)
                .then(|| String::from_utf8(path).unwrap())
        };
        assert_eq!(path("git"), None);
        assert_eq!(path("./git").as_deref(), Some("/w/git"));
        assert_eq!(path("~/git").as_deref(), Some("/h/git"));
        assert_eq!(path("/usr/x/../bin//git").as_deref(), Some("/usr/bin/git"));
        assert_eq!(path("/../..").as_deref(), Some("/"));
    }

    #[test]
    fn normal_paths_have_a_directory() {
        assert_eq!(normal_path(b"/usr/bin/git"), Some((&b"/usr/bin"[..], &b"git"[..])));
        assert_eq!(normal_path(b"/git"), Some((&b""[..], &b"git"[..])));
        for word in ["git", "/", "/usr//git", "/usr/bin/git/", "/usr/./git", "/usr/../git", "./git", ""] {
            assert_eq!(normal_path(word.as_bytes()), None, "{word}");
        }
    }
}
