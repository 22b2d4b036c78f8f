//! In: what is emitted for bubblewrap, and bubblewrap itself. Out: a failure where the escape suite's attacks get out by a way that no
//! gap names, or an honest program breaks. Where there is no bubblewrap, or no C compiler, it says SKIPPED.
//! Not here: the runtime's own sandbox (`confine/`), whose probes these are.

use crate::harness::{root, run};
use std::collections::BTreeMap;
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
        for directory in [
            "ws/.git/hooks",
            "ws/.git/empty",
            "ws/sub/.git/hooks",
            "ws/a/b",
            "ws/swap",
            "outside/empty",
            "home/.ssh",
        ] {
            std::fs::create_dir_all(base.join(directory)).unwrap();
        }
        for (file, text) in [
            ("ws/file.txt", "hello world"),
            ("ws/.env", "TOKEN=secret"),
            ("ws/a/b/.env", "TOKEN=secret"),
            ("ws/.git/config", "[core]\n\tbare = false\n"),
            ("ws/sub/.git/config", "[core]\n\tbare = false\n"),
            ("outside/file", "precious"),
            ("home/.ssh/id_rsa", "-----BEGIN KEY-----"),
            ("home/.bashrc", "# mine"),
        ] {
            std::fs::write(base.join(file), text).unwrap();
        }
        std::os::unix::fs::symlink("../outside/file", base.join("ws/link-out")).unwrap();
        let secret = PathBuf::from(format!("/tmp/execpolicy-secret-{id}"));
        std::fs::create_dir_all(&secret).unwrap();
        std::fs::write(secret.join("secret"), "secret").unwrap();
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

    /// What the probes are told.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |p: PathBuf| p.to_string_lossy().into_owned();
        vec![
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("HOME", path(self.base.join("home"))),
            ("PROBE_WS", path(self.base.join("ws"))),
            ("PROBE_OUTSIDE", path(self.base.join("outside"))),
            ("PROBE_HOME", path(self.base.join("home"))),
            ("PROBE_TMP_SECRET", path(self.secret.join("secret"))),
            ("PROBE_TMP_SOCKET", path(self.secret.join("sock"))),
            ("PROBE_DEVSHM", "/dev/shm/execpolicy-none".to_owned()),
            ("PROBE_TCP", self.ports.0.to_string()),
            ("PROBE_UDP", self.ports.1.to_string()),
            ("PROBE_ABSTRACT", self.name.clone()),
            ("PROBE_VICTIM", self.victim.id().to_string()),
            ("PROBE_SHM", "0".to_owned()),
            ("PROBE_SHM_ID", "0".to_owned()),
            ("PROBE_UID", rustix::process::geteuid().as_raw().to_string()),
        ]
    }

    /// What must not change: names and contents.
    fn state(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        fn add(path: &Path, out: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
            let Ok(data) = path.symlink_metadata() else { return };
            out.insert(path.to_path_buf(), data.is_file().then(|| std::fs::read(path).unwrap_or_default()));
            for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
                add(&entry.path(), out);
            }
        }
        let mut out = BTreeMap::new();
        for part in ["outside", "home", "ws/.git", "ws/sub/.git", "ws/.env", "ws/a/b/.env"] {
            add(&self.base.join(part), &mut out);
        }
        out
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

#[test]
fn the_escape_suite_under_bubblewrap() {
    if !there("bwrap") || !there("cc") {
        println!("SKIPPED: bubblewrap or a C compiler is not here");
        return;
    }
    let world = World::new();
    let program = world.base.join("probes");
    let built = Command::new("cc")
        .args(["-O1", "-static", "-pthread", "-w", "-o"])
        .arg(&program)
        .arg(root().join("tests/confine/probes.c"))
        .status();
    assert!(built.unwrap().success());
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
        arguments.extend(["--setenv".to_owned(), name.to_owned(), value]);
    }
    arguments.extend(["--chdir".to_owned(), world.base.join("ws").to_string_lossy().into_owned()]);
    std::fs::write(world.base.join("all.args"), arguments.join("\0") + "\0").unwrap();
    let before = world.state();
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
        println!("SKIPPED: {why}");
        return;
    }
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut named = Vec::new();
    for line in report.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, kind, result, errno] = words[..] else { continue };
        *counts
            .entry((if kind == "attack" { "attack" } else { "work" }, result_word(result)))
            .or_default() += 1;
        let bad = matches!((kind, result), ("attack", "ESCAPED" | "DIED") | ("work", "BROKEN"));
        if bad && kind == "attack" && NAMED.iter().any(|(prefix, _)| name.starts_with(prefix)) {
            named.push(name.to_owned());
        } else if bad && !FORBIDDEN_WORK.contains(&name) {
            faults.push(format!("{name} {result} {errno}"));
        }
    }
    for (path, content) in world.state() {
        if before.get(&path) != Some(&content) {
            faults.push(format!("{} has changed", path.display()));
        }
    }
    println!("{counts:?}\nby named gaps: {named:?}");
    assert!(counts.values().sum::<usize>() > 200, "{report}");
    assert!(faults.is_empty(), "{}\n{counts:?}\nby named gaps: {named:?}", faults.join("\n"));
}

fn result_word(word: &str) -> &'static str {
    ["BLOCKED", "ESCAPED", "SKIP", "OK", "BROKEN", "DIED"]
        .into_iter()
        .find(|known| *known == word)
        .unwrap_or("?")
}
