//! In: the words of `declare`, `export`, `readonly` or `local`. Out: what they make of variables.
//! Not here: assignments without such a command (`interpret/simple.rs`).

use crate::interpret::call::Call;
use crate::interpret::state::{State, Value};
use crate::interpret::variables::is_safe;
use crate::interpret::walk::Walker;
use crate::reason::Reason;
use crate::segment::Dialect;
use crate::syntax::ast::{Assigned, Assignment, Part, Word};
use crate::value::argv::Item;
use crate::value::words::{Piece, WordSet};
use alloc::vec;

/// How variables are declared.
#[derive(Clone, Copy)]
struct Declaration<'a> {
    /// The command.
    name: &'a [u8],
    exported: bool,
    /// An assignment does not simply set it.
    wild: bool,
    /// Only prints.
    prints: bool,
    array: bool,
}

impl Walker<'_, '_> {
    pub(crate) fn declare(&mut self, state: &mut State, name: &[u8], arguments: &[Item], call: &Call) {
        let exported = name == b"export" || arguments.iter().any(could_export);
        let mut how = Declaration { name, exported, wild: name == b"readonly", prints: false, array: false };
        for item in arguments {
            let Some(word) = item.as_known() else {
                // An assignment with a value that is not known, or something else that is not known.
                if !call.declared.iter().any(|assignment| starts_with_name(&item.words, &assignment.name)) {
                    self.opaque(call.span, Reason::UnknownDeclaration, state);
                    state.forget();
                }
                continue;
            };
            if matches!(word.first(), Some(b'-' | b'+')) {
                self.attributes(state, word, &mut how, call);
            } else if word.contains(&b'=') {
                if !call.declared.iter().any(|known| is_value_of(word, &known.name)) {
                    self.declare_value(state, word, how, call);
                }
            } else if !how.prints {
                self.declare_name(state, word, how, call);
            }
        }
        for assignment in &call.declared {
            self.declare_assignment(state, assignment, how, call);
        }
    }

    /// A word of options.
    fn attributes(&mut self, state: &mut State, word: &[u8], how: &mut Declaration<'_>, call: &Call) {
        for letter in word.get(1..).unwrap_or_default() {
            match letter {
                b'x' | b'g' => {}
                b'a' if word.starts_with(b"-") => how.array = true,
                // The words of an associative one are not in order; an array stays one, and the rest is not done.
                b'a' | b'A' => (how.array, how.wild) = (true, true),
                b'r' => how.wild = true,
                b'f' if how.exported => {
                    self.opaque(call.span, Reason::ExportedFunction, state);
                    how.prints = true;
                }
                b'p' | b'f' => how.prints = true,
                // A float of zsh.
                b'F' if self.scope.dialect != Dialect::Zsh => how.prints = true,
                // `-n` makes a name for another variable, `-i` evaluates, `-u` changes.
                _ => {
                    self.opaque(call.span, Reason::Attribute, state);
                    how.wild = true;
                    if *letter == b'n' {
                        state.forget();
                    }
                }
            }
        }
    }

    /// A variable that is made without a value: what it holds is not known (`local x` hides an outer one).
    fn declare_name(&mut self, state: &mut State, word: &[u8], how: Declaration<'_>, call: &Call) {
        if word.contains(&b'[') {
            self.risky_arithmetic(state, call.span);
        }
        if how.name != b"export" && how.name != b"readonly" {
            let value = how.array.then(|| Value::List(vec![Item::anything()]));
            self.change(state, word, value, how.exported, call.span);
        } else if !is_safe(word, true) {
            state.changed = true;
        }
        if how.wild {
            state.make_wild(word);
        }
    }

    /// A word that is not written as an assignment (`declare "$x"`), yet is one.
    fn declare_value(&mut self, state: &mut State, word: &[u8], how: Declaration<'_>, call: &Call) {
        let at = word.iter().position(|&byte| byte == b'=').unwrap_or(0);
        let target = word.get(..at).unwrap_or_default();
        if target.contains(&b'[') {
            self.risky_arithmetic(state, call.span);
        }
        let target = target.strip_suffix(b"+").unwrap_or(target);
        if word.get(at + 1) == Some(&b'(') {
            self.compound(state, call);
        }
        self.assign(state, target, None, how.exported, call.span);
    }

    /// An assignment among the arguments.
    fn declare_assignment(
        &mut self,
        state: &mut State,
        assignment: &Assignment,
        how: Declaration<'_>,
        call: &Call,
    ) {
        let array = how.array || is_array(state, &assignment.name);
        let value = self.silently().assignment(state, assignment, how.exported, call.span);
        // Whether it holds an array can depend on what was run before; a text that says so is enough.
        let listed = value.finite().is_some_and(|texts| texts.iter().any(|text| text.starts_with(b"(")));
        let read_again = listed || array && value.could_start_with(b"(");
        if read_again && matches!(assignment.value, Assigned::Word(_)) {
            self.compound(state, call);
        }
        let braces = matches!(&assignment.value, Assigned::Word(word) if has_braces(word));
        if self.scope.dialect == Dialect::Posix || braces {
            // Some shells do not have the command, others split the value; braces are expanded here.
            self.change(state, &assignment.name, None, how.exported, call.span);
        }
        if how.wild {
            // Later assignments fail, and what happens then is up to the shell.
            state.make_wild(&assignment.name);
        }
    }

    /// A value that is given to an array and begins with `(` is read again, as a list of words with all that is in them.
    fn compound(&mut self, state: &mut State, call: &Call) {
        self.opaque(call.span, Reason::ArrayText, state);
        state.forget();
    }
}

fn is_value_of(word: &[u8], name: &[u8]) -> bool {
    word.strip_prefix(name).is_some_and(|rest| rest.starts_with(b"=") || rest.starts_with(b"+="))
}

fn has_braces(word: &Word) -> bool {
    word.parts.iter().any(|part| matches!(part, Part::Plain(text) if text.contains(&b'{')))
}

/// Whether a word may be a cluster of options with `-x` in it.
fn could_export(item: &Item) -> bool {
    match item.as_known() {
        Some(word) => word.starts_with(b"-") && word.contains(&b'x'),
        None => item.many || item.words.could_start_with(b"-"),
    }
}

/// Whether a variable is known to hold an array, or nothing is known about any.
fn is_array(state: &State, name: &[u8]) -> bool {
    state.full || matches!(state.get(name), Some(Value::List(_)))
}

fn starts_with_name(words: &WordSet, name: &[u8]) -> bool {
    words.patterns().iter().all(|pattern| match pattern.0.first() {
        Some(Piece::Literal(bytes)) => {
            bytes.strip_prefix(name).is_some_and(|rest| rest.starts_with(b"=") || rest.starts_with(b"+="))
        }
        _ => false,
    })
}
