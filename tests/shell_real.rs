//! The shells of this machine as judges of many short scripts.
//!
//! In: scripts that call `foo`. Out: every argv that `foo` gets in bash, bash as `sh`, dash, busybox, zsh or mksh (as `sh`) must be covered by the analysis.
//! A shell that is missing is named. Not here: the scripts
//! (`shell_expansions.rs`, `shell_lexing.rs`, `shell_state.rs`, `shell_evaluations.rs`).
//!
//! Each run takes a part of the scripts; `SHELL_GRIDS=1` takes all of them, `SHELL_GRIDS_SHELL=dash` one shell.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use execpolicy_compiler::policy::tools::Tools;
use execpolicy_shell::{Dialect, Limits, analyse};

use crate::shell_soundness::{Covered, covered};

pub struct Shell {
    pub name: &'static str,
    program: PathBuf,
    /// Under which name it is started, and its own first words.
    start: &'static [&'static str],
    pub dialect: Dialect,
}

fn shells() -> Vec<Shell> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let only = std::env::var("SHELL_GRIDS_SHELL").ok();
    [
        ("bash", "bash", &["bash"][..], Dialect::Bash),
        ("bash as sh", "bash", &["sh"], Dialect::Posix),
        ("dash", "dash", &["sh"], Dialect::Posix),
        ("busybox", "busybox", &["sh"], Dialect::Posix),
        ("zsh", "zsh", &["zsh", "-f"], Dialect::Zsh),
        ("mksh", "mksh", &["sh"], Dialect::Posix),
    ]
    .into_iter()
    .filter(|(name, ..)| only.as_deref().is_none_or(|only| only == *name))
    .filter_map(|(name, program, start, dialect)| {
        let found = std::env::split_paths(&path).map(|at| at.join(program)).find(|at| at.is_file());
        if found.is_none() {
            crate::harness::skip_part("shell_real", name, &format!("no {program} here"));
        }
        Some(Shell { name, program: found?, start, dialect })
    })
    .collect()
}

/// What `foo` was called with in each script. One shell runs them all, each in a subshell.
fn run(shell: &Shell, scripts: &[&str]) -> BTreeMap<usize, Vec<Vec<Vec<u8>>>> {
    // One write for each call, so that what runs in the background does not mix. Not in the working directory, where `>*` finds it in zsh.
    // mksh has no `printf` of its own.
    let printf = if shell.name == "mksh" { "/usr/bin/printf" } else { "printf" };
    let mut whole = format!(
        "foo() {{ {printf} '%s\\0' \"$AT\" foo \"$@\" '\u{1}.' >&9; }}\nexec 9>>../log >/dev/null 2>&1\n",
    );
    for (at, script) in scripts.iter().enumerate() {
        let quoted = script.replace('\'', "'\\''");
        // busybox does not come to an end with some of them, and takes all memory.
        whole += &format!("AT={at}; (ulimit -t 1; ulimit -v 1000000; eval '{quoted}')\n");
    }
    whole += "AT=end; foo\n";
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name);
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("script"), whole).unwrap();
    Command::new(&shell.program)
        .arg0(shell.start[0])
        .args(&shell.start[1..])
        .arg("../script")
        .env_clear()
        .env("PATH", "/nonexistent")
        .env("HOME", "/home/push")
        .current_dir(at("empty"))
        .stdin(Stdio::null())
        .status()
        .unwrap();
    let mut found: BTreeMap<usize, Vec<Vec<Vec<u8>>>> = BTreeMap::new();
    let mut ended = false;
    let mut call: Vec<&[u8]> = Vec::new();
    let log = fs::read(at("log")).unwrap();
    for word in log.split(|byte| *byte == 0) {
        if word != b"\x01." {
            call.push(word);
            continue;
        }
        match call.split_first() {
            Some((&b"end", _)) => ended = true,
            Some((number, argv)) => {
                let number: usize = std::str::from_utf8(number).unwrap().parse().unwrap();
                found.entry(number).or_default().push(argv.iter().map(|word| word.to_vec()).collect());
            }
            None => {}
        }
        call.clear();
    }
    assert!(ended, "{} did not come to the end", shell.name);
    found
}

/// Compares what the shells do with what the analysis says; every `stride`-th script when not asked for all. A prime leaves out no row and no
/// column of a grid.
pub fn compare(scripts: impl Fn(&Shell) -> Vec<String>, stride: usize) {
    let facts = Tools::default().facts();
    let stride = if std::env::var_os("SHELL_GRIDS").is_some() { 1 } else { stride };
    for shell in shells() {
        let all = scripts(&shell);
        let tried: Vec<&str> = all.iter().step_by(stride).map(String::as_str).collect();
        let (mut calls, mut exact, mut misses) = (0, 0, Vec::new());
        for (at, argvs) in &run(&shell, &tried) {
            let analysis = analyse(tried[*at].as_bytes(), shell.dialect, None, &facts, &Limits::default());
            for argv in argvs {
                calls += 1;
                match covered(&analysis, argv) {
                    Covered::Missed => {
                        let words: Vec<_> = argv.iter().map(|word| String::from_utf8_lossy(word)).collect();
                        misses.push(format!("{:?} ran {words:?}", tried[*at]));
                    }
                    Covered::Exact => exact += 1,
                    Covered::Pattern | Covered::Opaque => {}
                }
            }
        }
        let (name, tried) = (shell.name, tried.len());
        println!(
            "{name}: {tried} of {} scripts, {calls} calls, {exact} exact, {} missed",
            all.len(),
            misses.len()
        );
        assert!(calls * 8 > tried && exact > 0, "{name}: {calls} calls, {exact} exact");
        assert!(misses.is_empty(), "{name}: {:#?}", &misses[..misses.len().min(40)]);
    }
}
