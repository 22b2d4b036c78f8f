//! In: a seed. Out: random policies, as written and compiled, and commands, over small alphabets, so that they meet often.
//! Not here: any comparison; profiles of sandboxes (`generate_profiles.rs`).

use crate::random::Random;
use execpolicy_compiler::artifact::build_within;
use execpolicy_compiler::check::{CheckedPolicy, Options, check};
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::lower::Budget;
use execpolicy_compiler::policy::matches::example;
use execpolicy_compiler::policy::profile::Profiles;
use execpolicy_compiler::policy::{
    Example, HostExecutable, NetworkRule, Pattern, PatternToken, Policy, PrefixRule, Protocol, SandboxRule,
};
use execpolicy_compiler::sandbox;
use execpolicy_compiler::source::{SourceId, SourceMap, Span, Spanned};
use execpolicy_runtime::Decision;
use std::sync::OnceLock;

/// First words: spellings of the same programs, shells, wrappers, long ones, odd ones.
pub const HEADS: &[&str] = &[
    "git",
    "git",
    "git",
    "ls",
    "GIT",
    "Git",
    "/usr/bin/git",
    "/usr/bin/GIT",
    "/opt/git/git",
    "./git",
    "~/git",
    "bash",
    "/bin/bash",
    "env",
    "sudo",
    "find",
    "ld-linux-x86-64.so.2",
    "a-program-with-a-long-name",
    "A-Program-With-A-Long-Name",
    "/usr/bin/a-program-with-a-long-name",
    "exactly-15-byte",
    "exactly-16-bytes",
    "",
    "/",
    ".",
    "x/..",
    "/usr/../git",
    "project",
    "naïve",
    "git.exe",
    "git-2.47",
    "python",
    "python3",
    "python3.11",
    "grep",
    "ggrep",
    "base64",
    "C:\\Git\\git.exe",
    "c:git",
    "bash.exe",
    "a-program-with-a-long-name-2.1.EXE",
];

/// Ends of first words that do not make another tool, or almost do not.
pub const SPELLINGS: &[&str] =
    &[".exe", ".CMD", ".ps1", "3", "3.11", "-2.47", ".exe.bat", "3.EXE", ".", "-", "\\", ".sh"];

/// Later words.
pub const WORDS: &[&str] = &[
    "push",
    "push",
    "-c",
    "-f",
    "x",
    "",
    "ä",
    "-exec",
    "PUSH",
    // The lengths around those of a key that holds the whole word.
    "commit",
    "Commit",
    "restore",
    "checkout",
    "--dry-run",
    "--no-verif",
    "--no-verify",
    "--no-Verify",
    "--no-verify=",
    "--force-with",
    "cherry-pick-me",
    "exactly-15-byte",
    "exactly-16-bytes",
    "exactly-17-bytes!",
    "https://example.org/a/long/argument?with=parameters",
];

/// Directories that are put before a first word.
const DIRECTORIES: &[&str] =
    &["/usr/bin/", "/bin/", "/opt/git/", "./", "~/", "/tmp/", "/usr//bin/", "/usr/bin/../bin/"];

/// Calls `test` with a random policy, compiled with the usual room for its automaton, with little and with none: three ways to the same
/// decisions.
pub fn each_budget(
    random: &mut Random,
    rules: usize,
    mut test: impl FnMut(&mut Random, &CheckedPolicy, Budget, execpolicy_runtime::Artifact<'_>),
) {
    let (policy, sources) = policy(random, rules);
    let checked = checked(policy, sources);
    let small = Budget { factor: 0, base: random.below(60) as u64 };
    for budget in [Budget::default(), small, Budget { factor: 0, base: 0 }] {
        let artifact = build_within(&checked, budget).expect("the bytes say what the policy says");
        // The view that an owned policy gives; `verify` has read the other.
        let loaded = execpolicy_runtime::Policy::from_bytes(artifact.bytes).expect("it has been verified");
        test(random, &checked, budget, loaded.artifact());
    }
}

/// A policy of up to `rules` rules, and its sources.
pub fn policy(random: &mut Random, rules: usize) -> (Policy, SourceMap) {
    let mut sources = SourceMap::new();
    let files = [sources.add("rules/a.rules", "one\ntwo\nthree\n"), sources.add("b.rules", "one\n\ntwo\n")];
    let mut policy = Policy::default();
    for _ in 0..random.below(rules + 1) {
        let rule = rule(random, files[random.0 as usize % 2]);
        policy.rules.push(rule);
    }
    for _ in 0..random.below(4) {
        let span = span(random, files[0]);
        let name = random.word(&["git", "ls", "GIT", "a-program-with-a-long-name", "project"]);
        let paths = (0..random.below(3)).map(|_| {
            let directory = random.word(&["/usr/bin/", "/opt/git/", "/tmp/", "/srv/project/", "C:\\Git\\"]);
            let end = if directory.starts_with('C') { ".exe" } else { "" };
            Spanned::new(format!("{directory}{name}{end}"), span)
        });
        let paths = paths.collect();
        policy.hosts.push(HostExecutable { span, name: Spanned::new(name.to_owned(), span), paths });
    }
    if random.once_in(3) {
        let span = span(random, files[1]);
        policy.networks.push(NetworkRule {
            span,
            host: Spanned::new("example.org".to_owned(), span),
            protocol: Protocol::Https,
            decision: Decision::Forbidden,
            justification: Some(Spanned::new("no".to_owned(), span)),
        });
    }
    if random.once_in(16) {
        // What is placed must be found among what decides, and change nothing about it.
        place(random, &mut policy);
    }
    (policy, sources)
}

/// Gives a policy profiles and a few sandbox rules.
pub fn place(random: &mut Random, policy: &mut Policy) {
    // A file that every such policy has.
    let file = SourceMap::new().add("rules/a.rules", "");
    policy.profiles = profiles()[random.below(3)].clone();
    for _ in 0..random.below(6) {
        let PrefixRule { span, pattern, .. } = rule(random, file);
        let profile = random.word(PROFILES).to_owned();
        let (matches, not_matches) = (Vec::new(), Vec::new());
        let profile = Spanned::new(profile, span);
        policy.placements.push(SandboxRule { span, pattern, profile, matches, not_matches });
    }
}

/// The standard library's profiles and two more, with each of three defaults.
fn profiles() -> &'static [Profiles; 3] {
    static PROFILES: OnceLock<[Profiles; 3]> = OnceLock::new();
    PROFILES.get_or_init(|| {
        ["", "default aside", "default tight"].map(|default| {
            let own = "profile aside { read ~/notes }\nprofile tight extends read-only { deny /srv }\n";
            let (mut sources, mut findings) = (SourceMap::new(), Diagnostics::new());
            let own = sources.add("own.sandbox", own.to_owned() + default);
            let profiles = sandbox::load(&mut sources, &[own], &mut findings);
            assert!(findings.ok().is_ok(), "{findings:?}");
            profiles
        })
    })
}

/// Profiles some of which are within others; `aside` is within few.
const PROFILES: &[&str] = &[
    "read-only",
    "tight",
    "aside",
    "workspace-write",
    "workspace-commit",
    "danger-full-access",
    "unconfined",
];

fn span(random: &mut Random, file: SourceId) -> Span {
    let start = random.below(8);
    Span::new(file, start..start + 1)
}

fn rule(random: &mut Random, file: SourceId) -> PrefixRule {
    let span = span(random, file);
    // Few heads per policy make rules meet; now and then many make every namespace large.
    let heads = if random.once_in(4) { HEADS } else { &HEADS[..8] };
    let mut tokens = Vec::new();
    for at in 0..1 + random.below(5) {
        let vocabulary = if at == 0 { heads } else { &WORDS[..2 + random.below(WORDS.len() - 1)] };
        let count = if random.once_in(2) { 1 + random.below(4) } else { 1 };
        let alternatives =
            (0..count).map(|_| Spanned::new(random.word(vocabulary).to_owned(), span)).collect();
        tokens.push(PatternToken { span, alternatives });
    }
    let decision = [Decision::Allow, Decision::Allow, Decision::Prompt, Decision::Forbidden][random.below(4)];
    let argv = vec![random.word(HEADS).to_owned(), random.word(WORDS).to_owned()];
    PrefixRule {
        span,
        pattern: Pattern { span, tokens },
        decision,
        decision_span: None,
        justification: random.once_in(3).then(|| Spanned::new("because".to_owned(), span)),
        matches: Vec::new(),
        not_matches: if random.once_in(4) { vec![Example { span, argv }] } else { Vec::new() },
        hosts_known: 0,
    }
}

/// A command that is likely to meet the policy.
pub fn command(random: &mut Random, policy: &Policy) -> Vec<Vec<u8>> {
    let mut argv: Vec<Vec<u8>> = Vec::new();
    let patterns: Vec<_> = policy.rules.iter().map(|rule| &rule.pattern).collect();
    let placing = policy.placements.iter().map(|rule| &rule.pattern);
    let patterns: Vec<_> = patterns.into_iter().chain(placing).collect();
    if !patterns.is_empty() && !random.once_in(4) {
        for token in &patterns[random.below(patterns.len())].tokens {
            let word = &token.alternatives[random.below(token.alternatives.len())].value;
            argv.push(word.clone().into_bytes());
        }
        if random.once_in(4) {
            argv.truncate(random.below(argv.len() + 1));
        }
    } else {
        argv.push(random.word(HEADS).as_bytes().to_vec());
    }
    for _ in 0..random.below(4) {
        argv.push(random.word(WORDS).as_bytes().to_vec());
    }
    if let Some(first) = argv.first_mut() {
        match random.below(16) {
            0 => *first = [random.word(DIRECTORIES).as_bytes(), first].concat(),
            1 => first.make_ascii_uppercase(),
            2 if random.once_in(2) => {
                first.extend_from_slice(random.word(&["/", "/.", "/..", "\u{0}"]).as_bytes())
            }
            3..=5 => first.extend_from_slice(random.word(SPELLINGS).as_bytes()),
            6 => first.insert(0, b'g'),
            _ => {}
        }
    }
    if random.once_in(8) && !argv.is_empty() {
        let at = random.below(argv.len());
        argv[at].push(0xFF);
    }
    argv
}

/// A policy as the back half takes it.
pub fn checked(mut policy: Policy, sources: SourceMap) -> CheckedPolicy {
    // A random example goes where it is true.
    let known = policy.clone();
    for rule in &mut policy.rules {
        let examples = std::mem::take(&mut rule.not_matches);
        (rule.matches, rule.not_matches) =
            examples.into_iter().partition(|written| example(&known, &*rule, &written.argv, true).is_ok());
    }
    // Codex's rules accept everything; what lints say of random words is not the point.
    check(policy, sources, Options { codex: true }, &mut Diagnostics::new()).expect("nothing was reported")
}

/// A policy from rules as words, checked: a position is a list of alternatives.
pub fn literal(rules: &[(Decision, Vec<Vec<String>>)]) -> CheckedPolicy {
    let (policy, sources) = unchecked(rules);
    checked(policy, sources)
}

/// A policy from rules as words that is not checked yet.
pub fn unchecked(rules: &[(Decision, Vec<Vec<String>>)]) -> (Policy, SourceMap) {
    let mut sources = SourceMap::new();
    let span = Span::new(sources.add("test.rules", "x"), 0..1);
    let mut policy = Policy::default();
    for (decision, tokens) in rules {
        let tokens = tokens.iter().map(|alternatives| PatternToken {
            span,
            alternatives: alternatives.iter().map(|word| Spanned::new(word.clone(), span)).collect(),
        });
        policy.rules.push(PrefixRule {
            span,
            pattern: Pattern { span, tokens: tokens.collect() },
            decision: *decision,
            decision_span: None,
            justification: None,
            matches: Vec::new(),
            not_matches: Vec::new(),
            hosts_known: 0,
        });
    }
    (policy, sources)
}
