//! In: definitions and calls of functions, and traps. Out: the segments of their bodies, at the call or at some later
//! time. Not here: which name means a function (`invoke.rs`), and the other compound commands (`compound.rs`).

use super::state::{Function, State};
use super::walk::Walker;
use crate::reason::Reason;
use crate::segment::{Dialect, Span};
use crate::syntax::ast::Command;
use crate::value::argv::Item;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

/// How many functions are kept.
const MOST_FUNCTIONS: usize = 256;

impl Walker<'_, '_> {
    /// A definition; `keyword` if it begins with `function`.
    pub(crate) fn define(
        &mut self,
        state: &mut State,
        name: &[u8],
        keyword: bool,
        body: &Rc<Command>,
        span: Span,
    ) {
        let unsure = self.scope.dialect == Dialect::Posix && keyword;
        if unsure {
            self.opaque(span, Reason::FunctionKeyword, state);
        }
        if self.scope.dialect == Dialect::Zsh && super::zsh::is_hook(name) {
            self.opaque(span, Reason::ZshHook, state);
            state.forget();
        }
        if self.walk.defined.len() >= MOST_FUNCTIONS || state.functions.len() >= MOST_FUNCTIONS {
            self.opaque(span, Reason::FunctionCount, state);
            return;
        }
        if !self.walk.defined.iter().any(|(_, known)| Rc::ptr_eq(known, body)) {
            self.walk.defined.push((name.to_vec(), Rc::clone(body)));
        }
        let function = Function { bodies: vec![Rc::clone(body)], surely: !unsure };
        Rc::make_mut(&mut state.functions).insert(name.to_vec(), function);
    }

    /// Runs a function's body with these arguments.
    pub(crate) fn call_body(&mut self, state: &mut State, body: &Rc<Command>, arguments: Option<Vec<Item>>) {
        let pointer = Rc::as_ptr(body);
        if !self.scope.silent && !self.walk.called.contains(&pointer) {
            self.walk.called.push(pointer);
        }
        let outer = core::mem::replace(&mut state.positional, arguments.map(Rc::new));
        let before = state.clone();
        let mut walker = self.at(self.scope.in_function(pointer));
        walker.command(state, body);
        if let Some(escaped) = walker.scope.escaped() {
            state.join(&escaped, false);
        }
        // `local` variables have their old values again; which ones were local is not kept, so both count.
        state.positional = outer;
        let changed = state.changed;
        state.join(&State { positional: state.positional.clone(), ..before }, false);
        state.changed = changed;
    }

    /// What runs at the end of a shell: the traps beyond the first `traps`, and functions beyond the first `defined`
    /// with no visible call, which might be called by name.
    pub(crate) fn leftovers(&mut self, traps: usize, defined: usize) {
        let deeper = self.scope.deeper().filter(|scope| !scope.silent);
        let Some(scope) = deeper else {
            if self.walk.traps.len() > traps {
                self.opaque(Span::default(), Reason::TrapDepth, &State::default());
            }
            return;
        };
        let mut walker = self.at(scope);
        let later = walker.walk.defined.get(defined..).unwrap_or_default().to_vec();
        for (_, body) in later {
            if !walker.walk.called.contains(&Rc::as_ptr(&body)) {
                let mut state = walker.later();
                walker.call_body(&mut state, &body, None);
            }
        }
        for (text, span) in walker.walk.traps.split_off(traps) {
            let mut state = walker.later();
            walker.at(walker.scope.within(span)).text(&mut state, &text);
        }
        walker.walk.defined.truncate(defined);
    }

    /// What is known at some later time: nothing, but every function that was defined may be there.
    fn later(&self) -> State {
        let mut state = State::default();
        state.forget();
        state.any_alias = self.walk.aliased;
        let functions = Rc::make_mut(&mut state.functions);
        for (name, body) in &self.walk.defined {
            let function = functions
                .entry(name.clone())
                .or_insert_with(|| Function { bodies: Vec::new(), surely: false });
            if !function.bodies.iter().any(|known| Rc::ptr_eq(known, body)) {
                function.bodies.push(Rc::clone(body));
            }
        }
        state
    }
}
