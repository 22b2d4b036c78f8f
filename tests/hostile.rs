//! Bytes that are no artifact are refused; rules and commands that are meant to hurt are bounded.

use crate::generate;
use crate::harness::Watchdog;
use crate::random::Random;
use execpolicy_compiler::artifact::{build, build_within};
use execpolicy_compiler::check::CheckedPolicy;
use execpolicy_compiler::lower::Budget;
use execpolicy_compiler::verify::{CONTEXTS, compare};
use execpolicy_runtime::script::{Decided, Decider};
use execpolicy_runtime::wire::{self, LoadErrorKind, SectionId};
use execpolicy_runtime::{Artifact, Conclusion, Context, Decision, Placement};
use std::time::Instant;

/// An artifact with something in every section that all have, blocks included.
fn sample() -> (CheckedPolicy, Vec<u8>) {
    sample_with(false)
}

/// The same with or without profiles and sandbox rules.
fn sample_with(profiles: bool) -> (CheckedPolicy, Vec<u8>) {
    let mut random = Random(7);
    loop {
        let (policy, sources) = generate::policy(&mut random, 12);
        if policy.placements.is_empty() == profiles {
            continue;
        }
        let checked = generate::checked(policy, sources);
        let artifact = build_within(&checked, Budget { factor: 0, base: 12 }).unwrap();
        let extents = Artifact::extents(&artifact.bytes).unwrap();
        if extents.iter().all(|&(_, _, len)| len > 0) {
            return (checked, artifact.bytes);
        }
    }
}

/// Decides some commands and looks at all that comes out; the point is that it comes back.
fn use_it(policy: &Artifact<'_>, commands: &[Vec<Vec<u8>>]) -> usize {
    let mut scratch = policy.scratch();
    let mut seen = 0;
    for argv in commands {
        for context in CONTEXTS {
            let verdict = policy.decide(argv, &context, &mut scratch);
            seen += usize::from(verdict.placement() != Placement::Unsaid);
            seen += verdict.matches().map(|found| found.head.len() + found.source.len()).sum::<usize>();
        }
    }
    seen + policy.hosts().count() + policy.networks().count() + policy.sources().count()
}

/// Walks through the edges as words that are not known do.
fn use_it_for_scripts(policy: Artifact<'_>) {
    let Ok(decider) = Decider::new(policy) else { return };
    let mut scratch = decider.policy().scratch();
    for script in ["git $x; $y push; g* \"$@\" x", "env $x git \"$y\" -c; */git push $x $y $z"] {
        let argv = ["bash", "-c", script];
        let decided = decider.decide(&argv, &Context::default(), &mut scratch);
        std::hint::black_box((decided.conclusion(), decider.placement(&decided, &argv)));
        if let Decided::Parts(verdict) = &decided {
            for part in &verdict.parts {
                for found in &part.rules {
                    std::hint::black_box(decider.rule_match(&part.segment.argv, found));
                }
            }
        }
    }
}

fn commands(checked: &CheckedPolicy) -> Vec<Vec<Vec<u8>>> {
    let mut random = Random(8);
    (0..12).map(|_| generate::command(&mut random, checked.policy())).collect()
}

#[test]
fn every_truncation_is_refused() {
    let (_, bytes) = sample();
    for len in 0..bytes.len() {
        let error = Artifact::from_bytes(&bytes[..len]).expect_err("cut short");
        assert!(!error.to_string().is_empty() && error.offset <= bytes.len(), "{error}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Artifact::from_bytes(&longer).unwrap_err().kind, LoadErrorKind::Length);
    assert_eq!(Artifact::from_bytes(&[]).unwrap_err().kind, LoadErrorKind::NotAnArtifact);
}

#[test]
fn every_change_of_one_byte_is_refused() {
    let (_, mut bytes) = sample();
    for at in 0..bytes.len() {
        let before = bytes[at];
        for value in 0..=255 {
            if value != before {
                bytes[at] = value;
                assert!(Artifact::from_bytes(&bytes).is_err(), "byte {at} may become {value}");
            }
        }
        bytes[at] = before;
    }
}

#[test]
fn the_header_is_understood_before_it_is_believed() {
    let (_, bytes) = sample();
    let change = |at: usize, new: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        Artifact::from_bytes(&bytes).unwrap_err()
    };
    assert_eq!(change(0, b"#!/bin/s").kind, LoadErrorKind::NotAnArtifact);
    assert_eq!(change(16, &(wire::FORMAT + 1).to_le_bytes()).kind, LoadErrorKind::Version(wire::FORMAT + 1));
    assert_eq!(change(16, &(wire::OLDEST - 1).to_le_bytes()).kind, LoadErrorKind::Version(wire::OLDEST - 1));
    assert_eq!(change(18, &wire::BYTE_ORDER.to_be_bytes()).kind, LoadErrorKind::ByteOrder);
    let unknown = 1u32 << 31;
    assert_eq!(change(20, &unknown.to_le_bytes()).kind, LoadErrorKind::Features(unknown));
    assert_eq!(change(24, &u64::MAX.to_le_bytes()).kind, LoadErrorKind::Truncated);
    assert_eq!(change(8, &[0; 8]).kind, LoadErrorKind::Checksum);
    assert_eq!(
        change(24, &0u64.to_le_bytes()).to_string(),
        "the artifact is not as long as it says (section `header`, byte 24)"
    );
}

#[test]
fn the_edges_of_the_roots_are_where_the_header_says() {
    let (_, bytes) = sample();
    let (slots_at, pilots_at) = (100, 104);
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let change = |at: usize, new: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&new.to_le_bytes());
        let sum = wire::checksum(&bytes);
        bytes[8..16].copy_from_slice(&sum.to_le_bytes());
        let error = Artifact::from_bytes(&bytes).unwrap_err();
        (error.section, error.kind)
    };
    let (edges, pilots) = (Some(SectionId::Edges), Some(SectionId::Pilots));
    assert_eq!(change(slots_at, u32::MAX), (edges, LoadErrorKind::Index));
    assert_eq!(change(pilots_at, u32::MAX), (pilots, LoadErrorKind::Index));
    // None for the roots; their edges among the others; others among theirs; no power of two.
    assert_eq!(change(slots_at, 0), (edges, LoadErrorKind::Value));
    assert_eq!(change(slots_at, 1), (edges, LoadErrorKind::Value));
    assert_eq!(change(slots_at, number(slots_at) + 9), (edges, LoadErrorKind::Value));
    assert_eq!(change(pilots_at, 0), (pilots, LoadErrorKind::Value));
    assert_eq!(change(pilots_at, number(pilots_at) + 1), (pilots, LoadErrorKind::Value));
}

/// Changes with a checksum that fits: what gets through validation must not panic, hang, or
/// answer with anything but a verdict. `changes` bytes are changed at random places.
fn corrupt(rounds: usize, seed: u64, profiles: bool) -> (usize, usize) {
    let (checked, bytes) = sample_with(profiles);
    let commands = commands(&checked);
    let mut random = Random(seed);
    let (mut refused, mut accepted) = (0, 0);
    let mut copy = bytes.clone();
    let extents = Artifact::extents(&bytes).expect("it is sound");
    let tools = extents.iter().find(|(id, ..)| *id == SectionId::Tools).expect("it has facts").1;
    for _ in 0..rounds {
        copy.copy_from_slice(&bytes);
        for _ in 0..1 + random.below(3) {
            // The text about tools is most of a small artifact, and the least of the dangers.
            let end = if random.once_in(3) { bytes.len() } else { tools };
            let at = 64 + random.below(end - 64);
            copy[at] = match random.below(4) {
                0 => copy[at].wrapping_add(1),
                1 => copy[at] ^ (1 << random.below(8)),
                2 => 0,
                _ => random.next() as u8,
            };
        }
        let sum = wire::checksum(&copy);
        copy[8..16].copy_from_slice(&sum.to_le_bytes());
        match Artifact::from_bytes(&copy) {
            Ok(policy) => {
                accepted += 1;
                std::hint::black_box(use_it(&policy, &commands[..3]));
                if random.once_in(16) {
                    use_it_for_scripts(policy);
                }
            }
            Err(_) => refused += 1,
        }
    }
    (refused, accepted)
}

#[test]
fn changes_with_a_repaired_checksum_never_panic() {
    for (rounds, profiles) in [(20_000, false), (4_000, true)] {
        let (refused, accepted) = corrupt(rounds, 9, profiles);
        assert!(refused > 200 && accepted > 200, "{refused} refused, {accepted} accepted");
    }
}

/// A longer run: `EXECPOLICY_CORRUPTIONS=10000000 cargo test --release -- --nocapture corruptions`;
/// half of the runs with a repaired checksum, half without, where everything must be refused.
#[test]
fn millions_of_corruptions() {
    let rounds =
        std::env::var("EXECPOLICY_CORRUPTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let seed = std::env::var("EXECPOLICY_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let (refused, accepted) = corrupt(rounds / 2, seed, false);
    let (_, bytes) = sample();
    let mut random = Random(seed + 1);
    let mut copy = bytes.clone();
    let mut plain = 0;
    while plain < rounds - rounds / 2 {
        copy.clear();
        copy.extend_from_slice(&bytes);
        if random.once_in(8) {
            copy.truncate(random.below(bytes.len()));
        }
        for _ in 0..1 + random.below(8) {
            if let Some(byte) =
                copy.len().checked_sub(1).map(|last| random.below(last + 1)).and_then(|at| copy.get_mut(at))
            {
                *byte ^= 1 << random.below(8);
            }
        }
        if copy != bytes {
            assert!(Artifact::from_bytes(&copy).is_err());
            plain += 1;
        }
    }
    println!("{plain} plain corruptions refused; checksum repaired: {refused} refused, {accepted} used");
}

fn vocabulary(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{name}{at}")).collect()
}

/// What must not happen is growth by powers: that would never end.
fn ends<T>(work: impl FnOnce() -> T) -> T {
    let _ends = Watchdog::new(std::thread::current().name().unwrap_or("hostile"));
    work()
}

#[test]
fn twelve_positions_of_five_hundred_alternatives() {
    let tokens: Vec<_> = (0..12).map(|at| vocabulary(&format!("w{at}-"), 500)).collect();
    let argv: Vec<_> = tokens.iter().map(|words| words[499].clone()).collect();
    let checked = generate::literal(&[(Decision::Forbidden, tokens)]);
    let artifact = ends(|| build(&checked).unwrap());
    assert!(artifact.bytes.len() < 600_000, "{}", artifact.bytes.len());
    let policy = Artifact::from_bytes(&artifact.bytes).unwrap();
    let mut scratch = policy.scratch();
    let verdict = policy.decide(&argv, &Context::default(), &mut scratch);
    assert_eq!((verdict.conclusion, verdict.matches().count()), (Conclusion::Forbidden, 1));
    let short = policy.decide(&argv[..11], &Context::default(), &mut scratch);
    assert_eq!(short.conclusion, Conclusion::Unmatched);
}

/// Rules that overlap in every position: the subsets are astronomically many.
fn overlapping(rules: usize, same_program: bool) -> CheckedPolicy {
    let mut random = Random(11);
    let rules: Vec<_> = (0..rules)
        .map(|at| {
            let mut tokens: Vec<Vec<String>> = (0..10)
                .map(|depth| {
                    (0..20).map(|_| format!("{}{}", ["p", "q"][depth % 2], random.below(40))).collect()
                })
                .collect();
            if same_program {
                tokens[0] = vec!["x".to_owned()];
            }
            ([Decision::Allow, Decision::Prompt, Decision::Forbidden][at % 3], tokens)
        })
        .collect();
    generate::literal(&rules)
}

fn overlap(count: usize, same_program: bool) {
    let checked = overlapping(count, same_program);
    let source: usize = checked
        .policy()
        .rules
        .iter()
        .flat_map(|rule| &rule.pattern.tokens)
        .map(|t| t.alternatives.len() * 7)
        .sum();
    let artifact = ends(|| build(&checked).unwrap());
    // The base of the budget allows 65,536 copies of an alternative, each at most an edge.
    let bound = 3 * source + 65_536 * 40;
    assert!(artifact.bytes.len() < bound, "{} of {source}", artifact.bytes.len());
    let policy = Artifact::from_bytes(&artifact.bytes).unwrap();
    let mut scratch = policy.scratch();
    let mut random = Random(12);
    for _ in 0..5 {
        let argv = generate::command(&mut random, checked.policy());
        for context in CONTEXTS {
            assert_eq!(compare(checked.policy(), &policy, &argv, &context, &mut scratch), None);
        }
    }
}

#[test]
fn rules_that_overlap_everywhere_do_not_blow_up() {
    overlap(300, true);
    overlap(300, false);
}

/// The full size where the build is optimized; a tenth of it elsewhere.
#[test]
fn ten_thousand_rules_that_overlap_everywhere() {
    let rules = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
    for same_program in [true, false] {
        let checked = overlapping(rules, same_program);
        let start = Instant::now();
        let artifact = build(&checked).unwrap();
        println!("{} bytes in {:?}", artifact.bytes.len(), start.elapsed());
        let policy = Artifact::from_bytes(&artifact.bytes).unwrap();
        let mut scratch = policy.scratch();
        let mut random = Random(13);
        let commands: Vec<_> = (0..100).map(|_| generate::command(&mut random, checked.policy())).collect();
        let start = Instant::now();
        let decided = commands.iter().filter(|argv| {
            policy.decide(argv, &Context::default(), &mut scratch).conclusion != Conclusion::Unmatched
        });
        println!("{} of 100 commands matched, {:?} each", decided.count(), start.elapsed() / 100);
    }
    overlap(rules, true);
    overlap(rules, false);
}

#[test]
fn long_commands_cost_no_more_than_the_longest_pattern() {
    let words = |line: &str| line.split(' ').map(|word| vec![word.to_owned()]).collect();
    let checked =
        generate::literal(&[(Decision::Prompt, words("git push --force")), (Decision::Allow, words("git"))]);
    let artifact = build(&checked).unwrap();
    let policy = Artifact::from_bytes(&artifact.bytes).unwrap();
    let mut scratch = policy.scratch();
    let mut argv = vec!["git".to_owned(), "push".to_owned(), "--force".to_owned()];
    argv.resize(100_000, "--force".to_owned());
    argv.push("x".repeat(10_000_000));
    for first in ["git", "/usr/bin/git"] {
        argv[0] = first.to_owned();
        let verdict = ends(|| policy.decide(&argv, &Context::default(), &mut scratch));
        assert_eq!(verdict.conclusion, Conclusion::Prompt);
        assert_eq!(verdict.matches().count(), 2);
    }
    // A long first word, and one that is nothing but path.
    for first in ["g".repeat(10_000_000), "/".repeat(10_000_000), "./".repeat(5_000_000) + "git"] {
        argv[0] = first;
        for context in CONTEXTS {
            let expected =
                execpolicy_compiler::policy::matches::decide(checked.policy(), &argv[..3], &context);
            let verdict = ends(|| policy.decide(&argv[..3], &context, &mut scratch));
            assert_eq!(verdict.conclusion, expected.conclusion);
        }
    }
}

#[test]
fn a_very_long_pattern_is_a_chain() {
    let mut tokens = vec![vec!["x".to_owned()]];
    tokens.resize(5000, vec!["y".to_owned()]);
    let argv: Vec<_> = tokens.iter().map(|token| token[0].clone()).collect();
    let checked = generate::literal(&[(Decision::Forbidden, tokens.clone()), (Decision::Forbidden, tokens)]);
    let artifact = ends(|| build(&checked).unwrap());
    assert!(artifact.bytes.len() < 400_000, "{}", artifact.bytes.len());
    let policy = Artifact::from_bytes(&artifact.bytes).unwrap();
    let verdict_of = |argv: &[String]| {
        let mut scratch = policy.scratch();
        policy.decide(argv, &Context::default(), &mut scratch).matches().count()
    };
    assert_eq!((verdict_of(&argv), verdict_of(&argv[..4999])), (2, 0));
}
