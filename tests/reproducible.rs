//! The same input gives the same bytes.

use crate::generate;
use crate::random::Random;
use execpolicy_compiler::artifact::build;
use execpolicy_runtime::Artifact;

#[test]
fn the_same_policy_gives_the_same_bytes() {
    let mut random = Random(3);
    for _ in 0..50 {
        let (policy, sources) = generate::policy(&mut random, 60);
        let once = build(&generate::checked(policy.clone(), sources.clone())).unwrap();
        // Hash maps are seeded anew in every thread and map; none may show.
        let again = std::thread::spawn(move || build(&generate::checked(policy, sources)).unwrap());
        assert!(once.bytes == again.join().unwrap().bytes);
    }
}

#[test]
fn another_rule_gives_another_digest() {
    let rule = |word: &str| vec![(execpolicy_runtime::Decision::Allow, vec![vec![word.to_owned()]])];
    let [a, b] = ["ls", "cat"].map(|word| build(&generate::literal(&rule(word))).unwrap().bytes);
    let digest = |bytes: &[u8]| *Artifact::from_bytes(bytes).unwrap().digest();
    assert_ne!(digest(&a), digest(&b));
}

#[test]
fn names_of_sources_are_carried_as_they_are() {
    let (policy, sources) = generate::policy(&mut Random(4), 5);
    let artifact = build(&generate::checked(policy, sources)).unwrap();
    let loaded = Artifact::from_bytes(&artifact.bytes).unwrap();
    let names: Vec<_> = loaded.sources().map(|source| source.name).collect();
    assert_eq!(names, ["rules/a.rules", "b.rules"]);
    assert!(loaded.compiler().starts_with("execpolicy "));
    let text = execpolicy_compiler::dump::dump(&artifact.bytes).unwrap();
    assert!(text.contains("rules/a.rules") && text.contains("automaton"), "{text}");
}
