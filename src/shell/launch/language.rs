//! In: the words of `sed` or `awk`. Out: its segment with the files that it opens, and the segments of the commands that its program
//! runs. Not here: which word is the program (`language/`), and what the program does (`tools/sed.rs`, `tools/awk.rs`).

mod awk;
mod command_line;
mod sed;

use super::shell::program_name;
use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::reason::{AllowBlocker, Reason};
use crate::segment::{Access, Effect, Role};
use crate::tools::effects::{File, ProgramEffects, Run};
use crate::tools::facts::Language;
use crate::value::argv::{Argv, Item};
use crate::value::words::WordSet;
use alloc::vec::Vec;

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
