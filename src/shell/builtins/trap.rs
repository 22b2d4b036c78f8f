//! In: the words of `trap`. Out: the script that runs at some later time, and what it may change until then.
//! Not here: the run of it (`interpret/function.rs`).

use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::reason::Reason;
use crate::segment::Dialect;
use crate::value::argv::Argv;

impl Walker<'_, '_> {
    pub(crate) fn trap(&mut self, state: &mut State, argv: &Argv, words: Option<&[&[u8]]>, call: &Call) {
        let own = self.carrier(state, argv, call);
        self.note(own);
        let Some(words) = words else {
            self.opaque(call.span, Reason::UnknownTrap, state);
            state.forget();
            return;
        };
        let words =
            if words.first() == Some(&&b"--"[..]) { words.get(1..).unwrap_or_default() } else { words };
        let (Some(text), Some(signals)) = (words.first(), words.get(1..)) else { return };
        if matches!(*text, b"-" | b"" | b"-l" | b"-p") || signals.is_empty() {
            return;
        }
        self.walk.traps.push((text.to_vec(), call.span));
        if self.scope.silent {
            return;
        }
        // At any other time it can run between two commands and change what the second one means, by a variable, a
        // function, a directory; in zsh a function has an end of its own.
        let at_end = signals.iter().all(|signal| matches!(*signal, b"EXIT" | b"0"));
        if !at_end || self.scope.dialect == Dialect::Zsh {
            self.opaque(call.span, Reason::Trap, state);
            state.forget();
        }
    }
}
