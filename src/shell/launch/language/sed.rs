//! In: the arguments of `sed`. Out: its program, and the files that it edits in place.
//!
//! GNU reads options anywhere, BSD up to the first operand, and `-i` and `-l` take a word in one and none in the other: the
//! command line is read once for each. Not here: what the program does (`tools/sed.rs`).

use super::command_line::{CommandLine, Start, long_option, start, texts};
use crate::reason::Reason;
use crate::segment::{Access, Effect};
use crate::value::argv::Item;
use crate::value::words::WordSet;
use alloc::vec::Vec;

/// What an option does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Nothing,
    /// Takes a value that does not matter.
    Value,
    Expression,
    File,
    /// GNU's `-i`: its suffix is attached.
    InPlace,
    /// BSD's `-i`: its suffix may be the next word.
    InPlaceNext,
    /// Refuses programs that open files or run commands. Only GNU knows it, so that no other runs.
    Sandbox,
    /// Prints something and ends.
    Idle,
}

/// How a command line is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// GNU, busybox, toybox: options may follow operands.
    Gnu,
    /// The same with `POSIXLY_CORRECT`.
    GnuInOrder,
    Bsd,
}

/// GNU's long options.
const LONG: &[(&str, Does)] = &[
    ("binary", Does::Nothing),
    ("debug", Does::Nothing),
    ("expression", Does::Expression),
    ("file", Does::File),
    ("follow-symlinks", Does::Nothing),
    ("help", Does::Idle),
    ("in-place", Does::InPlace),
    ("line-length", Does::Value),
    ("null-data", Does::Nothing),
    ("posix", Does::Nothing),
    ("quiet", Does::Nothing),
    ("regexp-extended", Does::Nothing),
    ("sandbox", Does::Sandbox),
    ("separate", Does::Nothing),
    ("silent", Does::Nothing),
    ("unbuffered", Does::Nothing),
    ("version", Does::Idle),
    ("zero-terminated", Does::Nothing),
];

fn short_option(letter: u8, way: Way) -> Option<Does> {
    Some(match (letter, way) {
        (b'n' | b'E' | b'r' | b's' | b'u', _) => Does::Nothing,
        (b'e', _) => Does::Expression,
        (b'f', _) => Does::File,
        (b'a' | b'l', Way::Bsd) => Does::Nothing,
        (b'i' | b'I', Way::Bsd) => Does::InPlaceNext,
        (b'i', _) => Does::InPlace,
        (b'l', _) => Does::Value,
        (b'z' | b'b', Way::Gnu | Way::GnuInOrder) => Does::Nothing,
        _ => return None,
    })
}

/// What one way makes of the words.
#[derive(Default)]
struct Words {
    scripts: Vec<Item>,
    /// The program comes from a file too.
    file: bool,
    operands: Vec<Item>,
    suffix: Option<Item>,
    /// The suffix was the next word.
    suffix_taken: bool,
    sandbox: bool,
    idle: bool,
    unknown: bool,
    perhaps_option: bool,
}

/// Every way to read the command line.
pub(super) fn command_line(arguments: &[Item]) -> CommandLine {
    let mut line = CommandLine::default();
    let bsd_options = arguments.iter().any(|item| matches!(item.as_known(), Some([b'-', b'I', ..])));
    for way in [Way::Gnu, Way::GnuInOrder, Way::Bsd] {
        let mut words = words(arguments, way);
        // Who does not know an option ends there; some implementation has to know it.
        if words.unknown {
            if (way == Way::Gnu && !bsd_options) || (way == Way::Bsd && bsd_options) {
                line.opaque = Some(Reason::UnknownOption);
            }
            continue;
        }
        if words.idle {
            continue;
        }
        line.perhaps_option |= words.perhaps_option;
        if words.file {
            line.opaque = line.opaque.or(Some(Reason::Code));
        }
        if words.scripts.is_empty() && !words.file && !words.operands.is_empty() {
            let first = words.operands.remove(0);
            // After `-i s/a/b/`, BSD takes the file's name for the program.
            if way == Way::Bsd && words.suffix_taken && !is_suffix(&words) && is_file_name(&first) {
                continue;
            }
            words.scripts.push(first);
        }
        if !words.sandbox {
            for text in texts(&words.scripts).into_iter().filter(|_| !words.scripts.is_empty()) {
                if !line.programs.contains(&text) {
                    line.programs.push(text);
                }
            }
        }
        in_place(&mut line, &words);
    }
    line
}

/// Whether the word after `-i` is a suffix as BSD's users write it, or no program in any case.
fn is_suffix(words: &Words) -> bool {
    words.suffix.as_ref().is_some_and(|suffix| {
        suffix.as_known().is_some_and(|suffix| suffix.is_empty() || suffix.starts_with(b"."))
    })
}

/// Whether a word looks like the name of a file and not like a program that was meant as one.
fn is_file_name(item: &Item) -> bool {
    let program = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'{' | b'}' | b'\\');
    item.as_known().is_none_or(|word| !word.iter().any(program))
}

/// The files that are edited in place, and what they were.
fn in_place(line: &mut CommandLine, words: &Words) {
    let Some(suffix) = &words.suffix else { return };
    let mut write = |target: WordSet| {
        let effect = Effect { access: Access::Write, target };
        if !line.named.contains(&effect) {
            line.named.push(effect);
        }
    };
    let plain = suffix.as_known().is_some_and(|suffix| !suffix.contains(&b'/') && !suffix.contains(&b'*'));
    for operand in &words.operands {
        write(operand.words.clone());
        if plain && suffix.as_known() != Some(b"") {
            let mut backup = operand.words.clone();
            backup.append(&suffix.words);
            write(backup);
        }
    }
    // A suffix can name another directory.
    if !plain && !words.suffix_taken {
        line.hidden.push(Effect { access: Access::Write, target: WordSet::anything() });
    }
}

fn words(arguments: &[Item], way: Way) -> Words {
    let mut words = Words::default();
    let mut rest = arguments.iter();
    while let Some(item) = rest.next() {
        let word = match start(item) {
            Start::Known(word) if word.starts_with(b"-") && word != b"-" => word,
            Start::Unclear => {
                words.perhaps_option = true;
                words.operands.push(item.clone());
                continue;
            }
            Start::Known(_) | Start::Operand => {
                words.operands.push(item.clone());
                if way != Way::Gnu {
                    break;
                }
                continue;
            }
        };
        if word == b"--" {
            break;
        }
        if let Some(long) = word.strip_prefix(b"--") {
            let name = long.split(|&byte| byte == b'=').next().unwrap_or(long);
            let value = long.get(name.len() + 1..).map(Item::known);
            match long_option(LONG, name).filter(|_| way != Way::Bsd) {
                Some(does) => words.option(does, value, &mut rest),
                None => words.unknown = true,
            }
            continue;
        }
        let letters = word.get(1..).unwrap_or_default();
        for (at, letter) in letters.iter().enumerate() {
            let Some(does) = short_option(*letter, way) else {
                words.unknown = true;
                break;
            };
            if !matches!(does, Does::Nothing) {
                let attached = letters.get(at + 1..).filter(|rest| !rest.is_empty()).map(Item::known);
                words.option(does, attached, &mut rest);
                break;
            }
        }
    }
    words.operands.extend(rest.cloned());
    words
}

impl Words {
    fn option<'i>(&mut self, does: Does, attached: Option<Item>, rest: &mut impl Iterator<Item = &'i Item>) {
        let taken = attached.is_none();
        let mut value = || attached.clone().or_else(|| rest.next().cloned());
        match does {
            Does::Nothing => {}
            // One word that is not known may be several.
            Does::Value => self.perhaps_option |= value().is_some_and(|item| item.many),
            Does::Expression => self.scripts.extend(value()),
            Does::File => {
                value();
                self.file = true;
            }
            Does::InPlace => self.suffix = attached.or(Some(Item::known(b""))),
            Does::InPlaceNext => {
                self.suffix = value();
                self.suffix_taken = taken;
            }
            Does::Sandbox => self.sandbox = true,
            Does::Idle => self.idle = true,
        }
    }
}
