//! In: why a profile cannot be enforced here. Out: [`Refusal`]. Not here: errors of the kernel (`error.rs`).

use std::fmt;
use std::format;
use std::string::String;

use execpolicy_profile::Origin;

/// A profile that cannot be enforced as it says on this host: nothing is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The clause, as it would be written, or what else it is about.
    pub clause: String,
    /// The statement: file, line and column, if one statement is at fault.
    pub origin: Option<String>,
    /// Why it cannot be enforced.
    pub why: String,
    /// What to do about it.
    pub way_out: String,
}

impl Refusal {
    pub(super) fn of(
        clause: impl Into<String>,
        origin: Option<Origin<&str>>,
        why: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Refusal {
        let origin = origin.map(|origin| format!("{origin}"));
        Refusal { clause: clause.into(), origin, why: why.into(), way_out: way_out.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the profile cannot be enforced here: {}", self.clause)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        write!(f, ": {}; {}", self.why, self.way_out)
    }
}

impl std::error::Error for Refusal {}
