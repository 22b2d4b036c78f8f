//! In: a policy's profiles, the words of the command line. Out: a confined command and how it ended; or why it was not run. What
//! `run`, `sandbox` and `doctor` share; what differs between systems is in `contain/`.
//! Not here: decisions about commands (`run.rs`).

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "macos", test))]
#[cfg_attr(not(target_os = "macos"), expect(dead_code, reason = "elsewhere only its tests use it"))]
mod macos;

#[cfg(target_os = "linux")]
pub use linux::{host, run, workspace};
#[cfg(target_os = "macos")]
pub use macos::{host, run};

use super::Outcome;
use super::output::{Colour, Style, paint, stderr};
use super::policy::Compiled;
use super::render::harmless;
use super::status::Status;
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::diagnostic::text::nearest;
use execpolicy_compiler::sandbox;
use execpolicy_compiler::source::SourceMap;
use execpolicy_profile::{Phase, Platform, Profile, Profiles, TextFrom};
use execpolicy_runtime::{Artifact, Site};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;

/// Of a command that was not run. Shells say the same of what they may not execute.
pub const NOT_RUN: u8 = 126;
/// Of a command that does not exist.
pub const NOT_FOUND: u8 = 127;

/// Why a command was not run.
pub struct Refused {
    /// In a word, for programs: `policy`, `forbidden`, `prompt`, `unmatched`, `placement`, `profile`, `host`, `not-found`.
    pub reason: &'static str,
    /// In a sentence.
    pub message: String,
    /// The rule that says so.
    pub rule: Option<Box<Site>>,
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

/// Runs something that says on `--status-fd` what happens; a refusal is told there and to people.
pub fn reported(
    status_fd: Option<i32>,
    style: Style,
    run: impl FnOnce(&mut Status) -> Result<Outcome, Refused>,
) -> Outcome {
    let mut status = match Status::open(status_fd) {
        Ok(status) => status,
        Err(fault) => {
            stderr(&format!("execpolicy: {fault}\n"));
            return Outcome::Usage;
        }
    };
    run(&mut status).unwrap_or_else(|refused| refused.tell(&mut status, style))
}

/// The standard library's profiles, as an artifact would hold them.
pub fn library() -> Option<Vec<u8>> {
    let (mut sources, mut diagnostics) = (SourceMap::new(), Diagnostics::new());
    let profiles = sandbox::load(&mut sources, &[], &mut diagnostics);
    if diagnostics.has_errors() { None } else { profiles.encode() }
}

/// A policy's profiles: its own, or the standard library's if it has none.
pub fn profiles<'b>(policy: &Artifact<'b>, library: &'b [u8]) -> Result<Profiles<'b>, Refused> {
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

/// The system whose variant of a profile holds here.
pub const HERE: Platform = if cfg!(target_os = "macos") { Platform::Macos } else { Platform::Linux };

/// A profile by name, as it holds here.
pub fn find<'a, T: TextFrom<'a>>(profiles: &Profiles<'a>, name: &str) -> Result<Profile<T>, Refused> {
    profiles.get(name, Phase::Run, HERE).ok_or_else(|| {
        let names: Vec<&str> = profiles.names().collect();
        let meant = nearest(name, names.iter().copied());
        let help = meant.map_or_else(
            || format!("the profiles are {}", names.join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        Refused::new("policy", format!("there is no profile `{name}`"), Some(help))
    })
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

/// What a command needs of a policy, or why it cannot be had.
pub fn opened(compiled: Option<&Compiled>) -> Result<Artifact<'_>, Refused> {
    compiled
        .map(|compiled| compiled.policy.artifact())
        .ok_or_else(|| Refused::new("policy", "the policy cannot be used", None))
}
