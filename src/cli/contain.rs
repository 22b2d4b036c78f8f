//! In: a policy's profiles, the words of the command line. Out: a confined command and how it ended; or why it was not run. What
//! `run`, `sandbox` and `doctor` share.
//! Not here: decisions about commands (`run.rs`).

use super::args::{Place, Watch};
use super::hint;
use super::output::{Colour, Style, paint, stderr};
use super::policy::{Compiled, From};
use super::render::harmless;
use super::status::Status;
use super::{Outcome, files};
use crate::diagnostic::Diagnostics;
use crate::diagnostic::text::nearest;
use crate::emit;
use crate::sandbox;
use crate::source::SourceMap;
use execpolicy_runtime::Policy;
use execpolicy_runtime::confine::lower::{Host, Lowered, Refusal, lower};
use execpolicy_runtime::confine::{self, ConfineError, Ended, Finding, Helper, Step};
use execpolicy_runtime::profile::{Phase, Platform, Profile, Profiles};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

/// Of a command that was not run. Shells say the same of what they may not execute.
pub const NOT_RUN: u8 = 126;
/// Of a command that does not exist.
pub const NOT_FOUND: u8 = 127;

/// The rule that is to blame.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its file.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// What it says about itself.
    pub justification: Option<String>,
}

/// Why a command was not run.
pub struct Refused {
    /// In a word, for programs: `policy`, `forbidden`, `prompt`, `unmatched`, `placement`, `profile`, `host`, `not-found`.
    pub reason: &'static str,
    /// In a sentence.
    pub message: String,
    /// The rule that says so.
    pub rule: Option<Box<Rule>>,
    /// The statement that says so.
    pub statement: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Refused {
    /// Without a rule.
    pub fn new(reason: &'static str, message: impl Into<String>, help: Option<String>) -> Self {
        Self { reason, message: message.into(), rule: None, statement: None, help }
    }

    /// Says so, to people and on the status descriptor.
    pub fn tell(&self, status: &mut Status, style: Style) -> Outcome {
        let on = style.stderr;
        let mut text =
            format!("execpolicy: {}: {}\n", paint("not run", Colour::Red, on), harmless(&self.message));
        if let Some(rule) = &self.rule {
            let place = harmless(&format!("{}:{}", rule.file, rule.line));
            text.push_str(&format!("   ╭─[ {} ]\n", paint(&place, Colour::Cyan, on)));
            if let Some(why) = &rule.justification {
                text.push_str(&format!("   │ {}\n", harmless(why)));
            }
        }
        if let Some(statement) = &self.statement {
            text.push_str(&format!("   ╭─[ {} ]\n", paint(&harmless(statement), Colour::Cyan, on)));
        }
        if let Some(help) = &self.help {
            text.push_str(&format!("   │ Help: {}\n", harmless(help)));
        }
        stderr(&text);
        status.refused(self);
        Outcome::Command(if self.reason == "not-found" { NOT_FOUND } else { NOT_RUN })
    }
}

impl std::convert::From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            reason: "profile",
            message: match &refusal.origin {
                Some(_) => format!("`{}` cannot be enforced here: {}", refusal.clause, refusal.why),
                None => format!("{} cannot be used: {}", refusal.clause, refusal.why),
            },
            rule: None,
            statement: refusal.origin,
            help: Some(refusal.way_out),
        }
    }
}

impl std::convert::From<ConfineError> for Refused {
    fn from(error: ConfineError) -> Self {
        let on = if error.detail.is_empty() { String::new() } else { format!(" ({})", error.detail) };
        let missing = error.source.kind() == std::io::ErrorKind::NotFound;
        match error.step {
            Step::Exec if missing => Self::new(
                "not-found",
                format!("`{}` is no program that the sandbox shows", error.detail),
                Some("look at PATH, and at what the profile reads".into()),
            ),
            Step::Exec => {
                Self::new("host", format!("`{}` cannot be executed: {}", error.detail, error.source), None)
            }
            Step::WorkingDirectory => Self::new(
                "profile",
                format!("the working directory{on} is not to be seen in the sandbox: {}", error.source),
                Some("start in a directory that the profile reads, or name it in the profile".into()),
            ),
            step => Self::new(
                "host",
                format!("this host cannot enforce the profile: {}{on}: {}", step.name(), error.source),
                Some(error.way_out().unwrap_or("`execpolicy doctor` says what this host can enforce").into()),
            ),
        }
    }
}

/// Where the policy comes from: what is named, the policy root around this directory, or the embedded default.
pub fn source<'a>(policy: Option<&'a Path>, named: &'a [PathBuf]) -> From<'a> {
    let marked = || {
        std::env::current_dir()
            .is_ok_and(|here| here.ancestors().any(|directory| directory.join(files::MARKER).is_file()))
    };
    match policy {
        Some(artifact) => From::Artifact(artifact),
        None if !named.is_empty() || marked() => From::Rules(named),
        None => From::Embedded,
    }
}

/// The standard library's profiles, as an artifact would hold them.
pub fn library() -> Option<Vec<u8>> {
    let (mut sources, mut diagnostics) = (SourceMap::new(), Diagnostics::new());
    let profiles = sandbox::load(&mut sources, &[], &mut diagnostics);
    if diagnostics.has_errors() { None } else { emit::profiles::encode(&profiles) }
}

/// A policy's profiles: its own, or the standard library's if it has none.
pub fn profiles<'b>(policy: &Policy<'b>, library: &'b [u8]) -> Result<Profiles<'b>, Refused> {
    match policy.profiles() {
        Some(profiles) => Ok(profiles),
        None => Profiles::from_bytes(library).map_err(|error| {
            Refused::new("policy", format!("the embedded profiles cannot be read: {error:?}"), None)
        }),
    }
}

/// The profile that confines where nothing says which.
pub fn usual(workspace: &Path) -> &'static str {
    const MARKS: [&str; 5] = [".git", ".hg", ".jj", ".svn", ".bzr"];
    let versioned =
        workspace.ancestors().any(|directory| MARKS.iter().any(|mark| directory.join(mark).exists()));
    if versioned { "workspace-write" } else { "read-only" }
}

/// A profile by name.
pub fn find<'a>(profiles: &Profiles<'a>, name: &str) -> Result<Profile<'a>, Refused> {
    profiles.get(name, Phase::Run, Platform::Linux).ok_or_else(|| {
        let names: Vec<&str> = profiles.names().collect();
        let meant = nearest(name, names.iter().copied());
        let help = meant.map_or_else(
            || format!("the profiles are {}", names.join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        Refused::new("policy", format!("there is no profile `{name}`"), Some(help))
    })
}

/// This host, as the command line describes it.
pub fn host(place: &Place) -> Result<Host, Refused> {
    workspace(place.workspace.as_deref())
}

/// This host with a workspace; the working directory if none is named.
pub fn workspace(named: Option<&Path>) -> Result<Host, Refused> {
    let here = std::env::current_dir().unwrap_or_default();
    let host = Host::current(named.unwrap_or(&here))?;
    Ok(host)
}

/// Confines and runs a command, and ends as it does.
pub fn run(
    profile: &Profile<'_>,
    host: &Host,
    command: &[OsString],
    watch: &Watch,
    status: &mut Status,
    style: Style,
) -> Outcome {
    let lowered = match lower(profile, host) {
        Ok(lowered) => lowered,
        Err(refusal) => return Refused::from(refusal).tell(status, style),
    };
    for word in &lowered.accepted {
        stderr(&format!("execpolicy: `{}` does without: {word} (accept gap)\n", profile.name));
    }
    let ended = match start(profile.name, &lowered, command, status) {
        Ok(ended) => ended,
        Err(error) => return Refused::from(error).tell(status, style),
    };
    status.ended(ended.outcome, &ended.findings);
    told(&ended.findings);
    if !watch.no_hints {
        let hints = hint::hints(profile, &lowered, host, command, ended.outcome);
        if !hints.is_empty() {
            let mut text = format!(
                "execpolicy: {}, which may come of the profile `{}`:\n",
                hint::how(ended.outcome),
                profile.name
            );
            for line in hints {
                text.push_str(&format!("  {}\n", harmless(&line)));
            }
            stderr(&text);
        }
    }
    Outcome::Command(u8::try_from(ended.outcome.shell_status()).unwrap_or(u8::MAX))
}

fn start(
    profile: &str,
    lowered: &Lowered<'_>,
    command: &[OsString],
    status: &mut Status,
) -> Result<Ended, ConfineError> {
    let sandbox = confine::Sandbox::prepare(&lowered.plan, Helper::current()?)?;
    let running = sandbox.run(command, confine::inherited())?;
    status.started(profile, &lowered.accepted, running.status());
    running.wait_forwarding_signals()
}

/// Becomes the command, because a rule of the policy places it outside of every sandbox. Returns only if that fails.
pub fn unconfined(command: &[OsString], status: &mut Status) -> Refused {
    stderr("execpolicy: unconfined: a rule of the policy says so\n");
    status.unconfined();
    let (program, arguments) =
        command.split_first().map_or((None, command), |(first, rest)| (Some(first), rest));
    let Some(program) = program else { return Refused::new("host", "the command is empty", None) };
    let error = std::process::Command::new(program).args(arguments).exec();
    let reason = if error.kind() == std::io::ErrorKind::NotFound { "not-found" } else { "host" };
    Refused::new(reason, format!("`{}` cannot be executed: {error}", program.to_string_lossy()), None)
}

/// Says what the command left at protected names.
fn told(findings: &[Finding]) {
    const SHOWN: usize = 10;
    for finding in findings.iter().take(SHOWN) {
        let path = finding.path.display();
        let text = match &finding.quarantined {
            Some(moved) => {
                format!("execpolicy: {path} was made: {}; it is now {}\n", finding.why, moved.display())
            }
            None => format!("execpolicy: {path}: {}\n", finding.why),
        };
        stderr(&harmless(&text));
    }
    if let Some(more @ 1..) = findings.len().checked_sub(SHOWN) {
        stderr(&format!("execpolicy: … and {more} more\n"));
    }
}

/// The words of `--rules` and `--sandbox`, in that order.
pub fn named(rules: &[PathBuf], sandbox: &[PathBuf]) -> Vec<PathBuf> {
    rules.iter().chain(sandbox).cloned().collect()
}

/// What a command needs of a policy, or why it cannot be had.
pub fn opened(compiled: Option<&Compiled>) -> Result<Policy<'_>, Refused> {
    let policy = compiled.and_then(|compiled| Policy::from_bytes(&compiled.bytes).ok());
    policy.ok_or_else(|| Refused::new("policy", "the policy cannot be used", None))
}
