//! A policy that owns its bytes answers as its parts do, on any thread, and says why in words.

use crate::generate;
use crate::shell_policy;
use execpolicy_compiler::artifact::build;
use execpolicy_runtime::Decision::{Allow, Forbidden, Prompt};
use execpolicy_runtime::script::Decider;
use execpolicy_runtime::wire::LoadErrorKind;
use execpolicy_runtime::{Artifact, Conclusion, Context, Place, Policy};
use execpolicy_shell::Dialect;
use std::error::Error;

fn policy() -> Policy {
    let words = |line: &str| line.split(' ').map(|word| vec![word.to_owned()]).collect();
    let checked = generate::literal(&[
        (Allow, words("git status")),
        (Prompt, words("git push")),
        (Forbidden, words("git push --force")),
        (Allow, words("echo")),
    ]);
    Policy::from_bytes(build(&checked).unwrap().bytes).unwrap()
}

#[test]
fn an_answer_says_what_and_why() {
    let policy = policy();
    for (command, conclusion, text) in [
        ("git status", Conclusion::Allow, "allow: test.rules:1"),
        ("./git push --force x", Conclusion::Forbidden, "forbidden: test.rules:1"),
        ("git push", Conclusion::Prompt, "prompt: test.rules:1"),
        ("make", Conclusion::Unmatched, "unmatched"),
        (
            "env git push --force",
            Conclusion::Forbidden,
            "forbidden because of `git push --force`: test.rules:1",
        ),
    ] {
        let argv: Vec<&str> = command.split(' ').collect();
        let answer = policy.decide(&argv);
        assert_eq!((answer.conclusion, answer.to_string()), (conclusion, text.to_owned()), "{command}");
        assert_eq!(answer.place, Place::Unsaid);
    }
    assert_eq!(policy.decide::<&str>(&[]).conclusion, Conclusion::Unmatched);
    let script = policy.decide_script("echo a && $x", Dialect::Bash, None);
    assert_eq!(script.conclusion, Conclusion::Prompt);
    assert!(script.rule.is_none() && script.opaque.is_some(), "{script}");
    assert!(script.to_string().starts_with("prompt: it "), "{script}");
}

/// Control characters of a command or a rule do not reach a terminal.
#[test]
fn an_answer_hides_nothing() {
    let rule = ["rm", "\u{1b}[2K\u{202e}x"].map(|word| vec![word.to_owned()]).to_vec();
    let policy = Policy::from_bytes(build(&generate::literal(&[(Forbidden, rule)])).unwrap().bytes).unwrap();
    let answer = policy.decide(&["env", "rm", "\u{1b}[2K\u{202e}x"]);
    let text = answer.to_string();
    assert_eq!(answer.conclusion, Conclusion::Forbidden);
    assert!(text.contains("u{1b}") && text.contains("u{202e}"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
}

#[test]
fn a_policy_is_shared_between_threads() {
    fn owned<T: Send + Sync + Clone + 'static>(_: &T) {}
    let policy = policy();
    owned(&policy);
    owned(&policy.decide(&["ls"]));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let policy = policy.clone();
            std::thread::spawn(move || policy.decide(&["bash", "-c", "git push; git $x"]).conclusion)
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Conclusion::Forbidden);
    }
    assert_eq!(policy.clone().bytes().as_ptr(), policy.bytes().as_ptr());
    assert!(format!("{policy:?}").len() < 200, "the bytes are not shown");
}

/// What is seen through the owned bytes is what a borrowed view of them says.
#[test]
fn the_view_of_owned_bytes_is_the_artifact() {
    let rules = shell_policy::policy(&[(Allow, "git"), (Forbidden, "rm"), (Prompt, "curl x")]);
    rules.both(|_, owned| {
        let bytes = rules.bytes();
        let borrowed = Decider::new(Artifact::from_bytes(bytes).unwrap()).unwrap();
        let (a, b) = (owned.policy(), borrowed.policy());
        assert_eq!((a.format(), a.digest(), a.compiler()), (b.format(), b.digest(), b.compiler()));
        assert_eq!((a.rule_count(), a.placement_count()), (b.rule_count(), b.placement_count()));
        assert_eq!((a.tools(), a.default_profile()), (b.tools(), b.default_profile()));
        assert!(a.sources().eq(b.sources()) && a.networks().eq(b.networks()));
        assert!(a.table().edges().eq(b.table().edges()));
        for number in 0..a.rule_count() as u32 {
            assert_eq!(a.rule(number), b.rule(number));
        }
    });
}

#[test]
fn an_error_reads_well() {
    fn load(bytes: &[u8]) -> Result<Policy, Box<dyn Error + Send + Sync>> {
        Ok(Policy::from_bytes(bytes)?)
    }
    assert_eq!(
        load(b"prefix_rule(").unwrap_err().to_string(),
        "not a compiled policy (section `header`, byte 0)"
    );
    let mut bytes = policy().bytes().to_vec();
    bytes.pop();
    assert_eq!(Policy::from_bytes(bytes).unwrap_err().kind, LoadErrorKind::Truncated);
    let text = policy();
    let mut scratch = text.artifact().scratch();
    let (artifact, argv) = (text.artifact(), ["git", "push", "--force"]);
    let verdict = artifact.decide(&argv, &Context::default(), &mut scratch);
    assert_eq!(verdict.to_string(), "forbidden: test.rules:1");
    assert!(format!("{verdict:?}").contains("Forbidden"), "{verdict:?}");
}

/// The page shows the example as it is.
#[test]
fn the_page_holds_the_example() {
    let page = include_str!("../docs/embedding.md");
    let example = include_str!("../examples/embedding.rs");
    assert!(page.contains(&format!("```rust\n{example}```\n")), "docs/embedding.md shows another program");
    assert!(example.lines().count() < 30);
}
