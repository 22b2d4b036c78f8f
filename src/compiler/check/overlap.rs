//! In: a [`Policy`]. Out: diagnostics about rules against each other: rules that never add
//! anything, and exceptions that never take effect because the strictest rule wins.
//! Not here: single rules (`tokens.rs`).

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::policy::{Decision, Policy, PrefixRule};
use crate::source::SourceMap;
use execpolicy_shell::programs::opaque;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// Compares each rule with those that could cover it: they accept its own first alternatives.
pub fn check(policy: &Policy, sources: &SourceMap, diagnostics: &mut Diagnostics) {
    let words: Vec<Vec<BTreeSet<&str>>> = policy.rules.iter().map(word_sets).collect();
    let known = Prefixes::of(policy);
    for (at, rule) in policy.rules.iter().enumerate() {
        let covers = |other: &usize| {
            *other != at && covers(&words[*other], &words[at]) && !allows_only_itself(policy, at, *other)
        };
        // Of each list the first that covers; of these the strictest, the earliest among equals.
        let found = known.that_could_cover(rule).filter_map(|list| list.iter().copied().find(covers));
        if let Some(other) = found.min_by_key(|other| strictest_first(policy, *other)) {
            report(policy, at, other, words[at] == words[other], sources, diagnostics);
        }
    }
}

fn strictest_first(policy: &Policy, rule: usize) -> (Reverse<Decision>, usize) {
    (Reverse(policy.rules[rule].decision), rule)
}

/// How many commands a pattern may be spelt out into.
const SPELT_OUT: usize = 64;

/// Rules by what they begin with; each list has the strictest first, the earliest among equals.
struct Prefixes<'a> {
    /// By the whole pattern, each way of choosing its alternatives by itself.
    whole: HashMap<Vec<&'a str>, Vec<usize>>,
    /// Those with more ways than [`SPELT_OUT`], by their first two words.
    many: HashMap<(&'a str, Option<&'a str>), Vec<usize>>,
}

impl<'a> Prefixes<'a> {
    fn of(policy: &'a Policy) -> Self {
        let mut order: Vec<usize> = (0..policy.rules.len()).collect();
        order.sort_by_key(|rule| strictest_first(policy, *rule));
        let mut known = Self { whole: HashMap::new(), many: HashMap::new() };
        for at in order {
            let tokens = &policy.rules[at].pattern.tokens;
            let ways = tokens.iter().try_fold(1usize, |ways, token| {
                ways.checked_mul(token.alternatives.len()).filter(|ways| *ways <= SPELT_OUT)
            });
            if ways.is_some() {
                let mut spelt: Vec<Vec<&str>> = vec![Vec::with_capacity(tokens.len())];
                for token in tokens {
                    let longer = spelt.iter().flat_map(|words| {
                        token
                            .alternatives
                            .iter()
                            .map(move |word| [words, &[word.value.as_str()][..]].concat())
                    });
                    spelt = longer.collect();
                }
                for words in spelt {
                    known.whole.entry(words).or_default().push(at);
                }
                continue;
            }
            for head in &tokens[0].alternatives {
                let seconds = tokens.get(1).map_or(&[][..], |token| &token.alternatives);
                let seconds = seconds.iter().map(|word| Some(word.value.as_str()));
                for second in seconds.chain(tokens.get(1).is_none().then_some(None)) {
                    known.many.entry((&head.value, second)).or_default().push(at);
                }
            }
        }
        known
    }

    /// Lists in which every rule stands that covers another, perhaps with some that do not.
    fn that_could_cover<'s>(&'s self, rule: &'s PrefixRule) -> impl Iterator<Item = &'s [usize]> {
        let first: Vec<&str> =
            rule.pattern.tokens.iter().map(|token| token.alternatives[0].value.as_str()).collect();
        let many = [None, first.get(1).copied()];
        let many: Vec<_> = many
            .iter()
            .take(first.len().min(2))
            .filter_map(|second| self.many.get(&(first[0], *second)))
            .collect();
        let whole: Vec<_> = (1..=first.len()).filter_map(|len| self.whole.get(&first[..len])).collect();
        whole.into_iter().chain(many).map(Vec::as_slice)
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
