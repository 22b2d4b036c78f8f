//! In: a [`Policy`]. Out: diagnostics about single rules whose words do not mean what they look
//! like: operators, placeholders, things only a shell would expand, allows without effect.
//! Not here: rules against each other (`overlap.rs`).

use super::dead_words;
use crate::diagnostic::text::shorten;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::policy::{Decision, Pattern, PatternToken, Policy, PrefixRule};
use crate::source::{SourceMap, Span, Spanned};
use execpolicy_shell::programs::opaque;
use std::collections::BTreeMap;

/// Interpreters: a prefix that ends with one of them allows any program file. Not awk: its program text is read, and files of it are
/// asked about.
const INTERPRETERS: &[&str] = &[
    "bun", "deno", "julia", "lua", "luajit", "node", "nodejs", "perl", "php", "py", "pypy", "pypy3",
    "python", "python2", "python3", "pythonw", "Rscript", "ruby", "tclsh",
];

/// Looks at every rule by itself.
pub fn check(policy: &Policy, sources: &SourceMap, diagnostics: &mut Diagnostics) {
    let mut faults = Faults::default();
    for rule in &policy.placements {
        pattern(&rule.pattern, None, sources, &mut faults, diagnostics);
    }
    for rule in &policy.rules {
        pattern(&rule.pattern, Some(rule.decision), sources, &mut faults, diagnostics);
        if rule.decision == Decision::Allow {
            without_effect(rule, diagnostics);
            interpreter(rule, diagnostics);
        }
    }
    faults.report(diagnostics);
}

/// Faults of words: one finding for each cause, wherever the word stands again.
#[derive(Default)]
struct Faults(BTreeMap<(Code, Severity, String), (Diagnostic, usize)>);

impl Faults {
    fn add(&mut self, fault: Diagnostic) {
        let key = (fault.code, fault.severity, fault.message.clone());
        self.0.entry(key).and_modify(|(_, more)| *more += 1).or_insert((fault, 0));
    }

    fn report(self, diagnostics: &mut Diagnostics) {
        for (fault, more) in self.0.into_values() {
            let again = (more > 0).then(|| format!("the same holds for {more} more, further down"));
            diagnostics.push(fault.maybe_hint(again));
        }
    }
}

fn pattern(
    pattern: &Pattern,
    decision: Option<Decision>,
    sources: &SourceMap,
    faults: &mut Faults,
    diagnostics: &mut Diagnostics,
) {
    for (position, token) in pattern.tokens.iter().enumerate() {
        for word in &token.alternatives {
            if let Some(fault) = word_fault(pattern, decision, position, word) {
                faults.add(fault);
            } else if let Some(dead) = dead_words::why(pattern, decision, position, &word.value) {
                let fault = Diagnostic::new(
                    Code::EP0412,
                    word.span,
                    format!("`{}` {}", shorten(&word.value), dead.why),
                );
                faults
                    .add(fault.label("no command has this word, so the rule never matches").hint(dead.hint));
            }
        }
        repeated(token, sources, diagnostics);
        mixed(position, token, diagnostics);
    }
}

fn word_fault(
    pattern: &Pattern,
    decision: Option<Decision>,
    position: usize,
    word: &Spanned<String>,
) -> Option<Diagnostic> {
    let text = word.value.as_str();
    let heads = &pattern.tokens[0].alternatives;
    let head_is = |names: &[&str]| heads.iter().any(|head| names.contains(&head.value.as_str()));
    let operator = match text {
        "&&" | "||" | "|" | "|&" | "&" | ">>" | "2>" | "2>&1" | "&>" | ">&2" | "<<" | "<<<" => true,
        // Programs whose own language has these words.
        ";" => !head_is(&["find", "fd", "fdfind", "tmux", "xargs", "parallel"]),
        ">" | "<" => !head_is(&["test", "[", "[[", "expr", "awk", "gawk", "jq"]),
        _ => false,
    };
    if operator {
        let fault = Diagnostic::new(
            Code::EP0401,
            word.span,
            format!("`{text}` is a shell operator, not a word of a command"),
        )
        .label("a command never sees this word")
        .hint("write one rule for each command");
        // An allow that never matches is no hole; the guards of its file must not go down with it.
        let severity = if decision == Some(Decision::Allow) { Severity::Warning } else { fault.severity };
        return Some(Diagnostic { severity, ..fault });
    }
    if let Some(inner) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'))
        && inner.starts_with(|c: char| c.is_ascii_alphabetic())
        && inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.' | '|'))
    {
        let fault = Diagnostic::new(
            Code::EP0406,
            word.span,
            format!("`{}` is a placeholder, and would be compared literally", shorten(text)),
        )
        .label("no command has this word")
        .hint("end the pattern before it: a prefix rule accepts whatever follows");
        return Some(fault);
    }
    let expanded = if position == 0 && text.starts_with("~/")
        || position > 0 && (text == "~" || text.starts_with("~/"))
    {
        Some(("~", "write the path in full"))
    } else if variable(text) {
        Some(("a variable", "write its value, or end the pattern before it"))
    } else if position > 0 && glob(text) && pattern.tokens.len() > 1 && !takes_patterns(heads) {
        Some(("a wildcard", "end the pattern before it: a prefix rule accepts whatever follows"))
    } else {
        None
    };
    let (what, hint) = expanded?;
    Some(
        Diagnostic::new(
            Code::EP0405,
            word.span,
            format!("{} in `{}` is not expanded here", if what == "~" { "`~`" } else { what }, shorten(text)),
        )
        .label("compared literally")
        .hint(hint),
    )
}

/// `$NAME` or `${NAME}`, whole or as the beginning of a path.
fn variable(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('$') else { return false };
    let name = rest.strip_prefix('{').unwrap_or(rest);
    let length =
        name.chars().take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_').count();
    length > 0 && (name.len() == length || name[length..].starts_with(['/', '}']))
}

/// A path-like word with `*` in it: `src/*.rs`, `*.txt`, `*`.
fn glob(text: &str) -> bool {
    text.contains('*')
        && !text.contains(char::is_whitespace)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '*' | '/' | '.' | '_' | '-' | '~'))
}

/// Programs that take patterns themselves, so that a `*` is theirs.
fn takes_patterns(heads: &[Spanned<String>]) -> bool {
    let known = [
        "ack", "ag", "awk", "egrep", "fd", "fgrep", "find", "gh", "git", "grep", "jq", "locate", "rg", "sed",
        "zgrep",
    ];
    heads.iter().any(|head| known.contains(&head.value.as_str()))
}

fn repeated(token: &PatternToken, sources: &SourceMap, diagnostics: &mut Diagnostics) {
    let mut seen: std::collections::BTreeMap<&str, &Spanned<String>> = std::collections::BTreeMap::new();
    for word in &token.alternatives {
        if let Some(first) = seen.insert(&word.value, word) {
            let fault = Diagnostic::new(Code::EP0407, word.span, format!("`{}` is listed twice", word.value))
                .label("a second time")
                .also(first.span, "the first time")
                .hint("remove one of them");
            diagnostics.push(match with_comma(word.span, sources) {
                Some(span) => fault.suggest(span, "", "remove it"),
                None => fault,
            });
        }
    }
}

/// A string of a list with the comma before it; `None` if it is not written out there.
fn with_comma(word: Span, sources: &SourceMap) -> Option<Span> {
    let written = sources.text(word);
    let quoted = written.len() >= 2 && written.starts_with(['"', '\'']) && written.ends_with(['"', '\'']);
    let before = sources.get(word.source).text().get(..word.start as usize)?.trim_end().strip_suffix(',')?;
    quoted.then(|| Span::new(word.source, before.len()..word.end as usize))
}

/// `["git", ["reset", "--hard"]]`: somebody meant the two words in sequence.
fn mixed(position: usize, token: &PatternToken, diagnostics: &mut Diagnostics) {
    let is_option = |word: &&Spanned<String>| word.value.len() > 1 && word.value.starts_with('-');
    let [first, rest @ ..] = &token.alternatives[..] else { return };
    if position == 1 && !rest.is_empty() && !is_option(&first) && rest.iter().all(|word| is_option(&word)) {
        let fault = Diagnostic::new(
            Code::EP0408,
            token.span,
            "a list of alternatives matches one word, not a sequence",
        )
        .label(format!("this matches `{}` or `{}` alone", first.value, rest[0].value))
        .hint(format!(
            "for the sequence, write `{:?}, {:?}` without the inner brackets",
            first.value, rest[0].value
        ));
        diagnostics.push(fault);
    }
}

/// An allow of a shell or wrapper by a prefix: what it runs is not known, so it is never used.
fn without_effect(rule: &PrefixRule, diagnostics: &mut Diagnostics) {
    let words: Vec<&str> =
        rule.pattern.tokens.iter().map(|token| token.alternatives[0].value.as_str()).collect();
    // A prefix is there for what follows it: `env` alone only prints, `env x` runs.
    let longer = words.iter().copied().chain(["x"]).collect::<Vec<_>>();
    let dead = opaque(&longer);
    let Some(why) = dead.or_else(|| opaque(&words)) else { return };
    // A whole script is allowed byte for byte; such rules are saved by agents and do work.
    if words.len() >= 3 && why == execpolicy_runtime::Opaque::Shell {
        return;
    }
    let head = &rule.pattern.tokens[0].alternatives[0];
    // `bash x` runs a script file, which is a program like any other.
    let (what, still) = if dead.is_some() {
        ("commands it runs", "this rule allows it only where it runs no other command")
    } else {
        ("scripts it is given", "this rule allows script files only, as in `bash build.sh`")
    };
    let fault = Diagnostic::new(
        Code::EP0404,
        head.span,
        format!("an allow that begins with `{}` does not allow the {what}", head.value),
    )
    .label(format!("`{}` {}", head.value, why.sentence()))
    .hint("allow the inner command itself; a wrapper or script is then decided by what it runs")
    .hint(still);
    diagnostics.push(fault);
}

fn interpreter(rule: &PrefixRule, diagnostics: &mut Diagnostics) {
    let [only] = &rule.pattern.tokens[..] else { return };
    for head in &only.alternatives {
        let name = head.value.rsplit('/').next().unwrap_or_default();
        // `python3.11` is `python3`.
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        if INTERPRETERS.contains(&name) || stem != name && INTERPRETERS.contains(&stem) {
            let fault = Diagnostic::new(
                Code::EP0409,
                head.span,
                format!("this allows `{name}` to run any program file"),
            )
            .label("an interpreter with any arguments")
            .hint(format!(
                "allow the scripts that are meant, as in `pattern = [\"{name}\", \"scripts/build\"]`"
            ));
            diagnostics.push(fault);
        }
    }
}
