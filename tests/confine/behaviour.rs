//! How sandboxes live and end: statuses, signals, time, kills, sessions, odd plans, real tools.
//!
//! In: small commands. Out: verdicts. Not here: attacks (`escapes.rs`).

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use execpolicy_runtime::confine::{
    Access, ConfineError, Ended, Helper, Limits, Missing, MissingKind, Outcome, Plan, Promise, Sandbox,
    Session, Step,
};

use crate::world::World;
use crate::{Scenario, Verdict};

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "statuses", run: || check(statuses) },
    Scenario { name: "refusals", run: || check(refusals) },
    Scenario { name: "wall time", run: || check(wall_time) },
    Scenario { name: "signals", run: || check(signals) },
    Scenario { name: "large argv and environment", run: || check(large) },
    Scenario { name: "dropping ends everything", run: || check(dropping) },
    Scenario { name: "a killed helper ends everything", run: || check(killed_helper) },
    Scenario { name: "a denied root", run: || check(denied_root) },
    Scenario { name: "a denied directory with something readable in it", run: || check(denied_directory) },
    Scenario { name: "detection", run: || check(detection) },
    Scenario { name: "workspace in a private directory", run: || check(private_workspace) },
    Scenario { name: "a swapped symlink", run: || check(swapped) },
    Scenario { name: "later mounts of the host", run: || check(later_mounts) },
    Scenario { name: "files that the host replaces", run: || check(replaced) },
    Scenario { name: "sockets that come and go", run: || check(sockets) },
    Scenario { name: "session: many commands", run: || check(session_commands) },
    Scenario { name: "session: kill all", run: || check(session_kill_all) },
    Scenario { name: "session: threads", run: || check(session_threads) },
    Scenario { name: "placeholders", run: || check(placeholders) },
    Scenario { name: "real programs", run: real_programs },
];

pub type Result<T> = std::result::Result<T, String>;

pub fn check(f: fn() -> Result<String>) -> Verdict {
    match f() {
        Ok(note) => Verdict::Passed(note),
        Err(fault) => Verdict::Failed(fault),
    }
}

pub fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

pub fn shell(script: &str) -> Vec<OsString> {
    words(&["sh", "-c", script])
}

pub fn sandbox(plan: &Plan) -> std::result::Result<Sandbox, ConfineError> {
    Sandbox::prepare(plan, Helper::current()?)
}

/// Runs a command; its output, and its end.
pub fn run(plan: &Plan, argv: &[OsString]) -> std::result::Result<(String, Ended), ConfineError> {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let running = sandbox(plan)?.run(argv, [null.as_fd(), writer.as_fd(), writer.as_fd()])?;
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    Ok((text, running.wait()?))
}

pub fn expect(plan: &Plan, argv: &[OsString], output: &str, outcome: Outcome) -> Result<()> {
    let (text, ended) = run(plan, argv).map_err(|e| e.to_string())?;
    if text == output && ended.outcome == outcome {
        Ok(())
    } else {
        Err(format!("{argv:?}: {text:?} {:?}, expected {output:?} {outcome:?}", ended.outcome))
    }
}

fn statuses() -> Result<String> {
    let world = World::new();
    let plan = world.plan();
    expect(&plan, &shell("exit 0"), "", Outcome::Code(0))?;
    expect(&plan, &shell("exit 37"), "", Outcome::Code(37))?;
    expect(&plan, &shell("kill -TERM $$"), "", Outcome::Signal(15))?;
    expect(&plan, &shell("kill -SEGV $$"), "", Outcome::Signal(11))?;
    expect(&plan, &shell("pwd; echo $0"), &format!("{}\nsh\n", world.ws.display()), Outcome::Code(0))?;
    expect(
        &plan,
        &shell("env | grep -c . "),
        &format!("{}\n", plan.environment.len() + 1),
        Outcome::Code(0),
    )?;
    assert_eq!(Outcome::Signal(15).shell_status(), 143);
    Ok("codes and signals come through".into())
}

fn refusals() -> Result<String> {
    let world = World::new();
    let step = |plan: &Plan, argv: &[OsString]| run(plan, argv).err().map(|e| e.step);
    let plan = world.plan();
    let mut seen = vec![
        (step(&plan, &words(&["no-such-program"])), Step::Exec),
        (step(&plan, &words(&["/etc/passwd"])), Step::Exec),
        (step(&plan, &words(&[""])), Step::Exec),
        (step(&plan, &[]), Step::Exec),
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
    let start = Instant::now();
    expect(&plan, &shell("(sleep 100 &) ; trap '' TERM; sleep 100"), "", Outcome::TimedOut)?;
    let took = start.elapsed();
    if took < Duration::from_secs(5) { Ok(format!("ended after {took:?}")) } else { Err(format!("{took:?}")) }
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
    if text == "got\n" && outcome == Outcome::Code(5) {
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
    expect(&plan, &argv, "100000 100000 3\n", Outcome::Code(0))?;
    let huge = OsString::from("x".repeat(3 << 20));
    let refused =
        run(&plan, &[OsString::from("true"), huge]).err().map(|e| (e.step, e.source.raw_os_error()));
    if refused == Some((Step::Exec, Some(libc::E2BIG))) {
        Ok("1.1 MB pass, 3 MiB in one word is E2BIG".into())
    } else {
        Err(format!("{refused:?}"))
    }
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

pub fn gone(marker: &str) -> Result<()> {
    let start = Instant::now();
    while alive(marker) > 0 {
        if start.elapsed() > Duration::from_secs(5) {
            return Err(format!("{} of {marker} are alive", alive(marker)));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
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
    let start = Instant::now();
    while count() > 0 {
        if start.elapsed() > Duration::from_secs(5) {
            return Err(format!("{} helpers are alive", count()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// A command that says when it is up and leaves background processes, all with a marker.
pub fn lingering(marker: &str) -> Vec<OsString> {
    shell(&format!("(setsid sh -c 'sleep 500 # {marker}' &); echo up; sleep 500; : {marker}"))
}

fn start_lingering(plan: &Plan, marker: &str) -> Result<execpolicy_runtime::confine::Running> {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let running = sandbox(plan)
        .and_then(|s| s.run(&lingering(marker), [null.as_fd(), writer.as_fd(), null.as_fd()]))
        .map_err(|e| e.to_string())?;
    reader.read_exact(&mut [0; 3]).unwrap();
    if alive(marker) == 0 { Err("it does not run".into()) } else { Ok(running) }
}

fn dropping() -> Result<String> {
    let world = World::new();
    let marker = format!("ep-drop-{}", std::process::id());
    drop(start_lingering(&world.plan(), &marker)?);
    if alive(&marker) > 0 { Err("alive after drop".into()) } else { Ok("drop waits for all".into()) }
}

/// The pids of this process's children.
pub fn children() -> Vec<i32> {
    let text =
        fs::read_to_string(format!("/proc/self/task/{}/children", std::process::id())).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
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
    if ended.outcome == Outcome::Code(0)
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
    expect(&plan, &shell(script), "seen", Outcome::Code(0)).map(|()| "only that".into())
}

fn detection() -> Result<String> {
    let helper = Helper::current().map_err(|e| e.to_string())?;
    let status = execpolicy_runtime::confine::detect(&helper).map_err(|e| e.to_string())?;
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
    match Helper::current().and_then(|helper| execpolicy_runtime::confine::detect(&helper)) {
        Ok(status) => println!("{status:?}"),
        Err(e) => println!("{:?}: {e}", e.step),
    }
    std::process::ExitCode::SUCCESS
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
    let result = expect(&plan, &shell(script), "ws\n", Outcome::Code(0));
    let made = base.join("ws/made").exists();
    let _ = fs::remove_dir_all(&base);
    result?;
    if made { Ok("only the workspace is there".into()) } else { Err("nothing was written".into()) }
}

fn swapped() -> Result<String> {
    let world = World::new();
    let sandbox = sandbox(&world.plan()).map_err(|e| e.to_string())?;
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
    let null = fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    let environment = world.environment();
    let sees = |script: &str| {
        let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
        session
            .spawn(&shell(script), &environment, &world.ws, standard)
            .and_then(|command| session.wait(command))
            .map_err(|e| e.to_string())
    };
    let open =
        "grep -q . .env || grep -q . \"$PROBE_HOME/.ssh/id_rsa\" || touch .git/evil || touch sub/.git/evil";
    if sees(open)? == Outcome::Code(0) {
        return Err("open before anything was replaced".into());
    }
    let mut slowest = Duration::ZERO;
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
        let start = Instant::now();
        while sees(open)? == Outcome::Code(0) {
            for evil in ["ws/.git/evil", "ws/sub/.git/evil"] {
                let _ = fs::remove_file(path(evil));
            }
            if start.elapsed() > Duration::from_secs(5) {
                return Err(format!("round {round}: still open"));
            }
        }
        slowest = slowest.max(start.elapsed());
    }
    // Honest work goes on in what was put in place.
    if sees("echo x > sub/new && grep -q new .git/config && echo y > file.txt")? != Outcome::Code(0) {
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
        Err(e) if e.step == Step::Mount && e.detail.contains(".env") => {
            Ok(format!("covered again 20 times, at the latest after {slowest:?}; a symlink ends the sandbox"))
        }
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
    let sandbox = sandbox(&world.plan()).map_err(|e| e.to_string())?;
    drop(early);
    fs::remove_file(world.base.join("early")).unwrap();
    let mut listener = UnixListener::bind(place.join("sock")).unwrap();
    let session = Session::start(&sandbox).map_err(|e| e.to_string())?;
    let null = fs::File::open("/dev/null").unwrap();
    let mut environment = world.environment();
    environment.push(("PROBE_OUTSIDE".into(), place.clone().into()));
    let connects = || -> Result<bool> {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let command = session
            .spawn(
                &words(&[&program.to_string_lossy(), "unix_path"]),
                &environment,
                &world.ws,
                [null.as_fd(), writer.as_fd(), null.as_fd()],
            )
            .map_err(|e| e.to_string())?;
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        session.wait(command).map_err(|e| e.to_string())?;
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
        let start = Instant::now();
        while connects()? {
            if start.elapsed() > Duration::from_secs(5) {
                return Err(format!("round {round}: a socket made anew stays open"));
            }
        }
    }
    drop(listener);
    session.end().map_err(|e| e.to_string())?;
    Ok("masked at the start and when made anew; one that is gone hinders nothing".into())
}

fn session_commands() -> Result<String> {
    let world = World::new();
    let plan = world.plan();
    let session = sandbox(&plan).and_then(|s| Session::start(&s)).map_err(|e| e.to_string())?;
    let null = fs::File::open("/dev/null").unwrap();
    for n in 0..50 {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let standard = [null.as_fd(), writer.as_fd(), null.as_fd()];
        let environment = [("PATH".into(), "/usr/bin:/bin".into()), ("N".into(), n.to_string().into())];
        let script = "echo $N; echo $N >> log; touch .git/x 2>/dev/null && echo BAD; exit $N";
        let command =
            session.spawn(&shell(script), &environment, &world.ws, standard).map_err(|e| e.to_string())?;
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let outcome = session.wait(command).map_err(|e| e.to_string())?;
        if text != format!("{n}\n") || outcome != Outcome::Code(n) {
            return Err(format!("{n}: {text:?} {outcome:?}"));
        }
    }
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let refused = session.spawn(&words(&["no-such"]), &[], &world.ws, standard).err().map(|e| e.step);
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
    let environment = [("PATH".into(), "/usr/bin:/bin".into())];
    let spawn = |argv: &[OsString]| {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let command = session
            .spawn(argv, &environment, &world.ws, [null.as_fd(), writer.as_fd(), null.as_fd()])
            .map_err(|e| e.to_string())?;
        reader.read_exact(&mut [0; 3]).unwrap();
        Ok::<_, String>(command)
    };
    let command = spawn(&lingering(&marker))?;
    session.kill_all().map_err(|e| e.to_string())?;
    if session.wait(command).map_err(|e| e.to_string())? != Outcome::Signal(9) {
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
    let null = fs::File::open("/dev/null").unwrap();
    let environment = [("PATH".into(), "/usr/bin:/bin".into())];
    let wrong = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let (session, null, environment, world) = (&session, &null, &environment, &world);
                scope.spawn(move || {
                    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
                    (0..10)
                        .filter(|_| {
                            let outcome = session
                                .spawn(
                                    &shell(&format!("sleep 0.0{n}; exit {n}")),
                                    environment,
                                    &world.ws,
                                    standard,
                                )
                                .and_then(|command| session.wait(command));
                            outcome.ok() != Some(Outcome::Code(n))
                        })
                        .count()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum::<usize>()
    });
    if wrong == 0 { Ok("80 commands from 8 threads".into()) } else { Err(format!("{wrong} went wrong")) }
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
    expect(&plan, &shell(script), "", Outcome::Code(0))?;
    if place.exists() {
        return Err("the placeholder is still there".into());
    }
    let marker = format!("ep-place-{}", std::process::id());
    let first = start_lingering(&plan, &marker)?;
    if !execpolicy_runtime::confine::is_placeholder(&place) {
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
    if !place.join("mine").exists() || execpolicy_runtime::confine::is_placeholder(&place) {
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
            Ok((_, ended)) if ended.outcome == Outcome::Code(0) && ended.findings.is_empty() => {}
            other => faults.push(format!("{script}: {other:?}")),
        }
    }
    if !faults.is_empty() {
        return Verdict::Failed(faults.join("\n        "));
    }
    let note = format!("{ran} programs work; not installed: {absent:?}");
    if ran < 8 { Verdict::Skipped(note) } else { Verdict::Passed(note) }
}
