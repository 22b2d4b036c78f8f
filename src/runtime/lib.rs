//! Loads a compiled policy and decides commands: the policy decision point, as small as it can be.
//!
//! In: the bytes of an artifact and an argv. Out: a verdict. Not here: the languages policies are
//! written in; this package never depends on the compiler.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

extern crate alloc;

#[cfg(feature = "std")]
pub mod answer;
pub mod artifact;
pub mod decide;
pub mod decision;
pub mod placement;
#[cfg(feature = "std")]
pub mod policy;
pub mod program;
pub mod record;
#[cfg(feature = "std")]
pub mod script;
pub mod table;
mod text;
mod validate;
pub mod wire;

#[cfg(feature = "std")]
pub use answer::{Answer, Place, Site, Unknown};
pub use artifact::Artifact;
pub use decide::{RuleMatch, Scratch, Verdict};
pub use decision::{Conclusion, Context, Decision, Mode};
pub use execpolicy_shell::programs::Opaque;
pub use placement::{Confinement, Placement};
#[cfg(feature = "std")]
pub use policy::Policy;
pub use wire::{LoadError, LoadErrorKind};
