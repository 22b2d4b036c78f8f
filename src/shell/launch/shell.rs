//! In: the words of a shell (`bash -c SCRIPT`). Out: its segment and those of the script's commands.
//! Not here: the walk through the script (`interpret/`), and which programs are shells (`tools/facts.rs`).

use crate::interpret::call::Call;
use crate::interpret::scope::Scope;
use crate::interpret::state::State;
use crate::interpret::variables::danger;
use crate::interpret::walk::Walker;
use crate::programs::base_name;
use crate::reason::{AllowBlocker, Reason};
use crate::segment::{Dialect, Environment, Role, Span};
use crate::tools::facts::Shell;
use crate::value::argv::{Argv, Item};
use alloc::rc::Rc;

/// The options of a shell.
#[derive(Default)]
struct Options {
    /// The first word behind them.
    end: usize,
    /// `-c`: that word is the script.
    script: bool,
    /// `-a`: every variable of the script is handed on to what it runs.
    exports: bool,
    /// It only prints something about itself.
    prints: bool,
    /// Why the script cannot be read, or its commands are not in the arguments.
    why: Option<Reason>,
}

impl Options {
    fn read(arguments: &[Item]) -> Self {
        let mut options = Self::default();
        while options.why.is_none() || options.script {
            let Some(item) = arguments.get(options.end) else {
                options.why = options.why.or(Some(Reason::ShellInput));
                break;
            };
            let Some(word) = item.as_known() else {
                options.why = Some(Reason::ShellWord);
                break;
            };
            options.end += 1;
            match word {
                b"--" | b"-" => {
                    let file = arguments.get(options.end).map(Item::as_known);
                    if file.is_none_or(|file| file.is_some_and(is_open_file)) {
                        options.why = Some(Reason::ShellInput);
                    } else if file == Some(None) {
                        options.why = Some(Reason::ShellWord);
                    }
                    break;
                }
                b"--login" | b"--norc" | b"--noprofile" | b"--posix" | b"--verbose" | b"--noediting"
                | b"--restricted" => {}
                b"--version" | b"--help" => {
                    options.prints = true;
                    break;
                }
                [b'-' | b'+', letters @ ..] if !letters.is_empty() && letters.first() != Some(&b'-') => {
                    options.letters(letters, arguments);
                }
                [b'-', ..] => options.why = Some(Reason::ShellUnknownOption),
                file => {
                    if is_open_file(file) {
                        options.why = Some(Reason::ShellInput);
                    }
                    options.end -= 1;
                    break;
                }
            }
        }
        options
    }

    /// A cluster of options of one letter.
    fn letters(&mut self, letters: &[u8], arguments: &[Item]) {
        for letter in letters {
            match letter {
                b'c' => self.script = true,
                b'o' => {
                    let option = arguments.get(self.end);
                    self.end += 1;
                    if !option.is_some_and(keeps_reading) {
                        self.why = Some(Reason::ShellReading);
                    }
                }
                b'a' => self.exports = true,
                b'e' | b'u' | b'l' | b'x' | b'f' | b'v' | b'C' | b'b' | b'h' | b'm' | b'p' | b'E' | b'T' => {}
                b's' => self.why = Some(Reason::ShellInput),
                b'i' => self.why = Some(Reason::InteractiveShell),
                _ => self.why = Some(Reason::ShellReading),
            }
        }
    }
}

/// Whether a word is surely the name of an option (`set -o NAME`, `bash -o NAME`) with which a shell reads as without it.
pub fn keeps_reading(option: &Item) -> bool {
    matches!(
        option.as_known(),
        Some(b"pipefail" | b"errexit" | b"nounset" | b"xtrace" | b"verbose" | b"noclobber" | b"noglob")
    )
}

/// The name of the program that an argv starts.
pub fn program_name(argv: &Argv) -> &[u8] {
    base_name(argv.0.first().and_then(Item::as_known).unwrap_or_default())
}

/// Whether a path is that of a file that is open already: its text may be a part of the script, or what another
/// command prints (`/dev/stdin`, `/dev/fd/3`, `/proc/self/fd/0`, and the same relative to a directory).
pub fn is_open_file(path: &[u8]) -> bool {
    let parts = || path.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let mut last = parts().rev();
    match (last.next(), last.next()) {
        (Some(b"stdin" | b"stdout" | b"stderr"), None | Some(b"dev" | b"..")) => true,
        (Some(name), Some(b"fd" | b"..")) => digits(name),
        (Some(name), None) => digits(name) && name.len() < 4,
        _ => false,
    }
}

impl Walker<'_, '_> {
    /// A shell: reads its options, then the script.
    pub(crate) fn shell(&mut self, state: &State, shell: Shell, argv: &Argv, call: &Call) {
        let Shell::Read(dialect) = shell else {
            self.hidden(state, argv, call, Reason::OtherShell);
            return;
        };
        let arguments = argv.0.get(1..).unwrap_or_default();
        let mut options = Options::read(arguments);
        let dangerous = |set: &Environment| danger(&set.name, Some(&set.value), dialect).is_some();
        if call.environment.iter().any(dangerous) && !options.prints {
            options.why = Some(Reason::ShellVariable);
        }
        if !options.script || options.prints {
            match options.why.filter(|_| !options.prints) {
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
        own.opaque = options.why;
        own.blocker = own.blocker.or(Some(AllowBlocker::Carrier));
        self.note(own);
        let Some(script) = arguments.get(options.end) else { return };
        let positional = arguments.get(options.end + 2..).unwrap_or_default();
        // A `bash -c SCRIPT` that is the end of the whole command, be it behind wrappers, has the spans
        // of SCRIPT itself.
        let own_place = call.program_only
            && self.scope.inside.is_none()
            && call.span == Span::default()
            && self.walk.whole.ends_with(&argv.0);
        let behind = self.scope.behind(program_name(argv));
        let scope = if own_place {
            let at = self.walk.whole.len() - argv.0.len() + options.end + 1;
            Scope { argument: u32::try_from(at).unwrap_or(u32::MAX), ..behind }
        } else {
            behind.within(call.span)
        };
        let state = State { changed: state.changed || options.exports, ..state.clone() };
        self.at(scope).script_item(&state, script, dialect, positional);
    }

    /// Runs a script that is one word, in a new shell; its parts have the span of that word.
    pub(crate) fn script_word(&mut self, state: &State, script: &Item, span: Span) {
        self.at(self.scope.within(span)).script_item(state, script, Dialect::Posix, &[]);
    }

    fn script_item(&mut self, state: &State, script: &Item, dialect: Dialect, positional: &[Item]) {
        let Some(text) = script.as_known() else {
            let span = self.scope.inside.unwrap_or_default();
            self.opaque(span, Reason::UnknownScript, state);
            return;
        };
        // A new shell knows the directory and what it is given, nothing else.
        let mut fresh = State {
            cwd: state.cwd.clone(),
            positional: Some(Rc::new(positional.to_vec())),
            changed: state.changed,
            ..State::default()
        };
        self.at(self.scope.new_shell()).script_in(&mut fresh, text, dialect);
    }
}
