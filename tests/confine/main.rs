//! The escape suite: what a confined command can and cannot do, tried in the kernel.
//!
//! In: the probe program (`probes.c`, compiled here) and a world of the host's to attack (`world.rs`). Out: a line per scenario and
//! an exit status. Not here: the sandbox language; plans are written by hand.
//!
//! A harness of its own, because `main` has to call `execpolicy_confine::init()` first. As root it runs everything twice: as root, and
//! as an ordinary user. What cannot run here is named and counted as skipped.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod behaviour;
mod commands;
mod escapes;
mod hosts;
mod leftovers;
mod plain;
mod probes;
mod refusal;
mod sessions;
mod view;
mod world;

use std::process::ExitCode;

/// What a scenario came to.
pub enum Verdict {
    Passed(String),
    Failed(String),
    Skipped(String),
}

/// A named scenario.
pub struct Scenario {
    pub name: &'static str,
    pub run: fn() -> Verdict,
}

const AS_USER: &str = "--as-user";

fn main() -> ExitCode {
    execpolicy_confine::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| !a.starts_with('-')).collect();
    if only == [view::PROPAGATION_CHILD] {
        return view::propagation_child();
    }
    if let [plain::CHILD, how] = only[..] {
        return plain::child(how);
    }
    if let [hosts::CHILD, what] = only[..] {
        return hosts::child(what);
    }
    if let [leftovers::CHILD, ws, life, marker] = only[..] {
        return leftovers::child(ws, life, marker);
    }
    if only == [behaviour::DETECTION_CHILD] {
        return behaviour::detection_child();
    }
    let child = arguments.iter().any(|a| a == AS_USER);
    let root = rustix::process::geteuid().is_root();
    let who = if root { "root" } else { "user" };
    let (mut failed, mut skipped) = (0, 0);
    // What this host cannot do, it must refuse: the scenarios that need it give way to one that sees to that.
    let (full, alone) = (refusal::namespaces(), refusal::plain());
    println!("host    {who} namespaces: {}; Landlock and seccomp alone: {}", said(full), said(alone));
    let with_namespaces = [
        escapes::SCENARIOS,
        behaviour::SCENARIOS,
        view::SCENARIOS,
        sessions::SCENARIOS,
        hosts::SCENARIOS,
        leftovers::SCENARIOS,
    ];
    let mut scenarios: Vec<&Scenario> = Vec::new();
    for (possible, list) in [(full, &with_namespaces[..]), (alone, &[plain::SCENARIOS])] {
        match possible {
            Ok(_) => scenarios.extend(list.iter().copied().flatten()),
            Err(_) => skipped += list.iter().map(|scenarios| scenarios.len()).sum::<usize>(),
        }
    }
    scenarios.extend(refusal::SCENARIOS);
    for scenario in scenarios {
        if !only.is_empty() && !only.iter().any(|name| scenario.name.contains(name)) {
            continue;
        }
        match (scenario.run)() {
            Verdict::Passed(note) => println!("ok      {who} {}: {note}", scenario.name),
            Verdict::Failed(note) => {
                failed += 1;
                println!("FAILED  {who} {}: {note}", scenario.name);
            }
            Verdict::Skipped(note) => {
                skipped += 1;
                println!("SKIPPED {who} {}: {note}", scenario.name);
            }
        }
    }
    escapes::clean_up();
    if root && !child {
        match again_as_user(&only) {
            Ok(true) => {}
            Ok(false) => failed += 1,
            Err(why) => {
                skipped += 1;
                println!("SKIPPED everything as an ordinary user: {why}");
            }
        }
    } else if !root && !child {
        skipped += 1;
        println!("SKIPPED everything as root: this is uid {}", rustix::process::geteuid().as_raw());
    }
    println!("{who}: {failed} failed, {skipped} skipped");
    ExitCode::from(u8::from(failed > 0))
}

fn said(found: &Result<String, execpolicy_confine::ConfineError>) -> String {
    match found {
        Ok(walls) => walls.clone(),
        Err(e) => format!("refused ({e})"),
    }
}

/// Runs this program again as a user that owns nothing else.
fn again_as_user(only: &[&str]) -> Result<bool, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    // The build directory may not be reachable for that user.
    let copy = std::env::temp_dir().join(format!("execpolicy-confine-suite-{}", std::process::id()));
    std::fs::copy(&program, &copy).map_err(|e| e.to_string())?;
    let status = std::process::Command::new("setpriv")
        .args(["--reuid=61234", "--regid=61234", "--clear-groups", "--inh-caps=-all"])
        .arg(&copy)
        .arg(AS_USER)
        .args(only)
        .args(std::env::args().filter(|word| word == "--full"))
        .env("HOME", "/var/tmp")
        .status();
    let _ = std::fs::remove_file(&copy);
    status.map(|s| s.success()).map_err(|e| format!("setpriv: {e}"))
}
