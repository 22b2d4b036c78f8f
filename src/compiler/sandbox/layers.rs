//! In: the clauses of one body. Out: a [`Layer`], in which each subject stands once; and a [`State`], layers on top of each
//! other. Not here: which bodies there are and in which order they apply (`resolve.rs`).

use super::typed::{Body, Said, Unset};
use crate::diagnostic::text::shorten;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use execpolicy_profile::{Clause, EnvAction, EnvRule, HostRule, NetworkMode, Subject};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// What one body says.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    said: BTreeMap<Subject, Said>,
    unset: Vec<(Unset, Span)>,
    overrides: BTreeSet<Subject>,
}

impl Layer {
    /// Sorts clauses; reports what is said twice and what contradicts itself.
    pub fn new(body: Body, sink: &mut Diagnostics) -> Self {
        let mut layer = Self { unset: body.unset, ..Self::default() };
        for said in body.said {
            layer.say(said, sink);
        }
        layer
    }

    fn say(&mut self, said: Said, sink: &mut Diagnostics) {
        if let Some(other) = opposite(&said.clause).and_then(|other| self.said.get(&other)) {
            contradiction(&said, other, sink);
        }
        let subject = said.clause.subject();
        let Some(other) = self.said.get(&subject) else {
            self.said.insert(subject, said);
            return;
        };
        match (other.of_set, said.of_set) {
            // What is written out is more specific than what a set brings along.
            (true, false) => {
                self.overrides.insert(subject.clone());
                self.said.insert(subject, said);
            }
            (false, true) => {
                self.overrides.insert(subject);
            }
            (true, true) => {
                if stricter(&said.clause, &other.clause) {
                    self.said.insert(subject, said);
                }
            }
            (false, false) if said.clause != other.clause => contradiction(&said, other, sink),
            (false, false) if said.clause == Clause::Network(NetworkMode::Listed) => {}
            (false, false) => {
                let text = format!("{} is said twice", describe(&said.clause));
                let same = said.span == other.span;
                sink.push(
                    Diagnostic::new(Code::EP0611, said.span, text)
                        .hint(if same { "the `let` lists it twice" } else { "take one of them away" })
                        .also(other.span, "the first time"),
                );
            }
        }
    }

    /// What the body says, by subject.
    pub fn said(&self) -> impl Iterator<Item = &Said> {
        self.said.values()
    }

    /// Whether something written out takes the place of what a set says.
    pub fn overrides(&self, subject: &Subject) -> bool {
        self.overrides.contains(subject)
    }

    /// What it takes back.
    pub fn unset(&self) -> &[(Unset, Span)] {
        &self.unset
    }
}

/// What cannot be said beside a clause, though it is about something else: a destination both allowed and denied.
fn opposite(clause: &Clause) -> Option<Subject> {
    match clause {
        Clause::Host(rule) => Some(Subject::Host(HostRule { allow: !rule.allow, ..rule.clone() })),
        _ => None,
    }
}

fn contradiction(said: &Said, other: &Said, sink: &mut Diagnostics) {
    let text = format!("{} contradicts {}", describe(&said.clause), describe(&other.clause));
    sink.error(
        Diagnostic::new(Code::EP0610, said.span, text)
            .also(other.span, "this is said in the same body")
            .hint("take one of them away; a child profile replaces what its parent says"),
    );
}

/// Of two clauses that sets bring about one subject: whether the first is the stricter.
fn stricter(clause: &Clause, other: &Clause) -> bool {
    match (clause, other) {
        (Clause::Path(a), Clause::Path(b)) => a.access < b.access,
        (Clause::Glob(a), Clause::Glob(b)) => a.access < b.access,
        (Clause::Env(a), Clause::Env(b)) => (&a.action, &b.action) == (&EnvAction::Deny, &EnvAction::Pass),
        (Clause::Syscall(_), Clause::SyscallAllowed(_)) => true,
        (Clause::Protect(a), Clause::Protect(b)) => a.missing > b.missing,
        _ => false,
    }
}

/// A clause for a message.
pub fn describe(clause: &impl Display) -> String {
    format!("`{}`", shorten(&clause.to_string()))
}

/// What layers on top of each other come to.
#[derive(Clone, Debug, Default)]
pub struct State {
    said: BTreeMap<Subject, (Clause, Span)>,
}

impl State {
    /// How much is said.
    #[must_use]
    pub fn len(&self) -> usize {
        self.said.len()
    }

    /// What is said about a subject.
    #[must_use]
    pub fn get(&self, subject: &Subject) -> Option<&Clause> {
        self.said.get(subject).map(|(clause, _)| clause)
    }

    /// The subjects.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.said.keys()
    }

    /// The clauses, in the order of their subjects, and where each is said.
    pub fn clauses(&self) -> impl Iterator<Item = &(Clause, Span)> {
        self.said.values()
    }

    /// Puts a layer on top. `hits` collects the places of `unset` words that found something.
    pub fn apply(&mut self, layer: &Layer, hits: &mut BTreeSet<Span>) {
        for (unset, span) in &layer.unset {
            if self.take_back(unset) {
                hits.insert(*span);
            }
        }
        for said in layer.said.values() {
            self.say(&said.clause, said.span);
        }
        // A denial may have taken the place of the last destination.
        self.close_empty_list();
    }

    fn take_back(&mut self, unset: &Unset) -> bool {
        let subject = unset.subject();
        if subject == Subject::Network {
            let before = self.said.len();
            self.said.retain(|subject, _| !matches!(subject, Subject::Network | Subject::Host(_)));
            return self.said.len() < before;
        }
        let found = self.get(&subject).is_some_and(|said| match (unset, said) {
            // What is promised about a name follows from the name or from its set.
            (Unset::Clause(Clause::Protect(_)), Clause::Protect(_)) => true,
            (Unset::Clause(clause), said) => clause == said,
            (Unset::Subject(Subject::Env(_)), Clause::Env(EnvRule { action, .. })) => {
                matches!(action, EnvAction::Set(_))
            }
            (Unset::Subject(_), _) => true,
        });
        if found {
            self.said.remove(&subject);
            self.close_empty_list();
        }
        found
    }

    /// When the last destination of a list is gone: an empty list is none, never any.
    fn close_empty_list(&mut self) {
        let listed = self.said.keys().any(|subject| matches!(subject, Subject::Host(rule) if rule.allow));
        if let Some((mode @ Clause::Network(NetworkMode::Listed), _)) = self.said.get_mut(&Subject::Network)
            && !listed
        {
            *mode = Clause::Network(NetworkMode::Off);
        }
    }

    fn say(&mut self, clause: &Clause, span: Span) {
        let subject = clause.subject();
        match clause {
            Clause::Network(NetworkMode::Off) => {
                self.said.retain(|subject, _| !matches!(subject, Subject::Host(_)));
            }
            Clause::Network(NetworkMode::Full) => {
                self.said.retain(|subject, _| !matches!(subject, Subject::Host(rule) if rule.allow));
            }
            Clause::Network(NetworkMode::Listed) if self.get(&subject) == Some(clause) => return,
            _ => {}
        }
        // A child that allows what its parent denies (or the other way round) replaces that statement.
        if let Some(opposite) = opposite(clause) {
            self.said.remove(&opposite);
        }
        self.said.insert(subject, (clause.clone(), span));
    }
}
