//! In: the arguments of `awk`. Out: its program, and the files that its options write.
//!
//! No implementation reads options behind the first operand. The one true awk ignores options that it does not
//! know, mawk some, so that the word after one can be the program. Not here: what the program does (`tools/awk.rs`).

use super::command_line::{CommandLine, Start, long_option, start, texts};
use crate::reason::Reason;
use crate::segment::{Access, Effect};
use crate::value::argv::Item;
use crate::value::words::{Piece, WordSet};
use alloc::vec::Vec;

/// What an option does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Nothing,
    /// Takes a value that does not matter.
    Value,
    /// Its value is a program.
    Source,
    /// Writes a file, by default this one.
    Writes(&'static str),
    /// `-W`: its value is another option.
    Other,
    /// Loads or runs something.
    Code,
}

const VARIABLES: &str = "awkvars.out";
const PROFILE: &str = "awkprof.out";

/// gawk's long options, and those of others.
const LONG: &[(&str, Does)] = &[
    ("assign", Does::Value),
    ("bignum", Does::Nothing),
    ("characters-as-bytes", Does::Nothing),
    ("copyright", Does::Nothing),
    ("csv", Does::Nothing),
    ("debug", Does::Code),
    ("dump-variables", Does::Writes(VARIABLES)),
    ("exec", Does::Code),
    ("field-separator", Does::Value),
    ("file", Does::Code),
    ("gen-pot", Does::Nothing),
    ("help", Does::Nothing),
    ("include", Does::Code),
    ("lint", Does::Nothing),
    ("lint-old", Does::Nothing),
    ("load", Does::Code),
    ("no-optimize", Does::Nothing),
    ("non-decimal-data", Does::Nothing),
    ("optimize", Does::Nothing),
    ("posix", Does::Nothing),
    ("pretty-print", Does::Writes(PROFILE)),
    ("profile", Does::Writes(PROFILE)),
    ("re-interval", Does::Nothing),
    ("sandbox", Does::Nothing),
    ("source", Does::Source),
    ("trace", Does::Nothing),
    ("traditional", Does::Nothing),
    ("usage", Does::Nothing),
    ("use-lc-numeric", Does::Nothing),
    ("version", Does::Nothing),
];

/// Every way to read the command line.
pub(super) fn command_line(arguments: &[Item]) -> CommandLine {
    let mut line = CommandLine::default();
    let mut sources: Vec<Item> = Vec::new();
    let mut at = 0;
    while let Some(item) = arguments.get(at) {
        let word = match start(item) {
            Start::Known(word) if word.starts_with(b"-") && word != b"-" => word,
            Start::Known(_) | Start::Operand => break,
            Start::Unclear => {
                at += 1;
                match attached_value(item) {
                    // `-F"$x"`: if nothing is attached, the next word is the value and the one after it the program.
                    Some(true) => program(&mut line, arguments.get(at + 1)),
                    Some(false) => {}
                    None => {
                        line.perhaps_option = true;
                        line.programs.push(None);
                    }
                }
                continue;
            }
        };
        at += 1;
        if word == b"--" {
            break;
        }
        let (does, attached) = option(word);
        match does {
            Does::Nothing => {}
            Does::Value | Does::Other => {
                let next = arguments.get(at).filter(|_| attached.is_none());
                at += usize::from(next.is_some());
                if next.is_some_and(|item| item.many) {
                    line.perhaps_option = true;
                    line.programs.push(None);
                }
                // Who does not know the option takes its value for the program.
                if word.starts_with(b"--") {
                    program(&mut line, next);
                }
                let value = attached.or_else(|| next.and_then(Item::as_known));
                if does == Does::Other && !value.is_some_and(is_harmless_setting) {
                    line.opaque = Some(Reason::Code);
                }
            }
            Does::Source => {
                let value = attached.map(Item::known).or_else(|| arguments.get(at).cloned());
                at += usize::from(attached.is_none());
                program(&mut line, value.as_ref());
                // Who ignores the option with its value takes the first operand for the program.
                if attached.is_some() {
                    program(&mut line, arguments.get(at));
                }
                sources.extend(value);
            }
            Does::Writes(default) => {
                let name = attached.unwrap_or(default.as_bytes());
                let target =
                    WordSet::Known(if name == b"-" { b"/dev/stdout".to_vec() } else { name.to_vec() });
                line.hidden.push(Effect { access: Access::Write, target });
            }
            Does::Code => line.opaque = Some(Reason::Code),
        }
    }
    if sources.len() > 1 {
        line.programs.extend(texts(&sources));
    }
    let operands = arguments.get(at..).unwrap_or_default();
    if sources.is_empty() && line.opaque.is_none() {
        program(&mut line, operands.first());
    }
    // gawk connects to operands of such names.
    if operands.iter().any(|item| item.as_known().is_some_and(|word| word.starts_with(b"/inet"))) {
        line.hidden.push(Effect { access: Access::Connect, target: WordSet::anything() });
    }
    line
}

fn program(line: &mut CommandLine, item: Option<&Item>) {
    let Some(item) = item else { return };
    for text in texts(core::slice::from_ref(item)) {
        if !line.programs.contains(&text) {
            line.programs.push(text);
        }
    }
}

/// For a word that is not known: whether it is `-F` or `-v` with a value attached, and whether that
/// may be empty.
fn attached_value(item: &Item) -> Option<bool> {
    if item.many {
        return None;
    }
    let mut empty = false;
    for pattern in item.words.patterns() {
        match pattern.0.as_slice() {
            [Piece::Literal(bytes), rest @ ..] if bytes.starts_with(b"-F") || bytes.starts_with(b"-v") => {
                empty |= bytes.len() == 2 && rest.iter().all(|piece| *piece == Piece::Anything);
            }
            _ => return None,
        }
    }
    Some(empty)
}

/// What an option does, and the value attached to it.
fn option(word: &[u8]) -> (Does, Option<&[u8]>) {
    if let Some(long) = word.strip_prefix(b"--") {
        let name = long.split(|&byte| byte == b'=').next().unwrap_or(long);
        let does = long_option(LONG, name).unwrap_or(Does::Code);
        return (does, long.get(name.len() + 1..));
    }
    match word {
        // Of the one true awk.
        b"-version" | b"-safe" => return (Does::Nothing, None),
        _ => {}
    }
    let Some((&letter, rest)) = word.get(1..).unwrap_or_default().split_first() else {
        return (Does::Code, None);
    };
    let attached = Some(rest).filter(|rest| !rest.is_empty());
    let flag = |letter: u8| b"bcCghIkMnNOPrsStV".contains(&letter);
    let does = match letter {
        b'F' | b'v' => Does::Value,
        b'e' => Does::Source,
        b'W' => Does::Other,
        b'd' => Does::Writes(VARIABLES),
        b'o' | b'p' => Does::Writes(PROFILE),
        b'L' if attached.is_none_or(|value| matches!(value, b"fatal" | b"invalid" | b"no-ext")) => {
            Does::Nothing
        }
        _ if flag(letter) && rest.iter().all(|&letter| flag(letter)) => Does::Nothing,
        _ => Does::Code,
    };
    (does, attached)
}

/// Whether a value of `-W` does nothing of interest.
fn is_harmless_setting(value: &[u8]) -> bool {
    let name = value.split(|&byte| byte == b'=').next().unwrap_or(value);
    matches!(
        name,
        b"compat"
            | b"traditional"
            | b"posix"
            | b"posix_space"
            | b"lint"
            | b"re-interval"
            | b"non-decimal-data"
            | b"interactive"
            | b"random"
            | b"sprintf"
            | b"version"
            | b"help"
            | b"usage"
            | b"copyright"
    )
}
