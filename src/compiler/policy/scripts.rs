//! In: a [`Policy`] and the set of argvs that a part of a script can be. Out: the rules that match,
//! found the plain way. With the analysis of the runtime this is the meaning of a policy for scripts.
//! Not here: the analysis itself (`execpolicy_shell`).

use super::matches::listed;
use super::placement::{Confinement, Placement, default_profile, narrowest, settle};
use super::program::surely_is;
use super::{PatternToken, Policy};
use execpolicy_runtime::Decision;
use execpolicy_runtime::script::{ArgvRules, Found, ScriptVerdict, decide};
use execpolicy_shell::names::tool_name;
use execpolicy_shell::{Argv, Fit, Limits, WordSet, analyse_argv};

/// One rule that matched, by one alternative of its first position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in [`Policy::rules`].
    pub rule: usize,
    /// Which alternative of the first position matched.
    pub head: usize,
}

impl ArgvRules for Policy {
    type Rule = Entry;

    fn find(&self, argv: &Argv, found: &mut dyn FnMut(Found<Entry>)) -> bool {
        for (at, rule) in self.rules.iter().enumerate() {
            let Some((first, rest)) = rule.pattern.tokens.split_first() else { continue };
            let tail = words_of(rest);
            for (head, alternative) in first.alternatives.iter().enumerate() {
                let program = alternative.value.as_bytes();
                let exact = argv.words().is_some_and(|words| {
                    words.len() == rule.pattern.tokens.len() && words.first() == Some(&program)
                });
                let fit = match rule.decision {
                    Decision::Prompt | Decision::Forbidden => {
                        argv.could_begin(|word: &WordSet| word.could_be_named(tool_name(program)), &tail)
                    }
                    Decision::Allow => {
                        let listed = listed(self, program);
                        argv.surely_begins(|word| surely_is(program, word, listed.as_deref()), &tail)
                            .then_some(Fit::Surely)
                    }
                };
                if let Some(fit) = fit {
                    found(Found {
                        rule: Entry { rule: at, head },
                        decision: rule.decision,
                        fit,
                        whole: exact,
                    });
                }
            }
        }
        true
    }
}

/// Where a command runs with everything that it runs.
///
/// Each part is placed on its own: by the longest sandbox rule that every argv of it begins with, else by the
/// default; a part of which something is unknown, or which something around it changes, by no rule for sure. If all
/// have one place, the whole runs there; else in the narrowest of theirs and the default. A rule for the very
/// argv, byte for byte, stands in place of the default.
#[must_use]
pub fn place_command<'a, T: AsRef<[u8]>>(
    policy: &'a Policy,
    argv: &[T],
    cwd: Option<&[u8]>,
) -> Placement<'a> {
    let Some(default) = default_profile(&policy.profiles).filter(|_| !argv.is_empty()) else {
        return Placement::Unsaid;
    };
    let words: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
    let whole = policy.placements.iter().position(|rule| {
        let tokens = &rule.pattern.tokens;
        tokens.len() == words.len() && tokens.iter().zip(&words).all(|(token, word)| token.accepts(word))
    });
    let base = match whole {
        Some(rule) => Confinement { profile: &policy.placements[rule].profile.value, rule: Some(rule) },
        None => Confinement { profile: default, rule: None },
    };
    let analysis = analyse_argv(argv, cwd, &policy.tools.facts(), &Limits::default());
    let mut placed = Vec::new();
    for segment in &analysis.segments {
        let could = candidates(policy, &segment.argv, segment.can_be_placed());
        if !could.is_empty() || !segment.needs_no_place() {
            placed.push(settle(policy, base, &could));
        }
    }
    if let Some(Placement::In(first)) = placed.first()
        && placed.iter().all(|part| matches!(part, Placement::In(part) if part.profile == first.profile))
    {
        return Placement::In(*first);
    }
    let mut places = vec![base];
    for part in placed {
        match part {
            Placement::In(place) => places.push(place),
            Placement::Disputed(..) => return part,
            Placement::Unsaid => {}
        }
    }
    narrowest(policy, &places)
}

/// The sandbox rules that some argv of the set begins with: number, length, whether every one does.
fn candidates(policy: &Policy, argv: &Argv, can_be_placed: bool) -> Vec<(usize, usize, bool)> {
    let mut found = Vec::new();
    for (number, rule) in policy.placements.iter().enumerate() {
        let Some((first, rest)) = rule.pattern.tokens.split_first() else { continue };
        let tail = words_of(rest);
        let heads = || first.alternatives.iter().map(|head| head.value.as_bytes());
        let could = heads()
            .any(|head| argv.could_begin(|word| word.could_be_named(tool_name(head)), &tail).is_some());
        let sure = can_be_placed
            && heads().any(|head| {
                let listed = listed(policy, head);
                argv.surely_begins(|word| surely_is(head, word, listed.as_deref()), &tail)
            });
        if could {
            found.push((number, rule.pattern.tokens.len(), sure));
        }
    }
    found
}

/// The words that each position accepts.
fn words_of(tokens: &[PatternToken]) -> Vec<Vec<&str>> {
    tokens
        .iter()
        .map(|token| token.alternatives.iter().map(|alternative| alternative.value.as_str()).collect())
        .collect()
}

/// Decides a command with everything it runs, by the rules as written and the policy's facts about tools.
#[must_use]
pub fn decide_command<T: AsRef<[u8]>>(
    policy: &Policy,
    argv: &[T],
    cwd: Option<&[u8]>,
) -> ScriptVerdict<Entry> {
    decide(policy, argv, cwd, &policy.tools.facts(), &Limits::default())
}
