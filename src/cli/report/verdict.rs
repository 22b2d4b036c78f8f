//! In: the verdict about a plain command. Out: JSON in the shape of `codex execpolicy check`, as `docs/schemas/verdict-1.json`
//! describes it; and the pieces that the verdict about a script shares with it.
//! Not here: scripts and commands that run others (`verdict/segments.rs`).

mod positions;
pub mod segments;

use crate::output::json_text;
use execpolicy_runtime::{Confinement, Placement, Verdict};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided<'a> {
    matched_rules: Vec<Matched<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<Placed<'a>>,
}

/// One rule that matched, in the shape of Codex.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Matched<'a> {
    /// What Codex says about it.
    pub prefix_rule_match: PrefixRuleMatch<'a>,
    /// In a segment whose words are not all known: `could` if some command that it can be begins so,
    /// `if-file` if that needs a file of the right name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certainty: Option<&'static str>,
}

/// What Codex says about a rule that matched.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixRuleMatch<'a> {
    /// The rule's program and the command's own words.
    pub matched_prefix: Vec<String>,
    /// What the rule says.
    pub decision: &'static str,
    /// The command's first word, if it is another spelling of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_program: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<&'a str>,
    /// Where the rule is written, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RulePlace<'a>>,
}

/// Where a rule is written.
#[derive(Serialize)]
pub struct RulePlace<'a> {
    /// The file, relative to the policy root.
    pub file: &'a str,
    /// The line it begins in, from 1.
    pub line: u32,
}

/// How a verdict is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form {
    /// Indented.
    pub pretty: bool,
    /// With the file and line of each rule, and where the command runs.
    pub details: bool,
}

/// The verdict of a plain command.
pub fn plain(verdict: &Verdict<'_>, argv: &[Vec<u8>], form: Form) -> String {
    let lossy = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let matched_rules = verdict.matches().map(|found| {
        // Codex reports the path it looked up, the strict mode the word as it was given.
        let resolved = verdict.resolved_program.or(argv.first().map(Vec::as_slice));
        let prefix_rule_match = PrefixRuleMatch {
            matched_prefix: found.matched_prefix(argv).map(lossy).collect(),
            decision: found.decision.as_str(),
            resolved_program: resolved.filter(|_| found.resolved).map(lossy),
            justification: found.justification,
            rule: form.details.then_some(RulePlace { file: found.source, line: found.line }),
        };
        Matched { prefix_rule_match, certainty: None }
    });
    let decided = Decided {
        matched_rules: matched_rules.collect(),
        decision: verdict.conclusion.decision().map(|decision| decision.as_str()),
        placement: if form.details { placed(verdict.placement()) } else { None },
    };
    json_text(&decided, form.pretty)
}

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
pub fn placed(placement: Placement<'_>) -> Option<Placed<'_>> {
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
