//! Commands of a session: how each ended, many at once, few processors, an end in the middle.
//!
//! In: small commands, one after the other and side by side, with pauses and without. Out: verdicts. Not here: what they may do
//! (`escapes.rs`), orders to a session (`behaviour.rs`).

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use execpolicy_confine::{ConfineError, Outcome, Session, SessionCommand, Step};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Scenario;
use crate::commands::{Result, alive, check, children, gone, lingering, sandbox, shell};
use crate::world::World;

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "session: every outcome", run: || check(outcomes) },
    Scenario { name: "session: many at once", run: || check(at_once) },
    Scenario { name: "session: commands wait as others do", run: || check(ordinary) },
    Scenario { name: "session: a crowded processor", run: || check(crowded) },
    Scenario { name: "session: what a command leaves goes on", run: || check(left_behind) },
    Scenario { name: "session: a helper killed while threads wait", run: || check(killed_while_waiting) },
];

fn start(world: &World) -> Result<Session> {
    sandbox(&world.plan()).and_then(|s| Session::start(&s)).map_err(|e| e.to_string())
}

fn spawn(
    session: &Session,
    ws: &Path,
    argv: &[OsString],
) -> std::result::Result<SessionCommand, ConfineError> {
    let null = fs::File::open("/dev/null").unwrap();
    let environment = [("PATH".into(), "/usr/bin:/bin".into())];
    session.spawn(argv, &environment, ws, [null.as_fd(), null.as_fd(), null.as_fd()])
}

fn run(session: &Session, ws: &Path, script: &str) -> Result<Outcome> {
    spawn(session, ws, &shell(script)).and_then(|c| session.wait(c)).map_err(|e| e.to_string())
}

/// Each status and signal, one straight after the other and after a pause in which everything has gone to sleep.
fn outcomes() -> Result<String> {
    let world = World::new();
    let session = start(&world)?;
    let codes = (0..=255).map(|n| (format!("exit {n}"), Outcome::Code(n)));
    let signals = [1, 2, 6, 9, 11, 13, 14, 15].map(|n| (format!("kill -{n} $$"), Outcome::Signal(n)));
    let nested =
        [("sh -c 'exit 3'; exit $?", 3), ("sh -c 'kill -9 $$'; exit $?", 137), ("trap '' 17; exit 5", 5)];
    let nested = nested.map(|(script, n)| (script.to_string(), Outcome::Code(n)));
    let mut tried = 0;
    for (script, expected) in codes.chain(signals).chain(nested) {
        if tried % 2 == 0 {
            std::thread::sleep(Duration::from_micros(500));
        }
        let found = run(&session, &world.ws, &script)?;
        if found != expected {
            return Err(format!("{script}: {found:?}"));
        }
        tried += 1;
    }
    session.end().map_err(|e| e.to_string())?;
    Ok(format!("{tried} are exact"))
}

fn at_once() -> Result<String> {
    const COMMANDS: i32 = 100;
    let world = World::new();
    let session = start(&world)?;
    let mut commands = Vec::new();
    for n in 0..COMMANDS {
        let script = format!("sleep 0.{:03}; exit {n}", (n * 37) % 200);
        commands.push(spawn(&session, &world.ws, &shell(&script)).map_err(|e| e.to_string())?);
    }
    let mut pids: Vec<i32> = commands.iter().map(|command| command.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    if pids.len() != commands.len() {
        return Err("two running commands have one pid".into());
    }
    // The last first: what the others told meanwhile is kept for them.
    for (n, command) in (0..COMMANDS).zip(commands).rev() {
        let outcome = session.wait(command).map_err(|e| e.to_string())?;
        if outcome != Outcome::Code(n) {
            return Err(format!("{n}: {outcome:?}"));
        }
    }
    Ok(format!("{COMMANDS} commands side by side"))
}

/// The spawner may be patient (`SCHED_BATCH`); its commands have the caller's policy, whichever command came before.
fn ordinary() -> Result<String> {
    let world = World::new();
    let session = start(&world)?;
    let policy = "read -r line < /proc/self/stat; set -- $line; exit ${41}";
    let own = fs::read_to_string("/proc/thread-self/stat").map_err(|e| e.to_string())?;
    let own = own.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(41 - 3)?.parse().ok());
    let own = own.ok_or("the policy of this thread cannot be read")?;
    let true_ = [OsString::from("/bin/true")];
    let mut tried = 0;
    for n in 0..60 {
        let before = match n % 3 {
            0 => spawn(&session, &world.ws, &true_),
            1 => spawn(&session, &world.ws, &shell("exit 0")),
            _ => spawn(&session, &world.ws, &shell("sleep 0.01")),
        };
        // Every other time it is still running.
        let before = before.map_err(|e| e.to_string())?;
        if n % 2 == 0 {
            session.wait(before).map_err(|e| e.to_string())?;
        }
        for _ in 0..3 {
            match run(&session, &world.ws, policy)? {
                Outcome::Code(found) if found == own => tried += 1,
                other => return Err(format!("after {n}: {other:?}, expected {own}")),
            }
        }
    }
    Ok(format!("{tried} commands with policy {own}"))
}

/// Everything on one processor that others want as well: whoever waits must not starve what is waited for.
fn crowded() -> Result<String> {
    let world = World::new();
    let all = sched_getaffinity(None).map_err(|e| e.to_string())?;
    let one = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).ok_or("no processor")?;
    let mut only = CpuSet::new();
    only.set(one);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let _ = sched_setaffinity(None, &only);
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let tried = scope.spawn(|| {
            sched_setaffinity(None, &only).map_err(|e| e.to_string())?;
            let session = start(&world)?;
            let begin = Instant::now();
            for n in 0..60 {
                let outcome = run(&session, &world.ws, &format!("exit {n}"))?;
                if outcome != Outcome::Code(n) {
                    return Err(format!("{n}: {outcome:?}"));
                }
            }
            Ok(begin.elapsed())
        });
        let tried = tried.join().unwrap_or_else(|_| Err("panicked".into()));
        stop.store(true, Ordering::Relaxed);
        match tried? {
            // A time slice of each of the others for every switch would still be less.
            time if time < Duration::from_secs(20) => {
                Ok(format!("60 commands beside two busy threads, {time:.0?}"))
            }
            time => Err(format!("60 commands took {time:?}")),
        }
    })
}

fn left_behind() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-left-{}", std::process::id());
    let session = start(&world)?;
    let script = format!("(sleep 500; : {marker}) & exit 4");
    let outcome = run(&session, &world.ws, &script)?;
    if outcome != Outcome::Code(4) || alive(&marker) == 0 {
        return Err(format!("{outcome:?}, {} alive", alive(&marker)));
    }
    let after = run(&session, &world.ws, "exit 6")?;
    session.kill_all().map_err(|e| e.to_string())?;
    gone(&marker)?;
    if after == Outcome::Code(6) { Ok("until it is killed".into()) } else { Err(format!("{after:?}")) }
}

fn killed_while_waiting() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-wait-{}", std::process::id());
    let before = children();
    let session = start(&world)?;
    let helper: Vec<i32> = children().into_iter().filter(|pid| !before.contains(pid)).collect();
    let [helper] = helper[..] else { return Err(format!("{helper:?}")) };
    let pid = rustix::process::Pid::from_raw(helper).ok_or("no helper")?;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let environment = [("PATH".into(), "/usr/bin:/bin".into())];
    let standard = [null.as_fd(), writer.as_fd(), null.as_fd()];
    let first =
        session.spawn(&lingering(&marker), &environment, &world.ws, standard).map_err(|e| e.to_string())?;
    reader.read_exact(&mut [0; 3]).unwrap();
    let more: std::result::Result<Vec<_>, _> =
        (0..2).map(|_| spawn(&session, &world.ws, &shell("sleep 500"))).collect();
    let mut commands = more.map_err(|e| e.to_string())?;
    commands.push(first);
    let ends: Vec<_> = std::thread::scope(|scope| {
        let session = &session;
        let waiting: Vec<_> = commands.iter().map(|c| scope.spawn(|| session.wait(*c))).collect();
        std::thread::sleep(Duration::from_millis(20));
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        waiting.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // The spawner may still have told of a command that was killed before it.
    let told = |end: &std::result::Result<Outcome, ConfineError>| match end {
        Err(e) => e.step == Step::Session,
        Ok(outcome) => *outcome == Outcome::Signal(9),
    };
    if !ends.iter().all(told) {
        return Err(format!("{ends:?}"));
    }
    gone(&marker)?;
    match spawn(&session, &world.ws, &shell("exit 0")) {
        Err(e) if e.step == Step::Session => Ok("three threads are told, all gone".into()),
        other => Err(format!("{other:?}")),
    }
}
