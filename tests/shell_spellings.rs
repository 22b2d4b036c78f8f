//! Scripts under a rule, with what a real run of them did (`corpus/shell/spellings.jsonl`): whatever
//! ran the forbidden command is forbidden, or asked about; nothing else is forbidden.

use crate::shell_policy::{policy, standing};
use execpolicy_runtime::Decision;
use execpolicy_runtime::shell::Standing;

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
        let found = standing(&policy, &case.script);
        match (case.ran.as_str(), found) {
            ("forbidden-command", Standing::Forbidden) => forbidden += 1,
            ("forbidden-command", Standing::Prompt) => {
                asked += 1;
                println!("asked: {} {:?}", case.id, case.script);
            }
            ("forbidden-command", _) | ("other", Standing::Forbidden) => {
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
        if standing(&policy, &case.script) != Standing::Allow {
            faults.push(format!("{} {:?}", case.id, case.script));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_prompt_is_seen() {
    let policy = policy(&[(Decision::Prompt, "foo ok")]);
    for case in cases().iter().filter(|case| case.group == "prompt-never") {
        let wanted = if case.ran == "rejected" { Standing::Prompt } else { Standing::Unmatched };
        assert_eq!(standing(&policy, &case.script), wanted, "{} {:?}", case.id, case.script);
    }
}

#[test]
fn a_removal_is_seen_through_every_wrapper() {
    let policy = policy(&[(Decision::Forbidden, "rm")]);
    for case in cases().iter().filter(|case| case.group == "rm-heuristic") {
        let wanted = if case.script.contains("rm ") { Standing::Forbidden } else { Standing::Unmatched };
        assert_eq!(standing(&policy, &case.script), wanted, "{} {:?}", case.id, case.script);
    }
}
