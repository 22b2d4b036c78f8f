//! Artifacts of every format that is read still load and decide; the grammar file is true.

use crate::generate;
use execpolicy_compiler::artifact::build;
use execpolicy_runtime::script::Decider;
use execpolicy_runtime::wire::{self, LoadErrorKind, SectionId};
use execpolicy_runtime::{Artifact, Conclusion, Context, Decision};
use std::path::{Path, PathBuf};

fn corpus(format: u16) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .join(format!("corpus/artifact/v{format}/basic.epc"))
}

/// Old files, new code: what was written once must go on to mean the same.
#[test]
fn artifacts_of_every_format_still_decide() {
    for format in wire::OLDEST..=wire::FORMAT {
        let bytes = std::fs::read(corpus(format)).expect("one artifact of each format is kept");
        let policy = Artifact::from_bytes(&bytes).expect("it loads");
        assert_eq!(policy.format(), format);
        let mut scratch = policy.scratch();
        let mut decide = |line: &str| {
            let argv: Vec<_> = line.split(' ').collect();
            policy.decide(&argv, &Context::default(), &mut scratch).conclusion
        };
        assert_eq!(decide("git status"), Conclusion::Allow);
        assert_eq!(decide("/usr/bin/git status"), Conclusion::Allow);
        assert_eq!(decide("./git status"), Conclusion::Unmatched);
        assert_eq!(decide("./git push --force-with-lease"), Conclusion::Forbidden);
        assert_eq!(decide("git push"), Conclusion::Prompt);
        assert_eq!(decide("sudo ls"), Conclusion::Prompt);
        assert_eq!(decide("ls"), Conclusion::Unmatched);
        let argv = ["./git", "push", "--force", "origin"];
        let verdict = policy.decide(&argv, &Context::default(), &mut scratch);
        let prefixes: Vec<_> =
            verdict.matches().map(|found| found.matched_prefix(&argv).collect::<Vec<_>>()).collect();
        let [short, long, path] = prefixes.as_slice() else { panic!("{prefixes:?}") };
        assert_eq!(short, &[&b"git"[..], b"push"]);
        assert_eq!(long, &[&b"git"[..], b"push", b"--force"]);
        assert_eq!(path, &[&b"/opt/git/bin/git"[..], b"push", b"--force"]);
        // Without facts about tools whatever runs others is asked about.
        let facts = policy.tools().is_some();
        let decider = Decider::new(policy).expect("no facts, or readable ones");
        for line in ["sudo git status", "bash -c git", "env git push --force", "git status"] {
            let argv: Vec<_> = line.split(' ').collect();
            let wanted = match line {
                "git status" => Conclusion::Allow,
                "env git push --force" => Conclusion::Forbidden,
                _ => Conclusion::Prompt,
            };
            let found = decider.decide(&argv, &Context::default(), &mut scratch).conclusion();
            assert!(facts || found == wanted, "{line}: {found:?}");
        }
    }
}

#[test]
fn formats_that_are_not_read_say_so() {
    let bytes = std::fs::read(corpus(wire::FORMAT)).unwrap();
    for format in [0, wire::OLDEST - 1, wire::FORMAT + 1, u16::MAX] {
        let mut other = bytes.clone();
        other[16..18].copy_from_slice(&format.to_le_bytes());
        assert_eq!(Artifact::from_bytes(&other).unwrap_err().kind, LoadErrorKind::Version(format));
    }
}

/// Run by hand when the format changes: `cargo test -- --ignored keep_an_artifact`. Never
/// overwrites one that is kept.
#[test]
#[ignore = "writes a file"]
fn keep_an_artifact_of_this_format() {
    let words =
        |line: &str| line.split(' ').map(|word| word.split('|').map(str::to_owned).collect()).collect();
    let checked = generate::literal(&[
        (Decision::Allow, words("git status|log|diff")),
        (Decision::Prompt, words("git push")),
        (Decision::Forbidden, words("git|/opt/git/bin/git push --force|--force-with-lease")),
    ]);
    let path = corpus(wire::FORMAT);
    assert!(!path.exists(), "it is kept for good");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, build(&checked).unwrap().bytes).unwrap();
}

#[test]
fn the_grammar_names_every_section() {
    let grammar = include_str!("../grammar/artifact.ebnf");
    for id in SectionId::ALL {
        let (number, name) = (*id as u32, id.name());
        let defined = format!("(* {number:>2} *) {name} ");
        let reserved = format!("{number} {name}");
        if id.record() > 0 {
            assert!(grammar.contains(&defined), "{defined}");
        } else {
            assert!(grammar.contains(&reserved), "{reserved}");
        }
        assert_eq!(SectionId::from_number(number), Some(*id));
    }
    let lines = grammar.lines().filter(|line| line.starts_with("(* ") && line.contains(" *) ")).count();
    let read = |id: &&SectionId| id.record() > 0;
    assert_eq!(lines, SectionId::ALL.iter().filter(read).count());
    let bits = SectionId::ALL.iter().filter(read).fold(0, |bits, id| bits | id.feature());
    assert_eq!(bits, wire::FEATURES);
    assert_eq!(SectionId::ALL.iter().filter(|id| id.feature() == 0).count(), wire::REQUIRED);
}
