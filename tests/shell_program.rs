//! Scripts through the program itself: from the command line and from standard input, under rule files
//! and under the artifact compiled from them.

use crate::harness::{Watchdog, run::PROGRAM};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const RULES: &str = r#"
prefix_rule(pattern = ["git", ["status", "log"]])
prefix_rule(pattern = ["git", "push"], decision = "forbidden", justification = "ask first")
prefix_rule(pattern = ["rm"], decision = "prompt")
prefix_rule(pattern = ["/opt/tool/deploy"], decision = "forbidden")
prefix_rule(pattern = ["bash", "-c", "make $target"])
prefix_rule(pattern = ["echo"])
host_executable(name = "git", paths = ["/usr/bin/git"])
"#;

fn room() -> tempfile::TempDir {
    let room = tempfile::tempdir().unwrap();
    std::fs::write(room.path().join("policy.rules"), RULES).unwrap();
    run(room.path(), &["compile", "-q", "policy.rules"], b"");
    room
}

fn run(room: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .current_dir(room)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().ok();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn rules_and_artifact_say_the_same() {
    let room = room();
    let mut decisions = std::collections::BTreeSet::new();
    for script in [
        "git status; git log",
        "git status && git push origin",
        "git $verb",
        "/usr/bin/git status\n/tmp/git status",
        "f() { rm \"$1\"; }; f x > out",
        "echo `git push`",
        "cat <<E\n$(git pus[h])\nE",
        "x=git; $x push; ${y:-rm} z",
        "DEPLOY x; ./deploy; env -i deploy",
        "make $target",
        "sudo -u root timeout 5 git log",
        "find . -exec git push {} +",
        "eval \"$x\"",
        "echo 'unfinished",
        "git status # git push",
        "! time git status",
        "echo ok",
    ] {
        for (options, command) in [
            (&["--shell"][..], vec![script]),
            (&["--dialect", "sh", "--shell"], vec![script]),
            (&["--details", "--"], vec!["bash", "-c", script]),
            (&["--pretty", "--"], vec!["/bin/sh", "-c", script]),
            (&["--"], vec!["env", "A=1", "bash", "-lc", script]),
        ] {
            let of = |from: &[&str]| {
                let words: Vec<&str> =
                    ["check"].iter().chain(from).chain(options).chain(&command).copied().collect();
                run(room.path(), &words, b"")
            };
            let (rules, artifact) = (of(&["--rules", "policy.rules"]), of(&["--policy", "policy.epc"]));
            assert_eq!(rules, artifact, "{options:?} {command:?}");
            let json: serde_json::Value = serde_json::from_str(&rules).unwrap();
            decisions.insert(json["decision"].as_str().unwrap_or("unmatched").to_owned());
        }
    }
    assert_eq!(decisions.len(), 4, "{decisions:?}");
}

#[test]
fn bad_input_is_opaque_with_its_reason_and_place() {
    let room = room();
    let deep = "( ".repeat(10_000) + "git status" + &")".repeat(10_000);
    for (script, code) in [
        (&b"git status; echo \"x"[..], "incomplete"),
        (b"git status\0; git push", "zero-byte"),
        (b"git \xFF\xFE", "not-utf8"),
        (b"cat <<END\ngit status\n", "unterminated-here-document"),
        (b"alias git=rm\ngit status\n", "alias"),
        (deep.as_bytes(), "depth"),
        (&b"git status\n".repeat(1_000_000), "script-length"),
    ] {
        let _ends = Watchdog::new(code);
        let output = run(room.path(), &["check", "--rules", "policy.rules", "--shell", "-"], script);
        let json: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!(json["decision"], "prompt", "{output}");
        let part = json["segments"].as_array().unwrap().iter().find(|part| part["opaque"]["code"] == code);
        let part = part.unwrap_or_else(|| panic!("{code}: {output}"));
        let (span, reason) = (&part["span"], part["opaque"]["reason"].as_str().unwrap());
        assert!(span["end"].as_u64().unwrap() > span["start"].as_u64().unwrap(), "{output}");
        // The explanation ends as well, and says the reason.
        let told = run(room.path(), &["explain", "--rules", "policy.rules", "--shell", "-"], script);
        assert!(told.contains(reason), "{told}");
    }
}

#[test]
fn places_of_several_lines_are_counted() {
    let room = room();
    let script = "echo é; git status\n  echo \\\n x; git push\n";
    let output = run(room.path(), &["check", "--rules", "policy.rules", "--shell", "-"], script.as_bytes());
    let json: serde_json::Value = serde_json::from_str(&output).unwrap();
    let places: Vec<_> = json["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            let span = &part["span"];
            let number = |name: &str| span[name].as_u64().unwrap();
            let text = &script[number("start") as usize..number("end") as usize];
            (text, number("line"), number("column"))
        })
        .collect();
    assert_eq!(places, [("echo é", 1, 1), ("git status", 1, 9), ("echo \\\n x", 2, 3), ("git push", 3, 5)]);
    let told = run(room.path(), &["explain", "--rules", "policy.rules", "--shell", "-"], script.as_bytes());
    assert!(told.contains(" 3 │  x; git push\n"), "{told}");
}
