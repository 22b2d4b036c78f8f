//! In: a [`Policy`]. Out: diagnostics about sandbox rules: profiles that there are not, rules that place one
//! command in two places, commands that run unconfined.
//! Not here: their patterns' words (`tokens.rs`) and examples (`examples.rs`).

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::policy::matches::listed;
use crate::policy::program::surely_is;
use crate::policy::{PatternToken, Policy, SandboxRule, UNCONFINED};
use crate::source::SourceMap;
use execpolicy_shell::names::tool_name;
use std::collections::HashMap;

/// The length of a pattern, the tool of its program, its second word.
type Bucket<'a> = (usize, &'a [u8], Option<&'a str>);

/// Looks at every sandbox rule, and at each two that could meet.
pub fn check(policy: &Policy, sources: &SourceMap, diagnostics: &mut Diagnostics) {
    for rule in &policy.placements {
        if rule.unconfined() {
            diagnostics.push(unconfined(rule));
        } else if !policy.profiles.contains(&rule.profile.value) {
            diagnostics.error(unknown(policy, rule));
        }
    }
    // Only rules of one length that name one program and one second word can meet.
    let mut buckets: HashMap<Bucket<'_>, Vec<usize>> = HashMap::new();
    for (at, rule) in policy.placements.iter().enumerate() {
        let tokens = &rule.pattern.tokens;
        let mut near: Vec<usize> = Vec::new();
        for head in &tokens[0].alternatives {
            let name = tool_name(head.value.as_bytes());
            let seconds = tokens.get(1).map_or(vec![None], |token| {
                token.alternatives.iter().map(|word| Some(word.value.as_str())).collect()
            });
            for second in seconds {
                let bucket = buckets.entry((tokens.len(), name, second)).or_default();
                near.extend(bucket.iter().filter(|other| **other != at));
                if bucket.last() != Some(&at) {
                    bucket.push(at);
                }
            }
        }
        near.sort_unstable();
        near.dedup();
        // The first that disagrees; one finding for each rule is enough.
        let meets = near.into_iter().find_map(|other| {
            let first = &policy.placements[other];
            let witness = (first.profile.value != rule.profile.value || covers(first, rule))
                .then(|| common(policy, first, rule))??;
            Some((first, witness))
        });
        if let Some((first, witness)) = meets {
            report(first, rule, &witness, sources, diagnostics);
        }
    }
}

fn unconfined(rule: &SandboxRule) -> Diagnostic {
    Diagnostic::new(Code::EP0411, rule.profile.span, "commands that match this rule run unconfined")
        .label("no profile holds for them")
        .hint("name a profile that allows what they need; `danger-full-access` at least cleans up after them")
}

fn unknown(policy: &Policy, rule: &SandboxRule) -> Diagnostic {
    let wrong = &rule.profile.value;
    let fault = Diagnostic::new(Code::EP0601, rule.profile.span, format!("there is no profile `{wrong}`"))
        .label("not defined in any sandbox file");
    match policy.profiles.nearest(wrong) {
        Some(meant) => {
            fault.hint(format!("did you mean `{meant}`?")).instead(rule.profile.span, wrong, meant)
        }
        None if matches!(wrong.as_str(), "none" | "off" | "no" | "false" | "disabled" | "unrestricted") => {
            let hint = format!("to run commands without any confinement, write `{UNCONFINED}`");
            fault.hint(hint).instead(rule.profile.span, wrong, UNCONFINED)
        }
        None => {
            let names: Vec<&str> = policy.profiles.names().collect();
            fault.hint(format!("the profiles are {}", crate::diagnostic::text::list(&names)))
        }
    }
}

/// A command that both rules surely match, if they have the same number of words.
fn common(policy: &Policy, a: &SandboxRule, b: &SandboxRule) -> Option<Vec<String>> {
    let (a_first, a_rest) = a.pattern.tokens.split_first()?;
    let (b_first, b_rest) = b.pattern.tokens.split_first()?;
    let mut words = vec![program(policy, a_first, b_first)?];
    for (a, b) in a_rest.iter().zip(b_rest) {
        let shared = a.alternatives.iter().find(|word| b.accepts(word.value.as_bytes()))?;
        words.push(shared.value.clone());
    }
    Some(words)
}

/// A first word that surely is the program of both.
fn program(policy: &Policy, a: &PatternToken, b: &PatternToken) -> Option<String> {
    let surely = |head: &str, word: &str| {
        surely_is(head.as_bytes(), word.as_bytes(), listed(policy, head.as_bytes()).as_deref())
    };
    let pairs =
        a.alternatives.iter().flat_map(|a| b.alternatives.iter().map(move |b| (&*a.value, &*b.value)));
    let meeting = pairs.into_iter().find_map(|(a, b)| {
        // A bare name and one of its paths meet at the path.
        if surely(a, b) { Some(b) } else { surely(b, a).then_some(a) }
    });
    meeting.map(str::to_owned)
}

/// Whether the second rule is written like the first, or narrower.
fn covers(first: &SandboxRule, second: &SandboxRule) -> bool {
    let tokens = first.pattern.tokens.iter().zip(&second.pattern.tokens);
    tokens
        .into_iter()
        .all(|(wide, narrow)| narrow.alternatives.iter().all(|word| wide.accepts(word.value.as_bytes())))
}

fn report(
    first: &SandboxRule,
    second: &SandboxRule,
    witness: &[String],
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
) {
    let place = sources.place(first.span);
    if first.profile.value == second.profile.value {
        let fault = Diagnostic::new(
            Code::EP0402,
            second.pattern.span,
            "this rule adds nothing: another places the same commands there",
        )
        .label("already placed")
        .also(first.pattern.span, format!("the first rule, at {place}"))
        .hint("remove it");
        diagnostics.push(fault);
        return;
    }
    let words = shlex::try_join(witness.iter().map(String::as_str)).unwrap_or_else(|_| witness.join(" "));
    let fault = Diagnostic::new(
        Code::EP0410,
        second.pattern.span,
        format!(
            "`{words}` is placed in `{}` and in `{}`",
            first.profile.value, second.profile.value
        ),
    )
    .label(format!("in `{}` by this rule", second.profile.value))
    .also(first.pattern.span, format!("in `{}`, at {place}", first.profile.value))
    .hint("the longest pattern wins, and these are equally long: make one longer, or take the common words out of one");
    diagnostics.error(fault);
}
