//! In: a [`Policy`] as written. Out: a [`CheckedPolicy`], the only thing the back half accepts.
//! Not here: reading (`rules.rs`) and lowering (`lower.rs`).

mod dead_words;
pub mod examples;
pub mod overlap;
pub mod placements;
pub mod tokens;

use crate::diagnostic::{Diagnostics, Loaded, Reported};
use crate::policy::Policy;
use crate::source::SourceMap;

/// How a policy is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Examples are tried by Codex's literal matching, and nothing that Codex accepts is refused.
    pub codex: bool,
}

/// A policy without errors, and the sources its spans point into. [`check`] alone makes one.
#[derive(Clone, Debug)]
pub struct CheckedPolicy {
    policy: Policy,
    sources: SourceMap,
}

impl CheckedPolicy {
    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The sources its spans point into.
    #[must_use]
    pub const fn sources(&self) -> &SourceMap {
        &self.sources
    }
}

/// Checks a policy: examples, tokens, places, rules against each other. All findings are reported.
///
/// # Errors
/// [`Reported`] if the sink holds any error, or if one was reported while the policy was read, to whichever sink: a policy
/// of which a part could not be read would decide as if that part said nothing.
pub fn check(
    loaded: impl Into<Loaded<Policy>>,
    sources: SourceMap,
    options: Options,
    diagnostics: &mut Diagnostics,
) -> Result<CheckedPolicy, (Reported, SourceMap)> {
    let (policy, read) = loaded.into().parts();
    examples::check(&policy, &sources, options, diagnostics);
    if !options.codex {
        tokens::check(&policy, &sources, diagnostics);
        placements::check(&policy, &sources, diagnostics);
        // Of rules that are not right yet, nothing can be said about how they bear on others.
        if !diagnostics.has_errors() {
            overlap::check(&policy, &sources, diagnostics);
        }
    }
    match read.and(diagnostics.ok()) {
        Ok(()) => Ok(CheckedPolicy { policy, sources }),
        Err(reported) => Err((reported, sources)),
    }
}
