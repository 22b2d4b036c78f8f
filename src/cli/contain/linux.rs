//! Confinement on Linux: in: a profile and this host. Out: the command, run behind the kernel's walls.
//! Not here: how they are built (`execpolicy_confine`).

use super::Refused;
use crate::Outcome;
use crate::args::{Place, Watch};
use crate::hint;
use crate::output::{Style, stderr};
use crate::render::harmless;
use crate::status::{Ended as Told, Status, clauses};
use execpolicy_confine::lower::{Host, Lowered, Refusal, lower};
use execpolicy_confine::{ConfineError, Ended, Finding, Helper, Step};
use execpolicy_profile::Profile;
use serde_json::json;
use std::ffi::OsString;
use std::path::Path;

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
    profile: &Profile<&str>,
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
    let (how, number) = match ended.outcome {
        execpolicy_confine::Outcome::Code(code) => ("code", Some(code)),
        execpolicy_confine::Outcome::Signal(signal) => ("signal", Some(signal)),
        execpolicy_confine::Outcome::TimedOut => ("timed-out", None),
    };
    let findings = ended.findings.iter().map(|finding| {
        json!({
            "path": finding.path.to_string_lossy(),
            "movedTo": finding.quarantined.as_ref().map(|path| path.to_string_lossy()),
            "why": finding.why,
        })
    });
    let findings = findings.collect();
    status.ended(Told { status: ended.outcome.shell_status(), how, number, findings });
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
    let sandbox = execpolicy_confine::Sandbox::prepare(&lowered.plan, Helper::current()?)?;
    let running = sandbox.run(&execpolicy_confine::Command::new(command), execpolicy_confine::inherited())?;
    status.started(profile, &lowered.accepted, clauses(running.status()));
    running.wait_forwarding_signals()
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
