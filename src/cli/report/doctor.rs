//! `doctor --json`: in: what became of each profile on this host. Out: one JSON object, as `docs/schemas/doctor-1.json` describes
//! it. Not here: trying (`doctor.rs`).

use super::enforcement::clauses;
use super::refused::Refused;
use super::status::Enforced;
use execpolicy_confine::EnforcementStatus;
use execpolicy_confine::lower::Lowered;
use serde::Serialize;

/// The version of the format. Members may be added within a version.
const VERSION: u32 = 1;

/// What became of one profile.
pub struct Tried<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is in place, or why it cannot be.
    pub result: Result<(Lowered<'a>, EnforcementStatus), Refused>,
}

/// The whole report.
#[derive(Serialize)]
pub struct Report<'a> {
    version: u32,
    host: HostReport<'a>,
    profiles: Vec<ProfileReport<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum HostReport<'a> {
    Able { sandboxes: bool, enforcement: Vec<Enforced> },
    Unable { sandboxes: bool, problem: Problem<'a> },
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum ProfileReport<'a> {
    Enforced {
        profile: &'a str,
        enforced: bool,
        accepted_gaps: &'a [&'static str],
        clauses: Vec<Line<'a>>,
        enforcement: Vec<Enforced>,
    },
    Refused {
        profile: &'a str,
        enforced: bool,
        problem: Problem<'a>,
    },
}

/// One clause of a profile and what carries it.
#[derive(Serialize)]
struct Line<'a> {
    clause: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    wall: &'a str,
    given: &'static str,
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct Problem<'a> {
    reason: &'static str,
    message: String,
    statement: Option<&'a str>,
    help: Option<String>,
}

impl<'a> From<&'a Refused> for Problem<'a> {
    fn from(refused: &'a Refused) -> Self {
        Self {
            reason: refused.reason.code(),
            message: refused.reason.to_string(),
            statement: refused.statement.as_deref(),
            help: refused.reason.help(),
        }
    }
}

/// The report.
pub fn report<'a>(base: &'a Result<EnforcementStatus, Refused>, tried: &'a [Tried<'_>]) -> Report<'a> {
    let host = match base {
        Ok(status) => HostReport::Able { sandboxes: true, enforcement: clauses(status) },
        Err(refused) => HostReport::Unable { sandboxes: false, problem: refused.into() },
    };
    Report { version: VERSION, host, profiles: tried.iter().map(profile).collect() }
}

fn profile<'a>(tried: &'a Tried<'_>) -> ProfileReport<'a> {
    let (lowered, status) = match &tried.result {
        Ok(both) => both,
        Err(refused) => {
            return ProfileReport::Refused { profile: tried.name, enforced: false, problem: refused.into() };
        }
    };
    let lines = lowered.carried.iter().map(|line| Line {
        clause: &line.clause,
        file: line.origin.map(|origin| origin.file),
        line: line.origin.map(|origin| origin.line),
        wall: line.wall,
        given: line.given.code(),
        note: line.note.as_deref(),
    });
    ProfileReport::Enforced {
        profile: tried.name,
        enforced: true,
        accepted_gaps: &lowered.accepted,
        clauses: lines.collect(),
        enforcement: clauses(status),
    }
}
