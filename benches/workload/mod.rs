//! In: a number of rules. Out: a policy of the kind people write, its text, and commands for it.
//! Not here: measuring.
//!
//! Patterns have 1 to 8 words (45 % two, 35 % three), a tenth of the positions 2 to 4 alternatives,
//! 30 % of the rules a justification; programs are drawn by Zipf's law, so that a few programs have
//! most of the rules, as in real policies. Everything comes from one seed.
#![allow(dead_code, reason = "each bench takes what it needs")]

pub mod peers;
#[path = "../../tests/random.rs"]
mod random;

use execpolicy_compiler::check::{CheckedPolicy, Options, check};
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::policy::{Pattern, PatternToken, Policy, PrefixRule};
use execpolicy_compiler::source::{SourceMap, Span, Spanned};
use execpolicy_runtime::Decision;
pub use random::Random;
use std::fmt::Write;

/// The sizes that are measured.
pub const SIZES: [usize; 3] = [10, 1_000, 100_000];

/// How many words patterns have, in turn, so that small policies have the same mixture; 5 is 5 to 8.
const LENGTHS: [usize; 20] = [2, 3, 2, 3, 2, 4, 2, 3, 2, 1, 2, 3, 2, 3, 2, 3, 2, 4, 3, 5];

/// A word of 3 to 12 letters that a number stands for.
fn word(number: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "ap", "ben", "cor", "du", "el", "fi", "gra", "hol", "in", "jo", "ket", "lis", "mo", "nup", "or",
        "pra",
    ];
    let mut random = Random(number as u64);
    let mut word = String::new();
    for _ in 0..2 + random.below(3) {
        word.push_str(SYLLABLES[random.below(16)]);
    }
    word
}

fn program(rank: usize) -> String {
    let name = word(rank * 7 + 1);
    // Numbered in letters: names that end in a digit could hide a version, and are asked about.
    let number = rank.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect::<String>();
    format!("{}{number}", &name[..name.len().min(5)])
}

/// A number below `count` by Zipf's law with exponent 1.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(count: usize) -> Self {
        let mut sum = 0.0;
        Self(
            (1..=count)
                .map(|rank| {
                    sum += 1.0 / rank as f64;
                    sum
                })
                .collect(),
        )
    }

    fn draw(&self, random: &mut Random) -> usize {
        let total = self.0.last().copied().unwrap_or(1.0);
        let at = (random.next() >> 11) as f64 / (1u64 << 53) as f64 * total;
        self.0.partition_point(|&sum| sum < at).min(self.0.len() - 1)
    }
}

/// A policy, the text a person would have written for it, and commands.
pub struct Workload {
    pub checked: CheckedPolicy,
    pub text: String,
    /// Commands that begin with some rule's words.
    pub hits: Vec<Vec<String>>,
    /// Commands whose program no rule names.
    pub misses: Vec<Vec<String>>,
}

/// The workload of this many rules.
pub fn workload(rules: usize) -> Workload {
    let mut random = Random(rules as u64);
    let mut text = String::new();
    let patterns = patterns(&mut random, rules, 0, &mut text);
    let checked = policy(&patterns, &text);
    let commands = if rules > 10_000 { 1 << 16 } else { 1 << 10 };
    let hits = (0..commands).map(|_| hit(&mut random, &patterns)).collect();
    let misses = (0..commands).map(|at| vec![program(100_000 + at), word(at + 1), word(at + 2)]).collect();
    Workload { checked, text, hits, misses }
}

/// The ten rules and the commands of `workload(10)`, with so many rules in all: the others are about other programs. What a
/// command costs here depends on the number of rules alone.
pub fn grown(rules: usize) -> Workload {
    let ten = workload(10);
    let mut text = String::new();
    let mut all = patterns(&mut Random(10), 10, 0, &mut text);
    all.extend(patterns(&mut Random(rules as u64), rules.saturating_sub(10), 10, &mut text));
    Workload { checked: policy(&all, &text), text, ..ten }
}

/// Rules about the programs from a rank on, and their text at the end of `text`.
fn patterns(random: &mut Random, rules: usize, first_program: usize, text: &mut String) -> Vec<Written> {
    let zipf = Zipf::new((rules / 20).max(2));
    let mut patterns = Vec::new();
    for _ in 0..rules {
        let len = match LENGTHS[patterns.len() % LENGTHS.len()] {
            5 => 5 + random.below(4),
            len => len,
        };
        let mut pattern = Vec::new();
        for at in 0..len {
            let count = if random.below(10) == 0 { 2 + random.below(3) } else { 1 };
            let mut alternatives: Vec<String> = Vec::new();
            while alternatives.len() < count {
                let word = match at {
                    0 => program(first_program + zipf.draw(random)),
                    // A program has some hundred sub-commands, and what follows them is more varied.
                    1 => word(random.below(400)),
                    _ => word(random.below(10_000)),
                };
                // A small policy has fewer programs than alternatives.
                if !alternatives.contains(&word) || (at == 0 && rules < 200) {
                    alternatives.push(word);
                }
            }
            alternatives.dedup();
            pattern.push(alternatives);
        }
        let decision = [Decision::Allow, Decision::Prompt, Decision::Forbidden][random.below(3)];
        let why = (random.below(10) < 3)
            .then(|| format!("{} the {}", word(random.below(99)), word(random.below(99))));
        patterns.push((write(text, &pattern, decision, why.as_deref()), pattern, decision, why));
    }
    patterns
}

type Written = ((usize, usize), Vec<Vec<String>>, Decision, Option<String>);

/// A random rule's words and up to three more.
fn hit(random: &mut Random, patterns: &[Written]) -> Vec<String> {
    let pattern = &patterns[random.below(patterns.len())].1;
    let mut argv: Vec<String> =
        pattern.iter().map(|alternatives| alternatives[random.below(alternatives.len())].clone()).collect();
    for _ in 0..random.below(4) {
        argv.push(word(random.below(20_000)));
    }
    argv
}

/// Writes a rule as people write it, on one line; its range in the text.
fn write(
    text: &mut String,
    pattern: &[Vec<String>],
    decision: Decision,
    why: Option<&str>,
) -> (usize, usize) {
    let start = text.len();
    let words: Vec<String> = pattern
        .iter()
        .map(|alternatives| match alternatives.as_slice() {
            [word] => format!("{word:?}"),
            several => format!("{several:?}"),
        })
        .collect();
    let pattern = words.join(", ");
    let written = write!(text, "prefix_rule(pattern = [{pattern}], decision = \"{}\"", decision.as_str())
        .and_then(|()| why.map_or(Ok(()), |why| write!(text, ", justification = {why:?}")))
        .and_then(|()| writeln!(text, ")"));
    assert!(written.is_ok(), "writing to a string cannot fail");
    (start, text.len() - 1)
}

fn policy(patterns: &[Written], text: &str) -> CheckedPolicy {
    let mut sources = SourceMap::new();
    let file = sources.add("bench.rules", text);
    let mut policy = Policy::default();
    for ((start, end), pattern, decision, why) in patterns {
        let span = Span::new(file, *start..*end);
        let tokens = pattern.iter().map(|alternatives| PatternToken {
            span,
            alternatives: alternatives.iter().map(|word| Spanned::new(word.clone(), span)).collect(),
        });
        policy.rules.push(PrefixRule {
            span,
            pattern: Pattern { span, tokens: tokens.collect() },
            decision: *decision,
            decision_span: Some(span),
            justification: why.clone().map(|why| Spanned::new(why, span)),
            matches: Vec::new(),
            not_matches: Vec::new(),
            hosts_known: 0,
        });
    }
    check(policy, sources, Options { codex: true }, &mut Diagnostics::new()).expect("nothing was reported")
}
