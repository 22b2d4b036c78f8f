//! In: statements as written. Out: [`Clause`]s: `let` names and sets replaced, every word read as what it stands for.
//! Not here: which clause wins (`layers.rs`).

use super::ast::{EnvVerb, Spelling, Statement, Word};
use super::sets::{self, Kind};
use super::{hosts, values};
use crate::diagnostic::text::{did_you_mean, shorten};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::policy::profile::{
    Access, EnvAction, Feature, Host, LimitKind, NetworkMode, PathAccess, Place, Promise, Stance,
};
use crate::source::{Span, Spanned};
use std::collections::BTreeMap;

/// How many words one compilation may come to once `let` names and sets are replaced. The standard library's own
/// profiles come to about 600.
const MOST_WORDS: usize = 200_000;

/// What a clause is about. Two clauses about the same thing are one statement too many in one body, and a
/// replacement between parent and child.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A path.
    Path(Place),
    /// A glob.
    Glob(Place, String),
    /// A protected name.
    Protect(String),
    /// `network off`, `full`, or that there is a list.
    Network,
    /// A destination, allowed or denied.
    Host(bool, Host, u16, u16),
    /// A variable or pattern.
    Env(String),
    /// A limit.
    Limit(LimitKind),
    /// A system call.
    Syscall(String),
    /// A feature.
    Feature(Feature),
    /// A Mach service.
    Mach(String),
}

/// What is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A path's access.
    Path(PathAccess),
    /// A glob's cap.
    Glob(Access),
    /// The promise of a protected name.
    Protect(Promise),
    /// The network's mode.
    Network(NetworkMode),
    /// Everything about a host is in its key.
    Host,
    /// What happens to a variable.
    Env(EnvAction),
    /// A limit's value.
    Limit(u64),
    /// Whether a system call is allowed.
    Syscall(bool),
    /// Required or accepted.
    Feature(Stance),
    /// Everything about a service is in its key.
    Mach,
}

/// One thing that a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// What it is about.
    pub key: Key,
    /// What it says; `None` takes back what a parent said.
    pub value: Option<Value>,
    /// For `unset`: what the parent must have said, if that was written (`unset deny P`).
    pub was: Option<Value>,
    /// The word that says it.
    pub span: Span,
    /// Whether it came out of a set: then it may overlap with others, and is weaker than a name written out.
    pub of_set: bool,
}

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
            let hint = match name {
                "HOME" => Some("the home directory is written `~`".to_owned()),
                "PWD" => Some("the directory of the session is written `$WORKSPACE`".to_owned()),
                _ => super::fault_near(name, known()),
            };
            sink.error(
                Diagnostic::new(Code::EP0604, word.span, format!("`${}` is not defined", shorten(name)))
                    .maybe_hint(hint)
                    .hint("`$WORKSPACE`, `$TMPDIR` and `~` are there; other names need a `let` above"),
            );
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

    /// Reads one statement into clauses. `On` and `Setup` are not statements of this kind.
    pub fn clauses(&mut self, statement: &Statement, out: &mut Vec<Clause>, sink: &mut Diagnostics) {
        match statement {
            Statement::Unset(inner) => {
                let start = out.len();
                self.clauses(inner, out, sink);
                for clause in out.iter_mut().skip(start) {
                    clause.was = clause.value.take();
                }
                // The list itself is not what is taken back.
                let mut at = 0;
                out.retain(|clause| {
                    at += 1;
                    at <= start || clause.key != Key::Network
                });
            }
            Statement::Paths(access, words) => self.each(
                words,
                Kind::Paths,
                access.as_str(),
                sink,
                |word, _, sink| {
                    let target = values::target(word).map_err(|d| sink.error(*d)).ok()?;
                    Some(match target.pattern {
                        None => (Key::Path(target.place), Value::Path(*access)),
                        Some(pattern) => {
                            let cap = match access {
                                PathAccess::Deny => Access::Deny,
                                PathAccess::Read => Access::Read,
                                PathAccess::Write | PathAccess::Private => {
                                    let dir = &target.place;
                                    sink.error(
                                        Diagnostic::new(
                                            Code::EP0607,
                                            word.span,
                                            format!(
                                                "`{} {}` would grant by a wildcard",
                                                access.as_str(),
                                                shorten(&word.text)
                                            ),
                                        )
                                        .label("a wildcard can only lower access")
                                        .hint(format!(
                                            "name the directory: `{} {}`",
                                            access.as_str(),
                                            shorten(&dir.to_string())
                                        )),
                                    );
                                    return None;
                                }
                            };
                            (Key::Glob(target.place, pattern), Value::Glob(cap))
                        }
                    })
                },
                out,
            ),
            Statement::Protect(words) => self.each(
                words,
                Kind::Names,
                "protect",
                sink,
                |word, missing, sink| {
                    let name = values::name(word).map_err(|d| sink.error(*d)).ok()?;
                    let inside_git = name.split('/').next() == Some(".git");
                    let promise =
                        missing.unwrap_or(if inside_git { Promise::Detect } else { Promise::Prevent });
                    Some((Key::Protect(name), Value::Protect(promise)))
                },
                out,
            ),
            Statement::NetworkOff | Statement::NetworkFull | Statement::UnsetNetwork => {}
            Statement::Hosts(allow, words) => {
                if *allow && let Some(first) = words.first() {
                    out.push(Clause::new(
                        Key::Network,
                        Value::Network(NetworkMode::Listed),
                        first.span,
                        false,
                    ));
                }
                self.each(
                    words,
                    Kind::Paths,
                    "network",
                    sink,
                    |word, _, sink| {
                        let (host, first, last) =
                            hosts::destination(word).map_err(|d| sink.error(*d)).ok()?;
                        Some((Key::Host(*allow, host, first, last), Value::Host))
                    },
                    out,
                );
            }
            Statement::Env(verb, words) => {
                let action = match verb {
                    EnvVerb::Pass => EnvAction::Pass,
                    EnvVerb::Deny => EnvAction::Deny,
                };
                self.each(
                    words,
                    Kind::Variables,
                    "env",
                    sink,
                    |word, _, sink| {
                        let name = values::variable(word, true).map_err(|d| sink.error(*d)).ok()?;
                        Some((Key::Env(name), Value::Env(action.clone())))
                    },
                    out,
                );
            }
            Statement::EnvSet(pairs) => {
                for (name, value) in pairs {
                    let text = &value.text;
                    if value.spelling == Spelling::Set
                        || (value.spelling == Spelling::Bare && text.starts_with(['$', '~']))
                    {
                        sink.error(
                            Diagnostic::new(
                                Code::EP0617,
                                value.span,
                                format!("`{}` is not expanded in a value", shorten(text)),
                            )
                            .hint(format!("to set exactly these characters: `\"{}\"`", shorten(text))),
                        );
                        continue;
                    }
                    match values::variable(name, false) {
                        Ok(key) => {
                            let value = Value::Env(EnvAction::Set(text.clone()));
                            out.push(Clause::new(Key::Env(key), value, name.span, false));
                        }
                        Err(fault) => {
                            sink.error(*fault);
                        }
                    }
                }
            }
            Statement::UnsetEnvSet(names) => {
                for name in names {
                    match values::variable(name, false) {
                        Ok(key) => out.push(Clause::unset(Key::Env(key), name.span)),
                        Err(fault) => {
                            sink.error(*fault);
                        }
                    }
                }
            }
            Statement::Limit(pairs) => {
                for (kind, value) in pairs {
                    let read = values::limit_kind(kind)
                        .and_then(|kind| values::limit_value(kind, value).map(|value| (kind, value)));
                    match read {
                        Ok((key, value)) => {
                            out.push(Clause::new(Key::Limit(key), Value::Limit(value), kind.span, false));
                        }
                        Err(fault) => {
                            sink.error(*fault);
                        }
                    }
                }
            }
            Statement::UnsetLimit(kinds) => {
                for kind in kinds {
                    match values::limit_kind(kind) {
                        Ok(key) => out.push(Clause::unset(Key::Limit(key), kind.span)),
                        Err(fault) => {
                            sink.error(*fault);
                        }
                    }
                }
            }
            Statement::Syscalls(allow, words) => {
                self.each(
                    words,
                    Kind::Syscalls,
                    "syscalls",
                    sink,
                    |word, _, sink| {
                        if sets::syscalls().any(|known| known == word.text) {
                            return Some((Key::Syscall(word.text.clone()), Value::Syscall(*allow)));
                        }
                        let group = sets::kind(&word.text) == Some(Kind::Syscalls);
                        let hint = if group {
                            Some(format!("the group is written `@{}`", word.text))
                        } else {
                            did_you_mean(&word.text, sets::syscalls())
                        };
                        sink.error(
                            Diagnostic::new(
                                Code::EP0615,
                                word.span,
                                format!("`{}` is not a system call of Linux", shorten(&word.text)),
                            )
                            .maybe_hint(hint),
                        );
                        None
                    },
                    out,
                );
            }
            Statement::Features(stance, words) => {
                for word in words {
                    match Feature::from_word(&word.text) {
                        Some(feature) => {
                            out.push(Clause::new(
                                Key::Feature(feature),
                                Value::Feature(*stance),
                                word.span,
                                false,
                            ));
                        }
                        None => {
                            let known = || Feature::ALL.iter().map(|feature| feature.as_str());
                            let list: Vec<&str> = known().collect();
                            sink.error(
                                Diagnostic::new(
                                    Code::EP0615,
                                    word.span,
                                    format!("`{}` is not a feature", shorten(&word.text)),
                                )
                                .maybe_hint(did_you_mean(&word.text, known()))
                                .hint(format!("the features are {}", list.join(", "))),
                            );
                        }
                    }
                }
            }
            Statement::Mach(words) => {
                for word in words {
                    let good = |c: char| c.is_ascii_graphic() && c != '*';
                    if word.spelling == Spelling::Set || word.text.is_empty() || !word.text.chars().all(good)
                    {
                        sink.error(
                            Diagnostic::new(
                                Code::EP0608,
                                word.span,
                                format!("`{}` is not the name of a service", shorten(&word.text)),
                            )
                            .hint("name each service: `mach-lookup \"com.apple.trustd.agent\"`"),
                        );
                    } else {
                        out.push(Clause::new(Key::Mach(word.text.clone()), Value::Mach, word.span, false));
                    }
                }
            }
            Statement::On(..) | Statement::Setup(_) | Statement::Broken => {}
        }
    }

    /// Replaces names and sets in a list, and reads each word.
    fn each(
        &mut self,
        words: &[Word],
        kind: Kind,
        statement: &str,
        sink: &mut Diagnostics,
        read: impl Fn(&Word, Option<Promise>, &mut Diagnostics) -> Option<(Key, Value)>,
        out: &mut Vec<Clause>,
    ) {
        // `$EDITOR` in a list of variables is a value where a name is needed, not an unknown `let`.
        let (values, words): (Vec<Word>, Vec<Word>) = words.iter().cloned().partition(|word| {
            let name = word.text.strip_prefix('$').filter(|_| word.spelling == Spelling::Bare);
            kind == Kind::Variables && name.is_some_and(|name| !self.lets.contains_key(name))
        });
        for word in &values {
            let _ = read(word, None, sink);
        }
        for word in self.expand(&words, sink) {
            if word.spelling != Spelling::Set {
                if let Some((key, value)) = read(&word, None, sink) {
                    out.push(Clause::new(key, value, word.span, false));
                }
                continue;
            }
            match sets::kind(&word.text) {
                Some(found) if found == kind && statement != "network" => {
                    for member in sets::members(kind).filter(|member| member.set == word.text) {
                        self.words += 1;
                        if let Some((key, value)) = read(&member.word(word.span), Some(member.missing), sink)
                        {
                            out.push(Clause::new(key, value, word.span, true));
                        }
                    }
                }
                Some(found) => {
                    sink.error(
                        Diagnostic::new(
                            Code::EP0608,
                            word.span,
                            format!(
                                "`@{}` holds {}, which `{statement}` does not take",
                                word.text,
                                found.describe()
                            ),
                        )
                        .hint(format!(
                            "write `{} @{}`",
                            found.statement(),
                            word.text
                        )),
                    );
                }
                None => {
                    let known = sets::names(Some(kind).filter(|_| statement != "network"));
                    let near = super::fault_near(&word.text, known.iter().copied())
                        .or_else(|| super::fault_near(&word.text, sets::names(None)))
                        .map(|hint| hint.replace("mean `$", "mean `@"));
                    let list: Vec<String> = known.iter().map(|name| format!("@{name}")).collect();
                    sink.error(
                        Diagnostic::new(
                            Code::EP0609,
                            word.span,
                            format!("there is no set `@{}`", shorten(&word.text)),
                        )
                        .maybe_hint(near)
                        .hint(format!("the sets for `{statement}` are {}", list.join(", "))),
                    );
                }
            }
        }
    }
}

impl Clause {
    fn new(key: Key, value: Value, span: Span, of_set: bool) -> Self {
        Self { key, value: Some(value), was: None, span, of_set }
    }

    fn unset(key: Key, span: Span) -> Self {
        Self { key, value: None, was: None, span, of_set: false }
    }

    /// What a statement without words says.
    #[must_use]
    pub fn of_bare(statement: &Spanned<Statement>) -> Option<Self> {
        let value = match statement.value {
            Statement::NetworkOff => Some(Value::Network(NetworkMode::Off)),
            Statement::NetworkFull => Some(Value::Network(NetworkMode::Full)),
            Statement::UnsetNetwork => None,
            _ => return None,
        };
        Some(Self { key: Key::Network, value, was: None, span: statement.span, of_set: false })
    }
}
