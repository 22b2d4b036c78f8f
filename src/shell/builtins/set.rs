//! In: the words of `set`, `shopt`, `alias`, `unset` or `cd`. Out: what they change about the shell.
//! Not here: variables that are given a value (`declare.rs`, `read.rs`).

use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::launch::shell::keeps_reading;
use crate::reason::Reason;
use crate::syntax::reader::is_reserved;
use crate::value::argv::Item;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// How many aliases are kept apart; with more, any command may be one.
const MOST_ALIASES: usize = 256;

impl Walker<'_, '_> {
    pub(crate) fn set_options(&mut self, state: &mut State, arguments: &[Item], call: &Call) {
        let mut at = 0;
        while let Some(item) = arguments.get(at) {
            let Some(word) = item.as_known() else {
                self.opaque(call.span, Reason::ShellOption, state);
                state.positional = None;
                return;
            };
            at += 1;
            match word {
                // Alone, they leave the parameters as they are.
                b"-" | b"+" if at >= arguments.len() => return,
                b"--" | b"-" => break,
                [b'-' | b'+', letters @ ..] if !letters.is_empty() => {
                    for letter in letters {
                        match letter {
                            b'e' | b'u' | b'x' | b'v' | b'f' | b'C' | b'b' | b'h' | b'm' | b'E' | b'T' => {}
                            b'a' => state.changed = true,
                            b'o' => {
                                let option = arguments.get(at);
                                at += 1;
                                // Alone, it prints the options.
                                if !option.is_none_or(keeps_reading) {
                                    self.opaque(call.span, Reason::ShellOption, state);
                                }
                            }
                            _ => self.opaque(call.span, Reason::ShellOption, state),
                        }
                    }
                    if at >= arguments.len() {
                        return;
                    }
                }
                _ => {
                    at -= 1;
                    break;
                }
            }
        }
        state.positional = Some(Rc::new(arguments.get(at..).unwrap_or_default().to_vec()));
    }

    pub(crate) fn unset(&mut self, state: &mut State, arguments: &[Item], call: &Call) {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
        for item in arguments {
            let Some(word) = item.as_known().filter(|word| word.iter().all(plain)) else {
                self.opaque(call.span, Reason::UnknownUnset, state);
                state.forget();
                continue;
            };
            self.change(state, word, None, false, call.span);
            if let Some(function) = Rc::make_mut(&mut state.functions).get_mut(word) {
                function.surely = false;
            }
        }
    }

    pub(crate) fn alias(&mut self, state: &mut State, arguments: &[Item], call: &Call) {
        self.walk.aliased |= !arguments.is_empty();
        for item in arguments {
            let Some(word) = item.as_known() else {
                state.any_alias = true;
                continue;
            };
            let Some(at) = word.iter().position(|&byte| byte == b'=') else { continue };
            let name = word.get(..at).unwrap_or_default();
            if is_reserved(name) {
                self.opaque(call.span, Reason::KeywordAlias, state);
            }
            if state.aliases.len() < MOST_ALIASES {
                Rc::make_mut(&mut state.aliases).insert(name.to_vec());
            } else {
                state.any_alias = true;
            }
        }
    }

    pub(crate) fn shopt(&mut self, state: &State, arguments: &[Item], call: &Call) {
        let harmless = |item: &Item| {
            matches!(
                item.as_known(),
                Some(
                    b"-s"
                        | b"-u"
                        | b"-q"
                        | b"nullglob"
                        | b"dotglob"
                        | b"globstar"
                        | b"failglob"
                        | b"inherit_errexit"
                        | b"lastpipe"
                )
            )
        };
        if !arguments.iter().all(harmless) {
            self.opaque(call.span, Reason::ShellOption, state);
        }
    }
}

/// The directory after `cd PATH`, if it is sure: an absolute path, or one that begins with `./`
/// (`CDPATH` does not count then), without `..` (links).
pub fn directory(state: &State, path: &[u8]) -> Option<Rc<Vec<u8>>> {
    let parts = || path.split(|&byte| byte == b'/');
    if parts().any(|part| part == b"..") {
        return None;
    }
    let base: &[u8] = if path.starts_with(b"/") {
        b""
    } else if path.starts_with(b"./") || path == b"." {
        state.cwd.as_deref()?
    } else {
        return None;
    };
    let mut whole = base.strip_suffix(b"/").unwrap_or(base).to_vec();
    for part in parts().filter(|part| !part.is_empty() && *part != b".") {
        whole.push(b'/');
        whole.extend_from_slice(part);
    }
    if whole.is_empty() {
        whole.push(b'/');
    }
    Some(Rc::new(whole))
}
