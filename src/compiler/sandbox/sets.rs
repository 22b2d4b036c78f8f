//! In: the set files of the standard library. Out: what `@name` stands for.
//! Not here: who may use which set where (`typed.rs`).

use super::ast::{Spelling, Word};
use crate::source::Span;
use execpolicy_profile::Promise;

const PROTECTED: &str = include_str!("../../../stdlib/sandbox/protected.set");
const SECRETS: &str = include_str!("../../../stdlib/sandbox/secrets.set");
const SYSCALLS: &str = include_str!("../../../stdlib/sandbox/syscalls.set");
const VARIABLES: &str = include_str!("../../../stdlib/sandbox/variables.set");
const KNOWN_SYSCALLS: &str = include_str!("../../../stdlib/sandbox/syscalls.txt");

/// What a set's members are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Names for `protect`.
    Names,
    /// Paths for `write`, `read`, `deny`, `private`.
    Paths,
    /// System calls.
    Syscalls,
    /// Environment variables.
    Variables,
}

impl Kind {
    /// What they are called in a message.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Names => "names of files",
            Self::Paths => "paths",
            Self::Syscalls => "system calls",
            Self::Variables => "environment variables",
        }
    }

    /// A statement that takes them.
    #[must_use]
    pub const fn statement(self) -> &'static str {
        match self {
            Self::Names => "protect",
            Self::Paths => "deny",
            Self::Syscalls => "syscalls deny",
            Self::Variables => "env deny",
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Self::Names => PROTECTED,
            Self::Paths => SECRETS,
            Self::Syscalls => SYSCALLS,
            Self::Variables => VARIABLES,
        }
    }

    const ALL: [Self; 4] = [Self::Names, Self::Paths, Self::Syscalls, Self::Variables];
}

/// One member of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The set, without `@`.
    pub set: &'static str,
    /// The text that the set's name stands for.
    pub text: &'static str,
    /// For names: what is promised while nothing of that name exists.
    pub missing: Promise,
    /// Where the fact comes from.
    pub source: &'static str,
    spelling: Spelling,
}

impl Member {
    /// The word it would be if it stood where the set's name stands.
    #[must_use]
    pub fn word(&self, span: Span) -> Word {
        Word { text: self.text.to_owned(), spelling: self.spelling, span }
    }
}

/// Every member of every set of a kind, in the order of the file.
pub fn members(kind: Kind) -> impl Iterator<Item = Member> {
    kind.file().lines().filter_map(move |line| member(kind, line))
}

fn member(kind: Kind, line: &'static str) -> Option<Member> {
    let (set, rest) = line.strip_prefix('@')?.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (text, rest, spelling) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let (text, rest) = quoted.split_once('"')?;
            (text, rest, Spelling::Quoted)
        }
        None => {
            let (text, rest) = rest.split_once(char::is_whitespace)?;
            (text, rest, Spelling::Bare)
        }
    };
    let rest = rest.trim();
    let (missing, source) = match kind {
        Kind::Names => {
            let (word, source) = rest.split_once(char::is_whitespace)?;
            (Promise::from_word(word)?, source.trim())
        }
        _ => (Promise::Prevent, rest),
    };
    Some(Member { set, text, missing, source, spelling })
}

/// What kind of set a name is, if there is such a set.
#[must_use]
pub fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| members(*kind).any(|member| member.set == name))
}

/// The names of all sets of the kinds, sorted.
#[must_use]
pub fn names(kind: Option<Kind>) -> Vec<&'static str> {
    let kinds = Kind::ALL.into_iter().filter(|k| kind.is_none_or(|kind| kind == *k));
    let mut names: Vec<_> = kinds.flat_map(members).map(|member| member.set).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Every system call that may be named, sorted within each half: calls with conditions first.
pub fn syscalls() -> impl Iterator<Item = &'static str> {
    KNOWN_SYSCALLS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_set_file_is_a_member_with_a_source() {
        for kind in Kind::ALL {
            for line in kind.file().lines().filter(|line| !line.starts_with('#')) {
                let member = member(kind, line).unwrap_or_else(|| panic!("not a member: {line}"));
                assert!(member.source.len() > 2, "no source: {line}");
            }
        }
    }

    #[test]
    fn a_set_lists_a_member_once_and_has_one_kind() {
        for kind in Kind::ALL {
            let mut all: Vec<_> = members(kind).map(|m| (m.set, m.text)).collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "{kind:?}");
            for (set, _) in all {
                assert_eq!(super::kind(set), Some(kind), "{set}");
            }
        }
    }

    #[test]
    fn groups_name_known_system_calls() {
        let known: std::collections::BTreeSet<_> = syscalls().collect();
        for member in members(Kind::Syscalls) {
            assert!(known.contains(member.text), "{}", member.text);
        }
    }
}
