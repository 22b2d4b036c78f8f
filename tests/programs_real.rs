//! The seds and awks of this machine as judges of what the readers of their programs say.
//!
//! In: random programs, by a grammar and then with a few characters changed, some of which run `foo`, write files or read them. Out: whatever
//! a real tool runs, writes or reads must have been announced. Each program runs in an empty directory, as an ordinary user,
//! with nothing on `PATH` but `foo`.
//!
//! `PROGRAMS=5000` tries so many of each language, `PROGRAMS_SEED` others. A tool that is missing is named.
//! Not here: the grammar (`programs_writer.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use execpolicy_shell::{Access, Analysis, Limits, Reason, ToolFacts, analyse_argv};

use crate::programs_writer::Writer;
use crate::shell_soundness::{Covered, covered};

const FACTS: &str = include_str!("../stdlib/tools/wrappers.tools");

/// What stands in the file `input`, the operand of each program.
const INPUT: &str = "a/b x\nfoo b\nw]y 12\n";
/// What stands in the files `in1` and `in2`, which only a program can name.
const SECRET: &str = "sEcReT-";

/// An implementation: its language, the program, and its own first words.
type Tool = (&'static str, &'static str, &'static [&'static str]);

const TOOLS: &[Tool] = &[
    ("sed", "sed", &[]),
    ("sed", "sed", &["--posix"]),
    ("sed", "busybox", &["sed"]),
    ("sed", "toybox", &["sed"]),
    ("awk", "gawk", &[]),
    ("awk", "mawk", &[]),
    ("awk", "busybox", &["awk"]),
    ("awk", "original-awk", &[]),
];

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|at| at.join(program)).find(|at| at.is_file())
}

/// What a program did.
struct Done {
    accepted: bool,
    ran: Vec<Vec<u8>>,
    wrote: BTreeSet<String>,
    read: BTreeSet<String>,
}

/// A directory for programs, with the files that they find.
struct Room {
    root: tempfile::TempDir,
    limiter: PathBuf,
    unprivileged: bool,
}

impl Room {
    fn new() -> Option<Self> {
        let Some(limiter) = find("timeout") else {
            println!("SKIPPED: no timeout on this machine");
            return None;
        };
        let root = tempfile::tempdir().unwrap();
        let unprivileged = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(root.path(), open.clone()).unwrap();
        fs::create_dir(root.path().join("bin")).unwrap();
        let logger = root.path().join("bin/foo");
        fs::write(
            &logger,
            "#!/bin/sh\nprintf 'foo\\0' >>\"$RAN\"; printf '%s\\0' \"$@\" >>\"$RAN\"; echo >>\"$RAN\"\n",
        )
        .unwrap();
        fs::set_permissions(&logger, open).unwrap();
        Some(Self { root, limiter, unprivileged })
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Done {
        let place = self.root.path().join("place");
        let ran = self.root.path().join("ran");
        let _ = fs::remove_dir_all(&place);
        let _ = fs::remove_file(&ran);
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
        let files = ["input", "in1", "in2"];
        let text = |name: &str| if name == "input" { INPUT.to_owned() } else { format!("{SECRET}{name}\n") };
        for name in files {
            fs::write(place.join(name), text(name)).unwrap();
            fs::set_permissions(place.join(name), fs::Permissions::from_mode(0o666)).unwrap();
        }
        let mut command = Command::new(&self.limiter);
        command.args(["-s", "KILL", "0.5"]).arg(program).args(arguments);
        command
            .env_clear()
            .env("PATH", self.root.path().join("bin"))
            .env("RAN", &ran)
            .env("LC_ALL", "C.UTF-8");
        command.current_dir(&place).stdin(Stdio::null()).stderr(Stdio::null());
        if self.unprivileged {
            command.uid(65534).gid(65534);
        }
        let output = command.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut wrote = BTreeSet::new();
        for entry in fs::read_dir(&place).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            let same = files.contains(&name.as_str())
                && fs::read_to_string(place.join(&name)).is_ok_and(|now| now == text(&name));
            if !same {
                wrote.insert(name);
            }
        }
        let mut seen = printed;
        for name in wrote.iter().filter(|name| !files.contains(&name.as_str())) {
            seen += &fs::read(place.join(name))
                .map(|text| String::from_utf8_lossy(&text).into_owned())
                .unwrap_or_default();
        }
        let read = ["in1", "in2"].into_iter().filter(|name| seen.contains(&format!("{SECRET}{name}")));
        let ran = fs::read(&ran).unwrap_or_default();
        Done {
            accepted: output.status.success(),
            ran: ran
                .split(|&byte| byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(<[u8]>::to_vec)
                .collect(),
            read: read.map(str::to_owned).collect(),
            wrote,
        }
    }
}

/// What of the things done was not announced.
fn missed(analysis: &Analysis, done: &Done) -> Vec<String> {
    if analysis.segments.iter().any(|segment| segment.opaque.is_some()) {
        return Vec::new();
    }
    let effects = || analysis.segments.iter().flat_map(|segment| &segment.effects);
    let announced = |name: &str, reads: bool| {
        // toybox takes the lines after a name for a part of it.
        let name = name.split('\n').next().unwrap_or(name);
        effects()
            .any(|effect| effect.target.could_be(name.as_bytes()) && (effect.access == Access::Read) == reads)
    };
    let ran = done.ran.iter().filter(|line| {
        let mut argv: Vec<Vec<u8>> = line.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect();
        argv.pop();
        // `printf '%s\0'` without words writes one that is empty.
        let bare = argv.len() == 2 && argv[1].is_empty();
        let alone = bare && !matches!(covered(analysis, &argv[..1]), Covered::Missed);
        !alone && matches!(covered(analysis, &argv), Covered::Missed)
    });
    let ran = ran.map(|line| format!("ran {}", String::from_utf8_lossy(line).replace('\0', " ")));
    let wrote = done.wrote.iter().filter(|name| !announced(name, false)).map(|name| format!("wrote {name}"));
    let read = done.read.iter().filter(|name| !announced(name, true)).map(|name| format!("read {name}"));
    ran.chain(wrote).chain(read).collect()
}

#[derive(Default)]
struct Count {
    programs: usize,
    accepted: usize,
    did: usize,
    understood: usize,
}

#[test]
fn whatever_a_real_sed_or_awk_does_was_announced() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let Some(room) = Room::new() else { return };
    let facts = ToolFacts::parse(FACTS).unwrap();
    let mut writer = Writer::new(number("PROGRAMS_SEED", 1));
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut misses = Vec::new();
    let tools: Vec<(&Tool, PathBuf)> = TOOLS
        .iter()
        .filter_map(|tool| {
            let found = find(tool.1);
            if found.is_none() {
                println!("SKIPPED: no {} on this machine: its {} was not asked", tool.1, tool.0);
            }
            Some((tool, found?))
        })
        .collect();
    for _ in 0..number("PROGRAMS", 60) {
        for language in ["sed", "awk"] {
            let program = if language == "sed" { writer.sed() } else { writer.awk() };
            let asked = tools.iter().filter(|((of, ..), _)| *of == language);
            let count = counts.entry(language).or_default();
            count.programs += 1;
            let analysis = analyse_argv(&[language, &program, "input"], None, &facts, &Limits::default());
            let (mut accepted, mut did) = (false, false);
            for ((_, name, first), path) in asked {
                let arguments: Vec<&str> = first.iter().copied().chain([program.as_str(), "input"]).collect();
                let done = room.run(path, &arguments);
                accepted |= done.accepted;
                did |= !(done.ran.is_empty() && done.wrote.is_empty() && done.read.is_empty());
                for what in missed(&analysis, &done) {
                    misses.push(format!("{name} {first:?} {what}: {program:?}"));
                }
            }
            count.accepted += usize::from(accepted);
            count.did += usize::from(did);
            let read = analysis.segments.iter().all(|segment| segment.opaque != Some(Reason::ProgramText));
            count.understood += usize::from(accepted && read);
            if accepted && !read && std::env::var_os("PROGRAMS_SHOW").is_some() {
                println!("not understood: {program:?}");
            }
        }
    }
    for (language, count) in &counts {
        println!(
            "{language}: {} programs, {} accepted by some tool, {} of those understood; {} did something",
            count.programs, count.accepted, count.understood, count.did
        );
    }
    assert!(misses.is_empty(), "{} misses:\n{}", misses.len(), misses.join("\n"));
}
