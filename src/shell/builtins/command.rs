//! In: a command's words. Out: what the shell's own command of that name does to the shell, and its
//! segment. A program can have the same name (`echo`, `test`); it is decided under that name all the
//! same. Not here: programs (`invoke.rs`).

use crate::interpret::call::Call;
use crate::interpret::state::{State, Value};
use crate::interpret::walk::Walker;
use crate::launch::shell::keeps_reading;
use crate::reason::AllowBlocker;
use crate::reason::Reason;
use crate::segment::{Dialect, Role};
use crate::syntax::ast::{Assigned, Part, Word};
use crate::syntax::reader::is_reserved;
use crate::value::argv::{Argv, Item};
use crate::value::words::WordSet;
use std::rc::Rc;

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

/// How long a word of options may be in which names are looked for.
const MOST_OPTIONS: usize = 64;

impl Walker<'_, '_> {
    /// Runs one of the shell's own commands; `false` if there is none of that name.
    pub(crate) fn builtin(&mut self, state: &mut State, name: &[u8], argv: &Argv, call: &Call) -> bool {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let words: Option<Vec<&[u8]>> = arguments.iter().map(Item::as_known).collect();
        let carrier = INNER.contains(&name);
        match name {
            b"break" | b"continue" | b"return" => self.scope.escape(state),
            b":" | b"true" | b"false" | b"exit" | b"wait" | b"echo" | b"pwd" | b"printf" | b"test" | b"[" => {
                if name == b"printf" {
                    self.printf(state, arguments, call);
                }
                let takes_name = |item: &Item| {
                    item.as_known().is_none_or(|word| word.starts_with(b"-") && word.contains(&b'p'))
                };
                if name == b"wait" && arguments.iter().any(takes_name) {
                    self.risky_arithmetic(state, call.span);
                    state.forget();
                }
                if matches!(name, b"test" | b"[") && arguments.iter().any(|item| item.words.could_be(b"-v")) {
                    self.risky_arithmetic(state, call.span);
                }
            }
            b"shift" => state.positional = None,
            b"set" => self.set_options(state, arguments, call),
            b"export" | b"readonly" | b"declare" | b"typeset" | b"local" => {
                // Outside of functions `local` is an error that declares nothing, except in zsh.
                let unsure = name == b"local" && self.scope.calling.is_empty();
                self.perhaps(state, unsure, |walker, state| walker.declare(state, name, arguments, call));
            }
            b"unset" => {
                for word in arguments {
                    match word.as_known() {
                        Some(word)
                            if word
                                .iter()
                                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)) =>
                        {
                            self.assign(state, word, None, false, call.span);
                            if let Some(function) = Rc::make_mut(&mut state.functions).get_mut(word) {
                                function.surely = false;
                            }
                        }
                        _ => {
                            self.opaque(call.span, Reason::UnknownUnset, state);
                            state.forget();
                        }
                    }
                }
            }
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
                let own = self.carrier(state, argv, call);
                self.note(own);
                match words {
                    Some(words) => {
                        let words = if words.first() == Some(&&b"--"[..]) {
                            words.get(1..).unwrap_or_default()
                        } else {
                            &words
                        };
                        let text = words.join(&b' ');
                        self.at(self.scope.within(call.span)).text(state, &text);
                    }
                    None => {
                        self.opaque(call.span, Reason::UnknownEval, state);
                        state.forget();
                    }
                }
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
            b"alias" => {
                self.walk.aliased |= !arguments.is_empty();
                for item in arguments {
                    match item.as_known() {
                        Some(word) => {
                            if let Some(at) = word.iter().position(|&byte| byte == b'=') {
                                let name = word.get(..at).unwrap_or_default().to_vec();
                                if is_reserved(&name) {
                                    self.opaque(call.span, Reason::KeywordAlias, state);
                                }
                                Rc::make_mut(&mut state.aliases).insert(name);
                            }
                        }
                        None => state.any_alias = true,
                    }
                }
            }
            b"command" | b"builtin" | b"exec" => {
                self.precommand(state, name, argv, call);
                return true;
            }
            b"shopt" => {
                if words.as_deref().is_none_or(|words| {
                    !words.iter().all(|word| {
                        matches!(
                            *word,
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
                    })
                }) {
                    self.opaque(call.span, Reason::ShellOption, state);
                }
            }
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

    fn carrier(&self, state: &State, argv: &Argv, call: &Call) -> crate::segment::Segment {
        let mut own = self.segment(state, call, argv.clone(), Role::Carrier);
        own.blocker = own.blocker.or(Some(AllowBlocker::Carrier));
        own
    }

    fn printf(&mut self, state: &mut State, arguments: &[Item], call: &Call) {
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

    fn set_options(&mut self, state: &mut State, arguments: &[Item], call: &Call) {
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

    fn declare(&mut self, state: &mut State, name: &[u8], arguments: &[Item], call: &Call) {
        let exported = name == b"export" || arguments.iter().any(|item| item.words.could_be(b"-x"));
        let mut wild = name == b"readonly";
        let (mut prints, mut array) = (false, false);
        let mut declared = call.declared.iter();
        for item in arguments {
            let Some(word) = item.as_known() else {
                // An assignment with a value that is not known, or something else that is not known.
                let is_assignment =
                    declared.clone().any(|assignment| starts_with_name(&item.words, &assignment.name));
                if !is_assignment {
                    self.opaque(call.span, Reason::UnknownDeclaration, state);
                    state.forget();
                }
                continue;
            };
            if let [b'-' | b'+', letters @ ..] = word {
                for letter in letters {
                    match letter {
                        b'x' | b'g' => {}
                        b'a' if word.starts_with(b"-") => array = true,
                        // The words of an associative one are not in order; an array stays one, and the rest is not done.
                        b'a' | b'A' => (array, wild) = (true, true),
                        b'r' => wild = true,
                        b'f' if exported => {
                            self.opaque(call.span, Reason::ExportedFunction, state);
                            prints = true;
                        }
                        b'p' | b'f' | b'F' => prints = true,
                        // `-n` makes a name for another variable, `-i` evaluates, `-u` changes.
                        _ => {
                            self.opaque(call.span, Reason::Attribute, state);
                            wild = true;
                            if *letter == b'n' {
                                state.forget();
                            }
                        }
                    }
                }
                continue;
            }
            if !word.contains(&b'=') && !prints {
                // Made without a value: what it holds is not known (`local x` hides an outer one).
                if word.contains(&b'[') {
                    self.risky_arithmetic(state, call.span);
                }
                if name != b"export" && name != b"readonly" {
                    let value = array.then(|| Value::List(vec![Item::anything()]));
                    self.assign(state, word, value, exported, call.span);
                } else if !crate::interpret::variables::is_safe(word, true) {
                    state.changed = true;
                }
                if wild {
                    state.make_wild(word);
                }
            } else if word.contains(&b'=')
                && !call.declared.iter().any(|known| is_value_of(word, &known.name))
            {
                // Not written as an assignment (`declare "$x"`), yet one.
                let at = word.iter().position(|&byte| byte == b'=').unwrap_or(0);
                let target = word.get(..at).unwrap_or_default();
                if target.contains(&b'[') {
                    self.risky_arithmetic(state, call.span);
                }
                let target = target.strip_suffix(b"+").unwrap_or(target);
                if word.get(at + 1) == Some(&b'(') {
                    self.compound(state, call);
                }
                self.assign(state, target, None, exported, call.span);
            }
        }
        for assignment in declared.by_ref() {
            let array = array || is_array(state, &assignment.name);
            let value = self.silently().assignment(state, assignment, exported, call.span);
            // Whether it holds an array can depend on what was run before; a text that says so is enough.
            let listed = value.finite().is_some_and(|texts| texts.iter().any(|text| text.starts_with(b"(")));
            let read_again = listed || array && value.could_start_with(b"(");
            if read_again && matches!(assignment.value, Assigned::Word(_)) {
                self.compound(state, call);
            }
            if crate::interpret::variables::runs_code(&assignment.name) {
                self.opaque(call.span, Reason::CodeVariable, state);
            }
            let braces = matches!(&assignment.value, Assigned::Word(word) if has_braces(word));
            if self.scope.dialect == Dialect::Posix || braces {
                // Some shells do not have the command, others split the value; braces are expanded here.
                self.assign(state, &assignment.name, None, exported, call.span);
            }
            if wild {
                // Later assignments fail, and what happens then is up to the shell.
                state.make_wild(&assignment.name);
            }
        }
    }

    /// A value that is given to an array and begins with `(` is read again, as a list of words with all that is in them.
    fn compound(&mut self, state: &mut State, call: &Call) {
        self.opaque(call.span, Reason::ArrayText, state);
        state.forget();
    }

    fn read_into(&mut self, state: &mut State, name: &[u8], arguments: &[Item], call: &Call) {
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

    fn trap(&mut self, state: &mut State, argv: &Argv, words: Option<&[&[u8]]>, call: &Call) {
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

    /// `command`, `builtin`, `exec`: options, then a command of this shell.
    fn precommand(&mut self, state: &mut State, name: &[u8], argv: &Argv, call: &Call) {
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

    /// Does what may leave nothing behind, if `unsure`: then both what was known before and what is known after count.
    fn perhaps(&mut self, state: &mut State, unsure: bool, work: impl FnOnce(&mut Self, &mut State)) {
        let before = unsure.then(|| state.clone());
        work(self, state);
        if let Some(before) = before {
            state.join(&before, false);
        }
    }
}

/// The name of a variable with which a word begins, perhaps none.
fn leading_name(word: &[u8]) -> &[u8] {
    let digit = word.first().is_none_or(u8::is_ascii_digit);
    let end = word.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    word.get(..end).filter(|_| !digit).unwrap_or_default()
}

fn is_value_of(word: &[u8], name: &[u8]) -> bool {
    word.strip_prefix(name).is_some_and(|rest| rest.starts_with(b"=") || rest.starts_with(b"+="))
}

fn has_braces(word: &Word) -> bool {
    word.parts.iter().any(|part| matches!(part, Part::Plain(text) if text.contains(&b'{')))
}

/// Whether a variable is known to hold an array, or nothing is known about any.
fn is_array(state: &State, name: &[u8]) -> bool {
    state.full || matches!(state.get(name), Some(Value::List(_)))
}

fn starts_with_name(words: &WordSet, name: &[u8]) -> bool {
    words.patterns().iter().all(|pattern| match pattern.0.first() {
        Some(crate::value::words::Piece::Literal(bytes)) => {
            bytes.strip_prefix(name).is_some_and(|rest| rest.starts_with(b"=") || rest.starts_with(b"+="))
        }
        _ => false,
    })
}

/// The directory after `cd PATH`, if it is sure: an absolute path, or one that begins with `./`
/// (`CDPATH` does not count then), without `..` (links).
fn directory(state: &State, path: &[u8]) -> Option<Rc<Vec<u8>>> {
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
