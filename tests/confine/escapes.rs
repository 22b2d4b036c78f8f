//! The probes under every wall, and under each wall alone.
//!
//! In: the probe program's report and the host's own look. Out: verdicts. Not here: the probes (`probes.c`).

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use execpolicy_confine::{
    Command as Confined, Enforcement, ExitOutcome, Finding, Helper, Plan, Requirement, Sandbox, Session,
};

use crate::commands::patiently;
use crate::probes::{build, parse};
use crate::world::{World, daemon_name, plant_key};
use crate::{Scenario, Verdict};

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "control: unconfined probes escape", run: control },
    Scenario { name: "escapes, one-shot", run: || suite(Life::OneShot, &|_| {}) },
    Scenario { name: "escapes, session", run: || suite(Life::Session, &|_| {}) },
    Scenario {
        name: "escapes, without Landlock",
        run: || suite(Life::OneShot, &|plan| plan.landlock = Requirement::Off),
    },
    Scenario {
        name: "escapes, without seccomp",
        run: || suite(Life::OneShot, &|plan| plan.seccomp = Requirement::Off),
    },
];

#[derive(Clone, Copy, PartialEq)]
pub enum Life {
    OneShot,
    Session,
}

/// The compiled probe program, or why there is none.
pub fn probes() -> Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            // Where there is no compiler (a guest of `tests/kernels`).
            if let Some(built) = std::env::var_os("EXECPOLICY_PROBES") {
                return Ok(PathBuf::from(built));
            }
            let program = PathBuf::from(format!("/var/tmp/execpolicy-probes-{}", std::process::id()));
            build(&program).map(|()| program)
        })
        .clone()
}

/// Takes the probe program away again.
pub fn clean_up() {
    if std::env::var_os("EXECPOLICY_PROBES").is_none()
        && let Ok(program) = probes()
    {
        let _ = fs::remove_file(program);
    }
}

/// Probes that harm nothing when they succeed outside a sandbox must say so: else the suite could not fail.
fn control() -> Verdict {
    const HARMLESS: [&str; 34] = [
        "fs_create",
        "fs_overwrite",
        "fs_append",
        "fs_mkdir",
        "fs_rename_in",
        "fs_symlink",
        "fs_hardlink_out",
        "fs_chmod",
        "fs_utimes",
        "fs_symlink_in_workspace",
        "fs_dotdot",
        "fs_home",
        "fs_mkfifo",
        "fs_tmpfile",
        "fs_bind_socket",
        "git_config",
        "git_hook",
        "git_nested_parent_swap",
        "secret_env_file",
        "secret_ssh",
        "secret_ssh_list",
        "secret_tmp",
        "secret_env_exec",
        "env_scan",
        "net_tcp_localhost",
        "unix_datagram",
        "unix_abstract",
        "unix_tmp_socket",
        "proc_see_host",
        "proc_victim_cmdline",
        "fd_inherited",
        "ipc_shm_id",
        "ipc_posix_shm",
        "priv_suid_chmod",
    ];
    let program = match probes() {
        Ok(program) => program,
        Err(why) => return Verdict::Skipped(why),
    };
    let mut world = World::new();
    let before = world.state();
    let output = Command::new(program).args(HARMLESS).envs(world.environment()).output().unwrap();
    let lines = parse(&String::from_utf8_lossy(&output.stdout));
    let blocked: Vec<&str> =
        lines.iter().filter(|l| l.result != "ESCAPED").map(|l| l.name.as_str()).collect();
    // What listens notices in its own time.
    let noticed = patiently("no listener was reached", || !world.reached().is_empty());
    if before == world.state() || noticed.is_err() {
        return Verdict::Failed("the host did not notice unconfined attacks".into());
    }
    // fs_rename_in takes away the file that later probes try.
    if lines.len() == HARMLESS.len() && blocked.len() <= 6 {
        Verdict::Passed(format!(
            "{} of {} escape, {blocked:?} do not",
            lines.len() - blocked.len(),
            lines.len()
        ))
    } else {
        Verdict::Failed(format!("too few escape: {} lines, not {blocked:?}", lines.len()))
    }
}

fn suite(life: Life, change: &dyn Fn(&mut Plan)) -> Verdict {
    let program = match probes() {
        Ok(program) => program,
        Err(why) => return Verdict::Skipped(why),
    };
    plant_key();
    let mut world = World::new();
    let mut plan = world.plan();
    change(&mut plan);
    let before = world.state();
    let (report, outcome, findings) = match run(&plan, life, &Confined::new([program])) {
        Ok(all) => all,
        Err(failure) => return Verdict::Failed(failure.to_string()),
    };
    let lines = parse(&report);
    let mut faults = Vec::new();
    if outcome != ExitOutcome::Code(0) {
        faults.push(format!("the probe program ended with {outcome:?}"));
    }
    let count = |attack: bool, results: &[&str]| {
        lines.iter().filter(|l| l.attack == attack && results.contains(&l.result.as_str())).count()
    };
    let full = plan.seccomp != Requirement::Off;
    let (mut escaped, mut broken) = (Vec::new(), Vec::new());
    for line in &lines {
        let note = format!("{} ({} {})", line.name, line.result, line.errno);
        match (line.attack, line.result.as_str()) {
            (true, "ESCAPED" | "DIED") => escaped.push(note),
            (false, "BROKEN") => broken.push(note),
            _ => {}
        }
    }
    let expected_without_seccomp = |note: &str| {
        ["sys_", "net_", "tty_", "priv_suid", "proc_ptrace_parent", "proc_pidfd", "proc_prlimit"]
            .iter()
            .any(|p| note.starts_with(p))
    };
    for note in &escaped {
        if full || !expected_without_seccomp(note) {
            faults.push(note.clone());
        }
    }
    faults.extend(broken);
    let after = world.state();
    for (path, state) in &before {
        if after.get(path) != Some(state) {
            faults.push(format!("{} changed: {state:?} -> {:?}", path.display(), after.get(path)));
        }
    }
    faults.extend(
        after.keys().filter(|p| !before.contains_key(*p)).map(|p| format!("{} appeared", p.display())),
    );
    faults.extend(world.reached());
    faults.extend(survivors());
    faults.extend(quarantine(&world, &findings));
    let text = format!(
        "{} attacks: {} blocked, {} escaped, {} skipped; {} honest: {} ok, {} broken, {} skipped",
        count(true, &["BLOCKED", "ESCAPED", "DIED", "SKIP"]),
        count(true, &["BLOCKED"]),
        count(true, &["ESCAPED", "DIED"]),
        count(true, &["SKIP"]),
        count(false, &["OK", "BROKEN", "SKIP"]),
        count(false, &["OK"]),
        count(false, &["BROKEN"]),
        count(false, &["SKIP"]),
    );
    if lines.len() < 200 {
        faults.push(format!("only {} probes reported", lines.len()));
    }
    if faults.is_empty() {
        let blocked = count(true, &["BLOCKED"]);
        let open = if plan.landlock == Requirement::Off {
            format!("; without Landlock the other walls stop these {blocked} and leave nothing open")
        } else if plan.seccomp == Requirement::Off {
            format!("; without seccomp the other walls stop {blocked} and leave open: {}", escaped.join(", "))
        } else {
            String::new()
        };
        Verdict::Passed(text + &open)
    } else {
        Verdict::Failed(format!("{text}\n        {}", faults.join("\n        ")))
    }
}

/// Runs a command to its end and gives what it printed, how it ended and what was found.
fn run(
    plan: &Plan,
    life: Life,
    command: &Confined,
) -> Result<(String, ExitOutcome, Vec<Finding>), execpolicy_confine::ConfineError> {
    let sandbox = Sandbox::prepare(plan, Helper::current()?)?;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let standard = [null.as_fd(), writer.as_fd(), null.as_fd()];
    let mut report = String::new();
    if life == Life::OneShot {
        let running = sandbox.run(command, standard)?;
        drop(writer);
        let status = running.status().clone();
        reader.read_to_string(&mut report).unwrap();
        let ended = running.wait()?;
        assert_eq!(
            status.clause(execpolicy_confine::Aspect::Seccomp).unwrap().given == Enforcement::SwitchedOff,
            plan.seccomp == Requirement::Off
        );
        assert_eq!(
            status.clause(execpolicy_confine::Aspect::Landlock).unwrap().given == Enforcement::SwitchedOff,
            plan.landlock == Requirement::Off
        );
        return Ok((report, ended.outcome, ended.findings));
    }
    let session = Session::start(&sandbox)?;
    let mut child = session.spawn(command, standard)?;
    drop(writer);
    reader.read_to_string(&mut report).unwrap();
    let outcome = child.wait()?;
    Ok((report, outcome, session.end()?))
}

/// Daemons that the probes left.
pub fn survivors() -> Vec<String> {
    let output = Command::new("sh")
        .args(["-c", "cat /proc/[0-9]*/comm 2>/dev/null | grep -cx \"$0\"", &daemon_name()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let count = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if count == "0" { Vec::new() } else { vec![format!("{count} daemons survived")] }
}

/// What the probes made at protected names must be found and out of the way.
fn quarantine(world: &World, findings: &[Finding]) -> Vec<String> {
    let mut faults = Vec::new();
    for name in [".vscode", ".idea", "fresh/.git/hooks/post-checkout", "fresh/.git/config"] {
        let path = world.ws.join(name);
        let found = findings.iter().find(|f| f.path == path);
        if found.is_none_or(|f| f.quarantined.as_ref().is_none_or(|q| fs::symlink_metadata(q).is_err())) {
            faults.push(format!("{name} is not in quarantine: {found:?}"));
        }
        if fs::symlink_metadata(&path).is_ok() {
            faults.push(format!("{name} is still there"));
        }
    }
    if !findings.iter().any(|f| f.path == world.ws.join("swap/.git") && f.quarantined.is_none()) {
        faults.push("a parent replaced by a symlink was not reported".into());
    }
    if findings.len() != 5 {
        faults.push(format!("other findings: {findings:?}"));
    }
    faults
}
