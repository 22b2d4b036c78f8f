//! In: what happens to a command. Out: one line of JSON for each event on the descriptor of `--status-fd`, as
//! `docs/schemas/status-1.json` describes it, so that a caller can tell our refusals from the command's own statuses.
//! Not here: what people read.

use super::refused::Refused;
use serde::Serialize;
use std::fs::File;
use std::io::Write;

/// The version of the lines. Members may be added within a version.
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

    /// Says what happened.
    pub fn tell(&mut self, event: &Event<'_>) {
        #[derive(Serialize)]
        struct Line<'e> {
            version: u32,
            #[serde(flatten)]
            event: &'e Event<'e>,
        }
        if let (Some(out), Ok(line)) =
            (&mut self.out, serde_json::to_string(&Line { version: VERSION, event }))
        {
            // A reader that has gone away is no reason to end the command.
            let _ = out.write_all(format!("{line}\n").as_bytes());
        }
    }
}

/// What happened.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// Nothing was run.
    Refused(Refusal<'a>),
    /// The command was started behind everything that is listed.
    Started(Started<'a>),
    /// The command has ended.
    Ended(Ended),
}

/// Why nothing was run.
#[derive(Serialize)]
pub struct Refusal<'a> {
    reason: &'static str,
    message: String,
    /// What cannot be known about the command, if that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    opaque: Option<Opaque>,
    rule: Option<RuleLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<&'a str>,
    help: Option<String>,
}

#[derive(Serialize)]
struct Opaque {
    code: &'static str,
    reason: &'static str,
}

#[derive(Serialize)]
struct RuleLine<'a> {
    file: &'a str,
    line: u32,
    justification: Option<&'a str>,
}

impl<'a> From<&'a Refused> for Event<'a> {
    fn from(refused: &'a Refused) -> Self {
        let reason = &refused.reason;
        Self::Refused(Refusal {
            reason: reason.code(),
            message: reason.to_string(),
            opaque: reason.opaque().map(|why| Opaque { code: why.code, reason: why.sentence }),
            rule: refused.rule.as_deref().map(|rule| RuleLine {
                file: &rule.file,
                line: rule.line,
                justification: rule.justification.as_deref(),
            }),
            statement: refused.statement.as_deref(),
            help: reason.help(),
        })
    }
}

/// How a command was started.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Started<'a> {
    /// The profile. Without one the command runs unconfined, and no `ended` follows: this process becomes the command.
    pub profile: Option<&'a str>,
    /// The gaps that the profile accepts.
    pub accepted_gaps: Vec<&'a str>,
    /// What was asked beside what is in place.
    pub enforcement: Vec<Enforced>,
}

/// What became of one clause.
#[derive(Serialize)]
pub struct Enforced {
    /// Which.
    pub clause: &'static str,
    /// What the profile asked.
    pub asked: String,
    /// How it holds.
    pub given: &'static str,
    /// By what, in the system's words.
    pub by: String,
}

/// How a command ended.
#[derive(Serialize)]
pub struct Ended {
    /// As shells say it.
    pub status: i32,
    /// What ended it.
    pub how: How,
    /// Which code or signal.
    pub number: Option<i32>,
    /// What it left at protected names.
    pub findings: Vec<Leftover>,
    /// What the profile may have kept from it.
    pub hints: Vec<HintLine>,
}

/// What ended a command.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It exited.
    Code,
    /// A signal.
    Signal,
    /// Its time limit.
    TimedOut,
}

/// Something that a command left at a protected name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leftover {
    /// What appeared.
    pub path: String,
    /// Where it is now.
    pub moved_to: Option<String>,
    /// Why that matters, as a stable word.
    pub reason: &'static str,
    /// The same as a sentence.
    pub why: String,
}

/// A clause that may have been in a command's way.
#[derive(Serialize)]
pub struct HintLine {
    /// What speaks for it: `denied`, `not-writable`, `limit`, `system-call`, `network`.
    pub evidence: &'static str,
    /// The same in a sentence.
    pub message: String,
    /// The path that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The clause, as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// Where the clause is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The statement that would open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}
