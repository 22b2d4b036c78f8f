//! In: an analysis and a set of rules ([`ArgvRules`]). Out: the verdict of the whole and of every part.
//!
//! One function for argv and script. Forbids and prompts see every part; an allow counts for a part
//! only where nothing stands against it; parts combine as `allow < unmatched < prompt < forbidden`.
//! Not here: how rules are stored; the compiler's plain policy and the compiled table each implement
//! the trait.

use crate::{Conclusion, Decision};
use execpolicy_shell::{
    AllowBlocker, Analysis, Argv, Fit, Limits, Reason, Role, Segment, ToolFacts, analyse_argv,
};

/// A rule that matches an [`Argv`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<R> {
    /// Which rule, in the terms of who stores them.
    pub rule: R,
    /// What it says.
    pub decision: Decision,
    /// How surely the pattern fits. An allow is only ever reported as [`Fit::Surely`].
    pub fit: Fit,
    /// Whether the pattern is the whole argv, byte for byte, program included, and all of it is known.
    pub whole: bool,
}

/// A set of rules over argvs, as the decision of scripts needs it.
pub trait ArgvRules {
    /// Names a rule in a verdict.
    type Rule: Clone;

    /// Calls `found` for every rule that matches, in load order.
    ///
    /// * A forbid or prompt matches if *some* argv of the set begins with its pattern, the program by
    ///   base name and ASCII case aside ([`Argv::could_begin`] with [`execpolicy_shell::WordSet::could_be_named`]).
    /// * An allow matches if *every* argv of the set does, the program exactly or in a place of the
    ///   system ([`Argv::surely_begins`]; `docs/semantics.md`, "Strict").
    ///
    /// Says whether every rule was looked at. If there was too much to do, the part is opaque.
    ///
    /// It knows nothing of wrappers and opaque commands. For an argv whose words are all known
    /// ([`Argv::words`]) both are what a decision table answers.
    fn find(&self, argv: &Argv, found: &mut dyn FnMut(Found<Self::Rule>)) -> bool;
}

/// One part of a script and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<R> {
    /// The part.
    pub segment: Segment,
    /// The verdict of this part alone; `None` if it carries others and no rule speaks about it.
    pub conclusion: Option<Conclusion>,
    /// The rules that count for it.
    pub rules: Vec<Found<R>>,
}

/// The verdict of a command with everything that it can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptVerdict<R> {
    /// The strictest part.
    pub conclusion: Conclusion,
    /// The parts, in the order in which they are written.
    pub parts: Vec<Part<R>>,
    /// The allow whose pattern is the whole argv and that settled it, if one did.
    pub whole: Option<Found<R>>,
}

/// Decides one argv and everything it runs. An empty argv is unmatched.
pub fn decide<R: ArgvRules, T: AsRef<[u8]>>(
    rules: &R,
    argv: &[T],
    cwd: Option<&[u8]>,
    facts: &ToolFacts,
    limits: &Limits,
) -> ScriptVerdict<R::Rule> {
    settle(rules, argv, judge(rules, analyse_argv(argv, cwd, facts, limits)))
}

/// Adds what a rule for the whole argv says.
pub(super) fn settle<R: ArgvRules, T: AsRef<[u8]>>(
    rules: &R,
    argv: &[T],
    mut verdict: ScriptVerdict<R::Rule>,
) -> ScriptVerdict<R::Rule> {
    // A rule for the whole literal argv settles what is unknown, not what is guarded.
    let mut whole = None;
    rules.find(&Argv::known(argv), &mut |found| {
        if found.decision == Decision::Allow && found.whole {
            whole.get_or_insert(found);
        }
    });
    let guarded =
        verdict.parts.iter().any(|part| part.rules.iter().any(|found| found.decision != Decision::Allow));
    if let Some(found) = whole.filter(|_| !guarded) {
        verdict.conclusion = Conclusion::Allow;
        verdict.whole = Some(found);
    }
    verdict
}

/// Decides what an analysis found.
pub fn judge<R: ArgvRules>(rules: &R, analysis: Analysis) -> ScriptVerdict<R::Rule> {
    let parts: Vec<Part<R::Rule>> =
        analysis.segments.into_iter().map(|segment| part(rules, segment)).collect();
    let mut strictest = None;
    let mut allowed = false;
    for part in &parts {
        strictest = strictest.max(part.conclusion);
        allowed |= part.segment.role == Role::Command && part.conclusion == Some(Conclusion::Allow);
    }
    // Nothing but carriers and assignments: no rule spoke.
    let conclusion = match strictest {
        None => Conclusion::Unmatched,
        Some(Conclusion::Allow) if !allowed => Conclusion::Unmatched,
        Some(conclusion) => conclusion,
    };
    ScriptVerdict { conclusion, parts, whole: None }
}

fn part<R: ArgvRules>(rules: &R, mut segment: Segment) -> Part<R::Rule> {
    let mut counted = Vec::new();
    if !segment.argv.0.is_empty() {
        let all = rules.find(&segment.argv, &mut |found| {
            let counts = match found.decision {
                Decision::Allow => {
                    segment.blocker.is_none() && segment.opaque.is_none() && segment.role != Role::Candidate
                }
                Decision::Prompt | Decision::Forbidden => true,
            };
            if counts {
                counted.push(found);
            }
        });
        if !all {
            segment.opaque = segment.opaque.or(Some(Reason::RuleSteps));
            counted.retain(|found| found.decision != Decision::Allow);
        }
    }
    let ruled = counted.iter().map(|found| match (found.decision, found.fit) {
        // A file of the right name would have to be there.
        (Decision::Forbidden, Fit::IfFile) => Conclusion::Prompt,
        (decision, _) => decision.into(),
    });
    let mut conclusion = ruled.max();
    if segment.opaque.is_some() {
        conclusion = conclusion.max(Some(Conclusion::Prompt));
    }
    // A forbid is stricter than "unmatched", an allow is not there if it did not count.
    let conclusion = match (segment.role, conclusion) {
        (Role::Command | Role::Bare, None) => Some(Conclusion::Unmatched),
        // What it starts has its own segment, but not the file it opens or the variable it is given.
        (Role::Carrier, None)
            if matches!(segment.blocker, Some(AllowBlocker::Effects | AllowBlocker::Environment)) =>
        {
            Some(Conclusion::Unmatched)
        }
        (_, conclusion) => conclusion,
    };
    Part { segment, conclusion, rules: counted }
}
