//! In: the first word of a command. Out: the tool that it names, for whoever must not be walked past: guards, and the facts
//! about shells and carriers.
//! Not here: what an allow covers (an exact word, or a path that is trusted), and Codex's base names
//! ([`crate::programs::base_name`]).
//!
//! A tool has many spellings: `/usr/bin/git`, `git.exe`, `C:\Program Files\Git\cmd\GIT.EXE`, `git-2.47`, `python3.11`, `ggrep`.
//! All of them have one [`tool_name`], and two words can be the same tool if and only if these are equal, ASCII case aside.
//! Nothing is allocated: every name is a part of its word.

/// Endings by which Windows finds a program that is named without one.
pub(crate) const SUFFIXES: &[&[u8; 4]] = &[b".exe", b".cmd", b".bat", b".com", b".ps1"];

/// Names that end in a number which is no version: `base32` is another tool than `base64`. Sorted.
const NUMBERED: &[&str] = &[
    "adler32", "aes128", "aes256", "base16", "base32", "base58", "base64", "crc32", "md2", "md4", "md5",
    "sha1", "sha224", "sha256", "sha384", "sha512", "utf16", "utf8",
];

/// Programs that are installed with a `g` before their names where the system has its own (Homebrew, MacPorts, the BSDs,
/// Solaris), sorted. From coreutils 9.5, findutils 4.10, diffutils 3.10, binutils 2.43, groff 1.23 and the packages of one
/// program: grep, sed, gawk, tar, make, m4, patch, cpio, ed, bc, indent, time, which, units, wget.
pub const GNU: &[&str] = &[
    "[",
    "addr2line",
    "ar",
    "arch",
    "as",
    "awk",
    "b2sum",
    "base32",
    "base64",
    "basename",
    "basenc",
    "bc",
    "bison",
    "c++filt",
    "cat",
    "chcon",
    "chgrp",
    "chmod",
    "chown",
    "chroot",
    "cksum",
    "cmp",
    "comm",
    "coreutils",
    "cp",
    "cpio",
    "csplit",
    "cut",
    "date",
    "dc",
    "dd",
    "df",
    "diff",
    "diff3",
    "dir",
    "dircolors",
    "dirname",
    "dlltool",
    "du",
    "echo",
    "ed",
    "egrep",
    "elfedit",
    "env",
    "eqn",
    "expand",
    "expr",
    "factor",
    "false",
    "fgrep",
    "find",
    "flex",
    "fmt",
    "fold",
    "getopt",
    "grep",
    "groups",
    "head",
    "hostid",
    "hostname",
    "id",
    "indent",
    "info",
    "install",
    "join",
    "kill",
    "ld",
    "link",
    "ln",
    "locate",
    "logname",
    "ls",
    "m4",
    "make",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mknod",
    "mktemp",
    "mv",
    "nice",
    "nl",
    "nm",
    "nohup",
    "nproc",
    "nroff",
    "numfmt",
    "objcopy",
    "objdump",
    "od",
    "paste",
    "patch",
    "pathchk",
    "pic",
    "pinky",
    "pr",
    "printenv",
    "printf",
    "ptx",
    "pwd",
    "ranlib",
    "readelf",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "runcon",
    "sdiff",
    "sed",
    "seq",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "shred",
    "shuf",
    "size",
    "sleep",
    "sort",
    "split",
    "stat",
    "stdbuf",
    "strings",
    "strip",
    "stty",
    "sum",
    "sync",
    "tac",
    "tail",
    "tar",
    "tbl",
    "tee",
    "test",
    "time",
    "timeout",
    "touch",
    "tr",
    "troff",
    "true",
    "truncate",
    "tsort",
    "tty",
    "uname",
    "unexpand",
    "uniq",
    "units",
    "unlink",
    "updatedb",
    "uptime",
    "users",
    "vdir",
    "wc",
    "wget",
    "which",
    "who",
    "whoami",
    "xargs",
    "yes",
];

/// The tool that a word names, as a part of the word: the last component of the path (`/` or `\`), without a Windows ending, a
/// version at its end, and the `g` of the GNU programs. To be compared without regard to ASCII case.
#[must_use]
pub fn tool_name(word: &[u8]) -> &[u8] {
    let name = without_g(without_suffix(component(word)));
    if !name.last().is_some_and(u8::is_ascii_digit) || numbered(name) {
        return name;
    }
    without_g(without_version(name))
}

/// The names under which facts about a word's tool may be found, from the one that says most to [`tool_name`]: `ksh93` before
/// `ksh`.
pub fn spellings(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    let component = component(word);
    let plain = without_suffix(component);
    let tool = tool_name(word);
    // `gtar-1.35` is `gtar` before it is `tar`.
    let versionless = if plain.ends_with(tool) { tool } else { without_version(plain) };
    let all = [
        Some(component),
        (plain != component).then_some(plain),
        (versionless != plain).then_some(versionless),
    ];
    all.into_iter().flatten().chain((tool != versionless).then_some(tool))
}

/// The last component of a path, trailing separators and `/.` aside. `\` separates too, and `C:` ends a drive: a word that is no
/// path of Windows loses nothing that would make it another tool.
#[must_use]
pub fn component(word: &[u8]) -> &[u8] {
    let separates = |byte: &u8| matches!(byte, b'/' | b'\\');
    let mut rest = word;
    loop {
        match rest {
            [before @ .., b'/' | b'\\', b'.'] | [before @ .., b'/' | b'\\'] if !before.is_empty() => {
                rest = before
            }
            _ => break,
        }
    }
    let start = rest.iter().rposition(separates).map_or(0, |at| at + 1);
    match rest.get(start..).unwrap_or(rest) {
        [drive, b':', name @ ..] if drive.is_ascii_alphabetic() && !name.is_empty() => name,
        name => name,
    }
}

/// Whether a word is an absolute path as Windows writes it: `C:\…`, `C:/…`, `\\server\…`.
#[must_use]
pub const fn windows_path(word: &[u8]) -> bool {
    matches!(word, [b'A'..=b'Z' | b'a'..=b'z', b':', b'\\' | b'/', ..] | [b'\\', b'\\', ..])
}

/// The name without an ending of Windows.
#[must_use]
pub fn without_suffix(name: &[u8]) -> &[u8] {
    match name.split_last_chunk::<4>() {
        Some((stem, end))
            if !stem.is_empty() && SUFFIXES.iter().any(|suffix| end.eq_ignore_ascii_case(*suffix)) =>
        {
            stem
        }
        _ => name,
    }
}

/// A name that ends in a digit without the version there: `bash-5.2`, `python3.11`, `clang++-15`. What is left has at least two
/// bytes: `m4` and `s6` are names.
fn without_version(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|&byte| !in_version(byte)).map_or(0, |at| at + 1);
    if end < 2 { name } else { name.get(..end).unwrap_or(name) }
}

/// Whether a version can have this byte in it or before it.
#[must_use]
pub const fn in_version(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'_' | b'@')
}

/// The name without the `g` of a GNU program.
fn without_g(name: &[u8]) -> &[u8] {
    match name {
        [b'g' | b'G', rest @ ..] if is_gnu(rest) => rest,
        _ => name,
    }
}

/// Whether a name, ASCII case aside, is one that GNU installs with a `g` before it.
#[must_use]
pub fn is_gnu(name: &[u8]) -> bool {
    listed(GNU, name)
}

/// Whether the number at the end is part of the name.
fn numbered(name: &[u8]) -> bool {
    listed(NUMBERED, name)
}

fn listed(names: &[&str], name: &[u8]) -> bool {
    names.binary_search_by(|known| known.bytes().cmp(name.iter().map(u8::to_ascii_lowercase))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(GNU.is_sorted() && NUMBERED.is_sorted());
    }

    #[test]
    fn every_spelling_is_the_tool() {
        for (word, tool) in [
            ("git", "git"),
            ("/usr/bin/git", "git"),
            ("/usr/bin/git/.", "git"),
            ("git.exe", "git"),
            ("GIT.CMD", "GIT"),
            (r"C:\Program Files\Git\cmd\git.exe", "git"),
            ("C:/Git/git.exe", "git"),
            ("c:git.exe", "git"),
            (r"\\server\tools\git.bat", "git"),
            ("git-2.47", "git"),
            ("python3.11", "python"),
            ("python3", "python"),
            ("python3.11.exe", "python"),
            ("ggrep", "grep"),
            ("gtar-1.35", "tar"),
            ("gbase64", "base64"),
            ("base64", "base64"),
            ("bash-5.2", "bash"),
            ("clang++-15", "clang++"),
            ("gh", "gh"),
            ("go", "go"),
            ("gcc-12", "gcc"),
            ("m4", "m4"),
            ("7", "7"),
            (".exe", ".exe"),
            ("", ""),
            ("/", ""),
            (r"\", ""),
            ("C:", "C:"),
        ] {
            assert_eq!(std::str::from_utf8(tool_name(word.as_bytes())).unwrap(), tool, "{word}");
        }
    }

    #[test]
    fn the_last_spelling_is_the_tool() {
        let words = [
            "python3.11.exe",
            r"C:\g\GTAR-1.0.EXE",
            "gsha1sum",
            "ggggrep",
            "a.exe.exe",
            "x1.exe2",
            "g[",
            "gmd5",
        ];
        for word in words.map(str::as_bytes).into_iter().chain(GNU.iter().map(|name| name.as_bytes())) {
            assert!(spellings(word).last() == Some(tool_name(word)), "{word:?}");
        }
    }
}
