//! In: a [`Policy`]. Out: diagnostics about rules against each other: rules that never add
//! anything, and exceptions that never take effect because the strictest rule wins.
//! Not here: single rules (`tokens.rs`).

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::policy::{Decision, Policy, PrefixRule};
use crate::source::SourceMap;
use execpolicy_runtime::facts::opaque;
use std::collections::{BTreeSet, HashMap};

/// Compares each rule with those that could cover it: same program, and a second word in common.
pub fn check(policy: &Policy, sources: &SourceMap, diagnostics: &mut Diagnostics) {
    let words: Vec<Vec<BTreeSet<&str>>> = policy.rules.iter().map(word_sets).collect();
    let mut candidates: HashMap<(&str, Option<&str>), Vec<usize>> = HashMap::new();
    for (at, rule) in policy.rules.iter().enumerate() {
        for head in &rule.pattern.tokens[0].alternatives {
            match rule.pattern.tokens.get(1) {
                None => candidates.entry((&head.value, None)).or_default().push(at),
                Some(second) => {
                    for word in &second.alternatives {
                        candidates.entry((&head.value, Some(&word.value))).or_default().push(at);
                    }
                }
            }
        }
    }
    for (at, rule) in policy.rules.iter().enumerate() {
        let head = rule.pattern.tokens[0].alternatives[0].value.as_str();
        let second = rule.pattern.tokens.get(1).map(|token| token.alternatives[0].value.as_str());
        let shorter = candidates.get(&(head, None)).into_iter().flatten();
        let longer = second.and_then(|word| candidates.get(&(head, Some(word)))).into_iter().flatten();
        let covering = shorter.chain(longer).copied().filter(|other| *other != at);
        let mut covering: Vec<usize> = covering
            .filter(|other| covers(&words[*other], &words[at]) && !allows_only_itself(policy, at, *other))
            .collect();
        covering.sort_unstable();
        covering.dedup();
        // The strictest one, the earliest among equals.
        if let Some(&other) =
            covering.iter().max_by_key(|other| (policy.rules[**other].decision, std::cmp::Reverse(**other)))
        {
            report(policy, at, other, words[at] == words[other], sources, diagnostics);
        }
    }
}

fn word_sets(rule: &PrefixRule) -> Vec<BTreeSet<&str>> {
    rule.pattern
        .tokens
        .iter()
        .map(|token| token.alternatives.iter().map(|word| word.value.as_str()).collect())
        .collect()
}

/// An allow of a whole script or wrapped command covers just that argv, whatever broader allow there
/// is: a broader one has no effect on what is opaque.
fn allows_only_itself(policy: &Policy, at: usize, other: usize) -> bool {
    let (rule, wide) = (&policy.rules[at], &policy.rules[other]);
    let words: Vec<&str> =
        rule.pattern.tokens.iter().map(|token| token.alternatives[0].value.as_str()).collect();
    wide.decision == Decision::Allow && wide.pattern.tokens.len() < words.len() && opaque(&words).is_some()
}

/// Whether every command that matches `narrow` matches `wide`.
fn covers(wide: &[BTreeSet<&str>], narrow: &[BTreeSet<&str>]) -> bool {
    wide.len() <= narrow.len()
        && wide.iter().zip(narrow).all(|(wide, narrow)| narrow.len() <= wide.len() && narrow.is_subset(wide))
}

fn report(
    policy: &Policy,
    at: usize,
    other: usize,
    same: bool,
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
) {
    let (rule, wide) = (&policy.rules[at], &policy.rules[other]);
    let place = sources.place(wide.span);
    if wide.decision > rule.decision {
        let shown = rule.pattern.span;
        let fault = Diagnostic::new(
            Code::EP0403,
            shown,
            format!(
                "this `{}` never takes effect: a `{}` rule covers it",
                rule.decision.as_str(),
                wide.decision.as_str()
            ),
        )
        .label(format!("always {}", wide.decision.as_str()))
        .also(wide.pattern.span, format!("the stricter rule, at {place}"))
        .hint("the strictest matching rule wins; make the stricter rule narrower, or remove this one");
        diagnostics.push(fault);
    } else if wide.decision == rule.decision {
        // Of two equal rules the later one is the one too many.
        if same && other > at || justified(rule) && !justified(wide) {
            return;
        }
        let what = if same {
            "this rule is written twice"
        } else {
            "this rule adds nothing: a broader one covers it"
        };
        let fault = Diagnostic::new(Code::EP0402, rule.pattern.span, what)
            .label(if same { "the same again" } else { "already covered" })
            .also(
                wide.pattern.span,
                format!("the {} rule, at {place}", if same { "first" } else { "broader" }),
            )
            .hint(if same || rule.decision != Decision::Allow {
                "remove it"
            } else {
                "remove it, or narrow the broader rule"
            });
        diagnostics.push(fault);
    }
}

fn justified(rule: &PrefixRule) -> bool {
    rule.justification.is_some()
}
