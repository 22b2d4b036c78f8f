//! The compiled table and the rules as written say the same about sets of argvs: the known, the
//! partly known and the unknown words of scripts.

use crate::generate;
use crate::random::Random;
use crate::shell_policy::{compare, decider, places};
use execpolicy_compiler::artifact::build_within;
use execpolicy_compiler::emit::seal;
use execpolicy_compiler::lower::Budget;
use execpolicy_compiler::policy::tools::Tools;
use execpolicy_compiler::policy::{Policy, SandboxRule};
use execpolicy_compiler::source::{SourceMap, Span, Spanned};
use execpolicy_runtime as runtime;
use execpolicy_runtime::script::{ArgvRules, Decided, Decider, TableRules};
use execpolicy_runtime::wire::{LoadErrorKind, SectionId};
use execpolicy_runtime::{Conclusion, Context, Decision};
use execpolicy_shell::{Argv, Fit, Item, Limits, Pattern, Piece, WordSet};

/// How often things happened that the test is about.
#[derive(Debug, Default)]
struct Seen {
    pairs: usize,
    patterns: usize,
    guards: usize,
    allows: usize,
    allows_of_sets: usize,
    if_file: usize,
    blocks: usize,
    root_blocks: usize,
}

fn pattern(pieces: Vec<Piece>) -> Pattern {
    let mut pattern = Pattern::default();
    for piece in pieces {
        pattern.push(piece);
    }
    pattern
}

/// A set that holds the word, or nearly.
fn words(random: &mut Random, word: &[u8]) -> WordSet {
    let literal = |bytes: &[u8]| Piece::Literal(bytes.to_vec());
    let at = random.below(word.len() + 1);
    let (before, after) = word.split_at(at);
    let one = match random.below(9) {
        0 => vec![Piece::Anything],
        1 => vec![literal(before), Piece::Anything],
        2 => vec![Piece::Anything, literal(after)],
        3 => vec![literal(before), Piece::Anything, literal(after)],
        4 => vec![literal(before), Piece::Character, literal(after.get(1..).unwrap_or_default())],
        5 => vec![Piece::Integer],
        6 => vec![literal(b"/usr/"), Piece::Anything, literal(b"/"), literal(word)],
        7 => vec![literal(word), Piece::Anything, literal(b"/")],
        _ => vec![literal(word)],
    };
    let mut patterns = vec![pattern(one)];
    for _ in 0..random.below(3) {
        let vocabulary = if random.once_in(2) { generate::WORDS } else { generate::HEADS };
        let other = random.word(vocabulary);
        patterns.push(pattern(vec![literal(other.as_bytes())]));
    }
    WordSet::of(patterns)
}

fn argv(random: &mut Random, policy: &Policy) -> Argv {
    let known = generate::command(random, policy);
    let often = 1 + random.below(4);
    let mut items: Vec<Item> = Vec::new();
    for word in known {
        let mut item = Item::known(word.clone());
        if random.once_in(often) {
            item.words = words(random, &word);
            item.files = random.once_in(4);
        }
        item.many = random.once_in(8);
        items.push(item);
    }
    if random.once_in(4) {
        let at = random.below(items.len() + 1);
        items.insert(at, Item::anything());
    }
    Argv(items)
}

fn round(random: &mut Random, rules: usize, commands: usize, seen: &mut Seen) {
    generate::each_budget(random, rules, |random, checked, budget, loaded| {
        let policy = checked.policy();
        seen.blocks += usize::from(loaded.blocks().get(0).is_some());
        seen.root_blocks += usize::from(loaded.blocks().get(0).is_some_and(|block| block.depth == 0));
        let table = TableRules::new(loaded);
        for _ in 0..commands {
            let argv = argv(random, policy);
            let mut expected = Vec::new();
            policy.find(&argv, &mut |found| {
                expected.push((found.rule.rule, found.rule.head, found.decision, found.fit, found.whole));
            });
            let mut given = Vec::new();
            table.find(&argv, &mut |found| {
                let (rule, head) = (found.rule.rule as usize, found.rule.alternative as usize);
                given.push((rule, head, found.decision, found.fit, found.whole));
            });
            assert_eq!(given, expected, "{argv:#?}\n{budget:?}\n{policy:#?}");
            let known = argv.words().is_some();
            seen.pairs += 1;
            seen.patterns += usize::from(!known);
            seen.guards += usize::from(!known && given.iter().any(|found| found.2 != Decision::Allow));
            seen.allows += usize::from(given.iter().any(|found| found.2 == Decision::Allow));
            let unsure = argv.0.iter().take(2).any(|item| item.as_known().is_none());
            seen.allows_of_sets +=
                usize::from(unsure && given.iter().any(|found| found.2 == Decision::Allow));
            seen.if_file += usize::from(given.iter().any(|found| found.3 == Fit::IfFile));
        }
    });
}

#[test]
fn sets_of_argvs_are_decided_as_the_rules_are_written() {
    let mut random = Random(11);
    let mut seen = Seen::default();
    for _ in 0..500 {
        round(&mut random, 14, 24, &mut seen);
    }
    for _ in 0..6 {
        round(&mut random, 400, 40, &mut seen);
    }
    println!("{seen:?}");
    assert!(seen.pairs >= 30_000 && seen.patterns >= 20_000, "{seen:?}");
    for count in [seen.guards, seen.allows, seen.allows_of_sets, seen.if_file, seen.blocks, seen.root_blocks]
    {
        assert!(count >= 100, "{seen:?}");
    }
}

/// The facts that count are those that were compiled in, not those of the runtime's own version.
#[test]
fn the_facts_of_the_artifact_are_used() {
    let mut policy =
        generate::literal(&[(Decision::Forbidden, vec![vec!["rm".to_owned()]])]).policy().clone();
    let forbidden = |policy: &Policy, line: &str| {
        let mut sources = SourceMap::new();
        sources.add("test.rules", "x");
        let checked = generate::checked(policy.clone(), sources);
        let bytes = build_within(&checked, Budget::default()).expect("the facts can be read").bytes;
        let decider = decider(runtime::Artifact::from_bytes(&bytes).expect("it has been verified"));
        let argv: Vec<&str> = line.split(' ').collect();
        let mut scratch = decider.policy().scratch();
        decider.decide(&argv, &Context::default(), &mut scratch).conclusion() == Conclusion::Forbidden
    };
    assert!(forbidden(&policy, "nice rm x") && !forbidden(&policy, "courteous rm x"));
    policy.tools = Tools("tool courteous\n  neutral\n  inner rest\n".into());
    assert!(forbidden(&policy, "courteous rm x"));
    // Now nobody knows what follows `nice`; it is a program that runs others, so all is looked at.
    assert!(forbidden(&policy, "nice rm x"));
}

/// Facts that mean nothing are no facts: the policy is refused, and the place is named.
#[test]
fn facts_that_cannot_be_read_are_refused() {
    let checked = generate::literal(&[(Decision::Allow, vec![vec!["ls".to_owned()]])]);
    let mut bytes = build_within(&checked, Budget::default()).unwrap().bytes;
    let extents = runtime::Artifact::extents(&bytes).unwrap();
    let (_, start, len) = *extents.iter().find(|(id, ..)| *id == SectionId::Tools).unwrap();
    let text = std::str::from_utf8(&bytes[start..start + len]).unwrap();
    let at = start + text.find("inner rest").unwrap();
    bytes[at..at + 10].copy_from_slice(b"inner ruse");
    seal(&mut bytes);
    let error = Decider::new(runtime::Artifact::from_bytes(&bytes).unwrap()).unwrap_err();
    assert_eq!((error.section, error.offset), (Some(SectionId::Tools), at));
    assert!(matches!(error.kind, LoadErrorKind::Tools(_)), "{error}");
    bytes[at] = 0xFF;
    seal(&mut bytes);
    let error = runtime::Artifact::from_bytes(&bytes).unwrap_err();
    assert_eq!((error.kind, error.offset), (LoadErrorKind::Text, at));
}

/// A command of a script: some word of it stands behind an expansion.
fn simple(random: &mut Random, policy: &Policy) -> String {
    let words = generate::command(random, policy);
    let mut line = String::new();
    for word in words {
        let word = String::from_utf8_lossy(&word).replace('\0', "0");
        let quoted = shlex::try_quote(&word).unwrap().into_owned();
        line.push_str(&match random.below(12) {
            0 => "$unknown".to_owned(),
            1 => "\"$@\"".to_owned(),
            2 => format!("$unknown{quoted}"),
            3 => format!("{quoted}*"),
            4 => format!("${{unset:-{quoted}}}"),
            _ => quoted,
        });
        line.push(' ');
    }
    // Somewhere in the grammar.
    match random.below(10) {
        0 => format!("( {line})"),
        1 => format!("if {line}; then {line}; fi"),
        2 => format!("for unknown in push \"$x\"; do {line}; done"),
        3 => format!("f() {{ {line}; }}; f push"),
        4 => format!("echo \"$({line})\""),
        5 => format!("unset=git; {line}"),
        _ => line,
    }
}

/// A command that may be a wrapper, a script, or a script in a script.
fn command(random: &mut Random, policy: &Policy) -> Vec<Vec<u8>> {
    const WRAPPERS: &[&[&str]] = &[
        &["env"],
        &["env", "A=1"],
        &["sudo"],
        &["sudo", "-u", "x"],
        &["timeout", "5"],
        &["nice"],
        &["nice", "-n", "5"],
        &["xargs"],
        &["find", ".", "-exec"],
        &["/usr/bin/env", "-i"],
        &["time", "--odd"],
        &["ssh", "host"],
        &["git", "-c", "x=y"],
        &["docker", "exec", "c"],
        &["awk"],
    ];
    let mut argv = match random.below(3) {
        0 => generate::command(random, policy),
        _ => {
            let parts: Vec<String> = (0..1 + random.below(4)).map(|_| simple(random, policy)).collect();
            let glue = random.word(&["; ", " && ", " || ", " | ", "\n", " & "]);
            let mut script = parts.join(glue);
            script.push_str(random.word(&["", " > out", " # x", " < in", " 2>&1", "; \"", "; eval \"$x\""]));
            let shell = random.word(&["bash", "/bin/sh", "zsh", "dash", "BASH", "bash-5.2", "fish"]);
            vec![shell.into(), random.word(&["-c", "-lc", "-ec", "-x"]).into(), script.into_bytes()]
        }
    };
    while random.once_in(3) {
        let wrapper = WRAPPERS[random.below(WRAPPERS.len())];
        argv.splice(0..0, wrapper.iter().map(|word| word.as_bytes().to_vec()));
    }
    argv
}

/// The whole way: the program's function, from the compiled bytes, and the reference with the rules
/// as written, part by part.
#[test]
fn commands_with_everything_they_run_are_decided_alike() {
    let mut random = Random(12);
    let mut conclusions = [0; 4];
    let (mut pairs, mut parts) = (0, 0);
    // Unsaid, by the default, by a rule, disputed.
    let mut placed = [0; 4];
    for round in 0..250 {
        let (mut policy, sources) = generate::policy(&mut random, 14);
        if round % 4 == 0 {
            generate::place(&mut random, &mut policy);
        }
        let checked = generate::checked(policy, sources);
        let policy = checked.policy();
        for budget in [Budget::default(), Budget { factor: 0, base: 0 }] {
            let artifact = build_within(&checked, budget).expect("the bytes say what the policy says");
            let decider =
                decider(runtime::Artifact::from_bytes(&artifact.bytes).expect("it has been verified"));
            let mut scratch = decider.policy().scratch();
            for _ in 0..20 {
                let argv = command(&mut random, policy);
                let (verdict, fault) = compare(policy, &decider, &argv, Some(b"/srv"), &mut scratch);
                assert_eq!(fault, None, "{policy:#?}");
                conclusions[verdict.conclusion as usize] += 1;
                let decided = decider.decide(&argv, &Context::default(), &mut scratch);
                let kind = match &places(decider.placement(&decided, &argv))[..] {
                    [] => 0,
                    [(_, by_rule)] => 1 + usize::from(*by_rule),
                    _ => 3,
                };
                placed[kind] += 1;
                parts += verdict.parts.len();
                pairs += 1;
            }
        }
    }
    println!("{pairs} commands, {parts} parts, allow/unmatched/prompt/forbidden {conclusions:?}");
    assert!(pairs >= 10_000 && parts >= 2 * pairs, "{pairs} {parts}");
    assert!(conclusions.iter().all(|&count| count >= 100), "{conclusions:?}");
    assert!(conclusions[Conclusion::Forbidden as usize] >= 1000, "{conclusions:?}");
    println!("unsaid/default/rule/disputed {placed:?}");
    assert!(placed.iter().all(|&count| count >= 50), "{placed:?}");
}

/// A script of many parts that can each be many commands, under a policy of many rules: the work is
/// bounded, and what it was not enough for is asked about.
#[test]
fn too_many_readings_are_asked_about() {
    let words = |line: String| line.split(' ').map(|word| vec![word.to_owned()]).collect::<Vec<_>>();
    let mut rules = vec![(Decision::Allow, words("foo".to_owned()))];
    rules.extend((0..2000).map(|at| (Decision::Forbidden, words(format!("foo w{at} z q")))));
    let mut policy = generate::literal(&rules).policy().clone();
    generate::place(&mut Random(1), &mut policy);
    policy.placements.clear();
    let mut sources = SourceMap::new();
    let span = Span::new(sources.add("test.rules", "x"), 0..1);
    for at in 0..2000 {
        let mut pattern = policy.rules[1].pattern.clone();
        pattern.tokens[1].alternatives[0].value = format!("v{at}");
        let profile = Spanned::new("tight".to_owned(), span);
        let (matches, not_matches) = (Vec::new(), Vec::new());
        policy.placements.push(SandboxRule { span, pattern, profile, matches, not_matches });
    }
    let checked = generate::checked(policy, sources);
    let bytes = build_within(&checked, Budget::default()).unwrap().bytes;
    let argv = ["bash", "-c", "foo a$x; foo b$x"];
    let ask = |steps: u64| {
        let decider = decider(runtime::Artifact::from_bytes(&bytes).unwrap());
        let decider = decider.with_limits(Limits { steps, ..Limits::default() });
        let mut scratch = decider.policy().scratch();
        let decided = decider.decide(&argv, &Context::default(), &mut scratch);
        let Decided::Parts(verdict) = &decided else { panic!("{decided:?}") };
        let opaque = verdict.parts.iter().filter_map(|part| part.segment.opaque).collect::<Vec<_>>();
        (decided.conclusion(), opaque.len(), places(decider.placement(&decided, &argv)).len())
    };
    assert_eq!(ask(Limits::default().steps), (Conclusion::Allow, 0, 1));
    // Enough for the first part.
    assert_eq!(ask(6000), (Conclusion::Prompt, 1, 2));
    assert_eq!(ask(100), (Conclusion::Prompt, 2, 2));
    assert_eq!(ask(0), (Conclusion::Prompt, 2, 2));
}
