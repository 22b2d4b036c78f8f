//! One command as its caller describes it.
//!
//! In: argv, a directory, variables, bounds. Out: [`Command`], and what it becomes in a sandbox. Not here: starting it
//! (`linux/`).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use execpolicy_profile::{EnvAction, Variable, variable};

use super::error::{ConfineError, Reason, Step};
use super::plan::{Passing, VariableRule};

/// A command for a [`Sandbox`](super::Sandbox) or a [`Session`](super::Session): what to run, where, and within which bounds.
///
/// It gets the environment of the plan, and starts in the plan's working directory unless another one is named.
///
/// ```
/// use std::time::Duration;
/// use execpolicy_confine::Command;
///
/// let command = Command::new(["cargo", "test"])
///     .current_dir("crates/core")
///     .env("RUST_BACKTRACE", "1")
///     .time_limit(Duration::from_secs(60))
///     .output_limit(256 * 1024);
/// assert_eq!(command.argv().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    argv: Vec<OsString>,
    directory: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
    time_limit: Option<Duration>,
    output_limit: usize,
}

impl Command {
    /// How much of each stream is captured if nothing else is said: 1 MiB.
    pub const OUTPUT_LIMIT: usize = 1 << 20;

    /// A program and its arguments. A program without a slash is looked for in the `PATH` of the sandbox.
    pub fn new(argv: impl IntoIterator<Item = impl Into<OsString>>) -> Command {
        Command {
            argv: argv.into_iter().map(Into::into).collect(),
            directory: None,
            variables: Vec::new(),
            time_limit: None,
            output_limit: Command::OUTPUT_LIMIT,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Command {
        self.argv.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Where it starts. A relative path is below the working directory of the plan. The sandbox must show the directory.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Command {
        self.directory = Some(directory.into());
        self
    }

    /// A variable beside those of the plan, or instead of the one of this name. The plan must pass it
    /// ([`Plan::variables`](super::Plan::variables)); otherwise the command is refused.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Command {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// How long it may run. Then it is killed, with its process group and all its descendants, and its outcome is
    /// [`TimedOut`](super::ExitOutcome::TimedOut). In a session, a process that has left both (a daemon whose parent has ended) goes
    /// on until the session ends.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Command {
        self.time_limit = Some(limit);
        self
    }

    /// How many bytes of each stream are kept where its output is captured. What goes beyond is read and dropped, so
    /// the command never blocks on it.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Command {
        self.output_limit = bytes;
        self
    }

    /// The program and its arguments.
    pub fn argv(&self) -> &[OsString] {
        &self.argv
    }

    pub(crate) fn longest(&self) -> Option<Duration> {
        self.time_limit
    }

    pub(crate) fn kept(&self) -> usize {
        self.output_limit
    }

    /// Its directory, where the plan starts commands in `start`.
    pub(crate) fn directory(&self, start: &Path) -> PathBuf {
        self.directory.as_deref().map_or_else(|| start.to_path_buf(), |directory| start.join(directory))
    }

    /// Its whole environment: the plan's, and what the command adds to it.
    pub(crate) fn environment(
        &self,
        base: &[(OsString, OsString)],
        rules: &[VariableRule],
    ) -> Result<Vec<(OsString, OsString)>, ConfineError> {
        let mut whole = base.to_vec();
        for (name, value) in &self.variables {
            if !passes(rules, name) {
                let name = name.to_string_lossy();
                return Err(ConfineError::refused(Step::Environment, name, Reason::VariableNotPassed));
            }
            whole.retain(|(known, _)| known != name);
            whole.push((name.clone(), value.clone()));
        }
        Ok(whole)
    }
}

fn passes(rules: &[VariableRule], name: &OsStr) -> bool {
    let rules = rules.iter().map(|rule| {
        let action = match rule.passing {
            Passing::Pass => EnvAction::Pass,
            Passing::Deny => EnvAction::Deny,
            Passing::Fixed => EnvAction::Set(""),
        };
        (rule.pattern.as_str(), action)
    });
    variable(rules, name.as_bytes()) == Variable::Passed
}

/// What a command wrote to one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The beginning, up to [`Command::output_limit`].
    pub bytes: Vec<u8>,
    /// How many bytes came after that and are not kept.
    pub omitted: u64,
}

impl Captured {
    /// The bytes as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(command: &Command) -> Result<Vec<(OsString, OsString)>, ConfineError> {
        let rule = |pattern: &str, passing| VariableRule { pattern: pattern.into(), passing };
        let rules = [
            rule("LC_*", Passing::Pass),
            rule("PATH", Passing::Pass),
            rule("*_TOKEN", Passing::Deny),
            rule("*", Passing::Pass),
            rule("CI", Passing::Fixed),
        ];
        command.environment(&[("PATH".into(), "/bin".into()), ("CI".into(), "1".into())], &rules)
    }

    #[test]
    fn additions_replace_what_the_plan_passes_and_nothing_else() {
        let command = Command::new(["true"]).env("PATH", "/usr/bin").env("LC_ALL", "C");
        let expected = [("CI", "1"), ("PATH", "/usr/bin"), ("LC_ALL", "C")];
        assert_eq!(environment(&command).unwrap(), expected.map(|(n, v)| (n.into(), v.into())));
        for refused in ["CI", "NPM_TOKEN", "npm_token"] {
            let failure = environment(&Command::new(["true"]).env(refused, "x")).unwrap_err();
            assert_eq!((failure.step, failure.detail.as_str()), (Step::Environment, refused));
        }
        assert!(Command::new(["true"]).env("A", "x").environment(&[], &[]).is_err());
    }

    #[test]
    fn a_relative_directory_is_below_the_plans() {
        let start = Path::new("/work");
        assert_eq!(Command::new(["true"]).directory(start), start);
        assert_eq!(Command::new(["true"]).current_dir("a").directory(start), Path::new("/work/a"));
        assert_eq!(Command::new(["true"]).current_dir("/b").directory(start), Path::new("/b"));
    }
}
