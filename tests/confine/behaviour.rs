//! How sandboxes live and end: statuses, signals, time, kills, sessions, real tools.
//!
//! In: small commands. Out: verdicts. Not here: attacks (`escapes.rs`), and what commands see of the host's files (`view.rs`).

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use execpolicy_confine::{
    Access, Aspect, Command as Confined, ExitOutcome, Helper, Limits, Missing, MissingKind, Plan, Promise,
    Sandbox, Session, Step,
};

use crate::commands::{
    Result, alive, check, children, end_of, expect, gone, lingering, run, sandbox, shell, start_lingering,
    words,
};
use crate::world::World;
use crate::{Scenario, Verdict};

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "statuses", run: || check(statuses) },
    Scenario { name: "refusals", run: || check(refusals) },
    Scenario { name: "wall time", run: || check(wall_time) },
    Scenario { name: "mask of new files", run: || check(mask) },
    Scenario { name: "signals", run: || check(signals) },
    Scenario { name: "large argv and environment", run: || check(large) },
    Scenario { name: "dropping ends everything", run: || check(dropping) },
    Scenario { name: "a killed helper ends everything", run: || check(killed_helper) },
    Scenario { name: "detection", run: || check(detection) },
    Scenario { name: "session: many commands", run: || check(session_commands) },
    Scenario { name: "session: kill all", run: || check(session_kill_all) },
    Scenario { name: "session: threads", run: || check(session_threads) },
    Scenario { name: "real programs", run: real_programs },
];

fn statuses() -> Result<String> {
    let world = World::new();
    let plan = world.plan();
    expect(&plan, &shell("exit 0"), "", ExitOutcome::Code(0))?;
    expect(&plan, &shell("exit 37"), "", ExitOutcome::Code(37))?;
    expect(&plan, &shell("kill -TERM $$"), "", ExitOutcome::Signal(15))?;
    expect(&plan, &shell("kill -SEGV $$"), "", ExitOutcome::Signal(11))?;
    expect(&plan, &shell("pwd; echo $0"), &format!("{}\nsh\n", world.ws.display()), ExitOutcome::Code(0))?;
    expect(
        &plan,
        &shell("env | grep -c . "),
        &format!("{}\n", plan.environment.len() + 1),
        ExitOutcome::Code(0),
    )?;
    assert_eq!(ExitOutcome::Signal(15).shell_status(), 143);
    Ok("codes and signals come through".into())
}

fn refusals() -> Result<String> {
    let world = World::new();
    let step = |plan: &Plan, command: &Confined| run(plan, command).err().map(|e| e.step);
    let plan = world.plan();
    let mut seen = vec![
        (step(&plan, &words(&["no-such-program"])), Step::Exec),
        (step(&plan, &words(&["/etc/passwd"])), Step::Exec),
        (step(&plan, &words(&[""])), Step::Exec),
        (step(&plan, &words(&[])), Step::Exec),
    ];
    let mut elsewhere = plan.clone();
    elsewhere.cwd = world.home.join(".ssh");
    seen.push((step(&elsewhere, &words(&["true"])), Step::WorkingDirectory));
    let missing = plan.clone().allow(world.ws.join("nothing-here"), Access::Read);
    seen.push((step(&missing, &words(&["true"])), Step::Resolve));
    std::os::unix::fs::symlink(".git", world.ws.join("sl")).unwrap();
    let through_link = plan.clone().allow(world.ws.join("sl/config"), Access::Read);
    seen.push((step(&through_link, &words(&["true"])), Step::Plan));
    let mut both = plan.clone();
    both.private.push(world.ws.clone());
    seen.push((step(&both, &words(&["true"])), Step::Plan));
    if rustix::process::geteuid().is_root() {
        let mut unaccepted = plan.clone();
        unaccepted.accept.clear();
        seen.push((step(&unaccepted, &words(&["true"])), Step::Limits));
    }
    let at_relative = Helper::at(Path::new("helper")).err().map(|e| e.step);
    seen.push((at_relative, Step::Helper));
    let not_a_helper = Helper::at(Path::new("/bin/true"))
        .and_then(|helper| Sandbox::prepare(&plan, helper))
        .and_then(|sandbox| {
            let null = fs::File::open("/dev/null").unwrap();
            sandbox.run(&words(&["true"]), [null.as_fd(), null.as_fd(), null.as_fd()]).map(drop)
        });
    seen.push((not_a_helper.err().map(|e| e.step), Step::Helper));
    match seen.iter().find(|(got, wanted)| *got != Some(*wanted)) {
        None => Ok(format!("{} bad plans and commands are refused by name", seen.len())),
        Some(fault) => Err(format!("{fault:?} in {seen:?}")),
    }
}

fn wall_time() -> Result<String> {
    let world = World::new();
    let mut plan = world.plan();
    plan.limits.wall_time = Some(Duration::from_millis(300));
    expect(&plan, &shell("(sleep 1000 &) ; trap '' TERM; sleep 1000"), "", ExitOutcome::TimedOut)?;
    Ok("it ends".into())
}

/// A command starts with the mask of the plan: alone, in a session, and without namespaces; without one, with the caller's.
fn mask() -> Result<String> {
    let world = World::new();
    let mut plan = world.plan();
    let script = "umask; : > masked; stat -c %a masked; rm masked";
    let own = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let inherited = expect(&plan, &shell(script), "0022\n644\n", ExitOutcome::Code(0));
    rustix::process::umask(own);
    inherited?;
    plan.limits.umask = Some(0o027);
    expect(&plan, &shell(script), "0027\n640\n", ExitOutcome::Code(0))?;
    let expected = shell("[ $(umask) = 0027 ]");
    let session = sandbox(&plan).and_then(|s| Session::start(&s)).map_err(|e| e.to_string())?;
    let listed = session.status().clause(Aspect::Umask).map(|clause| clause.asked.as_str());
    if listed != Some("027") {
        return Err("the status does not list it".into());
    }
    for _ in 0..2 {
        match end_of(&session, &expected) {
            Ok(ExitOutcome::Code(0)) => {}
            other => return Err(format!("in a session: {other:?}")),
        }
        // What one command sets is its own.
        end_of(&session, &shell("umask 000")).map_err(|e| e.to_string())?;
    }
    let mut plain = world.plain_plan(Path::new("/usr"), true);
    plain.limits.umask = Some(0o027);
    let null = fs::File::open("/dev/null").unwrap();
    let alone = Helper::current()
        .and_then(|helper| Sandbox::prepare(&plain, helper)?.without_namespaces())
        .and_then(|s| s.run(&expected, [null.as_fd(), null.as_fd(), null.as_fd()])?.wait())
        .map_err(|e| e.to_string())?;
    if alone.outcome == ExitOutcome::Code(0) {
        Ok("alone, in sessions, and without namespaces".into())
    } else {
        Err(format!("without namespaces: {:?}", alone.outcome))
    }
}

fn signals() -> Result<String> {
    let world = World::new();
    let plan = world.plan();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let running = sandbox(&plan)
        .and_then(|s| {
            s.run(
                &shell("trap 'echo got; exit 5' INT; echo up; while :; do sleep 0.05; done"),
                [null.as_fd(), writer.as_fd(), null.as_fd()],
            )
        })
        .map_err(|e| e.to_string())?;
    drop(writer);
    reader.read_exact(&mut [0; 3]).unwrap();
    running.signal(libc::SIGINT).map_err(|e| e.to_string())?;
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let outcome = running.wait().map_err(|e| e.to_string())?.outcome;
    if text == "got\n" && outcome == ExitOutcome::Code(5) {
        Ok("passed on".into())
    } else {
        Err(format!("{text:?} {outcome:?}"))
    }
}

fn large() -> Result<String> {
    let world = World::new();
    let mut plan = world.plan();
    let big = "x".repeat(100_000);
    for n in 0..8 {
        plan.environment.push((format!("BIG{n}").into(), OsString::from(&big)));
    }
    let argv = words(&["sh", "-c", "echo ${#1} ${#BIG7} $#", "sh", &big, &big, &big]);
    expect(&plan, &argv, "100000 100000 3\n", ExitOutcome::Code(0))?;
    let huge = OsString::from("x".repeat(3 << 20));
    let refused =
        run(&plan, &Confined::new(["true".into(), huge])).err().map(|e| (e.step, e.cause.raw_os_error()));
    if refused == Some((Step::Exec, Some(libc::E2BIG))) {
        Ok("1.1 MB pass, 3 MiB in one word is E2BIG".into())
    } else {
        Err(format!("{refused:?}"))
    }
}

fn dropping() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-drop-{}", std::process::id());
    drop(start_lingering(&world.plan(), &marker)?);
    if alive(&marker) > 0 { Err("alive after drop".into()) } else { Ok("drop waits for all".into()) }
}

fn killed_helper() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-kill-{}", std::process::id());
    let before = children();
    let running = start_lingering(&world.plan(), &marker)?;
    let helper: Vec<i32> = children().into_iter().filter(|pid| !before.contains(pid)).collect();
    let [helper] = helper[..] else { return Err(format!("{helper:?}")) };
    let pid = rustix::process::Pid::from_raw(helper).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    gone(&marker)?;
    match running.wait() {
        Err(e) if e.step == Step::Helper => Ok("all gone, reported".into()),
        other => Err(format!("{other:?}")),
    }
}

fn detection() -> Result<String> {
    let helper = Helper::current().map_err(|e| e.to_string())?;
    let status = execpolicy_confine::detect(&helper).map_err(|e| e.to_string())?;
    // The same, where user namespaces are used up: the step is named, with the way out.
    let output = Command::new("unshare")
        .args([
            "-Ur",
            "sh",
            "-c",
            "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" detection-child",
        ])
        .arg(std::env::current_exe().unwrap())
        .output()
        .map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    if status.clauses.len() >= 8 && text.contains("Namespaces") && text.contains("max_user_namespaces") {
        Ok(text.trim().to_string())
    } else {
        Err(format!("{status:?} {text} {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// The argument by which this program detects and prints.
pub const DETECTION_CHILD: &str = "detection-child";

/// Prints what detection says here.
pub fn detection_child() -> std::process::ExitCode {
    match Helper::current().and_then(|helper| execpolicy_confine::detect(&helper)) {
        Ok(status) => println!("{status:?}"),
        Err(e) => println!("{:?}: {e}", e.step),
    }
    std::process::ExitCode::SUCCESS
}

fn session_commands() -> Result<String> {
    let world = World::new();
    let plan = world.plan().pass("N");
    let session = sandbox(&plan).and_then(|s| Session::start(&s)).map_err(|e| e.to_string())?;
    let null = fs::File::open("/dev/null").unwrap();
    for n in 0..50 {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let standard = [null.as_fd(), writer.as_fd(), null.as_fd()];
        let script = "echo $N; echo $N >> log; touch .git/x 2>/dev/null && echo BAD; exit $N";
        let command = shell(script).env("N", n.to_string());
        let mut child = session.spawn(&command, standard).map_err(|e| e.to_string())?;
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let outcome = child.wait().map_err(|e| e.to_string())?;
        if text != format!("{n}\n") || outcome != ExitOutcome::Code(n) {
            return Err(format!("{n}: {text:?} {outcome:?}"));
        }
    }
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let refused = session.spawn(&words(&["no-such"]), standard).err().map(|e| e.step);
    if refused != Some(Step::Exec) {
        return Err(format!("{refused:?}"));
    }
    let findings = session.end().map_err(|e| e.to_string())?;
    if findings.is_empty() { Ok("50 commands and a refusal".into()) } else { Err(format!("{findings:?}")) }
}

fn session_kill_all() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-all-{}", std::process::id());
    let session = sandbox(&world.plan()).and_then(|s| Session::start(&s)).map_err(|e| e.to_string())?;
    let null = fs::File::open("/dev/null").unwrap();
    let spawn = |command: &Confined| {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let child = session
            .spawn(command, [null.as_fd(), writer.as_fd(), null.as_fd()])
            .map_err(|e| e.to_string())?;
        reader.read_exact(&mut [0; 3]).unwrap();
        Ok::<_, String>(child)
    };
    let mut child = spawn(&lingering(&marker))?;
    session.kill_all().map_err(|e| e.to_string())?;
    if child.wait().map_err(|e| e.to_string())? != ExitOutcome::Signal(9) {
        return Err("the command was not killed".into());
    }
    gone(&marker)?;
    // It still serves, and dropping it ends what runs.
    spawn(&lingering(&marker))?;
    drop(session);
    if alive(&marker) > 0 { Err("alive after drop".into()) } else { Ok("all gone, twice".into()) }
}

fn session_threads() -> Result<String> {
    let world = World::new();
    let session = sandbox(&world.plan()).and_then(|s| Session::start(&s)).map_err(|e| e.to_string())?;
    let wrong = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let session = &session;
                scope.spawn(move || {
                    let command = shell(&format!("sleep 0.0{n}; exit {n}"));
                    (0..10).filter(|_| end_of(session, &command).ok() != Some(ExitOutcome::Code(n))).count()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum::<usize>()
    });
    if wrong == 0 { Ok("80 commands from 8 threads".into()) } else { Err(format!("{wrong} went wrong")) }
}

fn real_programs() -> Verdict {
    let world = World::new();
    let mut plan = world.plan();
    plan.limits = Limits::default();
    for name in ["r1/.git", "r2/.git", "tool/.git"] {
        let kind = if name.ends_with(".git") { MissingKind::GitDirectory } else { MissingKind::Name };
        plan.missing.push(Missing { path: world.ws.join(name), kind, promise: Promise::Detect });
    }
    plan.environment = vec![
        ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
        ("HOME".into(), "/tmp".into()),
        ("LANG".into(), "C.UTF-8".into()),
    ];
    for (name, value) in std::env::vars_os() {
        if ["CARGO_HOME", "RUSTUP_HOME", "PYENV_ROOT"].iter().any(|n| name == *n) {
            plan.environment.push((name, value));
        }
    }
    let git = "-c user.name=a -c user.email=a@b -c init.defaultBranch=main";
    let commit = format!("git {git} init -q r1 && cd r1 && echo a>a && git add a && git {git} commit -qm a");
    let programs = [
        ("git", commit.as_str()),
        (
            "git",
            "git clone -q r1 r2 && cd r2 && git log --oneline | grep -q a && git status --short && git gc -q && git fsck",
        ),
        ("cc", "printf 'int main(){return 0;}' > t.c && cc -pipe t.c -o t && ./t"),
        ("make", "printf 'all: a b c\\na b c:\\n\\tsleep 0.01\\n' > Makefile && make -s -j3"),
        (
            "python3",
            "python3 -c 'import asyncio,subprocess;subprocess.check_call([\"true\"]);asyncio.run(asyncio.sleep(0))'",
        ),
        ("python3", "python3 -c 'import multiprocessing as m;p=m.Pool(2);assert p.map(abs,[-1,2])==[1,2]'"),
        ("python3", "python3 -m venv --without-pip v && v/bin/python -c 'import sys'"),
        ("python3", "python3 -c 'import pty;assert pty.spawn([\"tty\"])==0'"),
        (
            "python3",
            "python3 -c 'import sqlite3;c=sqlite3.connect(\"d\");c.execute(\"pragma journal_mode=wal\");c.execute(\"create table t(a)\");c.commit()'",
        ),
        (
            "node",
            "node -e 'const h=require(\"http\");const s=h.createServer((q,r)=>r.end(\"x\")).listen(0,\"127.0.0.1\",()=>h.get({port:s.address().port,host:\"127.0.0.1\"},r=>{r.resume();r.on(\"end\",()=>process.exit(0))}))'",
        ),
        (
            "node",
            "node -e 'const {Worker}=require(\"worker_threads\");new Worker(\"process.exit(0)\",{eval:true}).on(\"exit\",()=>require(\"child_process\").execSync(\"true\"))'",
        ),
        ("bash", "bash -c 'sleep 0.05 & wait %1 && set -m && sleep 0.02 && jobs'"),
        ("script", "script -qec true /dev/null"),
        ("tar", "tar cf x.tar file.txt && tar xf x.tar"),
        ("cargo", "cargo new -q tool && cd tool && cargo build -q --offline"),
    ];
    let (mut ran, mut faults, mut absent) = (0, Vec::new(), Vec::new());
    for (program, script) in programs {
        // Tools of a user's home (rustup, pyenv) may be out of another user's reach.
        let there = Command::new("sh").args(["-c", &format!("{program} --version || {program} -V")]).output();
        if !there.is_ok_and(|o| o.status.success()) {
            absent.push(program);
            continue;
        }
        ran += 1;
        match run(&plan, &shell(script)) {
            Ok((_, ended)) if ended.outcome == ExitOutcome::Code(0) && ended.findings.is_empty() => {}
            other => faults.push(format!("{script}: {other:?}")),
        }
    }
    if !faults.is_empty() {
        return Verdict::Failed(faults.join("\n        "));
    }
    let note = format!("{ran} programs work; not installed: {absent:?}");
    if ran < 8 { Verdict::Skipped(note) } else { Verdict::Passed(note) }
}
