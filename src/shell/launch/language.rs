//! In: the words of `sed` or `awk`. Out: its segment with the files that it opens, and the segments of the commands that its program
//! runs. Not here: which word is the program (`language/`), and what the program does (`tools/sed.rs`, `tools/awk.rs`).

mod awk;
mod sed;

use super::shell::program_name;
use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::reason::{AllowBlocker, Reason};
use crate::segment::{Access, Effect, Role};
use crate::tools::effects::{File, INTEGER, ProgramEffects, Run};
use crate::tools::facts::Language;
use crate::value::argv::{Argv, Item};
use crate::value::words::{Piece, WordSet};
use alloc::vec;
use alloc::vec::Vec;

/// What a command line says, in every way in which an implementation could read it.
#[derive(Default)]
struct CommandLine {
    /// Every text that can be the program: all of them count, but one that nobody accepts.
    programs: Vec<Text>,
    /// Files that the rule's author allowed with the command, because they stand on its command line.
    named: Vec<Effect>,
    /// Files that do not stand on the command line.
    hidden: Vec<Effect>,
    /// A word is not known and may be an option.
    perhaps_option: bool,
    /// Why the command line is not understood.
    opaque: Option<Reason>,
}

/// A program's text; [`INTEGER`] stands for an integer that is not known.
type Text = Option<Vec<u8>>;

/// How many texts one word may stand for.
const MOST_TEXTS: usize = 16;

impl Walker<'_, '_> {
    /// A program that reads a program in a language of its own.
    pub(crate) fn program_text(&mut self, state: &State, language: Language, argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let line = match language {
            Language::Sed => sed::command_line(arguments),
            Language::Awk => awk::command_line(arguments),
        };
        let read = match language {
            Language::Sed => crate::tools::sed::read,
            Language::Awk => crate::tools::awk::read,
        };
        let mut own = self.segment(state, call, argv.clone(), Role::Command);
        own.opaque = line.opaque;
        if line.perhaps_option {
            own.blocker = own.blocker.or(Some(AllowBlocker::Option));
        }
        let mut effects = ProgramEffects::default();
        let mut accepted = line.programs.is_empty();
        for text in &line.programs {
            let one = text.as_ref().map_or_else(ProgramEffects::not_understood, |text| read(text));
            accepted |= !one.rejected;
            effects.merge(one);
        }
        if effects.not_understood || !accepted {
            own.opaque = own.opaque.or(Some(Reason::ProgramText));
        }
        if effects.runs.contains(&Run::Unknown) {
            own.opaque = own.opaque.or(Some(Reason::Code));
        }
        own.effects.extend(line.named);
        let hidden = line.hidden.into_iter().chain(opened(&effects)).collect::<Vec<_>>();
        let counts = |effect: &Effect| match effect.access {
            // It could read that file as an operand as well.
            Access::Read => effect.target.known().is_none(),
            _ => effect.opens_a_file(),
        };
        if hidden.iter().any(counts) {
            own.blocker = own.blocker.or(Some(AllowBlocker::ProgramFile));
        }
        own.effects.extend(hidden);
        self.note(own);
        let mut walker = self.at(self.scope.behind(program_name(argv)));
        for run in effects.runs {
            if let Run::Script(text) = run {
                walker.script_word(state, &Item::known(text), call.span);
            }
        }
    }
}

/// The files and connections of a program.
fn opened(effects: &ProgramEffects) -> impl Iterator<Item = Effect> {
    let target = |file: &File| match file {
        File::Known(name) => WordSet::Known(name.clone()),
        File::Unknown => WordSet::anything(),
    };
    let one = move |access, files: &[File]| {
        files.iter().map(|file| Effect { access, target: target(file) }).collect::<Vec<_>>()
    };
    let connects = effects.connects.then(|| Effect { access: Access::Connect, target: WordSet::anything() });
    let mut all = one(Access::Write, &effects.writes);
    all.extend(one(Access::Read, &effects.reads));
    all.extend(connects);
    all.into_iter()
}

/// Every text that these words, joined by newlines, can be.
fn texts(items: &[Item]) -> Vec<Text> {
    let mut all = vec![Vec::new()];
    for (number, item) in items.iter().enumerate() {
        let Some(ways) = ways(item) else { return vec![None] };
        if all.len() * ways.len() > MOST_TEXTS {
            return vec![None];
        }
        all = all
            .iter()
            .flat_map(|before| {
                let glue: &[u8] = if number == 0 { b"" } else { b"\n" };
                ways.iter().map(move |way| [before.as_slice(), glue, way].concat())
            })
            .collect();
    }
    all.into_iter().map(Some).collect()
}

/// Every text that a word can be, unknown integers aside.
fn ways(item: &Item) -> Option<Vec<Vec<u8>>> {
    if item.many {
        return None;
    }
    let way = |pieces: &Vec<Piece>| {
        let mut text = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Literal(bytes) if !bytes.contains(&INTEGER) => text.extend_from_slice(bytes),
                Piece::Integer => text.push(INTEGER),
                _ => return None,
            }
        }
        Some(text)
    };
    item.words.patterns().iter().map(|pattern| way(&pattern.0)).collect()
}

/// What a word begins with.
enum Start<'i> {
    Known(&'i [u8]),
    /// A word that is surely no option.
    Operand,
    /// A word that may be one.
    Unclear,
}

fn start(item: &Item) -> Start<'_> {
    if let Some(word) = item.as_known() {
        return Start::Known(word);
    }
    let no_option = item.words.patterns().iter().all(|pattern| match pattern.0.first() {
        Some(Piece::Literal(bytes)) => !bytes.starts_with(b"-"),
        _ => false,
    });
    if no_option { Start::Operand } else { Start::Unclear }
}

/// The option that a long name stands for: itself, or the only one it abbreviates. A name comes with
/// what it means.
fn long_option<T: Copy + PartialEq>(table: &[(&str, T)], name: &[u8]) -> Option<T> {
    if let Some((_, found)) = table.iter().find(|(option, _)| option.as_bytes() == name) {
        return Some(*found);
    }
    let mut found = table.iter().filter(|(option, _)| option.as_bytes().starts_with(name));
    let (_, first) = found.next()?;
    found.all(|(_, other)| other == first).then_some(*first)
}
