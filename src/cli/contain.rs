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

use super::exit::Exit;
use super::output::{Style, stderr};
use super::policy::Compiled;
use super::report::refused::{Refused, RefusedReason};
use super::report::status::{Event, Started, Status};
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::sandbox;
use execpolicy_compiler::source::SourceMap;
use execpolicy_profile::{Phase, Platform, Profile, Profiles, TextFrom};
use execpolicy_runtime::Artifact;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;

/// Runs something that says on `--status-fd` what happens; a refusal is told there and to people.
pub fn reported(
    status_fd: Option<i32>,
    style: Style,
    run: impl FnOnce(&mut Status) -> Result<Exit, Refused>,
) -> Exit {
    let mut status = match Status::open(status_fd) {
        Ok(status) => status,
        Err(fault) => {
            stderr(&format!("execpolicy: {fault}\n"));
            return Exit::Usage;
        }
    };
    run(&mut status).unwrap_or_else(|refused| refuse(&refused, &mut status, style))
}

/// Says that a command was not run, to people and on the status descriptor.
pub fn refuse(refused: &Refused, status: &mut Status, style: Style) -> Exit {
    stderr(&refused.text(style));
    status.tell(&Event::from(refused));
    Exit::Command(refused.reason.exit_status())
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
        None => Profiles::from_bytes(library)
            .map_err(|error| RefusedReason::UnreadableProfiles(format!("{error:?}")).into()),
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
        let known = profiles.names().map(str::to_owned).collect();
        RefusedReason::UnknownProfile { name: name.to_owned(), known }.into()
    })
}

/// Becomes the command, because a rule of the policy places it outside of every sandbox. Returns only if that fails.
pub fn unconfined(command: &[OsString], status: &mut Status) -> Refused {
    stderr("execpolicy: unconfined: a rule of the policy says so\n");
    status.tell(&Event::Started(Started {
        profile: None,
        accepted_gaps: Vec::new(),
        enforcement: Vec::new(),
    }));
    let (program, arguments) =
        command.split_first().map_or((None, command), |(first, rest)| (Some(first), rest));
    let Some(program) = program else { return Refused::host("the command is empty") };
    let error = std::process::Command::new(program).args(arguments).exec();
    let program = program.to_string_lossy().into_owned();
    match error.kind() {
        std::io::ErrorKind::NotFound => RefusedReason::NotFound { program, confined: false }.into(),
        _ => RefusedReason::NotExecutable { program, error: error.to_string() }.into(),
    }
}

/// What a command needs of a policy, or why it cannot be had.
pub fn opened(compiled: Option<&Compiled>) -> Result<Artifact<'_>, Refused> {
    compiled.map(|compiled| compiled.policy.artifact()).ok_or_else(|| RefusedReason::UnusablePolicy.into())
}
