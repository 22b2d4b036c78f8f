//! What a sandbox profile is. In: the profiles section of an artifact, or the clauses that the compiler has read. Out: [`Profiles`] and,
//! for one name, phase and platform, the [`Profile`] that is enforced: flat, `extends` and `unset` already applied. Each kind of
//! clause is here once: its types, its statement as text, its bytes, and its meaning ([`model`]).
//! Not here: the language (the compiler's `sandbox/`), and how a kernel is made to enforce a profile (`confine/`).
//!
//! [`Profiles::from_bytes`] reads every record once, keeps none, and refuses what it cannot read; after that no accessor can
//! fail. A profile that is taken out borrows its texts from the bytes.

//!
//! ```
//! use execpolicy_profile::{Profiles, encode};
//!
//! let section = encode([].iter(), None).unwrap();
//! let profiles = Profiles::from_bytes(&section).unwrap();
//! assert_eq!(profiles.names().count(), 0);
//! assert!(Profiles::from_bytes(b"no section").is_err());
//! ```

#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

extern crate alloc;

mod clause;
mod decide;
pub mod glob;
pub mod model;
mod order;
mod place;
mod profile;
mod section;
mod statement;
mod term;
mod wire;
mod words;

pub use clause::*;
pub use decide::{Variable, variable};
pub use order::Order;
pub use place::{Located, Origin, Place};
pub use profile::Network;
pub use section::{DefaultProfile, Profiles, encode};
pub use statement::{STATEMENTS, Statement, Terms, Verb, keywords};
pub use wire::{ProfileError, Text, TextFrom};
pub use words::{
    Access, Feature, LimitKind, NetworkMode, PathAccess, Phase, Platform, Promise, Root, Stance,
};

/// The profile of the standard library in which a command runs that nothing places, if the policy does not
/// say `default NAME`.
pub const DEFAULT: &str = "workspace-write";
