//! A suggestion removes its finding: those of every page's *Example* are applied, and the result is checked again.

use crate::harness::markdown::{Section, sections};
use crate::harness::run;
use execpolicy_compiler::diagnostic::Code;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What `check --format json .` finds in a directory.
fn findings(directory: &Path) -> Vec<Value> {
    let (text, _) = run::run(&["check", "--format", "json", "."], directory);
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    report["diagnostics"].as_array().unwrap().clone()
}

/// The best suggestion of a finding: file, bytes, replacement.
fn best(finding: &Value) -> Option<(String, std::ops::Range<usize>, String)> {
    let suggestion = finding["suggestions"].get(0)?;
    let byte = |end: &str| usize::try_from(suggestion["bytes"][end].as_u64().unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Some((text(&suggestion["place"]["file"]), byte("start")..byte("end"), text(&suggestion["replacement"])))
}

/// Applies the best suggestion of each finding, from back to front. Of two at one place the first counts.
fn apply(found: &[Value], directory: &Path) -> usize {
    let mut changes: BTreeMap<String, BTreeMap<usize, (usize, String)>> = BTreeMap::new();
    for (file, bytes, replacement) in found.iter().filter_map(best) {
        changes.entry(file).or_default().entry(bytes.start).or_insert((bytes.end, replacement));
    }
    for (file, changes) in &changes {
        let path = directory.join(file);
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (start, (end, replacement)) in changes.iter().rev() {
            text.replace_range(*start..*end, replacement);
        }
        std::fs::write(&path, text).unwrap();
    }
    changes.values().map(BTreeMap::len).sum()
}

fn example(code: Code) -> Option<Section> {
    sections(code.page()).into_iter().find(|section| section.heading == "Example")
}

#[test]
fn suggestions_of_every_example_remove_its_finding() {
    let (mut faults, mut pages) = (Vec::new(), Vec::new());
    for code in Code::ALL {
        let Some(case) = example(*code) else { continue };
        let directory = tempfile::tempdir().unwrap();
        run::write_files(&case.fences, directory.path());
        for fence in case.fences.iter().filter(|fence| fence.language() == "sandbox") {
            let name = fence.value("name").unwrap_or("case.sandbox");
            std::fs::write(directory.path().join(name), &fence.text).unwrap();
        }
        let before = findings(directory.path());
        let of_code =
            |found: &[Value]| found.iter().filter(|finding| finding["code"] == code.as_str()).count();
        let suggested = before
            .iter()
            .filter(|finding| finding["code"] == code.as_str() && best(finding).is_some())
            .count();
        if suggested == 0 {
            continue;
        }
        apply(&before, directory.path());
        let after = findings(directory.path());
        if of_code(&after) != of_code(&before) - suggested {
            faults.push(format!("{code}: {before:#?}\nstill gives {after:#?}"));
        }
        pages.push(code.as_str());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(pages.len() >= 14, "only these pages have suggestions: {pages:?}");
}

/// The first suggestion for a text, applied.
fn fixed(name: &str, text: &str) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(name);
    std::fs::write(&file, text).unwrap();
    let found = findings(directory.path());
    (apply(&found, directory.path()) > 0).then(|| std::fs::read_to_string(&file).unwrap())
}

#[test]
fn words_are_replaced_where_they_are_written() {
    for (name, wrong, right) in [
        (
            "a.rules",
            "prefix_rule(pattern = ['a'], decision = 'deny')",
            "prefix_rule(pattern = ['a'], decision = 'forbidden')",
        ),
        ("a.rules", "prefix_rule(patern = [\"a\"])", "prefix_rule(pattern = [\"a\"])"),
        ("a.rules", "prefix_rule(pattern = \"git push\")", "prefix_rule(pattern = [\"git\", \"push\"])"),
        (
            "a.rules",
            "prefix_rule(pattern = [\"a\"], match = \"a b\")",
            "prefix_rule(pattern = [\"a\"], match = [\"a b\"])",
        ),
        (
            "a.rules",
            "prefix_rule(pattern = [\"a\", [\"b\", \"c\",\n  \"b\"]])",
            "prefix_rule(pattern = [\"a\", [\"b\", \"c\"]])",
        ),
        (
            "a.rules",
            "network_rule(host = \"example.org\", protocol = \"htps\", decision = \"allow\")",
            "network_rule(host = \"example.org\", protocol = \"https\", decision = \"allow\")",
        ),
        (
            "a.rules",
            "sandbox_rule(pattern = [\"a\"], profile = \"readonly\")",
            "sandbox_rule(pattern = [\"a\"], profile = \"read-only\")",
        ),
        ("a.sandbox", "profile a extends readonly { }\n", "profile a extends read-only { }\n"),
        (
            "a.sandbox",
            "profile a extends read-only {\n  wirte /tmp\n}\n",
            "profile a extends read-only {\n  write /tmp\n}\n",
        ),
        (
            "a.sandbox",
            "profile a extends read-only {\n  write $HOME/x\n}\n",
            "profile a extends read-only {\n  write ~/x\n}\n",
        ),
        (
            "a.sandbox",
            "profile a extends read-only {\n  env pass $PATH\n}\n",
            "profile a extends read-only {\n  env pass PATH\n}\n",
        ),
        (
            "a.sandbox",
            "profile a extends read-only {\n  protect @agent\n}\n",
            "profile a extends read-only {\n  protect @agents\n}\n",
        ),
        (
            "a.sandbox",
            "profile a extends read-only {\n  limit memry 4GiB\n}\n",
            "profile a extends read-only {\n  limit memory 4GiB\n}\n",
        ),
    ] {
        assert_eq!(fixed(name, wrong).as_deref(), Some(right), "{wrong}");
    }
}

/// A value that was computed has no place where another could be written.
#[test]
fn computed_values_are_left_alone() {
    for text in [
        "d = \"deny\"\nprefix_rule(pattern = [\"a\"], decision = d)\n",
        "prefix_rule(pattern = [\"a\"], decision = \"de\" + \"ny\")\n",
        "w = [\"b\", \"b\"]\nprefix_rule(pattern = [\"a\", w])\n",
    ] {
        assert_eq!(fixed("a.rules", text), None, "{text}");
    }
}
