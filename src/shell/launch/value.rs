//! In: the value of an option that names a command, or a word of one. Out: the segments of the command; the word with its
//! place holder replaced. Not here: whose option it is (`options.rs`, `wrapper.rs`).

use crate::interpret::call::Call;
use crate::interpret::scope::Scope;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::reason::{AllowBlocker, Reason};
use crate::value::argv::{Argv, Item};
use crate::value::words::{Pattern, Piece, WordSet};
use alloc::vec;
use alloc::vec::Vec;

impl Walker<'_, '_> {
    /// The value of an option that names a program.
    pub(crate) fn program_word(&mut self, state: &State, value: &Item, call: &Call) {
        let words: Option<Vec<Item>> = value
            .as_known()
            .map(|text| text.split(is_space).filter(|word| !word.is_empty()).map(Item::known).collect());
        // Some programs give it to a shell.
        if value.as_known().is_some_and(|text| !is_plain(text)) {
            self.opaque(call.span, Reason::CommandLine, state);
            self.script_word(state, value, call.span);
        }
        match words {
            Some(words) => {
                let mut words = words;
                words.push(Item::anything());
                let scope = Scope { blocker: Some(AllowBlocker::Wrapper), ..self.scope.clone() };
                self.at(scope).invoke(&mut state.clone(), &Argv(words), call);
            }
            None => self.opaque(call.span, Reason::UnknownProgram, state),
        }
    }
}

/// What `isspace` of C says.
pub const fn is_space(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || *byte == b'\x0b'
}

/// Whether a command line means the same to a shell and to a program that splits it at blanks.
fn is_plain(text: &[u8]) -> bool {
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b" \t_-+.,/:@%=^".contains(byte);
    let first = text.split(is_space).find(|word| !word.is_empty());
    text.iter().all(plain) && !first.is_some_and(|word| word.contains(&b'='))
}

/// An argument in which a mark is replaced by something unknown.
pub fn replaced(item: Item, mark: &[u8]) -> Item {
    let Some(word) = item.as_known().filter(|_| !mark.is_empty()) else { return item };
    let Some(at) = word.windows(mark.len()).position(|window| window == mark) else { return item };
    let mut pattern = Pattern::default();
    pattern.push(Piece::Literal(word.get(..at).unwrap_or_default().to_vec()));
    pattern.push(Piece::Anything);
    let tail = word.get(at + mark.len()..).unwrap_or_default();
    if !tail.windows(mark.len()).any(|window| window == mark) {
        pattern.push(Piece::Literal(tail.to_vec()));
    }
    Item { words: WordSet::of(vec![pattern]), many: word == mark, files: false }
}
