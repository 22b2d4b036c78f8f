//! Hosts that are not as one would like: each either enforces the plan or refuses with the step and a reason.
//!
//! In: namespaces and filters of the test's own in which something is missing. Out: verdicts. Not here: attacks.
#![allow(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use execpolicy_confine::{
    Access, Command as Confined, ConfineError, Enforcement, ExitOutcome, Gap, Helper, Network, Plan,
    Requirement, Step,
};

use crate::Scenario;
use crate::commands::{Result, check, expect, run, shell, words};
use crate::plain::filter;
use crate::world::World;

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "host: /proc masked", run: || check(|| elsewhere("proc-masked", MASKED_PROC)) },
    Scenario { name: "host: a filter is loaded already", run: || check(|| elsewhere("filter", "")) },
    Scenario { name: "host: a filter forbids mounting", run: || check(|| elsewhere("no-mounts", "")) },
    Scenario { name: "host: no Landlock", run: || check(|| elsewhere("no-landlock", "")) },
    Scenario { name: "host: standard streams closed", run: || check(|| elsewhere("closed", "")) },
    Scenario { name: "host: workspace on another file system", run: || check(|| elsewhere("mounts", OTHER)) },
    Scenario { name: "host: the disk is full", run: || check(|| elsewhere("full-disk", FULL)) },
    Scenario { name: "host: inside another sandbox", run: || check(nested) },
    Scenario { name: "host: arguments at the limit", run: || check(at_the_limit) },
    Scenario { name: "host: odd workspaces", run: || check(odd_workspaces) },
];

/// The first of the two words by which this program looks at a host.
pub const CHILD: &str = "host-child";

/// As container runtimes do.
const MASKED_PROC: &str =
    "mount -t tmpfs none /proc/scsi 2>/dev/null || mount -t tmpfs none /proc/tty || exit 9";
/// The workspace becomes a tmpfs with another tree bound into it.
const OTHER: &str = "mount -t tmpfs none \"$WS\" && mkdir -p \"$WS/.git\" \"$WS/inner\" && echo x >\"$WS/.env\" &&\
                     mount --bind \"$OUT\" \"$WS/inner\" || exit 9";
const FULL: &str = "mount -t tmpfs -o size=32k none \"$WS\" && mkdir \"$WS/.git\" && : >\"$WS/.env\" || exit 9;\
                    dd if=/dev/zero of=\"$WS/fill\" bs=4k count=100 2>/dev/null";

/// Runs this program as a child that looks, after a set-up in mount and user namespaces of its own if there is one.
fn elsewhere(what: &str, setup: &str) -> Result<String> {
    let world = World::new();
    let own = std::env::current_exe().unwrap();
    let mut command = if setup.is_empty() {
        Command::new(own)
    } else {
        let mut command = Command::new("unshare");
        command.args(["-Urm", "--propagation", "private", "sh", "-c"]);
        command.arg(format!("{setup}; exec \"$0\" \"$@\"")).arg(own);
        command
    };
    command.args([CHILD, what]).env("WS", &world.ws).env("OUT", &world.outside);
    let before = world.contents();
    let output = command.env("REPORT", world.base.join("report")).output().map_err(|e| e.to_string())?;
    if output.status.code() == Some(9) {
        return Err(format!("the host could not be set up: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let report = fs::read_to_string(world.base.join("report")).unwrap_or_default();
    let unharmed = what == "mounts" || world.contents() == before;
    match report.strip_prefix("fine: ") {
        Some(note) if unharmed => Ok(note.to_string()),
        _ => Err(format!("{report} {}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// The child of [`elsewhere`].
pub fn child(what: &str) -> ExitCode {
    let ws = PathBuf::from(std::env::var_os("WS").unwrap());
    let found = match what {
        "proc-masked" => refused_or_plain(&ws, Step::Mount, "/proc"),
        "filter" => {
            filter(&["reboot", "ptrace"]);
            enforces(&workspace(&ws))
        }
        "no-mounts" => {
            filter(&["mount_setattr"]);
            refused_or_plain(&ws, Step::Mount, "mounting is not permitted")
        }
        "no-landlock" => {
            filter(&["landlock_create_ruleset"]);
            no_landlock(&ws)
        }
        "closed" => {
            for fd in 0..3 {
                // SAFETY: the child uses none of its standard streams from here on.
                unsafe { libc::close(fd) };
            }
            enforces(&workspace(&ws))
        }
        "mounts" => other_file_system(&ws),
        "full-disk" => full_disk(&ws),
        "nested" => inner(&ws),
        other => Err(format!("what is {other}?")),
    };
    let text = match found {
        Ok(note) => format!("fine: {note}"),
        Err(fault) => fault,
    };
    let _ = fs::write(std::env::var_os("REPORT").unwrap(), text);
    ExitCode::SUCCESS
}

fn workspace(ws: &Path) -> Plan {
    let mut plan = Plan::nothing(ws.to_path_buf())
        .allow("/", Access::Read)
        .allow(ws, Access::Write)
        .allow(ws.join(".git"), Access::Read)
        .allow(ws.join(".env"), Access::Deny);
    plan.environment = vec![("PATH".into(), "/usr/bin:/bin".into()), ("WS".into(), ws.into())];
    plan
}

/// A plan that Landlock and seccomp can keep.
fn readable(ws: &Path) -> Plan {
    let mut plan = Plan::nothing(ws.to_path_buf()).allow("/", Access::Read);
    plan.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    plan.accept = [Gap::Survivors, Gap::HostProcesses].into();
    plan
}

/// The plan's four clauses about files hold.
fn enforces(plan: &Plan) -> Result<String> {
    let script = "echo x >made && rm made || echo UNUSABLE; (cat .env) 2>/dev/null && echo READ;\
                  (: >.git/made) 2>/dev/null && echo GIT; (: >../made) 2>/dev/null && echo OUTSIDE; true";
    expect(plan, &shell(script), "", ExitOutcome::Code(0))?;
    Ok("enforced".into())
}

/// A plan that needs the missing thing is refused at a step with a way out; one that does not runs, and says on what.
fn refused_or_plain(ws: &Path, step: Step, word: &str) -> Result<String> {
    let refused = match run(&workspace(ws), &words(&["true"])) {
        Err(e) if e.step == step && e.way_out().is_some() && e.to_string().contains(word) => e.to_string(),
        other => return Err(format!("not refused as it should be: {other:?}")),
    };
    let script = "(: >made) 2>/dev/null && echo MADE; true";
    let plan = readable(ws);
    if crate::refusal::plain().is_err() {
        return match run(&plan, &words(&["true"])) {
            Err(e) if e.step == step => Ok(format!("{refused}\n        and nothing else is to be had here")),
            other => Err(format!("{other:?}")),
        };
    }
    expect(&plan, &shell(script), "", ExitOutcome::Code(0))?;
    let null = fs::File::open("/dev/null").unwrap();
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let running = crate::commands::sandbox(&plan)
        .and_then(|sandbox| sandbox.run(&words(&["true"]), standard))
        .map_err(|e| e.to_string())?;
    match running.status().clause(execpolicy_confine::Aspect::Namespaces) {
        Some(clause) if clause.given == Enforcement::Absent => {
            Ok(format!("{refused}\n        and without namespaces ({}): enforced", clause.by))
        }
        other => Err(format!("{other:?}")),
    }
}

fn no_landlock(ws: &Path) -> Result<String> {
    enforces(&workspace(ws))?;
    let mut required = workspace(ws);
    required.landlock = Requirement::Required;
    let mut network = workspace(ws);
    network.network = Network::Full;
    let step = |plan: &Plan| run(plan, &words(&["true"])).err().map(|e| (e.step, e.to_string()));
    let seen = [step(&required), step(&network)];
    let plain = Helper::current()
        .and_then(|helper| execpolicy_confine::Sandbox::prepare(&readable(ws), helper)?.without_namespaces());
    match (&seen, plain) {
        ([Some((Step::Landlock, said)), Some((Step::Landlock, _))], Err(_)) => {
            Ok(format!("enforced by mounts; required: {said}"))
        }
        (seen, plain) => Err(format!("{seen:?} {:?}", plain.map(drop))),
    }
}

fn other_file_system(ws: &Path) -> Result<String> {
    enforces(&workspace(ws))?;
    // What is mounted below the workspace belongs to it, and a rule below that mount holds.
    let plan = workspace(ws).allow(ws.join("inner/file"), Access::Read);
    let script = "echo x >inner/new && rm inner/new || echo UNUSABLE; (echo x >inner/file) 2>/dev/null && echo WROTE; true";
    expect(&plan, &shell(script), "", ExitOutcome::Code(0))?;
    Ok("enforced on a tmpfs with a bind mount in it".into())
}

fn full_disk(ws: &Path) -> Result<String> {
    let mut plan = workspace(ws);
    plan.private = vec!["/tmp".into()];
    plan.limits.private_bytes = Some(16 << 10);
    let script = "echo xxxxxxxx >>fill 2>/dev/null || echo full; (cat .env; : >.git/x) 2>/dev/null && echo OPEN;\
                  dd if=/dev/zero of=/tmp/f bs=4k count=100 2>/dev/null || echo private full";
    expect(&plan, &shell(script), "full\nprivate full\n", ExitOutcome::Code(0))?;
    Ok("enforced; the command sees ENOSPC, in a private directory too".into())
}

/// This program as the command of a sandbox, confining in its turn.
fn nested() -> Result<String> {
    let world = World::new();
    let own = std::env::current_exe().unwrap();
    let mut plan = workspace(&world.ws);
    plan.environment.push(("REPORT".into(), world.ws.join("report").into()));
    let command = Confined::new([own]).args([CHILD, "nested"]);
    let (text, ended) = run(&plan, &command).map_err(|e| e.to_string())?;
    let report = fs::read_to_string(world.ws.join("report")).unwrap_or_default();
    match report.strip_prefix("fine: ") {
        Some(note) if ended.outcome == ExitOutcome::Code(0) => Ok(note.to_string()),
        _ => Err(format!("{report} {text} {:?}", ended.outcome)),
    }
}

fn inner(ws: &Path) -> Result<String> {
    let mut plan = workspace(ws);
    // The outer mask cannot be opened to be masked again; it stays in place.
    plan.paths.retain(|rule| rule.access != Access::Deny);
    let refused = match run(&plan, &words(&["true"])) {
        Err(e) if e.step == Step::Namespaces && e.way_out().is_some() => e.to_string(),
        other => return Err(format!("{other:?}")),
    };
    if crate::refusal::plain().is_err() {
        return Ok(refused);
    }
    expect(&readable(ws), &shell("(: >made) 2>/dev/null && echo MADE; true"), "", ExitOutcome::Code(0))?;
    Ok(format!("{refused}\n        and without namespaces: enforced inside as well"))
}

/// The kernel takes 128 KiB in one word (with its NUL) and a quarter of the stack limit, 2 MiB as a rule, in all.
fn at_the_limit() -> Result<String> {
    let world = World::new();
    let plan = workspace(&world.ws);
    let word = |length: usize| OsString::from("x".repeat(length));
    let says = |command: &Confined, plan: &Plan| match run(plan, command) {
        Ok((text, _)) => text.trim().to_string(),
        Err(ConfineError { step, cause, .. }) => format!("{} {:?}", step.code(), cause.raw_os_error()),
    };
    let one = |length| says(&words(&["sh", "-c", "echo ${#1}", "sh"]).args([word(length)]), &plan);
    let many = |count: usize| {
        let mut plan = plan.clone();
        plan.environment.extend((0..count / 2).map(|n| (format!("E{n}").into(), word(100_000))));
        let rest = vec![word(100_000); count - count / 2];
        says(&words(&["sh", "-c", "echo $#", "sh"]).args(rest), &plan)
    };
    let seen = [one(131_071), one(131_072), many(20), many(21)];
    if seen == ["131071", "exec Some(7)", "10", "exec Some(7)"] {
        Ok("the longest word and 2 MB pass, one byte and 100 kB more are E2BIG".into())
    } else {
        Err(format!("{seen:?}"))
    }
}

fn odd_workspaces() -> Result<String> {
    let world = World::new();
    let bytes = |name: &[u8]| world.base.join(OsStr::from_bytes(name));
    for name in [&b"new\nline"[..], b"not-\xFF-text", b"spaces and 'quotes'", b"-rf"] {
        let ws = bytes(name);
        fs::create_dir_all(ws.join(".git")).unwrap();
        fs::write(ws.join(".env"), "x").unwrap();
        enforces(&workspace(&ws)).map_err(|e| format!("{name:?}: {e}"))?;
    }
    // Named through a symlink that nothing in the sandbox can change.
    std::os::unix::fs::symlink(&world.ws, bytes(b"link")).unwrap();
    enforces(&workspace(&bytes(b"link")))?;
    // A repository that is a file, as in a worktree.
    let tree = bytes(b"tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join(".git"), "gitdir: /elsewhere\n").unwrap();
    fs::write(tree.join(".env"), "x").unwrap();
    let script = "(echo evil >.git) 2>/dev/null && echo WROTE; mv .git b 2>/dev/null && echo MOVED;\
                  rm -f .git 2>/dev/null && echo REMOVED; true";
    expect(&workspace(&tree), &shell(script), "", ExitOutcome::Code(0))?;
    let mut refused = Vec::new();
    let mut step = |plan: &Plan| refused.push(run(plan, &words(&["true"])).err().map(|e| e.step));
    step(&workspace(&bytes(b"missing")));
    // A repository that is a symlink in a place the command can write to.
    let linked = bytes(b"linked");
    fs::create_dir(&linked).unwrap();
    fs::write(linked.join(".env"), "x").unwrap();
    std::os::unix::fs::symlink(world.ws.join(".git"), linked.join(".git")).unwrap();
    step(&workspace(&linked));
    // Everything writable: what must not be is carved out all the same.
    let mut all = workspace(&world.ws);
    all.paths.retain(|rule| rule.path != Path::new("/"));
    let all = all.allow("/", Access::Write);
    let script = "(cat .env) 2>/dev/null && echo READ; (: >.git/made) 2>/dev/null && echo GIT;\
                  (: >/proc/sys/vm/drop_caches) 2>/dev/null && echo SYS; (: >/dev/made) 2>/dev/null && echo DEV; true";
    expect(&all, &shell(script), "", ExitOutcome::Code(0))?;
    if refused == [Some(Step::Resolve), Some(Step::Plan)] {
        Ok("seven are enforced; a missing one and a repository behind a symlink are refused".into())
    } else {
        Err(format!("{refused:?}"))
    }
}
