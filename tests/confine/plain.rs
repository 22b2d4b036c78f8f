//! Sandboxes without namespaces: by choice, and where user namespaces were really taken away.
//!
//! In: the probe program, plans that Landlock and seccomp can keep alone. Out: verdicts, with what such a sandbox leaves open and what it does
//! not give. Not here: the probes (`probes.c`).
#![allow(unsafe_code)]

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use execpolicy_confine::{
    self, Access, Aspect, Command as Confined, ConfineError, Enforcement, EnforcementStatus, ExitOutcome,
    Gap, Helper, Plan, Sandbox, Session, Step, seccomp,
};

use crate::Scenario;
use crate::commands::{Result, alive, check, children, end_of, gone, lingering, shell, words};
use crate::escapes::{Life, probes, survivors};
use crate::probes::{Line, parse};
use crate::world::{World, plant_key};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "without namespaces, escapes, one-shot",
        run: || check(|| attacks(Life::OneShot, true, Sandbox::without_namespaces).map(|(text, _)| text)),
    },
    Scenario {
        name: "without namespaces, escapes, session",
        run: || check(|| attacks(Life::Session, true, Sandbox::without_namespaces).map(|(text, _)| text)),
    },
    Scenario {
        name: "without namespaces, escapes, nothing writable",
        run: || check(|| attacks(Life::OneShot, false, Sandbox::without_namespaces).map(|(text, _)| text)),
    },
    Scenario { name: "user namespaces used up", run: || check(|| elsewhere(&["unshare", "-Ur"], "used-up")) },
    Scenario { name: "user namespaces filtered away", run: || check(|| elsewhere(&[], "filtered")) },
    Scenario { name: "without namespaces, ends", run: || check(ends) },
    Scenario { name: "without namespaces, real programs", run: || check(programs) },
    Scenario { name: "without namespaces, refusals", run: || check(refusals) },
    Scenario { name: "without namespaces, detection", run: || check(detection) },
];

/// Attacks that succeed because the plan allows the workspace with everything in it, accepts a gap or sets no limit.
const OPEN: &[&str] = &[
    // The plan makes the whole workspace writable and readable.
    "git_",
    "secret_env_",
    "secret_deep",
    "secret_copy_range",
    // `attributes`
    "fs_chmod",
    "fs_chown",
    "fs_utimes",
    "fs_setxattr",
    "fs_removexattr",
    "secret_ssh_chmod",
    // `metadata`
    "secret_ssh_stat",
    // `host-processes`; what /proc tells is what it tells every process of this user.
    "proc_see_host",
    "proc_victim_cmdline",
    "proc_see_init",
    "proc_pidfd_victim",
    "proc_timer_list",
    "proc_keys",
    "proc_kallsyms",
    "env_cmdline_1",
    "fd_list_init",
    // No limit of processes can be asked for.
    "limit_processes",
];

/// Only root can drop the bound of its capabilities; behind `no_new_privs` it never matters.
const OPEN_TO_USERS: &[&str] = &["priv_capabilities"];

/// Honest operations that such a sandbox does not give: /tmp, /run, /dev/shm of its own, terminals, sockets, System V, listing `/`, writing to
/// /proc. The last two were made impossible by attacks that the plan allows.
const NOT_GIVEN: &[&str] = &[
    "work_tmp",
    "work_tmp_exec",
    "work_run",
    "work_dev_shm",
    "work_pty",
    "work_pty_controlling",
    "work_list_root",
    "work_unix_workspace",
    "work_unix_tmp",
    "work_tcp",
    "work_udp",
    "work_tcp6",
    "work_netlink_route",
    "work_sysv_shm",
    "work_sysv_sem",
    "work_comm",
    "work_git_read",
    "work_secret_name_visible",
];

fn listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|entry| name == *entry || entry.ends_with('_') && name.starts_with(entry))
}

type Ground = fn(Sandbox) -> std::result::Result<Sandbox, ConfineError>;

/// Runs every probe under a plain plan and judges.
fn attacks(life: Life, writable: bool, ground: Ground) -> Result<(String, EnforcementStatus)> {
    let program = probes()?;
    plant_key();
    let mut world = World::new();
    let plan = world.plain_plan(&program, writable);
    let (contents, state) = (world.contents(), world.state());
    let (lines, status) = report(&plan, life, &program, ground).map_err(|e| e.to_string())?;
    let mut faults = Vec::new();
    let root = rustix::process::geteuid().is_root();
    let (mut open, mut missed) = (Vec::new(), Vec::new());
    for Line { name, attack, result, errno } in &lines {
        let note = format!("{name} ({result} {errno})");
        match (*attack, result.as_str()) {
            (true, "ESCAPED" | "DIED") if listed(OPEN, name) => open.push(name.as_str()),
            (true, "ESCAPED" | "DIED") if !root && listed(OPEN_TO_USERS, name) => open.push(name.as_str()),
            (true, "ESCAPED" | "DIED") => faults.push(note),
            (false, "BROKEN") if listed(NOT_GIVEN, name) || !writable => missed.push(name.as_str()),
            (false, "BROKEN") => faults.push(note),
            _ => {}
        }
    }
    // Nothing but the workspace has other content, and where nothing is writable, nothing at all is different.
    if world.contents() != contents {
        faults.push("files outside the workspace have changed".into());
    }
    let attributes = ["fs_chmod", "fs_chown", "fs_utimes", "fs_setxattr", "secret_ssh_chmod", "git_chmod"];
    if !writable {
        faults.extend(
            attributes.iter().filter(|name| open.contains(name)).map(|name| format!("{name} escaped")),
        );
        if world.state() != state {
            faults.push("something has changed although nothing is writable".into());
        }
    }
    faults.extend(world.reached());
    faults.extend(survivors());
    if lines.len() < 200 {
        faults.push(format!("only {} probes reported", lines.len()));
    }
    let absent = status.clause(Aspect::Namespaces).map(|clause| clause.given);
    if absent != Some(Enforcement::Absent)
        || status.clause(Aspect::Survivors).map(|clause| clause.given) != absent
    {
        faults.push(format!("the status does not say it: {status:?}"));
    }
    let attacked = lines.iter().filter(|line| line.attack).count();
    let text = format!(
        "{attacked} attacks; open by the plan or an accepted gap: {}; not given: {}",
        open.join(", "),
        if writable { missed.join(", ") } else { "writing".into() }
    );
    if faults.is_empty() {
        Ok((text, status))
    } else {
        Err(format!("{text}\n        {}", faults.join("\n        ")))
    }
}

fn report(
    plan: &Plan,
    life: Life,
    program: &Path,
    ground: Ground,
) -> std::result::Result<(Vec<Line>, EnforcementStatus), ConfineError> {
    let sandbox = ground(Sandbox::prepare(plan, Helper::current()?)?)?;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let standard = [null.as_fd(), writer.as_fd(), null.as_fd()];
    let command = Confined::new([program]);
    let mut text = String::new();
    if life == Life::OneShot {
        let running = sandbox.run(&command, standard)?;
        drop(writer);
        let status = running.status().clone();
        reader.read_to_string(&mut text).unwrap();
        running.wait()?;
        return Ok((parse(&text), status));
    }
    let session = Session::start(&sandbox)?;
    let mut child = session.spawn(&command, standard)?;
    drop(writer);
    reader.read_to_string(&mut text).unwrap();
    child.wait()?;
    let status = session.status().clone();
    session.end()?;
    Ok((parse(&text), status))
}

/// The first of the two words by which this program tries a plan where there are no user namespaces.
pub const CHILD: &str = "plain-child";

/// Runs this program again where user namespaces are not to be had; it prints its verdict.
fn elsewhere(wrapper: &[&str], how: &str) -> Result<String> {
    let own = std::env::current_exe().unwrap();
    let script = match how {
        "used-up" => "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"",
        _ => "exec \"$0\" \"$@\"",
    };
    let mut line: Vec<&str> = wrapper.to_vec();
    line.extend(["sh", "-c", script]);
    let mut command = Command::new(line[0]);
    let program = probes()?;
    let output = command
        .args(&line[1..])
        .arg(own)
        .args([CHILD, how])
        .env("EXECPOLICY_PROBES", program)
        .output()
        .map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if output.status.success() && !text.is_empty() {
        Ok(text)
    } else {
        Err(format!("{text} {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// The child of [`elsewhere`].
pub fn child(how: &str) -> ExitCode {
    if how == "filtered" {
        filter(&["clone:namespaces", "clone3", "unshare:namespaces"]);
    }
    match without_user_namespaces() {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            println!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn without_user_namespaces() -> Result<String> {
    // A plan that needs namespaces is refused, with the step, the way out and what stands against doing without.
    let world = World::new();
    let null = fs::File::open("/dev/null").unwrap();
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let sandbox = Sandbox::prepare(&world.plan(), Helper::current().unwrap()).map_err(|e| e.to_string())?;
    let refused = match sandbox.run(&words(&["true"]), standard) {
        Err(e) if e.step == Step::Namespaces => e,
        other => return Err(format!("not refused: {other:?}")),
    };
    let said = refused.to_string();
    if !said.contains("carved out of") || refused.way_out().is_none() || Session::start(&sandbox).is_ok() {
        return Err(said);
    }
    // One that does not runs, and says what it stands on. Nothing chose that but the host.
    let (text, status) = attacks(Life::OneShot, true, Ok)?;
    attacks(Life::Session, false, Ok)?;
    let why = status.clause(Aspect::Namespaces).map(|clause| clause.by.clone()).unwrap_or_default();
    // The same plan without the acceptance is refused.
    let mut strict = world.plain_plan(&probes()?, true);
    strict.accept.remove(&Gap::Survivors);
    let sandbox = Sandbox::prepare(&strict, Helper::current().unwrap()).map_err(|e| e.to_string())?;
    match sandbox.run(&words(&["true"]), standard) {
        Err(e) if e.to_string().contains("(gap `survivors`)") => {}
        other => return Err(format!("without acceptance: {other:?}")),
    }
    Ok(format!("{why}: {text}"))
}

/// Loads a filter that denies words, as a container does before anything of ours runs.
pub fn filter(denied: &[&str]) {
    let program = seccomp::build(seccomp::Arch::native().unwrap(), denied.iter().copied()).unwrap();
    let instructions = program.instructions();
    #[repr(C)]
    struct Fprog {
        len: u16,
        filter: *const seccomp::Instruction,
    }
    let fprog = Fprog { len: instructions.len() as u16, filter: instructions.as_ptr() };
    // SAFETY: the kernel copies `len` instructions, which live across the call.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const fprog), 0);
    }
}

fn plain_sandbox(world: &World, change: impl Fn(&mut Plan)) -> Result<Sandbox> {
    let mut plan = world.plain_plan(&PathBuf::from("/usr"), true);
    change(&mut plan);
    Helper::current()
        .and_then(|helper| Sandbox::prepare(&plan, helper)?.without_namespaces())
        .map_err(|e| e.to_string())
}

fn start(sandbox: &Sandbox, marker: &str) -> Result<execpolicy_confine::Running> {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let running = sandbox
        .run(&lingering(marker), [null.as_fd(), writer.as_fd(), null.as_fd()])
        .map_err(|e| e.to_string())?;
    reader.read_exact(&mut [0; 3]).unwrap();
    if alive(marker) == 0 { Err("it does not run".into()) } else { Ok(running) }
}

fn kill(pid: i32) {
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    );
}

/// The children of another process.
fn children_of(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Whatever ends the sandbox, and whoever is killed, nothing that the command left is alive.
fn ends() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-plain-{}", std::process::id());
    let sandbox = plain_sandbox(&world, |_| ())?;
    drop(start(&sandbox, &marker)?);
    if alive(&marker) > 0 {
        return Err("alive after drop".into());
    }
    for victim in ["helper", "supervisor"] {
        let before = children();
        let running = start(&sandbox, &marker)?;
        let helper = children().into_iter().find(|pid| !before.contains(pid)).ok_or("no helper")?;
        kill(if victim == "helper" {
            helper
        } else {
            *children_of(helper).first().ok_or("no supervisor")?
        });
        gone(&marker).map_err(|e| format!("after the {victim}'s death: {e}"))?;
        if running.wait().is_ok() {
            return Err(format!("the {victim}'s death was not reported"));
        }
    }
    // The command ends by itself; what it left in the background does not outlive it. A chain of processes that fork and end at once is
    // caught as well.
    let null = fs::File::open("/dev/null").unwrap();
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let script = format!(
        "c() {{ (c & exit) ; }}; (setsid sh -c 'sleep 500 # {marker}' &); (while :; do : {marker}; (sh -c ': {marker}' &); done) & sleep 0.1; exit 3"
    );
    let outcome =
        sandbox.run(&shell(&script), standard).and_then(|r| r.wait()).map_err(|e| e.to_string())?.outcome;
    if outcome != ExitOutcome::Code(3) || alive(&marker) > 0 {
        return Err(format!("{outcome:?}, {} alive", alive(&marker)));
    }
    let timed = plain_sandbox(&world, |plan| plan.limits.wall_time = Some(Duration::from_millis(200)))?;
    let outcome =
        timed.run(&lingering(&marker), standard).and_then(|r| r.wait()).map_err(|e| e.to_string())?;
    if outcome.outcome != ExitOutcome::TimedOut || alive(&marker) > 0 {
        return Err(format!("{outcome:?}, {} alive", alive(&marker)));
    }
    // Kill-all ends the session's processes, not the user's.
    let session = Session::start(&sandbox).map_err(|e| e.to_string())?;
    let mut bystander = Command::new("sleep").arg("300").spawn().unwrap();
    let result = kill_all(&session, &world, &marker);
    let unharmed = bystander.try_wait().is_ok_and(|status| status.is_none());
    let _ = bystander.kill();
    let _ = bystander.wait();
    result?;
    if unharmed {
        Ok("drop, exit, time, kill-all, the helper's and the supervisor's death: nothing is alive".into())
    } else {
        Err("kill-all killed a process of the host".into())
    }
}

fn kill_all(session: &Session, world: &World, marker: &str) -> Result<()> {
    let null = fs::File::open("/dev/null").unwrap();
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let mut child = session.spawn(&lingering(marker), standard).map_err(|e| e.to_string())?;
    std::thread::sleep(Duration::from_millis(50));
    session.kill_all().map_err(|e| e.to_string())?;
    let killed = child.wait().map_err(|e| e.to_string())?;
    gone(marker)?;
    // A time limit takes what has left the command's group along.
    let script = shell(&format!("setsid sh -c 'sleep 500; : {marker}' & sleep 500"));
    let limited =
        end_of(session, &script.time_limit(Duration::from_millis(200))).map_err(|e| e.to_string())?;
    if limited != ExitOutcome::TimedOut {
        return Err(format!("{limited:?}"));
    }
    gone(marker)?;
    let next = end_of(session, &shell("exit 4")).map_err(|e| e.to_string())?;
    let elsewhere = end_of(session, &shell("exit 4").current_dir(&world.home)).err().map(|e| e.step);
    if (killed, next, elsewhere)
        == (ExitOutcome::Signal(9), ExitOutcome::Code(4), Some(Step::WorkingDirectory))
    {
        Ok(())
    } else {
        Err(format!("{killed:?} {next:?} {elsewhere:?}"))
    }
}

/// Tools of every day work where nothing but the workspace is writable.
fn programs() -> Result<String> {
    let world = World::new();
    fs::create_dir(world.ws.join("tmp")).unwrap();
    let sandbox = plain_sandbox(&world, |plan| {
        plan.limits = execpolicy_confine::Limits::default();
        plan.environment = vec![
            ("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()),
            ("HOME".into(), world.ws.clone().into()),
            ("TMPDIR".into(), world.ws.join("tmp").into()),
        ];
    })?;
    let null = fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    let (mut ran, mut absent, mut faults) = (0, Vec::new(), Vec::new());
    for (program, script) in [
        (
            "git",
            "git -c init.defaultBranch=m init -q r && cd r && echo a >a && git add a && \
             git -c user.name=a -c user.email=a@b commit -qm a && git log --oneline | grep -q a && git gc -q",
        ),
        ("cc", "printf 'int main(){return 0;}' >t.c && cc t.c -o t && ./t"),
        ("make", "printf 'all: a b\\na b:\\n\\tsleep 0.01\\n' >Makefile && make -s -j2"),
        ("python3", "/usr/bin/python3 -c 'import subprocess,sqlite3;subprocess.check_call([\"true\"])'"),
        ("tar", "tar cf x.tar file.txt && tar xf x.tar"),
        ("bash", "bash -c 'cat <(echo x) | grep -q x; sleep 0.01 & wait; cp file.txt g && chmod 600 g'"),
    ] {
        let there = Command::new("sh").args(["-c", &format!("ls /usr/bin/{program}")]).output();
        if !there.is_ok_and(|output| output.status.success()) {
            absent.push(program);
            continue;
        }
        ran += 1;
        let (mut reader, writer) = std::io::pipe().unwrap();
        let running = sandbox.run(&shell(script), [null.as_fd(), writer.as_fd(), writer.as_fd()]);
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        match running.and_then(|running| running.wait()) {
            Ok(ended) if ended.outcome == ExitOutcome::Code(0) => {}
            other => faults.push(format!("{program}: {text} {other:?}")),
        }
    }
    if faults.is_empty() && ran > 0 {
        Ok(format!("{ran} programs work; not installed: {absent:?}"))
    } else {
        Err(faults.join("\n        "))
    }
}

/// What cannot be kept is refused before anything starts, and said.
fn refusals() -> Result<String> {
    let world = World::new();
    let refused = |change: &dyn Fn(&mut Plan), word: &str| match plain_sandbox(&world, change) {
        Err(said) if said.contains(word) => Ok(()),
        other => Err(format!("{word}: {:?}", other.map(drop))),
    };
    let rule = |path: PathBuf, access| execpolicy_confine::PathRule { path, access };
    refused(&|plan| plan.paths.push(rule(world.ws.join(".git"), Access::Read)), "carved out")?;
    refused(&|plan| plan.paths.push(rule(world.ws.join(".env"), Access::Deny)), "carved out")?;
    refused(&|plan| plan.private.push("/tmp".into()), "private")?;
    refused(&|plan| plan.limits.processes = Some(10), "processes")?;
    refused(&|plan| plan.landlock = execpolicy_confine::Requirement::Off, "switched off")?;
    for gap in [Gap::Survivors, Gap::HostProcesses, Gap::Metadata, Gap::Attributes] {
        refused(
            &|plan| {
                plan.accept.remove(&gap);
            },
            gap.code(),
        )?;
    }
    Ok("five plans and four unaccepted gaps are refused by name".into())
}

fn detection() -> Result<String> {
    let helper = Helper::current().map_err(|e| e.to_string())?;
    let status = execpolicy_confine::detect_without_namespaces(&helper).map_err(|e| e.to_string())?;
    let given = |aspect| status.clause(aspect).map(|clause| clause.given);
    // Everything is readable and nothing writable: neither of these two gaps is needed.
    if given(Aspect::Attributes) == Some(Enforcement::Prevented)
        && given(Aspect::Metadata) == Some(Enforcement::Prevented)
    {
        Ok(format!("{} clauses", status.clauses.len()))
    } else {
        Err(format!("{status:?}"))
    }
}
