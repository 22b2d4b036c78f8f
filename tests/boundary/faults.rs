//! Plants faults into the tree in memory. Each invariant has to find its own, and nothing before they are planted.

use super::{Tree, back_ends, circles, long_functions, nameless, packages, second_homes, side_doors};
use super::{strangers, tree, unsafe_rooms, upward_imports, worldly};

/// Plants a fault: `text` at the end of a file; the invariant has to complain about it in these words.
#[track_caller]
fn planted(check: fn(&Tree) -> Vec<String>, file: (&str, &str), text: &str, words: &str) {
    let mut tree = tree();
    assert_eq!(check(&tree), Vec::<String>::new(), "the tree itself");
    tree.text(file.0, file.1).push_str(text);
    let found = check(&tree);
    assert!(found.iter().any(|fault| fault.contains(words)), "{text} in {file:?} was not found: {found:?}");
}

#[test]
fn an_upward_import() {
    let file = ("compiler", "source.rs");
    planted(upward_imports, file, "use crate::policy::Policy;", "compiler/source.rs imports `policy`");
    // However it is written.
    for text in [
        "use crate::{loader, rules::{literal, bind}};",
        "fn f() { let _ = crate::check::check; }",
        "fn f() -> super::lower::Automaton { loop {} }",
        "fn f() { assert!(matches!(1, crate::emit::ONE)); }",
        "mod inner { pub fn f(_: crate::verify::Verified) {} }",
        "use crate as root; use crate::dump as d;",
    ] {
        planted(upward_imports, file, text, "compiler/source.rs imports");
    }
    planted(
        upward_imports,
        ("compiler", "policy/rule.rs"),
        "use super::super::check::check;",
        "imports `check`",
    );
}

#[test]
fn an_arrow_between_packages() {
    let mut tree = tree();
    let shell = tree.0.iter_mut().find(|package| package.folder == "shell").unwrap();
    shell.manifest.push_str("\n[target.'cfg(unix)'.dependencies]\nexecpolicy-runtime.workspace = true\n");
    assert_eq!(packages(&tree), ["src/shell depends on execpolicy-runtime"]);
}

#[test]
fn a_circle() {
    let mut tree = tree();
    for (file, next) in [("a", "b"), ("b", "c"), ("c", "a")] {
        let text = format!(
            "//! x\npub struct {}; fn f(_: crate::{next}::{}) {{}}",
            file.to_uppercase(),
            next.to_uppercase()
        );
        *super::Tree::text(&mut tree, "shell", &format!("{file}.rs")) = text;
    }
    assert!(circles(&tree).iter().any(|circle| circle.contains("a.rs b.rs c.rs")));
    // Through a name that another file only passes on.
    let mut tree = super::tree();
    tree.text("shell", "lib.rs").push_str("mod a; mod b; mod c; pub use c::C;");
    *tree.text("shell", "a.rs") = "fn f(_: crate::C) {} pub struct A;".to_owned();
    *tree.text("shell", "b.rs") = "fn f(_: super::a::A) {} pub struct B;".to_owned();
    *tree.text("shell", "c.rs") = "use crate::b::B; pub struct C(B);".to_owned();
    assert!(circles(&tree).iter().any(|circle| circle.contains("a.rs b.rs c.rs")));
}

#[test]
fn a_look_at_the_world() {
    for text in [
        "use std::fs::File;",
        "use std::{fmt, fs};",
        "fn f() { std::env::var_os(\"HOME\"); }",
        "fn f() { println!(\"x\"); }",
        "fn f() { format!(\"{:?}\", std::time::Instant::now()); }",
    ] {
        planted(worldly, ("compiler", "policy/rule.rs"), text, "compiler/policy/rule.rs");
        planted(worldly, ("shell", "lib.rs"), text, "shell/lib.rs");
    }
}

#[test]
fn a_second_home() {
    planted(second_homes, ("compiler", "source.rs"), "use starlark::syntax::AstModule;", "names starlark");
    planted(
        second_homes,
        ("compiler", "lower.rs"),
        "fn f() { let _ = blake3::hash(b\"\"); }",
        "names blake3",
    );
    planted(second_homes, ("confine", "plan.rs"), "pub use landlock::ABI;", "names landlock");
    let mut tree = tree();
    let shell = tree.0.iter_mut().find(|package| package.folder == "shell").unwrap();
    shell.manifest.push_str("\n[dependencies]\nregex = \"1\"\n");
    assert_eq!(second_homes(&tree), ["src/shell: the dependency regex has no home"]);
}

#[test]
fn an_acquaintance() {
    planted(
        strangers,
        ("compiler", "rules/bind.rs"),
        "use crate::sandbox::token::Token;",
        "imports compiler/sandbox",
    );
    planted(strangers, ("compiler", "sandbox/parse.rs"), "use crate::rules;", "imports compiler/rules.rs");
    planted(
        back_ends,
        ("compiler", "emit/srt.rs"),
        "use super::codex;",
        "emit/srt.rs imports compiler/emit/codex.rs",
    );
}

#[test]
fn a_side_door() {
    let text = "fn f(policy: Policy, sources: SourceMap) { let _ = CheckedPolicy { policy, sources }; }";
    planted(side_doors, ("compiler", "check/tokens.rs"), text, "check/tokens.rs makes a CheckedPolicy");
    let mut tree = tree();
    let door = tree.text("compiler", "check.rs");
    *door = door.replace("pub struct CheckedPolicy {", "pub struct CheckedPolicy {\n    pub extra: u8,");
    assert_eq!(side_doors(&tree), ["a field of CheckedPolicy is public"]);
}

#[test]
fn a_long_function_and_a_nameless_file() {
    let body = "    let _ = 1;\n".repeat(79);
    let text = format!("fn long() {{\n{body}}}\n");
    planted(long_functions, ("profile", "words.rs"), &text, "profile/words.rs: `long` has 81 lines");
    let mut tree = tree();
    *tree.text("profile", "words.rs") = "use core::fmt;".to_owned();
    assert_eq!(nameless(&tree), ["profile/words.rs does not begin with `//!`"]);
}

#[test]
fn unsafe_code_elsewhere() {
    for text in [
        "fn f() { unsafe { g() } }",
        "unsafe fn f() {}",
        "unsafe impl Send for X {}",
        "fn f() { x!(unsafe { 1 }) }",
    ] {
        planted(unsafe_rooms, ("confine", "plan.rs"), text, "confine/plan.rs has unsafe code");
    }
    let mut tree = tree();
    for package in &mut tree.0 {
        // Whether it says so itself or inherits it.
        package.manifest = package
            .manifest
            .replace("unsafe_code = \"deny\"", "")
            .replace("[lints]\nworkspace = true", "[lints]");
    }
    assert_eq!(unsafe_rooms(&tree).len(), tree.0.len());
}
