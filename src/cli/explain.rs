//! `execpolicy explain EPnnnn` and `execpolicy explain [--rules FILE…] (-- CMD… | --shell SCRIPT)`.

use super::args::Explain;
use super::decide::{Here, bytes, script};
use super::exit::Exit;
use super::output::sanitize;
use super::output::{Colour, Style, paint, stderr, stdout};
use super::policy::{self, From};
use super::report::verdict::segments::What;
use super::{explain_profile, explain_script, files, placement};
use execpolicy_compiler::check::CheckedPolicy;
use execpolicy_compiler::diagnostic::Code;
use execpolicy_compiler::diagnostic::text::{list, nearest};
use execpolicy_compiler::policy::{PrefixRule, program::could_be};
use execpolicy_runtime::script::Decided;
use execpolicy_runtime::{Decision, Mode, RuleMatch, Verdict};
use std::fmt::Write;

/// Characters of a command in a title.
const TITLE: usize = 400;
/// Rules shown that almost matched.
const ALMOST: usize = 3;

/// Runs the command.
pub fn run(arguments: &Explain, style: Style) -> Exit {
    if let Some(name) = &arguments.profile {
        return explain_profile::run(name, arguments, style);
    }
    if arguments.script.shell.is_none()
        && let [word] = &arguments.what[..]
        && let Some(word) = word.to_str().filter(|word| looks_like_code(word))
    {
        return page(word, style);
    }
    let codex = arguments.codex.is_some();
    let named = arguments.sources.named();
    let from = From::named(arguments.sources.policy.as_deref(), &named);
    if matches!(from, From::Embedded) {
        stderr(&format!("no --rules and no {} here: asking the embedded default policy\n", files::MARKER));
    }
    let compiled = policy::load(from, codex, style);
    let decider = compiled.as_ref().map(|compiled| (compiled, compiled.policy.decider()));
    let Some((compiled, decider)) = decider else {
        stderr("execpolicy: the policy cannot be used, so there is nothing to explain\n");
        return Exit::Findings;
    };
    let mode = if codex { Mode::Codex { resolve_host_executables: true } } else { Mode::Strict };
    let checked = compiled.checked.as_ref();
    let here = Here::now();
    let context = here.context(mode);
    if let Some(given) = &arguments.script.shell {
        let Some(script) = script(given) else { return Exit::Findings };
        let verdict =
            decider.decide_script(&script, arguments.script.dialect.unwrap_or_default().into(), context.cwd);
        let title = shortened(sanitize(&String::from_utf8_lossy(&script)));
        let what = What::Script(&script);
        let place = decider.script_placement(&verdict);
        stdout(&explain_script::explain(&decider, checked, what, (&verdict, place), &title, style.stdout));
        return Exit::Good;
    }
    let argv = bytes(&arguments.what);
    let mut scratch = decider.policy().scratch();
    let decided = decider.decide(&argv, &context, &mut scratch);
    stdout(&match &decided {
        Decided::Plain(verdict) => explain(checked, verdict, &argv, style),
        Decided::Parts(verdict) => {
            let what = What::Command(&argv);
            let said = (verdict, decider.placement(&decided, &argv));
            explain_script::explain(&decider, checked, what, said, &in_short(&argv), style.stdout)
        }
    });
    Exit::Good
}

fn looks_like_code(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 3 && bytes[..2].eq_ignore_ascii_case(b"ep") && bytes[2..].iter().all(u8::is_ascii_digit)
}

fn page(word: &str, style: Style) -> Exit {
    let Some(code) = Code::from_name(word) else {
        let meant = nearest(word, Code::ALL.iter().map(|code| code.as_str()));
        let hint = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
        stderr(&format!("execpolicy: there is no diagnostic `{word}`{hint}\n"));
        return Exit::Usage;
    };
    let mut text = String::new();
    for line in code.page().lines() {
        let line =
            if line.starts_with('#') { paint(line, Colour::Bold, style.stdout) } else { line.to_owned() };
        let _ = writeln!(text, "{line}");
    }
    stdout(&text);
    Exit::Good
}

fn explain(checked: Option<&CheckedPolicy>, verdict: &Verdict<'_>, argv: &[Vec<u8>], style: Style) -> String {
    let on = style.stdout;
    let mut text = String::new();
    let shown = in_short(argv);
    let (word, colour) = (verdict.conclusion.as_str(), explain_script::colour(verdict.conclusion));
    let _ = writeln!(text, "{}: {}", paint(&shown, Colour::Bold, on), paint(word, colour, on));
    let matches: Vec<RuleMatch<'_>> = verdict.matches().collect();
    let decider = matches.iter().position(|found| verdict.conclusion == found.decision.into());
    // The rule that decided comes first, the others in load order.
    let order = decider.into_iter().chain((0..matches.len()).filter(|number| Some(*number) != decider));
    for (number, found) in order.filter_map(|number| Some((number, matches.get(number)?))) {
        let role = if decider == Some(number) {
            paint("decided by", Colour::Bold, on)
        } else {
            "also matches".to_owned()
        };
        let words: Vec<String> =
            found.matched_prefix(argv).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let what = rule_text(checked, found, &words, on);
        let _ = writeln!(text, "\n  {role} {what}");
        if found.resolved {
            let _ = writeln!(
                text,
                "    `{}` is taken for `{}`",
                sanitize(&String::from_utf8_lossy(&argv[0])),
                sanitize(found.head)
            );
        }
        if let Some(why) = found.justification {
            let _ = writeln!(text, "    {}", sanitize(why));
        }
    }
    if matches.is_empty() {
        let _ = writeln!(text, "\n  no rule matches");
    }
    if let Some(place) = placement::sentence(verdict.placement(), on) {
        let _ = writeln!(text, "\n  {place}");
    }
    let Some(checked) = checked else { return text };
    let near = almost(checked, &matches, argv);
    if !near.is_empty() {
        let _ = writeln!(text, "\n  {}", paint("almost matched", Colour::Bold, on));
        for (rule, why) in near {
            let _ = writeln!(text, "    {}\n      {}", describe(checked, rule, on), sanitize(&why));
        }
    }
    text
}

/// A command as a person would type it, on one line and not too long.
fn in_short(argv: &[Vec<u8>]) -> String {
    let words: Vec<String> = argv.iter().map(|word| sanitize(&String::from_utf8_lossy(word))).collect();
    let shown = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    shortened(shown)
}

/// The first line, and not too much of it.
fn shortened(mut text: String) -> String {
    let end = text.find('\n').into_iter().chain(text.char_indices().nth(TITLE).map(|(at, _)| at)).min();
    if let Some(end) = end {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A rule that matched: its pattern as written, or from an artifact, which holds none, the words that
/// it matched.
pub fn rule_text(
    checked: Option<&CheckedPolicy>,
    found: &RuleMatch<'_>,
    words: &[String],
    on: bool,
) -> String {
    let rule = checked.and_then(|checked| checked.policy().rules.get(found.rule as usize));
    if let (Some(checked), Some(rule)) = (checked, rule) {
        return describe(checked, rule, on);
    }
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    let place = format!("{}:{}", found.source, found.line);
    format!(
        "{} [{}] at {}",
        found.decision.as_str(),
        sanitize(&words.join(", ")),
        paint(&sanitize(&place), Colour::Cyan, on)
    )
}

/// `forbidden ["git", "push"] at my.rules:3`.
fn describe(checked: &CheckedPolicy, rule: &PrefixRule, on: bool) -> String {
    let words: Vec<String> = rule
        .pattern
        .tokens
        .iter()
        .map(|token| match &token.alternatives[..] {
            [word] => format!("{:?}", word.value),
            words if words.len() <= 5 => format!(
                "[{}]",
                words.iter().map(|word| format!("{:?}", word.value)).collect::<Vec<_>>().join(", ")
            ),
            words => format!("[{:?}, … {} words]", words[0].value, words.len()),
        })
        .collect();
    let place = format!(
        "{}:{}",
        checked.sources().get(rule.span.source).display(),
        checked.sources().position(rule.span).line
    );
    format!(
        "{} [{}] at {}",
        rule.decision.as_str(),
        sanitize(&words.join(", ")),
        paint(&place, Colour::Cyan, on)
    )
}

/// The rules of the same program that came closest, and what kept each from matching.
fn almost<'a>(
    checked: &'a CheckedPolicy,
    matches: &[RuleMatch<'_>],
    argv: &[Vec<u8>],
) -> Vec<(&'a PrefixRule, String)> {
    let Some(program) = argv.first() else { return Vec::new() };
    // How far each fits, whether its next word comes later, and how strict it is: best last.
    let mut near: Vec<((usize, bool, Decision), &PrefixRule, String)> = Vec::new();
    for (number, rule) in checked.policy().rules.iter().enumerate() {
        let tokens = &rule.pattern.tokens;
        let same = tokens[0].alternatives.iter().any(|head| could_be(head.value.as_bytes(), program));
        if !same || matches.iter().any(|found| found.rule as usize == number) {
            continue;
        }
        let parted = (1..tokens.len()).find(|&at| argv.get(at).is_none_or(|word| !tokens[at].accepts(word)));
        let later = parted.is_some_and(|at| argv.iter().skip(at + 1).any(|word| tokens[at].accepts(word)));
        let why = match parted {
            Some(at) => {
                let mut wanted: Vec<&str> =
                    tokens[at].alternatives.iter().map(|word| word.value.as_str()).collect();
                let more = if wanted.len() > 4 { ", …" } else { "" };
                wanted.truncate(4);
                let found = argv.get(at).map_or_else(
                    || "the command ends".to_owned(),
                    |word| format!("word {} is `{}`", at + 1, String::from_utf8_lossy(word)),
                );
                let note = if later {
                    "; it comes later, but the words of a pattern stand at fixed positions"
                } else {
                    ""
                };
                format!("{found}, the rule wants {}{more}{note}", list(&wanted).replace(" and ", " or "))
            }
            None => format!(
                "an allow of `{}` does not cover `{}`",
                tokens[0].alternatives[0].value,
                String::from_utf8_lossy(program)
            ),
        };
        near.push(((parted.unwrap_or(tokens.len()), later, rule.decision), rule, why));
    }
    near.sort_by_key(|(rank, _, _)| std::cmp::Reverse(*rank));
    near.into_iter().take(ALMOST).map(|(_, rule, why)| (rule, why)).collect()
}
