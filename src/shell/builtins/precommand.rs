//! In: the words of `command`, `builtin` or `exec`. Out: the segments of the command behind their options.
//! Not here: programs of that kind (`launch/wrapper.rs`).

use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::reason::Reason;
use crate::segment::{Dialect, Role};
use crate::value::argv::{Argv, Item};

impl Walker<'_, '_> {
    /// `command`, `builtin`, `exec`: options, then a command of this shell.
    pub(crate) fn precommand(&mut self, state: &mut State, name: &[u8], argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let mut own = self.carrier(state, argv, call);
        let mut at = 0;
        while let Some(word) = arguments.get(at).map(Item::as_known) {
            match (name, word) {
                (_, Some(b"--")) => {
                    at += 1;
                    break;
                }
                (b"command", Some(b"-p")) | (b"exec", Some(b"-l")) => at += 1,
                (b"exec", Some(b"-c" | b"-cl" | b"-lc")) => {
                    own.role = Role::Command;
                    at += 1;
                }
                (b"exec", Some(b"-a")) => {
                    // A program with many names acts by the one it is given.
                    own.role = Role::Command;
                    let mut renamed = arguments.get(at + 1..).unwrap_or_default().to_vec();
                    if renamed.len() > 1 {
                        renamed.remove(1);
                    }
                    let segment = self.segment(state, call, Argv(renamed), Role::Candidate);
                    self.note(segment);
                    at += 2;
                }
                (b"command", Some(b"-v" | b"-V" | b"-pv" | b"-pV")) => {
                    own.role = Role::Command;
                    own.blocker = None;
                    self.note(own);
                    return;
                }
                (_, Some(word)) if !word.starts_with(b"-") => break,
                (_, None) => break,
                _ => {
                    self.hidden(state, argv, call, Reason::UnknownOption);
                    return;
                }
            }
        }
        let inner = Argv(arguments.get(at..).unwrap_or_default().to_vec());
        if inner.0.is_empty() {
            // `exec > file` redirects the shell itself.
            own.role = Role::Command;
            self.note(own);
            return;
        }
        self.note(own);
        let mut inner_call = call.clone();
        inner_call.no_functions = true;
        inner_call.program_only = call.program_only || name == b"exec";
        let mut walker = self.at(self.scope.behind(name));
        if name == b"exec" && walker.scope.dialect == Dialect::Zsh {
            walker.opaque(call.span, Reason::Zsh, state);
        }
        // `command` finds no command of the shell itself in zsh, and `builtin` is none in dash.
        let unsure = walker.scope.dialect != Dialect::Bash;
        walker.perhaps(state, unsure, |walker, state| walker.invoke(state, &inner, &inner_call));
    }
}
