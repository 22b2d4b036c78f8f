//! Small commands in sandboxes, and what is left of them: what the files of scenarios share.
//!
//! In: a plan and a command's words. Out: its output and its end; how many processes are still there. Not here: scenarios.

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use execpolicy_confine::{
    Command, ConfineError, Ended, ExitOutcome, Helper, Plan, Running, Sandbox, Session,
};

use crate::Verdict;

pub type Result<T> = std::result::Result<T, String>;

pub fn check(f: fn() -> Result<String>) -> Verdict {
    match f() {
        Ok(note) => Verdict::Passed(note),
        Err(fault) => Verdict::Failed(fault),
    }
}

pub fn words(words: &[&str]) -> Command {
    Command::new(words)
}

pub fn shell(script: &str) -> Command {
    Command::new(["sh", "-c", script])
}

pub fn sandbox(plan: &Plan) -> std::result::Result<Sandbox, ConfineError> {
    Sandbox::prepare(plan, Helper::current()?)
}

/// Runs a command; its output, and its end.
pub fn run(plan: &Plan, command: &Command) -> std::result::Result<(String, Ended), ConfineError> {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let running = sandbox(plan)?.run(command, [null.as_fd(), writer.as_fd(), writer.as_fd()])?;
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    Ok((text, running.wait()?))
}

pub fn expect(plan: &Plan, command: &Command, output: &str, outcome: ExitOutcome) -> Result<()> {
    let (text, ended) = run(plan, command).map_err(|e| e.to_string())?;
    if text == output && ended.outcome == outcome {
        Ok(())
    } else {
        Err(format!("{command:?}: {text:?} {:?}, expected {output:?} {outcome:?}", ended.outcome))
    }
}

/// Runs a command of a session to its end, with nothing to read and its output dropped.
pub fn end_of(session: &Session, command: &Command) -> std::result::Result<ExitOutcome, ConfineError> {
    let null = fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    session.spawn(command, [null.as_fd(), null.as_fd(), null.as_fd()])?.wait()
}

/// Processes whose command line has a marker.
pub fn alive(marker: &str) -> usize {
    let mut count = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        count += usize::from(line.windows(marker.len()).any(|w| w == marker.as_bytes()));
    }
    count
}

/// Waits for what the kernel does in its own time; so long that only what never comes is a failure.
pub fn patiently(what_if_not: &str, mut done: impl FnMut() -> bool) -> Result<()> {
    for _ in 0..12_000 {
        if done() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(what_if_not.into())
}

pub fn gone(marker: &str) -> Result<()> {
    patiently(&format!("{marker} is alive"), || alive(marker) == 0)
}

/// Waits until no helper of this program is alive; another suite may run beside this one.
pub fn helpers_gone() -> Result<()> {
    let own = std::env::current_exe().unwrap();
    let ours = |pid: &Path| {
        let line = fs::read(pid.join("cmdline")).unwrap_or_default();
        let mine = fs::metadata(pid).is_ok_and(|m| m.uid() == rustix::process::geteuid().as_raw());
        // What may not be read is a process 1 or a guard: it counts (to root; for others it is root's).
        line.starts_with(b"execpolicy-confine-helper")
            && mine
            && fs::read_link(pid.join("exe")).map_or(true, |exe| exe == own)
    };
    let count = || fs::read_dir("/proc").unwrap().flatten().filter(|entry| ours(&entry.path())).count();
    patiently("a helper is alive", || count() == 0)
}

/// A command that says when it is up and leaves background processes, all with a marker.
pub fn lingering(marker: &str) -> Command {
    shell(&format!("(setsid sh -c 'sleep 500 # {marker}' &); echo up; sleep 500; : {marker}"))
}

/// The pids of this process's children.
pub fn children() -> Vec<i32> {
    let text =
        fs::read_to_string(format!("/proc/self/task/{}/children", std::process::id())).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Starts such a command, and waits until it is up.
pub fn start_lingering(plan: &Plan, marker: &str) -> Result<Running> {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let running = sandbox(plan)
        .and_then(|s| s.run(&lingering(marker), [null.as_fd(), writer.as_fd(), null.as_fd()]))
        .map_err(|e| e.to_string())?;
    reader.read_exact(&mut [0; 3]).unwrap();
    if alive(marker) == 0 { Err("it does not run".into()) } else { Ok(running) }
}
