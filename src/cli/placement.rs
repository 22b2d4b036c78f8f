//! In: where a command runs. Out: the same as a sentence.
//! Not here: how it is found (`execpolicy_runtime::placement`), and the JSON of it (`report/verdict.rs`).

use super::output::sanitize;
use super::output::{Colour, paint};
use execpolicy_runtime::{Confinement, Placement};

/// "runs in `P` by sandbox_rule at F:L"; `None` if the policy says nothing about places.
pub fn sentence(placement: Placement<'_>, on: bool) -> Option<String> {
    let said = |place: Confinement<'_>| {
        let what = match place.profile {
            Some(name) => format!("in `{}`", paint(&sanitize(name), Colour::Bold, on)),
            None => paint("unconfined", Colour::Red, on),
        };
        let why = match place.rule {
            Some((file, line)) => {
                format!("sandbox_rule at {}", paint(&format!("{}:{line}", sanitize(file)), Colour::Cyan, on))
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
