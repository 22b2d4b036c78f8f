//! The probe program (`probes.c`): built, told what to attack, and heard; and the files that it attacks.
//!
//! In: a directory. Out: files in it, a program, what its report says. Shared by this suite and the one under bubblewrap
//! (`../bwrap.rs`, in a package that has no unsafe code, so it cannot have the whole of `world.rs`). Not here: listeners, processes, plans.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What must stay as it is, below the base.
pub const KEPT: [&str; 6] = ["outside", "home", "ws/.git", "ws/sub/.git", "ws/.env", "ws/a/b/.env"];

/// Makes the files: a workspace with repositories and secrets, what lies outside of it, a home.
pub fn lay(base: &Path) {
    for directory in [
        "ws/.git/hooks",
        "ws/.git/empty",
        "ws/sub/.git/hooks",
        "ws/a/b",
        "ws/swap",
        "outside/empty",
        "home/.ssh",
    ] {
        fs::create_dir_all(base.join(directory)).unwrap();
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
        fs::write(base.join(file), text).unwrap();
    }
    symlink("../outside/file", base.join("ws/link-out")).unwrap();
}

/// Makes the secret in a directory that lies in /tmp.
pub fn lay_secret(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("secret"), "secret").unwrap();
}

/// Names and contents below some parts of the base; a file that cannot be read has none.
pub fn contents(base: &Path, parts: &[&str]) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    fn add(path: PathBuf, found: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
        for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
            add(entry.path(), found);
        }
        let Ok(meta) = path.symlink_metadata() else { return };
        let content = meta.is_file().then(|| fs::read(&path).ok()).flatten();
        found.insert(path, content);
    }
    let mut found = BTreeMap::new();
    parts.iter().for_each(|part| add(base.join(part), &mut found));
    found
}

/// What stands on the host for the probes to reach, besides the files of [`lay`].
pub struct Targets<'w> {
    /// The base of [`lay`], and the directory of [`lay_secret`], in which a socket listens too.
    pub base: &'w Path,
    pub secret: &'w Path,
    /// A file in /dev/shm.
    pub shm_file: &'w Path,
    /// A System V segment: its key and its id.
    pub shm: (i32, i32),
    /// Ports that listen on the loopback interface.
    pub tcp: u16,
    pub udp: u16,
    /// The name of a UNIX socket without a file.
    pub abstract_name: &'w str,
    /// A process with a secret in its environment.
    pub victim: u32,
}

impl Targets<'_> {
    /// What the probes are told.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let home = self.base.join("home").into_os_string();
        vec![
            ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
            ("HOME", home.clone()),
            ("PROBE_WS", self.base.join("ws").into()),
            ("PROBE_OUTSIDE", self.base.join("outside").into()),
            ("PROBE_HOME", home),
            ("PROBE_TMP_SECRET", self.secret.join("secret").into()),
            ("PROBE_TMP_SOCKET", self.secret.join("sock").into()),
            ("PROBE_DEVSHM", self.shm_file.into()),
            ("PROBE_TCP", self.tcp.to_string().into()),
            ("PROBE_UDP", self.udp.to_string().into()),
            ("PROBE_ABSTRACT", self.abstract_name.into()),
            ("PROBE_VICTIM", self.victim.to_string().into()),
            ("PROBE_SHM", self.shm.0.to_string().into()),
            ("PROBE_SHM_ID", self.shm.1.to_string().into()),
            ("PROBE_UID", rustix::process::geteuid().as_raw().to_string().into()),
        ]
    }
}

/// Compiles the probe program.
pub fn build(program: &Path) -> Result<(), String> {
    let source = std::env::temp_dir().join(format!("execpolicy-probes-{}.c", std::process::id()));
    fs::write(&source, include_str!("probes.c")).map_err(|e| e.to_string())?;
    let output = Command::new("cc")
        .args(["-O1", "-static", "-pthread", "-w", "-o"])
        .arg(program)
        .arg(&source)
        .output()
        .map_err(|e| format!("cc: {e}"))?;
    let _ = fs::remove_file(&source);
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

/// What one probe reports.
pub struct Line {
    pub name: String,
    /// Or else it is honest work.
    pub attack: bool,
    /// `BLOCKED`, `ESCAPED`, `SKIP`, `DIED`; of work `OK`, `BROKEN`.
    pub result: String,
    pub errno: String,
}

/// Reads a report; what is no line of one is passed over.
pub fn parse(report: &str) -> Vec<Line> {
    let lines = report.lines().filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, kind, result, errno] = words[..] else { return None };
        Some(Line { name: name.into(), attack: kind == "attack", result: result.into(), errno: errno.into() })
    });
    lines.collect()
}
