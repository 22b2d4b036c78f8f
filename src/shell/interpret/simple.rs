//! In: a simple command: assignments, words, redirections. Out: what they do to the shell, the effects on
//! files, and the call of the command. Not here: control flow (`walk.rs`), the call itself (`invoke.rs`).

use crate::interpret::call::Call;
use crate::interpret::state::{State, Value};
use crate::interpret::variables::{danger, is_integer};
use crate::interpret::walk::Walker;
use crate::reason::Reason;
use crate::segment::{Access, Dialect, Effect, Environment, Span};
use crate::syntax::ast::{Argument, Assigned, Assignment, Command, Operator, Part, Redirection};
use crate::value::argv::{Argv, Item};
use crate::value::words::WordSet;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

impl Walker<'_, '_> {
    pub(crate) fn redirections(
        &mut self,
        state: &mut State,
        list: &[Redirection],
        span: Span,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        for redirection in list {
            if let Some(name) = &redirection.variable {
                state.set(name, None, false);
            }
            if let Some(here) = &redirection.here {
                match here.get() {
                    Some(word) => {
                        self.value(state, word, span);
                    }
                    None => self.opaque(span, Reason::UnterminatedHereDocument, state),
                }
                continue;
            }
            let target = self.value(state, &redirection.target, span);
            if self.scope.dialect == Dialect::Posix
                && matches!(redirection.operator, Operator::Both | Operator::BothAppend)
            {
                self.opaque(span, Reason::AndRedirection, state);
            }
            if redirection.operator == Operator::DuplicateOut
                && self.scope.dialect != Dialect::Zsh
                && !is_plain_twice(&target)
            {
                // `echo >& '$(cmd)'` runs it in bash.
                self.opaque(span, Reason::ExpandedTwice, state);
            }
            let access = match redirection.operator {
                Operator::Text => continue,
                Operator::DuplicateIn | Operator::DuplicateOut
                    if is_descriptor(&target, self.scope.dialect) =>
                {
                    continue;
                }
                Operator::Read | Operator::DuplicateIn => Access::Read,
                Operator::Write | Operator::Clobber | Operator::Both | Operator::DuplicateOut => {
                    Access::Write
                }
                Operator::Append | Operator::BothAppend => Access::Append,
                Operator::ReadWrite => Access::ReadWrite,
            };
            let connects = self.scope.dialect != Dialect::Zsh
                && target
                    .known()
                    .is_some_and(|word| word.starts_with(b"/dev/tcp/") || word.starts_with(b"/dev/udp/"));
            effects.push(Effect { access: if connects { Access::Connect } else { access }, target });
        }
        effects
    }

    /// Gives a variable a value, and notes what is dangerous about it.
    pub(crate) fn assign(
        &mut self,
        state: &mut State,
        name: &[u8],
        value: Option<Value>,
        exported: bool,
        span: Span,
    ) {
        self.judge(state, name, value.as_ref(), span);
        let integer = is_integer(name, self.scope.dialect);
        self.change(state, name, value.filter(|_| !integer), exported, span);
    }

    /// Notes what is dangerous about giving a variable this value; `None` is any.
    fn judge(&mut self, state: &State, name: &[u8], value: Option<&Value>, span: Span) {
        let dialect = self.scope.dialect;
        let why = match value {
            None => danger(name, None, dialect),
            Some(Value::Text(text)) => danger(name, Some(text), dialect),
            Some(Value::List(items)) => {
                items.iter().find_map(|item| danger(name, Some(&item.words).filter(|_| !item.many), dialect))
            }
        };
        if let Some(why) = why {
            self.opaque(span, why, state);
        }
    }

    /// From now on a variable has this value; `None` is any, also if it was unset, or declared without one.
    pub(crate) fn change(
        &mut self,
        state: &mut State,
        name: &[u8],
        value: Option<Value>,
        exported: bool,
        span: Span,
    ) {
        if self.scope.dialect == Dialect::Zsh {
            if crate::interpret::zsh::is_special(name) {
                self.opaque(span, Reason::ZshVariable, state);
            }
            if let Some(other) = crate::interpret::zsh::tied(name) {
                state.set(&other, None, exported);
            }
        }
        state.set(name, value, exported);
    }

    pub(crate) fn assignment(
        &mut self,
        state: &mut State,
        assignment: &Assignment,
        exported: bool,
        span: Span,
    ) -> WordSet {
        let posix_append = assignment.append && self.scope.dialect == Dialect::Posix;
        if posix_append {
            self.opaque(span, Reason::PlusAssignment, state);
        }
        if let Some(subscript) = &assignment.subscript {
            self.arithmetic(state, subscript, span);
        }
        let value = match &assignment.value {
            Assigned::Word(word) => Value::Text(self.assigned_value(state, word, span)),
            Assigned::Array(words) => {
                let mut items = Vec::new();
                for word in words {
                    let subscripted =
                        matches!(word.parts.first(), Some(Part::Plain(text)) if text.first() == Some(&b'['));
                    let fields = self.fields(state, word, span);
                    items.extend(if subscripted { vec![Item::anything()] } else { fields });
                    if subscripted {
                        self.risky_arithmetic(state, span);
                    }
                }
                Value::List(items)
            }
        };
        // What is added or given to an element is evaluated, read or run like the whole.
        self.judge(state, &assignment.name, Some(&value), span);
        let text = match &value {
            Value::Text(text) => text.clone(),
            Value::List(_) => WordSet::anything(),
        };
        let value = if assignment.subscript.is_some() || posix_append {
            None
        } else if assignment.append {
            match (state.get(&assignment.name), value) {
                (Some(Value::List(mut list)), Value::List(more)) => {
                    list.extend(more);
                    Some(Value::List(list))
                }
                (Some(Value::Text(mut text)), Value::Text(more)) => {
                    text.append(&more);
                    Some(Value::Text(text))
                }
                _ => None,
            }
        } else {
            Some(value)
        };
        let integer = is_integer(&assignment.name, self.scope.dialect);
        self.change(state, &assignment.name, value.filter(|_| !integer), exported, span);
        text
    }

    pub(crate) fn simple(
        &mut self,
        state: &mut State,
        command: &Command,
        assignments: &[Assignment],
        words: &[Argument],
    ) {
        let span = self.span(command.at);
        let mut items = Vec::new();
        let mut declared: Vec<&Assignment> = Vec::new();
        for word in words {
            match word {
                Argument::Word(word) => items.extend(self.fields(state, word, span)),
                Argument::Assignment(assignment) => {
                    declared.push(assignment);
                    let mut copy = state.clone();
                    let value = self.assignment(&mut copy, assignment, true, span);
                    let prefix =
                        [assignment.name.as_slice(), if assignment.append { b"+=" } else { b"=" }].concat();
                    let mut word = WordSet::Known(prefix);
                    word.append(&value);
                    items.push(Item::one(word));
                }
            }
        }
        let mut call = Call::new(span);
        call.effects = self.redirections(state, &command.redirections, span);
        let mut inner = state.clone();
        let named = !items.is_empty();
        for assignment in assignments {
            let value = self.assignment(&mut inner, assignment, named, span);
            call.environment.push(Environment { name: assignment.name.clone(), value });
        }
        if items.is_empty() {
            *state = inner;
            self.note_effects(state, &call);
            return;
        }
        call.declared = declared.into_iter().cloned().collect();
        if assignments.is_empty() {
            self.invoke(state, &Argv(items), &call);
            return;
        }
        // The command sees the assignments; whether they stay is up to the shell and the command.
        let stays = items.first().is_none_or(|item| keeps_assignments(state, item));
        if stays {
            self.invoke(&mut inner, &Argv(items), &call);
            state.join(&inner, false);
            return;
        }
        // What a command of the shell or an expansion on the way has changed stays, but what was assigned goes.
        let saved = (Rc::clone(&state.variables), state.ifs_changed);
        inner.changed = state.changed;
        self.invoke(&mut inner, &Argv(items), &call);
        for assignment in assignments {
            let old = saved.0.get(&assignment.name).cloned();
            let variables = Rc::make_mut(&mut inner.variables);
            match old {
                Some(old) => variables.insert(assignment.name.clone(), old),
                None => variables.remove(&assignment.name),
            };
            if assignment.name == b"IFS" {
                inner.ifs_changed = saved.1;
            }
        }
        *state = inner;
    }
}

/// Whether what is assigned before this command may stay: so for functions, and for special commands of the shell.
fn keeps_assignments(state: &State, command: &Item) -> bool {
    command.as_known().is_none_or(|name| {
        state.functions.contains_key(name)
            || matches!(
                name,
                b"." | b":"
                    | b"eval"
                    | b"exec"
                    | b"export"
                    | b"readonly"
                    | b"return"
                    | b"set"
                    | b"shift"
                    | b"source"
                    | b"times"
                    | b"trap"
                    | b"unset"
                    | b"break"
                    | b"continue"
                    | b"exit"
                    | b"command"
                    | b"builtin"
                    | b"declare"
                    | b"typeset"
                    | b"local"
                    | b"alias"
                    | b"unalias"
            )
    })
}

/// Whether `>&WORD` surely opens no file: the word is a number, `-`, or a number that is closed. What may be negative
/// may name a file.
fn is_descriptor(target: &WordSet, dialect: Dialect) -> bool {
    let number = |word: &[u8]| !word.is_empty() && word.len() < 10 && word.iter().all(u8::is_ascii_digit);
    target.finite().is_some_and(|texts| {
        texts.iter().all(|text| match text.strip_suffix(b"-") {
            Some(b"") => true,
            // A file of that name to zsh.
            Some(moved) => number(moved) && dialect != Dialect::Zsh,
            None => number(text),
        })
    })
}

/// Whether expanding a word a second time does nothing: it has no expansion, whatever it was made of.
fn is_plain_twice(target: &WordSet) -> bool {
    let plain = |text: &[u8]| !text.iter().any(|byte| b"$`\\\"'~".contains(byte));
    target.is_integer() || target.finite().is_some_and(|texts| texts.iter().all(|text| plain(text)))
}
