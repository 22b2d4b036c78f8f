//! In: where a command runs. Out: the same as JSON and as a sentence.
//! Not here: how it is found (`execpolicy_runtime::placement`).

use super::json::RulePlace;
use super::output::{Colour, paint};
use super::render::harmless;
use execpolicy_runtime::{Confinement, Placement};
use serde::Serialize;

/// Where a command runs: one place, or two of which neither is within the other.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Placed<'a> {
    /// There.
    In(Confined<'a>),
    /// Somebody has to be asked.
    Disputed {
        /// The place by all that is known, and the one by what the command may be.
        disputed: [Confined<'a>; 2],
    },
}

/// One place.
#[derive(Serialize)]
pub struct Confined<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unconfined: bool,
    /// `None` if it is the policy's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RulePlace<'a>>,
}

/// The JSON; `None` if the policy says nothing about places.
pub fn json(placement: Placement<'_>) -> Option<Placed<'_>> {
    match placement {
        Placement::Unsaid => None,
        Placement::In(place) => Some(Placed::In(confined(place))),
        Placement::Disputed(base, other) => {
            Some(Placed::Disputed { disputed: [confined(base), confined(other)] })
        }
    }
}

fn confined(place: Confinement<'_>) -> Confined<'_> {
    let rule = place.rule.map(|(file, line)| RulePlace { file, line });
    Confined { profile: place.profile, unconfined: place.profile.is_none(), rule }
}

/// "runs in `P` by sandbox_rule at F:L"; `None` if the policy says nothing about places.
pub fn sentence(placement: Placement<'_>, on: bool) -> Option<String> {
    let said = |place: Confinement<'_>| {
        let what = match place.profile {
            Some(name) => format!("in `{}`", paint(&harmless(name), Colour::Bold, on)),
            None => paint("unconfined", Colour::Red, on),
        };
        let why = match place.rule {
            Some((file, line)) => {
                format!("sandbox_rule at {}", paint(&format!("{}:{line}", harmless(file)), Colour::Cyan, on))
            }
            None => "the policy's default".to_owned(),
        };
        format!("{what}, by {why}")
    };
    match placement {
        Placement::Unsaid => None,
        Placement::In(place) => Some(format!("runs {}", said(place))),
        Placement::Disputed(base, other) => Some(format!(
            "asks where to run: {}; or {}; neither allows at most what the other does",
            said(base),
            said(other)
        )),
    }
}
