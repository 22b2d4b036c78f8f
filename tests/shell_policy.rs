//! In: a few words. Out: a policy made of prefix rules, compiled, and the verdict of a command or
//! script under it: the program's own, compared with the reference each time.
//! Not here: any rule file; these tests are about scripts.

use crate::generate;
use execpolicy_compiler::artifact::build;
use execpolicy_compiler::check::CheckedPolicy;
use execpolicy_compiler::policy::scripts::{Entry, decide_command, place_command};
use execpolicy_compiler::policy::{Policy, UNCONFINED, placement};
use execpolicy_runtime as runtime;
use execpolicy_runtime::script::{Decided, Decider, Found, RuleRef, ScriptVerdict};
use execpolicy_runtime::{Conclusion, Context, Decision, Scratch};

/// A policy and what it was compiled to.
pub struct Rules {
    checked: CheckedPolicy,
    policy: runtime::Policy,
}

/// A policy of rules `(decision, words)`.
pub fn policy(rules: &[(Decision, &str)]) -> Rules {
    let split: Vec<(Decision, Vec<&str>)> =
        rules.iter().map(|(decision, words)| (*decision, words.split(' ').collect())).collect();
    policy_of(&split.iter().map(|(decision, words)| (*decision, &words[..])).collect::<Vec<_>>())
}

/// A policy of rules whose words may hold anything.
pub fn policy_of(rules: &[(Decision, &[&str])]) -> Rules {
    let rules: Vec<_> = rules
        .iter()
        .map(|(decision, words)| (*decision, words.iter().map(|word| vec![(*word).to_owned()]).collect()))
        .collect();
    let checked = generate::literal(&rules);
    let bytes = build(&checked).expect("the bytes say what the policy says").bytes;
    Rules { checked, policy: runtime::Policy::from_bytes(bytes).expect("it has been verified") }
}

impl Rules {
    /// The verdict of a command and everything it runs.
    pub fn decide<T: AsRef<[u8]>>(&self, argv: &[T], cwd: Option<&[u8]>) -> ScriptVerdict<Entry> {
        let decider = self.policy.decider();
        let mut scratch = decider.policy().scratch();
        let (verdict, fault) = compare(self.checked.policy(), &decider, argv, cwd, &mut scratch);
        assert_eq!(fault, None);
        verdict
    }
}

impl Rules {
    /// The artifact.
    pub fn bytes(&self) -> &[u8] {
        self.policy.bytes()
    }

    /// The policy as written, and as the program asks it.
    pub fn both<T>(&self, work: impl FnOnce(&Policy, &Decider<'_>) -> T) -> T {
        work(self.checked.policy(), &self.policy.decider())
    }
}

/// A policy as the program asks it.
pub fn decider(loaded: runtime::Artifact<'_>) -> Decider<'_> {
    Decider::new(loaded).expect("the facts have been verified")
}

/// The reference's verdict, and what the program's function says differently.
pub fn compare<T: AsRef<[u8]>>(
    policy: &Policy,
    decider: &Decider<'_>,
    argv: &[T],
    cwd: Option<&[u8]>,
    scratch: &mut Scratch,
) -> (ScriptVerdict<Entry>, Option<String>) {
    let expected = decide_command(policy, argv, cwd);
    let decided = decider.decide(argv, &Context { cwd, ..Context::default() }, scratch);
    let same = match &decided {
        Decided::Plain(verdict) => {
            let rules = verdict.matches().map(|found| (found.rule as usize, found.alternative as usize));
            let wanted = expected.parts.iter().flat_map(|part| &part.rules);
            verdict.conclusion == expected.conclusion
                && verdict.opaque.is_none()
                && expected.parts.len() == usize::from(!argv.is_empty())
                && expected
                    .parts
                    .iter()
                    .all(|part| part.segment.opaque.is_none() && part.segment.blocker.is_none())
                && rules.eq(wanted.map(|found| (found.rule.rule, found.rule.head)))
        }
        Decided::Parts(verdict) => {
            verdict.conclusion == expected.conclusion
                && verdict.parts.len() == expected.parts.len()
                && alike(verdict.whole.as_slice(), expected.whole.as_slice())
                && verdict.parts.iter().zip(&expected.parts).all(|(part, wanted)| {
                    part.segment == wanted.segment
                        && part.conclusion == wanted.conclusion
                        && alike(&part.rules, &wanted.rules)
                })
        }
    };
    let placed = places(decider.placement(&decided, argv));
    let wanted = reference_places(place_command(policy, argv, cwd));
    let words = || argv.iter().map(|word| String::from_utf8_lossy(word.as_ref())).collect::<Vec<_>>();
    let fault = (!same).then(|| format!("{:?}\n{decided:#?}\ninstead of\n{expected:#?}", words()));
    let misplaced = (placed != wanted)
        .then(|| format!("{:?} runs in {placed:?} instead of {wanted:?}\n{expected:#?}", words()));
    (expected, fault.or(misplaced))
}

/// One or two places: a profile, `None` if unconfined, and whether a rule says so.
pub type Places = Vec<(Option<String>, bool)>;

pub fn places(placement: runtime::Placement<'_>) -> Places {
    let place = |place: runtime::Confinement<'_>| (place.profile.map(str::to_owned), place.rule.is_some());
    match placement {
        runtime::Placement::Unsaid => Vec::new(),
        runtime::Placement::In(one) => vec![place(one)],
        runtime::Placement::Disputed(one, other) => vec![place(one), place(other)],
    }
}

fn reference_places(placement: placement::Placement<'_>) -> Places {
    let place = |place: placement::Confinement<'_>| {
        ((place.profile != UNCONFINED).then(|| place.profile.to_owned()), place.rule.is_some())
    };
    match placement {
        placement::Placement::Unsaid => Vec::new(),
        placement::Placement::In(one) => vec![place(one)],
        placement::Placement::Disputed(one, other) => vec![place(one), place(other)],
    }
}

fn alike(found: &[Found<RuleRef>], wanted: &[Found<Entry>]) -> bool {
    found.len() == wanted.len()
        && found.iter().zip(wanted).all(|(found, wanted)| {
            (found.rule.rule as usize, found.rule.alternative as usize)
                == (wanted.rule.rule, wanted.rule.head)
                && (found.decision, found.fit, found.whole) == (wanted.decision, wanted.fit, wanted.whole)
        })
}

/// The verdict of `/bin/bash -c SCRIPT`.
pub fn verdict(policy: &Rules, script: &str) -> ScriptVerdict<Entry> {
    policy.decide(&["/bin/bash", "-c", script], None)
}

/// What the whole amounts to.
pub fn conclusion(policy: &Rules, script: &str) -> Conclusion {
    verdict(policy, script).conclusion
}
