//! In: the first word of a command. Out: what it stands for: opaque or not, trusted or not, and
//! the absolute path that Codex would look up.
//! Not here: any file system, and the reference that this is compared with (the compiler's
//! `policy/program.rs`).

use crate::facts::{PROGRAMS, SYSTEM_DIRECTORIES};
use alloc::vec::Vec;

/// One bit for each value of [`spot`] that a program of [`PROGRAMS`] has.
const KNOWN: [u64; 16] = {
    let mut bits = [0; 16];
    let mut at = 0;
    while at < PROGRAMS.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "evaluated by the compiler, where it cannot be wrong in silence"
        )]
        {
            let name = PROGRAMS[at].0.as_bytes();
            let spot = spot(name[0], name[name.len() - 1], name.len());
            bits[spot / 64] |= 1 << (spot % 64);
        }
        at += 1;
    }
    bits
};

/// A number below 1024 for a name, the same for upper and lower case.
#[inline]
const fn spot(first: u8, last: u8, len: usize) -> usize {
    ((first | 0x20) as usize * 37 + (last | 0x20) as usize * 5 + len) & 1023
}

/// Whether a base name is worth asking [`crate::facts::opaque`] about: wrong only towards yes.
#[inline]
#[must_use]
pub fn may_be_opaque(name: &[u8]) -> bool {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return false };
    let spot = spot(first, last, name.len());
    let known = KNOWN.get(spot / 64).is_some_and(|bits| bits >> (spot % 64) & 1 != 0);
    // A version at the end may stand behind a known name.
    known || last.is_ascii_digit() || (name.len() >= 7 && first | 0x20 == b'l' && name.get(2) == Some(&b'-'))
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
    use crate::facts::opaque;
    extern crate std;
    use std::string::String;
    use std::vec;

    #[test]
    fn the_filter_never_hides_an_opaque_program() {
        for (name, _) in PROGRAMS {
            assert!(may_be_opaque(name.as_bytes()), "{name}");
            assert!(may_be_opaque(name.to_ascii_uppercase().as_bytes()), "{name}");
        }
        assert!(opaque(&["bash-5.2", "-c", "x"]).is_some() && may_be_opaque(b"bash-5.2"));
        for name in ["ld-linux", "ld-linux-x86-64.so.2", "LD-MUSL-aarch64.so.1", "Ld-Linux.so"] {
            assert!(opaque(&[name, "x"]).is_some() && may_be_opaque(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn the_filter_says_no_to_most_other_names() {
        let names =
            ["git", "ls", "cargo", "npm", "kubectl", "aws", "docker", "cat", "rg", "make", "rm", "cp"];
        let maybe: Vec<_> = names.iter().filter(|name| may_be_opaque(name.as_bytes())).collect();
        assert!(maybe.len() <= 4, "{maybe:?}");
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
