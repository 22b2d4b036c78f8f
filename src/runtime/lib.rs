//! Loads a compiled policy and decides commands: the policy decision point, as small as it can be.
//!
//! In: the bytes of an artifact and an argv. Out: a verdict. Not here: the languages policies are
//! written in; this package never depends on the compiler.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

extern crate alloc;

pub mod artifact;
pub mod decide;
pub mod decision;
pub mod placement;
pub mod program;
#[cfg(feature = "std")]
pub mod script;
pub mod table;
mod validate;
pub mod wire;

pub use artifact::Artifact;
pub use decide::{RuleMatch, Scratch, Verdict};
pub use decision::{Conclusion, Context, Decision, Mode};
pub use execpolicy_shell::programs::Opaque;
pub use placement::{Confinement, Placement};
pub use wire::{LoadError, LoadErrorKind};
