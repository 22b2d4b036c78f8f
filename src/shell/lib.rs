//! In: the bytes of a script, or an argv that may hold one. Out: every command that it can run
//! ([`analyse`], [`analyse_argv`]).
//!
//! Not here: rules, and how a command is confined. The meaning in words: `docs/scripts.md`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod arithmetic;
mod ast;
mod brace;
mod builtins;
mod expand;
mod field;
mod invoke;
mod invoke_options;
mod invoke_shell;
mod invoke_wrapper;
mod parameter;
pub mod programs;
mod read;
mod read_compound;
mod read_here;
mod read_simple;
mod read_word;
mod simple;
mod state;
mod tools;
mod walk;
mod words;
mod zsh;

pub use tools::{FactsError, ToolFacts};
pub use words::{Argv, Fit, Item, Pattern, Piece, WordSet};

/// Where something stands: bytes `start..end` of one argument of the command. A part of a script
/// inside a script has the span of the word that holds the inner script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Which word of the argv, from 0; 0 as well if a script alone was analysed.
    pub argument: u32,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The shell that reads a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// bash, and ksh where it is the same.
    #[default]
    Bash,
    /// `sh`: dash, ash, or bash under that name; where they differ, all readings count.
    Posix,
    /// zsh: read as bash; what it reads differently is opaque.
    Zsh,
}

/// How much an analysis may cost. What goes beyond is opaque, so `prompt`; it is never skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a script.
    pub bytes: usize,
    /// Levels of nesting: groups, substitutions, scripts in scripts.
    pub depth: usize,
    /// Commands walked through, those of loops and functions each time.
    pub commands: usize,
    /// Steps through the compiled rules for words that are not known, of all parts together.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 40, commands: 20_000, steps: 20_000_000 }
    }
}

/// What a redirection does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// `<`
    Read,
    /// `>`, `&>`: empties the file; `>|` does so under `noclobber` too.
    Write,
    /// `>>`, `&>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `/dev/tcp/host/port`, `/dev/udp/…`: bash connects instead of opening a file.
    Connect,
}

/// A file (or connection) that a redirection opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What is done.
    pub access: Access,
    /// The word as it can be; relative to the segment's working directory.
    pub target: WordSet,
}

/// An assignment before a command: part of its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The variable.
    pub name: Vec<u8>,
    /// Its value.
    pub value: WordSet,
}

/// What a segment is to the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A command that can run: guards and allows are asked.
    Command,
    /// A command that only starts another one, which has its own segment, or does nothing outside
    /// the shell: guards are asked, but its silence does not keep a script from being allowed.
    Carrier,
    /// A reading that may not be the right one: guards are asked, allows do not count.
    Candidate,
    /// No command: file effects alone, or a part that could not be read.
    Bare,
}

/// Why no allow counts for a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shield {
    /// It opens a file or a connection by redirection.
    Effects,
    /// A variable off the safe list is set before it.
    Environment,
    /// It runs by a wrapper that changes user, root, host or environment.
    Wrapper,
    /// It starts other commands, which are decided for themselves.
    Carrier,
    /// One of its words is not known and could be an option that runs a program.
    Option,
}

impl Shield {
    /// A sentence part for messages: "an allow does not count, because the command …".
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Effects => "opens a file by redirection",
            Self::Environment => "runs with a variable set that can change what it does",
            Self::Wrapper => "runs by a wrapper that changes more than how it is scheduled",
            Self::Carrier => "starts another command",
            Self::Option => "has a word that could be an option that runs a program",
        }
    }
}

/// One command that a script can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it stands.
    pub span: Span,
    /// What is run; empty for [`Role::Bare`].
    pub argv: Argv,
    /// What it is to the decision.
    pub role: Role,
    /// Why it, or what it runs, cannot be known; a sentence part that goes after "it".
    pub opaque: Option<&'static str>,
    /// Why no allow counts for it, if so.
    pub shield: Option<Shield>,
    /// Files that its redirections open.
    pub effects: Vec<Effect>,
    /// Assignments before it.
    pub environment: Vec<Environment>,
    /// The absolute working directory, if it is known.
    pub cwd: Option<Vec<u8>>,
    /// The wrappers it runs by, outermost first.
    pub through: Vec<Vec<u8>>,
    /// Whether it runs on another machine or in a container.
    pub remote: bool,
}

impl Segment {
    /// Whether a sandbox rule can place it for sure: nothing is unknown about what runs, and nothing around
    /// it changes it.
    #[must_use]
    pub fn can_be_placed(&self) -> bool {
        self.role == Role::Command && self.opaque.is_none() && self.shield.is_none()
    }

    /// Whether it only starts others and so needs no place of its own, if no rule speaks about it.
    #[must_use]
    pub fn needs_no_place(&self) -> bool {
        self.role == Role::Carrier && !matches!(self.shield, Some(Shield::Effects | Shield::Environment))
    }
}

/// Every command that a script can run, in the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// The commands and opaque parts.
    pub segments: Vec<Segment>,
}

/// Analyses a script. Never fails: what cannot be understood is an opaque segment.
#[must_use]
pub fn analyse(
    script: &[u8],
    dialect: Dialect,
    cwd: Option<&[u8]>,
    facts: &ToolFacts,
    limits: &Limits,
) -> Analysis {
    let mut walker = walk::Walker::new(facts, limits);
    walker.whole_script(script, dialect, cwd);
    walker.finish()
}

/// Analyses one argv: the command itself first, then whatever it runs. An empty argv is nothing.
#[must_use]
pub fn analyse_argv<T: AsRef<[u8]>>(
    argv: &[T],
    cwd: Option<&[u8]>,
    facts: &ToolFacts,
    limits: &Limits,
) -> Analysis {
    let mut walker = walk::Walker::new(facts, limits);
    walker.whole_argv(&Argv::known(argv), cwd);
    walker.finish()
}
