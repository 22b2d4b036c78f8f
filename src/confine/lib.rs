//! Enforcement: runs a command so that the kernel keeps it to a plan, or does not run it.
//!
//! In: a [`Plan`] (which paths, network, environment, limits, system calls) and an argv. Out: a running, confined command
//! with an [`EnforcementStatus`], or a [`ConfineError`]. Not here: policies and profiles; whoever has one builds the plan.
//!
//! ```no_run
//! use std::time::Duration;
//! use execpolicy_confine::{Access, Command, ConfineError, Helper, Plan, Sandbox, Session, init};
//!
//! fn main() -> Result<(), ConfineError> {
//!     init(); // first: in the helper process this does not return
//!     let plan = Plan::nothing("/work".into()).allow("/", Access::Read).allow("/work", Access::Write);
//!     let sandbox = Sandbox::prepare(&plan, Helper::current()?)?;
//!
//!     // One command in a sandbox of its own.
//!     let listing = sandbox.output(&Command::new(["ls", "-l"]))?;
//!     println!("{}", listing.stdout.text());
//!
//!     // Many commands in one sandbox.
//!     let session = Session::start(&sandbox)?;
//!     let test = Command::new(["make", "test"]).current_dir("core").time_limit(Duration::from_secs(60));
//!     let result = session.output(&test)?;
//!     println!("{:?}: {}", result.outcome, result.stderr.text());
//!     for finding in session.end()? {
//!         println!("{}: {}", finding.path.display(), finding);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! [`Sandbox::run`] and [`Session::spawn`] give a command descriptors of the caller's instead, and return while it runs.
//!
//! Four processes: the caller; the helper (the same program exec'd again with an empty environment); process 1 of the new
//! namespaces, which builds the view and owns it; the command. A [`Session`] has a spawner in the command's place.

#![cfg(unix)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

#[cfg(target_os = "linux")]
mod codec;
#[cfg(target_os = "linux")]
mod command;
#[cfg(target_os = "linux")]
mod ended;
#[cfg(target_os = "linux")]
mod error;
#[cfg(target_os = "linux")]
mod layout;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub mod lower;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
mod names;
#[cfg(target_os = "linux")]
mod obstacle;
#[cfg(target_os = "linux")]
mod plain;
#[cfg(target_os = "linux")]
mod plan;
pub mod seatbelt;
#[cfg(target_os = "linux")]
pub mod seccomp;
#[cfg(target_os = "linux")]
mod status;

#[cfg(target_os = "linux")]
pub use command::{Captured, Command};
#[cfg(target_os = "linux")]
pub use ended::{ExitOutcome, Finding, FindingReason};
#[cfg(target_os = "linux")]
pub use error::{Cause, ConfineError, Reason, Step};
#[cfg(target_os = "linux")]
pub use linux::{
    Ended, Helper, Output, Running, Sandbox, Session, SessionChild, Standard, detect,
    detect_without_namespaces, duplicate, inherited, init, is_placeholder,
};
#[cfg(target_os = "linux")]
pub use obstacle::Obstacle;
#[cfg(target_os = "linux")]
pub use plan::{
    Access, Gap, Late, Limits, Missing, MissingKind, Network, Passing, PathRule, Plan, Promise, Requirement,
    VariableRule,
};
#[cfg(target_os = "linux")]
pub use status::{Aspect, ClauseStatus, Enforcement, EnforcementStatus};
