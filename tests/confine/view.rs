//! The file view where the host's tree is odd, or changes while commands run.
//!
//! In: plans about denied, private, missing and replaced files. Out: verdicts. Not here: attacks (`escapes.rs`), and how commands
//! live and end (`behaviour.rs`).

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use execpolicy_confine::{Access, ExitOutcome, Missing, MissingKind, Plan, Promise, Session, Step};

use crate::Scenario;
use crate::commands::{
    Result, check, children, end_of, expect, gone, helpers_gone, patiently, run, sandbox, shell,
    start_lingering, words,
};
use crate::world::World;

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "a denied root", run: || check(denied_root) },
    Scenario { name: "a denied directory with something readable in it", run: || check(denied_directory) },
    Scenario { name: "workspace in a private directory", run: || check(private_workspace) },
    Scenario { name: "a swapped symlink", run: || check(swapped) },
    Scenario { name: "later mounts of the host", run: || check(later_mounts) },
    Scenario { name: "files that the host replaces", run: || check(replaced) },
    Scenario { name: "sockets that come and go", run: || check(sockets) },
    Scenario { name: "placeholders", run: || check(placeholders) },
];

fn denied_root() -> Result<String> {
    let world = World::new();
    let mut plan = Plan::nothing(world.ws.clone()).allow(&world.ws, Access::Write);
    for path in ["/usr", "/bin", "/lib", "/lib64", "/etc/alternatives"] {
        if Path::new(path).exists() {
            plan = plan.allow(path, Access::Read);
        }
    }
    plan.environment = world.environment();
    let script = "ls -A / | tr '\\n' ' '; cat /etc/passwd 2>/dev/null && echo READ; ls \"$PROBE_HOME\" 2>/dev/null && echo LISTED;\
                  ls /var 2>/dev/null && echo VAR; echo x > /evil 2>/dev/null && echo WROTE; cat file.txt; echo; echo y > new && cat new";
    let (text, ended) = run(&plan, &shell(script)).map_err(|e| e.to_string())?;
    let bad = ["READ", "LISTED", "WROTE", "root:"].iter().any(|w| text.contains(w));
    if ended.outcome == ExitOutcome::Code(0)
        && !bad
        && text.ends_with("hello world\ny\n")
        && !text.contains("home ")
    {
        Ok(format!("shows {}", text.lines().next().unwrap_or_default()))
    } else {
        Err(format!("{text:?} {:?}", ended.outcome))
    }
}

fn denied_directory() -> Result<String> {
    let world = World::new();
    fs::create_dir_all(world.home.join("cache/deep")).unwrap();
    fs::write(world.home.join("cache/deep/f"), "seen").unwrap();
    let plan =
        world.plan().allow(&world.home, Access::Deny).allow(world.home.join("cache/deep"), Access::Read);
    let script = "cd \"$PROBE_HOME\" || exit 9; ls -A 2>/dev/null; cat .bashrc 2>/dev/null; touch new 2>/dev/null && echo BAD;\
                  chmod 755 . 2>/dev/null && echo BAD; cat cache/deep/f; touch cache/deep/f 2>/dev/null && echo BAD; true";
    expect(&plan, &shell(script), "seen", ExitOutcome::Code(0)).map(|()| "only that".into())
}

fn private_workspace() -> Result<String> {
    let base = std::env::temp_dir().join(format!("execpolicy-private-{}", std::process::id()));
    fs::create_dir_all(base.join("ws/.git")).unwrap();
    fs::write(base.join("secret"), "s").unwrap();
    let mut plan = Plan::nothing(base.join("ws"))
        .allow("/", Access::Read)
        .allow(base.join("ws"), Access::Write)
        .allow(base.join("ws/.git"), Access::Read);
    plan.private = vec![std::env::temp_dir()];
    plan.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    let script = "echo a > made; ls -A ..; touch .git/x 2>/dev/null && echo BAD; mv .git g 2>/dev/null && echo BAD; true";
    let result = expect(&plan, &shell(script), "ws\n", ExitOutcome::Code(0));
    let made = base.join("ws/made").exists();
    let _ = fs::remove_dir_all(&base);
    result?;
    if made { Ok("only the workspace is there".into()) } else { Err("nothing was written".into()) }
}

fn swapped() -> Result<String> {
    let world = World::new();
    let sandbox = sandbox(&world.plan().pass("PROBE_OUTSIDE")).map_err(|e| e.to_string())?;
    fs::rename(world.ws.join(".git"), world.ws.join("git-old")).unwrap();
    std::os::unix::fs::symlink(&world.outside, world.ws.join(".git")).unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    match sandbox.run(&words(&["true"]), [null.as_fd(), null.as_fd(), null.as_fd()]) {
        Err(e) if e.step == Step::Mount => Ok(e.to_string()),
        other => Err(format!("{other:?}")),
    }
}

/// The argument by which this program runs a command inside the namespaces of `later_mounts`.
pub const PROPAGATION_CHILD: &str = "propagation-child";

/// Runs the script it is given and says whether it saw the mount.
pub fn propagation_child() -> std::process::ExitCode {
    let variable = |name| std::env::var(name).unwrap();
    let ws = variable("EP_WS");
    let mut plan = Plan::nothing(ws.clone().into()).allow("/", Access::Read).allow(ws, Access::Write);
    plan.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    match run(&plan, &shell(&variable("EP_SCRIPT"))) {
        Ok((text, _)) if text == "done\n" => println!("unseen"),
        other => println!("{other:?}"),
    }
    std::process::ExitCode::SUCCESS
}

/// A mount that the host makes while a command runs must not appear in the sandbox, where it would be writable.
fn later_mounts() -> Result<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let world = World::new();
    let place = world.outside.join("empty");
    let script = format!(
        ": >up; for i in 1 2 3 4 5 6 7 8 9 10; do [ -e {0}/inside ] && echo SEEN; sleep 0.05; done; echo done",
        place.display()
    );
    // In a user and mount namespace of the test's own, with shared propagation, so that the host's mounts stay as they are.
    let own = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(["-Urm", "--propagation", "shared", "sh", "-c"])
        .arg(format!(
            "\"$0\" {PROPAGATION_CHILD} & for i in $(seq 500); do [ -e \"$EP_WS/up\" ] && break; sleep 0.01; done; mount -t tmpfs x {0} && touch {0}/inside; wait",
            place.display()
        ))
        .arg(own)
        .env("EP_PLACE", &place)
        .env("EP_WS", &world.ws)
        .env("EP_SCRIPT", &script)
        .output()
        .map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    if fs::read_to_string("/proc/self/mountinfo").unwrap_or_default() != mounts {
        return Err("the host's mounts changed".into());
    }
    if text.contains("unseen") {
        Ok("not seen inside".into())
    } else {
        Err(format!("{text} {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// What the host puts at a protected name while commands run is covered again: a masked file as editors save it, a repository, a
/// directory on the way, a denied directory in a readable place; and what it cannot cover ends the sandbox.
fn replaced() -> Result<String> {
    let world = World::new();
    let session = sandbox(&world.plan()).and_then(|s| Session::start(&s)).map_err(|e| e.to_string())?;
    let sees = |script: &str| end_of(&session, &shell(script)).map_err(|e| e.to_string());
    let open =
        "grep -q . .env || grep -q . \"$PROBE_HOME/.ssh/id_rsa\" || touch .git/evil || touch sub/.git/evil";
    if sees(open)? == ExitOutcome::Code(0) {
        return Err("open before anything was replaced".into());
    }
    let mut open_for = 0;
    for round in 0..20 {
        let path = |name: &str| world.base.join(name);
        let fresh = |name: &str| path(&format!("{name}-{round}"));
        fs::write(fresh("env"), "TOKEN=new").unwrap();
        fs::rename(fresh("env"), path("ws/.env")).unwrap();
        for (old, file) in [("home/.ssh", "id_rsa"), ("ws/.git", "config"), ("ws/sub", "f")] {
            fs::create_dir_all(fresh("new").join(".git")).unwrap();
            fs::write(fresh("new").join(file), "new").unwrap();
            fs::rename(path(old), fresh(&old.replace('/', "-"))).unwrap();
            fs::rename(fresh("new"), path(old)).unwrap();
        }
        patiently(&format!("round {round}: still open"), || {
            let closed = sees(open) != Ok(ExitOutcome::Code(0));
            if !closed {
                open_for += 1;
                for evil in ["ws/.git/evil", "ws/sub/.git/evil"] {
                    let _ = fs::remove_file(path(evil));
                }
            }
            closed
        })?;
    }
    // Honest work goes on in what was put in place.
    if sees("echo x > sub/new && grep -q new .git/config && echo y > file.txt")? != ExitOutcome::Code(0) {
        return Err("the workspace is not usable any more".into());
    }
    let findings = session.end().map_err(|e| e.to_string())?;
    let told = |name: &str| findings.iter().any(|f| f.path == world.ws.join(name) && f.quarantined.is_none());
    if !(told(".env") && told(".git") && told("sub") && told("sub/.git")) {
        return Err(format!("not reported: {findings:?}"));
    }
    // A symlink cannot be covered: the sandbox ends.
    let marker = format!("ep-replaced-{}", std::process::id());
    let world = World::new();
    let running = start_lingering(&world.plan(), &marker)?;
    std::os::unix::fs::symlink("file.txt", world.base.join("link")).unwrap();
    fs::rename(world.base.join("link"), world.ws.join(".env")).unwrap();
    gone(&marker)?;
    match running.wait() {
        Err(e) if e.step == Step::Mount && e.detail.contains(".env") => Ok(format!(
            "covered again 20 times, {open_for} commands saw it open meanwhile; a symlink ends the sandbox"
        )),
        other => Err(format!("{other:?}")),
    }
}

/// The host's sockets are masked as they are when a sandbox starts, not when it was prepared; one that is gone hinders nothing, and one
/// that its server makes anew is masked again.
fn sockets() -> Result<String> {
    use std::os::unix::net::UnixListener;
    let program = crate::escapes::probes()?;
    let world = World::new();
    let place = world.base.join("late");
    fs::create_dir(&place).unwrap();
    let early = UnixListener::bind(world.base.join("early")).unwrap();
    let sandbox = sandbox(&world.plan().pass("PROBE_OUTSIDE")).map_err(|e| e.to_string())?;
    drop(early);
    fs::remove_file(world.base.join("early")).unwrap();
    let mut listener = UnixListener::bind(place.join("sock")).unwrap();
    let session = Session::start(&sandbox).map_err(|e| e.to_string())?;
    let probe = words(&[&program.to_string_lossy(), "unix_path"]).env("PROBE_OUTSIDE", &place);
    let connects = || -> Result<bool> {
        let text = session.output(&probe).map_err(|e| e.to_string())?.stdout.text();
        match text.split(' ').nth(2) {
            Some("BLOCKED") => Ok(false),
            Some("ESCAPED") => Ok(true),
            _ => Err(format!("the probe said {text:?}")),
        }
    };
    if connects()? {
        return Err("a socket made before the start can be connected to".into());
    }
    for round in 0..5 {
        drop(listener);
        fs::remove_file(place.join("sock")).unwrap();
        listener = UnixListener::bind(place.join("sock")).unwrap();
        patiently(&format!("round {round}: a socket made anew stays open"), || connects() == Ok(false))?;
    }
    drop(listener);
    session.end().map_err(|e| e.to_string())?;
    Ok("masked at the start and when made anew; one that is gone hinders nothing".into())
}

/// A missing name that is prevented: inside it is read-only, on the host it is gone afterwards, with two runs and after kills.
fn placeholders() -> Result<String> {
    let world = World::new();
    if !crate::world::has_attributes(&world.ws) {
        let refused = sandbox(&world.plan()).map(drop);
        let plan = Missing { path: world.ws.join(".x"), kind: MissingKind::Name, promise: Promise::Prevent };
        let mut with = world.plan();
        with.missing.push(plan);
        return match run(&with, &words(&["true"])) {
            Err(e) if refused.is_ok() && e.step == Step::Mount => Ok(format!("refused here: {e}")),
            other => Err(format!("{other:?}")),
        };
    }
    let place = world.ws.join(".agents");
    let mut plan = world.plan();
    let script = "mkdir .agents 2>/dev/null && echo MADE; (echo x > .agents/f) 2>/dev/null && echo WROTE;\
                  rmdir .agents 2>/dev/null && echo REMOVED; mv .agents b 2>/dev/null && echo MOVED; true";
    expect(&plan, &shell(script), "", ExitOutcome::Code(0))?;
    if place.exists() {
        return Err("the placeholder is still there".into());
    }
    let marker = format!("ep-place-{}", std::process::id());
    let first = start_lingering(&plan, &marker)?;
    if !execpolicy_confine::is_placeholder(&place) {
        return Err("there is no placeholder while the command runs".into());
    }
    let second = start_lingering(&plan, &marker)?;
    drop(first);
    if !place.exists() {
        return Err("the second run lost its placeholder".into());
    }
    drop(second);
    if place.exists() {
        return Err("the last run left its placeholder".into());
    }
    // The host fills it while a command runs: it is the host's then.
    let running = start_lingering(&plan, &marker)?;
    fs::write(place.join("mine"), "m").unwrap();
    drop(running);
    if !place.join("mine").exists() || execpolicy_confine::is_placeholder(&place) {
        return Err("the host's own directory was touched".into());
    }
    fs::remove_dir_all(&place).unwrap();
    for _ in 0..20 {
        let before = children();
        let running = start_lingering(&plan, &marker)?;
        for pid in children().into_iter().filter(|pid| !before.contains(pid)) {
            let _ = rustix::process::kill_process(
                rustix::process::Pid::from_raw(pid).unwrap(),
                rustix::process::Signal::KILL,
            );
        }
        drop(running);
        gone(&marker)?;
        helpers_gone()?;
        if place.exists() {
            return Err("a killed run left its placeholder".into());
        }
    }
    plan.missing.push(Missing {
        path: world.ws.join("deep/er"),
        kind: MissingKind::Name,
        promise: Promise::Prevent,
    });
    match sandbox(&plan) {
        Err(e) if e.step == Step::Plan => Ok("prevented inside, gone outside, also after 20 kills".into()),
        other => Err(format!("{:?}", other.map(drop))),
    }
}
