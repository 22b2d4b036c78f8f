//! What confining a command costs: one table, every row measured in turn in one run.
//!
//! In: nothing; a workspace and a program that does nothing are made, and removed. Out: a table of microseconds from the call to the
//! known end of the command. Not here: what the sandboxes are worth (`tests/confine/`).
//!
//! `cargo bench -p execpolicy-runtime --features confine --bench confine [-- COMMANDS]`. Rows: a bare vfork and exec, the standard
//! library's `Command` (posix_spawn), a command in a running session, a sandbox for one command, and bubblewrap with the arguments that come
//! closest to the same plan; two rows rest before each command, so that the processors have gone idle, and are compared with each other. A
//! row whose program is not installed says so. Every turn runs a batch of each row; "best" is the median of the quietest batch, since the
//! machine is rarely ours alone.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::ffi::{CStr, CString, c_int, c_void};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::time::{Duration, Instant};

use execpolicy_confine::{self, Access, Command, ExitOutcome, Gap, Helper, Plan, Sandbox, Session};

const TURNS: usize = 10;
/// Long enough for a processor to go idle.
const REST: Duration = Duration::from_millis(1);

struct Place {
    base: PathBuf,
    program: PathBuf,
}

impl Place {
    fn new() -> Place {
        let base = PathBuf::from(format!("/var/tmp/execpolicy-bench-{}", std::process::id()));
        fs::create_dir_all(base.join("ws/.git/hooks")).unwrap();
        fs::write(base.join("ws/.env"), "TOKEN=x").unwrap();
        // Without a C library: what is measured is the start, not the program.
        let text = "void _start(void) {\n#ifdef __x86_64__\n__asm__(\"mov $60,%eax; xor %edi,%edi; syscall\");\n#else\n\
                    __asm__(\"mov x8,#93; mov x0,#0; svc #0\");\n#endif\n}\n";
        let source = base.join("nothing.c");
        fs::write(&source, text).unwrap();
        let program = base.join("nothing");
        let options = ["-O1", "-static", "-nostdlib", "-o"];
        let built = process::Command::new("cc").args(options).arg(&program).arg(&source).status();
        let program = if built.is_ok_and(|s| s.success()) { program } else { PathBuf::from("/bin/true") };
        Place { base, program }
    }

    fn ws(&self) -> PathBuf {
        self.base.join("ws")
    }

    /// An agent's workspace: everything readable, the workspace writable but its repository, a secret denied, /tmp private, no network.
    fn plan(&self) -> Plan {
        let mut plan = Plan::nothing(self.ws())
            .allow("/", Access::Read)
            .allow(self.ws(), Access::Write)
            .allow(self.ws().join(".git"), Access::Read)
            .allow(self.ws().join(".env"), Access::Deny);
        plan.private = vec!["/tmp".into(), "/run".into()];
        plan.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
        plan.limits.open_files = Some(1024);
        plan
    }

    /// The same as far as Landlock and seccomp alone can keep it.
    fn plain_plan(&self) -> Plan {
        let mut plan = self.plan();
        plan.paths.retain(|rule| rule.access != Access::Deny && !rule.path.ends_with(".git"));
        plan.private.clear();
        plan.accept = Gap::ALL.into();
        plan
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.base);
    }
}

struct Exec {
    program: CString,
    argv: [*const i8; 2],
    environment: [*const i8; 1],
}

extern "C" fn exec(exec: *mut c_void) -> c_int {
    // SAFETY: `bare` passes an `Exec` that outlives this child, whose strings end in NUL and whose lists end in null.
    unsafe {
        let exec = &*exec.cast::<Exec>();
        libc::execve(exec.program.as_ptr(), exec.argv.as_ptr().cast(), exec.environment.as_ptr().cast());
        libc::_exit(127)
    }
}

/// The floor: clone(VM|VFORK), execve, waitpid.
fn bare(program: &Path) {
    let program = CString::new(program.as_os_str().as_bytes()).unwrap();
    let name: &CStr = c"nothing";
    let mut exec_of =
        Exec { argv: [name.as_ptr().cast(), std::ptr::null()], environment: [std::ptr::null()], program };
    let mut stack: Vec<u128> = Vec::with_capacity(1024);
    // SAFETY: the stack is ours, used downwards from its end; CLONE_VFORK suspends this thread until the child has exec'd or ended.
    let status = unsafe {
        let top = stack.as_mut_ptr().add(1024).cast::<c_void>();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let pid = libc::clone(exec, top, flags, (&raw mut exec_of).cast());
        let mut status = -1;
        libc::waitpid(pid, &mut status, 0);
        status
    };
    assert_eq!(status, 0);
}

fn posix_spawn(program: &Path) {
    assert!(process::Command::new(program).env_clear().stdin(Stdio::null()).status().unwrap().success());
}

fn bubblewrap(place: &Place) {
    let ws = place.ws();
    let git = ws.join(".git");
    let mut command = process::Command::new("bwrap");
    command.args(["--ro-bind", "/", "/", "--bind"]).args([&ws, &ws]).arg("--ro-bind").args([&git, &git]);
    command.args(["--ro-bind", "/dev/null"]).arg(ws.join(".env"));
    command.args(["--tmpfs", "/tmp", "--tmpfs", "/run", "--dev", "/dev", "--proc", "/proc", "--unshare-all"]);
    command.args(["--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin"]);
    command.args(["--cap-drop", "ALL", "--chdir"]).arg(&ws).arg("--").arg(&place.program);
    assert!(command.stdin(Stdio::null()).status().unwrap().success());
}

struct Row {
    name: &'static str,
    /// Fewer for what is slow.
    part: usize,
    /// Before each command, not counted.
    rest: Duration,
    turns: Vec<Vec<Duration>>,
}

fn row(name: &'static str, part: usize) -> Row {
    Row { name, part, rest: Duration::ZERO, turns: Vec::new() }
}

fn rested(name: &'static str) -> Row {
    Row { rest: REST, ..row(name, 4) }
}

fn main() {
    execpolicy_confine::init();
    let numbers = std::env::args().skip(1).find_map(|word| word.parse::<usize>().ok());
    let commands = numbers.unwrap_or(2000);
    let place = Place::new();
    let helper = Helper::current().unwrap();
    let sandbox = Sandbox::prepare(&place.plan(), helper.clone()).unwrap();
    let plain = Sandbox::prepare(&place.plain_plan(), helper).and_then(Sandbox::without_namespaces).ok();
    let start = Instant::now();
    let session = Session::start(&sandbox).unwrap();
    let built = start.elapsed();
    let null = fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let command = Command::new([&place.program]);
    let bwrap = process::Command::new("bwrap").arg("--version").output().ok().filter(|o| o.status.success());

    let in_session = || {
        assert_eq!(session.spawn(&command, standard).unwrap().wait().unwrap(), ExitOutcome::Code(0));
    };
    let one_shot = || {
        let ended = sandbox.run(&command, standard).unwrap().wait().unwrap();
        assert_eq!(ended.outcome, ExitOutcome::Code(0));
    };
    let without_namespaces = || {
        if let Some(plain) = &plain {
            assert_eq!(plain.run(&command, standard).unwrap().wait().unwrap().outcome, ExitOutcome::Code(0));
        }
    };
    let mut runs: Vec<(Row, Box<dyn Fn() + '_>)> = vec![
        (row("bare vfork and exec", 1), Box::new(|| bare(&place.program))),
        (row("posix_spawn (std `Command`)", 1), Box::new(|| posix_spawn(&place.program))),
        (row("a command in a session", 1), Box::new(in_session)),
        (rested("bare vfork and exec, after 1 ms of rest"), Box::new(|| bare(&place.program))),
        (rested("a command in a session, after 1 ms of rest"), Box::new(in_session)),
        (row("a sandbox for one command", 10), Box::new(one_shot)),
    ];
    if plain.is_some() {
        runs.push((row("the same without namespaces (a weaker plan)", 10), Box::new(without_namespaces)));
    }
    if bwrap.is_some() {
        runs.push((row("bubblewrap, closest arguments", 10), Box::new(|| bubblewrap(&place))));
    }
    for turn in 0..=TURNS {
        for (row, run) in &mut runs {
            let batch: Vec<Duration> = (0..(commands / TURNS / row.part).max(5))
                .map(|_| {
                    if !row.rest.is_zero() {
                        std::thread::sleep(row.rest);
                    }
                    let start = Instant::now();
                    run();
                    start.elapsed()
                })
                .collect();
            // The first turn warms up.
            if turn > 0 {
                row.turns.push(batch);
            }
        }
    }
    let micros = |d: Duration| d.as_nanos() as f64 / 1000.0;
    let at = |times: &[Duration], part: f64| {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        micros(sorted[((sorted.len() - 1) as f64 * part) as usize])
    };
    let best = |row: &Row| row.turns.iter().map(|turn| at(turn, 0.5)).fold(f64::INFINITY, f64::min);
    // The first row that rests as long is the bare one.
    let bare =
        |rest: Duration| runs.iter().map(|(row, _)| row).find(|row| row.rest == rest).map_or(f64::NAN, best);
    println!(
        "uid {}, {} commands a row (slow rows fewer); the session was built in {:.0} µs\n",
        rustix::process::geteuid().as_raw(),
        commands,
        micros(built)
    );
    println!("| µs | best | median | p90 | best / bare |\n|---|---|---|---|---|");
    for (row, _) in &runs {
        let all: Vec<Duration> = row.turns.concat();
        let name = row.name;
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} | {:.2} |",
            best(row),
            at(&all, 0.5),
            at(&all, 0.9),
            best(row) / bare(row.rest)
        );
    }
    match bwrap {
        Some(output) => println!("\n{}", String::from_utf8_lossy(&output.stdout).trim()),
        None => println!("| bubblewrap, closest arguments | not installed | | | |"),
    }
    drop(runs);
    session.end().unwrap();
}
