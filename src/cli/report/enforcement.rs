//! In: what the kernel gave. Out: the same for programs, as the status lines and `doctor --json` carry it.

use super::status::Enforced;
use execpolicy_confine::EnforcementStatus;

/// What was asked beside what is in place.
pub fn clauses(status: &EnforcementStatus) -> Vec<Enforced> {
    let clause = |clause: &execpolicy_confine::ClauseStatus| Enforced {
        clause: clause.clause.code(),
        asked: clause.asked.clone(),
        given: clause.given.code(),
        by: clause.by.clone(),
    };
    status.clauses.iter().map(clause).collect()
}
