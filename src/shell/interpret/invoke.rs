//! In: a command's words. Out: its segment, and those of every command that it runs in turn. Here: what its
//! first word means: a function, one of the shell's own commands, a program of some kind. Not here: the
//! shell's own commands (`builtins/`), and programs that run others: always (`launch/wrapper.rs`), by
//! some of their options (`launch/options.rs`), or by a script (`launch/shell.rs`).

use crate::interpret::call::Call;
use crate::interpret::state::{Function, State};
use crate::interpret::walk::Walker;
use crate::programs::opaque;
use crate::reason::AllowBlocker;
use crate::reason::Reason;
use crate::segment::{Dialect, Role};
use crate::tools::facts::Inner;
use crate::value::argv::{Argv, Item};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// How many readings of an unclear argv are looked at.
const MOST_CANDIDATES: usize = 256;
/// How many words of such a reading are kept; what follows can be anything.
const MOST_WORDS: usize = 48;
/// How deep wrappers may be nested.
const MOST_WRAPPERS: usize = 24;
/// How deep functions may call each other.
const MOST_CALLS: usize = 8;

impl Walker<'_, '_> {
    /// Runs a command in this shell.
    pub(crate) fn invoke(&mut self, state: &mut State, argv: &Argv, call: &Call) {
        let Some(head) = argv.0.first() else { return };
        let deeper = self.scope.deeper().filter(|scope| scope.through.len() <= MOST_WRAPPERS);
        let Some(scope) = deeper else {
            self.opaque(call.span, Reason::Depth, state);
            state.forget();
            return;
        };
        match head.as_known() {
            Some(name) => self.at(scope).named(state, name, argv, call),
            None => self.unknown_program(state, argv, call),
        }
    }

    fn unknown_program(&mut self, state: &mut State, argv: &Argv, call: &Call) {
        let head = argv.0.first();
        let choices = head.filter(|head| !head.many).and_then(|head| head.words.finite());
        if let Some(choices) = choices {
            let choices: Vec<Vec<u8>> = choices.into_iter().map(<[u8]>::to_vec).collect();
            let start = state.clone();
            for choice in choices {
                let mut one = argv.clone();
                if let Some(head) = one.0.first_mut() {
                    *head = Item::known(choice);
                }
                let mut copy = start.clone();
                self.invoke(&mut copy, &one, call);
                state.join(&copy, false);
            }
            return;
        }
        let mut segment = self.segment(state, call, argv.clone(), Role::Candidate);
        segment.opaque = Some(Reason::UnknownProgram);
        self.note(segment);
        state.forget();
    }

    fn named(&mut self, state: &mut State, name: &[u8], argv: &Argv, call: &Call) {
        if !call.program_only && (state.any_alias || state.aliases.contains(name)) {
            self.opaque(call.span, Reason::Alias, state);
        }
        if !call.program_only && self.means_another(state, name, argv, call) {
            return;
        }
        if !call.program_only
            && !call.no_functions
            && let Some(function) = state.functions.get(name).cloned()
        {
            self.function(state, name, &function, argv, call);
            return;
        }
        if !call.program_only && self.builtin(state, name, argv, call) {
            return;
        }
        self.program(state, name, argv, call);
    }

    /// Calls a function, or the command of its name if it may be none.
    fn function(&mut self, state: &mut State, name: &[u8], function: &Function, argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        self.note_effects(state, call);
        let mut ends: Option<State> = None;
        for body in &function.bodies {
            let mut copy = state.clone();
            let calling = &self.scope.calling;
            if calling.contains(&Rc::as_ptr(body)) || calling.len() > MOST_CALLS {
                self.opaque(call.span, Reason::FunctionDepth, state);
                copy.forget();
            } else {
                self.call_body(&mut copy, body, Some(arguments.to_vec()));
            }
            match &mut ends {
                Some(ends) => ends.join(&copy, false),
                None => ends = Some(copy),
            }
        }
        if !function.surely {
            let call = Call { no_functions: true, ..call.clone() };
            self.named(state, name, argv, &call);
        }
        if let Some(ends) = ends {
            if function.surely {
                *state = ends;
            } else {
                state.join(&ends, false);
            }
        }
    }

    /// What only some shells know by this name; `true` if nothing is left to look at.
    fn means_another(&mut self, state: &mut State, name: &[u8], argv: &Argv, call: &Call) -> bool {
        let modifier = match self.scope.dialect {
            Dialect::Bash => false,
            // `time "-p" …` where `time` is a program; read as a word of the grammar, `-p` is the command.
            Dialect::Posix => name.starts_with(b"-"),
            // A precommand modifier, however it is written.
            Dialect::Zsh => name == b"-",
        };
        if modifier {
            self.hidden(state, argv, call, Reason::Modifier);
            state.forget();
            return true;
        }
        let arguments = argv.0.get(1..).unwrap_or_default();
        if self.scope.dialect == Dialect::Zsh && crate::interpret::zsh::changes_the_shell(name, arguments) {
            self.opaque(call.span, Reason::Zsh, state);
            state.forget();
        }
        false
    }

    /// Runs a program: it sees the environment and nothing else of the shell.
    fn program(&mut self, state: &mut State, name: &[u8], argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let facts = self.walk.facts;
        let Some((base, tool)) = facts.find(name) else {
            let known: Vec<&[u8]> = argv.0.iter().map(|item| item.as_known().unwrap_or(b"?")).collect();
            match opaque(&known) {
                Some(hidden) => self.hidden(state, argv, call, hidden.reason()),
                None => {
                    let segment = self.segment(state, call, argv.clone(), Role::Command);
                    self.note(segment);
                }
            }
            return;
        };
        let runs = tool.only_with.is_empty()
            || arguments.iter().any(|item| tool.only_with.iter().any(|word| item.words.could_be(word)));
        if !runs {
            let segment = self.segment(state, call, argv.clone(), Role::Command);
            self.note(segment);
        } else if let Some(shell) = tool.shell {
            self.shell(state, shell, argv, call);
        } else if let Some(language) = tool.language {
            self.program_text(state, language, argv, call);
        } else if tool.inner == Inner::None {
            self.options_that_run(state, tool, argv, call);
        } else {
            self.wrapper(state, tool, &base.to_ascii_lowercase(), argv, call);
        }
    }

    /// A command of which only its own words can be judged: every part of them could be a command.
    pub(crate) fn hidden(&mut self, state: &State, argv: &Argv, call: &Call, why: Reason) {
        let mut segment = self.segment(state, call, argv.clone(), Role::Command);
        segment.opaque = Some(why);
        segment.blocker = segment.blocker.or(Some(AllowBlocker::Carrier));
        self.note(segment);
        self.candidates(state, argv, 1, call);
    }

    /// Notes every argv that begins at or after a position.
    pub(crate) fn candidates(&mut self, state: &State, argv: &Argv, from: usize, call: &Call) {
        for at in from..argv.0.len().min(from + MOST_CANDIDATES) {
            let rest = argv.0.get(at..).unwrap_or_default();
            let mut words: Vec<Item> = rest.iter().take(MOST_WORDS).cloned().collect();
            if rest.len() > MOST_WORDS {
                // What follows can be anything to the guards.
                words.push(Item::anything());
            }
            let segment = self.segment(state, call, Argv(words), Role::Candidate);
            self.note(segment);
        }
    }
}
