//! In: the words of statements. Out: the same with `let` names and sets replaced.
//! Not here: what a word stands for (`values.rs`, `typed.rs`).

use super::ast::{Spelling, Word};
use super::sets::{self, Kind};
use super::values;
use crate::diagnostic::text::{nearest, shorten};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use execpolicy_profile::Promise;
use std::collections::BTreeMap;

/// How many words one compilation may come to once `let` names and sets are replaced. The standard library's own
/// profiles come to about 600.
const MOST_WORDS: usize = 200_000;

/// What the words of one file may refer to.
#[derive(Debug, Default)]
pub struct Scope {
    lets: BTreeMap<String, (Span, Vec<Word>)>,
    words: usize,
    full: bool,
}

impl Scope {
    /// Defines a `let` name.
    pub fn define(&mut self, name: &Word, words: &[Word], sink: &mut Diagnostics) {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if name.spelling != Spelling::Bare || !name.text.chars().all(good) || name.text.is_empty() {
            let hint = format!("for example `{}`", name.text.to_lowercase().trim_start_matches('$'));
            sink.error(
                Diagnostic::new(
                    Code::EP0604,
                    name.span,
                    format!("`{}` cannot be the name of a `let`", shorten(&name.text)),
                )
                .label("a name is made of a-z, 0-9, `-` and `_`")
                .hint(shorten(&hint)),
            );
            return;
        }
        if let Some((first, _)) = self.lets.get(&name.text) {
            sink.error(
                Diagnostic::new(Code::EP0602, name.span, format!("`{}` is defined twice", name.text))
                    .also(*first, "the first time"),
            );
            return;
        }
        let words = self.expand(words, sink);
        self.lets.insert(name.text.clone(), (name.span, words));
    }

    /// Replaces `$name` by what `let` says. Where a word stands stays the place where it is used.
    fn expand(&mut self, words: &[Word], sink: &mut Diagnostics) -> Vec<Word> {
        let mut out = Vec::new();
        for word in words {
            let before = out.len();
            self.expand_one(word, &mut out, sink);
            self.words += out.len() - before;
            if self.words > MOST_WORDS {
                out.truncate(before);
                if !self.full {
                    sink.error(
                        Diagnostic::new(
                            Code::EP0509,
                            word.span,
                            format!("more than {MOST_WORDS} paths, hosts and names"),
                        )
                        .hint("name the directory that holds them"),
                    );
                }
                self.full = true;
                break;
            }
        }
        out
    }

    fn expand_one(&self, word: &Word, out: &mut Vec<Word>, sink: &mut Diagnostics) {
        let Some(rest) = word.text.strip_prefix('$').filter(|_| word.spelling == Spelling::Bare) else {
            out.push(word.clone());
            return;
        };
        let (name, below) = rest.split_once('/').map_or((rest, None), |(name, below)| (name, Some(below)));
        if matches!(name, "WORKSPACE" | "TMPDIR") {
            out.push(word.clone());
            return;
        }
        let Some((_, words)) = self.lets.get(name) else {
            let known = || self.lets.keys().map(String::as_str).chain(["WORKSPACE", "TMPDIR"]);
            let near = nearest(name, known());
            sink.error(undefined(word, name, below, near));
            return;
        };
        for value in words {
            let text = match below {
                None => value.text.clone(),
                Some(below) => format!("{}/{below}", value.text),
            };
            if text.len() > values::LONGEST_PATH {
                sink.error(Diagnostic::new(
                    Code::EP0605,
                    word.span,
                    format!("a path has at most {} bytes", values::LONGEST_PATH),
                ));
                return;
            }
            let spelling = match (value.spelling, below) {
                (Spelling::Set, Some(_)) => {
                    sink.error(
                        Diagnostic::new(
                            Code::EP0608,
                            word.span,
                            format!(
                                "`${}` holds a set, and a set has no directories below it",
                                shorten(name)
                            ),
                        )
                        .hint(format!("write `@{}` alone", shorten(&value.text))),
                    );
                    return;
                }
                (spelling, _) => spelling,
            };
            out.push(Word { text, spelling, span: word.span });
        }
    }

    /// Replaces names and sets in the list of a statement.
    pub fn words(
        &mut self,
        words: &[Word],
        kind: Kind,
        statement: &str,
        sink: &mut Diagnostics,
    ) -> Vec<Listed> {
        let alone = |word| Listed { word, of_set: None };
        // `$EDITOR` in a list of variables is a value where a name is needed, not an unknown `let`.
        let (values, words): (Vec<Word>, Vec<Word>) = words.iter().cloned().partition(|word| {
            let name = word.text.strip_prefix('$').filter(|_| word.spelling == Spelling::Bare);
            kind == Kind::Variables && name.is_some_and(|name| !self.lets.contains_key(name))
        });
        let mut out: Vec<Listed> = values.into_iter().map(alone).collect();
        for word in self.expand(&words, sink) {
            if word.spelling != Spelling::Set {
                out.push(alone(word));
                continue;
            }
            match sets::kind(&word.text) {
                Some(found) if found == kind && statement != "network" => {
                    for member in sets::members(kind).filter(|member| member.set == word.text) {
                        self.words += 1;
                        out.push(Listed { word: member.word(word.span), of_set: Some(member.missing) });
                    }
                }
                Some(found) => {
                    sink.error(other_set(&word, found, statement));
                }
                None => {
                    sink.error(no_set(&word, kind, statement));
                }
            }
        }
        out
    }
}

/// A set that holds something else.
fn other_set(word: &Word, found: Kind, statement: &str) -> Diagnostic {
    let text = format!("`@{}` holds {}, which `{statement}` does not take", word.text, found.describe());
    Diagnostic::new(Code::EP0608, word.span, text).hint(format!(
        "write `{} @{}`",
        found.statement(),
        word.text
    ))
}

/// A `$name` that nothing defines, and what was probably meant.
fn undefined(word: &Word, name: &str, below: Option<&str>, near: Option<&str>) -> Diagnostic {
    let fault = Diagnostic::new(Code::EP0604, word.span, format!("`${}` is not defined", shorten(name)));
    let near = near.map(|near| format!("${near}"));
    let meant = match (name, &near) {
        ("HOME", _) => Some(("~", "the home directory is written `~`".to_owned())),
        ("PWD", _) => Some(("$WORKSPACE", "the directory of the session is written `$WORKSPACE`".to_owned())),
        (_, Some(near)) => Some((near.as_str(), format!("did you mean `{near}`?"))),
        (_, None) => None,
    };
    let fault = match meant {
        Some((other, hint)) => {
            let whole = below.map_or_else(|| other.to_owned(), |below| format!("{other}/{below}"));
            fault.hint(hint).instead(word.span, &word.text, &whole)
        }
        None => fault,
    };
    fault.hint("`$WORKSPACE`, `$TMPDIR` and `~` are there; other names need a `let` above")
}

/// A set that there is not.
fn no_set(word: &Word, kind: Kind, statement: &str) -> Diagnostic {
    let known = sets::names(Some(kind).filter(|_| statement != "network"));
    let near = nearest(&word.text, known.iter().copied()).or_else(|| nearest(&word.text, sets::names(None)));
    let list: Vec<String> = known.iter().map(|name| format!("@{name}")).collect();
    let fault =
        Diagnostic::new(Code::EP0609, word.span, format!("there is no set `@{}`", shorten(&word.text)));
    let fault = match near.map(|near| format!("@{near}")) {
        Some(near) => {
            let written = format!("@{}", word.text);
            fault.hint(format!("did you mean `{near}`?")).instead(word.span, &written, &near)
        }
        None => fault,
    };
    fault.hint(format!("the sets for `{statement}` are {}", list.join(", ")))
}

/// A word of a list, once names and sets are replaced.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The word; one of a set stands where the set's name does.
    pub word: Word,
    /// For a member of a set: what the set promises about it.
    pub of_set: Option<Promise>,
}
