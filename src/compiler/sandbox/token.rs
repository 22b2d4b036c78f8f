//! In: the text of a `.sandbox` file. Out: its tokens, blocks balanced and never deeper than [`MAX_DEPTH`].
//! Not here: what a word means; a path, a host and a number are all words. The only file that names logos.

use crate::diagnostic::text as fault;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceId, Span};
use execpolicy_profile::keywords;
use logos::Logos;

/// How deep blocks may nest: `profile { phase setup { on linux { } } }`. What the parser sees is at most one deeper, and empty there.
pub const MAX_DEPTH: usize = 3;

/// The smallest parts of a sandbox file. Spaces, tabs and comments are not tokens; the end of a line is.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r]+")]
#[logos(skip(r"#[^\n]*", allow_greedy = true))]
pub enum Token<'s> {
    /// The end of a line, where a statement ends.
    #[token("\n")]
    Newline,
    /// `,`
    #[token(",")]
    Comma,
    /// `=`
    #[token("=")]
    Equals,
    /// `{`
    #[token("{")]
    Open,
    /// `}`
    #[token("}")]
    Close,
    /// A word with a fixed meaning, found among the words by [`lex`]. It must be quoted to stand for itself.
    Keyword(&'s str),
    /// `@git-hooks`, with the `@`.
    #[regex(r##"@[^\s{},=;"#]*"##)]
    Set(&'s str),
    /// A path, a host, a number, a name: anything without space and punctuation.
    #[regex(r##"[^\s{},=;"#@][^\s{},=;"#]*"##, priority = 1)]
    Word(&'s str),
    /// A quoted text, with its quotes.
    #[regex(r##""([^"\\\n]|\\[^\n])*""##)]
    Quoted(&'s str),
    /// A quoted text that the line ends before its closing quote.
    #[regex(r##""([^"\\\n]|\\[^\n])*\\?"##)]
    Unclosed(&'s str),
    /// A word with a `#` in it: a comment without its space, or a name with one.
    #[regex(r##"[^\s{},=;"#]+#[^\s{},=;"]*"##)]
    Glued(&'s str),
    /// `;`
    #[token(";")]
    Semicolon,
}

impl Token<'_> {
    /// How a message speaks of it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Newline => "the end of the line".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Equals => "`=`".to_owned(),
            Self::Open => "`{`".to_owned(),
            Self::Close => "`}`".to_owned(),
            Self::Semicolon => "`;`".to_owned(),
            Self::Keyword(text) => format!("the keyword `{text}`"),
            Self::Set(text) | Self::Word(text) | Self::Glued(text) => format!("`{}`", fault::shorten(text)),
            Self::Quoted(text) | Self::Unclosed(text) => fault::shorten(text),
        }
    }
}

/// A token and the bytes it stands on.
pub type Lexed<'s> = (Token<'s>, std::ops::Range<usize>);

/// Splits a text into tokens. What no token can be made of is reported and left out.
pub fn lex<'s>(source: SourceId, text: &'s str, sink: &mut Diagnostics) -> Vec<Lexed<'s>> {
    let mut tokens = Vec::new();
    let mut rest_is_comment = false;
    for (token, range) in Token::lexer(text).spanned() {
        if rest_is_comment && token != Ok(Token::Newline) {
            continue;
        }
        rest_is_comment = matches!(token, Ok(Token::Glued(_)));
        let span = Span::new(source, range.clone());
        match token {
            Ok(Token::Semicolon) => {
                sink.error(
                    Diagnostic::new(Code::EP0502, span, "`;` has no meaning here")
                        .hint("end a statement with the end of its line")
                        .suggest(span, "\n", "begin a new line"),
                );
                tokens.push((Token::Newline, range));
            }
            Ok(Token::Glued(word)) => {
                let (before, after) = word.split_once('#').unwrap_or((word, ""));
                let start = range.start + before.len();
                sink.error(
                    Diagnostic::new(
                        Code::EP0502,
                        Span::new(source, start..start + 1),
                        format!("`#` touches the word `{}`", fault::shorten(before)),
                    )
                    .label("comment or part of the name?")
                    .hint(format!("for a comment: `{} #{after}`", fault::shorten(before)))
                    .hint(format!("for a name: `\"{}\"`", fault::shorten(word)))
                    .suggest(Span::new(source, start..start), " ", "make it a comment"),
                );
                tokens.push((Token::Word(before), range.start..start));
            }
            Ok(Token::Unclosed(word)) => {
                sink.error(
                    Diagnostic::new(Code::EP0504, span, "a quoted text is never closed")
                        .hint(format!("write `{}\"`", fault::shorten(word.trim_end()))),
                );
                tokens.push((Token::Quoted(word), range));
            }
            Ok(Token::Word(word)) if keywords().any(|key| key == word) => {
                tokens.push((Token::Keyword(word), range));
            }
            Ok(token) => tokens.push((token, range)),
            Err(()) => {
                sink.error(Diagnostic::new(
                    Code::EP0502,
                    span,
                    format!("`{}` has no meaning here", fault::shorten(&text[range])),
                ));
            }
        }
    }
    tokens
}

/// Makes blocks balanced and shallow, so that the parser can neither get lost nor run out of stack: a brace without
/// its partner and a block that is too deep are reported, and mended or left out.
pub fn balance<'s>(source: SourceId, tokens: Vec<Lexed<'s>>, sink: &mut Diagnostics) -> Vec<Lexed<'s>> {
    let mut open: Vec<std::ops::Range<usize>> = Vec::new();
    let mut out = Vec::with_capacity(tokens.len());
    let mut fresh_line = true;
    let end = tokens.last().map_or(0, |(_, range)| range.end);
    let unclosed = |open: &[std::ops::Range<usize>], sink: &mut Diagnostics| {
        if let Some(brace) = open.first() {
            sink.error(
                Diagnostic::new(Code::EP0508, Span::new(source, brace.clone()), "this block is never closed")
                    .hint("write `}` on a line of its own after its last statement"),
            );
        }
    };
    for (token, range) in tokens {
        // These three stand outside of blocks only: whoever begins one has forgotten a brace before it.
        if fresh_line && !open.is_empty() && matches!(token, Token::Keyword("profile" | "let" | "default")) {
            unclosed(&open, sink);
            out.extend(open.drain(..).take(MAX_DEPTH).map(|_| (Token::Close, range.start..range.start)));
            out.push((Token::Newline, range.start..range.start));
        }
        fresh_line = token == Token::Newline;
        match token {
            Token::Open => {
                if open.len() == MAX_DEPTH {
                    sink.error(
                        Diagnostic::new(
                            Code::EP0507,
                            Span::new(source, range.clone()),
                            "blocks are nested too deeply",
                        )
                        .hint("the deepest that has a meaning is `profile … { phase setup { on linux { … } } }`"),
                    );
                }
                open.push(range.clone());
                if open.len() <= MAX_DEPTH {
                    out.push((token, range));
                } else if open.len() == MAX_DEPTH + 1 {
                    out.push((Token::Open, range.clone()));
                    out.push((Token::Close, range.end..range.end));
                }
            }
            Token::Close => {
                if open.pop().is_none() {
                    sink.error(Diagnostic::new(
                        Code::EP0508,
                        Span::new(source, range),
                        "this `}` closes nothing",
                    ));
                } else if open.len() < MAX_DEPTH {
                    out.push((token, range));
                }
            }
            token if open.len() <= MAX_DEPTH => out.push((token, range)),
            _ => {}
        }
    }
    unclosed(&open, sink);
    out.extend(open.iter().take(MAX_DEPTH).map(|_| (Token::Close, end..end)));
    out
}
