//! In: a text, or what Starlark said about it. Out: its syntax tree, or a diagnostic in our words
//! at the place that is meant. The only file that reads Starlark's messages.
//! Not here: evaluation.

use super::dialect::{DIALECT, globals};
use super::record::{Builtin, EvalError, EvalErrorKind};
use super::scan::{Fault, scan};
use crate::diagnostic::text::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{SourceId, SourceMap, Span};
use starlark::syntax::AstModule;

/// Parses a source.
///
/// # Errors
/// The one syntax error that is reported for a file.
pub fn parse(sources: &SourceMap, source: SourceId) -> Result<AstModule, Box<Diagnostic>> {
    let file = sources.get(source);
    let text = file.text();
    let at = |range| Span::new(source, range);
    if text.starts_with('\u{feff}') {
        return Err(Box::new(
            Diagnostic::new(Code::EP0103, at(0..3), "the file begins with a byte order mark")
                .label("these three bytes are no text")
                .hint("save it as UTF-8 without BOM; `sed -i '1s/^\\xEF\\xBB\\xBF//' FILE` removes it")
                .suggest(at(0..3), "", "remove the byte order mark"),
        ));
    }
    let look = scan(text);
    if let Some(deep) = look.too_deep {
        return Err(Box::new(
            Diagnostic::new(Code::EP0111, at(deep..deep + 1), "the file is nested too deeply")
                .label("the limit is passed here")
                .hint("split the expression with variables, or a long string with a list and `\"\".join(…)`"),
        ));
    }
    AstModule::parse(file.name(), text.to_owned(), &DIALECT).map_err(|error| {
        let range = error
            .span()
            .map_or(0..0, |span| span.span.begin().get() as usize..span.span.end().get() as usize);
        Box::new(refused(text, source, &error.without_diagnostic().to_string(), range, look.fault))
    })
}

/// Says in our words why a text was refused.
fn refused(
    text: &str,
    source: SourceId,
    message: &str,
    range: std::ops::Range<usize>,
    fault: Option<Fault>,
) -> Diagnostic {
    let at = |range| Span::new(source, range);
    let message = message.strip_prefix("Parse error: ").unwrap_or(message);
    if let Some(template) = template(text, range.start) {
        return Diagnostic::new(Code::EP0117, at(template), "this is a template that was not rendered")
            .label("left for a template engine to fill in")
            .hint("check the file that the template engine writes (for chezmoi: `chezmoi cat FILE`)");
    }
    if message == "tabs are not allowed" {
        let end = range.start + 1;
        return Diagnostic::new(Code::EP0104, at(range.start..end), "tabs are not allowed")
            .label("a tab")
            .hint("use spaces; `expand -t 4 FILE` converts a file")
            .suggest(at(range.start..end), "    ", "write four spaces");
    }
    if let Some(fault) = fault {
        return unbalanced(text, source, fault);
    }
    unexpected(text, source, message, range)
}

/// Says what is wrong with a string or a bracket.
fn unbalanced(text: &str, source: SourceId, fault: Fault) -> Diagnostic {
    let at = |range| Span::new(source, range);
    match fault {
        Fault::String(string) => {
            let first_line =
                string.start..text[string.clone()].find('\n').map_or(string.end, |line| string.start + line);
            Diagnostic::new(Code::EP0106, at(first_line), "this string is never closed")
                .label("it begins here")
                .hint("close it with the quote it begins with; three quotes make a string of several lines")
        }
        Fault::Bracket { open, shown_by } => {
            let bracket = &text[open..=open];
            let close = match bracket {
                "(" => ")",
                "[" => "]",
                _ => "}",
            };
            // Point at the call that is open, not only at its bracket.
            let name = text[..open].len()
                - text[..open].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
            let what = if bracket == "(" && name > 0 {
                format!("this call of `{}`", &text[open - name..open])
            } else {
                format!("this `{bracket}`")
            };
            let start = if bracket == "(" { open - name } else { open };
            let diagnostic =
                Diagnostic::new(Code::EP0106, at(start..open + 1), format!("{what} is never closed"))
                    .label("opened here")
                    .hint(format!("add a `{close}`"));
            match shown_by {
                Some(place) if matches!(&text[place.clone()], ")" | "]" | "}") => {
                    let found = text[place.clone()].to_owned();
                    diagnostic.also(at(place), format!("a `{close}` was expected before this `{found}`"))
                }
                Some(place) => diagnostic.also(at(place), "a new statement begins here"),
                None => diagnostic,
            }
        }
        Fault::Stray(close) => Diagnostic::new(
            Code::EP0105,
            at(close..close + 1),
            format!("this `{}` closes nothing", &text[close..=close]),
        )
        .label("nothing is open here")
        .hint("remove it")
        .suggest(at(close..close + 1), "", "remove it"),
    }
}

/// Says what is wrong with a word that the parser did not expect.
fn unexpected(text: &str, source: SourceId, message: &str, range: std::ops::Range<usize>) -> Diagnostic {
    let at = |range| Span::new(source, range);
    let line = text[..range.start.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    let word = text.get(range.clone()).unwrap_or("");
    let diagnostic = |message: String| Diagnostic::new(Code::EP0105, at(range.clone()), message);
    if message.starts_with("cannot use reserved keyword") {
        let hint = match word {
            "while" => "use `for`; Starlark has no `while`",
            "import" | "from" => "use `load(\"file.rules\", \"name\")`",
            "class" => "use a function or a dictionary",
            "try" | "except" | "raise" | "finally" => {
                "there are no exceptions; `fail(\"message\")` ends the evaluation"
            }
            "is" => "use `==`",
            _ => "choose another name",
        };
        return diagnostic(format!("`{word}` is a reserved word"))
            .label("not available in rule files")
            .hint(hint);
    }
    if message.starts_with("unexpected string literal")
        && text[..range.start].trim_end().ends_with(['"', '\''])
    {
        return diagnostic("two strings stand side by side".to_owned())
            .label("the second string")
            .hint("put a comma between them, or a `+` to join them");
    }
    if message.starts_with("unexpected identifier")
        && text[range.end..].trim_start().starts_with('=')
        && text[line..range.start].trim().is_empty()
        || message.starts_with("unexpected identifier") && message.ends_with("expected symbol ')'")
    {
        return diagnostic(format!("a comma is missing before `{word}`"))
            .label("the next argument begins here")
            .hint("end the argument before it with a comma");
    }
    if message.starts_with("invalid input") {
        let hint = match word {
            "“" | "”" | "„" | "‘" | "’" | "«" | "»" => Some("use straight quotes: `\"` or `'`"),
            "$" => Some("put quotes around it; note that `$` is not expanded in a rule"),
            "?" | "!" | "`" | ";" => Some("put quotes around shell words"),
            _ => None,
        };
        return diagnostic(format!("`{word}` cannot stand here")).maybe_hint(hint.map(str::to_owned));
    }
    if message.contains("indentation") {
        return diagnostic("the indentation does not fit".to_owned())
            .hint("a statement at the top level begins at the left margin; a block is indented evenly");
    }
    diagnostic(format!("syntax error: {}", message.replace('\'', "`")))
}

/// The place of template markup (Go, Jinja, chezmoi) on the line of a syntax error or on the first
/// such line above it.
fn template(text: &str, near: usize) -> Option<std::ops::Range<usize>> {
    let end = text[near.min(text.len())..].find('\n').map_or(text.len(), |at| near + at);
    let before = &text[..end];
    for (open, close) in [("{{", "}}"), ("{%", "%}"), ("<%", "%>")] {
        if let Some(start) = before.find(open) {
            let rest = &text[start..];
            let line = rest.find('\n').unwrap_or(rest.len());
            if let Some(length) = rest[..line].find(close) {
                return Some(start..start + length + close.len());
            }
        }
    }
    None
}

/// Says in our words why an evaluation ended early.
pub fn evaluation_fault(error: &EvalError, at: Span) -> Diagnostic {
    let message = error.message.split_whitespace().collect::<Vec<_>>().join(" ");
    // Starlark's "Error unpacking value for parameter `x` of type `int" lacks its last quote.
    let message = if message.matches('`').count() % 2 == 1 { format!("{message}`") } else { message };
    let message = message.as_str();
    match error.kind {
        EvalErrorKind::Name => {
            let name = message.split('`').nth(1).unwrap_or_default().to_owned();
            let known = globals(false);
            let names: Vec<&str> = known.names().map(|name| name.as_str()).collect();
            let builtins = Builtin::ALL.iter().map(|builtin| builtin.name());
            let hint = match name.as_str() {
                "print" | "pprint" => Some(
                    "there is no output; `fail(\"message\")` ends the evaluation with a message".to_owned(),
                ),
                "rule" | "allow" | "deny" | "forbid" | "prompt" => {
                    Some("write `prefix_rule(pattern = […], decision = \"…\")`".to_owned())
                }
                "true" | "false" => Some(format!("write `{}{}`", name[..1].to_uppercase(), &name[1..])),
                "null" | "nil" | "none" => Some("write `None`".to_owned()),
                // It is defined everywhere but in that mode.
                _ if Builtin::from_name(&name).is_some() => Some(format!(
                    "Codex has no `{name}`: check without `--codex`, or move the call to a file that Codex does not read"
                )),
                _ => nearest(&name, builtins.chain(names)).map(|meant| format!("did you mean `{meant}`?")),
            };
            Diagnostic::new(Code::EP0107, at, format!("`{name}` is not defined"))
                .label("unknown name")
                .maybe_hint(hint)
        }
        EvalErrorKind::Steps => Diagnostic::new(
            Code::EP0109,
            at,
            format!("evaluation takes more than {} million steps", super::limits::MAX_STEPS / 1_000_000),
        )
        .label("still running here")
        .hint("a policy needs a few thousand steps; look for a loop that is too long"),
        EvalErrorKind::Memory => Diagnostic::new(
            Code::EP0110,
            at,
            format!("evaluation takes more than {} MiB of memory", super::limits::MAX_HEAP >> 20),
        )
        .label("this asks for more")
        .hint("look for a string or list that is multiplied or grows in a loop"),
        EvalErrorKind::Time => Diagnostic::new(Code::EP0112, at, "evaluation takes too long")
            .label("still running here")
            .hint("look for a function that walks a very long range or list"),
        EvalErrorKind::Depth => Diagnostic::new(Code::EP0111, at, "functions call each other too deeply")
            .label("one call too many")
            .hint("a recursion needs an end; a loop is often simpler"),
        EvalErrorKind::Load => Diagnostic::new(Code::EP0113, at, message.to_owned()),
        EvalErrorKind::Syntax => Diagnostic::new(Code::EP0105, at, message.to_owned()),
        EvalErrorKind::Internal => {
            Diagnostic::new(Code::EP9901, at, format!("the evaluator failed: {message}"))
                .hint("this is a fault of execpolicy; please report it with the file")
        }
        EvalErrorKind::Other => missing_symbol(message, at).unwrap_or_else(|| {
            let plain = message
                .strip_prefix("fail:")
                .map_or_else(|| message.to_owned(), |text| format!("the file gave up: {}", text.trim()));
            let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
            let (plain, hint) = match quoted[..] {
                [op, left, right] if message.starts_with("Operation ") => (
                    format!("`{op}` does not work for a {left} and a {right}"),
                    (left != right).then_some(
                        "make both of one kind: a list with one item is `[x]`, a text of a number `str(x)`",
                    ),
                ),
                [_, wanted] if message.starts_with("Error unpacking value for parameter") => {
                    (format!("a value here is not of type {wanted}, or too large for it"), None)
                }
                _ => (plain, None),
            };
            Diagnostic::new(Code::EP0108, at, plain).label("failed here").maybe_hint(hint.map(str::to_owned))
        }),
    }
}

/// `load("x", "name")` of a name that `x` does not define.
fn missing_symbol(message: &str, at: Span) -> Option<Diagnostic> {
    if let Some(name) =
        message.strip_prefix("Cannot import private symbol `").and_then(|rest| rest.split('`').next())
    {
        return Some(
            Diagnostic::new(Code::EP0113, at, format!("`{name}` is private to its file"))
                .label("names that begin with `_` cannot be loaded")
                .hint(format!("call it `{}` there", name.trim_start_matches('_'))),
        );
    }
    let name = message.strip_prefix("Module has no symbol `")?.split('`').next()?;
    let meant = message.split("did you mean `").nth(1).and_then(|rest| rest.split('`').next());
    Some(
        Diagnostic::new(Code::EP0113, at, format!("the loaded file does not define `{name}`"))
            .label("loaded here")
            .maybe_hint(meant.map(|meant| format!("it defines `{meant}`"))),
    )
    .map(|fault| match meant {
        Some(meant) => fault.instead(at, name, meant),
        None => fault,
    })
}
