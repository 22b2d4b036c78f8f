//! In: paths, or none. Out: a checked policy for the commands that need one, or the diagnostics that
//! say why there is none, printed.

use super::evaluator::Limited;
use super::files::{self, Sources};
use super::output::Style;
use super::report::human;
use execpolicy_compiler::artifact;
use execpolicy_compiler::check::CheckedPolicy;
use execpolicy_compiler::compile::{self, Input};
use execpolicy_compiler::diagnostic::{Code, Diagnostic, Diagnostics};
use execpolicy_compiler::emit::EmitError;
use execpolicy_compiler::loader::{Loader, STDLIB};
use execpolicy_compiler::source::SourceMap;
use execpolicy_runtime::{LoadError, LoadErrorKind, Policy};
use std::path::{Path, PathBuf};

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
    let input = Input { rules: files.rules.clone(), sandboxes: files.sandboxes.clone(), codex };
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

/// A policy to decide from: always the compiled bytes, so that the checker answers by the runtime's
/// own function.
pub struct Compiled {
    /// The artifact.
    pub policy: Policy,
    /// What it was compiled from; nothing if the bytes themselves were given.
    pub checked: Option<CheckedPolicy>,
}

/// Where a policy to decide from comes from.
#[derive(Clone, Copy, Debug)]
pub enum From<'a> {
    /// Rule files; none means the policy root of this directory.
    Rules(&'a [PathBuf]),
    /// A compiled policy.
    Artifact(&'a Path),
    /// The embedded default.
    Embedded,
}

impl<'a> From<'a> {
    /// What is named; if nothing is, the policy root around this directory, or else the embedded default.
    pub fn named(policy: Option<&'a Path>, files: &'a [PathBuf]) -> Self {
        let marked = || {
            std::env::current_dir()
                .is_ok_and(|here| here.ancestors().any(|directory| directory.join(files::MARKER).is_file()))
        };
        match policy {
            Some(artifact) => Self::Artifact(artifact),
            None if !files.is_empty() || marked() => Self::Rules(files),
            None => Self::Embedded,
        }
    }
}

/// Reads a policy in order to decide from it. Whatever is wrong is printed; without a policy there
/// is no decision.
pub fn load(from: From<'_>, codex: bool, style: Style) -> Option<Compiled> {
    let checked = match from {
        From::Rules(paths) => check(paths, codex),
        From::Embedded => {
            let input = Input { rules: vec![format!("{STDLIB}default.rules")], ..Input::default() };
            run(&input, &files::Disk::default(), SourceMap::new(), Diagnostics::new())
        }
        From::Artifact(path) => return read(path, style),
    };
    let Some(policy) = checked.policy else {
        human::print(&checked.diagnostics, &checked.sources, style, human::Limit::Errors);
        return None;
    };
    match artifact::build(&policy) {
        Ok(built) => open(built.bytes, Some(policy), "the policy".to_owned(), style),
        Err(error) => {
            fail(not_written(&error), style);
            None
        }
    }
}

/// Reads and validates an artifact.
fn read(path: &Path, style: Style) -> Option<Compiled> {
    let shown = path.display().to_string();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let fault = Diagnostic::about_file(
                Code::EP0101,
                shown,
                format!("the file cannot be read: {}", files::said(&error)),
            );
            fail(fault, style);
            return None;
        }
    };
    open(bytes, None, shown, style)
}

fn open(bytes: Vec<u8>, checked: Option<CheckedPolicy>, shown: String, style: Style) -> Option<Compiled> {
    match Policy::from_bytes(bytes) {
        Ok(policy) => Some(Compiled { policy, checked }),
        Err(error) => {
            fail(unusable(&error, shown), style);
            None
        }
    }
}

/// Why an artifact does not load.
pub fn unusable(error: &LoadError, shown: String) -> Diagnostic {
    let hint = match error.kind {
        LoadErrorKind::NotAnArtifact => {
            "name a file that `execpolicy compile` wrote; rule files are named with `--rules`"
        }
        LoadErrorKind::Version(_) | LoadErrorKind::Features(_) => {
            "compile the policy again with this version, or use the version that wrote it"
        }
        _ => "compile the policy again: `execpolicy compile -o policy.epc`",
    };
    Diagnostic::about_file(Code::EP0801, shown, error.to_string()).hint(hint)
}

/// Why a policy cannot be compiled.
pub fn not_written(error: &EmitError) -> Diagnostic {
    let diagnostic = Diagnostic::about_file(Code::EP0803, "the policy", error.to_string());
    match error {
        EmitError::TooLarge(_) => diagnostic.hint("split the policy, or write alternatives as one rule"),
        EmitError::Placement => {
            diagnostic.hint("change any rule: the placement begins from the policy's own words")
        }
        _ => Diagnostic { code: Code::EP9901, ..diagnostic }
            .hint("this is a fault of execpolicy; please report it with the policy"),
    }
}

fn fail(diagnostic: Diagnostic, style: Style) {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(diagnostic);
    human::print(&diagnostics, &SourceMap::new(), style, human::Limit::Errors);
}
