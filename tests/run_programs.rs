//! In: real programs, under the standard library's compiled profiles, by `execpolicy sandbox` and `execpolicy run`. Out: a failure
//! for each that does not work, or that does what its profile forbids.
//! Not here: attacks (`tests/confine/`), and profiles on random trees (`confine_model.rs`).
//!
//! What is not installed is skipped, named and counted on standard error.
#![cfg(target_os = "linux")]

use crate::harness::{self, run::PROGRAM};
use execpolicy_confine::Helper;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Where an ordinary user's workspaces are, and that user's copy of the program.
const BASE: &str = "EXECPOLICY_TEST_BASE";

fn program() -> PathBuf {
    std::env::var_os(BASE).map_or_else(|| PathBuf::from(PROGRAM), |base| Path::new(&base).join("program"))
}

/// Everything once more, as a user who owns nothing else.
#[test]
fn all_of_it_as_an_ordinary_user() {
    // Not where profiles make directories private, and not in anybody's home.
    let base = PathBuf::from(format!("/opt/execpolicy-programs-{}", std::process::id()));
    if fs::create_dir(&base).is_err() {
        return skip("this user cannot become one");
    }
    let tests = base.join("tests");
    fs::copy(std::env::current_exe().unwrap(), &tests).unwrap();
    fs::copy(PROGRAM, base.join("program")).unwrap();
    std::os::unix::fs::chown(&base, Some(61234), Some(61234)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=61234", "--regid=61234", "--clear-groups", "--inh-caps=-all"])
        .arg(&tests)
        .args(["run_programs::", "--skip", "as_an_ordinary_user", "--nocapture"])
        .env(BASE, &base)
        // That user cannot write there.
        .env_remove(harness::SKIPS)
        .env("HOME", &base)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir(&base)
        .output();
    fs::remove_dir_all(&base).unwrap();
    match output {
        Ok(output) => {
            for line in String::from_utf8_lossy(&output.stderr).lines() {
                if let Some(line) = line.strip_prefix(harness::SKIPPED) {
                    harness::skip_part("run_programs", "as an ordinary user", line);
                }
            }
            assert!(output.status.success(), "{}", text(&output));
        }
        Err(why) => skip(&why.to_string()),
    }
}

/// A directory that profiles do not make private: Cargo's own, unless this copy of the project lies in one for temporary files.
fn shared() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let private =
        ["/tmp", "/var/tmp", "/run", "/dev/shm"].map(PathBuf::from).into_iter().chain([std::env::temp_dir()]);
    if private.into_iter().all(|directory| !own.starts_with(directory)) {
        return own;
    }
    std::env::home_dir().unwrap_or_else(|| PathBuf::from("/var/lib")).join(".cache/execpolicy-tests")
}

/// A workspace that goes away.
struct Ground {
    base: PathBuf,
    work: PathBuf,
}

impl Ground {
    /// `None`, loudly, where no sandbox can be built.
    fn new() -> Option<Self> {
        if let Err(why) = execpolicy_confine::detect(&Helper::at(&program()).unwrap()) {
            skip(&why.to_string());
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Not in /tmp or /var/tmp, which are the sandbox's own.
        let around = std::env::var_os(BASE).map_or_else(shared, PathBuf::from);
        let base = around.join(format!("{}-{number}", std::process::id()));
        let work = base.join("work");
        fs::create_dir_all(&work).unwrap();
        fs::create_dir_all(base.join("home")).unwrap();
        Some(Self { base, work })
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.work.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// On the host.
    fn host(&self, script: &str) {
        let output = self.command("/bin/sh").args(["-ec", script]).output().unwrap();
        assert!(output.status.success(), "{script}: {}", text(&output));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.work)
            .env("HOME", self.base.join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "me")
            .env("GIT_AUTHOR_EMAIL", "me@example.org")
            .env("GIT_COMMITTER_NAME", "me")
            .env("GIT_COMMITTER_EMAIL", "me@example.org")
            .stdin(Stdio::null());
        command
    }

    /// A script in a profile.
    fn sandbox(&self, profile: &str, script: &str) -> Output {
        self.confined(&["sandbox", "--profile", profile, "--", "bash", "-ec", script])
    }

    fn confined(&self, words: &[&str]) -> Output {
        self.command(program().to_str().unwrap()).args(words).output().unwrap()
    }

    /// It works, and says this.
    fn works(&self, profile: &str, script: &str, wanted: &str) {
        let output = self.sandbox(profile, script);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(wanted), "{profile}: {script}\n{}", text(&output));
    }

    /// It fails, and complains like this.
    fn fails(&self, profile: &str, script: &str, wanted: &str) {
        let output = self.sandbox(profile, script);
        assert!(!output.status.success(), "{profile}: {script}\n{}", text(&output));
        assert!(text(&output).contains(wanted), "{profile}: {script}\n{}", text(&output));
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let left: Vec<PathBuf> = placeholders(&self.work);
        let _ = fs::remove_dir_all(&self.base);
        assert!(left.is_empty() || std::thread::panicking(), "placeholders were left: {left:?}");
    }
}

fn placeholders(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| execpolicy_confine::is_placeholder(path)).collect()
}

fn text(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// This test cannot run here. The test library names its threads after the tests.
fn skip(why: &str) {
    harness::skip(std::thread::current().name().unwrap_or("run_programs"), why);
}

/// Whether a program is there for an ordinary sandbox: below a directory that everybody may read.
fn has(program: &str) -> bool {
    let found = ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|at| Path::new(at).join(program).exists());
    if !found {
        skip(&format!("{program} is not in /usr/local/bin, /usr/bin or /bin"));
    }
    found
}

const PLAIN: &str = "export PATH=/usr/local/bin:/usr/bin:/bin; ";

#[test]
fn shells_compilers_and_make() {
    let Some(ground) = Ground::new() else { return };
    ground.works(
        "workspace-write",
        "sleep 5 & jobs; kill %1; wait; set -m; sleep 0.1 & fg; echo done",
        "done",
    );
    if has("script") {
        ground.works("workspace-write", "script -qec 'tty; echo in a terminal' /dev/null", "in a terminal");
    }
    if has("cc") && has("make") {
        ground.write("a.c", "int f(void); int main(void) { return f(); }\n");
        ground.write("b.c", "int f(void) { return 0; }\n");
        ground.write("Makefile", "all: a.o b.o\n\tcc -o all a.o b.o\n\t./all\n%.o: %.c\n\tcc -c -o $@ $<\n");
        ground.works("workspace-write", &format!("{PLAIN} make -j4 && echo built"), "built");
        ground.fails("read-only", &format!("{PLAIN} touch a.c"), "Read-only file system");
    }
}

#[test]
fn python() {
    let Some(ground) = Ground::new() else { return };
    if !Path::new("/usr/bin/python3").exists() {
        return skip("python3 is not in /usr/bin");
    }
    ground.write(
        "all.py",
        "import asyncio, multiprocessing, sqlite3, tempfile, socket, threading\n\
         async def echo():\n\
         \x20   server = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0)\n\
         \x20   r, w = await asyncio.open_connection(*server.sockets[0].getsockname())\n\
         \x20   await r.read(); server.close()\n\
         def square(n): return n * n\n\
         if __name__ == '__main__':\n\
         \x20   asyncio.run(echo())\n\
         \x20   with multiprocessing.Pool(4) as pool: assert pool.map(square, range(9))[8] == 64\n\
         \x20   a = sqlite3.connect('a.db'); a.execute('pragma journal_mode=wal'); a.execute('create table t(x)')\n\
         \x20   a.commit(); b = sqlite3.connect('a.db'); b.execute('insert into t values(1)'); b.commit()\n\
         \x20   assert a.execute('select x from t').fetchall() == [(1,)]\n\
         \x20   with tempfile.NamedTemporaryFile() as f: f.write(b'x')\n\
         \x20   print('all of it')\n",
    );
    ground.works("workspace-write", &format!("{PLAIN} python3 all.py"), "all of it");
    let venv = ground.sandbox(
        "workspace-write",
        &format!("{PLAIN} python3 -m venv --without-pip v && v/bin/python -c 'print(6*7)'"),
    );
    if text(&venv).contains("ensurepip") {
        harness::skip_part("run_programs::python", "venv", "python3-venv is not installed");
    } else {
        assert!(venv.status.success() && text(&venv).contains("42"), "{}", text(&venv));
    }
    ground.fails(
        "workspace-write",
        &format!("{PLAIN} python3 -c 'import socket; socket.create_connection((\"192.0.2.1\", 80), 3)'"),
        "Network is unreachable",
    );
}

#[test]
fn node_and_npm() {
    let Some(ground) = Ground::new() else { return };
    if !has("node") {
        return;
    }
    ground.write(
        "all.js",
        "const { Worker, isMainThread, parentPort } = require('worker_threads');\n\
         if (!isMainThread) { parentPort.postMessage(42); } else {\n\
         const { execFileSync } = require('child_process'); const http = require('http');\n\
         if (execFileSync('echo', ['hi']).toString() !== 'hi\\n') throw 1;\n\
         new Worker(__filename).on('message', n => {\n\
         const s = http.createServer((q, r) => r.end('served ' + n)).listen(0, '127.0.0.1', () =>\n\
         http.get({ port: s.address().port, host: '127.0.0.1' }, r => { r.pipe(process.stdout); s.close(); })); }); }\n",
    );
    ground.works("workspace-write", &format!("{PLAIN} node all.js"), "served 42");
    if has("npm") {
        ground.write("package.json", r#"{"name":"x","version":"1.0.0","scripts":{"hello":"node -p 6*7"}}"#);
        ground.works("workspace-write", &format!("{PLAIN} npm run hello --silent"), "42");
    }
}

#[test]
fn cargo_offline() {
    let Some(ground) = Ground::new() else { return };
    let tool = |name: &str| {
        let output = Command::new("rustup").args(["which", name]).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let (Some(cargo), Some(rustc)) = (tool("cargo"), tool("rustc")) else {
        return skip("rustup does not say where cargo is");
    };
    if fs::metadata(&cargo).is_err() {
        return skip("cargo is in another user's home");
    }
    ground.write(
        "p/Cargo.toml",
        "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
    );
    ground.write("p/src/main.rs", "fn main() { println!(\"{}\", 6 * 7); }\n");
    let script = format!("export RUSTC={rustc} CARGO_HOME=$PWD/cargo; cd p; {cargo} run --quiet --offline");
    ground.works("workspace-write", &script, "42");
}

#[test]
fn git_in_both_profiles() {
    let Some(ground) = Ground::new() else { return };
    if !has("git") {
        return;
    }
    ground.host("git init -q -b main . && echo a > a && git add a && git commit -qm one && git config user.name me && git config user.email me@example.org");
    ground.works("workspace-write", "git status --short; git log --oneline; git diff; echo fine", "fine");
    ground.fails("workspace-write", "echo b > b; git add b", "Read-only file system");
    ground.works("workspace-commit", "echo b > b; git add b; git commit -qm two; git log --oneline", "two");
    ground.works(
        "workspace-commit",
        "git checkout -qb side; git stash list; git branch -d side 2>/dev/null || git branch",
        "side",
    );
    // What runs on the host later cannot be written.
    ground.fails("workspace-commit", "echo x > .git/hooks/pre-commit", "Read-only file system");
    ground.fails("workspace-commit", "git config core.fsmonitor x", "Device or resource busy");
    ground.fails("workspace-commit", "mv .git/hooks .git/old", "Device or resource busy");
    ground.fails("workspace-commit", "mv .git old", "Device or resource busy");
    ground.host("git fsck && git checkout -q main && git worktree add -q ../tree");

    // A worktree's commits go into the repository it belongs to; that one's hooks stay closed.
    let tree = Ground { base: ground.base.join("elsewhere"), work: ground.base.join("tree") };
    fs::create_dir_all(tree.base.join("home")).unwrap();
    tree.host("git config user.name me; git config user.email me@example.org");
    tree.works("workspace-commit", "echo c > c; git add c; git commit -qm three; git log --oneline", "three");
    tree.fails("workspace-commit", "echo x > ../work/.git/hooks/post-commit", "Read-only file system");
    tree.fails("workspace-commit", "echo x >> ../work/.git/config", "Read-only file system");
    tree.fails("workspace-commit", "echo x > ../work/a", "Read-only file system");
    tree.fails("workspace-commit", "echo gitdir: /nowhere > .git", "Read-only file system");
    tree.fails("workspace-write", "echo d > d; git add d", "Read-only file system");
    ground.host("git log --oneline tree | grep three && git fsck");
}

#[test]
fn git_fetches_clones_and_begins() {
    let Some(ground) = Ground::new() else { return };
    if !has("git") {
        return;
    }
    ground.host("git init -q -b main up && cd up && echo a > a && git add a && git commit -qm one");
    ground.host("git clone -q up down && cd up && echo b > a && git commit -qam newer");
    let inner = [
        "sandbox",
        "--profile",
        "workspace-commit",
        "--workspace",
        "down",
        "--",
        "git",
        "-C",
        "down",
        "fetch",
        "-q",
    ];
    let output = ground.confined(&inner);
    assert!(output.status.success(), "{}", text(&output));
    ground.host("git -C down log origin/main --oneline | grep newer");
    // New repositories are fine; what would run in them on the host is not.
    ground.works(
        "workspace-write",
        "git init -q fresh && git clone -q up copy && git -C copy log --oneline",
        "newer",
    );
    assert!(ground.work.join("fresh/.git/HEAD").exists() && ground.work.join("copy/.git/config").exists());
    let output = ground.sandbox(
        "workspace-write",
        "git init -q evil; echo 'x' > evil/.git/hooks/pre-commit; git -C evil config core.pager x",
    );
    assert!(text(&output).contains("a git hook, which runs on the host"), "{}", text(&output));
    assert!(text(&output).contains("git configuration that may run code: core.pager"), "{}", text(&output));
    assert!(!ground.work.join("evil/.git/hooks/pre-commit").exists());
}

#[test]
fn a_forged_worktree_opens_no_other_repository() {
    let Some(ground) = Ground::new() else { return };
    if !has("git") {
        return;
    }
    // The workspace's `.git` file points into a repository that does not know this workspace.
    ground.host("git init -q ../other && cd ../other && echo a > a && git add a && git commit -qm one && git worktree add -q ../real");
    ground.write(".git", &format!("gitdir: {}\n", ground.base.join("other/.git/worktrees/real").display()));
    ground.fails("workspace-commit", "echo x > ../other/.git/new", "Read-only file system");
    assert!(!ground.base.join("other/.git/new").exists());
}

#[test]
fn protected_names_come_back_from_quarantine_only() {
    let Some(ground) = Ground::new() else { return };
    let output = ground.sandbox(
        "workspace-write",
        "mkdir -p deep/.vscode; echo x > deep/.vscode/tasks.json; echo y > p.rules; echo T > .env",
    );
    let said = text(&output);
    for path in ["deep/.vscode", "p.rules"] {
        assert!(!ground.work.join(path).exists(), "{path}\n{said}");
        assert!(ground.work.join(format!("{path}.execpolicy-quarantine")).exists(), "{path}\n{said}");
    }
    // A file that a wildcard denies is reported and stays: it may be the user's.
    assert!(
        said.contains(".env: a profile's wildcard matches it") && ground.work.join(".env").exists(),
        "{said}"
    );
    ground.fails("workspace-write", "mkdir .vscode/x", "Read-only file system");
    assert!(!ground.work.join(".vscode").exists());
}

#[test]
fn a_command_cannot_pass_off_its_files_as_ours() {
    let Some(ground) = Ground::new() else { return };
    if !Path::new("/usr/bin/python3").exists() {
        return skip("python3 is not in /usr/bin");
    }
    // The mark of a placeholder, and the ending of what is in quarantine.
    let forge = "mkdir -p a/.vscode 'b.execpolicy-quarantine/.vscode' c/.vscode; echo x > a/.vscode/tasks.json; \
                 /usr/bin/python3 -c \"import os\nfor d in 'a', 'c': os.setxattr(d + '/.vscode', 'user.execpolicy.placeholder', b'1')\"";
    let output = ground.sandbox("workspace-write", forge);
    if text(&output).contains("not supported") {
        return skip("no extended attributes here");
    }
    assert!(output.status.success(), "{}", text(&output));
    assert!(!ground.work.join("a/.vscode").exists(), "{}", text(&output));
    assert!(!ground.work.join("b.execpolicy-quarantine/.vscode").exists(), "{}", text(&output));
    // What is marked and empty was left, and cannot be filled by a later command either.
    ground.sandbox("workspace-write", "echo x > c/.vscode/tasks.json");
    assert!(!ground.work.join("c/.vscode/tasks.json").exists());
    assert!(ground.work.join("c/.vscode.execpolicy-quarantine/tasks.json").exists());
}

#[test]
fn odd_workspaces_work_or_are_refused() {
    let Some(ground) = Ground::new() else { return };
    let run = |workspace: &Path, script: &str| {
        ground
            .command(program().to_str().unwrap())
            .args(["sandbox", "--profile", "workspace-write", "--workspace"])
            .arg(workspace)
            .args(["--", "sh", "-c", script])
            .output()
            .unwrap()
    };
    let good = |workspace: &Path| {
        let output = run(workspace, "cd \"$1\" 2>/dev/null; touch made && rm made && echo written");
        assert!(output.status.code() == Some(0) || output.status.code() == Some(1), "{}", text(&output));
    };
    let newline = ground.base.join("a\nb");
    let bytes = ground.base.join(std::ffi::OsString::from_vec(b"caf\xe9 x".to_vec()));
    for directory in [&newline, &bytes] {
        fs::create_dir(directory).unwrap();
        fs::write(directory.join(".env"), "T").unwrap();
        good(directory);
        let mut command = ground.command(program().to_str().unwrap());
        command.current_dir(directory).args(["sandbox", "--profile", "workspace-write", "--"]);
        let output = command.args(["sh", "-c", "touch made && cat .env"]).output().unwrap();
        assert!(text(&output).contains("Permission denied"), "{}", text(&output));
        assert!(directory.join("made").exists(), "{}", text(&output));
    }
    symlink(&ground.work, ground.base.join("link")).unwrap();
    let output = run(&ground.base.join("link"), "touch through");
    assert!(output.status.success() && ground.work.join("through").exists(), "{}", text(&output));
    for (workspace, why) in [
        (Path::new("/"), "the whole file system"),
        (&ground.base.join("nothing"), "No such file"),
        (&ground.work.join("through"), "not a directory"),
    ] {
        let output = run(workspace, "true");
        assert_eq!(output.status.code(), Some(126), "{}", text(&output));
        assert!(
            text(&output).contains(why) && text(&output).contains("--workspace DIR"),
            "{}",
            text(&output)
        );
    }
    // The home directory: what is secret in it is masked, what is a shell's is not written.
    let home = ground.base.join("home");
    fs::create_dir(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/id"), "key").unwrap();
    fs::write(home.join(".bashrc"), "# mine").unwrap();
    let output = run(&home, "cat ~/.ssh/id; echo x >> ~/.bashrc; touch ~/made");
    assert!(
        text(&output).contains("Permission denied") && text(&output).contains("Read-only"),
        "{}",
        text(&output)
    );
    assert!(home.join("made").exists());
}

#[test]
fn odd_repositories_work_or_are_refused() {
    let Some(ground) = Ground::new() else { return };
    fs::create_dir(ground.base.join("real.git")).unwrap();
    symlink(ground.base.join("real.git"), ground.work.join(".git")).unwrap();
    let output = ground.sandbox("workspace-write", "true");
    assert_eq!(output.status.code(), Some(126), "{}", text(&output));
    assert!(
        text(&output).contains("is a symbolic link")
            && text(&output).contains("protected") | text(&output).contains("protect .git"),
        "{}",
        text(&output)
    );
    fs::remove_file(ground.work.join(".git")).unwrap();
    ground.write(".git", "gitdir: ../real.git\n");
    ground.fails("workspace-write", "echo gitdir: /tmp/x > .git", "Read-only file system");
    ground.fails("workspace-write", "rm .git", "Device or resource busy");
}

#[test]
fn a_network_list_and_a_memory_limit_are_refused() {
    let Some(ground) = Ground::new() else { return };
    ground.write("p/a.sandbox", "profile net extends read-only {\n    network allow example.org:443\n}\nprofile mem extends read-only {\n    limit memory 1GiB\n}\nprofile some extends read-only {\n    limit memory 1GiB\n    accept gap limits\n}\n");
    for (profile, why) in [("net", "need a proxy"), ("mem", "delegated cgroup")] {
        let output = ground.confined(&["sandbox", "--sandbox", "p", "--profile", profile, "--", "true"]);
        assert_eq!(output.status.code(), Some(126), "{}", text(&output));
        assert!(text(&output).contains(why) && text(&output).contains("a.sandbox:"), "{}", text(&output));
    }
    let output = ground.confined(&["sandbox", "--sandbox", "p", "--profile", "some", "--", "true"]);
    assert!(output.status.success() && text(&output).contains("accept gap"), "{}", text(&output));
}

#[test]
fn statuses_signals_and_closed_descriptors() {
    let Some(ground) = Ground::new() else { return };
    for (script, status) in [("exit 0", 0), ("exit 126", 126), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
        assert_eq!(ground.sandbox("read-only", script).status.code(), Some(status), "{script}");
    }
    let line =
        ["-c", "exec 3>status; \"$0\" sandbox --profile read-only --status-fd 3 -- sh -c 'exit 126' <&-"];
    let output = ground.command("/bin/sh").args(line).arg(program()).output().unwrap();
    assert_eq!(output.status.code(), Some(126), "{}", text(&output));
    let status = fs::read_to_string(ground.work.join("status")).unwrap();
    let lines: Vec<serde_json::Value> =
        status.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "ended"], "{status}");
    assert_eq!(lines[0]["profile"], "read-only");
    assert!(lines[0]["enforcement"].as_array().unwrap().iter().any(|clause| clause["given"] == "prevented"));
    assert_eq!(lines[1]["status"], 126);
    let refused = ["-c", "exec 3>status; \"$0\" run --status-fd 3 -- rm -rf /"];
    let output = ground.command("/bin/sh").args(refused).arg(program()).output().unwrap();
    assert_eq!(output.status.code(), Some(126), "{}", text(&output));
    let status = fs::read_to_string(ground.work.join("status")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!((line["event"].as_str(), line["reason"].as_str()), (Some("refused"), Some("forbidden")));
    assert!(line["rule"]["line"].is_number(), "{status}");
}

#[test]
fn rules_place_commands() {
    let Some(ground) = Ground::new() else { return };
    ground.write(
        "p/a.sandbox",
        "profile scratch extends read-only {\n    write $WORKSPACE/out\n}\ndefault read-only\n",
    );
    ground.write(
        "p/a.rules",
        "sandbox_rule(pattern = [\"touch\"], profile = \"scratch\")\nsandbox_rule(pattern = [\"mkdir\"], profile = \"unconfined\")\n",
    );
    fs::create_dir(ground.work.join("out")).unwrap();
    let run = |words: &[&str]| ground.confined(&[&["run", "--rules", "p", "--"], words].concat());
    let output = run(&["touch", "out/a"]);
    assert!(output.status.success() && ground.work.join("out/a").exists(), "{}", text(&output));
    let output = run(&["touch", "b"]);
    assert!(text(&output).contains("Read-only file system"), "{}", text(&output));
    // Nothing places it, so it runs in the default, and says what would be needed.
    let output = run(&["cp", "out/a", "out/c"]);
    assert!(
        text(&output).contains("`read-only`") && !ground.work.join("out/c").exists(),
        "{}",
        text(&output)
    );
    let output = run(&["mkdir", "free"]);
    assert!(text(&output).contains("unconfined") && ground.work.join("free").exists(), "{}", text(&output));
    // The compiled policy says the same; a profile on the command line counts before a rule.
    ground.host(&format!("{} compile -q -o p.epc p", program().display()));
    let output = ground.confined(&["run", "--policy", "p.epc", "--", "touch", "out/d"]);
    assert!(output.status.success() && ground.work.join("out/d").exists(), "{}", text(&output));
    let output =
        ground.confined(&["run", "--policy", "p.epc", "--profile", "read-only", "--", "mkdir", "more"]);
    assert!(text(&output).contains("Read-only file system"), "{}", text(&output));
    let output =
        ground.confined(&["run", "--policy", "p.epc", "--profile", "unconfined", "--", "mkdir", "more"]);
    assert_eq!(output.status.code(), Some(126), "{}", text(&output));
}

#[test]
fn the_doctor_tries_every_profile() {
    let Some(ground) = Ground::new() else { return };
    let output = ground.confined(&["doctor", "--json"]);
    assert!(output.status.success(), "{}", text(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["host"]["sandboxes"], true);
    let profiles = report["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 4);
    assert!(profiles.iter().all(|profile| profile["enforced"] == true), "{report}");
    ground.write("a.sandbox", "profile net extends read-only {\n    network allow example.org:443\n}\n");
    let output = ground.confined(&["doctor", "--sandbox", "a.sandbox", "--profile", "net"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(
        text(&output).contains("net: refused") && text(&output).contains("to change it: "),
        "{}",
        text(&output)
    );
}
