//! In: what the kernel gave. Out: the same for programs, as the status lines and `doctor --json` carry it.

use super::status::Enforced;
use execpolicy_confine::{EnforcementStatus, Given};

/// What was asked beside what is in place.
pub fn clauses(status: &EnforcementStatus) -> Vec<Enforced> {
    let clause = |clause: &execpolicy_confine::ClauseStatus| Enforced {
        clause: clause.clause.clone(),
        asked: clause.asked.clone(),
        given: given(clause.given),
        by: clause.by.clone(),
    };
    status.clauses.iter().map(clause).collect()
}

/// How a clause holds, in a word.
pub const fn given(given: Given) -> &'static str {
    match given {
        Given::Prevented => "prevented",
        Given::PreventedAtStart => "prevented-at-start",
        Given::Detected => "detected",
        Given::Absent => "absent",
        Given::SwitchedOff => "off",
    }
}
