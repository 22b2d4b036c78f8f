//! In: the words of a shell (`bash -c SCRIPT`). Out: its segment and those of the script's commands.
//! Not here: the walk through the script (`interpret/walk.rs`), and which programs are shells (`tools/facts.rs`, from the facts).

use crate::builtins::command::keeps_reading;
use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::variables::runs_code;
use crate::interpret::walk::Walker;
use crate::programs::base_name;
use crate::reason::AllowBlocker;
use crate::reason::Reason;
use crate::segment::{Role, Span};
use crate::tools::facts::Shell;
use crate::value::argv::{Argv, Item};
use std::rc::Rc;

impl Walker<'_> {
    /// A shell: reads its options, then the script.
    pub(crate) fn shell(&mut self, state: &mut State, shell: Option<Shell>, argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let Some(shell) = shell else {
            self.hidden(state, argv, call, Reason::OtherShell);
            return;
        };
        let mut script_next = false;
        let mut why: Option<Reason> = None;
        let mut at = 0;
        loop {
            let Some(item) = arguments.get(at) else {
                why = why.or(Some(Reason::ShellInput));
                break;
            };
            let Some(word) = item.as_known() else {
                why = Some(Reason::ShellWord);
                break;
            };
            at += 1;
            match word {
                b"--" | b"-" => {
                    if arguments.get(at).is_none() {
                        why = Some(Reason::ShellInput);
                    }
                    break;
                }
                b"--login" | b"--norc" | b"--noprofile" | b"--posix" | b"--verbose" | b"--noediting"
                | b"--restricted" => {}
                b"--version" | b"--help" => {
                    let segment = self.segment(state, call, argv.clone(), Role::Command);
                    self.note(segment);
                    return;
                }
                [b'-' | b'+', letters @ ..] if !letters.is_empty() && letters.first() != Some(&b'-') => {
                    for letter in letters {
                        match letter {
                            b'c' => script_next = true,
                            b'o' => {
                                let option = arguments.get(at);
                                at += 1;
                                if !option.is_some_and(keeps_reading) {
                                    why = Some(Reason::ShellReading);
                                }
                            }
                            b'e' | b'u' | b'l' | b'x' | b'f' | b'v' | b'C' | b'b' | b'h' | b'm' | b'p'
                            | b'E' | b'T' | b'a' => {}
                            b's' => why = Some(Reason::ShellInput),
                            b'i' => why = Some(Reason::InteractiveShell),
                            _ => why = Some(Reason::ShellReading),
                        }
                    }
                }
                [b'-', ..] => why = Some(Reason::ShellUnknownOption),
                _ => {
                    at -= 1;
                    break;
                }
            }
            if why.is_some() && !script_next {
                break;
            }
        }
        let changed = call.environment.iter().any(|set| runs_code(&set.name));
        if changed {
            why = Some(Reason::ShellVariable);
        }
        if !script_next {
            match why {
                Some(why) => self.hidden(state, argv, call, why),
                // A script file is a program like any other.
                None => {
                    let segment = self.segment(state, call, argv.clone(), Role::Command);
                    self.note(segment);
                }
            }
            return;
        }
        let mut own = self.segment(state, call, argv.clone(), Role::Carrier);
        own.opaque = why;
        own.blocker = own.blocker.or(Some(AllowBlocker::Carrier));
        self.note(own);
        let Some(script) = arguments.get(at) else { return };
        let positional = arguments.get(at + 2..).unwrap_or_default();
        self.through.push(base_name(argv.0.first().and_then(Item::as_known).unwrap_or_default()).to_vec());
        let outer = self.argument;
        // A `bash -c SCRIPT` that is the end of the whole command, be it behind wrappers, has the spans
        // of SCRIPT itself.
        let span = if call.program_only
            && self.inside.is_none()
            && call.span == Span::default()
            && self.whole.ends_with(&argv.0)
        {
            let before = self.whole.len() - argv.0.len();
            self.argument = u32::try_from(before + at + 1).unwrap_or(u32::MAX);
            None
        } else {
            Some(call.span)
        };
        self.script_item(state, script, span, shell, positional);
        self.argument = outer;
        self.through.pop();
    }

    /// Runs a script that is one word, in a new shell; its parts have the span of that word.
    pub(crate) fn script_word(
        &mut self,
        state: &State,
        script: &Item,
        span: Span,
        shell: Shell,
        positional: &[Item],
    ) {
        self.script_item(state, script, Some(span), shell, positional);
    }

    fn script_item(
        &mut self,
        state: &State,
        script: &Item,
        span: Option<Span>,
        shell: Shell,
        positional: &[Item],
    ) {
        let Some(text) = script.as_known().map(<[u8]>::to_vec) else {
            self.opaque(span.unwrap_or_default(), Reason::UnknownScript, state);
            return;
        };
        // A new shell knows the directory and what it is given, nothing else.
        let mut fresh = State {
            cwd: state.cwd.clone(),
            positional: Some(Rc::new(positional.to_vec())),
            changed: state.changed,
            ..State::default()
        };
        let outer = self.inside;
        if let Some(span) = span {
            self.inside = Some(span);
        }
        let (escapes, calling) = (std::mem::take(&mut self.escapes), std::mem::take(&mut self.calling));
        self.script_in(&mut fresh, &text, shell.0);
        (self.escapes, self.calling) = (escapes, calling);
        self.inside = outer;
    }
}
