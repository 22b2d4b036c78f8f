//! In: what a policy says about a command. Out: [`Ruled`]: what `run` needs of it, plain command or script alike: the decision, what is to
//! blame, and where the command runs.
//! Not here: asking, and running (`run.rs`).

use super::contain::Rule;
use super::decide::Here;
use super::render::harmless;
use execpolicy_runtime::script::{Decided, Decider, Part, RuleRef, ScriptVerdict};
use execpolicy_runtime::{Conclusion, Confinement, Mode, Placement, RuleMatch, Verdict};

/// The decision about a command and everything that it runs.
pub struct Ruled {
    /// The strictest.
    pub conclusion: Conclusion,
    /// The rule that decided.
    pub rule: Option<Box<Rule>>,
    /// The part of the command that is to blame, if it is not the whole.
    pub part: Option<String>,
    /// Why a command that no rule is about is asked for all the same; a sentence part that goes after "it".
    pub why: Option<String>,
    /// Where it runs.
    pub place: Place,
}

/// Where a command runs, by the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The policy has no profiles.
    Unsaid,
    /// In this profile (`None`: unconfined), as this rule says.
    In(Option<String>, Option<(String, u32)>),
    /// In the first, or else the second; somebody has to say.
    Disputed(String, String),
}

/// The word for a command that no profile confines.
pub const UNCONFINED: &str = "unconfined";

/// Asks the policy.
pub fn ask(decider: &Decider<'_>, argv: &[Vec<u8>], here: &Here) -> Ruled {
    let mut scratch = decider.policy().scratch();
    let decided = decider.decide(argv, &here.context(Mode::Strict), &mut scratch);
    let place = Place::of(decider.placement(&decided, argv));
    match &decided {
        Decided::Plain(verdict) => plain(verdict, place),
        Decided::Parts(verdict) => parts(decider, verdict, place),
    }
}

fn plain(verdict: &Verdict<'_>, place: Place) -> Ruled {
    let decider = verdict.matches().find(|found| verdict.conclusion == found.decision.into());
    Ruled {
        conclusion: verdict.conclusion,
        why: verdict.opaque.filter(|_| decider.is_none()).map(|why| why.sentence().to_owned()),
        rule: decider.as_ref().map(rule).map(Box::new),
        part: None,
        place,
    }
}

fn rule(found: &RuleMatch<'_>) -> Rule {
    Rule {
        file: found.source.to_owned(),
        line: found.line,
        justification: found.justification.map(str::to_owned),
    }
}

fn parts(decider: &Decider<'_>, verdict: &ScriptVerdict<RuleRef>, place: Place) -> Ruled {
    let to_blame = verdict.parts.iter().find(|part| part.conclusion == Some(verdict.conclusion));
    let found = |part: &Part<RuleRef>| {
        let strictest = part.rules.iter().find(|found| verdict.conclusion == found.decision.into())?;
        decider.rule_match(&part.segment.argv, strictest).as_ref().map(rule)
    };
    let rule = to_blame.and_then(found).map(Box::new);
    Ruled {
        conclusion: verdict.conclusion,
        why: to_blame
            .and_then(|part| part.segment.opaque)
            .filter(|_| rule.is_none())
            .map(|why| why.sentence().to_owned()),
        part: to_blame
            .filter(|part| part.segment.argv.words().is_some())
            .map(|part| harmless(&part.segment.argv.describe()))
            .filter(|part| !part.is_empty() && verdict.parts.len() > 1),
        rule,
        place,
    }
}

impl Place {
    fn of(placement: Placement<'_>) -> Self {
        let name = |place: Confinement<'_>| place.profile.unwrap_or(UNCONFINED).to_owned();
        match placement {
            Placement::Unsaid => Self::Unsaid,
            Placement::In(place) => Self::In(
                place.profile.map(str::to_owned),
                place.rule.map(|(file, line)| (file.to_owned(), line)),
            ),
            Placement::Disputed(one, other) => Self::Disputed(name(one), name(other)),
        }
    }
}
