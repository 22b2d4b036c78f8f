//! In: paths, or none. Out: a checked policy for the commands that need one, or the diagnostics that
//! say why there is none, printed.

use super::evaluator::Limited;
use super::files::{self, Sources};
use super::output::Style;
use super::render;
use crate::check::CheckedPolicy;
use crate::compile::{self, Input};
use crate::diagnostic::Diagnostics;
use crate::loader::{Loader, STDLIB};
use crate::source::SourceMap;
use std::path::PathBuf;

/// What came of reading and checking.
pub struct Checked {
    /// The policy, unless an error was found.
    pub policy: Option<CheckedPolicy>,
    /// Every finding.
    pub diagnostics: Diagnostics,
    /// The sources the findings point into.
    pub sources: SourceMap,
    /// The files, if any were found.
    pub files: Option<Sources>,
}

/// Reads and checks the policy that paths stand for.
pub fn check(paths: &[PathBuf], codex: bool) -> Checked {
    let mut diagnostics = Diagnostics::new();
    let mut sources = SourceMap::new();
    let Some(files) = files::find(paths, &mut sources, &mut diagnostics) else {
        return Checked { policy: None, diagnostics, sources, files: None };
    };
    let input = Input { rules: files.rules.clone(), codex };
    let checked = run(&input, &files.disk, sources, diagnostics);
    Checked { files: Some(files), ..checked }
}

fn run(input: &Input, loader: &dyn Loader, sources: SourceMap, mut diagnostics: Diagnostics) -> Checked {
    let (policy, sources) = match compile::check(input, loader, &Limited, sources, &mut diagnostics) {
        Ok(policy) => {
            let sources = policy.sources().clone();
            (Some(policy), sources)
        }
        Err((_, sources)) => (None, sources),
    };
    // Codex stops at the first fault; in its mode that one stays first.
    if !input.codex {
        diagnostics.sort();
    }
    Checked { policy, diagnostics, sources, files: None }
}

/// Reads a policy in order to decide from it. Errors are printed; without a policy there is no
/// decision.
pub fn load(paths: &[PathBuf], codex: bool, style: Style) -> Option<CheckedPolicy> {
    usable(check(paths, codex), style)
}

/// The embedded default policy.
pub fn embedded(style: Style) -> Option<CheckedPolicy> {
    let input = Input { rules: vec![format!("{STDLIB}default.rules")], codex: false };
    usable(run(&input, &files::Disk::default(), SourceMap::new(), Diagnostics::new()), style)
}

fn usable(checked: Checked, style: Style) -> Option<CheckedPolicy> {
    if checked.policy.is_none() {
        render::print(&checked.diagnostics, &checked.sources, style, render::Limit::Errors);
    }
    checked.policy
}
