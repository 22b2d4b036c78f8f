//! In: random profiles, file trees and operations. Out: a failure, with its seed, where this kernel does something else than
//! the reference model says.
//! Not here: attacks on the sandbox (`tests/confine/`), and laws of the model itself (`sandbox_model.rs`).
//!
//! Every profile goes the whole way: source, encoded bytes, plan for this host, sandbox. What tries an operation inside is this
//! test program, started again ([`probe`]). What the model and a kernel may differ in is named in [`Gap`] and counted.
#![cfg(target_os = "linux")]

use crate::harness::{self, run::PROGRAM};
use crate::random::Random;
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::sandbox;
use execpolicy_compiler::source::SourceMap;
use execpolicy_confine::lower::{Host, lower};
use execpolicy_confine::{Helper, Plan, Sandbox};
use execpolicy_profile::Profiles;
use execpolicy_profile::model::{self, Model, Permission, Roots, Tree};
use execpolicy_profile::{Access, Phase, Platform, Promise};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What must be compared, as each user.
const ENOUGH: usize = 5_000;
const OPERATIONS: usize = 40;
const NAMES: &[&str] = &["a", "b", "c", "g", "h", "s", "v", "x.k"];
const ROOTS: &[&str] = &["$WORKSPACE", "~", "$TMPDIR"];
const GLOBS: &[&str] =
    &["$WORKSPACE/**/s", "~/**/[a-c]x", "$TMPDIR/*", "$WORKSPACE/a/*/c", "~/?/*", "$WORKSPACE/**/b/s*"];
const PROTECTED: &[&str] = &["g/h", "v", "*.k", "b/c", "g/**/a", "s"];
/// The variables by which this program tells itself what to do.
const ORDERS: &str = "EXECPOLICY_TEST_ORDERS";
const HELPER: &str = "EXECPOLICY_TEST_HELPER";

/// One thing to try.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Operation {
    verb: &'static str,
    path: PathBuf,
    to: PathBuf,
}

/// In what a kernel may differ from the model, each for a reason that `docs/enforcement.md` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    /// Only detected, and the model says so.
    Detected,
    /// Two writable places are two mounts: nothing can be renamed or linked from one to the other.
    TwoMounts,
    /// A directory that holds a placeholder stays where it is.
    HoldsPlaceholder,
    /// A symbolic link that lies in a denied or private directory is not there to be followed.
    HiddenLink,
    /// The way to a granted path is shown only if there is something at its end.
    WayToNothing,
}

#[derive(Default, Debug)]
struct Tally {
    compared: usize,
    allowed: usize,
    profiles: usize,
    refused: BTreeMap<String, usize>,
    gaps: BTreeMap<Gap, usize>,
}

#[test]
fn the_kernel_does_what_the_model_says() {
    let helper = Path::new(PROGRAM);
    if let Err(why) = execpolicy_confine::detect(&Helper::at(helper).unwrap()) {
        return harness::skip(TEST, &why.to_string());
    }
    let base = directory();
    let program = base.path().join("program");
    fs::copy(helper, &program).unwrap();
    let tally = compare(base.path(), &program);
    println!("{tally:?}");
    if fs::metadata(base.path()).unwrap().uid() == 0 {
        again_as_user(base.path(), &program);
    }
}

/// As the test library calls it.
const TEST: &str = "confine_model::the_kernel_does_what_the_model_says";

/// Gone when it is dropped, also after a panic. Not in /tmp, which profiles like to make private; and another user passes through it.
fn directory() -> tempfile::TempDir {
    let base = tempfile::Builder::new().prefix("execpolicy-model-").tempdir_in("/var/tmp").unwrap();
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
    base
}

/// The same as a user who owns nothing else.
fn again_as_user(base: &Path, program: &Path) {
    let own = base.join("tests");
    fs::copy(std::env::current_exe().unwrap(), &own).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=61234", "--regid=61234", "--clear-groups", "--inh-caps=-all"])
        .arg(&own)
        .args(["--exact", "confine_model::as_user", "--ignored", "--nocapture"])
        .env(HELPER, program)
        .output();
    match output {
        Ok(output) => {
            print!("{}", String::from_utf8_lossy(&output.stdout));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        Err(why) => harness::skip_part(TEST, "as an ordinary user", &format!("setpriv: {why}")),
    }
}

#[test]
#[ignore = "started by the_kernel_does_what_the_model_says as an ordinary user"]
fn as_user() {
    let Some(program) = std::env::var_os(HELPER) else { return };
    let base = directory();
    let tally = compare(base.path(), Path::new(&program));
    println!("as a user: {tally:?}");
}

fn compare(base: &Path, program: &Path) -> Tally {
    let mut tally = Tally::default();
    let mut seed = 0;
    while tally.compared < ENOUGH {
        seed += 1;
        assert!(seed < 20_000, "too few could be compared: {tally:?}");
        one(seed, base, program, &mut tally);
    }
    assert!(tally.allowed * 10 > tally.compared, "hardly anything is allowed: {tally:?}");
    assert!(tally.allowed * 10 < tally.compared * 9, "hardly anything is denied: {tally:?}");
    tally
}

/// One profile on one tree.
fn one(seed: u64, base: &Path, program: &Path, tally: &mut Tally) {
    let mut random = Random(seed << 20);
    let text = source(&mut random);
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let file = sources.add("random.sandbox", text.as_str());
    let profiles = sandbox::load(&mut sources, &[file], &mut sink);
    if sink.has_errors() {
        return;
    }
    let place = base.join(format!("t{seed}"));
    let roots = roots(&place);
    plant(&mut random, &place);
    let tree = survey(&place);
    let resolved = profiles.get("p", Phase::Run, Platform::Linux).unwrap();
    let model = Model::new(resolved, &roots, &tree);
    let bytes = profiles.encode().unwrap();
    let compiled = Profiles::from_bytes(&bytes).unwrap();
    let profile = compiled.get("p", Phase::Run, Platform::Linux).unwrap();
    let environment = vec![("HOME".into(), roots.home.into()), ("TMPDIR".into(), roots.tmpdir.into())];
    let host = Host::new(Path::new(&roots.workspace), Path::new("/"), environment).unwrap();
    let mut lowered = match lower(&profile, &host) {
        Ok(lowered) => lowered,
        Err(refusal) => {
            *tally
                .refused
                .entry(refusal.why.split('/').next().unwrap_or_default().to_owned())
                .or_default() += 1;
            fs::remove_dir_all(&place).unwrap();
            return;
        }
    };
    tally.profiles += 1;
    let operations: Vec<Operation> = operations(&mut random, &place, &tree);
    let orders = base.join("orders");
    let lines: Vec<String> =
        operations.iter().map(|o| format!("{} {} {}\n", o.verb, o.path.display(), o.to.display())).collect();
    fs::write(&orders, lines.concat()).unwrap();
    lowered.plan.environment.push((ORDERS.into(), orders.into_os_string()));
    let before = names(&place);
    let hosts: Vec<Option<u64>> =
        operations.iter().map(|o| fs::metadata(&o.path).ok().map(|meta| meta.ino())).collect();
    let own = std::env::current_exe().unwrap();
    let command = execpolicy_confine::Command::new([own]).args([
        "--exact",
        "confine_model::probe",
        "--ignored",
        "--nocapture",
    ]);
    let sandbox = Sandbox::prepare(&lowered.plan, Helper::at(program).unwrap())
        .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let running = sandbox.run(&command, [null.as_fd(), writer.as_fd(), writer.as_fd()]);
    let running = running.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
    drop(writer);
    let mut output = String::new();
    reader.read_to_string(&mut output).unwrap();
    let ended = running.wait().unwrap();
    let results: Vec<&str> = output.lines().filter_map(|line| line.split("result ").nth(1)).collect();
    assert_eq!(results.len(), operations.len(), "seed {seed}: {output}\n{text}");
    for ((operation, result), host) in operations.iter().zip(results).zip(hosts) {
        let plan = &lowered.plan.paths;
        let faults = || format!("seed {seed}: {operation:?} gave {result}\n{text}\n{before:#?}\n{plan:#?}");
        judge(&model, operation, result, host, &lowered.plan, tally, &faults);
    }
    if ended.findings.is_empty() {
        assert_eq!(names(&place), before, "seed {seed}: something was left\n{text}");
    }
    fs::remove_dir_all(&place).unwrap();
}

fn judge(
    model: &Model<'_>,
    operation: &Operation,
    result: &str,
    host: Option<u64>,
    plan: &Plan,
    tally: &mut Tally,
    faults: &dyn Fn() -> String,
) {
    let path = |path: &Path| model::Path::parse(path.to_str().unwrap());
    let (from, to) = (path(&operation.path), path(&operation.to));
    let ruling: Permission<'_> = match operation.verb {
        "read" => model.read(&from),
        "list" => model.list(&from),
        "stat" => model.stat(&from),
        "write" => model.write(&from),
        "create" => model.create(&from),
        "remove" => model.remove(&from),
        "rename" => model.rename(&from, &to),
        _ => model.link(&from, &to),
    };
    let kernel = match result.split_once(' ') {
        // What is shown must be the host's file, or else it is not this file that is seen.
        Some(("ok", ino)) if operation.verb == "stat" && !ruling.allowed => ino.parse().ok() == host,
        _ => result.starts_with("ok"),
    };
    let around = model.answer(&from.parent());
    if ruling.answer.own || around.own || model.answer(&from).own || model.answer(&to).own {
        // The sandbox's own directory is empty: the host's file cannot be reached there, whatever is asked.
        let shown = matches!(operation.verb, "read" | "write") && kernel && model.answer(&from).own;
        assert!(!shown, "{}", faults());
        return;
    }
    if kernel == ruling.allowed {
        tally.compared += 1;
        tally.allowed += usize::from(kernel);
        return;
    }
    let placeholder = plan.missing.iter().any(|name| {
        name.promise == execpolicy_confine::Promise::Prevent && name.path.starts_with(&operation.path)
    });
    let gap = if kernel && ruling.answer.promise == Promise::Detect {
        Gap::Detected
    } else if ruling.allowed && result == "error 18" {
        Gap::TwoMounts
    } else if ruling.allowed && result == "error 16" && placeholder {
        Gap::HoldsPlaceholder
    } else if ruling.allowed && through_hidden_link(model, &operation.path) {
        Gap::HiddenLink
    } else if ruling.allowed && operation.verb == "stat" && !leads_to_something(plan, &operation.path) {
        Gap::WayToNothing
    } else {
        panic!("the model says {} by {}: {}", ruling.allowed, ruling.answer.by.statement(), faults());
    };
    *tally.gaps.entry(gap).or_default() += 1;
}

/// Whether something that is granted lies below a path.
fn leads_to_something(plan: &Plan, path: &Path) -> bool {
    let granted = plan
        .paths
        .iter()
        .filter(|rule| rule.access > execpolicy_confine::Access::Deny)
        .map(|rule| &rule.path);
    granted.chain(&plan.private).any(|granted| granted.starts_with(path) && granted.exists())
}

/// Whether some link on the way of a path cannot be seen.
fn through_hidden_link(model: &Model<'_>, path: &Path) -> bool {
    let mut here = path.to_path_buf();
    for _ in 0..40 {
        let link = here.ancestors().filter(|above| above.is_symlink()).last().map(Path::to_path_buf);
        let Some(link) = link else { return false };
        let answer = model.access(&model::Path::parse(link.to_str().unwrap()));
        if answer.access == Access::Deny || answer.own {
            return true;
        }
        here = fs::read_link(&link).unwrap().join(here.strip_prefix(&link).unwrap());
    }
    true
}

fn roots(place: &Path) -> Roots {
    let root = |name: &str| place.join(name).to_str().unwrap().to_owned();
    Roots { workspace: root("w"), home: root("h"), tmpdir: root("t"), ignore_case: false }
}

/// A body of statements, each about something else.
fn source(random: &mut Random) -> String {
    let mut statements: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..2 + random.below(7) {
        match random.below(10) {
            0..7 => {
                let mut place = (*random.pick(ROOTS)).to_owned();
                for _ in 0..random.below(3) {
                    place = format!("{place}/{}", random.pick(NAMES));
                }
                let verb = *random.pick(&["write", "write", "write", "read", "deny", "private"]);
                statements.insert(place.clone(), format!("{verb} {place}"));
            }
            7 => {
                let glob = *random.pick(GLOBS);
                statements.insert(glob.to_owned(), format!("{} {glob}", random.pick(&["deny", "read"])));
            }
            _ => {
                let name = *random.pick(PROTECTED);
                statements.insert(name.to_owned(), format!("protect {name}"));
            }
        }
    }
    let body: Vec<String> = statements.into_values().map(|line| format!("    {line}\n")).collect();
    format!("profile p {{\n    read /\n{}}}\n", body.concat())
}

/// Makes a random tree below the three roots.
fn plant(random: &mut Random, place: &Path) {
    let mut directories: Vec<PathBuf> = ["w", "h", "t"].map(|root| place.join(root)).into();
    for directory in &directories {
        fs::create_dir_all(directory).unwrap();
    }
    for _ in 0..10 + random.below(15) {
        let at = random.pick(&directories).join(random.pick(NAMES));
        if at.symlink_metadata().is_ok() || at.components().count() > place.components().count() + 5 {
            continue;
        }
        match random.below(10) {
            0..5 => {
                fs::create_dir(&at).unwrap();
                directories.push(at);
            }
            5 => {
                let target = random.pick(&directories).join(random.pick(NAMES));
                symlink(target, at).unwrap();
            }
            _ => fs::write(at, "content").unwrap(),
        }
    }
}

/// The tree as the model sees it.
fn survey(place: &Path) -> Tree {
    let mut tree = Tree::new();
    for (path, target) in names(place) {
        let at = model::Path::parse(path.to_str().unwrap());
        let kind = match target {
            Some(target) => model::FileKind::Link(target.to_str().unwrap().to_owned()),
            None if path.is_dir() => model::FileKind::Directory,
            None => model::FileKind::File,
        };
        tree.add(&at, kind);
    }
    tree
}

/// Every path below a directory, it included, and where links lead.
fn names(directory: &Path) -> BTreeSet<(PathBuf, Option<PathBuf>)> {
    let mut out = BTreeSet::from([(directory.to_path_buf(), None)]);
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            out.extend(names(&path));
        } else {
            let link = fs::read_link(&path).ok();
            out.insert((path, link));
        }
    }
    out
}

/// Operations that would succeed without a sandbox. Those that change nothing come first.
fn operations(random: &mut Random, place: &Path, tree: &Tree) -> Vec<Operation> {
    let all: Vec<PathBuf> = tree
        .below(&model::Path::parse(place.to_str().unwrap()))
        .map(|path| PathBuf::from(path.to_string()))
        .filter(|path| path.components().count() > place.components().count())
        .collect();
    let directories: Vec<PathBuf> = all.iter().filter(|p| p.is_dir() && !p.is_symlink()).cloned().collect();
    let fresh = |random: &mut Random| {
        let path = random.pick(&directories).join(random.pick(NAMES));
        path.symlink_metadata().is_err().then_some(path)
    };
    let mut out = Vec::new();
    for _ in 0..OPERATIONS * 3 {
        let path = random.pick(&all).clone();
        let (file, link, directory) = (path.is_file(), path.is_symlink(), path.is_dir());
        let root = path.parent() == Some(place);
        let verb =
            *random.pick(&["read", "list", "stat", "write", "create", "create", "remove", "rename", "link"]);
        let none = PathBuf::from("/");
        let operation = match verb {
            "read" | "write" if file => Operation { verb, path, to: none },
            "list" if directory => Operation { verb, path, to: none },
            "stat" if file || directory => Operation { verb, path, to: none },
            "create" => match fresh(random) {
                Some(path) => Operation { verb, path, to: none },
                None => continue,
            },
            "remove" if link || file || directory && fs::read_dir(&path).unwrap().next().is_none() => {
                Operation { verb, path, to: none }
            }
            "rename" | "link" if !root && (verb == "rename" || file && !link) => match fresh(random) {
                Some(to) if !to.starts_with(&path) => Operation { verb, path, to },
                _ => continue,
            },
            _ => continue,
        };
        if !out.contains(&operation) {
            out.push(operation);
        }
    }
    out.sort_by_key(|operation| ["stat", "read", "list"].iter().all(|verb| *verb != operation.verb));
    out.truncate(OPERATIONS);
    out
}

/// Inside the sandbox: tries each order, takes back what it changed, and says what came of it.
#[test]
#[ignore = "started inside a sandbox by the_kernel_does_what_the_model_says"]
fn probe() {
    let Some(orders) = std::env::var_os(ORDERS) else { return };
    for line in fs::read_to_string(orders).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (path, to) = (Path::new(words[1]), Path::new(words[2]));
        match attempt(words[0], path, to) {
            Ok(number) => println!("result ok {number}"),
            Err(error) => println!("result error {}", error.raw_os_error().unwrap_or(0)),
        }
    }
}

fn attempt(verb: &str, path: &Path, to: &Path) -> std::io::Result<u64> {
    match verb {
        "read" => fs::File::open(path)?.read(&mut [0; 1]).map(|n| n as u64),
        "list" => fs::read_dir(path).map(|entries| entries.count() as u64),
        "stat" => fs::metadata(path).map(|meta| meta.ino()),
        "write" => fs::OpenOptions::new().write(true).open(path).map(|_| 0),
        "create" => {
            fs::File::create_new(path)?;
            fs::remove_file(path).map(|()| 0)
        }
        "remove" => {
            let kind = fs::symlink_metadata(path)?.file_type();
            if kind.is_symlink() {
                let text = fs::read_link(path)?;
                fs::remove_file(path)?;
                symlink(text, path)?;
            } else if kind.is_dir() {
                fs::remove_dir(path)?;
                fs::create_dir(path)?;
            } else {
                fs::remove_file(path)?;
                fs::write(path, "content")?;
            }
            Ok(0)
        }
        "rename" => {
            fs::rename(path, to)?;
            fs::rename(to, path).map(|()| 0)
        }
        _ => {
            fs::hard_link(path, to)?;
            fs::remove_file(to).map(|()| 0)
        }
    }
}
