//! In: a script or an argv. Out: its segments. Here: what a walk through it has found so far, and what it may still
//! cost ([`Walk`]); and the walk at one place ([`Walker`]). Not here: what is done there, for each kind of command
//! (`compound.rs`, `simple.rs`, `invoke.rs`, `function.rs`), and where it stands (`scope.rs`).

use super::call::Call;
use super::scope::Scope;
use super::state::State;
use super::variables::is_safe;
use crate::limits::Limits;
use crate::reason::{AllowBlocker, Reason};
use crate::segment::{Analysis, Dialect, Effect, Role, Segment, Span};
use crate::syntax::ast::{Command, Range};
use crate::syntax::list::script;
use crate::syntax::zsh::is_plain;
use crate::tools::facts::ToolFacts;
use crate::value::argv::{Argv, Item};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Bytes that segments and expanded values may take.
const ROOM: usize = 32 << 20;

/// What a walk has found, and what it may still cost.
pub struct Walk<'f> {
    pub(crate) facts: &'f ToolFacts,
    pub(crate) limits: Limits,
    segments: Vec<Segment>,
    /// Commands that may still be walked through.
    fuel: usize,
    /// Bytes that segments and expanded values may still take.
    room: usize,
    exhausted: bool,
    /// The words of the whole command; none if a script alone is read.
    pub(crate) whole: Vec<Item>,
    /// Functions that were called.
    pub(crate) called: Vec<*const Command>,
    /// Functions that were defined in the shells around.
    pub(crate) defined: Vec<(Vec<u8>, Rc<Command>)>,
    /// Scripts of `trap`: they run at some later time.
    pub(crate) traps: Vec<(Vec<u8>, Span)>,
    /// Some alias was made, which a trap may use.
    pub(crate) aliased: bool,
}

/// A walk at one place.
pub struct Walker<'w, 'f> {
    pub(crate) walk: &'w mut Walk<'f>,
    pub(crate) scope: Scope,
}

impl<'f> Walk<'f> {
    pub fn new(facts: &'f ToolFacts, limits: &Limits) -> Self {
        Self {
            facts,
            limits: *limits,
            segments: Vec::new(),
            fuel: limits.commands,
            room: ROOM,
            exhausted: false,
            whole: Vec::new(),
            called: Vec::new(),
            defined: Vec::new(),
            traps: Vec::new(),
            aliased: false,
        }
    }

    /// Walks through a script.
    pub fn script(mut self, text: &[u8], dialect: Dialect, cwd: Option<&[u8]>) -> Analysis {
        self.start().script_in(&mut beginning(cwd), text, dialect);
        self.finish()
    }

    /// Walks through a command.
    pub fn argv(mut self, argv: &Argv, cwd: Option<&[u8]>) -> Analysis {
        if !argv.0.is_empty() {
            let mut call = Call::new(Span::default());
            call.program_only = true;
            self.whole.clone_from(&argv.0);
            let mut walker = self.start();
            walker.invoke(&mut beginning(cwd), argv, &call);
            walker.leftovers(0, 0);
        }
        self.finish()
    }

    fn start(&mut self) -> Walker<'_, 'f> {
        let scope = Scope { depth: self.limits.depth, ..Scope::default() };
        Walker { walk: self, scope }
    }

    fn finish(mut self) -> Analysis {
        if self.exhausted {
            self.room = usize::MAX;
            self.start().opaque(Span::default(), Reason::CommandCount, &State::default());
        }
        self.segments.dedup();
        Analysis { segments: self.segments }
    }
}

fn beginning(cwd: Option<&[u8]>) -> State {
    State { cwd: cwd.map(|cwd| Rc::new(cwd.to_vec())), ..State::default() }
}

impl<'f> Walker<'_, 'f> {
    /// The same walk at another place.
    pub(crate) fn at(&mut self, scope: Scope) -> Walker<'_, 'f> {
        Walker { walk: self.walk, scope }
    }

    /// The same walk, where nothing is noted.
    pub(crate) fn silently(&mut self) -> Walker<'_, 'f> {
        let scope = Scope { silent: true, ..self.scope.clone() };
        self.at(scope)
    }

    /// A script with a fresh shell of its own.
    pub(crate) fn script_in(&mut self, state: &mut State, text: &[u8], dialect: Dialect) {
        let (traps, defined) = (self.walk.traps.len(), self.walk.defined.len());
        let scope = Scope { dialect, ..self.scope.clone() };
        let mut walker = self.at(scope);
        walker.text(state, text);
        walker.leftovers(traps, defined);
    }

    /// A script that the current shell reads (`eval`, or a whole script).
    pub(crate) fn text(&mut self, state: &mut State, text: &[u8]) {
        let whole = self.span(Range { start: 0, end: text.len() });
        let unfit = if text.len() > self.walk.limits.bytes {
            Some(Reason::ScriptLength)
        } else if text.contains(&0) {
            Some(Reason::ZeroByte)
        } else if core::str::from_utf8(text).is_err() {
            Some(Reason::NotUtf8)
        } else if self.scope.depth == 0 {
            Some(Reason::Depth)
        } else if self.scope.dialect == Dialect::Zsh && !is_plain(text, self.scope.depth) {
            Some(Reason::Zsh)
        } else {
            None
        };
        match (unfit, self.scope.deeper()) {
            (None, Some(scope)) => {
                let list = script(text, scope.dialect == Dialect::Posix, scope.depth, None);
                self.at(scope).list(state, &list);
            }
            (unfit, _) => {
                self.opaque(whole, unfit.unwrap_or(Reason::Depth), state);
                state.forget();
            }
        }
    }

    pub(crate) fn span(&self, range: Range) -> Span {
        let cut = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let Scope { argument, inside, .. } = self.scope;
        inside.unwrap_or(Span { argument, start: cut(range.start), end: cut(range.end) })
    }

    pub(crate) fn note(&mut self, segment: Segment) {
        if !self.scope.silent && self.take_room(segment.argv.size() + 256) {
            self.walk.segments.push(segment);
        }
    }

    /// Notes the files that redirections open without a command that opens them.
    pub(crate) fn note_effects(&mut self, state: &State, call: &Call) {
        if call.effects.iter().any(Effect::opens_a_file) {
            let segment = self.segment(state, call, Argv::default(), Role::Bare);
            self.note(segment);
        }
    }

    /// Pays for a copy of this many bytes; a script must not become much larger by being looked at.
    pub(crate) fn take_room(&mut self, bytes: usize) -> bool {
        match self.walk.room.checked_sub(bytes) {
            Some(left) => {
                self.walk.room = left;
                true
            }
            None => {
                self.walk.exhausted = true;
                self.walk.fuel = 0;
                false
            }
        }
    }

    pub(crate) fn opaque(&mut self, span: Span, why: Reason, state: &State) {
        let mut segment = self.segment(state, &Call::new(span), Argv::default(), Role::Bare);
        segment.opaque = Some(why);
        self.note(segment);
    }

    pub(crate) fn segment(&self, state: &State, call: &Call, argv: Argv, role: Role) -> Segment {
        let unsafe_environment = call.environment.iter().any(|set| !is_safe(&set.name, true));
        let blocker = if call.effects.iter().any(Effect::opens_a_file) {
            Some(AllowBlocker::Effects)
        } else if state.changed || unsafe_environment {
            Some(AllowBlocker::Environment)
        } else {
            self.scope.blocker
        };
        Segment {
            span: call.span,
            argv,
            role,
            opaque: None,
            blocker,
            effects: call.effects.clone(),
            environment: call.environment.clone(),
            cwd: state.cwd.as_deref().cloned(),
            through: Vec::clone(&self.scope.through),
            remote: self.scope.remote,
        }
    }

    /// Pays for one command; `false` if there is nothing left to pay with.
    pub(crate) fn pay(&mut self) -> bool {
        match self.walk.fuel.checked_sub(1) {
            Some(left) if self.walk.segments.len() < self.walk.limits.commands => {
                self.walk.fuel = left;
                true
            }
            _ => {
                self.walk.exhausted = true;
                false
            }
        }
    }
}
