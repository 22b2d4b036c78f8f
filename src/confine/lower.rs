//! From a compiled profile to a [`Plan`] for this host.
//!
//! In: a [`Profile`] and a [`Host`] (roots, working directory, environment of whoever runs the command). Out:
//! [`Lowered`]: the plan, by which wall each clause is carried, and what the profile says about any path; or a [`Refusal`]
//! with the statement and the way out. Not here: enforcement (`linux/`), and any word of the command.
//!
//! What an agent does with a compiled policy and a command that may run:
//!
//! ```no_run
//! use execpolicy_runtime::Artifact;
//! use execpolicy_confine::lower::{Host, lower};
//! use execpolicy_confine::{ConfineError, Helper, Sandbox, Session};
//! use execpolicy_profile::{Phase, Platform};
//!
//! /// A session for the commands that the policy places in a profile; `None` if there is no such profile.
//! fn session(policy: &Artifact<'_>, profile: &str) -> Option<Result<Session, ConfineError>> {
//!     let profile = policy.profiles()?.get(profile, Phase::Run, Platform::Linux)?;
//!     let start = || {
//!         let lowered = lower(&profile, &Host::current("/work".as_ref())?)?;
//!         Session::start(&Sandbox::prepare(&lowered.plan, Helper::current()?)?)
//!     };
//!     Some(start())
//! }
//! ```
//!
//! The meaning is the reference model (`execpolicy_profile::model`); `tests/confine_model.rs` tries both on
//! random profiles. The file tree is read once: roots, links, and what wildcards and protected names match.

mod clauses;
mod files;
mod host;
pub(crate) mod refusal;
mod repository;
mod scan;
mod view;
mod work;

pub use host::Host;
pub use refusal::Refusal;
pub use view::{Answer, By, Said, View};
pub use work::Carried;
use work::Work;

use std::vec::Vec;

use super::plan::Plan;
use execpolicy_profile::{Profile, Stance};

/// A profile on a host.
#[derive(Clone, Debug)]
pub struct Lowered<'a> {
    /// What is enforced.
    pub plan: Plan,
    /// Each clause once, in the order of the profile.
    pub carried: Vec<Carried<'a>>,
    /// What the profile says about paths.
    pub view: View<'a>,
    /// The gaps the profile accepts, as words of the language.
    pub accepted: Vec<&'static str>,
}

/// Makes a plan. Reads the host's file tree and nothing of the command.
///
/// # Errors
/// A [`Refusal`] if some clause could not be enforced exactly and the profile does not accept that.
pub fn lower<'a>(profile: &Profile<&'a str>, host: &Host) -> Result<Lowered<'a>, Refusal> {
    let view = View::bind(profile, host)?;
    let mut work = Work {
        plan: Plan::nothing(host.cwd().to_path_buf()),
        carried: Vec::new(),
        accepted: profile
            .features
            .iter()
            .filter(|rule| rule.stance == Stance::Accept)
            .map(|rule| rule.feature)
            .collect(),
    };
    let found = scan::scan(&view)?;
    files::files(&view, &found, &mut work)?;
    clauses::network(profile, host, &view, &mut work)?;
    clauses::environment(profile, host, &mut work);
    clauses::limits(profile, &mut work)?;
    clauses::syscalls(profile, &mut work)?;
    clauses::features(profile, &view, &mut work)?;
    let accepted = work.accepted.iter().map(|feature| feature.as_str()).collect();
    Ok(Lowered { plan: work.plan, carried: work.carried, view, accepted })
}
