//! The escape suite: what a confined command can and cannot do, tried in the kernel.
//!
//! In: the probe program (`probes.c`, compiled here) and a world of the host's to attack (`world.rs`). Out: a line per scenario and
//! a count and an exit status. Not here: the sandbox language; plans are written by hand.
//!
//! A harness of its own, because `main` has to call `execpolicy_confine::init()` first. As root it runs everything twice: as root, and
//! as an ordinary user. What cannot run here is named and counted as skipped.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod behaviour;
mod commands;
mod escapes;
mod hosts;
mod leftovers;
#[path = "../harness/limits.rs"]
mod limits;
mod plain;
mod probes;
mod refusal;
mod sessions;
mod view;
mod world;

use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use limits::{Watchdog, skip_part};

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
    let mut report = Report { who: if root { "root" } else { "user" }, ..Report::default() };
    report.run(&only);
    escapes::clean_up();
    report.close();
    let mut good = report.failed == 0;
    if root && !child {
        match again_as_user(&only) {
            Ok(well) => good &= well,
            Err(why) => skip_part("confine", "everything as an ordinary user", &why),
        }
    } else if !root && !child {
        skip_part("confine", "everything as root", "this is another user");
    }
    ExitCode::from(u8::from(!good))
}

/// The scenarios of one user.
#[derive(Default)]
struct Report {
    who: &'static str,
    passed: usize,
    failed: usize,
    skipped: usize,
    filtered: usize,
}

impl Report {
    fn run(&mut self, only: &[&str]) {
        // What this host cannot do, it must refuse: the scenarios that need it give way to one that sees to that.
        let (full, alone) = (refusal::namespaces(), refusal::plain());
        let who = self.who;
        println!(
            "host    {who} namespaces: {}; Landlock and seccomp alone: {}",
            describe(full),
            describe(alone)
        );
        let with_namespaces = [
            escapes::SCENARIOS,
            behaviour::SCENARIOS,
            view::SCENARIOS,
            sessions::SCENARIOS,
            hosts::SCENARIOS,
            leftovers::SCENARIOS,
        ];
        let groups = [(full, &with_namespaces[..]), (alone, &[plain::SCENARIOS])];
        let possible = groups.iter().flat_map(|(possible, lists)| {
            lists.iter().copied().flatten().map(move |scenario| (possible.is_ok(), scenario))
        });
        for (possible, scenario) in possible.chain(refusal::SCENARIOS.iter().map(|scenario| (true, scenario)))
        {
            if !only.is_empty() && !only.iter().any(|name| scenario.name.contains(name)) {
                self.filtered += 1;
                continue;
            }
            let _ends = Watchdog::new(scenario.name);
            let verdict = if possible {
                (scenario.run)()
            } else {
                Verdict::Skipped("this host cannot build such sandboxes".into())
            };
            match verdict {
                Verdict::Passed(note) => {
                    self.passed += 1;
                    println!("ok      {who} {}: {note}", scenario.name);
                }
                Verdict::Failed(note) => {
                    self.failed += 1;
                    println!("FAILED  {who} {}: {note}", scenario.name);
                }
                Verdict::Skipped(note) => {
                    self.skipped += 1;
                    skip_part("confine", &format!("{who} {}", scenario.name), &note);
                }
            }
        }
    }

    /// Closes as the test library does; `tests/run` adds these lines up.
    fn close(&self) {
        let word = if self.failed == 0 { "ok" } else { "FAILED" };
        println!(
            "test result: {word}. {} passed; {} failed; {} ignored; 0 measured; {} filtered out; as {}",
            self.passed, self.failed, self.skipped, self.filtered, self.who
        );
    }
}

fn describe(found: &Result<String, execpolicy_confine::ConfineError>) -> String {
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
    let started = std::process::Command::new("setpriv")
        .args(["--reuid=61234", "--regid=61234", "--clear-groups", "--inh-caps=-all"])
        .arg(&copy)
        .arg(AS_USER)
        .args(only)
        .args(std::env::args().filter(|word| word == "--full"))
        .env("HOME", "/var/tmp")
        // That user cannot write there.
        .env_remove(limits::SKIPS)
        .stderr(Stdio::piped())
        .spawn();
    let ended = started.and_then(|mut child| {
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            let line = line?;
            eprintln!("{line}");
            if let Some(skipped) = line.strip_prefix(limits::SKIPPED) {
                limits::list(skipped);
            }
        }
        child.wait()
    });
    let _ = std::fs::remove_file(&copy);
    ended.map(|status| status.success()).map_err(|e| format!("setpriv: {e}"))
}
