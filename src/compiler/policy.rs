//! In: what the front ends read. Out: [`Policy`], what was written, with spans on everything.
//! Not here: whether it is right (`check.rs`) and how it becomes fast (`lower.rs`).

pub mod matches;
pub mod placement;
pub mod profile;
pub mod program;
pub mod rule;
pub mod scripts;
pub mod tools;

use profile::Profiles;
use tools::Tools;

pub use rule::{
    Decision, Example, HostExecutable, NetworkRule, Pattern, PatternToken, PrefixRule, Protocol, SandboxRule,
};

/// What a `sandbox_rule` names to run a command without any confinement. It is not a profile.
pub const UNCONFINED: &str = "unconfined";

/// Everything that the sources of one compilation say, in the order in which it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The prefix rules, in load order: sources as given, calls as made.
    pub rules: Vec<PrefixRule>,
    /// Where named programs may live. For one name the last entry counts.
    pub hosts: Vec<HostExecutable>,
    /// Statements about network destinations; no command decision depends on them.
    pub networks: Vec<NetworkRule>,
    /// Where commands run, in load order.
    pub placements: Vec<SandboxRule>,
    /// The profiles of the sandbox files with those of the standard library; empty if there is
    /// neither a sandbox file nor a `sandbox_rule`.
    pub profiles: Profiles,
    /// What is known about programs that run other programs.
    pub tools: Tools,
}

impl Policy {
    /// The entry that counts for a program name: the last one.
    #[must_use]
    pub fn host(&self, name: &[u8]) -> Option<&HostExecutable> {
        self.hosts.iter().rev().find(|host| host.name.value.as_bytes() == name)
    }
}
