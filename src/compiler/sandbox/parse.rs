//! In: balanced tokens. Out: the tree, and a diagnostic for every statement that is not one.
//! Not here: what words mean (`resolve.rs`). The only file that names chumsky.
//!
//! A statement that cannot be read is skipped to the end of its line (its block included), so that every fault of a
//! file is found in one run. The parser recurses into blocks only, and `token::balance` has bounded their depth.

use super::ast::{Item, Spelling, Statement, Term, Word};
use super::token::{Lexed, Token};
use crate::diagnostic::text as fault;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceId, Span, Spanned};
use chumsky::error::{RichPattern, RichReason};
use chumsky::input::{MapExtra, ValueInput};
use chumsky::prelude::*;
use execpolicy_profile::{self as profile, Platform, STATEMENTS, Terms, Verb, keywords};

type Fault<'t, 's> = extra::Err<Rich<'t, Token<'s>>>;

/// Reads a file.
pub fn parse(source: SourceId, tokens: &[Lexed<'_>], end: usize, sink: &mut Diagnostics) -> Vec<Item> {
    let spanned: Vec<(Token<'_>, SimpleSpan)> =
        tokens.iter().map(|(token, range)| (*token, SimpleSpan::from(range.clone()))).collect();
    let input = spanned.as_slice().split_token_span((end..end).into());
    let (items, faults) = file(source).parse(input).into_output_errors();
    for fault in &faults {
        report(source, tokens, fault, sink);
    }
    items.unwrap_or_default()
}

fn word<'t, 's: 't, I>(source: SourceId) -> impl Parser<'t, I, Word, Fault<'t, 's>> + Clone
where
    I: ValueInput<'t, Token = Token<'s>, Span = SimpleSpan>,
{
    select! {
        Token::Word(text) => (text.to_owned(), Spelling::Bare),
        Token::Set(text) => (text.trim_start_matches('@').to_owned(), Spelling::Set),
        Token::Quoted(text) => (unquote(text), Spelling::Quoted),
    }
    .map_with(move |(text, spelling), e: &mut MapExtra<'t, '_, I, _>| Word {
        text,
        spelling,
        span: Span::new(source, e.span().into_range()),
    })
}

/// Takes the quotes and the backslashes off. (An escape that is not `\"` or `\\` is reported by [`escapes`].)
fn unquote(text: &str) -> String {
    let inner = text.strip_prefix('"').unwrap_or(text);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

/// Reports every escape in a quoted text that has no meaning.
pub fn escapes(source: SourceId, tokens: &[Lexed<'_>], sink: &mut Diagnostics) {
    for (token, range) in tokens {
        let Token::Quoted(text) = token else { continue };
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            if c != '\\' {
                continue;
            }
            if let Some((_, escaped)) = chars.next()
                && !matches!(escaped, '"' | '\\')
            {
                let start = range.start + at;
                sink.error(
                    Diagnostic::new(
                        Code::EP0504,
                        Span::new(source, start..start + 1 + escaped.len_utf8()),
                        format!("`\\{}` is not an escape", escaped.escape_debug()),
                    )
                    .hint(r#"the escapes are `\"` and `\\`"#),
                );
            }
        }
    }
}

/// A word with a fixed meaning.
fn key<'t, 's: 't, I>(word: &'static str) -> impl Parser<'t, I, Token<'s>, Fault<'t, 's>> + Clone
where
    I: ValueInput<'t, Token = Token<'s>, Span = SimpleSpan>,
{
    just(Token::Keyword(word)).labelled(quoted(word))
}

/// At least one, with commas between; a line may end after a comma.
fn listed<'t, 's: 't, I, O>(
    one: impl Parser<'t, I, O, Fault<'t, 's>> + Clone,
) -> impl Parser<'t, I, Vec<O>, Fault<'t, 's>> + Clone
where
    I: ValueInput<'t, Token = Token<'s>, Span = SimpleSpan>,
{
    let comma = just(Token::Comma).then(just(Token::Newline).repeated()).labelled("`,`");
    one.separated_by(comma).at_least(1).collect()
}

/// Every statement of the table in one of its forms.
fn forms<'t, 's: 't, I>(
    source: SourceId,
    form: fn(&profile::Statement) -> Option<Terms>,
    make: fn(Verb, Vec<Term>) -> Statement,
) -> impl Parser<'t, I, Statement, Fault<'t, 's>> + Clone
where
    I: ValueInput<'t, Token = Token<'s>, Span = SimpleSpan> + 't,
{
    let name = move |what: &'static str| word(source).labelled(what);
    let one = move |(statement, terms): (&'static profile::Statement, Terms)| {
        let mut words = empty().boxed();
        for word in statement.words {
            words = words.then_ignore(key(word)).boxed();
        }
        let alone = move |what| name(what).map(|word| (word, None));
        let terms = match terms {
            Terms::Nothing => empty().to(Vec::new()).boxed(),
            Terms::List(what) => listed(alone(what)).boxed(),
            Terms::Pairs(what, value) => {
                listed(name(what).then(name(value)).map(|(what, value)| (what, Some(value)))).boxed()
            }
            Terms::Assignments(what, value) => {
                let equals = just(Token::Equals).labelled("`=`");
                let pair = name(what).then_ignore(equals).then(name(value));
                listed(pair.map(|(what, value)| (what, Some(value)))).boxed()
            }
        };
        words.ignore_then(terms).map(move |terms| make(statement.verb, terms)).boxed()
    };
    let all = STATEMENTS.iter().filter_map(|statement| Some((statement, form(statement)?)));
    choice(all.map(one).collect::<Vec<_>>())
}

fn file<'t, 's: 't, I>(source: SourceId) -> impl Parser<'t, I, Vec<Item>, Fault<'t, 's>>
where
    I: ValueInput<'t, Token = Token<'s>, Span = SimpleSpan>,
{
    let lines = just(Token::Newline).repeated();
    let name = |what: &'static str| word(source).labelled(what);

    // A block or a line that nothing could be made of.
    let braces = recursive(|braces| {
        just(Token::Open)
            .then(choice((none_of([Token::Open, Token::Close]).ignored(), braces)).repeated())
            .then(just(Token::Close))
            .ignored()
    });
    let skipped = choice((none_of([Token::Open, Token::Close, Token::Newline]).ignored(), braces))
        .repeated()
        .at_least(1)
        .ignored();
    let end_of_line = choice((
        just(Token::Newline).ignored().labelled("the end of the line"),
        just(Token::Close).rewind().ignored(),
        end(),
    ));

    let simple = choice((
        forms(source, |statement| statement.said, Statement::Say),
        key("unset").ignore_then(forms(source, |statement| statement.unset, Statement::Unset)),
    ))
    .boxed();

    let statement = recursive(|statement| {
        let place = move |value, e: &mut MapExtra<'t, '_, I, _>| {
            Spanned::new(value, Span::new(source, e.span().into_range()))
        };
        let body = block(statement);
        let platform = choice((key("linux").to(Platform::Linux), key("macos").to(Platform::Macos)));
        let on = key("on").ignore_then(platform).then(body.clone()).map(|(os, body)| Statement::On(os, body));
        let setup = key("phase").ignore_then(key("setup")).ignore_then(body).map(Statement::Setup);
        choice((simple, on, setup)).map_with(place).then_ignore(end_of_line).recover_with(via_parser(
            skipped.clone().to(Statement::Broken).map_with(place).then_ignore(end_of_line),
        ))
    });
    let profile = key("profile")
        .ignore_then(name("the name of a profile"))
        .then(key("extends").ignore_then(name("the name of a profile")).or_not())
        .then(block(statement))
        .map(|((name, parent), body)| Item::Profile(name, parent, body));
    let item = choice((
        key("let")
            .ignore_then(name("a name"))
            .then_ignore(just(Token::Equals).labelled("`=`"))
            .then(listed(name("a value")))
            .map(|(name, values)| Item::Let(name, values)),
        profile,
        key("default").ignore_then(name("the name of a profile")).map(Item::Default),
    ))
    .then_ignore(end_of_line)
    .recover_with(via_parser(skipped.to(Item::Broken).then_ignore(end_of_line)));
    lines.ignore_then(item.then_ignore(lines).repeated().collect()).then_ignore(end())
}

/// `{ statement … }`
fn block<'t, 's: 't, I>(
    statement: impl Parser<'t, I, Spanned<Statement>, Fault<'t, 's>> + Clone,
) -> impl Parser<'t, I, Vec<Spanned<Statement>>, Fault<'t, 's>> + Clone
where
    I: ValueInput<'t, Token = Token<'s>, Span = SimpleSpan>,
{
    let lines = just(Token::Newline).repeated();
    just(Token::Open)
        .labelled("`{`")
        .ignore_then(lines)
        .ignore_then(statement.then_ignore(lines).repeated().collect())
        .then_ignore(just(Token::Close).labelled("`}`"))
}

fn quoted(word: &'static str) -> String {
    format!("`{word}`")
}

/// Turns what chumsky found into one diagnostic.
fn report(source: SourceId, tokens: &[Lexed<'_>], fault: &Rich<'_, Token<'_>>, sink: &mut Diagnostics) {
    let range = fault.span().into_range();
    let at = tokens.partition_point(|(_, token)| token.start < range.start);
    let found = tokens.get(at).map(|(token, _)| *token);
    let before = at.checked_sub(1).and_then(|at| tokens.get(at)).map(|(token, _)| *token);
    let span = Span::new(source, range);
    let mut expected: Vec<String> = match fault.reason() {
        RichReason::ExpectedFound { expected, .. } => expected.iter().filter_map(describe).collect(),
        RichReason::Custom(text) => vec![text.clone()],
    };
    expected.sort_by_key(|text| keywords().position(|key| *text == quoted(key)).unwrap_or(0));
    expected.dedup();
    let names: Vec<&str> = expected.iter().map(|text| text.trim_matches('`')).collect();
    let wants_value = expected.iter().find(|text| !text.starts_with('`') && !text.starts_with("the end"));

    let keywords: Vec<String> = expected.iter().filter(|text| text.starts_with('`')).cloned().collect();
    let ends = matches!(found, None | Some(Token::Newline | Token::Close));
    let diagnostic = match (found, before, wants_value) {
        (_, Some(Token::Keyword(verb)), Some(what)) if ends => {
            let hint = match verb {
                "allow" => "for no destination write `network off`, for every one `network full`".to_owned(),
                verb => format!("write {what} after `{verb}`, or leave the statement out"),
            };
            Diagnostic::new(Code::EP0506, back(source, tokens, at), format!("nothing follows `{verb}`"))
                .label(format!("{what} is missing"))
                .hint(hint)
        }
        (Some(Token::Word(wrong)), None | Some(Token::Newline | Token::Open | Token::Close), _) => {
            let message = format!("`{}` is not a statement", fault::shorten(wrong));
            let diagnostic = Diagnostic::new(Code::EP0505, span, message);
            if fault::nearest(wrong, names.iter().copied()).is_some() {
                diagnostic.did_you_mean(span, wrong, names.iter().copied())
            } else {
                diagnostic.hint(format!("a statement here begins with {}", alternatives(&keywords)))
            }
        }
        (Some(token), before, _) => {
            let message = format!("expected {}, found {}", alternatives(&expected), token.describe());
            let mut diagnostic = Diagnostic::new(Code::EP0501, span, message);
            match (token, before) {
                (Token::Word(wrong), _) if fault::nearest(wrong, names.iter().copied()).is_some() => {
                    diagnostic = diagnostic.did_you_mean(span, wrong, names.iter().copied());
                }
                (Token::Word(_) | Token::Quoted(_) | Token::Set(_), _) if names.contains(&",") => {
                    diagnostic = diagnostic.hint("write a comma between two of a list");
                }
                (Token::Keyword(key), Some(Token::Newline | Token::Comma)) if wants_value.is_some() => {
                    diagnostic = diagnostic
                        .hint("a comma at the end of a line goes on in the next: take it away to end the statement")
                        .hint(format!("to name something `{key}`, write `\"{key}\"`"));
                }
                (Token::Keyword(key), _) if wants_value.is_some() => {
                    diagnostic = diagnostic.hint(format!("to name something `{key}`, write `\"{key}\"`"));
                }
                (Token::Equals, _) => {
                    diagnostic = diagnostic.hint("a name that contains `=` is written in quotes");
                }
                (Token::Open, Some(Token::Word(_))) if names.contains(&",") => {
                    diagnostic = diagnostic.hint("there is no `{a,b}`: write each path out");
                }
                _ => {}
            }
            diagnostic
        }
        (None, _, _) => Diagnostic::new(
            Code::EP0501,
            span,
            format!("expected {}, found the end of the file", alternatives(&expected)),
        ),
    };
    sink.error(diagnostic);
}

/// The place of the last token before an index: where something is missing at the end of a line.
fn back(source: SourceId, tokens: &[Lexed<'_>], at: usize) -> Span {
    let range = at.checked_sub(1).and_then(|at| tokens.get(at)).map_or(0..0, |(_, range)| range.clone());
    Span::new(source, range)
}

fn describe(pattern: &RichPattern<'_, Token<'_>>) -> Option<String> {
    match pattern {
        RichPattern::Token(token) => Some(token.describe()),
        RichPattern::Label(label) => Some(label.to_string()),
        RichPattern::Identifier(name) => Some(name.clone()),
        RichPattern::EndOfInput => Some("the end of the file".to_owned()),
        RichPattern::Any | RichPattern::SomethingElse => None,
        _ => None,
    }
}

fn alternatives(expected: &[String]) -> String {
    match expected {
        [] => "something else".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
