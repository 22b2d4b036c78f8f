//! In: a [`Policy`] and the set of argvs that a part of a script can be. Out: the rules that match,
//! found the plain way. With the analysis of the runtime this is the meaning of a policy for scripts.
//! Not here: the analysis itself (`execpolicy_runtime::shell`).

use super::Policy;
use super::program::surely_is;
use execpolicy_runtime::Decision;
use execpolicy_runtime::facts::base_name;
use execpolicy_runtime::shell::{Argv, ArgvRules, Fit, Found, Limits, ScriptVerdict, WordSet, decide};

/// One rule that matched, by one alternative of its first position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in [`Policy::rules`].
    pub rule: usize,
    /// Which alternative of the first position matched.
    pub head: usize,
}

impl ArgvRules for Policy {
    type Rule = Entry;

    fn find(&self, argv: &Argv, found: &mut dyn FnMut(Found<Entry>)) {
        for (at, rule) in self.rules.iter().enumerate() {
            let Some((first, rest)) = rule.pattern.tokens.split_first() else { continue };
            let tail: Vec<Vec<&str>> = rest
                .iter()
                .map(|token| {
                    token.alternatives.iter().map(|alternative| alternative.value.as_str()).collect()
                })
                .collect();
            for (head, alternative) in first.alternatives.iter().enumerate() {
                let program = alternative.value.as_bytes();
                let exact = argv.words().is_some_and(|words| {
                    words.len() == rule.pattern.tokens.len() && words.first() == Some(&program)
                });
                let fit = match rule.decision {
                    Decision::Prompt | Decision::Forbidden => {
                        argv.could_begin(|word: &WordSet| word.could_be_named(base_name(program)), &tail)
                    }
                    Decision::Allow => {
                        let listed = self.host(program).map(|host| {
                            host.paths.iter().map(|path| path.value.as_bytes().to_vec()).collect::<Vec<_>>()
                        });
                        argv.surely_begins(|word| surely_is(program, word, listed.as_deref()), &tail)
                            .then_some(Fit::Surely)
                    }
                };
                if let Some(fit) = fit {
                    found(Found {
                        rule: Entry { rule: at, head },
                        decision: rule.decision,
                        fit,
                        whole: exact,
                    });
                }
            }
        }
    }
}

/// Decides a command with everything it runs, by the rules as written and the policy's facts about tools.
#[must_use]
pub fn decide_command<T: AsRef<[u8]>>(
    policy: &Policy,
    argv: &[T],
    cwd: Option<&[u8]>,
) -> ScriptVerdict<Entry> {
    decide(policy, argv, cwd, &policy.tools.facts(), &Limits::default())
}
