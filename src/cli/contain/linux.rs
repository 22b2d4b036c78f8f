//! Confinement on Linux: in: a profile and this host. Out: the command, run behind the kernel's walls.
//! Not here: how they are built (`execpolicy_confine`).

use super::refuse;
use crate::args::{Place, Watch};
use crate::exit::Exit;
use crate::hint::{self, Hint};
use crate::output::sanitize;
use crate::output::{Style, stderr};
use crate::report::enforcement::clauses;
use crate::report::refused::{Refused, RefusedReason};
use crate::report::status::{self, Event, HintLine, How, Leftover, Started, Status};
use execpolicy_confine::lower::{Host, Lowered, Refusal, lower};
use execpolicy_confine::{ConfineError, Ended, ExitOutcome, Finding, Helper, Step};
use execpolicy_profile::Profile;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

impl std::convert::From<Refusal> for Refused {
    fn from(Refusal { clause, origin, why, way_out }: Refusal) -> Self {
        let help = Some(way_out);
        let reason = match &origin {
            Some(_) => RefusedReason::Clause { clause, why, help },
            None => RefusedReason::Root { root: clause, why, help },
        };
        Self { statement: origin, ..reason.into() }
    }
}

impl std::convert::From<ConfineError> for Refused {
    fn from(error: ConfineError) -> Self {
        let missing = error.cause.is_not_found();
        let why = error.cause.to_string();
        let reason = match error.step {
            Step::Exec if missing => {
                RefusedReason::NotFound { program: error.detail.to_string(), confined: true }
            }
            Step::Exec => RefusedReason::NotExecutable { program: error.detail.to_string(), error: why },
            Step::WorkingDirectory => {
                RefusedReason::HiddenDirectory { directory: error.detail.to_string(), error: why }
            }
            step => {
                let on = if error.detail.is_empty() { String::new() } else { format!(" ({})", error.detail) };
                let way_out =
                    error.way_out().unwrap_or("`execpolicy doctor` says what this host can enforce");
                RefusedReason::Host {
                    what: format!("this host cannot enforce the profile: {}{on}: {why}", step.code()),
                    help: Some(way_out.into()),
                }
            }
        };
        reason.into()
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
) -> Exit {
    let lowered = match lower(profile, host) {
        Ok(lowered) => lowered,
        Err(refusal) => return refuse(&refusal.into(), status, style),
    };
    for word in &lowered.accepted {
        stderr(&format!("execpolicy: `{}` does without: {word} (accept gap)\n", profile.name));
    }
    let ended = match start(profile.name, &lowered, command, status) {
        Ok(ended) => ended,
        Err(error) => return refuse(&error.into(), status, style),
    };
    let hints = if watch.no_hints {
        Vec::new()
    } else {
        hint::hints(profile, &lowered, host, command, ended.outcome)
    };
    status.tell(&Event::Ended(as_event(&ended, &hints)));
    report_findings(&ended.findings);
    if !hints.is_empty() {
        let how = hint::how(ended.outcome);
        let mut text = format!("execpolicy: {how}; the profile `{}` may be why:\n", profile.name);
        for line in hints {
            text.push_str(&format!("  {}\n", sanitize(&line.to_string())));
        }
        stderr(&text);
    }
    Exit::Command(u8::try_from(ended.outcome.shell_status()).unwrap_or(u8::MAX))
}

/// How a command ended, for programs.
fn as_event(ended: &Ended, hints: &[Hint]) -> status::Ended {
    let (how, number) = match ended.outcome {
        ExitOutcome::Code(code) => (How::Code, Some(code)),
        ExitOutcome::Signal(signal) => (How::Signal, Some(signal)),
        ExitOutcome::TimedOut => (How::TimedOut, None),
    };
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let findings = ended.findings.iter().map(|finding| Leftover {
        path: text(&finding.path),
        moved_to: finding.quarantined.as_ref().map(text),
        reason: finding.why.code(),
        why: finding.to_string(),
    });
    let hints = hints.iter().map(|hint| HintLine {
        evidence: hint.evidence.code(),
        message: hint.to_string(),
        path: hint.path.as_ref().map(text),
        clause: hint.clause.clone(),
        statement: hint.place.clone(),
        suggestion: hint.suggestion.clone(),
    });
    status::Ended {
        status: ended.outcome.shell_status(),
        how,
        number,
        findings: findings.collect(),
        hints: hints.collect(),
    }
}

fn start(
    profile: &str,
    lowered: &Lowered<'_>,
    command: &[OsString],
    status: &mut Status,
) -> Result<Ended, ConfineError> {
    let sandbox = execpolicy_confine::Sandbox::prepare(&lowered.plan, Helper::current()?)?;
    let running = sandbox.run(&execpolicy_confine::Command::new(command), execpolicy_confine::inherited())?;
    status.tell(&Event::Started(Started {
        profile: Some(profile),
        accepted_gaps: lowered.accepted.clone(),
        enforcement: clauses(running.status()),
    }));
    running.wait_forwarding_signals()
}

/// Says what the command left at protected names.
fn report_findings(findings: &[Finding]) {
    const SHOWN: usize = 10;
    for finding in findings.iter().take(SHOWN) {
        let path = finding.path.display();
        let text = match &finding.quarantined {
            Some(moved) => {
                format!("execpolicy: {path} was made: {}; it is now {}\n", finding, moved.display())
            }
            None => format!("execpolicy: {path}: {finding}\n"),
        };
        stderr(&sanitize(&text));
    }
    if let Some(more @ 1..) = findings.len().checked_sub(SHOWN) {
        stderr(&format!("execpolicy: … and {more} more\n"));
    }
}
