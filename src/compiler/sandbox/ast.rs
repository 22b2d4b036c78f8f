//! In: nothing. Out: the tree of a `.sandbox` file, exactly as written.
//! Not here: what the words mean; `resolve.rs` finds that out.

use crate::source::{Span, Spanned};
use execpolicy_profile::{PathAccess, Platform, Stance};

/// How a word was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As it is: `*` is a wildcard, `$name` a name.
    Bare,
    /// In quotes, which are already taken off: everything after a leading root stands for itself.
    Quoted,
    /// `@name`, without the `@`.
    Set,
}

/// A word: a path, a host, a name, a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its text.
    pub text: String,
    /// How it was written.
    pub spelling: Spelling,
    /// Where.
    pub span: Span,
}

/// What a statement about the environment does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvVerb {
    /// `env pass`
    Pass,
    /// `env deny`
    Deny,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `write P, …`, `read`, `deny`, `private`
    Paths(PathAccess, Vec<Word>),
    /// `protect N, …`
    Protect(Vec<Word>),
    /// `network off`
    NetworkOff,
    /// `network full`
    NetworkFull,
    /// `network allow H, …` or `network deny H, …`
    Hosts(bool, Vec<Word>),
    /// `env pass N, …` or `env deny N, …`
    Env(EnvVerb, Vec<Word>),
    /// `env set N = V, …`
    EnvSet(Vec<(Word, Word)>),
    /// `limit K V, …`
    Limit(Vec<(Word, Word)>),
    /// `syscalls allow S, …` or `syscalls deny S, …`
    Syscalls(bool, Vec<Word>),
    /// `require F, …` or `accept gap F, …`
    Features(Stance, Vec<Word>),
    /// `mach-lookup "S", …`
    Mach(Vec<Word>),
    /// `unset network`
    UnsetNetwork,
    /// `unset env set N, …`
    UnsetEnvSet(Vec<Word>),
    /// `unset limit K, …`
    UnsetLimit(Vec<Word>),
    /// `unset` before any of the statements with a plain list
    Unset(Box<Statement>),
    /// `on linux { … }`
    On(Platform, Vec<Spanned<Statement>>),
    /// `phase setup { … }`
    Setup(Vec<Spanned<Statement>>),
    /// What could not be read; already reported.
    Broken,
}

/// What stands at the top of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `let N = W, …`
    Let(Word, Vec<Word>),
    /// `profile N extends M { … }`
    Profile(Word, Option<Word>, Vec<Spanned<Statement>>),
    /// `default N`
    Default(Word),
    /// What could not be read; already reported.
    Broken,
}
