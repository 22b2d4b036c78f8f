//! In: what happens to a command. Out: one line of JSON for each on the descriptor of `--status-fd`, so that a caller can tell
//! our refusals from the command's own statuses. Not here: what people read.
//!
//! Every line has `version` and `event`: `refused`, `started`, `ended`. Members may be added within a version.

use super::contain::Refused;
#[cfg(target_os = "linux")]
use execpolicy_confine::{EnforcementStatus, Given};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;

/// The version of the lines.
const VERSION: u32 = 1;

/// Where the lines go, if anywhere.
pub struct Status {
    out: Option<File>,
}

impl Status {
    /// Takes the descriptor of the command line.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn open(number: Option<i32>) -> Result<Self, String> {
        let Some(number) = number else { return Ok(Self { out: None }) };
        if number < 3 {
            return Err(format!("--status-fd {number}: 0, 1 and 2 are the command's"));
        }
        #[cfg(target_os = "linux")]
        let file = execpolicy_confine::duplicate(number).map(File::from);
        // Opening it there is what duplicates it.
        #[cfg(not(target_os = "linux"))]
        let file = File::options().write(true).open(format!("/dev/fd/{number}"));
        match file {
            Ok(file) => Ok(Self { out: Some(file) }),
            Err(error) => Err(format!("--status-fd {number}: {error}")),
        }
    }

    fn line(&mut self, value: &Value) {
        if let Some(out) = &mut self.out {
            // A reader that has gone away is no reason to end the command.
            let _ = out.write_all(format!("{value}\n").as_bytes());
        }
    }

    /// Nothing was run.
    pub fn refused(&mut self, refused: &Refused) {
        let rule = refused
            .rule
            .as_ref()
            .map(|rule| json!({ "file": rule.file, "line": rule.line, "justification": rule.justification }));
        self.line(&json!({
            "version": VERSION,
            "event": "refused",
            "reason": refused.reason,
            "message": refused.message,
            "rule": rule,
            "help": refused.help,
        }));
    }

    /// The command was started behind everything that is listed.
    pub fn started(&mut self, profile: &str, accepted: &[&str], enforcement: Vec<Value>) {
        self.line(&json!({
            "version": VERSION,
            "event": "started",
            "profile": profile,
            "acceptedGaps": accepted,
            "enforcement": enforcement,
        }));
    }

    /// The command runs without a sandbox, because the policy places it there. No `ended` follows: this process becomes
    /// the command.
    pub fn unconfined(&mut self) {
        self.line(&json!({ "version": VERSION, "event": "started", "profile": null, "enforcement": [] }));
    }

    /// The command has ended.
    pub fn ended(&mut self, ended: Ended) {
        let Ended { status, how, number, findings } = ended;
        self.line(&json!({
            "version": VERSION,
            "event": "ended",
            "status": status,
            "how": how,
            "number": number,
            "findings": findings,
        }));
    }
}

/// How a command ended.
pub struct Ended {
    /// As shells say it.
    pub status: i32,
    /// `code`, `signal` or `timed-out`.
    pub how: &'static str,
    /// Which code or signal.
    pub number: Option<i32>,
    /// What it left at protected names.
    pub findings: Vec<Value>,
}

/// What was asked beside what is in place.
#[cfg(target_os = "linux")]
pub fn clauses(status: &EnforcementStatus) -> Vec<Value> {
    let clause = |clause: &execpolicy_confine::ClauseStatus| json!({ "clause": clause.clause, "asked": clause.asked, "given": given(clause.given), "by": clause.by });
    status.clauses.iter().map(clause).collect()
}

/// How a clause holds, in a word.
#[cfg(target_os = "linux")]
pub const fn given(given: Given) -> &'static str {
    match given {
        Given::Prevented => "prevented",
        Given::PreventedAtStart => "prevented-at-start",
        Given::Detected => "detected",
        Given::Absent => "absent",
        Given::SwitchedOff => "off",
    }
}
