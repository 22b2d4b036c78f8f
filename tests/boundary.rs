//! The invariants of `docs/architecture.md`, one test each, by the same name. `boundary/tree.rs` reads the packages.

mod faults;
mod tree;

use crate::harness::{files, root};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tree::{Code, Graph, Package, Tree};

/// Which packages each package may build on. Cargo refuses circles; this says which way the arrows go.
const ARROWS: &[(&str, &[&str])] = &[
    ("shell", &[]),
    ("profile", &[]),
    ("runtime", &["profile", "shell"]),
    ("confine", &["profile"]),
    ("compiler", &["confine", "profile", "runtime", "shell"]),
    ("cli", &["compiler", "confine", "profile", "runtime", "shell"]),
];

/// The floors inside the compiler, from the ground up; a file imports only from floors below its own.
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

/// Each foreign crate, and the files or folders that may name it: one room for each package that uses it.
const HOMES: &[(&str, &[&str])] = &[
    ("ariadne", &["cli/report/human.rs"]),
    ("blake3", &["cli/report/sarif.rs", "compiler/emit.rs", "compiler/emit/", "compiler/verify.rs"]),
    ("chumsky", &["compiler/sandbox/parse.rs"]),
    ("clap", &["cli/args.rs", "cli/main.rs"]),
    ("clap_complete", &["cli/args.rs"]),
    ("landlock", &["confine/linux/"]),
    ("libc", &["confine/"]),
    ("logos", &["compiler/sandbox/token.rs"]),
    ("rustix", &["cli/evaluator.rs", "confine/"]),
    ("seccompiler", &["confine/seccomp.rs", "confine/seccomp/"]),
    ("serde", &["cli/", "compiler/rules/record.rs"]),
    ("serde_json", &["cli/", "compiler/emit.rs", "compiler/emit/"]),
    ("shlex", &["cli/", "compiler/rules/bind.rs", "compiler/check/"]),
    ("starlark", &["compiler/rules.rs", "compiler/rules/"]),
    ("starlark_syntax", &["compiler/rules/literal.rs"]),
    ("strsim", &["compiler/diagnostic/text.rs"]),
    ("toml", &["cli/files.rs", "compiler/emit/codex.rs"]),
    ("xxhash_rust", &["runtime/"]),
];

/// The longest function, in lines. A function that is nothing but a table may be longer.
const LONGEST_FUNCTION: usize = 80;
/// The longest file, in lines.
const LONGEST_FILE: usize = 920;
/// How many files may need each other in a circle.
const LARGEST_CIRCLE: usize = 2;

fn tree() -> Tree {
    Tree::read(&root().join("src"))
}

/// Fails with everything that was found.
#[track_caller]
fn none(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Every file with its code and its name below `src/`.
fn all(tree: &Tree) -> Vec<(String, Arc<Code>)> {
    let parsed = |package: &Package| -> Vec<(String, Arc<Code>)> {
        let name = |file: &String| format!("{}/{file}", package.folder);
        package.files.iter().map(|(file, text)| (name(file), Code::parse(file, text))).collect()
    };
    tree.0.iter().flat_map(parsed).collect()
}

fn packages(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let known: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for package in &tree.0 {
        let folder = &package.folder;
        let Some(allowed) = known.get(folder.as_str()) else {
            found.push(format!("src/{folder} is not a package of this list"));
            continue;
        };
        let manifest: toml::Table = package.manifest.parse().unwrap();
        let mut tables = vec![manifest.get("dependencies")];
        if let Some(targets) = manifest.get("target").and_then(|targets| targets.as_table()) {
            tables.extend(targets.values().map(|target| target.get("dependencies")));
        }
        let names = tables.into_iter().flatten().flat_map(|table| table.as_table().unwrap().keys());
        for used in names.filter_map(|name| name.strip_prefix("execpolicy-")) {
            if !allowed.contains(&used) {
                found.push(format!("src/{folder} depends on execpolicy-{used}"));
            }
        }
    }
    found
}

fn upward_imports(tree: &Tree) -> Vec<String> {
    let floor = |module: &str| FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor);
    let mut found = Vec::new();
    for (file, targets) in Graph::of(tree.package("compiler")).edges() {
        let module = |file: &str| file.split(['/', '.']).next().unwrap().to_owned();
        let own = module(&file);
        for target in targets.iter().map(|target| module(target)).filter(|target| *target != own) {
            match (floor(&own), floor(&target)) {
                (Some(high), Some(low)) if low < high => {}
                _ => found.push(format!("compiler/{file} imports `{target}`, which is not on a floor below")),
            }
        }
    }
    found
}

fn circles(tree: &Tree) -> Vec<String> {
    let in_package = |package: &Package| {
        let circles = Graph::of(package).circles().into_iter().filter(|circle| circle.len() > LARGEST_CIRCLE);
        circles
            .map(|circle| {
                format!("{}: {} files need each other: {}", package.folder, circle.len(), circle.join(" "))
            })
            .collect::<Vec<_>>()
    };
    tree.0.iter().flat_map(in_package).collect()
}

fn worldly(tree: &Tree) -> Vec<String> {
    const WORLD: &[&str] = &["fs", "env", "process", "net", "time", "io", "thread", "os"];
    const PRINTS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg", "env", "option_env"];
    let mut found = Vec::new();
    for (name, code) in all(tree) {
        // Confinement is about this world; the command line is the rim.
        if name.starts_with("cli/") || name.starts_with("confine/") {
            continue;
        }
        for path in &code.paths {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            match words[..] {
                // Addresses are values; they live in the same module as the sockets.
                ["std", "net", "IpAddr" | "Ipv4Addr" | "Ipv6Addr" | "SocketAddr", ..] => {}
                // What libraries' traits want of their implementors.
                ["std", "io", "Error" | "ErrorKind" | "Result", ..] => {}
                ["std", module, ..] if WORLD.contains(&module) => {
                    found.push(format!("{name} names {}", words.join("::")))
                }
                _ => {}
            }
        }
        for called in code.macros.iter().filter(|called| PRINTS.contains(&called.as_str())) {
            // The version is written into artifacts.
            if called != "env" {
                found.push(format!("{name} calls {called}!"));
            }
        }
    }
    found
}

fn second_homes(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let homes: BTreeMap<&str, &[&str]> = HOMES.iter().copied().collect();
    let at_home = |name: &str, homes: &[&str]| {
        homes.iter().any(|home| if home.ends_with('/') { name.starts_with(home) } else { name == *home })
    };
    for (name, code) in all(tree) {
        let named: BTreeSet<&str> = code
            .paths
            .iter()
            .chain(code.reexports.iter().map(|(_, path)| path))
            .map(|path| path[0].as_str())
            .collect();
        for (foreign, homes) in &homes {
            if named.contains(foreign) && !at_home(&name, homes) {
                found.push(format!("{name} names {foreign}, whose home is {}", homes.join(" ")));
            }
        }
    }
    for package in &tree.0 {
        let manifest: toml::Table = package.manifest.parse().unwrap();
        let tables = [manifest.get("dependencies")].into_iter().chain(
            manifest
                .get("target")
                .and_then(|targets| targets.as_table())
                .into_iter()
                .flat_map(|targets| targets.values().map(|target| target.get("dependencies"))),
        );
        for name in tables.flatten().flat_map(|table| table.as_table().unwrap().keys()) {
            if !name.starts_with("execpolicy-") && !homes.contains_key(name.replace('-', "_").as_str()) {
                found.push(format!("src/{}: the dependency {name} has no home", package.folder));
            }
        }
    }
    found
}

/// Files of one folder or module that import each other though they must not. `shared` may be imported by all.
fn acquaintances(tree: &Tree, groups: &[&str], shared: &[&str]) -> Vec<String> {
    let graph = Graph::of(tree.package("compiler"));
    let group = |file: &str| {
        let stem = file.trim_end_matches(".rs");
        let inside = |group: &&&str| stem == **group || stem.starts_with(&format!("{group}/"));
        groups.iter().filter(|_| !shared.contains(&stem)).find(inside).copied()
    };
    let mut found = Vec::new();
    for (file, targets) in graph.edges() {
        for target in targets {
            if let (Some(one), Some(other)) = (group(&file), group(&target))
                && one != other
            {
                found.push(format!("compiler/{file} imports compiler/{target}"));
            }
        }
    }
    found
}

fn strangers(tree: &Tree) -> Vec<String> {
    acquaintances(tree, &["rules", "sandbox"], &[])
}

fn back_ends(tree: &Tree) -> Vec<String> {
    // What all of them may use.
    const SHARED: &[&str] = &["emit/strings", "emit/sections"];
    let stems: BTreeSet<String> = tree
        .package("compiler")
        .files
        .keys()
        .filter_map(|file| file.strip_prefix("emit/"))
        .map(|file| format!("emit/{}", file.split(['/', '.']).next().unwrap()))
        .collect();
    let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
    assert!(stems.len() > 5);
    acquaintances(tree, &stems, SHARED)
}

fn side_doors(tree: &Tree) -> Vec<String> {
    let makers = all(tree).into_iter().filter(|(_, code)| code.built.contains("CheckedPolicy"));
    let mut found: Vec<String> = makers
        .filter(|(name, _)| name != "compiler/check.rs")
        .map(|(name, _)| format!("{name} makes a CheckedPolicy"))
        .collect();
    let door = syn::parse_file(&tree.package("compiler").files["check.rs"]).unwrap();
    let structs = door
        .items
        .iter()
        .filter_map(|item| if let syn::Item::Struct(item) = item { Some(item) } else { None });
    for item in structs.filter(|item| item.ident == "CheckedPolicy") {
        if item.fields.iter().any(|field| !matches!(field.vis, syn::Visibility::Inherited)) {
            found.push("a field of CheckedPolicy is public".to_owned());
        }
    }
    found
}

fn nameless(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for package in &tree.0 {
        for (file, text) in &package.files {
            if !text.starts_with("//!") {
                found.push(format!("{}/{file} does not begin with `//!`", package.folder));
            }
            let lines = text.lines().count();
            if lines > LONGEST_FILE {
                found.push(format!("{}/{file} has {lines} lines: it is more than one thing", package.folder));
            }
        }
    }
    found
}

fn long_functions(tree: &Tree) -> Vec<String> {
    let long = |(name, code): (String, Arc<Code>)| {
        let long = code.functions.iter().filter(|(_, lines)| *lines > LONGEST_FUNCTION);
        long.map(move |(function, lines)| format!("{name}: `{function}` has {lines} lines"))
            .collect::<Vec<_>>()
    };
    all(tree).into_iter().flat_map(long).collect()
}

fn unsafe_rooms(tree: &Tree) -> Vec<String> {
    let outside = |name: &str| name != "confine/linux/sys.rs" && !name.starts_with("confine/linux/sys/");
    let mut found: Vec<String> = all(tree)
        .into_iter()
        .filter(|(name, code)| code.is_unsafe && outside(name))
        .map(|(name, _)| format!("{name} has unsafe code"))
        .collect();
    for package in &tree.0 {
        let manifest: toml::Table = package.manifest.parse().unwrap();
        let lints = &manifest["lints"];
        let own = lints.get("rust").and_then(|rust| rust.get("unsafe_code")).and_then(|level| level.as_str());
        let inherited = lints.get("workspace").and_then(toml::Value::as_bool) == Some(true);
        if !inherited && own != Some("deny") {
            found.push(format!("src/{}/Cargo.toml does not deny unsafe code", package.folder));
        }
    }
    found
}

#[test]
fn the_arrows_between_packages_go_one_way() {
    none(&packages(&tree()));
}

#[test]
fn the_runtime_knows_no_compiler() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "execpolicy-runtime", "-e", "normal", "--prefix", "none"])
        .arg("--no-default-features")
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let found: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    let allowed =
        BTreeSet::from(["execpolicy-profile", "execpolicy-runtime", "execpolicy-shell", "xxhash-rust"]);
    assert_eq!(found, allowed, "the runtime's dependencies changed");
}

#[test]
fn imports_go_down() {
    none(&upward_imports(&tree()));
}

#[test]
fn no_circle_of_files() {
    none(&circles(&tree()));
}

#[test]
fn nothing_in_the_core_touches_the_world() {
    none(&worldly(&tree()));
}

#[test]
fn one_foreign_crate_one_home() {
    none(&second_homes(&tree()));
}

#[test]
fn the_front_ends_are_strangers() {
    none(&strangers(&tree()));
}

#[test]
fn the_back_ends_are_strangers() {
    none(&back_ends(&tree()));
}

#[test]
fn check_is_the_only_door() {
    none(&side_doors(&tree()));
}

#[test]
fn every_file_says_what_it_is() {
    none(&nameless(&tree()));
}

#[test]
fn no_function_is_too_long() {
    none(&long_functions(&tree()));
}

#[test]
fn unsafe_code_has_one_room() {
    none(&unsafe_rooms(&tree()));
}

#[test]
fn no_forgotten_file() {
    for (parent, folder) in [
        ("tests/main.rs", "tests"),
        ("tests/targets.rs", "tests/targets"),
        ("tests/boundary.rs", "tests/boundary"),
    ] {
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
    let tests = syn::parse_file(&std::fs::read_to_string(root().join("tests/boundary.rs")).unwrap()).unwrap();
    for item in tests.items {
        if let syn::Item::Fn(item) = item
            && item.attrs.iter().any(|attribute| attribute.path().is_ident("test"))
        {
            assert!(
                page.contains(&format!("`{}`", item.sig.ident)),
                "docs/architecture.md does not name `{}`",
                item.sig.ident
            );
        }
    }
}
