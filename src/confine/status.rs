//! What was asked beside what the kernel gave.
//!
//! In: clauses as they are put in place. Out: [`EnforcementStatus`]. Not here: deciding what is good enough; a clause that
//! a plan requires and the kernel does not give is an error, not a line of this report.

use std::string::String;
use std::vec::Vec;

/// How a clause holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// The kernel prevents what the clause forbids.
    Prevented,
    /// Prevented for everything that existed when the sandbox was built.
    PreventedAtStart,
    /// What the clause forbids is found afterwards, moved to quarantine and reported.
    Detected,
    /// The kernel lacks it and the plan made it optional.
    Absent,
    /// The plan switched it off.
    SwitchedOff,
}

/// One clause of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClauseStatus {
    /// Which: `files`, `network`, `landlock`, `seccomp`, `limits`, …
    pub clause: String,
    /// What the plan asked.
    pub asked: String,
    /// What is in place.
    pub given: Given,
    /// By what, in the kernel's words.
    pub by: String,
}

/// Every clause of a plan with what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnforcementStatus {
    /// In the order in which they were put in place.
    pub clauses: Vec<ClauseStatus>,
}

impl EnforcementStatus {
    pub(crate) fn push(
        &mut self,
        clause: &str,
        asked: impl Into<String>,
        given: Given,
        by: impl Into<String>,
    ) {
        self.clauses.push(ClauseStatus { clause: clause.into(), asked: asked.into(), given, by: by.into() });
    }

    /// The clause of a name.
    pub fn clause(&self, name: &str) -> Option<&ClauseStatus> {
        self.clauses.iter().find(|clause| clause.clause == name)
    }
}
