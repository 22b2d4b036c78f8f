//! Soundness, measured: random scripts over harmless commands are run by real shells whose `PATH`
//! holds nothing but a stub that writes down its argv; every argv written down must be covered by a
//! segment (equal, or in its set) or the analysis must have an opaque part.
//!
//! `SHELL_SOUNDNESS_SCRIPTS=20000` runs more; `SHELL_SOUNDNESS_SEED` starts elsewhere. The run counts
//! exact, pattern and opaque.

use crate::random::Random;
use crate::shell_expansions::{BEFORE, NAMES as PARAMETERS, OPERATORS};
use execpolicy_compiler::policy::tools::Tools;
use execpolicy_shell::{Analysis, Dialect, Limits, analyse};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Writes random scripts. Only stub commands and harmless builtins occur in them.
struct Writer {
    dice: Random,
}

const NAMES: &[&str] = &["p", "q", "r"];
const VARS: &[&str] = &["x", "y", "z"];
const TEXTS: &[&str] = &[
    "a", "b", "push", "-f", "a b", "*", "", "p", "q", "f?", "1", "2", "--", "x=1", "~", "{a,b}", "a\\nb",
    "é", "$x", "#h",
];

impl Writer {
    fn script(&mut self) -> String {
        let lines = 1 + self.dice.below(4);
        (0..lines).map(|_| self.list(3)).collect::<Vec<_>>().join(self.dice.word(&["\n", "; ", "\n\n"]))
    }

    fn list(&mut self, depth: usize) -> String {
        let mut out = self.command(depth);
        for _ in 0..self.dice.below(3) {
            out += self.dice.word(&[" && ", " || ", "; ", "\n", " | ", "&&", "||", "|", " \\\n&& "]);
            out += &self.command(depth);
        }
        out
    }

    fn command(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.simple(0);
        }
        let d = depth - 1;
        match self.dice.below(60) {
            0 => format!("({})", self.list(d)),
            1 => format!("{{ {}; }}", self.list(d)),
            2 => format!("if {}; then {}; fi", self.list(d), self.list(d)),
            3 => format!("if {}; then {}; else {}; fi", self.command(d), self.list(d), self.list(d)),
            4 => format!(
                "for {} in {} {}; do {}; done",
                self.dice.word(VARS),
                self.word(d),
                self.word(d),
                self.list(d)
            ),
            5 => format!(
                "case {} in {}) {};; *) {};; esac",
                self.word(d),
                self.dice.word(&["a", "p*", "*"]),
                self.list(d),
                self.list(d)
            ),
            6 => format!("{}() {{ {}; }}; {} {}", "fn1", self.list(d), "fn1", self.word(d)),
            7 => format!(
                "fn2() {{ {} \"$@\"; }}\nfn2 {} {}",
                self.dice.word(NAMES),
                self.word(d),
                self.word(d)
            ),
            8 => format!("! {}", self.command(d)),
            9 => format!("{}={}", self.dice.word(VARS), self.word(d)),
            10 => format!("{}={}; {}", self.dice.word(VARS), self.word(d), self.simple(d)),
            11 => format!("eval {}", self.quoted_script(d)),
            12 => format!("{} -c {}", self.dice.word(&["sh", "bash", "/bin/bash"]), self.quoted_script(d)),
            13 => format!("{} <<E\n{}\nE\n", self.simple(d), self.word(d)),
            14 => format!(
                "{} {} {}",
                self.dice.word(&["command", "env", "builtin command", "env A=1"]),
                self.dice.word(NAMES),
                self.word(d)
            ),
            15 => format!("i=0; while [ $i -lt 2 ]; do i=$((i+1)); {}; done", self.simple(d)),
            16 => format!(
                "[[ {} == {} ]] && {}",
                self.word(d),
                self.dice.word(&["a", "p*", "\"x\""]),
                self.simple(d)
            ),
            17 => format!("trap {} EXIT", self.quoted_script(0)),
            18 => {
                format!("arr=({} {}); {} \"${{arr[@]}}\"", self.word(d), self.word(d), self.dice.word(NAMES))
            }
            19 => format!("set -- {} {}; {} \"$1\" $2", self.word(d), self.word(d), self.dice.word(NAMES)),
            20 => format!(
                "for x in a b; do {}; {}; done",
                self.list(d),
                self.dice.word(&["break", "continue", "x=q", ":"])
            ),
            21 => format!(
                "fn3() {{ local x={}; {}; {}; x=b; }}; fn3; {} $x",
                self.word(d),
                self.simple(d),
                self.dice.word(&["return", ":"]),
                self.dice.word(NAMES)
            ),
            22 => format!("{}+={}; {} ${{x}}", self.dice.word(VARS), self.word(d), self.dice.word(NAMES)),
            23 => format!("unset {}; {}", self.dice.word(VARS), self.simple(d)),
            24 => format!(
                "{} {} | xargs {} {}",
                "echo",
                self.word(d),
                self.dice.word(&["", "-n1", "-I{}", "-0"]),
                self.dice.word(NAMES)
            ),
            25 => format!(
                "find . -name 'f*' -exec {} {{}} {}",
                self.dice.word(NAMES),
                self.dice.word(&["\\;", "+"])
            ),
            26 if self.dice.below(3) == 0 => format!(
                "{} {} {}",
                self.dice.word(&["nice -n 3", "timeout 5", "nohup", "timeout -s KILL 5", "nice", "env -u x"]),
                self.dice.word(NAMES),
                self.word(d)
            ),
            27 => format!("while read -r x y; do {}; done <<'E'\na b c\nE\n", self.simple(d)),
            28 => format!("for ((j=0;j<2;j++)); do {}; done", self.list(d)),
            29 => format!("{} <({})", self.simple(0), self.list(d)),
            30 => format!(
                "case a in (a) {} {} b) {};; esac",
                self.list(d),
                self.dice.word(&[";&", ";;&", ";;"]),
                self.list(d)
            ),
            31 => {
                format!("{} \"x${{arr[@]}}y\" ${{arr[@]}} \"${{arr[*]}}\" ${{arr[0]}}", self.dice.word(NAMES))
            }
            32 => format!(
                "IFS={}; x={}; {} $x",
                self.dice.word(&[",", "''", "b", "' '"]),
                self.dice.word(&["a,p", "abp", "'a b'"]),
                self.simple(0)
            ),
            33 => format!("IFS=, read -r x y <<< {}; {} $x $y", self.word(0), self.dice.word(NAMES)),
            34 => format!("{} $(cat_() {{ {}; }}; cat_)", self.dice.word(NAMES), self.list(d)),
            35 => format!(
                "x=$({} <<E\n{}\nE\n); {} $x",
                self.dice.word(NAMES),
                self.word(d),
                self.dice.word(NAMES)
            ),
            36 => format!("(exec {} {})", self.dice.word(&["p", "-a zz q", "-c r"]), self.word(d)),
            37 => format!("declare {}={}; {} $x", self.dice.word(VARS), self.word(d), self.dice.word(NAMES)),
            38 => format!("export {}={} y; {}", self.dice.word(VARS), self.word(d), self.quoted_call()),
            39 => format!("readonly x={}; x={}; {} $x", self.word(d), self.word(d), self.dice.word(NAMES)),
            40 => format!("printf -v x %s {}; {} \"$x\"", self.word(d), self.simple(0)),
            41 => format!(
                "f4() {{ if {}; then return; fi; {}; }}; f4 {} | {}",
                self.simple(0),
                self.list(d),
                self.word(d),
                self.simple(0)
            ),
            42 => format!("p() {{ command p f \"$@\"; }}; {}; unset -f p", self.list(d)),
            43 => format!(
                "x={}; until false; do x={}; break; x=q; done; {} $x",
                self.word(d),
                self.word(d),
                self.dice.word(NAMES)
            ),
            44 => format!("coproc {}; wait", self.simple(d)),
            45 => format!("{}={} && {} $x & wait", self.dice.word(VARS), self.word(d), self.dice.word(NAMES)),
            _ => self.simple(d),
        }
    }

    fn quoted_script(&mut self, depth: usize) -> String {
        let inner = self.list(depth.min(1));
        format!("'{}'", inner.replace('\'', "'\\''"))
    }

    fn quoted_call(&mut self) -> String {
        format!(
            "{} -c '\"$0\" \"$@\" $x' {} {}",
            self.dice.word(&["sh", "bash"]),
            self.dice.word(NAMES),
            self.word(0)
        )
    }

    fn simple(&mut self, depth: usize) -> String {
        let mut out = String::new();
        if self.dice.below(12) == 0 {
            out += &format!("{}={} ", self.dice.word(VARS), self.word(0));
        }
        out += &match self.dice.below(12) {
            0 => "$x".to_owned(),
            1 => "\"$y\"".to_owned(),
            2 => "$(echo p)".to_owned(),
            3 => "\\q".to_owned(),
            4 => "'p'".to_owned(),
            5 => "$'\\x70'".to_owned(),
            6 => "echo".to_owned(),
            _ => self.dice.word(NAMES).to_owned(),
        };
        for _ in 0..self.dice.below(4) {
            out.push(' ');
            out += &self.word(depth);
        }
        match self.dice.below(12) {
            0 => out += " 2>&1",
            1 => out += " > /dev/null",
            2 => out += " <<< x",
            3 => out += " # comment ' (",
            _ => {}
        }
        if out.contains('#') { out + "\n:" } else { out }
    }

    fn word(&mut self, depth: usize) -> String {
        let parts = 1 + self.dice.below(2);
        (0..parts).map(|_| self.part(depth)).collect()
    }

    fn part(&mut self, depth: usize) -> String {
        let var = self.dice.word(VARS);
        match self.dice.below(28) {
            26 if self.dice.below(3) == 0 => format!(
                "${{{}{}{}}}",
                self.dice.word(BEFORE),
                self.dice.word(PARAMETERS),
                self.dice.word(OPERATORS).replace("foo in", "p in")
            ),
            0 => format!("${var}"),
            1 => format!("\"${var}\""),
            2 => format!("${{{var}:-{}}}", self.dice.word(&["a", "'p q'", "$y", "\"b c\""])),
            3 => format!("${{{var}:={}}}", self.dice.word(&["a", "q"])),
            4 => format!("${{{var}:+{}}}", self.dice.word(&["a", "q"])),
            5 if depth > 0 => format!("$({})", self.list(depth - 1).trim_end_matches('\n').to_owned() + "\n"),
            6 if depth > 0 => format!("\"$({} )\"", self.simple(depth - 1)),
            7 => "$(echo a b)".to_owned(),
            8 => format!("`echo {}`", self.dice.word(&["a", "p"])),
            9 => format!("$(({}))", self.dice.word(&["1+2", "2*3", "7%4", "1"])),
            10 => self.dice.word(&["{a,b}", "x{1..3}y", "{a", "b}", "{}", "{p,q}{1,2}", "a{,b}"]).to_owned(),
            11 => format!("'{}'", self.dice.word(TEXTS)),
            12 => format!("\"{}\"", self.dice.word(TEXTS)),
            13 => self.dice.word(&["$'a\\tb'", "$'\\''", "$'\\101'", "$'a\\nb'"]).to_owned(),
            14 => self.dice.word(&["\\ ", "\\$x", "\\\\", "a\\\nb", "\\'"]).to_owned(),
            15 => self.dice.word(&["*", "f*", "[fg]1", "?1", "f[", "a]", "[!f]1"]).to_owned(),
            16 => self.dice.word(&["$@", "\"$@\"", "$*", "\"$*\"", "$#", "$1", "\"$2\""]).to_owned(),
            17 => self
                .dice
                .word(&["${#x}", "${x%a}", "${x/a/p}", "${x:0:1}", "${x^^}", "\"${x##*}\""])
                .to_owned(),
            18 => self.dice.word(&["a=b", "--k=v", "x=~", "a:b", "~", "~/f"]).to_owned(),
            19 => "\"a${x}b$(echo c)\"".to_owned(),
            20 => self.dice.word(&["if", "do", "!", "time", "in"]).to_owned(),
            _ => self.dice.word(&["a", "b", "push", "f1", "p", "-x"]).to_owned(),
        }
    }
}

/// A directory with the stub under every name, and files for globs.
struct Room {
    _keep: tempfile::TempDir,
    bin: PathBuf,
    work: PathBuf,
    log: PathBuf,
}

fn room() -> Room {
    let keep = tempfile::tempdir().unwrap();
    let (bin, work, log) = (keep.path().join("bin"), keep.path().join("work"), keep.path().join("log"));
    std::fs::create_dir(&bin).unwrap();
    std::fs::create_dir(&work).unwrap();
    std::fs::create_dir(&log).unwrap();
    // The stub writes its name and arguments, each ended by NUL, and a mark, into a file of its
    // own, so that the parts of a pipeline do not mix. It uses builtins only.
    let stub = format!("#!/bin/bash\nprintf '%s\\0' \"${{0##*/}}\" \"$@\" $'\\1' >> {}/$$\n", log.display());
    for name in NAMES {
        let path = bin.join(name);
        std::fs::write(&path, &stub).unwrap();
        set_executable(&path);
    }
    for name in ["f1", "f2", "g1", "p1"] {
        std::fs::write(work.join(name), "").unwrap();
    }
    for name in ["bash", "sh", "env", "xargs", "find", "nice", "timeout", "nohup"] {
        let target =
            ["/bin", "/usr/bin"].iter().map(|at| Path::new(at).join(name)).find(|path| path.exists());
        let Some(target) = target else { continue };
        std::os::unix::fs::symlink(target, bin.join(name)).unwrap();
    }
    Room { _keep: keep, bin, work, log }
}

fn set_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs the script and returns the argvs of the stubs.
fn run(room: &Room, shell: &str, script: &str) -> Vec<Vec<Vec<u8>>> {
    let status = Command::new("/usr/bin/timeout")
        .args(["-s", "KILL", "2", shell, "-c", script])
        .env_clear()
        .env("PATH", &room.bin)
        .env("HOME", "/nonexistent")
        .current_dir(&room.work)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let _ = status;
    let mut argvs = Vec::new();
    let mut argv: Vec<Vec<u8>> = Vec::new();
    let mut log = Vec::new();
    for file in std::fs::read_dir(&room.log).unwrap() {
        log.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let words: Vec<&[u8]> = log.split(|&byte| byte == 0).collect();
    for word in words {
        if word == b"\x01" {
            argvs.push(std::mem::take(&mut argv));
        } else {
            argv.push(word.to_vec());
        }
    }
    argvs
}

pub enum Covered {
    Exact,
    Pattern,
    Opaque,
    Missed,
}

pub fn covered(analysis: &Analysis, argv: &[Vec<u8>]) -> Covered {
    let words: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
    if analysis.segments.iter().any(|segment| segment.argv.words().is_some_and(|known| known == words)) {
        return Covered::Exact;
    }
    if analysis.segments.iter().any(|segment| segment.opaque.is_none() && segment.argv.could_be(&words)) {
        return Covered::Pattern;
    }
    if analysis.segments.iter().any(|segment| segment.opaque.is_some()) {
        return Covered::Opaque;
    }
    Covered::Missed
}

#[test]
fn every_exec_of_a_real_shell_is_covered() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let scripts = number("SHELL_SOUNDNESS_SCRIPTS", 300);
    let seed = number("SHELL_SOUNDNESS_SEED", 1);
    let shells: Vec<(&str, Dialect)> = [("/bin/bash", Dialect::Bash), ("/bin/dash", Dialect::Posix)]
        .into_iter()
        .filter(|(path, _)| Path::new(path).exists())
        .collect();
    if shells.is_empty() {
        println!("no shell to compare with");
        return;
    }
    let facts = Tools::default().facts();
    let (mut exact, mut pattern, mut opaque, mut silent, mut misses) = (0, 0, 0, 0, Vec::new());
    for at in 0..scripts {
        let mut writer = Writer { dice: Random(seed.wrapping_mul(1_000_003).wrapping_add(at)) };
        let script = writer.script();
        // Every fourth script goes to the other shell.
        let (path, dialect) = shells[if at % 4 == 3 { shells.len() - 1 } else { 0 }];
        let analysis = analyse(script.as_bytes(), dialect, None, &facts, &Limits::default());
        // A room for each: what one leaves running must not write into the next one's log.
        let room = room();
        let ran = run(&room, path, &script);
        silent += u64::from(ran.is_empty());
        for argv in &ran {
            match covered(&analysis, argv) {
                Covered::Exact => exact += 1,
                Covered::Pattern => pattern += 1,
                Covered::Opaque => opaque += 1,
                Covered::Missed => {
                    let shown: Vec<_> =
                        argv.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
                    misses.push(format!("seed {seed} at {at}, {path}: {script:?} ran {shown:?}"));
                }
            }
        }
    }
    println!(
        "scripts {scripts}, without exec {silent}, execs: exact {exact}, pattern {pattern}, opaque {opaque}, missed {}",
        misses.len()
    );
    assert!(misses.is_empty(), "{:#?}", &misses[..misses.len().min(20)]);
    assert!(exact * 10 > pattern && exact > opaque, "the analysis has become vague");
}

/// Also found by a long run: text that one shell takes for braces, beside what is split.
#[test]
fn braces_that_stay_are_split_as_well() {
    are_covered(
        "/bin/dash",
        Dialect::Posix,
        &["env p x{1..3}y$(echo a b)", "p {a,b}$(echo c d)e", "z='a b'; p $z{1,2}", "p x{a,b}$nothing"],
    );
}

/// What long runs have found, and its kin: words that may be none between a word and the one that then is a part of it.
#[test]
fn what_was_missed_once_is_covered() {
    are_covered(
        "/bin/bash",
        Dialect::Bash,
        &[
            "p() { command p f \"$@\"; }; arr=(${y:+q}a:b x=~$((7%4))); p \"x${arr[@]}y\" ${arr[@]}",
            "arr=($y ush b); p \"p${arr[@]}\"",
            "arr=($y $y ush b); p \"p${arr[@]}c\"",
            "p \"x$@$@y\"",
            "p \"x$@$@\"y z",
            "arr=($y); p \"x${arr[@]}${arr[@]}y\" z",
            "arr=(a $y); p \"x${arr[@]}${arr[@]}y\" z",
            "arr=($y b); p \"x${arr[@]}${arr[@]}y\" z",
        ],
    );
}

fn are_covered(shell: &str, dialect: Dialect, scripts: &[&str]) {
    if !Path::new(shell).exists() {
        crate::harness::skip(
            std::thread::current().name().unwrap_or("shell_soundness"),
            &format!("no {shell} here"),
        );
        return;
    }
    let facts = Tools::default().facts();
    for script in scripts {
        let analysis = analyse(script.as_bytes(), dialect, None, &facts, &Limits::default());
        let ran = run(&room(), shell, script);
        assert!(!ran.is_empty(), "{script}");
        for argv in &ran {
            let missed = matches!(covered(&analysis, argv), Covered::Missed);
            let shown: Vec<_> = argv.iter().map(|word| String::from_utf8_lossy(word)).collect();
            assert!(!missed, "{script} ran {shown:?}: {:#?}", analysis.segments);
        }
    }
}
