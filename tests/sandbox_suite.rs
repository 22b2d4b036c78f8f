//! In: Markdown with ```sandbox fences. Out: a failure for each that does not do what stands beside it.
//! Not here: properties (`sandbox_model.rs`) and the grammar (`sandbox_grammar.rs`).
//!
//! A case is a ```sandbox fence under a heading and a sentence that says why. What follows it is expected: a ```diagnostics fence with everything that is
//! reported (no fence: nothing), and ```explain PROFILE fences whose lines are questions with their answers.
//! `UPDATE_EXPECT=1` writes the answers and the diagnostics that are there into the fences.

use execpolicy_compiler::diagnostic::{Code, Diagnostics};
use execpolicy_compiler::policy::profile::Profiles;
use execpolicy_compiler::sandbox;
use execpolicy_compiler::source::SourceMap;
use execpolicy_profile::model::{Model, Question, Roots, Tree, explain};
use execpolicy_profile::{Phase, Platform};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What `case.sandbox` compiles to.
struct Loaded {
    sources: SourceMap,
    sink: Diagnostics,
    profiles: Profiles,
}

fn load(text: &str) -> Loaded {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let file = sources.add("case.sandbox", text);
    let profiles = sandbox::load(&mut sources, &[file], &mut sink);
    sink.sort();
    Loaded { sources, sink, profiles }
}

fn render(loaded: &Loaded) -> String {
    let mut out = String::new();
    for d in loaded.sink.as_slice() {
        let place = d.span.map_or_else(String::new, |span| loaded.sources.place(span));
        let _ = writeln!(out, "{} {place} {}", d.code, d.message);
        for hint in &d.hints {
            let _ = writeln!(out, "    {hint}");
        }
    }
    out
}

/// The host of every example.
fn roots() -> Roots {
    Roots {
        workspace: "/home/me/project".into(),
        home: "/home/me".into(),
        tmpdir: "/tmp".into(),
        ignore_case: false,
    }
}

/// Answers the questions of one fence, one on each line.
fn answer(loaded: &Loaded, profile: &str, questions: &str) -> String {
    let (name, phase) = match profile.split_once(' ') {
        Some((name, "setup")) => (name, Phase::Setup),
        _ => (profile, Phase::Run),
    };
    let Some(profile) = loaded.profiles.get(name, phase, Platform::Linux) else {
        return format!("there is no profile `{name}`\n");
    };
    let model = Model::new(profile, &roots(), &Tree::new());
    let mut out = String::new();
    for line in questions.lines() {
        let question = line.split("  ").next().unwrap_or(line).trim();
        let answer = explain(&model, Question::guess(&model, question));
        let place =
            answer.origin.map(|origin| format!("{}:{}", origin.file, origin.line)).unwrap_or_default();
        let text = [answer.statement, place, answer.note.unwrap_or_default()].join("  ");
        let _ = writeln!(out, "{question:<28}  {:<7} {}", answer.outcome, text.trim());
        while out.ends_with(" \n") {
            out.truncate(out.len() - 2);
            out.push('\n');
        }
    }
    out
}

/// A line-based view of a Markdown file: fences, and what is between them.
enum Part {
    Text(String),
    Fence { info: String, body: String },
}

fn parts(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        match line.strip_prefix("```") {
            Some(info) => {
                let body: String =
                    lines.by_ref().take_while(|line| *line != "```").map(|l| format!("{l}\n")).collect();
                out.push(Part::Fence { info: info.trim().to_owned(), body });
            }
            None => out.push(Part::Text(line.to_owned())),
        }
    }
    out
}

fn unparts(parts: &[Part]) -> String {
    parts.iter().fold(String::new(), |mut out, part| {
        let _ = match part {
            Part::Text(line) => writeln!(out, "{line}"),
            Part::Fence { info, body } => writeln!(out, "```{info}\n{body}```"),
        };
        out
    })
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn markdown_in(dir: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join(dir))
        .unwrap_or_else(|error| panic!("{dir}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
        .collect();
    files.sort();
    files
}

/// Runs every case of a file; gives the number of cases.
fn run(file: &Path, failures: &mut Vec<String>) -> usize {
    let text = std::fs::read_to_string(file).unwrap();
    let mut found = parts(&text);
    let update = std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1");
    let (mut cases, mut heading) = (0, String::new());
    let mut case: Option<Loaded> = None;
    // What a case without a `diagnostics` fence reports is checked when the next one begins.
    let mut unexpected: Option<(String, String)> = None;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for part in &mut found {
        match part {
            Part::Text(line) if line.starts_with('#') => {
                heading = line.trim_start_matches(['#', ' ']).to_owned()
            }
            Part::Text(_) => {}
            Part::Fence { info, body } => {
                let (wanted, got) = match info.split_once(' ').unwrap_or((info, "")) {
                    ("sandbox", _) => {
                        failures.extend(
                            unexpected.take().map(|(place, text)| format!("{place}: reports\n{text}")),
                        );
                        let loaded = load(body);
                        let text = render(&loaded);
                        unexpected = (!text.is_empty()).then(|| (format!("{name}: {heading}"), text));
                        case = Some(loaded);
                        cases += 1;
                        continue;
                    }
                    ("diagnostics", _) => {
                        unexpected = None;
                        (body, case.as_ref().map(render))
                    }
                    ("explain", profile) => {
                        let profile = profile.to_owned();
                        let got = case.as_ref().map(|case| answer(case, &profile, body));
                        (body, got)
                    }
                    _ => continue,
                };
                let Some(got) = got else {
                    failures.push(format!("{name}: {heading}: nothing to compare with"));
                    continue;
                };
                if *wanted != got && update {
                    *wanted = got;
                } else if *wanted != got {
                    failures.push(format!("{name}: {heading}: expected\n{wanted}but there is\n{got}"));
                }
            }
        }
    }
    failures.extend(unexpected.map(|(place, text)| format!("{place}: reports\n{text}")));
    let new = unparts(&found);
    if update && new != text {
        std::fs::write(file, new).unwrap();
    }
    cases
}

fn run_all(files: &[PathBuf], at_least: usize) {
    let mut failures = Vec::new();
    let cases: usize = files.iter().map(|file| run(file, &mut failures)).sum();
    assert!(failures.is_empty(), "{} of {cases} cases fail:\n\n{}", failures.len(), failures.join("\n"));
    assert!(cases >= at_least, "only {cases} cases were found");
}

#[test]
fn every_case_of_the_suite_holds() {
    run_all(&markdown_in("tests/suite/sandbox"), 40);
}

#[test]
fn every_example_of_the_reference_holds() {
    run_all(&[root().join("docs/language/sandbox.md")], 10);
}

#[test]
fn every_page_shows_its_code_and_a_fix() {
    let codes: Vec<Code> = Code::ALL
        .iter()
        .copied()
        .filter(|c| c.as_str().starts_with("EP05") || c.as_str().starts_with("EP06"))
        .collect();
    assert!(codes.len() >= 30);
    for code in codes {
        let mut heading = String::new();
        let (mut examples, mut fixes) = (0, 0);
        for part in parts(code.page()) {
            match part {
                Part::Text(line) if line.starts_with('#') => {
                    heading = line.trim_start_matches(['#', ' ']).to_owned()
                }
                Part::Fence { info, body } if info == "sandbox" => {
                    let loaded = load(&body);
                    let told: Vec<Code> = loaded.sink.as_slice().iter().map(|d| d.code).collect();
                    if heading == "Example" {
                        examples += 1;
                        assert_eq!(told, [code], "example of {code}:\n{}", render(&loaded));
                    } else if heading == "Fix" {
                        fixes += 1;
                        assert_eq!(told, [], "fix of {code}:\n{}", render(&loaded));
                    }
                }
                _ => {}
            }
        }
        assert_eq!((examples, fixes), (1, 1), "{code} needs one example and one fix");
        for section in ["## What it means", "## Why it matters", "## Example", "## Fix"] {
            assert!(code.page().contains(section), "{code}: no `{section}`");
        }
    }
}

#[test]
fn the_standard_library_is_without_findings() {
    let loaded = load("");
    assert_eq!(render(&loaded), "");
    let names: Vec<&str> = loaded.profiles.names().collect();
    assert_eq!(names, ["danger-full-access", "read-only", "workspace-commit", "workspace-write"]);
}

#[test]
fn every_file_of_the_library_is_embedded() {
    let mut files: Vec<String> = std::fs::read_dir(root().join("stdlib/sandbox"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".sandbox"))
        .collect();
    files.sort();
    let mut known: Vec<String> = sandbox::LIBRARY
        .iter()
        .map(|(name, _)| name.trim_start_matches("@stdlib//sandbox/").to_owned())
        .collect();
    known.sort();
    assert_eq!(files, known);
}
