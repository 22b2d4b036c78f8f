//! Scripts under a rule, with what a real run of them did (`corpus/shell/spellings.jsonl`): whatever
//! ran the forbidden command is forbidden, or asked about; nothing else is forbidden.

use crate::harness::run;
use crate::shell_policy::{conclusion, policy};
use execpolicy_runtime::Conclusion;
use execpolicy_runtime::Decision;

struct Case {
    id: String,
    group: String,
    ran: String,
    script: String,
}

fn cases() -> Vec<Case> {
    include_str!("../corpus/shell/spellings.jsonl")
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| value[name].as_str().unwrap().to_owned();
            Case { id: field("id"), group: field("group"), ran: field("ran"), script: field("script") }
        })
        .collect()
}

#[test]
fn what_ran_the_forbidden_command_is_forbidden_or_asked() {
    let policy = policy(&[(Decision::Forbidden, "foo push")]);
    let (mut forbidden, mut asked, mut faults) = (0, 0, Vec::new());
    for case in cases().iter().filter(|case| case.group == "forbid") {
        let found = conclusion(&policy, &case.script);
        match (case.ran.as_str(), found) {
            ("forbidden-command", Conclusion::Forbidden) => forbidden += 1,
            ("forbidden-command", Conclusion::Prompt) => {
                asked += 1;
                println!("asked: {} {:?}", case.id, case.script);
            }
            ("forbidden-command", _) | ("other", Conclusion::Forbidden) => {
                faults.push(format!("{} {:?}: {found:?}", case.id, case.script));
            }
            _ => {}
        }
    }
    println!("forbidden {forbidden}, asked {asked}");
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(forbidden * 10 >= (forbidden + asked) * 9, "{forbidden} of {}", forbidden + asked);
}

#[test]
fn an_allow_is_no_worse_than_where_it_was_measured() {
    let policy = policy(&[(Decision::Allow, "foo ok")]);
    let mut faults = Vec::new();
    for case in cases().iter().filter(|case| case.group == "allow" && case.ran == "ran_unsandboxed") {
        if conclusion(&policy, &case.script) != Conclusion::Allow {
            faults.push(format!("{} {:?}", case.id, case.script));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_prompt_is_seen() {
    let policy = policy(&[(Decision::Prompt, "foo ok")]);
    for case in cases().iter().filter(|case| case.group == "prompt-never") {
        let wanted = if case.ran == "rejected" { Conclusion::Prompt } else { Conclusion::Unmatched };
        assert_eq!(conclusion(&policy, &case.script), wanted, "{} {:?}", case.id, case.script);
    }
}

#[test]
fn a_removal_is_seen_through_every_wrapper() {
    let policy = policy(&[(Decision::Forbidden, "rm")]);
    for case in cases().iter().filter(|case| case.group == "rm-heuristic") {
        let wanted = if case.script.contains("rm ") { Conclusion::Forbidden } else { Conclusion::Unmatched };
        assert_eq!(conclusion(&policy, &case.script), wanted, "{} {:?}", case.id, case.script);
    }
}

/// Every case that was measured, with its own policy file and its own argv, by the program, from rule files
/// and from the artifact compiled from them.
#[test]
fn the_program_decides_every_verified_spelling() {
    let path = crate::harness::root().join("../shared/cases/shell_spellings.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        crate::harness::skip(
            "shell_spellings::the_program_decides_every_verified_spelling",
            "../shared is not here",
        );
        return;
    };
    let ran: std::collections::BTreeMap<String, String> =
        cases().into_iter().map(|case| (case.id, case.ran)).collect();
    let verified: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut split: std::collections::BTreeMap<(String, String, String), usize> = Default::default();
    let mut faults = Vec::new();
    for case in verified["cases"].as_array().unwrap() {
        let text = |name: &str| case[name].as_str().unwrap().to_owned();
        let (id, group, outcome) = (text("id"), text("group"), text("outcome"));
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("p.rules"), text("policy")).unwrap();
        run::run(&["compile", "-q", "p.rules", "-o", "p.epc"], directory.path());
        let command: Vec<&str> =
            case["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        let decide = |from: [&str; 2]| {
            let words: Vec<&str> =
                ["check"].into_iter().chain(from).chain(["--"]).chain(command.iter().copied()).collect();
            run::run(&words, directory.path())
        };
        let (output, status) = decide(["--rules", "p.rules"]);
        assert_eq!((&output, status), (&decide(["--policy", "p.epc"]).0, 0), "{id}");
        let json: serde_json::Value = serde_json::from_str(&output).unwrap();
        let found = json["decision"].as_str().unwrap_or("unmatched").to_owned();
        let ran = ran.get(&id).unwrap_or_else(|| panic!("{id} is not in the corpus"));
        let good = match (group.as_str(), ran.as_str(), outcome.as_str()) {
            ("runtime-forbid", "forbidden-command", _) => matches!(&*found, "forbidden" | "prompt"),
            ("runtime-forbid", ..) => found != "forbidden",
            ("runtime-allow", _, "ran_unsandboxed") => found == "allow",
            ("runtime-prompt-never", _, "rejected") => found == "prompt",
            _ => true,
        };
        if !good {
            faults.push(format!("{id} {group} {ran} {outcome}: {found} {command:?}"));
        }
        *split.entry((group, ran.clone(), found)).or_default() += 1;
    }
    println!("{split:#?}");
    assert!(faults.is_empty(), "{faults:#?}");
    let of = |found: &str| {
        let key = ("runtime-forbid".to_owned(), "forbidden-command".to_owned(), found.to_owned());
        split.get(&key).copied().unwrap_or(0)
    };
    assert!(of("forbidden") * 10 >= 9 * (of("forbidden") + of("prompt")), "{split:#?}");
}
