//! Many sandboxes, a fifth of them killed at random moments: nothing may be left.
//!
//! In: a world, a seed. Out: a verdict. Not here: what happens inside.
//!
//! 250 sandboxes run in every test; `--full` (or `EXECPOLICY_FULL=1`) runs 1,000, of which 200 are killed;
//! `EXECPOLICY_RUNS` sets another number, for slow machines.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use execpolicy_confine::{
    Access, ExitOutcome, Helper, Missing, MissingKind, Plan, Promise, Sandbox, Session,
};

use crate::Scenario;
use crate::commands::{Result, check, end_of, gone, helpers_gone, patiently, shell, words};
use crate::world::World;

pub const SCENARIOS: &[Scenario] = &[Scenario { name: "nothing is left", run: || check(nothing_left) }];

/// The first of the words by which this program is a caller that will be killed.
pub const CHILD: &str = "leftover-child";

fn full() -> bool {
    std::env::args().any(|word| word == "--full") || std::env::var_os("EXECPOLICY_FULL").is_some()
}

/// A plan with everything that could be left: masks, private directories, a placeholder.
fn plan(ws: &Path) -> Plan {
    let mut plan = Plan::nothing(ws.to_path_buf())
        .allow("/", Access::Read)
        .allow(ws, Access::Write)
        .allow(ws.join(".git"), Access::Read)
        .allow(ws.join(".env"), Access::Deny);
    plan.private = vec!["/tmp".into(), "/run".into()];
    let promise = if crate::world::has_attributes(ws) { Promise::Prevent } else { Promise::Detect };
    plan.missing = vec![Missing { path: ws.join(".agents"), kind: MissingKind::Name, promise }];
    plan.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    plan
}

/// A caller: runs something that lasts, one-shot or in a session, until it or its sandbox is killed.
pub fn child(ws: &str, life: &str, marker: &str) -> ExitCode {
    let sandbox = Sandbox::prepare(&plan(Path::new(ws)), Helper::current().unwrap()).unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let argv = shell(&format!("(setsid sh -c 'sleep 300; : {marker}' &); sleep 300; : {marker}"));
    let result = if life == "session" {
        Session::start(&sandbox).and_then(|session| end_of(&session, &argv).map(drop))
    } else {
        sandbox.run(&argv, standard).and_then(|running| running.wait().map(drop))
    };
    ExitCode::from(u8::from(result.is_ok()))
}

fn children_of(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Process 1 of a sandbox: a child of the helper that has a number in a namespace below ours.
fn first_process(helper: u32) -> Option<u32> {
    children_of(helper).into_iter().find(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
        numbers.split_whitespace().count() > 1
    })
}

fn kill(pid: u32) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid as i32) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// Kills one of the three at a moment, and waits until the caller has ended. Gives whom.
fn kill_one(mut caller: Child, whom: u64, moment: Duration) -> Result<&'static str> {
    std::thread::sleep(moment);
    let helper = children_of(caller.id()).first().copied();
    let victim = match (whom % 3, helper, helper.and_then(first_process)) {
        (1, Some(helper), _) => {
            kill(helper);
            "helper"
        }
        (2, _, Some(first)) => {
            kill(first);
            "process 1"
        }
        // It was so early that there was no other yet.
        _ => {
            kill(caller.id());
            "caller"
        }
    };
    let why = format!("a caller waits for ever after the death of its {victim}");
    let ended = patiently(&why, || caller.try_wait().is_ok_and(|status| status.is_some()));
    if ended.is_err() {
        kill(caller.id());
        let _ = caller.wait();
    }
    ended.map(|()| victim)
}

/// Everything outside that a run could leave: names where we make any, control groups, mounts.
fn traces(world: &World) -> (BTreeSet<PathBuf>, String) {
    fn walk(directory: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth > 0 {
                walk(&entry.path(), depth - 1, found);
            }
            found.insert(entry.path());
        }
    }
    // Another suite may run beside this one.
    let own = std::process::id().to_string();
    let mut found = BTreeSet::new();
    walk(&world.base, 3, &mut found);
    for place in ["/tmp", "/var/tmp", "/dev/shm", "/sys/fs/cgroup"] {
        let mut here = BTreeSet::new();
        walk(Path::new(place), if place.starts_with("/sys") { 4 } else { 0 }, &mut here);
        found.extend(here.into_iter().filter(|path| path.to_string_lossy().contains(&own)));
    }
    (found, fs::read_to_string("/proc/self/mountinfo").unwrap_or_default())
}

fn nothing_left() -> Result<String> {
    let asked = std::env::var("EXECPOLICY_RUNS").ok().and_then(|runs| runs.parse().ok());
    let runs = asked.unwrap_or(if full() { 1000 } else { 250 });
    let world = World::new();
    let marker = format!("ep-left-{}", std::process::id());
    let own = std::env::current_exe().unwrap();
    let before = traces(&world);
    let sandbox = Helper::current()
        .and_then(|helper| Sandbox::prepare(&plan(&world.ws), helper))
        .map_err(|e| e.to_string())?;
    let null = fs::File::open("/dev/null").unwrap();
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let argv = shell(&format!("(setsid sh -c 'sleep 300; : {marker}' &); exit 7"));
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let (mut ended, mut killed) = (0, std::collections::BTreeMap::<&str, usize>::new());
    // The moments spread over the set-up and a part of the life, however slow the machine is.
    let start = Instant::now();
    sandbox.run(&words(&["true"]), standard).and_then(|run| run.wait()).map_err(|e| e.to_string())?;
    let span = (start.elapsed() * 3).max(Duration::from_millis(20)).as_micros() as u64;
    let start = Instant::now();
    for run in 0..runs {
        let session = next() % 2 == 0;
        if run % 5 == 4 {
            let caller = Command::new(&own)
                .args([CHILD, &world.ws.to_string_lossy(), if session { "session" } else { "once" }, &marker])
                .stderr(Stdio::null())
                .spawn()
                .map_err(|e| e.to_string())?;
            let moment = Duration::from_micros(next() % span);
            *killed.entry(kill_one(caller, next(), moment)?).or_default() += 1;
        } else if session {
            let session = Session::start(&sandbox).map_err(|e| e.to_string())?;
            let outcome = end_of(&session, &argv).map_err(|e| e.to_string())?;
            ended += usize::from(outcome == ExitOutcome::Code(7));
        } else {
            let outcome =
                sandbox.run(&words(&["true"]), standard).and_then(|r| r.wait()).map_err(|e| e.to_string())?;
            ended += usize::from(outcome.outcome == ExitOutcome::Code(0));
        }
    }
    let took = start.elapsed();
    gone(&marker)?;
    helpers_gone()?;
    let after = traces(&world);
    if before.1 != after.1 {
        return Err("the host's mounts are different".into());
    }
    let left: Vec<&PathBuf> = after.0.difference(&before.0).collect();
    if !left.is_empty() {
        return Err(format!("left: {left:?}"));
    }
    let kills: usize = killed.values().sum();
    if ended + kills == runs && (killed.len() == 3 || kills < 40) {
        Ok(format!(
            "{runs} sandboxes in {took:.1?}, {kills} killed {killed:?}: no process, mount, file or cgroup"
        ))
    } else {
        Err(format!("{ended} of {runs} ended, killed {killed:?}"))
    }
}
