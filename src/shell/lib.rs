//! In: the bytes of a script, or an argv that may hold one. Out: every command that it can run
//! ([`analyse`], [`analyse_argv`]).
//!
//! Not here: rules, and how a command is confined. The meaning in words: `docs/scripts.md`.
//!
//! ```
//! use execpolicy_shell::{Dialect, Limits, ToolFacts, analyse};
//!
//! let script = b"cd src && rm -rf $x; echo done";
//! let analysis = analyse(script, Dialect::Bash, None, &ToolFacts::none(), &Limits::default());
//! let commands: Vec<String> = analysis.segments.iter().map(|segment| segment.argv.describe()).collect();
//! assert!(commands.contains(&"echo done".to_owned()));
//! // A word whose value is not known stands for any word, and for any number of them.
//! assert!(commands.iter().any(|command| command.starts_with("rm -rf ")));
//! ```
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod builtins;
mod interpret;
mod launch;
mod limits;
pub mod names;
pub mod programs;
pub mod reason;
mod segment;
mod syntax;
mod tools;
mod value;

pub use limits::Limits;
pub use reason::{AllowBlocker, Reason};
pub use segment::{Access, Analysis, Dialect, Effect, Environment, Role, Segment, Span};
pub use tools::facts::{FactsError, ToolFacts};
pub use value::argv::{Argv, Fit, Item};
pub use value::words::{Pattern, Piece, WordSet};

use interpret::walk::Walk;

/// Analyses a script. Never fails: what cannot be understood is an opaque segment.
#[must_use]
pub fn analyse(
    script: &[u8],
    dialect: Dialect,
    cwd: Option<&[u8]>,
    facts: &ToolFacts,
    limits: &Limits,
) -> Analysis {
    Walk::new(facts, limits).script(script, dialect, cwd)
}

/// Analyses one argv: the command itself first, then whatever it runs. An empty argv is nothing.
#[must_use]
pub fn analyse_argv<T: AsRef<[u8]>>(
    argv: &[T],
    cwd: Option<&[u8]>,
    facts: &ToolFacts,
    limits: &Limits,
) -> Analysis {
    Walk::new(facts, limits).argv(&Argv::known(argv), cwd)
}
