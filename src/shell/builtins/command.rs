//! In: a command's words. Out: what the shell's own command of that name does to the shell, and its
//! segment. A program can have the same name (`echo`, `test`); it is decided under that name all the
//! same. Not here: programs (`invoke.rs`).

use super::set::directory;
use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::reason::AllowBlocker;
use crate::reason::Reason;
use crate::segment::{Dialect, Role};
use crate::value::argv::{Argv, Item};
use alloc::vec::Vec;

/// Commands that change nothing but this shell, in ways that the walk knows.
const INNER: &[&[u8]] = &[
    b":",
    b"true",
    b"false",
    b"break",
    b"continue",
    b"return",
    b"exit",
    b"shift",
    b"wait",
    b"set",
    b"unset",
    b"local",
    b"declare",
    b"typeset",
    b"export",
    b"readonly",
];

impl Walker<'_, '_> {
    /// Runs one of the shell's own commands; `false` if there is none of that name.
    pub(crate) fn builtin(&mut self, state: &mut State, name: &[u8], argv: &Argv, call: &Call) -> bool {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let words: Option<Vec<&[u8]>> = arguments.iter().map(Item::as_known).collect();
        let carrier = INNER.contains(&name);
        match name {
            b"break" | b"continue" | b"return" => self.scope.escape(state),
            b":" | b"true" | b"false" | b"exit" | b"echo" | b"pwd" => {}
            b"printf" => self.printf(state, arguments, call),
            b"wait" => self.wait(state, arguments, call),
            b"test" | b"[" => {
                if arguments.iter().any(|item| item.words.could_be(b"-v")) {
                    self.risky_arithmetic(state, call.span);
                }
            }
            b"shift" => {
                self.korn_number(state, arguments, call);
                state.positional = None;
            }
            // Programs, as far as a script is concerned; both are commands of a shell of the Korn family.
            b"ulimit" | b"integer" => {
                self.korn_number(state, arguments, call);
                return false;
            }
            b"set" => self.set_options(state, arguments, call),
            b"export" | b"readonly" | b"declare" | b"typeset" | b"local" => {
                // Outside of functions `local` is an error that declares nothing, except in zsh.
                let unsure = name == b"local" && self.scope.calling.is_empty();
                self.perhaps(state, unsure, |walker, state| walker.declare(state, name, arguments, call));
            }
            b"unset" => self.unset(state, arguments, call),
            b"read" | b"mapfile" | b"readarray" | b"getopts" => self.read_into(state, name, arguments, call),
            b"cd" | b"pushd" | b"popd" | b"chdir" => {
                state.cwd = match words.as_deref() {
                    Some([path]) if name != b"popd" => directory(state, path),
                    _ => None,
                };
            }
            b"let" => {
                self.opaque(call.span, Reason::Arithmetic, state);
                state.forget();
            }
            b"eval" => {
                self.evaluate(state, argv, words.as_deref(), call);
                return true;
            }
            b"." | b"source" => {
                let mut segment = self.segment(state, call, argv.clone(), Role::Command);
                segment.opaque = Some(Reason::Source);
                self.note(segment);
                state.forget();
                return true;
            }
            b"trap" => {
                self.trap(state, argv, words.as_deref(), call);
                return true;
            }
            b"alias" => self.alias(state, arguments, call),
            b"command" | b"builtin" | b"exec" => {
                self.precommand(state, name, argv, call);
                return true;
            }
            b"shopt" => self.shopt(state, arguments, call),
            b"hash" | b"enable" | b"bind" | b"complete" | b"compgen" | b"compopt" | b"fc" | b"history"
            | b"logout" | b"caller" | b"disown" | b"jobs" | b"suspend" | b"emulate" | b"setopt"
            | b"zmodload" | b"autoload" | b"unalias" => {
                if !matches!(name, b"hash" | b"jobs") || !arguments.is_empty() {
                    self.opaque(call.span, Reason::Builtin, state);
                    state.forget();
                }
            }
            _ => return false,
        }
        let role = if carrier { Role::Carrier } else { Role::Command };
        let segment = self.segment(state, call, argv.clone(), role);
        self.note(segment);
        true
    }

    /// `wait -p NAME`.
    fn wait(&mut self, state: &mut State, arguments: &[Item], call: &Call) {
        let takes_name =
            |item: &Item| item.as_known().is_none_or(|word| word.starts_with(b"-") && word.contains(&b'p'));
        if arguments.iter().any(takes_name) {
            self.risky_arithmetic(state, call.span);
            state.forget();
        }
    }

    /// Numbers that a shell of the Korn family under the name of `sh` evaluates as arithmetic.
    fn korn_number(&mut self, state: &mut State, arguments: &[Item], call: &Call) {
        let harmless = |item: &Item| {
            item.words.is_integer()
                || matches!(item.as_known(), Some(word) if word.starts_with(b"-") || word == b"unlimited")
        };
        if self.scope.dialect == Dialect::Posix && !arguments.iter().all(harmless) {
            self.risky_arithmetic(state, call.span);
            state.forget();
        }
    }

    fn evaluate(&mut self, state: &mut State, argv: &Argv, words: Option<&[&[u8]]>, call: &Call) {
        let own = self.carrier(state, argv, call);
        self.note(own);
        let Some(words) = words else {
            self.opaque(call.span, Reason::UnknownEval, state);
            state.forget();
            return;
        };
        let text = words.strip_prefix(&[&b"--"[..]]).unwrap_or(words).join(&b' ');
        self.at(self.scope.within(call.span)).text(state, &text);
    }

    pub(crate) fn carrier(&self, state: &State, argv: &Argv, call: &Call) -> crate::segment::Segment {
        let mut own = self.segment(state, call, argv.clone(), Role::Carrier);
        own.blocker = own.blocker.or(Some(AllowBlocker::Carrier));
        own
    }

    /// Does what may leave nothing behind, if `unsure`: then both what was known before and what is known after count.
    pub(crate) fn perhaps(
        &mut self,
        state: &mut State,
        unsure: bool,
        work: impl FnOnce(&mut Self, &mut State),
    ) {
        let before = unsure.then(|| state.clone());
        work(self, state);
        if let Some(before) = before {
            state.join(&before, false);
        }
    }
}
