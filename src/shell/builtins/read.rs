//! In: the words of a command that sets variables to what it is given (`read`, `mapfile`, `getopts`, `printf -v`). Out:
//! what is no longer known. Not here: `declare` and its kin (`declare.rs`).

use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::reason::Reason;
use crate::value::argv::Item;

/// How long a word of options may be in which names are looked for.
const MOST_OPTIONS: usize = 64;

impl Walker<'_, '_> {
    pub(crate) fn read_into(&mut self, state: &mut State, name: &[u8], arguments: &[Item], call: &Call) {
        for item in arguments {
            match item.as_known() {
                Some(word) if word.starts_with(b"-") => {
                    // Letters may stand together, and the last may have its value in the same word: `-raNAME`, `-tC COMMAND`.
                    if name != b"read" && word.iter().any(|byte| matches!(byte, b'c' | b'C')) {
                        self.opaque(call.span, Reason::Callback, state);
                    }
                    if word.contains(&b'[') {
                        self.risky_arithmetic(state, call.span);
                    }
                    if word.len() > MOST_OPTIONS {
                        self.opaque(call.span, Reason::UnknownRead, state);
                        state.forget();
                    }
                    for at in 2..word.len().min(MOST_OPTIONS) {
                        self.read_name(state, word.get(at..).unwrap_or_default(), call);
                    }
                }
                Some(word) if word.contains(&b'[') => self.risky_arithmetic(state, call.span),
                // Any operand can be a name.
                Some(word) => self.read_name(state, word, call),
                None => {
                    self.opaque(call.span, Reason::UnknownRead, state);
                    state.forget();
                }
            }
        }
    }

    /// Whatever begins with a name is read into: dash takes `x=y` for `x`.
    fn read_name(&mut self, state: &mut State, word: &[u8], call: &Call) {
        let name = leading_name(word);
        if !name.is_empty() {
            self.assign(state, name, None, false, call.span);
        }
    }

    pub(crate) fn printf(&mut self, state: &mut State, arguments: &[Item], call: &Call) {
        let first = arguments.first();
        let assigns = first.is_some_and(|item| match item.as_known() {
            Some(word) => word.starts_with(b"-v"),
            None => item.words.could_start_with(b"-v") || item.many,
        });
        if !assigns {
            return;
        }
        match (arguments.first().and_then(Item::as_known), arguments.get(1).and_then(Item::as_known)) {
            (Some(b"-v"), Some(name)) if !name.contains(&b'[') => {
                self.assign(state, name, None, false, call.span)
            }
            _ => {
                self.opaque(call.span, Reason::UnknownAssignment, state);
                state.forget();
            }
        }
    }
}

/// The name of a variable with which a word begins, perhaps none.
fn leading_name(word: &[u8]) -> &[u8] {
    let digit = word.first().is_none_or(u8::is_ascii_digit);
    let end = word.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    word.get(..end).filter(|_| !digit).unwrap_or_default()
}
