//! In: nothing. Out: the tree of a `.sandbox` file, exactly as written.
//! Not here: what the words mean; `resolve.rs` finds that out.

use crate::source::{Span, Spanned};
use execpolicy_profile::{Platform, Verb};

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

/// A term, and what is said about it where the statement takes pairs.
pub type Term = (Word, Option<Word>);

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// One of [`execpolicy_profile::STATEMENTS`].
    Say(Verb, Vec<Term>),
    /// `unset` before one of them.
    Unset(Verb, Vec<Term>),
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
