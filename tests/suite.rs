//! Runs the Markdown suite, and the transcripts and examples of the documentation.

use crate::harness::markdown::{Section, replace, sections};
use crate::harness::{files, root, run, updating};
use std::path::Path;

#[test]
fn suite() {
    // Sandbox files have a runner of their own (`sandbox_suite.rs`): their fences mean other things.
    let mut cases = files(&root().join("tests/suite"), ".md");
    cases.retain(|path| !path.starts_with(root().join("tests/suite/sandbox")));
    assert!(!cases.is_empty());
    let faults: Vec<String> = cases.iter().flat_map(|path| file(path)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What a reader may copy from the documentation is run.
#[test]
fn documentation() {
    let mut pages = vec![root().join("README.md")];
    pages.extend(
        files(&root().join("docs"), ".md")
            .into_iter()
            .filter(|path| !path.starts_with(root().join("docs/diagnostics"))),
    );
    let mut faults: Vec<String> = pages
        .iter()
        .filter(|path| !path.ends_with("language/sandbox.md"))
        .flat_map(|path| file(path))
        .collect();
    // The sandbox reference is run by the sandbox runner as well.
    for path in pages.iter().filter(|path| !path.ends_with("language/sandbox.md")) {
        let text = std::fs::read_to_string(path).unwrap();
        for section in sections(&text) {
            // A section with a transcript or expectation says itself what its files do.
            if section.fences.iter().any(|fence| matches!(fence.language(), "console" | "diagnostics")) {
                continue;
            }
            let directory = tempfile::tempdir().unwrap();
            run::write_files(&section.fences, directory.path());
            for fence in section
                .fences
                .iter()
                .filter(|fence| fence.language() == "rules" && fence.value("name").is_none())
            {
                run::write_files(std::slice::from_ref(fence), directory.path());
                let (output, status) =
                    run::run(&["check", "--deny-warnings", "policy.rules"], directory.path());
                if (status != 0) != fence.has("error") {
                    faults.push(format!(
                        "{}: {}: status {status}\n{output}",
                        path.display(),
                        section.heading
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Runs every case of a file; returns what differs.
fn file(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let wanted = std::env::var("CASE").unwrap_or_default();
    let mut faults = Vec::new();
    let mut changes = Vec::new();
    for case in sections(&text).iter().filter(|case| case.heading.contains(&wanted)) {
        let name = format!("{}: {}", path.strip_prefix(root()).unwrap().display(), case.heading);
        run_case(case, &name, &mut faults, &mut changes);
    }
    if updating() && !changes.is_empty() {
        std::fs::write(path, replace(&text, &changes)).unwrap();
        return Vec::new();
    }
    faults
}

fn run_case(
    case: &Section,
    name: &str,
    faults: &mut Vec<String>,
    changes: &mut Vec<(std::ops::Range<usize>, String)>,
) {
    if case.fences.is_empty() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    run::write_files(&case.fences, directory.path());
    for fence in &case.fences {
        if let Some(result) = run::result(fence, directory.path()).filter(|result| *result != fence.text) {
            faults.push(format!("--- {name}\n--- expected\n{}--- found\n{result}", fence.text));
            changes.push((fence.range.clone(), result));
        }
    }
    if name.starts_with("tests/") && case.level == 2 && case.prose.trim().is_empty() {
        faults.push(format!("{name}: say why the case is there"));
    }
}
