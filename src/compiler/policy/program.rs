//! In: two program words. Out: whether they can, or surely do, name the same program.
//! Not here: any file system; this is about spelling only. The runtime has its own, faster
//! version, and the two are compared by test.

use execpolicy_shell::names::{component, tool_name, windows_path, without_suffix};
use execpolicy_shell::programs::SYSTEM_DIRECTORIES;

/// Whether a word that begins a command could run the program that a rule names: the question of a forbid or a prompt. Any path can
/// be a link to any program, a version or an ending of Windows is another file of the same tool, and upper and lower case (ASCII)
/// are the same to some file systems: so the tools decide that the words name.
#[must_use]
pub fn could_be(rule: &[u8], word: &[u8]) -> bool {
    tool_name(rule).eq_ignore_ascii_case(tool_name(word))
}

/// Whether a word surely runs the program that an allow names. A rule with a path means exactly
/// that spelling. A bare name covers itself and, among absolute paths in normal form with that
/// base name, those listed by the name's `host_executable`, or, where there is none, those
/// directly in a system directory. Of the paths of Windows it covers those listed, where the
/// file's ending does not count.
#[must_use]
pub fn surely_is(rule: &[u8], word: &[u8], listed: Option<&[Vec<u8>]>) -> bool {
    if rule == word {
        return true;
    }
    if windows_path(word) {
        // No directory is trusted there: only what is listed.
        return rule == without_suffix(component(word))
            && listed.is_some_and(|paths| paths.iter().any(|path| path == word));
    }
    let Some(directory) = word.strip_suffix(rule).and_then(|before| before.strip_suffix(b"/")) else {
        return false;
    };
    if rule.is_empty() || rule.contains(&b'/') || normal(word) != word {
        return false;
    }
    match listed {
        Some(paths) => paths.iter().any(|path| path == word),
        None => SYSTEM_DIRECTORIES.iter().any(|known| known.as_bytes() == directory),
    }
}

/// The lexical normal form of an absolute path: no empty parts, no `.`, and `..` takes the part
/// before it away. Links are not followed, so this may name another file than the word did.
fn normal(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    [b"/".as_slice(), &parts.join(&b'/')].concat()
}

/// Codex's resolution: the absolute, lexically normal path that a first word stands for, or
/// nothing for a bare name. `./x` is joined to the working directory, `~/x` to the home.
#[must_use]
pub fn absolute(word: &[u8], cwd: Option<&[u8]>, home: Option<&[u8]>) -> Option<Vec<u8>> {
    let joined = if word.first() == Some(&b'/') {
        word.to_vec()
    } else if let Some(rest) = word.strip_prefix(b"~/") {
        [home?, b"/", rest].concat()
    } else if word.contains(&b'/') {
        [cwd?, b"/", word].concat()
    } else {
        return None;
    };
    Some(normal(&joined))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbid_sees_every_path_with_the_name() {
        for (rule, word) in [
            ("git", "git"),
            ("git", "/tmp/git"),
            ("git", "./git"),
            ("git", "/usr/bin/git/"),
            ("git", "/usr/bin/git/."),
            ("git", "/usr/bin/GIT"),
            ("/usr/bin/git", "git"),
            ("/usr/bin/git", "/bin/git"),
            ("./deploy.sh", "/work/deploy.sh"),
        ] {
            assert!(could_be(rule.as_bytes(), word.as_bytes()), "{rule} {word}");
        }
        for (rule, word) in [("git", "gitk"), ("git", "/git/x"), ("git", "/"), ("git", "")] {
            assert!(!could_be(rule.as_bytes(), word.as_bytes()), "{rule} {word}");
        }
    }

    #[test]
    fn an_allow_does_not_widen() {
        let listed = [b"/opt/git/bin/git".to_vec()];
        assert!(surely_is(b"git", b"git", None));
        assert!(surely_is(b"git", b"/usr/bin/git", None));
        assert!(surely_is(b"git", b"/opt/git/bin/git", Some(&listed)));
        assert!(!surely_is(b"git", b"/usr/bin/git", Some(&listed)));
        for word in [
            "./git",
            "/tmp/git",
            "bin/git",
            "/usr/bin/../bin/git",
            "/usr//bin/git",
            "/usr/bin/git/",
            "/usr/bin/GIT",
            "/git",
            "/usr/bin/xgit",
        ] {
            assert!(!surely_is(b"git", word.as_bytes(), None), "{word}");
        }
        assert!(!surely_is(b"/usr/bin/git", b"git", None));
        assert!(surely_is(b"./git", b"./git", None));
    }

    #[test]
    fn codex_makes_paths_absolute() {
        let path = |word: &str| {
            absolute(word.as_bytes(), Some(b"/w"), Some(b"/h")).map(|p| String::from_utf8(p).unwrap())
        };
        assert_eq!(path("git"), None);
        assert_eq!(path("./git").as_deref(), Some("/w/git"));
        assert_eq!(path("~/git").as_deref(), Some("/h/git"));
        assert_eq!(path("/usr/x/../bin//git").as_deref(), Some("/usr/bin/git"));
    }
}
