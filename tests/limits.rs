//! The limits of rule files, as the pages tell them, against the code.

use crate::harness::root;
use execpolicy_compiler::diagnostic::{Code, Severity};
use execpolicy_compiler::loader::MAX_SOURCE;
use execpolicy_compiler::rules::limits::{
    MAX_BRACKETS, MAX_CHAIN, MAX_HEAP, MAX_LOADS, MAX_PROCESS_MEMORY, MAX_PROCESS_SECONDS, MAX_STEPS,
};

fn page(name: &str) -> String {
    // Lines are wrapped anywhere.
    std::fs::read_to_string(root().join("docs").join(name))
        .unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[track_caller]
fn says(name: &str, words: &str) {
    assert!(page(name).contains(words), "docs/{name} does not say: {words}");
}

#[test]
fn the_pages_tell_the_limits_of_the_code() {
    let rules = "language/rules.md";
    says(rules, &format!("| size of a file | {} MiB |", MAX_SOURCE >> 20));
    says(rules, &format!("| loop rounds and calls | {} million |", MAX_STEPS / 1_000_000));
    says(
        rules,
        &format!(
            "| {} MiB of values; on Linux {} GiB for the evaluating process |",
            MAX_HEAP >> 20,
            MAX_PROCESS_MEMORY >> 30
        ),
    );
    says(
        rules,
        &format!("{MAX_BRACKETS} brackets, {MAX_CHAIN} operators in one expression, {MAX_LOADS} loads"),
    );
    says(rules, &format!("| processor time | {MAX_PROCESS_SECONDS} seconds |"));
    let nested = format!(
        "more than {MAX_BRACKETS} deep, one expression chains more than {MAX_CHAIN} operators, or files load each other more than {MAX_LOADS} deep"
    );
    says("diagnostics/EP0111.md", &nested);
    says("diagnostics/EP0112.md", &format!("more than {MAX_PROCESS_SECONDS} seconds of processor time"));
}

#[test]
fn the_page_tells_which_levels_can_be_set() {
    let mut errors = Vec::new();
    for code in Code::ALL {
        match (code.severity(), code.adjustable()) {
            (Severity::Warning, settable) => {
                assert!(settable, "{code}: the page says that the level of every warning can be set")
            }
            (Severity::Error, true) => errors.push(code.as_str()),
            _ => {}
        }
    }
    says(
        "language/rules.md",
        &format!("the level of every warning, and of the errors {};", errors.join(" and ")),
    );
}
