//! In: statements as written. Out: the clauses they say or take back.
//! Not here: `let` names and sets (`scope.rs`), and which clause wins (`layers.rs`).

use super::ast::{Spelling, Statement, Term, Word};
use super::scope::{Listed, Scope};
use super::sets::{self, Kind};
use super::{hosts, values};
use crate::diagnostic::text::shorten;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use execpolicy_profile::{
    Access, Clause, EnvAction, EnvRule, Feature, FeatureRule, GlobRule, Limit, MachService, NetworkMode,
    PathAccess, PathRule, Promise, Protect, Subject, SyscallRule, Umask, Verb,
};
use std::fmt;

/// One thing that a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What it says.
    pub clause: Clause,
    /// The word that says it.
    pub span: Span,
    /// Whether it came out of a set: then it may overlap with others, and is weaker than a name written out.
    pub of_set: bool,
}

/// What an `unset` takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unset {
    /// Exactly this, if a parent said it.
    Clause(Clause),
    /// Whatever a parent said about it: `unset network`, `unset limit memory`, `unset env set CI`.
    Subject(Subject),
}

impl Unset {
    /// What it is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Clause(clause) => clause.subject(),
            Self::Subject(subject) => subject.clone(),
        }
    }
}

impl fmt::Display for Unset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clause(clause) => clause.fmt(f),
            Self::Subject(subject @ Subject::Limit(_)) => write!(f, "limit {subject}"),
            Self::Subject(subject @ Subject::Env(_)) => write!(f, "env set {subject}"),
            Self::Subject(subject) => subject.fmt(f),
        }
    }
}

/// The clauses of one body.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// What it says.
    pub said: Vec<Said>,
    /// What it takes back, and the words that do.
    pub unset: Vec<(Unset, Span)>,
}

impl Body {
    /// Adds what a statement says or takes back. Blocks are not statements of this kind.
    pub fn add(&mut self, statement: &Spanned<Statement>, scope: &mut Scope, sink: &mut Diagnostics) {
        match &statement.value {
            Statement::Say(verb, terms) => self.say(*verb, terms, statement.span, scope, sink),
            Statement::Unset(verb, terms) => self.take_back(*verb, terms, statement.span, scope, sink),
            Statement::On(..) | Statement::Setup(_) | Statement::Broken => {}
        }
    }

    fn say(&mut self, verb: Verb, terms: &[Term], span: Span, scope: &mut Scope, sink: &mut Diagnostics) {
        let mode = match (verb, terms.first()) {
            (Verb::Network(mode), _) => mode.map(|mode| (mode, span)),
            // A list of destinations is a mode of its own.
            (Verb::Host { allow: true }, Some((first, _))) => Some((NetworkMode::Listed, first.span)),
            _ => None,
        };
        if let Some((mode, span)) = mode {
            self.said.push(Said { clause: Clause::Network(mode), span, of_set: false });
        }
        for (clause, span, of_set) in clauses(verb, terms, scope, sink) {
            self.said.push(Said { clause, span, of_set });
        }
    }

    fn take_back(
        &mut self,
        verb: Verb,
        terms: &[Term],
        span: Span,
        scope: &mut Scope,
        sink: &mut Diagnostics,
    ) {
        let subjects: Vec<(Result<Subject, Box<Diagnostic>>, Span)> = match verb {
            Verb::Network(_) => vec![(Ok(Subject::Network), span)],
            Verb::Umask => vec![(Ok(Subject::Umask), span)],
            Verb::EnvSet => {
                let name = |(word, _): &Term| (values::variable(word, false).map(Subject::Env), word.span);
                terms.iter().map(name).collect()
            }
            Verb::Limit => {
                let kind = |(word, _): &Term| (values::limit_kind(word).map(Subject::Limit), word.span);
                terms.iter().map(kind).collect()
            }
            _ => {
                for (clause, span, _) in clauses(verb, terms, scope, sink) {
                    self.unset.push((Unset::Clause(clause), span));
                }
                return;
            }
        };
        for (subject, span) in subjects {
            if let Some(subject) = told(subject, sink) {
                self.unset.push((Unset::Subject(subject), span));
            }
        }
    }
}

/// A value, or nothing once its diagnostic is told.
fn told<T>(value: Result<T, Box<Diagnostic>>, sink: &mut Diagnostics) -> Option<T> {
    value.map_err(|diagnostic| sink.error(*diagnostic)).ok()
}

/// Reads the terms of a statement: each clause, its word, and whether it came out of a set.
fn clauses(
    verb: Verb,
    terms: &[Term],
    scope: &mut Scope,
    sink: &mut Diagnostics,
) -> Vec<(Clause, Span, bool)> {
    let (kind, statement) = match verb {
        Verb::Path(access) => (Kind::Paths, access.as_str()),
        Verb::Protect => (Kind::Names, "protect"),
        Verb::Host { .. } => (Kind::Paths, "network"),
        Verb::EnvPass | Verb::EnvDeny => (Kind::Variables, "env"),
        Verb::Syscall { .. } => (Kind::Syscalls, "syscalls"),
        _ => {
            let read = |(word, value): &Term| {
                Some((told(single(verb, word, value.as_ref()), sink)??, word.span, false))
            };
            return terms.iter().filter_map(read).collect();
        }
    };
    let words: Vec<Word> = terms.iter().map(|(word, _)| word.clone()).collect();
    let listed = scope.words(&words, kind, statement, sink);
    listed
        .iter()
        .filter_map(|one| Some((told(member(verb, one), sink)?, one.word.span, one.of_set.is_some())))
        .collect()
}

/// Reads a term of a statement that takes neither names nor sets. `None` for what the parser does not put together.
fn single(verb: Verb, word: &Word, value: Option<&Word>) -> Result<Option<Clause>, Box<Diagnostic>> {
    Ok(Some(match (verb, value) {
        (Verb::EnvSet, Some(value)) => {
            refuse_expansion(value)?;
            let pattern = values::variable(word, false)?;
            Clause::Env(EnvRule { pattern, action: EnvAction::Set(value.text.as_str().into()) })
        }
        (Verb::Limit, Some(value)) => {
            let kind = values::limit_kind(word)?;
            Clause::Limit(Limit { kind, value: values::limit_value(kind, value)? })
        }
        (Verb::Umask, None) => Clause::Umask(umask(word)?),
        (Verb::Feature(stance), None) => Clause::Feature(FeatureRule { feature: feature(word)?, stance }),
        (Verb::Mach, None) => Clause::Mach(service(word)?),
        _ => return Ok(None),
    }))
}

/// Reads one word of a list, in which names and sets have been replaced.
fn member(verb: Verb, one: &Listed) -> Result<Clause, Box<Diagnostic>> {
    let word = &one.word;
    let variable = |action| Ok(Clause::Env(EnvRule { pattern: values::variable(word, true)?, action }));
    match verb {
        Verb::Path(access) => path(access, word),
        Verb::Host { allow } => hosts::destination(allow, word).map(Clause::Host),
        Verb::EnvPass => variable(EnvAction::Pass),
        Verb::EnvDeny => variable(EnvAction::Deny),
        Verb::Syscall { allow } => {
            let rule = SyscallRule { name: syscall(word)? };
            Ok(if allow { Clause::SyscallAllowed(rule) } else { Clause::Syscall(rule) })
        }
        _ => {
            let name = values::name(word)?;
            let inside_git = name.split('/').next() == Some(".git");
            let usual = if inside_git { Promise::Detect } else { Promise::Prevent };
            Ok(Clause::Protect(Protect { name: name.into(), missing: one.of_set.unwrap_or(usual) }))
        }
    }
}

/// A path, or a glob, which can only lower access.
fn path(access: PathAccess, word: &Word) -> Result<Clause, Box<Diagnostic>> {
    let values::Target { place, pattern } = values::target(word)?;
    let Some(pattern) = pattern else { return Ok(Clause::Path(PathRule { place, access })) };
    let cap = match access {
        PathAccess::Deny => Access::Deny,
        PathAccess::Read => Access::Read,
        PathAccess::Write | PathAccess::Private => {
            let verb = access.as_str();
            let text = format!("`{verb} {}` would grant by a wildcard", shorten(&word.text));
            return Err(Box::new(
                Diagnostic::new(Code::EP0607, word.span, text)
                    .label("a wildcard can only lower access")
                    .hint(format!("name the directory: `{verb} {}`", shorten(&place.to_string()))),
            ));
        }
    };
    Ok(Clause::Glob(GlobRule { place, pattern: pattern.into(), access: cap }))
}

/// Refuses a value that looks as if something would be put in its place.
fn refuse_expansion(value: &Word) -> Result<(), Box<Diagnostic>> {
    let text = &value.text;
    let named = value.spelling == Spelling::Bare && text.starts_with(['$', '~']);
    if value.spelling != Spelling::Set && !named {
        return Ok(());
    }
    Err(Box::new(
        Diagnostic::new(Code::EP0617, value.span, format!("`{}` is not expanded in a value", shorten(text)))
            .hint(format!("to set exactly these characters: `\"{}\"`", shorten(text))),
    ))
}

fn syscall(word: &Word) -> Result<execpolicy_profile::Text, Box<Diagnostic>> {
    if sets::syscalls().any(|known| known == word.text) {
        return Ok(word.text.as_str().into());
    }
    let group = sets::kind(&word.text) == Some(Kind::Syscalls);
    let text = format!("`{}` is not a system call of Linux", shorten(&word.text));
    let fault = Diagnostic::new(Code::EP0615, word.span, text);
    Err(Box::new(if group {
        let set = format!("@{}", word.text);
        fault.hint(format!("the group is written `{set}`")).instead(word.span, &word.text, &set)
    } else {
        fault.did_you_mean(word.span, &word.text, sets::syscalls())
    }))
}

/// A mask as `umask` of a shell takes it: three octal digits, or four of which the first is 0.
fn umask(word: &Word) -> Result<Umask, Box<Diagnostic>> {
    let digits = word.text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(&word.text);
    let octal = digits.len() == 3 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    match u16::from_str_radix(digits, 8).ok().filter(|_| octal) {
        Some(mask) => Ok(Umask { mask }),
        None => Err(Box::new(
            Diagnostic::new(Code::EP0614, word.span, format!("`{}` is not a mask", shorten(&word.text)))
                .hint("write three octal digits, what new files do not get: `umask 027`"),
        )),
    }
}

fn feature(word: &Word) -> Result<Feature, Box<Diagnostic>> {
    Feature::from_word(&word.text).ok_or_else(|| {
        let known = || Feature::ALL.iter().map(|feature| feature.as_str());
        let list: Vec<&str> = known().collect();
        let text = format!("`{}` is not a feature", shorten(&word.text));
        Box::new(
            Diagnostic::new(Code::EP0615, word.span, text)
                .did_you_mean(word.span, &word.text, known())
                .hint(format!("the features are {}", list.join(", "))),
        )
    })
}

fn service(word: &Word) -> Result<MachService, Box<Diagnostic>> {
    let good = |c: char| c.is_ascii_graphic() && c != '*';
    if word.spelling != Spelling::Set && !word.text.is_empty() && word.text.chars().all(good) {
        return Ok(MachService { name: word.text.as_str().into() });
    }
    let text = format!("`{}` is not the name of a service", shorten(&word.text));
    Err(Box::new(
        Diagnostic::new(Code::EP0608, word.span, text)
            .hint("name each service: `mach-lookup \"com.apple.trustd.agent\"`"),
    ))
}
