//! Commands of a session: how each ended, many at once, few processors, an end in the middle.
//!
//! In: small commands, one after the other and side by side, with pauses and without. Out: verdicts. Not here: what they may do
//! (`escapes.rs`), orders to a session (`behaviour.rs`).

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use execpolicy_confine::{Command, ConfineError, ExitOutcome, Session, SessionChild, Step};
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
    Scenario { name: "session: captured output", run: || check(captured) },
    Scenario { name: "session: output that something else keeps open", run: || check(kept_open) },
    Scenario { name: "session: a time limit", run: || check(time_limit) },
    Scenario { name: "session: one command is killed", run: || check(killed_alone) },
    Scenario { name: "session: asking without waiting", run: || check(asked) },
    Scenario { name: "session: directory and variables", run: || check(surroundings) },
    Scenario { name: "one shot: output, time, directory, variables", run: || check(one_shot) },
    Scenario { name: "session: a helper killed while threads wait", run: || check(killed_while_waiting) },
];

fn start(world: &World) -> Result<Session> {
    sandbox(&world.plan()).and_then(|s| Session::start(&s)).map_err(|e| e.to_string())
}

fn spawn(session: &Session, command: &Command) -> std::result::Result<SessionChild, ConfineError> {
    let null = fs::File::open("/dev/null").unwrap();
    session.spawn(command, [null.as_fd(), null.as_fd(), null.as_fd()])
}

fn run(session: &Session, script: &str) -> Result<ExitOutcome> {
    spawn(session, &shell(script)).and_then(|mut child| child.wait()).map_err(|e| e.to_string())
}

/// Each status and signal, one straight after the other and after a pause in which everything has gone to sleep.
fn outcomes() -> Result<String> {
    let world = World::new();
    let session = start(&world)?;
    let codes = (0..=255).map(|n| (format!("exit {n}"), ExitOutcome::Code(n)));
    let signals = [1, 2, 6, 9, 11, 13, 14, 15].map(|n| (format!("kill -{n} $$"), ExitOutcome::Signal(n)));
    let nested =
        [("sh -c 'exit 3'; exit $?", 3), ("sh -c 'kill -9 $$'; exit $?", 137), ("trap '' 17; exit 5", 5)];
    let nested = nested.map(|(script, n)| (script.to_string(), ExitOutcome::Code(n)));
    let mut tried = 0;
    for (script, expected) in codes.chain(signals).chain(nested) {
        if tried % 2 == 0 {
            std::thread::sleep(Duration::from_micros(500));
        }
        let found = run(&session, &script)?;
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
        commands.push(spawn(&session, &shell(&script)).map_err(|e| e.to_string())?);
    }
    let mut pids: Vec<i32> = commands.iter().map(|command| command.pid()).collect();
    pids.sort_unstable();
    pids.dedup();
    if pids.len() != commands.len() {
        return Err("two running commands have one pid".into());
    }
    // The last first: what the others told meanwhile is kept for them.
    for (n, mut command) in (0..COMMANDS).zip(commands).rev() {
        let outcome = command.wait().map_err(|e| e.to_string())?;
        if outcome != ExitOutcome::Code(n) {
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
    let true_ = Command::new(["/bin/true"]);
    let mut tried = 0;
    for n in 0..60 {
        let before = match n % 3 {
            0 => spawn(&session, &true_),
            1 => spawn(&session, &shell("exit 0")),
            _ => spawn(&session, &shell("sleep 0.01")),
        };
        // Every other time it is still running.
        let mut before = before.map_err(|e| e.to_string())?;
        if n % 2 == 0 {
            before.wait().map_err(|e| e.to_string())?;
        }
        for _ in 0..3 {
            match run(&session, policy)? {
                ExitOutcome::Code(found) if found == own => tried += 1,
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
            for n in 0..60 {
                let outcome = run(&session, &format!("exit {n}"))?;
                if outcome != ExitOutcome::Code(n) {
                    return Err(format!("{n}: {outcome:?}"));
                }
            }
            Ok("60 commands beside two busy threads".into())
        });
        let tried = tried.join().unwrap_or_else(|_| Err("panicked".into()));
        stop.store(true, Ordering::Relaxed);
        tried
    })
}

fn left_behind() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-left-{}", std::process::id());
    let session = start(&world)?;
    let script = format!("(sleep 500; : {marker}) & exit 4");
    let outcome = run(&session, &script)?;
    if outcome != ExitOutcome::Code(4) || alive(&marker) == 0 {
        return Err(format!("{outcome:?}, {} alive", alive(&marker)));
    }
    let after = run(&session, "exit 6")?;
    session.kill_all().map_err(|e| e.to_string())?;
    gone(&marker)?;
    if after == ExitOutcome::Code(6) { Ok("until it is killed".into()) } else { Err(format!("{after:?}")) }
}

/// Both streams, each larger than a pipe, written in turns; what is kept is bounded, and a reader that does not keep up holds nothing up.
fn captured() -> Result<String> {
    let world = World::new();
    let session = start(&world)?;
    let script = "i=0; while [ $i -lt 64 ]; do head -c 4096 /dev/zero | tr '\\0' o; head -c 4096 /dev/zero | tr '\\0' e >&2; \
                  i=$((i+1)); done; exit 3";
    let whole = session.output(&shell(script)).map_err(|e| e.to_string())?;
    let sizes = (whole.stdout.bytes.len(), whole.stderr.bytes.len());
    let right =
        whole.stdout.bytes.iter().all(|b| *b == b'o') && whole.stderr.bytes.iter().all(|b| *b == b'e');
    if whole.outcome != ExitOutcome::Code(3) || sizes != (1 << 18, 1 << 18) || !right {
        return Err(format!("{:?} {sizes:?}", whole.outcome));
    }
    let bounded = session.output(&shell(script).output_limit(1000)).map_err(|e| e.to_string())?;
    for stream in [&bounded.stdout, &bounded.stderr] {
        if (stream.bytes.len(), stream.omitted) != (1000, (1 << 18) - 1000) {
            return Err(format!("{} kept, {} omitted", stream.bytes.len(), stream.omitted));
        }
    }
    // No input, and a command that cannot start leaves nothing waiting.
    let silent = session.output(&shell("cat; echo no input")).map_err(|e| e.to_string())?;
    let missing = session.output(&Command::new(["no-such"])).err().map(|e| e.step);
    if silent.stdout.text() != "no input\n" || missing != Some(Step::Exec) {
        return Err(format!("{silent:?} {missing:?}"));
    }
    Ok("256 KiB of each; 1000 bytes of each are kept on request".into())
}

/// A background process that holds the streams, and one that floods them, hold nobody up when the command has ended.
fn kept_open() -> Result<String> {
    let world = World::new();
    let session = start(&world)?;
    for script in ["echo first; sleep 500 & exit 6", "echo first; while :; do echo more; done & exit 6"] {
        let output = session.output(&shell(script)).map_err(|e| e.to_string())?;
        if output.outcome != ExitOutcome::Code(6) || !output.stdout.text().starts_with("first\n") {
            return Err(format!("{script}: {:?} {:?}", output.outcome, output.stdout.text()));
        }
    }
    Ok("the end of the command is the end of its output".into())
}

/// The limit is the command's alone: what it started goes with it, whatever group or session it is in; its neighbor and the
/// session go on.
fn time_limit() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-limit-{}", std::process::id());
    let session = start(&world)?;
    let mut neighbor = spawn(&session, &shell("sleep 500")).map_err(|e| e.to_string())?;
    let script = format!(
        "trap '' TERM INT; sh -c 'sleep 500 # {marker}' & setsid sh -c 'sleep 500; : {marker}' & \
         setsid -w sh -c \"setsid -w sh -c 'sleep 500; : {marker}'\" & echo up; sleep 500"
    );
    let limited = shell(&script).time_limit(Duration::from_millis(500));
    let output = session.output(&limited).map_err(|e| e.to_string())?;
    if (output.outcome, output.stdout.text().as_str()) != (ExitOutcome::TimedOut, "up\n") {
        return Err(format!("{output:?}"));
    }
    gone(&marker)?;
    // One that ends in time says how, also when it was killed by somebody else.
    for (script, expected) in [("exit 8", ExitOutcome::Code(8)), ("kill -9 $$", ExitOutcome::Signal(9))] {
        let found = session.output(&shell(script).time_limit(Duration::from_secs(500)));
        let found = found.map_err(|e| e.to_string())?.outcome;
        if found != expected {
            return Err(format!("{script}: {found:?}"));
        }
    }
    // Limits of several at once; the shorter one ends first, though it was started last.
    let mut long = spawn(&session, &shell("sleep 500").time_limit(Duration::from_secs(400)))
        .map_err(|e| e.to_string())?;
    let mut short = spawn(&session, &shell("sleep 500").time_limit(Duration::from_millis(50)))
        .map_err(|e| e.to_string())?;
    let ended = short.wait().map_err(|e| e.to_string())?;
    let others = [long.try_wait(), neighbor.try_wait()].map(std::result::Result::ok);
    if ended != ExitOutcome::TimedOut || others != [Some(None), Some(None)] {
        return Err(format!("{ended:?} {others:?}"));
    }
    Ok("with all its processes; what is beside it goes on".into())
}

/// Killing one command takes its processes along, and only those.
fn killed_alone() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-alone-{}", std::process::id());
    let session = start(&world)?;
    let mut neighbor = spawn(&session, &shell("sleep 500")).map_err(|e| e.to_string())?;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let script = shell(&format!("setsid sh -c 'sleep 500; : {marker}' & echo up; wait"));
    let mut child =
        session.spawn(&script, [null.as_fd(), writer.as_fd(), null.as_fd()]).map_err(|e| e.to_string())?;
    reader.read_exact(&mut [0; 3]).unwrap();
    child.kill().map_err(|e| e.to_string())?;
    let ended = child.wait().map_err(|e| e.to_string())?;
    gone(&marker)?;
    match (ended, neighbor.try_wait()) {
        (ExitOutcome::Signal(9), Ok(None)) => Ok("alone".into()),
        other => Err(format!("{other:?}")),
    }
}

/// `try_wait` answers at once, sees the end, and the end stays known; a handle that is dropped leaves nothing behind.
fn asked() -> Result<String> {
    let world = World::new();
    let session = start(&world)?;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let null = fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    let mut child = session
        .spawn(&shell("read -r line; exit 9"), [reader.as_fd(), null.as_fd(), null.as_fd()])
        .map_err(|e| e.to_string())?;
    let mut early = 0;
    for _ in 0..3 {
        early += usize::from(child.try_wait().map_err(|e| e.to_string())?.is_none());
        drop(spawn(&session, &shell("exit 1")).map_err(|e| e.to_string())?);
    }
    writer.write_all(b"go on\n").unwrap();
    let mut asked = 0;
    let found = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(outcome) => break outcome,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
        asked += 1;
    };
    let again = (child.try_wait().ok().flatten(), child.wait().ok());
    if (early, found) != (3, ExitOutcome::Code(9)) || again != (Some(found), Some(found)) {
        return Err(format!("{early} {found:?} {again:?}"));
    }
    // After the end of the session it is an error, not a wait.
    let mut late = spawn(&session, &shell("sleep 500")).map_err(|e| e.to_string())?;
    session.end().map_err(|e| e.to_string())?;
    match late.wait() {
        Ok(ExitOutcome::Signal(9)) => Ok(format!("asked {asked} times")),
        Err(e) if e.step == Step::Session => Ok(format!("asked {asked} times")),
        other => Err(format!("{other:?}")),
    }
}

/// A command starts where it is told to, if the view shows that, and has what the plan passes beside the plan's environment.
fn surroundings() -> Result<String> {
    let world = World::new();
    let plan = world.plan().pass("EP_*");
    let session = sandbox(&plan).and_then(|s| Session::start(&s)).map_err(|e| e.to_string())?;
    let text = |command: &Command| {
        session.output(command).map(|output| output.stdout.text()).map_err(|e| e.to_string())
    };
    let place = shell("pwd; echo $EP_A; [ -n \"$PROBE_HOME\" ] && echo planned");
    let found = text(&place.clone().current_dir("a/b").env("EP_A", "added"))?;
    let expected = format!("{}\nadded\nplanned\n", world.ws.join("a/b").display());
    if found != expected || text(&place)? != format!("{}\n\nplanned\n", world.ws.display()) {
        return Err(found);
    }
    let step = |command: &Command| session.output(command).err().map(|e| e.step);
    let refused = [
        (step(&shell("true").current_dir(world.home.join(".ssh"))), Step::WorkingDirectory),
        (step(&shell("true").current_dir("nowhere")), Step::WorkingDirectory),
        (step(&shell("true").env("LD_PRELOAD", "x")), Step::Environment),
        (step(&shell("true").env("PATH", "/tmp")), Step::Environment),
    ];
    match refused.iter().find(|(got, wanted)| *got != Some(*wanted)) {
        None => Ok("and four are refused".into()),
        Some(fault) => Err(format!("{fault:?}")),
    }
}

/// The same for a command in a sandbox of its own.
fn one_shot() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-once-{}", std::process::id());
    let sandbox = sandbox(&world.plan().pass("EP_*")).map_err(|e| e.to_string())?;
    let command = shell("pwd; echo $EP_A; echo wrong >&2; exit 5").current_dir("a").env("EP_A", "added");
    let output = sandbox.output(&command).map_err(|e| e.to_string())?;
    let expected = format!("{}\nadded\n", world.ws.join("a").display());
    let streams = (output.stdout.text(), output.stderr.text());
    if output.outcome != ExitOutcome::Code(5) || streams != (expected, "wrong\n".into()) {
        return Err(format!("{:?} {streams:?}", output.outcome));
    }
    let limited = lingering(&marker).time_limit(Duration::from_millis(300));
    let output = sandbox.output(&limited).map_err(|e| e.to_string())?;
    if (output.outcome, output.stdout.text().as_str()) != (ExitOutcome::TimedOut, "up\n")
        || alive(&marker) > 0
    {
        return Err(format!("{output:?}, {} alive", alive(&marker)));
    }
    let found = sandbox.output(&shell("echo x > .vscode")).map_err(|e| e.to_string())?.findings;
    if found.len() != 1 {
        return Err(format!("{found:?}"));
    }
    let mut running = sandbox.run_captured(&shell("echo out; exit 2")).map_err(|e| e.to_string())?;
    let ended = loop {
        match running.try_wait().map_err(|e| e.to_string())? {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let output = running.wait_with_output().map_err(|e| e.to_string())?;
    if ended.outcome != ExitOutcome::Code(2)
        || output.outcome != ended.outcome
        || output.stdout.text() != "out\n"
    {
        return Err(format!("{ended:?} {output:?}"));
    }
    let step = |command: &Command| sandbox.output(command).err().map(|e| e.step);
    let refused = (step(&shell("true").current_dir("nowhere")), step(&shell("true").env("HOME", "/")));
    if refused != (Some(Step::WorkingDirectory), Some(Step::Environment)) {
        return Err(format!("{refused:?}"));
    }
    Ok("the same for one command".into())
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
    let standard = [null.as_fd(), writer.as_fd(), null.as_fd()];
    let first = session.spawn(&lingering(&marker), standard).map_err(|e| e.to_string())?;
    reader.read_exact(&mut [0; 3]).unwrap();
    let more: std::result::Result<Vec<_>, _> = (0..2).map(|_| spawn(&session, &shell("sleep 500"))).collect();
    let mut commands = more.map_err(|e| e.to_string())?;
    commands.push(first);
    let ends: Vec<_> = std::thread::scope(|scope| {
        let waiting: Vec<_> = commands.iter_mut().map(|child| scope.spawn(|| child.wait())).collect();
        std::thread::sleep(Duration::from_millis(20));
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        waiting.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // The spawner may still have told of a command that was killed before it.
    let told = |end: &std::result::Result<ExitOutcome, ConfineError>| match end {
        Err(e) => e.step == Step::Session,
        Ok(outcome) => *outcome == ExitOutcome::Signal(9),
    };
    if !ends.iter().all(told) {
        return Err(format!("{ends:?}"));
    }
    gone(&marker)?;
    match spawn(&session, &shell("exit 0")) {
        Err(e) if e.step == Step::Session => Ok("three threads are told, all gone".into()),
        other => Err(format!("{other:?}")),
    }
}
