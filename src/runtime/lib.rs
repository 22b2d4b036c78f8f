//! Loads a compiled policy and decides commands: the policy decision point, as small as it can be.
//!
//! In: the bytes of an artifact, and an argv or a script. Out: what the policy says. Not here: the languages policies are
//! written in; this package never depends on the compiler.
//!
//! [`Policy`] owns its bytes and gives owned answers:
//!
//! ```no_run
//! use execpolicy_runtime::{Conclusion, Dialect, Policy};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::from_bytes(std::fs::read("policy.epc")?)?;
//! let answer = policy.decide_script("git status && git push --force", Dialect::Bash, None);
//! if answer.conclusion > Conclusion::Unmatched {
//!     println!("{answer}"); // forbidden because of `git push --force`: rewrites shared history (agent.rules:6)
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Artifact`] borrows its bytes, and decides a command without allocation:
//!
//! ```no_run
//! use execpolicy_runtime::{Artifact, Context};
//!
//! # fn main() -> Result<(), execpolicy_runtime::LoadError> {
//! # let bytes = Vec::new();
//! let artifact = Artifact::from_bytes(&bytes)?;
//! let mut scratch = artifact.scratch();
//! for argv in [["git", "status"], ["git", "push"]] {
//!     let verdict = artifact.decide(&argv, &Context::default(), &mut scratch);
//!     println!("{}: {verdict}", argv.join(" "));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Bytes that are no artifact are refused, and a policy that does not load allows nothing:
//!
//! ```
//! let error = execpolicy_runtime::Policy::from_bytes(*b"prefix_rule(").unwrap_err();
//! assert_eq!(error.to_string(), "not a compiled policy (section `header`, byte 0)");
//! ```
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
pub use execpolicy_shell::Dialect;
pub use execpolicy_shell::programs::Opaque;
pub use placement::{Confinement, Placement};
#[cfg(feature = "std")]
pub use policy::Policy;
pub use wire::{LoadError, LoadErrorKind};
