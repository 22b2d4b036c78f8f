//! In: a [`Policy`]. Out: a diagnostic for every `match` example its rule does not match and every
//! `not_match` example it does, each pointing at the word where they part.
//! Not here: what the whole policy says about an example.

use super::Options;
use crate::diagnostic::text::list;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::policy::matches::{Divergence, Tried, example};
use crate::policy::{Example, Policy};
use crate::source::{SourceMap, Span};

/// Tries every example of every rule. For each rule `not_match` comes first, as in Codex.
pub fn check(policy: &Policy, sources: &SourceMap, options: Options, diagnostics: &mut Diagnostics) {
    let deciding = policy
        .rules
        .iter()
        .map(|rule| (Tried::from(rule), rule.decision.as_str(), &rule.matches, &rule.not_matches));
    let placing =
        policy.placements.iter().map(|rule| (Tried::from(rule), "sandbox", &rule.matches, &rule.not_matches));
    for (rule, kind, matches, not_matches) in deciding.chain(placing) {
        for written in not_matches {
            if example(policy, rule, &written.argv, options.codex).is_ok() {
                diagnostics.error(matched(rule, kind, written, sources));
            }
        }
        for written in matches {
            if let Err(divergence) = example(policy, rule, &written.argv, options.codex) {
                diagnostics.error(unmatched(policy, rule, written, divergence, sources));
            }
        }
    }
}

fn matched(rule: Tried<'_>, kind: &str, written: &Example, sources: &SourceMap) -> Diagnostic {
    let tokens = &rule.pattern.tokens;
    let length = tokens.len();
    let words = if length == 1 { "word matches".to_owned() } else { format!("{length} words match") };
    let end = word_span(written, length - 1, sources);
    let start = word_span(written, 0, sources);
    let seen = Span { end: end.end.max(start.start), ..start };
    let mut diagnostic = Diagnostic::new(
        Code::EP0302,
        seen,
        format!("`{}` matches the rule, but is listed under `not_match`", shown(&written.argv)),
    )
    .label(format!("the first {words}"))
    .also(rule.pattern.span, "this pattern");
    let program = &written.argv[0];
    if tokens[0].alternatives.iter().all(|head| head.value != *program) {
        diagnostic = diagnostic.hint(if rule.surely {
            format!(
                "`{program}` is a path that stands for the program (`host_executable`, system directories)"
            )
        } else {
            format!("a {kind} rule sees every path with the program's name")
        });
    }
    if written.argv.len() > length {
        diagnostic = diagnostic.hint("a prefix rule accepts whatever follows its words; make the pattern longer, or remove the example");
    }
    diagnostic
}

fn unmatched(
    policy: &Policy,
    rule: Tried<'_>,
    written: &Example,
    divergence: Divergence,
    sources: &SourceMap,
) -> Diagnostic {
    let message = format!("`{}` does not match the rule, but is listed under `match`", shown(&written.argv));
    let (position, place, found) = match divergence {
        Divergence::Word(position) => {
            (position, word_span(written, position, sources), format!("`{}` is not", written.argv[position]))
        }
        Divergence::End(position) => (position, written.span, "the example ends before".to_owned()),
    };
    let token = &rule.pattern.tokens[position];
    let mut wanted: Vec<&str> = token.alternatives.iter().map(|word| word.value.as_str()).collect();
    let more = wanted.len().saturating_sub(6);
    wanted.truncate(6);
    let wanted = if more > 0 {
        format!("{} or {more} more", list(&wanted))
    } else {
        list(&wanted).replace(" and ", " or ")
    };
    let diagnostic = Diagnostic::new(Code::EP0301, place, message)
        .label(format!("{found} {wanted}"))
        .also(token.span, format!("word {} of the pattern", position + 1));
    let bare = written.argv[0].rsplit('/').next().unwrap_or_default();
    if position == 0 && token.alternatives.iter().any(|head| head.value == bare) {
        let listed = policy.host(bare.as_bytes()).is_some();
        return diagnostic.hint(if listed {
            format!("`host_executable(name = \"{bare}\")` does not list this path")
        } else {
            format!("this rule does not follow `{bare}` there; list the path with `host_executable(name = \"{bare}\", paths = […])`")
        });
    }
    match divergence {
        Divergence::Word(at)
            if written.argv.iter().skip(at + 1).any(|word| token.accepts(word.as_bytes())) =>
        {
            diagnostic
                .hint("the words of a pattern stand at fixed positions; an option between them defeats it")
        }
        _ => diagnostic.hint("correct the example or the pattern, or remove the example"),
    }
}

fn shown(argv: &[String]) -> String {
    let joined = shlex::try_join(argv.iter().map(String::as_str)).unwrap_or_else(|_| argv.join(" "));
    if joined.chars().count() <= 80 {
        joined
    } else {
        format!("{}…", joined.chars().take(79).collect::<String>())
    }
}

/// The place of one word of an example: its text, looked for from left to right in what was
/// written; the whole example if it is written in a way that hides it (escapes, a computed value).
fn word_span(written: &Example, position: usize, sources: &SourceMap) -> Span {
    let text = sources.text(written.span);
    let mut from = 0;
    for (at, word) in written.argv.iter().enumerate().take(position + 1) {
        let Some(found) =
            text.get(from..).and_then(|rest| rest.find(word.as_str())).filter(|_| !word.is_empty())
        else {
            return written.span;
        };
        let start = from + found;
        from = start + word.len();
        if at == position {
            let base = written.span.start as usize;
            return Span::new(written.span.source, base + start..base + from);
        }
    }
    written.span
}
