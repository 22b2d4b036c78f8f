//! What an analysis yields: the commands that a script can run ([`Segment`]), with all that a decision needs to know
//! about each. Not here: how they are found (`interpret/`).

use crate::reason::{AllowBlocker, Reason};
use crate::value::argv::Argv;
use crate::value::words::WordSet;
use alloc::vec::Vec;

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

impl Effect {
    /// Whether an allow has to worry about it.
    pub(crate) fn opens_a_file(&self) -> bool {
        !matches!(
            self.target.known(),
            Some(b"/dev/null" | b"/dev/stdin" | b"/dev/stdout" | b"/dev/stderr" | b"/dev/zero")
        )
    }
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

/// One command that a script can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it stands.
    pub span: Span,
    /// What is run; empty for [`Role::Bare`].
    pub argv: Argv,
    /// What it is to the decision.
    pub role: Role,
    /// Why it, or what it runs, cannot be known.
    pub opaque: Option<Reason>,
    /// Why no allow counts for it, if so.
    pub blocker: Option<AllowBlocker>,
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
        self.role == Role::Command && self.opaque.is_none() && self.blocker.is_none()
    }

    /// Whether it only starts others and so needs no place of its own, if no rule speaks about it.
    #[must_use]
    pub fn needs_no_place(&self) -> bool {
        self.role == Role::Carrier
            && !matches!(self.blocker, Some(AllowBlocker::Effects | AllowBlocker::Environment))
    }
}

/// Every command that a script can run, in the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// The commands and opaque parts.
    pub segments: Vec<Segment>,
}
