//! `execpolicy check --rules FILE… -- CMD…` (or `--policy FILE.epc`): decides one command, in Codex's JSON.

use super::args::CheckCommand;
use super::output::{Style, stderr, stdout};
use super::policy::{self, From};
use super::{Outcome, json};
use execpolicy_runtime::{Context, Decision, Mode, Policy};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// The exit status of `--exit-code`: 0 allow, 3 forbidden, 4 prompt, 5 unmatched.
#[must_use]
pub const fn verdict_code(decision: Option<Decision>) -> u8 {
    match decision {
        Some(Decision::Allow) => 0,
        Some(Decision::Forbidden) => 3,
        Some(Decision::Prompt) => 4,
        None => 5,
    }
}

/// Runs the command.
pub fn run(arguments: &CheckCommand, style: Style) -> Outcome {
    let mode = if arguments.codex.is_some() {
        Mode::Codex { resolve_host_executables: arguments.resolve_host_executables }
    } else {
        Mode::Strict
    };
    let from = arguments.policy.as_deref().map_or(From::Rules(&arguments.rules), From::Artifact);
    let compiled = policy::load(from, arguments.codex.is_some(), style);
    let Some(policy) = compiled.as_ref().and_then(|compiled| Policy::from_bytes(&compiled.bytes).ok()) else {
        stderr("execpolicy: the policy cannot be used, so nothing was decided\n");
        return Outcome::Findings;
    };
    let argv = bytes(&arguments.command);
    let here = Here::now();
    let mut scratch = policy.scratch();
    let verdict = policy.decide(&argv, &here.context(mode), &mut scratch);
    let form = json::Form { pretty: arguments.pretty, details: arguments.details };
    stdout(&json::verdict(&verdict, &argv, form));
    if arguments.exit_code { Outcome::Verdict(verdict_code(verdict.decision)) } else { Outcome::Good }
}

/// The words of a command as bytes.
pub fn bytes(words: &[OsString]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Where the program runs: what Codex's resolution of `./x` and `~/x` needs.
pub struct Here {
    cwd: Option<Vec<u8>>,
    home: Option<Vec<u8>>,
}

impl Here {
    /// The working directory and `$HOME`.
    pub fn now() -> Self {
        let cwd = std::env::current_dir().ok().map(|path| path.as_os_str().as_bytes().to_vec());
        let home = std::env::var_os("HOME").map(|path| path.as_bytes().to_vec());
        Self { cwd, home }
    }

    /// The context of a decision.
    pub fn context(&self, mode: Mode) -> Context<'_> {
        Context { mode, cwd: self.cwd.as_deref(), home: self.home.as_deref() }
    }
}
