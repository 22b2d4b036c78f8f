//! `execpolicy check --rules FILE… -- CMD…` (or `--policy FILE.epc`; or `--shell SCRIPT` in place of the
//! command): decides one command or script, in Codex's JSON.

use super::args::{self, CheckCommand};
use super::exit::Exit;
use super::output::{Style, stderr, stdout};
use super::policy::{self, From as Source};
use super::report::verdict::segments::{self, Asked, What};
use super::report::verdict::{self, Form};
use execpolicy_runtime::script::Decided;
use execpolicy_runtime::{Conclusion, Context, Mode};
use execpolicy_shell::Dialect;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

/// The exit status of `--exit-code`: 0 allow, 3 forbidden, 4 prompt, 5 unmatched.
#[must_use]
pub const fn verdict_code(conclusion: Conclusion) -> u8 {
    match conclusion {
        Conclusion::Allow => 0,
        Conclusion::Forbidden => 3,
        Conclusion::Prompt => 4,
        Conclusion::Unmatched => 5,
    }
}

/// Runs the command.
pub fn run(arguments: &CheckCommand, style: Style) -> Exit {
    let mode = if arguments.codex.is_some() {
        Mode::Codex { resolve_host_executables: arguments.resolve_host_executables }
    } else {
        Mode::Strict
    };
    let from = arguments.policy.as_deref().map_or(Source::Rules(&arguments.rules), Source::Artifact);
    let compiled = policy::load(from, arguments.codex.is_some(), style);
    let Some(decider) = compiled.as_ref().map(|compiled| compiled.policy.decider()) else {
        stderr("execpolicy: the policy cannot be used, so nothing was decided\n");
        return Exit::Findings;
    };
    let form = Form { pretty: arguments.pretty, details: arguments.details };
    let here = Here::now();
    let context = here.context(mode);
    let conclusion = if let Some(given) = &arguments.script.shell {
        let Some(script) = script(given) else { return Exit::Findings };
        let verdict =
            decider.decide_script(&script, arguments.script.dialect.unwrap_or_default().into(), context.cwd);
        let asked = Asked { what: What::Script(&script), cwd: context.cwd };
        let place = decider.script_placement(&verdict);
        stdout(&segments::verdict(&decider, asked, &verdict, place, form));
        verdict.conclusion
    } else {
        let argv = bytes(&arguments.command);
        let mut scratch = decider.policy().scratch();
        let decided = decider.decide(&argv, &context, &mut scratch);
        stdout(&match &decided {
            Decided::Plain(verdict) => verdict::plain(verdict, &argv, form),
            Decided::Parts(verdict) => {
                let asked = Asked { what: What::Command(&argv), cwd: context.cwd };
                segments::verdict(&decider, asked, verdict, decider.placement(&decided, &argv), form)
            }
        });
        decided.conclusion()
    };
    if arguments.exit_code { Exit::Verdict(verdict_code(conclusion)) } else { Exit::Good }
}

/// How much of standard input is read: far more than the analysis looks at, so that what is cut off
/// is a script that is too long either way.
const MOST_INPUT: u64 = 64 << 20;

/// The script as bytes: the word itself, or standard input for `-`.
pub fn script(given: &OsStr) -> Option<Vec<u8>> {
    if given != "-" {
        return Some(given.as_bytes().to_vec());
    }
    let mut script = Vec::new();
    match std::io::stdin().lock().take(MOST_INPUT).read_to_end(&mut script) {
        Ok(_) => Some(script),
        Err(error) => {
            stderr(&format!("execpolicy: standard input cannot be read, so nothing was decided: {error}\n"));
            None
        }
    }
}

impl From<args::Dialect> for Dialect {
    fn from(dialect: args::Dialect) -> Self {
        match dialect {
            args::Dialect::Bash => Self::Bash,
            args::Dialect::Sh => Self::Posix,
            args::Dialect::Zsh => Self::Zsh,
        }
    }
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
