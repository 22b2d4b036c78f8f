//! The reference matcher, the automaton in memory and the reloaded artifact give one answer.

use crate::generate;
use crate::random::Random;
use execpolicy_compiler::artifact::build_within;
use execpolicy_compiler::lower::{Budget, FOLDED, LITERAL, RuleId, lower};
use execpolicy_compiler::policy::Policy;
use execpolicy_compiler::verify::{compare, compare_places};
use execpolicy_runtime::{self as runtime, Conclusion, Context, Decision, Mode, Opaque, Placement};
use execpolicy_shell::names::tool_name;

/// How often things happened that the test is about; a test that never meets them proves nothing.
#[derive(Debug, Default)]
struct Seen {
    pairs: usize,
    matched: usize,
    several: usize,
    opaque: usize,
    settled: usize,
    resolved: usize,
    blocks: usize,
    root_blocks: usize,
    placed: usize,
    disputed: usize,
}

fn contexts(random: &mut Random) -> [Context<'static>; 3] {
    let cwd = if random.once_in(5) { None } else { Some(&b"/srv/project"[..]) };
    let home = if random.once_in(5) { None } else { Some(&b"/opt/git"[..]) };
    [
        Mode::Strict,
        Mode::Codex { resolve_host_executables: false },
        Mode::Codex { resolve_host_executables: true },
    ]
    .map(|mode| Context { mode, cwd, home })
}

/// The rules that a walk from a root must find, said plainly.
fn expected(policy: &Policy, root: u32, argv: &[Vec<u8>]) -> Vec<RuleId> {
    let Some((program, rest)) = argv.split_first() else { return Vec::new() };
    let fits = |(pattern, guards): (&execpolicy_compiler::policy::Pattern, bool)| {
        let (head, tail) = pattern.tokens.split_first().expect("patterns are not empty");
        let fits = tail.len() <= rest.len() && tail.iter().zip(rest).all(|(token, word)| token.accepts(word));
        let starts = head.alternatives.iter().any(|head| {
            let head = head.value.as_bytes();
            let tool = tool_name(head).to_ascii_lowercase();
            // An allow is found by the tool's name only if that is all its head says.
            if root == FOLDED { tool == *program && (guards || tool == head) } else { head == program }
        });
        fits && starts
    };
    let deciding = policy.rules.iter().map(|rule| (&rule.pattern, rule.decision > Decision::Allow));
    let placing = policy.placements.iter().map(|rule| (&rule.pattern, true));
    (0..).zip(deciding.chain(placing)).filter(|(_, rule)| fits(*rule)).map(|(at, _)| at).collect()
}

/// Compares everything about one random policy.
fn round(random: &mut Random, rules: usize, commands: usize, seen: &mut Seen) {
    generate::each_budget(random, rules, |random, checked, budget, loaded| {
        let policy = checked.policy();
        let automaton = lower(checked, budget).expect("small policies fit");
        let walker = automaton.walker();
        let mut scratch = loaded.scratch();
        let capacity = scratch.capacity();
        seen.blocks += usize::from(!automaton.blocks.is_empty());
        seen.root_blocks += usize::from(automaton.block(FOLDED).is_some());
        for _ in 0..commands {
            let argv = generate::command(random, policy);
            if let Some(first) = argv.first() {
                assert_eq!(
                    walker.rules(LITERAL, &argv),
                    expected(policy, LITERAL, &argv),
                    "{argv:?} {policy:#?}"
                );
                // The folded root is only ever asked for folded names of tools.
                let mut folded = argv.clone();
                folded[0] = tool_name(first).to_ascii_lowercase();
                assert_eq!(
                    walker.rules(FOLDED, &folded),
                    expected(policy, FOLDED, &folded),
                    "{folded:?} {policy:#?}"
                );
            }
            if let Some(fault) = compare_places(checked, &loaded, &argv, &mut scratch) {
                panic!("{fault}\n{budget:?}\n{policy:#?}");
            }
            match loaded.decide(&argv, &Context::default(), &mut scratch).placement() {
                Placement::In(place) => seen.placed += usize::from(place.rule.is_some()),
                Placement::Disputed(..) => seen.disputed += 1,
                Placement::Unsaid => {}
            }
            for context in contexts(random) {
                if let Some(fault) = compare(policy, &loaded, &argv, &context, &mut scratch) {
                    panic!("{fault}\n{budget:?}\n{policy:#?}");
                }
                let verdict = loaded.decide(&argv, &context, &mut scratch);
                let matches = verdict.matches().count();
                seen.pairs += 1;
                seen.matched += usize::from(matches > 0);
                seen.several += usize::from(matches > 2);
                seen.opaque += usize::from(verdict.opaque.is_some());
                seen.resolved += usize::from(verdict.resolved_program.is_some() && matches > 0);
                let hidden =
                    execpolicy_shell::programs::opaque(&argv).is_some() && context.mode == Mode::Strict;
                seen.settled += usize::from(hidden && verdict.opaque.is_none());
            }
        }
        assert_eq!(scratch.capacity(), capacity, "a decision has allocated");
    });
}

#[test]
fn random_policies_decide_alike() {
    let mut random = Random(1);
    let mut seen = Seen::default();
    for _ in 0..1200 {
        round(&mut random, 14, 24, &mut seen);
    }
    assert!(seen.pairs >= 100_000, "{seen:?}");
    assert!(seen.matched >= seen.pairs / 4, "{seen:?}");
    for count in [seen.several, seen.opaque, seen.settled, seen.resolved, seen.blocks, seen.root_blocks] {
        assert!(count >= 100, "{seen:?}");
    }
    assert!(seen.placed >= 100 && seen.disputed >= 20, "{seen:?}");
}

#[test]
fn large_random_policies_decide_alike() {
    let mut random = Random(2);
    let mut seen = Seen::default();
    for _ in 0..12 {
        round(&mut random, 400, 60, &mut seen);
    }
    assert!(seen.several >= 500 && seen.blocks >= 10, "{seen:?}");
}

/// `EXECPOLICY_SEEDS=1000 cargo test --release -- more_random` for a longer run.
#[test]
fn more_random_policies_decide_alike() {
    let seeds = std::env::var("EXECPOLICY_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let mut seen = Seen::default();
    for seed in 0..seeds {
        let mut random = Random(1000 + seed);
        for _ in 0..20 {
            round(&mut random, 30, 40, &mut seen);
        }
    }
    println!("{seen:?}");
    assert!(seen.pairs > 0);
}

#[test]
fn an_empty_policy_decides_nothing() {
    let checked = generate::literal(&[]);
    let artifact = build_within(&checked, Budget::default()).unwrap();
    let loaded = runtime::Artifact::from_bytes(&artifact.bytes).unwrap();
    let mut scratch = loaded.scratch();
    let verdict = loaded.decide(&["git", "push"], &Context::default(), &mut scratch);
    assert_eq!((verdict.conclusion, verdict.opaque), (Conclusion::Unmatched, None));
    let verdict = loaded.decide(&["sudo", "ls"], &Context::default(), &mut scratch);
    assert_eq!((verdict.conclusion, verdict.opaque), (Conclusion::Prompt, Some(Opaque::Wrapper)));
    let none: [&str; 0] = [];
    assert_eq!(loaded.decide(&none, &Context::default(), &mut scratch).conclusion, Conclusion::Unmatched);
}

/// Patterns that are prefixes of each other, more of them than the runtime keeps a finger in.
#[test]
fn deep_chains_of_prefixes_decide_alike() {
    let lengths = [30, 3, 17, 1, 9, 2, 28, 5, 21, 4, 13, 8, 7, 25, 11, 6, 10, 19, 3, 30];
    let decisions = [Decision::Allow, Decision::Prompt, Decision::Allow];
    let rules: Vec<_> = (0..)
        .zip(lengths)
        .map(|(at, length)| {
            let mut tokens = vec![vec!["x".to_owned()]; length];
            tokens[0] =
                [vec!["git".to_owned()], vec!["GIT".to_owned(), "/usr/bin/git".to_owned()]][at % 2].clone();
            (decisions[at % 3], tokens)
        })
        .collect();
    let checked = generate::literal(&rules);
    let mut most = 0;
    for budget in [Budget::default(), Budget { factor: 0, base: 0 }] {
        let artifact = build_within(&checked, budget).unwrap();
        let loaded = runtime::Artifact::from_bytes(&artifact.bytes).unwrap();
        let mut scratch = loaded.scratch();
        for program in ["git", "GIT", "/usr/bin/git", "./git"] {
            for length in 0..33 {
                let mut argv = vec![program.to_owned()];
                argv.resize(1 + length, "x".to_owned());
                for context in contexts(&mut Random(length as u64)) {
                    assert_eq!(compare(checked.policy(), &loaded, &argv, &context, &mut scratch), None);
                    most = most.max(loaded.decide(&argv, &context, &mut scratch).matches().count());
                }
            }
        }
    }
    assert!(most > 16, "{most}");
}
