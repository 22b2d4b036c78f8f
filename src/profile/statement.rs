//! In: nothing. Out: [`STATEMENTS`], every statement of a profile's body: the words it begins with, and what follows them.
//! Not here: what a statement says (`clause.rs`), and blocks. The grammar for people is `grammar/sandbox.ebnf`.

use super::{NetworkMode, PathAccess, Stance};

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `write P`, `read P`, `deny P`, `private P`
    Path(PathAccess),
    /// `protect N`
    Protect,
    /// `network off`, `network full`; with `unset`, all that is said about the network.
    Network(Option<NetworkMode>),
    /// `network allow H`, `network deny H`
    Host {
        /// Which of the two.
        allow: bool,
    },
    /// `env pass V`
    EnvPass,
    /// `env deny V`
    EnvDeny,
    /// `env set V = "…"`
    EnvSet,
    /// `limit K V`
    Limit,
    /// `umask M`
    Umask,
    /// `syscalls allow S`, `syscalls deny S`
    Syscall {
        /// Which of the two.
        allow: bool,
    },
    /// `require F`, `accept gap F`
    Feature(Stance),
    /// `mach-lookup "S"`
    Mach,
}

/// What follows a verb. The texts say what a term is, in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Nothing.
    Nothing,
    /// Terms with commas between them.
    List(&'static str),
    /// Pairs of terms with commas between them.
    Pairs(&'static str, &'static str),
    /// Pairs with `=` in the middle.
    Assignments(&'static str, &'static str),
}

/// One form of a statement.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Its first words.
    pub words: &'static [&'static str],
    /// What it does.
    pub verb: Verb,
    /// What follows when it is said; `None` if it can only be taken back.
    pub said: Option<Terms>,
    /// What follows when it is taken back with `unset`; `None` if it can only be said.
    pub unset: Option<Terms>,
}

/// A statement with a list, which is taken back by the same words.
const fn list(words: &'static [&'static str], verb: Verb, what: &'static str) -> Statement {
    Statement { words, verb, said: Some(Terms::List(what)), unset: Some(Terms::List(what)) }
}

/// Every statement, in the order of the grammar.
pub const STATEMENTS: &[Statement] = &[
    list(&["write"], Verb::Path(PathAccess::Write), "a path"),
    list(&["read"], Verb::Path(PathAccess::Read), "a path"),
    list(&["deny"], Verb::Path(PathAccess::Deny), "a path"),
    list(&["private"], Verb::Path(PathAccess::Private), "a path"),
    list(&["protect"], Verb::Protect, "a name"),
    Statement {
        words: &["network", "off"],
        verb: Verb::Network(Some(NetworkMode::Off)),
        said: Some(Terms::Nothing),
        unset: None,
    },
    Statement {
        words: &["network", "full"],
        verb: Verb::Network(Some(NetworkMode::Full)),
        said: Some(Terms::Nothing),
        unset: None,
    },
    list(&["network", "allow"], Verb::Host { allow: true }, "a host"),
    list(&["network", "deny"], Verb::Host { allow: false }, "a host"),
    Statement { words: &["network"], verb: Verb::Network(None), said: None, unset: Some(Terms::Nothing) },
    list(&["env", "pass"], Verb::EnvPass, "a variable"),
    list(&["env", "deny"], Verb::EnvDeny, "a variable"),
    Statement {
        words: &["env", "set"],
        verb: Verb::EnvSet,
        said: Some(Terms::Assignments("a name", "a value")),
        unset: Some(Terms::List("a variable")),
    },
    Statement {
        words: &["limit"],
        verb: Verb::Limit,
        said: Some(Terms::Pairs("a limit", "a value")),
        unset: Some(Terms::List("a limit")),
    },
    Statement {
        words: &["umask"],
        verb: Verb::Umask,
        said: Some(Terms::List("a mask")),
        unset: Some(Terms::Nothing),
    },
    list(&["syscalls", "allow"], Verb::Syscall { allow: true }, "a system call"),
    list(&["syscalls", "deny"], Verb::Syscall { allow: false }, "a system call"),
    list(&["require"], Verb::Feature(Stance::Require), "a feature"),
    list(&["accept", "gap"], Verb::Feature(Stance::Accept), "a feature"),
    list(&["mach-lookup"], Verb::Mach, "a service"),
];

/// Words with a fixed meaning outside of [`STATEMENTS`].
const OTHERS: [&str; 10] =
    ["let", "profile", "extends", "default", "unset", "on", "linux", "macos", "phase", "setup"];

/// Every word with a fixed meaning; it is quoted where it stands for itself. Some come twice.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    STATEMENTS.iter().flat_map(|statement| statement.words).copied().chain(OTHERS)
}
