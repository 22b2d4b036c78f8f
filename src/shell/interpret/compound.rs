//! In: lists, pipelines and compound commands. Out: the segments of the commands in them, and what is known about the
//! shell behind them: both ways of a branch are taken and joined, a loop is repeated until nothing more is learnt, a
//! subshell works on a copy. Not here: simple commands (`simple.rs`) and functions (`function.rs`).

use super::call::Call;
use super::state::{State, Value};
use super::walk::Walker;
use crate::reason::Reason;
use crate::segment::{Dialect, Span};
use crate::syntax::ast::{Command, Join, Kind, List, Word};
use crate::value::argv::Item;
use crate::value::words::WordSet;
use alloc::vec;
use alloc::vec::Vec;

/// How often a loop is tried before nothing about its state counts as known.
const TRIES: usize = 4;

impl<'f> Walker<'_, 'f> {
    pub(crate) fn list(&mut self, state: &mut State, list: &List) {
        // What is known if a part of an and-or list was left out.
        let mut skipped: Option<State> = None;
        let mut moved = false;
        for (at, entry) in list.entries.iter().enumerate() {
            if entry.background {
                if entry.join == Join::Then {
                    // The whole and-or list runs in one other shell.
                    let rest = list.entries.get(at + 1..).unwrap_or_default();
                    let length = rest.iter().take_while(|next| next.join != Join::Then).count();
                    let mut entries = list.entries.get(at..at + 1 + length).unwrap_or_default().to_vec();
                    for entry in &mut entries {
                        entry.background = false;
                    }
                    let mut copy = state.clone();
                    self.list(&mut copy, &List { entries, unread: None });
                }
                continue;
            }
            let mut before = state.clone();
            match (entry.join, &mut skipped) {
                (Join::Then, _) => {}
                (Join::And, skipped) => {
                    if moved {
                        before.cwd = None;
                    }
                    match skipped {
                        Some(skipped) => skipped.join(&before, false),
                        None => *skipped = Some(before.clone()),
                    }
                }
                (Join::Or, Some(skipped)) => state.join(skipped, false),
                (Join::Or, None) => {}
            }
            self.pipeline(state, &entry.pipeline);
            if entry.join == Join::Or {
                state.join(&before, false);
            }
            let next = list.entries.get(at + 1).map(|next| next.join);
            moved = before.cwd != state.cwd;
            if moved && next != Some(Join::And) {
                // Changing the directory may have failed.
                state.cwd = None;
            }
            if next != Some(Join::And)
                && next != Some(Join::Or)
                && let Some(skipped) = skipped.take()
            {
                state.join(&skipped, false);
            }
        }
        if let Some(unread) = &list.unread {
            let span = self.span(unread.at);
            self.opaque(span, unread.why, state);
            state.forget();
        }
    }

    fn pipeline(&mut self, state: &mut State, commands: &[Command]) {
        let alone = commands.len() == 1;
        for (at, command) in commands.iter().enumerate() {
            if alone {
                self.command(state, command);
                return;
            }
            let mut copy = state.clone();
            self.command(&mut copy, command);
            // Some shells run the last one themselves.
            if at + 1 == commands.len() {
                state.join(&copy, false);
            }
        }
    }

    pub(crate) fn command(&mut self, state: &mut State, command: &Command) {
        if !self.pay() {
            return;
        }
        match self.scope.deeper() {
            Some(scope) => self.at(scope).command_inside(state, command),
            None => {
                let span = self.span(command.at);
                self.opaque(span, Reason::Depth, state);
                state.forget();
            }
        }
    }

    fn command_inside(&mut self, state: &mut State, command: &Command) {
        let span = self.span(command.at);
        if let Kind::Simple { assignments, words } = &command.kind {
            self.simple(state, command, assignments, words);
            return;
        }
        let effects = self.redirections(state, &command.redirections, span);
        self.note_effects(state, &Call { effects, ..Call::new(span) });
        match &command.kind {
            Kind::Simple { .. } => {}
            Kind::Subshell(list) => self.list(&mut state.clone(), list),
            Kind::Group(list) => self.list(state, list),
            Kind::If { arms, otherwise } => self.conditional(state, arms, otherwise.as_ref()),
            Kind::While { condition, body } => self.repeat(state, |walker, state| {
                walker.list(state, condition);
                walker.list(state, body);
            }),
            Kind::For { select, name, words, body } => {
                let value = self.values(state, words.as_deref(), *select, span);
                self.repeat(state, |walker, state| {
                    walker.assign(state, name, value.clone().map(Value::Text), false, span);
                    walker.list(state, body);
                });
            }
            Kind::ForArithmetic { parts, body } => self.repeat(state, |walker, state| {
                for part in parts {
                    walker.arithmetic(state, part, span);
                }
                walker.list(state, body);
            }),
            Kind::Case { word, arms } => self.case(state, word, arms, span),
            Kind::Function { keyword, name, body } => self.define(state, name, *keyword, body, span),
            Kind::Test { words, arithmetic, operators } => {
                if self.scope.dialect == Dialect::Posix && *operators {
                    self.opaque(span, Reason::DoubleBracket, state);
                }
                for word in words {
                    let value = self.value(state, word, span);
                    if *arithmetic && !value.is_integer() && !is_operator(&value) {
                        self.risky_arithmetic(state, span);
                    }
                }
            }
            Kind::Arithmetic(word) => {
                if self.scope.dialect == Dialect::Posix {
                    self.opaque(span, Reason::DoubleParenthesis, state);
                }
                self.arithmetic(state, word, span);
            }
            Kind::Coprocess(inner) => {
                self.command(&mut state.clone(), inner);
                // It sets a variable whose name is not kept.
                state.forget();
            }
        }
    }

    fn conditional(&mut self, state: &mut State, arms: &[(List, List)], otherwise: Option<&List>) {
        let mut ends: Option<State> = None;
        for (condition, body) in arms {
            self.list(state, condition);
            let mut taken = state.clone();
            self.list(&mut taken, body);
            match &mut ends {
                Some(ends) => ends.join(&taken, false),
                None => ends = Some(taken),
            }
        }
        if let Some(otherwise) = otherwise {
            self.list(state, otherwise);
        }
        if let Some(ends) = ends {
            state.join(&ends, false);
        }
    }

    /// Everything that the variable of a `for` or `select` can be; `None` if it goes over nothing.
    fn values(
        &mut self,
        state: &mut State,
        words: Option<&[Word]>,
        select: bool,
        span: Span,
    ) -> Option<WordSet> {
        let mut items: Vec<Item> = match words {
            Some(words) => words.iter().flat_map(|word| self.fields(state, word, span)).collect(),
            None => state.positional.as_ref().map_or_else(|| vec![Item::anything()], |list| list.to_vec()),
        };
        if select {
            items.push(Item::known(*b""));
            self.assign(state, b"REPLY", None, false, span);
        }
        items.into_iter().map(|item| item.words).reduce(|all, one| all.union(&one))
    }

    fn case(&mut self, state: &mut State, word: &Word, arms: &[(Vec<Word>, List)], span: Span) {
        self.value(state, word, span);
        let mut ends = state.clone();
        let start = state.clone();
        for (patterns, body) in arms {
            let mut taken = start.clone();
            // `;&` falls through: an arm can begin where the one before it ended.
            taken.join(&ends, false);
            for pattern in patterns {
                self.value(&mut taken, pattern, span);
            }
            self.list(&mut taken, body);
            ends.join(&taken, false);
        }
        *state = ends;
    }

    /// Walks through a loop's body until nothing more is learnt, then once more to note segments.
    fn repeat(&mut self, state: &mut State, body: impl Fn(&mut Walker<'_, 'f>, &mut State)) {
        let once = |walker: &mut Walker<'_, 'f>, state: &State| {
            let mut after = state.clone();
            let mut inner = walker.at(walker.scope.framed());
            body(&mut inner, &mut after);
            if let Some(escaped) = inner.scope.escaped() {
                after.join(&escaped, true);
            }
            after
        };
        let mut silent = self.silently();
        let settled = (0..TRIES).any(|_| {
            let after = once(&mut silent, state);
            let before = state.clone();
            state.join(&after, true);
            state.same(&before)
        });
        if !settled {
            state.forget();
        }
        let after = once(self, state);
        state.join(&after, true);
    }

    /// Walks through the list of a command substitution, in a shell of its own.
    pub(crate) fn substitution(&mut self, state: &State, list: &List) {
        self.at(self.scope.unframed()).list(&mut state.clone(), list);
    }
}

fn is_operator(value: &WordSet) -> bool {
    value.known().is_some_and(|word| matches!(word, b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge"))
}
