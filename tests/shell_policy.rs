//! In: a few words. Out: a policy made of prefix rules, and the verdict of a script under it.
//! Not here: any rule file; these tests are about scripts.

use execpolicy::policy::scripts::{Entry, decide_command};
use execpolicy::policy::{Pattern, PatternToken, Policy, PrefixRule};
use execpolicy::source::{SourceMap, Span, Spanned};
use execpolicy_runtime::Decision;
use execpolicy_runtime::shell::{ScriptVerdict, Standing};

/// A policy of rules `(decision, words)`.
pub fn policy(rules: &[(Decision, &str)]) -> Policy {
    let mut sources = SourceMap::default();
    let source = sources.add("test.rules", "");
    let span = Span::new(source, 0..0);
    let token = |word: &str| PatternToken { span, alternatives: vec![Spanned::new(word.to_owned(), span)] };
    let rule = |(decision, words): &(Decision, &str)| PrefixRule {
        span,
        pattern: Pattern { span, tokens: words.split(' ').map(token).collect() },
        decision: *decision,
        decision_span: None,
        justification: None,
        matches: Vec::new(),
        not_matches: Vec::new(),
        hosts_known: 0,
    };
    Policy { rules: rules.iter().map(rule).collect(), ..Policy::default() }
}

/// The verdict of `/bin/bash -c SCRIPT`.
pub fn verdict(policy: &Policy, script: &str) -> ScriptVerdict<Entry> {
    decide_command(policy, &["/bin/bash", "-c", script], None)
}

/// What the whole amounts to.
pub fn standing(policy: &Policy, script: &str) -> Standing {
    verdict(policy, script).standing
}
