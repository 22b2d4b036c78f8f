//! In: the words of a program that runs others by some of its options (`find -exec`, `tar --to-command`). Out: its segment and
//! those of what the options run. Not here: which options do so (`tools/facts.rs`), and how they stand in a word (`cluster.rs`).

use super::cluster::{Found, options_possible, takes_the_next};
use super::shell::{is_open_file, program_name};
use super::value::replaced;
use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::reason::{AllowBlocker, Reason};
use crate::segment::Role;
use crate::tools::facts::{Effect, Tool};
use crate::value::argv::{Argv, Item};
use crate::value::words::Piece;
use alloc::vec::Vec;

/// How many commands of one program are looked at.
const MOST_CLAUSES: usize = 64;

/// What the arguments of a program say about others that it runs.
struct Arguments<'a> {
    tool: &'a Tool,
    arguments: &'a [Item],
    at: usize,
    /// The place of the last word that is not known.
    last_unknown: Option<usize>,
    programs: Vec<Item>,
    scripts: Vec<Item>,
    clauses: Vec<Argv>,
    /// The first word that surely is an operand: an unknown word may be an option, another one's value.
    sure: Option<&'a Item>,
    /// Why it cannot be known what is run.
    opaque: Option<Reason>,
    /// A word may be an option that runs something.
    may_be_option: bool,
}

impl<'a> Arguments<'a> {
    fn read(tool: &'a Tool, arguments: &'a [Item]) -> Self {
        let mut read = Self {
            tool,
            arguments,
            at: 0,
            last_unknown: arguments.iter().rposition(|item| item.as_known().is_none()),
            programs: Vec::new(),
            scripts: Vec::new(),
            clauses: Vec::new(),
            sure: None,
            opaque: None,
            may_be_option: false,
        };
        if tool.may_run_behind(arguments.iter().map(|item| &item.words)) || read.begins_with_a_cluster() {
            read.opaque = Some(Reason::Code);
        }
        let mut value_next = false;
        while let Some(item) = arguments.get(read.at) {
            read.at += 1;
            let is_value = core::mem::take(&mut value_next);
            match item.as_known() {
                None => read.unknown(item, is_value),
                Some(word) if tool.clauses.iter().any(|clause| clause == word) => read.clause(word),
                Some(word) if !word.starts_with(b"-") || word == b"-" => read.operand(item, is_value),
                Some(word) => {
                    value_next = takes_the_next(tool, word);
                    if word != b"--" {
                        read.options(word);
                    } else if !is_value {
                        if let Some(next) = arguments.get(read.at) {
                            read.operand(next, false);
                        }
                        break;
                    }
                }
            }
        }
        read.input();
        read
    }

    /// `tar cf`: the first word holds options without a dash.
    fn begins_with_a_cluster(&self) -> bool {
        let first = self.arguments.first().filter(|_| self.tool.dashless).and_then(Item::as_known);
        first.is_some_and(|word| {
            !word.starts_with(b"-") && !options_possible(self.tool, &[b"-", word].concat()).is_empty()
        })
    }

    /// A word that is not known.
    fn unknown(&mut self, item: &'a Item, is_value: bool) {
        let no_option = item.words.patterns().iter().all(|pattern| {
            matches!(pattern.0.first(), Some(Piece::Literal(bytes)) if bytes.first() != Some(&b'-'))
        });
        self.may_be_option |= self.tool.has_executing_options() && !no_option;
        self.operand(item, is_value || !no_option);
    }

    fn operand(&mut self, item: &'a Item, is_value: bool) {
        if !is_value {
            self.sure = self.sure.or(Some(item));
        }
    }

    /// `-exec COMMAND ;`. A `+` ends the clause behind `{}`, and is a word elsewhere; some programs end it at any, so that
    /// it is read in both ways.
    fn clause(&mut self, option: &[u8]) {
        let start = self.at;
        let known = |at: usize| self.arguments.get(at).and_then(Item::as_known);
        let open = self.last_unknown.is_some_and(|last| last >= start);
        let mut first = None;
        let mut stop = start;
        loop {
            let plus = known(stop) == Some(b"+");
            let end = stop >= self.arguments.len();
            if end || plus || known(stop) == Some(b";") {
                let words = self.arguments.get(start..stop).unwrap_or_default().iter().cloned();
                let mut words: Vec<Item> = words.map(|item| replaced(item, b"{}")).collect();
                if open || end {
                    words.push(Item::anything());
                }
                self.clauses.push(Argv(words));
                first = first.or(Some(stop));
                let ends = stop > start && known(stop - 1) == Some(b"{}") && !option.starts_with(b"-ok");
                if !plus || ends || self.clauses.len() > MOST_CLAUSES {
                    if plus && !ends {
                        self.opaque = Some(Reason::ClauseCount);
                    }
                    break;
                }
            }
            stop += 1;
        }
        self.at = first.unwrap_or(stop);
    }

    /// Every option that the word could hold.
    fn options(&mut self, word: &[u8]) {
        for Found { effect, attached, next } in options_possible(self.tool, word) {
            let follows = || self.arguments.get(self.at).filter(|_| next).cloned();
            let value = attached.map(Item::known).or_else(follows).unwrap_or_else(Item::anything);
            match effect {
                Effect::Program => self.programs.push(value),
                Effect::Script => self.scripts.push(value),
                Effect::Code if !(self.tool.global && self.sure.is_some()) => {
                    self.opaque = Some(Reason::Code);
                }
                _ => {}
            }
            if next && !self.tool.clauses.is_empty() {
                self.at += 1;
            }
        }
    }

    /// Whether the program may come from standard input.
    fn input(&mut self) {
        let idle = |item: &Item| {
            let option = item.as_known().and_then(|word| self.tool.options.get(word));
            matches!(option, Some((_, Effect::Idle)))
        };
        if self.tool.input
            && self
                .sure
                .is_none_or(|item| item.as_known().is_none_or(|word| word == b"-" || is_open_file(word)))
            && !self.arguments.first().is_some_and(idle)
        {
            self.opaque = self.opaque.or(Some(Reason::InterpreterInput));
        }
    }
}

impl Walker<'_, '_> {
    /// A program that runs others only by some of its options.
    pub(crate) fn options_that_run(&mut self, state: &State, tool: &Tool, argv: &Argv, call: &Call) {
        let read = Arguments::read(tool, argv.0.get(1..).unwrap_or_default());
        let carries = !read.programs.is_empty() || !read.scripts.is_empty() || !read.clauses.is_empty();
        let mut own = self.segment(state, call, argv.clone(), Role::Command);
        own.opaque = read.opaque;
        own.blocker = own
            .blocker
            .or(read.may_be_option.then_some(AllowBlocker::Option))
            .or(carries.then_some(AllowBlocker::Carrier));
        self.note(own);
        let scope = self.scope.behind(program_name(argv)).blocked(carries.then_some(AllowBlocker::Wrapper));
        let inner_call = Call { program_only: true, ..Call::new(call.span) };
        let mut walker = self.at(scope);
        for program in &read.programs {
            walker.program_word(state, program, &inner_call);
        }
        for script in &read.scripts {
            walker.script_word(state, script, call.span);
        }
        for clause in &read.clauses {
            walker.invoke(&mut state.clone(), clause, &inner_call);
        }
    }
}
