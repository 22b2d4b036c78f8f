//! In: what is emitted for bubblewrap, and bubblewrap itself. Out: a failure where the escape suite's attacks get out by a way that no
//! gap names, or an honest program breaks. Where there is no bubblewrap, or no C compiler, it is skipped.
//! Not here: the runtime's own sandbox (`confine/`), and the probes (`confine/probes.rs`), which both suites share.

#[path = "confine/probes.rs"]
mod probes;

use crate::harness::{self, run};
use probes::{KEPT, Line, Targets, build, contents, lay, lay_secret, parse};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Ways out that gaps name: the beginning of a probe's name, and why.
const NAMED: &[(&str, &str)] = &[
    ("limit_", "EP0708: nothing is limited"),
    ("unix_", "EP0707: sockets that can be seen can be connected to"),
    ("fd_", "bubblewrap hands descriptors on"),
    ("proc_", "bubblewrap's /proc shows and allows more than the runtime's"),
    ("env_proc_1_any", "EP0710: process 1 keeps the environment that it was started with"),
    ("dev_create", "bubblewrap's /dev is a file system that can be written"),
];

/// Honest work that the profile itself forbids: `@namespaces` has all of `unshare(2)`.
const FORBIDDEN_WORK: &[&str] = &["work_unshare_files"];

struct World {
    base: PathBuf,
    secret: PathBuf,
    victim: Child,
    ports: (u16, u16),
    name: String,
    /// Kept open: what the attacks try to reach.
    _listeners: Vec<Box<dyn std::any::Any>>,
}

impl World {
    fn new() -> Self {
        let id = format!("{}-bwrap", std::process::id());
        // Not in /tmp, which the profile makes private.
        let base = PathBuf::from(format!("/var/tmp/execpolicy-{id}"));
        lay(&base);
        let secret = PathBuf::from(format!("/tmp/execpolicy-secret-{id}"));
        lay_secret(&secret);
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let ports = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
        let name = format!("execpolicy-probe-{id}");
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let listeners: Vec<Box<dyn std::any::Any>> = vec![
            Box::new(tcp),
            Box::new(udp),
            Box::new(UnixListener::bind(base.join("outside/sock")).unwrap()),
            Box::new(UnixListener::bind(secret.join("sock")).unwrap()),
            Box::new(UnixListener::bind_addr(&address).unwrap()),
            Box::new(UnixDatagram::bind(base.join("outside/dsock")).unwrap()),
        ];
        let victim = Command::new("sleep").arg("600").env("VICTIM", "tok-en-value").spawn().unwrap();
        Self { base, secret, victim, ports, name, _listeners: listeners }
    }

    /// What the probes are told. There is nothing for them in shared memory.
    fn environment(&self) -> Vec<(&'static str, OsString)> {
        let targets = Targets {
            base: &self.base,
            secret: &self.secret,
            shm_file: Path::new("/dev/shm/execpolicy-none"),
            shm: (0, 0),
            tcp: self.ports.0,
            udp: self.ports.1,
            abstract_name: &self.name,
            victim: self.victim.id(),
        };
        targets.environment()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = std::fs::remove_dir_all(&self.base);
        let _ = std::fs::remove_dir_all(&self.secret);
    }
}

const POLICY: &str = "\
profile agent {
    read    /
    write   $WORKSPACE
    private /tmp, /run
    protect .git, .vscode, .idea, .agents
    deny    ~/.ssh, $WORKSPACE/**/.env
    network off
    syscalls deny @admin, @debug, @io-uring, @keyring, @mount, @namespaces, @personality, @setuid, @sockets, @terminal
}
";

fn there(program: &str) -> bool {
    let tried = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// As the test library calls it.
const TEST: &str = "bwrap::the_escape_suite_under_bubblewrap";

#[test]
fn the_escape_suite_under_bubblewrap() {
    if !there("bwrap") || !there("cc") {
        return harness::skip(TEST, "bubblewrap or a C compiler is not here");
    }
    let world = World::new();
    let program = world.base.join("probes");
    build(&program).unwrap();
    std::fs::write(world.base.join("agent.sandbox"), POLICY).unwrap();
    let words: Vec<String> = [
        "compile",
        "agent.sandbox",
        "--profile",
        "agent",
        "--workspace",
        "ws",
        "--home",
        "home",
        "--tmpdir",
        "/tmp",
        "--emit",
        "bwrap=agent.args,seccomp=agent.bpf",
        "-o",
        "agent.epc",
        "--quiet",
    ]
    .map(str::to_owned)
    .into();
    let (output, status) = run::run(&words, &world.base);
    assert_eq!(status, 0, "{output}");
    let text = std::fs::read_to_string(world.base.join("agent.args")).unwrap();
    let mut arguments: Vec<String> = text.lines().map(str::to_owned).collect();
    for (name, value) in world.environment() {
        arguments.extend(["--setenv".to_owned(), name.to_owned(), value.into_string().unwrap()]);
    }
    arguments.extend(["--chdir".to_owned(), world.base.join("ws").to_string_lossy().into_owned()]);
    std::fs::write(world.base.join("all.args"), arguments.join("\0") + "\0").unwrap();
    let before = contents(&world.base, &KEPT);
    let ran = Command::new("sh")
        .args(["-c", "exec bwrap --args 3 --seccomp 4 -- \"$0\" 3<all.args 4<agent.bpf"])
        .arg(&program)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(&world.base)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&ran.stdout);
    if report.is_empty() {
        let why = String::from_utf8_lossy(&ran.stderr).into_owned();
        // A host without user namespaces; anything else is a fault of the arguments.
        assert!(why.contains("namespace") || why.contains("ermission"), "{why}");
        return harness::skip(TEST, &why);
    }
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut named = Vec::new();
    let lines = parse(&report);
    for Line { name, attack, result, errno } in &lines {
        *counts.entry((if *attack { "attack" } else { "work" }, result)).or_default() += 1;
        let bad = matches!((attack, result.as_str()), (true, "ESCAPED" | "DIED") | (false, "BROKEN"));
        if bad && *attack && NAMED.iter().any(|(prefix, _)| name.starts_with(prefix)) {
            named.push(name);
        } else if bad && !FORBIDDEN_WORK.contains(&name.as_str()) {
            faults.push(format!("{name} {result} {errno}"));
        }
    }
    for (path, content) in contents(&world.base, &KEPT) {
        if before.get(&path) != Some(&content) {
            faults.push(format!("{} has changed", path.display()));
        }
    }
    println!("{counts:?}\nby named gaps: {named:?}");
    assert!(counts.values().sum::<usize>() > 200, "{report}");
    assert!(faults.is_empty(), "{}\n{counts:?}\nby named gaps: {named:?}", faults.join("\n"));
}
