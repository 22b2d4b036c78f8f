//! Where a walk stands: in which shell, how deep, behind which wrappers, in which loops and functions. A scope never
//! changes; what is inside of something gets a scope of its own.
//! Not here: what is known about the shell (`state.rs`), and what the walk has found (`walk.rs`).

use crate::interpret::state::State;
use crate::reason::AllowBlocker;
use crate::segment::{Dialect, Span};
use crate::syntax::ast::Command;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

/// Where a walk stands.
#[derive(Clone, Default)]
pub struct Scope {
    /// The shell that reads.
    pub dialect: Dialect,
    /// Levels of nesting that are left.
    pub depth: usize,
    /// Something is only tried out, and nothing is noted.
    pub silent: bool,
    /// Which argument of the argv is being read.
    pub argument: u32,
    /// Inside of a script in a script: the outer word, which all of its parts have as their place.
    pub inside: Option<Span>,
    /// The wrappers around, outermost first.
    pub through: Rc<Vec<Vec<u8>>>,
    /// On another machine or in a container.
    pub remote: bool,
    /// Behind a wrapper that is not neutral, or in a reading that may be wrong.
    pub blocker: Option<AllowBlocker>,
    /// The functions whose bodies are around.
    pub calling: Rc<Vec<*const Command>>,
    /// The innermost loop or function around.
    pub frame: Option<Rc<Frame>>,
}

/// A loop or a function: what is known where it is left by a jump.
#[derive(Default)]
pub struct Frame {
    escaped: Cell<Option<State>>,
    outer: Option<Rc<Frame>>,
}

impl Scope {
    /// One level deeper; `None` if there is none left.
    pub fn deeper(&self) -> Option<Self> {
        Some(Self { depth: self.depth.checked_sub(1)?, ..self.clone() })
    }

    /// Behind one more wrapper.
    pub fn behind(&self, wrapper: &[u8]) -> Self {
        let mut through = Vec::clone(&self.through);
        through.push(wrapper.to_vec());
        Self { through: Rc::new(through), ..self.clone() }
    }

    /// Where no allow counts for this reason, if not for another one already.
    pub fn blocked(self, blocker: Option<AllowBlocker>) -> Self {
        Self { blocker: self.blocker.or(blocker), ..self }
    }

    /// In a script that stands in this word.
    pub fn within(&self, word: Span) -> Self {
        Self { inside: Some(word), ..self.clone() }
    }

    /// In the body of a function.
    pub fn in_function(&self, body: *const Command) -> Self {
        let mut calling = Vec::clone(&self.calling);
        calling.push(body);
        Self { calling: Rc::new(calling), ..self.framed() }
    }

    /// In a loop.
    pub fn framed(&self) -> Self {
        let frame = Frame { escaped: Cell::default(), outer: self.frame.clone() };
        Self { frame: Some(Rc::new(frame)), ..self.clone() }
    }

    /// In another shell, where no jump leads out of.
    pub fn unframed(&self) -> Self {
        Self { frame: None, ..self.clone() }
    }

    /// In a new shell, which knows no functions either.
    pub fn new_shell(&self) -> Self {
        Self { calling: Rc::default(), ..self.unframed() }
    }

    /// A jump out of a loop or function: what is known here is known behind each of those around.
    pub fn escape(&self, state: &State) {
        let mut around = self.frame.as_ref();
        while let Some(frame) = around {
            let escaped = match frame.escaped.take() {
                Some(mut escaped) => {
                    escaped.join(state, false);
                    escaped
                }
                None => state.clone(),
            };
            frame.escaped.set(Some(escaped));
            around = frame.outer.as_ref();
        }
    }

    /// What is known where the innermost loop or function was left by a jump.
    pub fn escaped(&self) -> Option<State> {
        self.frame.as_ref()?.escaped.take()
    }
}
