//! In: the name of a variable, and what it is given. Out: what the shells and programs do with it: set it, run its
//! value, evaluate it, read other characters by it, or only print by it. The names are data: `stdlib/shells/variables.txt`.
//! Not here: its value (`state.rs`), and what zsh alone knows (`zsh.rs`).

mod table;

use crate::reason::Reason;
use crate::segment::Dialect;
use crate::value::words::WordSet;

/// Whether a name is one of a list, in which `*` at one end stands for anything.
fn is_in(list: &[&str], name: &[u8]) -> bool {
    list.iter().any(|entry| match entry.as_bytes() {
        [b'*', end @ ..] => name.ends_with(end),
        [start @ .., b'*'] => name.starts_with(start),
        whole => name == whole,
    })
}

/// Whether a shell sets this variable itself.
pub fn is_dynamic(name: &[u8]) -> bool {
    name.starts_with(b"BASH") || is_in(table::SET, name)
}

/// Whether setting this variable leaves what programs do unchanged. So does a plain assignment (not exported) to a
/// lower-case name: names with lower-case letters are reserved for applications (POSIX, Base Definitions, 8.1), and
/// those that programs read all the same are listed.
pub fn is_safe(name: &[u8], exported: bool) -> bool {
    let lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
    is_in(table::SAFE, name) || (!exported && name.iter().all(lower) && !is_in(table::READ, name))
}

/// Whether a shell runs the value of this variable.
pub fn runs_code(name: &[u8]) -> bool {
    is_in(table::CODE, name)
}

/// Whether what this variable is given is evaluated as arithmetic.
pub fn is_integer(name: &[u8], dialect: Dialect) -> bool {
    match dialect {
        Dialect::Bash => is_in(table::INTEGER_BASH, name),
        Dialect::Zsh => is_in(table::INTEGER_ZSH, name),
        Dialect::Posix => is_in(table::INTEGER_BASH, name) || is_in(table::INTEGER_MKSH, name),
    }
}

/// Why nothing that follows can be known if this variable gets a value; `None` as a value is any.
pub fn danger(name: &[u8], value: Option<&WordSet>, dialect: Dialect) -> Option<Reason> {
    let surely = |harmless: fn(&[u8]) -> bool| {
        value.and_then(WordSet::finite).is_some_and(|texts| texts.iter().all(|text| harmless(text)))
    };
    if runs_code(name) {
        return Some(Reason::CodeVariable);
    }
    if is_in(table::LOCALE, name) && !surely(is_plain_locale) {
        return Some(Reason::Locale);
    }
    if is_integer(name, dialect) && !value.is_some_and(WordSet::is_integer) && !surely(<[u8]>::is_empty) {
        return Some(Reason::Arithmetic);
    }
    None
}

/// Whether text means the same in this locale as in C: no byte of ASCII is a part of another character.
fn is_plain_locale(value: &[u8]) -> bool {
    let name = value.split(|&byte| byte == b'@').next().unwrap_or_default();
    let codeset = name.iter().position(|&byte| byte == b'.').and_then(|at| name.get(at + 1..));
    let utf8 = codeset.is_some_and(|set| {
        set.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_lowercase).eq(b"utf8".iter().copied())
    });
    matches!(value, b"" | b"C" | b"POSIX") || utf8 && !value.contains(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::fmt::Write;

    const SOURCE: &str = include_str!("../../../stdlib/shells/variables.txt");

    /// The file as constants: a sorted list for each kind of names, and for the integers of each shell.
    fn generated() -> String {
        let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (number, line) in SOURCE.lines().enumerate() {
            let (statement, source) = line.split_once('#').unwrap_or((line, ""));
            let mut words = statement.split_whitespace();
            let Some(kind) = words.next() else { continue };
            assert!(source.len() > 3, "line {}: no source", number + 1);
            let words: Vec<&str> = words.collect();
            if kind == "integer" {
                let end = words.iter().position(|word| word.ends_with(':')).unwrap();
                for shell in &words[..=end] {
                    let shell = shell.trim_end_matches(':');
                    assert!(matches!(shell, "bash" | "zsh" | "mksh"), "line {}", number + 1);
                    kinds.entry(format!("integer_{shell}")).or_default().extend(&words[end + 1..]);
                }
            } else {
                assert!(matches!(kind, "safe" | "read" | "locale" | "code" | "set"), "line {}", number + 1);
                kinds.entry(kind.to_owned()).or_default().extend(words);
            }
        }
        let mut table = "//! Variables by kind. Written by a test of `variables.rs` from `stdlib/shells/variables.txt`; \
                         edit that, and run\n//! `UPDATE_EXPECT=1 cargo test -p execpolicy-shell`. Not here: what the \
                         kinds mean (`variables.rs`).\n"
            .to_owned();
        for (kind, mut names) in kinds {
            names.sort_unstable();
            names.dedup();
            let _ = write!(table, "\n#[rustfmt::skip]\npub const {}: &[&str] = &[\n", kind.to_uppercase());
            for name in names {
                let _ = writeln!(table, "    {name:?},");
            }
            table += "];\n";
        }
        table
    }

    #[test]
    fn the_table_is_made_of_the_library() {
        let table = generated();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/interpret/variables/table.rs");
            std::fs::write(path, &table).unwrap();
        } else {
            assert_eq!(include_str!("variables/table.rs"), table, "run with UPDATE_EXPECT=1");
        }
    }

    #[test]
    fn only_locales_that_keep_ascii_are_plain() {
        for value in ["", "C", "POSIX", "C.UTF-8", "de_DE.utf8", "en_US.UTF-8@euro"] {
            assert!(is_plain_locale(value.as_bytes()), "{value}");
        }
        for value in
            ["zh_CN.GBK", "ja_JP", "zh_TW.Big5", "/tmp/x.UTF-8", "C.", "zh_CN.GBK@x.UTF-8", "x@.utf8"]
        {
            assert!(!is_plain_locale(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn names_are_what_the_library_says() {
        assert!(is_safe(b"LC_TIME", true) && is_safe(b"msg", false) && !is_safe(b"msg", true));
        for name in ["npm_config_script_shell", "https_proxy", "COLUMNS", "LINES", "DEBIAN_FRONTEND", "PATH"]
        {
            assert!(!is_safe(name.as_bytes(), false), "{name}");
        }
        assert!(is_integer(b"COLUMNS", Dialect::Zsh) && !is_integer(b"COLUMNS", Dialect::Bash));
        let number = WordSet::Known(b"12".to_vec());
        assert_eq!(danger(b"RANDOM", Some(&number), Dialect::Bash), None);
        assert_eq!(danger(b"RANDOM", None, Dialect::Bash), Some(Reason::Arithmetic));
        assert_eq!(danger(b"LC_ALL", Some(&number), Dialect::Bash), Some(Reason::Locale));
    }
}
