//! Every diagnostic has a page, and the page's example gives it, and its fix does not.

use crate::harness::markdown::{Section, sections};
use crate::harness::{files, root, run};
use execpolicy_compiler::diagnostic::Code;

#[test]
fn every_page_has_its_parts_and_runs() {
    let mut faults = Vec::new();
    for code in Code::ALL {
        let sections = sections(code.page());
        let part = |heading: &str| sections.iter().find(|section| section.heading == heading);
        let title = format!("{code}: {}", code.title());
        if sections.get(1).is_none_or(|section| section.heading != title) {
            faults.push(format!("{code}: the page must begin with `# {title}`"));
        }
        for heading in ["What it means", "Why it matters"] {
            if part(heading).is_none_or(|section| section.prose.trim().is_empty()) {
                faults.push(format!("{code}: `{heading}` is missing"));
            }
        }
        // A fault of ours has no example: if we knew one, it would be mended.
        // The pages of sandbox files are run by `sandbox_suite.rs`, those of targets by `targets.rs`.
        if ["EP05", "EP06", "EP07"].iter().any(|part| code.as_str().starts_with(part)) {
            continue;
        }
        // Nor has what only a policy of gigabytes can give.
        if matches!(code, Code::EP9901 | Code::EP0803) {
            continue;
        }
        match part("Example") {
            Some(section) => {
                let found = codes(section);
                if found.is_empty() || found.iter().any(|found| found != code.as_str()) {
                    faults.push(format!("{code}: the example gives {found:?}"));
                }
            }
            None => faults.push(format!("{code}: there is no example")),
        }
        match part("Fix") {
            Some(section) if !section.fences.is_empty() => {
                let found = codes(section);
                if !found.is_empty() {
                    faults.push(format!("{code}: the fix gives {found:?}"));
                }
            }
            _ => faults.push(format!("{code}: there is no fix")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The codes that checking a section's files gives.
fn codes(section: &Section) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    run::write_files(&section.fences, directory.path());
    if let Some(console) = section.fences.iter().find(|fence| fence.language() == "console") {
        let found = run::result(console, directory.path()).unwrap();
        let codes = found.lines().filter_map(|line| line.strip_prefix('[')?.split(']').next());
        return codes.filter(|code| code.starts_with("EP")).map(str::to_owned).collect();
    }
    let arguments = section
        .fences
        .iter()
        .find(|fence| fence.language() == "args")
        .map_or("policy.rules", |fence| fence.text.trim());
    let mut words = vec!["check", "--format", "json"];
    words.extend(arguments.split_whitespace());
    let (output, _) = run::run(&words, directory.path());
    let json: serde_json::Value =
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"));
    json["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn no_page_without_a_code() {
    for path in files(&root().join("docs/diagnostics"), ".md") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(Code::from_name(&name).is_some(), "{name}: no such code");
    }
}

/// A code that nothing reports is a page about nothing.
#[test]
fn every_code_is_used() {
    let sources: String = files(&root().join("src"), ".rs")
        .iter()
        .filter(|path| !path.ends_with("diagnostic/catalogue.rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for code in Code::ALL {
        assert!(sources.contains(&format!("Code::{code}")), "{code} is never reported");
    }
}
