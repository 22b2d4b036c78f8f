//! The rule front end: the fast path against the evaluator, loading inside the policy root, and
//! hostile input.

use crate::harness::{files, root, run};
use execpolicy_compiler::check;
use execpolicy_compiler::compile::{self, Input};
use execpolicy_compiler::diagnostic::{Code, Diagnostics};
use execpolicy_compiler::rules::literal::{CallIndex, calls};
use execpolicy_compiler::rules::record::{Evaluate, Module, Request};
use execpolicy_compiler::rules::{self, evaluate::InProcess};
use execpolicy_compiler::source::SourceMap;
use proptest::prelude::*;
use starlark::syntax::AstModule;
use std::collections::BTreeMap;

/// What evaluating a text records, with places.
fn evaluated(text: &str) -> Vec<execpolicy_compiler::rules::record::Call> {
    let module = Module { name: "x".to_owned(), text: text.to_owned(), loads: Vec::new() };
    let outcome = InProcess.evaluate(Request { modules: vec![module], codex: false });
    assert_eq!(outcome.error, None, "{text}");
    let mut calls = outcome.calls;
    let ast = parse(text);
    let index = CallIndex::new(&ast);
    calls.iter_mut().for_each(|call| index.locate(call));
    calls
}

fn parse(text: &str) -> AstModule {
    AstModule::parse("x", text.to_owned(), &execpolicy_compiler::rules::dialect::DIALECT).unwrap()
}

#[test]
fn written_out_files_need_no_evaluation_and_say_the_same() {
    let mut paths = files(&root().join("corpus"), ".rules");
    if let Some(shared) = crate::codex::shared("corpus/rules") {
        paths.extend(files(&shared, ".rules"));
    }
    let mut compared = 0;
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        if let Some(literal) = calls(&parse(&text), 0, false) {
            assert_eq!(literal, evaluated(&text), "{}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 0);
}

fn literal_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "\"[a-z \\-\\*]{0,6}\"",
        "'[a-z]{0,3}'",
        Just("r\"a\\d\"".to_owned()),
        Just("\"\"\"x\"y\"\"\"".to_owned()),
        Just("\"\\u00e9\\n\\x41\"".to_owned()),
        Just("7".to_owned()),
        Just("True".to_owned()),
        Just("None".to_owned()),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", ")))
    })
}

fn literal_call() -> impl Strategy<Value = String> {
    let name =
        prop_oneof![Just("prefix_rule"), Just("host_executable"), Just("network_rule"), Just("sandbox_rule")];
    let keyword =
        prop_oneof![Just(""), Just("pattern = "), Just("decision = "), Just("match = "), Just("bogus = ")];
    (name, prop::collection::vec((keyword, literal_value()), 0..5)).prop_map(|(name, arguments)| {
        let mut used: Vec<&str> = Vec::new();
        let mut words: Vec<String> = Vec::new();
        for (keyword, value) in arguments {
            // Starlark refuses a keyword twice, and a positional argument after a keyword.
            if used.contains(&keyword) && !keyword.is_empty()
                || keyword.is_empty() && used.iter().any(|word| !word.is_empty())
            {
                continue;
            }
            used.push(keyword);
            words.push(format!("{keyword}{value}"));
        }
        format!("{name}({})\n", words.join(", "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_path_is_the_evaluator(text in prop::collection::vec(literal_call(), 0..5)) {
        let text = text.concat();
        prop_assert_eq!(calls(&parse(&text), 0, false).unwrap(), evaluated(&text));
    }

    /// Any bytes at all: diagnostics or a policy, never a panic.
    #[test]
    fn no_input_breaks_the_compiler(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        compile_bytes(&bytes);
    }

    /// Texts made of the pieces of rule files, in any order.
    #[test]
    fn no_pieces_break_the_compiler(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..30)) {
        compile_bytes(pieces.concat().as_bytes());
    }
}

const PIECES: &[&str] = &[
    "prefix_rule",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "pattern",
    "=",
    ",",
    "\"git\"",
    "\"",
    "'",
    "\"\"\"",
    "\n",
    "    ",
    "\t",
    "#",
    "match",
    "decision",
    "\"deny\"",
    "\"allow\"",
    "host_executable",
    "name",
    "paths",
    "\"/usr/bin/git\"",
    "load",
    "\"x.rules\"",
    "def f():",
    "f()",
    "for x in range(3):",
    "if True:",
    "pass",
    "$",
    "{{",
    "}}",
    "\u{202e}",
    "é",
    "\\",
    "None",
    "1",
    "+",
    "*",
    "-",
    "not_match",
];

fn compile_bytes(bytes: &[u8]) {
    let loader = BTreeMap::from([("policy.rules".to_owned(), bytes.to_vec())]);
    let input = Input { rules: vec!["policy.rules".to_owned()], ..Input::default() };
    let mut diagnostics = Diagnostics::new();
    let result = compile::check(&input, &loader, &InProcess, SourceMap::new(), &mut diagnostics);
    assert_eq!(result.is_err(), diagnostics.has_errors());
    for diagnostic in diagnostics.as_slice() {
        assert_ne!(diagnostic.code, Code::EP9901, "{diagnostic:?}");
    }
}

#[test]
fn nesting_at_the_limit_does_not_use_up_the_stack() {
    let chain = format!("x = {}1\n", "1 + ".repeat(249));
    let brackets = format!("x = {}{}\n", "[".repeat(99), "]".repeat(99));
    let elif = format!("if False:\n    pass\n{}", "elif False:\n    pass\n".repeat(249));
    for text in [chain, brackets, elif] {
        compile_bytes(text.as_bytes());
    }
}

#[test]
fn a_link_out_of_the_root_is_not_loaded() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.rules"), "X = 1\n").unwrap();
    let policy = tempfile::tempdir().unwrap();
    let link = |from: &str| {
        std::os::unix::fs::symlink(outside.path().join("secret.rules"), policy.path().join(from)).unwrap()
    };
    link("lib.rules");
    std::fs::write(policy.path().join("policy.rules"), "load(\"lib.rules\", \"X\")\n").unwrap();
    let (output, status) = run::run(&["check", "policy.rules"], policy.path());
    assert_eq!(status, 1);
    assert!(output.contains("EP0114") && output.contains("a symbolic link leads to"), "{output}");
    // A link that is named as a source is read, and listed.
    link("linked.rules");
    let (output, status) = run::run(&["check", "linked.rules"], policy.path());
    assert_eq!(status, 0, "{output}");
    assert!(output.contains("linked.rules is a symbolic link to "), "{output}");
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let policy = tempfile::tempdir().unwrap();
    std::fs::write(
        policy.path().join("good.rules"),
        "prefix_rule(pattern = [\"rm\"], decision = \"forbidden\")\n",
    )
    .unwrap();
    std::fs::write(policy.path().join("bad.rules"), "prefix_rule(\n").unwrap();
    // A broken file does not hide the forbids of another: there is no answer at all.
    let (output, status) =
        run::run(&["check", "--rules", "good.rules", "--rules", "bad.rules", "--", "rm", "x"], policy.path());
    assert_eq!(status, 1);
    assert!(output.contains("EP0106") && !output.contains("matchedRules"), "{output}");
    let (output, status) = run::run(&["check", "."], policy.path());
    assert_eq!((status, output.contains("EP0106")), (1, true), "{output}");
    let (output, status) = run::run(&["check", "--rules", ".", "--", "ls"], policy.path());
    assert_eq!((status, output.contains("EP0106")), (1, true), "{output}");
    let (output, status) = run::run(&["check", "missing.rules"], policy.path());
    assert_eq!((status, output.contains("EP0101")), (1, true), "{output}");
    std::fs::write(policy.path().join("long.rules"), vec![b'#'; (16 << 20) + 1]).unwrap();
    let (output, status) = run::run(&["check", "long.rules"], policy.path());
    assert_eq!((status, output.contains("more than the limit")), (1, true), "{output}");
}

#[test]
fn a_directory_is_taken_in_byte_order_hidden_files_too() {
    let policy = tempfile::tempdir().unwrap();
    for (name, head) in [
        ("b.rules", "b"),
        (".a.rules", "a"),
        ("sub/c.rules", "c"),
        ("B.rules", "B"),
        ("no.RULES", "x"),
        ("sub/.d/e.rules", "e"),
    ] {
        let path = policy.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(
            path,
            format!("prefix_rule(pattern = [\"p\"], decision = \"prompt\", justification = \"{head}\")\n"),
        )
        .unwrap();
    }
    let (output, status) = run::run(&["check", "--rules", ".", "--", "p"], policy.path());
    assert_eq!(status, 0, "{output}");
    let json: serde_json::Value = serde_json::from_str(&output).unwrap();
    let order: Vec<&str> = json["matchedRules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["prefixRuleMatch"]["justification"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["a", "B", "b", "e", "c"]);
}

#[test]
fn files_with_one_name_do_not_hide_each_other() {
    use std::os::unix::ffi::OsStrExt;
    let policy = tempfile::tempdir().unwrap();
    for (name, head) in [(&b"\xfe.rules"[..], "rm"), (b"\xff.rules", "dd")] {
        let path = policy.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(path, format!("prefix_rule(pattern = [\"{head}\"], decision = \"forbidden\")\n"))
            .unwrap();
    }
    for head in ["rm", "dd"] {
        let (output, status) = run::run(&["check", "--rules", ".", "--exit-code", "--", head], policy.path());
        assert_eq!(status, 3, "{output}");
    }
}

/// An error that was reported to one sink stays with the policy that is checked with another.
#[test]
fn a_policy_that_was_read_in_part_is_never_checked() {
    let files = BTreeMap::from([
        ("bad.rules".to_owned(), b"prefix_rule(pattern = [\"rm\"], decision = \"forbiden\")".to_vec()),
        ("good.rules".to_owned(), b"prefix_rule(pattern = [\"ls\"])".to_vec()),
    ]);
    for (names, good) in
        [(vec!["bad.rules"], false), (vec!["missing.rules"], false), (vec!["good.rules"], true)]
    {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
        let options = rules::Options::default();
        let loaded = rules::load(&names, &files, &InProcess, options, &mut sources, &mut sink);
        assert_eq!(sink.has_errors(), !good);
        let checked = check::check(loaded, sources, check::Options::default(), &mut Diagnostics::new());
        assert_eq!(checked.is_ok(), good, "{names:?}");
    }
}
