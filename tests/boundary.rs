//! The invariants of `docs/architecture.md`, one test each, by the same name.

use crate::harness::{files, root};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The floors, from the ground up; a file imports only from floors below its own.
const FLOORS: &[(&str, u32)] = &[
    ("source", 1),
    ("loader", 1),
    ("diagnostic", 2),
    ("stdlib", 3),
    ("policy", 3),
    ("read", 3),
    ("rules", 4),
    ("sandbox", 4),
    ("check", 5),
    ("lower", 6),
    ("emit", 7),
    ("dump", 7),
    ("verify", 8),
    ("artifact", 9),
    ("compile", 10),
    ("lib", 11),
];

/// Every source file of the compiler: its path below `src/`, its top module and its text.
fn compiler() -> Vec<(String, String, String)> {
    let src = root().join("src/compiler");
    files(&src, ".rs")
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
            let module = name.split(['/', '.']).next().unwrap().to_owned();
            (name, module, code(&path))
        })
        .collect()
}

/// A file without its comments, so that prose may say what code may not.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn floor(module: &str) -> u32 {
    FLOORS.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("`{module}` has no floor")).1
}

#[test]
fn the_runtime_knows_no_compiler() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            "execpolicy-runtime",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--no-default-features",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let found: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    let allowed: BTreeSet<&str> = RUNTIME_CLOSURE.iter().copied().collect();
    assert_eq!(found, allowed, "the plain runtime's dependencies changed");
}

/// Everything the plain runtime (no `shell`, no `confine`) is built from.
const RUNTIME_CLOSURE: &[&str] =
    &["execpolicy-profile", "execpolicy-runtime", "execpolicy-shell", "xxhash-rust"];

#[test]
fn imports_go_down() {
    for (name, module, text) in compiler() {
        let own = floor(&module);
        for (at, _) in text.match_indices("crate::") {
            let used: String =
                text[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // `use crate::{a, b}` names several.
            let names: Vec<String> = if used.is_empty() {
                let list = text[at + 7..].trim_start_matches('{').split('}').next().unwrap();
                list.split(',').map(|item| item.trim().split("::").next().unwrap().to_owned()).collect()
            } else {
                vec![used]
            };
            for used in names.iter().filter(|used| **used != module) {
                assert!(floor(used) < own, "{name} (floor {own}) imports `{used}` (floor {})", floor(used));
            }
        }
    }
}

#[test]
fn nothing_in_the_core_touches_the_world() {
    for (name, _, text) in compiler() {
        for word in [
            "std::fs",
            "std::env",
            "std::process",
            "TcpStream",
            "UdpSocket",
            "ToSocketAddrs",
            "std::time",
            "println!",
            "eprintln!",
        ] {
            assert!(!text.contains(word), "{name} names {word}");
        }
    }
}

#[test]
fn one_foreign_crate_one_home() {
    let homes: &[(&str, &[&str])] = &[
        ("logos", &["sandbox/token.rs"]),
        ("chumsky", &["sandbox/parse.rs"]),
        (
            "starlark",
            &["rules.rs", "rules/dialect.rs", "rules/evaluate.rs", "rules/literal.rs", "rules/syntax.rs"],
        ),
        ("starlark_syntax", &["rules/literal.rs"]),
    ];
    for (name, _, text) in compiler() {
        for (foreign, allowed) in homes {
            let named = text.contains(&format!("{foreign}::")) || text.contains(&format!("use {foreign}"));
            assert!(!named || allowed.contains(&name.as_str()), "{name} names {foreign}");
        }
        let serde = text.contains("serde");
        assert!(!serde || name == "rules/record.rs", "{name} names serde");
    }
}

#[test]
fn the_front_ends_are_strangers() {
    for (name, module, text) in compiler() {
        let other = match module.as_str() {
            "rules" => "crate::sandbox",
            "sandbox" => "crate::rules",
            _ => continue,
        };
        assert!(!text.contains(other), "{name} imports {other}");
    }
}

#[test]
fn the_back_ends_are_strangers() {
    // What all of them may use.
    const SHARED: &[&str] = &["emit", "emit/strings", "emit/json"];
    let backs: Vec<(String, String)> = compiler()
        .into_iter()
        .filter(|(name, module, _)| module == "emit" && !SHARED.contains(&name.trim_end_matches(".rs")))
        .map(|(name, _, text)| (name.trim_start_matches("emit/").trim_end_matches(".rs").to_owned(), text))
        .collect();
    assert!(!backs.is_empty());
    for (name, text) in &backs {
        for (other, _) in backs.iter().filter(|(other, _)| other != name) {
            assert!(!text.contains(&format!("super::{other}")), "emit/{name}.rs imports {other}");
        }
    }
}

#[test]
fn check_is_the_only_door() {
    for (name, module, text) in compiler() {
        assert!(module == "check" || !text.contains("CheckedPolicy {"), "{name} makes a CheckedPolicy");
        if matches!(module.as_str(), "lower" | "emit") {
            assert!(!text.contains("rules::load"), "{name} reads rules");
        }
    }
    let door = std::fs::read_to_string(root().join("src/compiler/check.rs")).unwrap();
    let fields = door.split("pub struct CheckedPolicy {").nth(1).unwrap().split('}').next().unwrap();
    assert!(!fields.contains("pub "), "a field of CheckedPolicy is public");
}

#[test]
fn every_file_says_what_it_is() {
    for path in files(&root().join("src"), ".rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} does not begin with `//!`", path.display());
        let lines = text.lines().count();
        assert!(lines <= 920, "{} has {lines} lines: it is more than one thing", path.display());
    }
}

#[test]
fn unsafe_code_has_one_room() {
    let sys = root().join("src/confine/linux/sys");
    for path in files(&root().join("src"), ".rs") {
        if path.starts_with(&sys) || path == sys.with_extension("rs") {
            continue;
        }
        for word in ["unsafe {", "unsafe fn", "unsafe impl"] {
            assert!(!code(&path).contains(word), "{} has `{word}`", path.display());
        }
    }
}

#[test]
fn no_forgotten_file() {
    for (parent, folder) in [("tests/main.rs", "tests"), ("tests/targets.rs", "tests/targets")] {
        let parent = std::fs::read_to_string(root().join(parent)).unwrap();
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
                assert!(parent.contains(&format!("mod {module};")), "{folder}/{name} is not declared");
            }
        }
    }
    let known: BTreeSet<&str> = execpolicy_compiler::stdlib::FILES.iter().map(|(name, _)| *name).collect();
    for path in files(&root().join("stdlib/rules"), ".rules") {
        let name = path.strip_prefix(root().join("stdlib/rules")).unwrap().to_string_lossy().into_owned();
        assert!(known.contains(name.as_str()), "stdlib/rules/{name} is not embedded");
    }
}

/// The invariants are written down under the names of these tests.
#[test]
fn the_invariants_are_written_down() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let tests = std::fs::read_to_string(root().join("tests/boundary.rs")).unwrap();
    for (at, _) in tests.match_indices("#[test]\nfn ") {
        let name: String = tests[at + 11..].chars().take_while(|c| *c != '(').collect();
        assert!(page.contains(&format!("`{name}`")), "docs/architecture.md does not name `{name}`");
    }
}
