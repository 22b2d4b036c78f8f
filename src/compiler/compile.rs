//! The driver: the whole compiler on one screen.
//!
//! In: names of sources and the outside world as traits. Out: a checked policy, or proof that the
//! diagnostics hold an error.

use crate::check::{self, CheckedPolicy};
use crate::diagnostic::{Diagnostics, Reported};
use crate::loader::Loader;
use crate::rules::record::Evaluate;
use crate::{rules, sandbox, source::SourceMap};

/// What is compiled, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The names of the rule files, in order.
    pub rules: Vec<String>,
    /// The names of the sandbox files, in order. Codex has none, and its mode does not read them.
    pub sandboxes: Vec<String>,
    /// Read and check as Codex 0.169 does.
    pub codex: bool,
}

/// Reads and checks a policy.
///
/// # Errors
/// [`Reported`] if anything is wrong, with the sources that the diagnostics point into.
pub fn check(
    input: &Input,
    loader: &dyn Loader,
    evaluator: &dyn Evaluate,
    mut sources: SourceMap,
    diagnostics: &mut Diagnostics,
) -> Result<CheckedPolicy, (Reported, SourceMap)> {
    let codex = input.codex;
    let mut loaded =
        rules::load(&input.rules, loader, evaluator, rules::Options { codex }, &mut sources, diagnostics);
    let confines = !input.sandboxes.is_empty() || !loaded.get().placements.is_empty();
    if confines && !codex {
        let names: Vec<&str> = input.sandboxes.iter().map(String::as_str).collect();
        let profiles = sandbox::load_files(loader, &names, &mut sources, diagnostics);
        loaded = loaded.with(profiles, |policy, profiles| {
            policy.profiles = profiles;
            policy.profiles.subtract(&policy.networks, &sources);
        });
    }
    let checked = check::check(loaded, sources, check::Options { codex }, diagnostics);
    diagnostics.settle(match &checked {
        Ok(policy) => policy.sources(),
        Err((_, sources)) => sources,
    });
    checked
}
