//! Artifacts of every format that is read still load and decide; the grammar file is true.

use crate::harness::run::Directory;
use crate::harness::{files, root, updating};
use execpolicy_compiler::artifact::build_within;
use execpolicy_compiler::compile::{self, Input};
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::dump::dump;
use execpolicy_compiler::lower::Budget;
use execpolicy_compiler::rules::evaluate::InProcess;
use execpolicy_compiler::source::SourceMap;
use execpolicy_runtime::wire::{self, LoadErrorKind, SectionId};
use execpolicy_runtime::{Answer, Artifact, Conclusion, Context, Policy};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Where the artifacts of a format are kept.
fn corpus(format: u16) -> PathBuf {
    root().join(format!("corpus/artifact/v{format}"))
}

/// A kept artifact.
fn kept(format: u16, name: &str) -> Vec<u8> {
    std::fs::read(corpus(format).join(name)).expect("one artifact of each format is kept")
}

/// Compares a text with the file that holds it; `UPDATE_EXPECT=1` writes the file.
fn expect(path: &Path, text: &str) {
    if updating() {
        std::fs::write(path, text).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    let differs = text.lines().zip(known.lines()).find(|(found, known)| found != known);
    assert!(text == known, "{}: {differs:?} (found, kept); UPDATE_EXPECT=1 rewrites it", path.display());
}

/// Old files, new code: what was written once must go on to mean the same.
#[test]
fn artifacts_of_every_format_still_decide() {
    for format in wire::OLDEST..=wire::FORMAT {
        let policy = Policy::from_bytes(kept(format, "basic.epc")).expect("it loads");
        let artifact = policy.artifact();
        assert_eq!(artifact.format(), format);
        for (line, wanted) in [
            ("git status", Conclusion::Allow),
            ("/usr/bin/git status", Conclusion::Allow),
            ("./git status", Conclusion::Unmatched),
            ("./git push --force-with-lease", Conclusion::Forbidden),
            ("git push", Conclusion::Prompt),
            ("ls", Conclusion::Unmatched),
            ("env git push --force", Conclusion::Forbidden),
            ("bash -c 'git push --force'", Conclusion::Forbidden),
            ("sudo git push", Conclusion::Prompt),
        ] {
            let argv = shlex::split(line).unwrap();
            assert_eq!(policy.decide(&argv).conclusion, wanted, "{line} in format {format}");
        }
        let argv = ["./git", "push", "--force", "origin"];
        let mut scratch = artifact.scratch();
        let verdict = artifact.decide(&argv, &Context::default(), &mut scratch);
        let prefixes: Vec<_> =
            verdict.matches().map(|found| found.matched_prefix(&argv).collect::<Vec<_>>()).collect();
        let [short, long, path] = prefixes.as_slice() else { panic!("{prefixes:?}") };
        assert_eq!(short, &[&b"git"[..], b"push"]);
        assert_eq!(long, &[&b"git"[..], b"push", b"--force"]);
        assert_eq!(path, &[&b"/opt/git/bin/git"[..], b"push", b"--force"]);
    }
}

/// The artifact with everything in it reads as it did: every record, and what is said about each command of its list.
#[test]
fn everything_in_a_kept_artifact_still_reads_the_same() {
    let bytes = kept(wire::FORMAT, "everything.epc");
    for (id, _, len) in Artifact::extents(&bytes).unwrap() {
        assert!(len > 0, "nothing in the section `{}`", id.name());
    }
    let present: Vec<SectionId> = Artifact::extents(&bytes).unwrap().iter().map(|(id, ..)| *id).collect();
    for id in SectionId::ALL.iter().filter(|id| id.record() > 0) {
        assert!(present.contains(id), "no section `{}`", id.name());
    }
    let mut text = dump(&bytes).unwrap();
    let policy = Policy::from_bytes(bytes).unwrap();
    // The dump compares the facts about tools with those of this compiler, which change; here are those of the file.
    let (from, to) = (text.find("\ntools\n").unwrap(), text.find("\nautomaton\n").unwrap());
    text.replace_range(from..to, &format!("\ntools\n{}", policy.artifact().tools().unwrap()));
    expect(&corpus(wire::FORMAT).join("everything.txt"), &text);

    let path = corpus(wire::FORMAT).join("everything.decisions");
    let known = std::fs::read_to_string(&path).expect("the list of commands is kept");
    let mut text = String::new();
    for line in known.lines() {
        let command = line.split_once("  =>").map_or(line, |(command, _)| command);
        let argv = shlex::split(command).unwrap_or_else(|| panic!("`{command}` is no command line"));
        let Answer { place, .. } = &policy.decide(&argv);
        writeln!(text, "{command}  => {}, in {place}", policy.decide(&argv)).unwrap();
    }
    expect(&path, &text);
}

#[test]
fn formats_that_are_not_read_say_so() {
    let bytes = kept(wire::FORMAT, "basic.epc");
    for format in [0, wire::OLDEST - 1, wire::FORMAT + 1, u16::MAX] {
        let mut other = bytes.clone();
        other[16..18].copy_from_slice(&format.to_le_bytes());
        assert_eq!(Artifact::from_bytes(&other).unwrap_err().kind, LoadErrorKind::Version(format));
    }
}

/// Run by hand when the format has changed: `cargo test -- --ignored keep_an_artifact`, then `UPDATE_EXPECT=1 cargo test
/// formats`. Writes the artifact of the current format again, which no release may have written before.
#[test]
#[ignore = "writes a file"]
fn keep_an_artifact_of_this_format() {
    let directory = root().join("corpus/artifact");
    let names = |suffix: &str| -> Vec<String> {
        files(&directory, suffix)
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    let input = |prefix: &str| {
        let named = |suffix| names(suffix).into_iter().filter(|name| name.starts_with(prefix)).collect();
        Input { rules: named(".rules"), sandboxes: named(".sandbox"), codex: false }
    };
    std::fs::create_dir_all(corpus(wire::FORMAT)).unwrap();
    for name in ["basic", "everything"] {
        let mut sink = Diagnostics::new();
        let loader = Directory(&directory);
        let checked = compile::check(&input(name), &loader, &InProcess, SourceMap::new(), &mut sink);
        let checked = checked.unwrap_or_else(|_| panic!("{:?}", sink.as_slice()));
        let within = |budget| build_within(&checked, budget).unwrap().bytes;
        // With little room some states are not determinized, so that there are blocks beside the edges.
        let full = |bytes: &Vec<u8>| Artifact::extents(bytes).unwrap().iter().all(|(.., len)| *len > 0);
        let bytes = match name {
            "basic" => within(Budget::default()),
            _ => (0..100).rev().map(|base| within(Budget { factor: 0, base })).find(full).unwrap(),
        };
        std::fs::write(corpus(wire::FORMAT).join(format!("{name}.epc")), bytes).unwrap();
    }
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
