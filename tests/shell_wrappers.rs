//! Every program of the table that runs others is one in each way of deciding, and the check says of an allow that it
//! has no effect if and only if that is so.

use crate::generate::unchecked;
use execpolicy_compiler::artifact::build;
use execpolicy_compiler::check::{Options, check};
use execpolicy_compiler::diagnostic::{Code, Diagnostics};
use execpolicy_compiler::policy::tools::STANDARD_TOOLS;
use execpolicy_runtime::script::Decider;
use execpolicy_runtime::{self as runtime, Conclusion, Context, Decision};
use execpolicy_shell::ToolFacts;
use execpolicy_shell::programs::{PROGRAMS, Runs};
use std::collections::BTreeSet;

/// What is known about an allow.
struct Allow {
    /// The text of the finding EP0404, if there is one.
    finding: Option<String>,
    bytes: Vec<u8>,
}

fn allow(words: &[&str]) -> Allow {
    let tokens = words.iter().map(|word| vec![(*word).to_owned()]).collect();
    let (policy, sources) = unchecked(&[(Decision::Allow, tokens)]);
    let mut diagnostics = Diagnostics::new();
    let checked = check(policy, sources, Options::default(), &mut diagnostics);
    let checked = checked.unwrap_or_else(|_| panic!("{words:?}: {:?}", diagnostics.as_slice()));
    let found = diagnostics.as_slice().iter().find(|found| found.code == Code::EP0404);
    Allow { finding: found.map(|found| found.message.clone()), bytes: build(&checked).unwrap().bytes }
}

impl Allow {
    /// Whether a command is allowed: by its own words, and by what it runs.
    fn allows(&self, argv: &[&str]) -> [bool; 2] {
        let policy = || runtime::Artifact::from_bytes(&self.bytes).unwrap();
        let (plain, decider) = (policy(), Decider::new(policy()).unwrap());
        let (mut scratch, mut other) = (plain.scratch(), plain.scratch());
        let context = Context::default();
        let words = plain.decide(argv, &context, &mut scratch).conclusion;
        let parts = decider.decide(argv, &context, &mut other).conclusion();
        [words, parts].map(|conclusion| conclusion == Conclusion::Allow)
    }
}

/// An argv that runs what its first word does not show.
fn hidden(name: &'static str, runs: Runs) -> Vec<&'static str> {
    match runs {
        Runs::Script | Runs::Shell => vec![name, "-c", "x"],
        Runs::Always | Runs::WithArguments => vec![name, "x", "y"],
        Runs::WithWord(words) => vec![name, words[0], "x"],
        Runs::WithOption { words, .. } => vec![name, ".", words[0], "x", ";"],
    }
}

#[test]
fn an_allow_of_a_wrapper_is_dead_in_each_way_of_deciding_and_the_check_says_so() {
    let (mut dead, mut alive) = (0, 0);
    for (name, runs) in PROGRAMS {
        let allow = allow(&[name]);
        let hidden = hidden(name, *runs);
        assert_eq!(allow.allows(&hidden), [false; 2], "{hidden:?}");
        // Where every command of the name hides another one, the person has to be told.
        let lives = allow.allows(&[name, "x", "y"]).contains(&true);
        let finding = allow.finding.as_deref();
        assert_eq!(
            finding.is_some_and(|text| text.ends_with("does not allow the commands it runs")),
            !lives,
            "{name}: {finding:?}"
        );
        // What is said of a shell that reads its own scripts is said because it reads script files, and those it allows.
        let scripts = finding.is_some_and(|text| text.ends_with("does not allow the scripts it is given"));
        assert_eq!(scripts, matches!(runs, Runs::Script), "{name}: {finding:?}");
        (dead, alive) = (dead + usize::from(!lives), alive + usize::from(lives));
    }
    assert!(dead > 90 && alive > 10, "{dead} {alive}");
}

#[test]
fn an_allow_that_names_the_word_that_runs_others_is_dead_too() {
    for (name, word) in
        [("docker", "run"), ("kubectl", "exec"), ("direnv", "exec"), ("fd", "-x"), ("bash", "-c")]
    {
        let allow = allow(&[name, word]);
        assert!(
            allow.finding.is_some_and(|text| text.ends_with("does not allow the commands it runs")),
            "{name} {word}"
        );
    }
}

/// The table of a decision without scripts has each program of the facts that names a command in its arguments; the
/// others are those of which only some option is code.
#[test]
fn both_ways_of_deciding_know_the_same_wrappers() {
    let facts = ToolFacts::parse(STANDARD_TOOLS).unwrap();
    let known: BTreeSet<&[u8]> = PROGRAMS.iter().map(|(name, _)| name.as_bytes()).collect();
    let names: BTreeSet<&[u8]> = facts.names().collect();
    assert!(known.is_subset(&names));
    for name in names.difference(&known) {
        assert!(
            facts.surely_alone(name, &["x"])
                || matches!(
                    *name,
                    b"sed"
                        | b"gsed"
                        | b"awk"
                        | b"gawk"
                        | b"mawk"
                        | b"nawk"
                        | b"original-awk"
                        | b"tar"
                        | b"gtar"
                        | b"bsdtar"
                ),
            "{}",
            String::from_utf8_lossy(name)
        );
    }
}
