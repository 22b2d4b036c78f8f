//! In: the words of a program that runs others by some of its options (`find -exec`, `tar --to-command`, `sed`). Out: its segment and
//! those of what the options run. And the reading of options by the facts, for wrappers too.
//! Not here: which options do so (`tools/facts.rs`, from the facts).

use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::walk::Walker;
use crate::launch::wrapper::replaced;
use crate::programs::base_name;
use crate::reason::AllowBlocker;
use crate::reason::Reason;
use crate::segment::{Dialect, Role};
use crate::tools::facts::{Arity, Effect as OptionEffect, Language, Shell, Tool};
use crate::tools::harmless::{awk_is_harmless, sed_is_harmless};
use crate::value::argv::{Argv, Item};
use crate::value::words::Piece;

impl Walker<'_> {
    /// A program that runs others only by some of its options.
    pub(crate) fn options_that_run(&mut self, state: &State, tool: &Tool, argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let mut own = self.segment(state, call, argv.clone(), Role::Command);
        let mut programs: Vec<Item> = Vec::new();
        let mut scripts: Vec<Item> = Vec::new();
        let mut clauses: Vec<Argv> = Vec::new();
        let mut operand: Option<&Item> = None;
        // Surely an operand has been there: an unknown word may be an option, another one's value.
        let mut sure: Option<&Item> = None;
        let mut value_next = false;
        let mut at = 0;
        if tool.may_run_behind(arguments.iter().map(|item| &item.words)) {
            own.opaque = Some(Reason::Code);
        }
        if let Some(word) = arguments.first().filter(|_| tool.dashless).and_then(Item::as_known)
            && !word.starts_with(b"-")
            && !options_possible(tool, &[b"-", word].concat()).is_empty()
        {
            own.opaque = Some(Reason::Code);
        }
        while let Some(item) = arguments.get(at) {
            at += 1;
            let is_value = std::mem::take(&mut value_next);
            let Some(word) = item.as_known() else {
                let starts = item.words.patterns().iter().all(|pattern| {
                    matches!(pattern.0.first(), Some(Piece::Literal(bytes)) if bytes.first() != Some(&b'-'))
                });
                if tool.has_executing_options() && !starts {
                    own.blocker = own.blocker.or(Some(AllowBlocker::Option));
                }
                operand = operand.or(Some(item));
                if starts && !is_value {
                    sure = sure.or(Some(item));
                }
                continue;
            };
            if tool.clauses.iter().any(|clause| clause == word) {
                let open = arguments.iter().skip(at).any(|item| item.as_known().is_none());
                let known = |at: usize| arguments.get(at).and_then(Item::as_known);
                // A `+` ends the clause behind `{}`, and is a word elsewhere; some programs end it at any,
                // so that it is read in both ways.
                let mut first = None;
                let mut stop = at;
                loop {
                    let plus = known(stop) == Some(b"+");
                    let end = stop >= arguments.len();
                    if end || plus || known(stop) == Some(b";") {
                        let words = arguments.get(at..stop).unwrap_or_default().iter().cloned();
                        let mut words: Vec<Item> = words.map(|item| replaced(item, b"{}")).collect();
                        if open || end {
                            words.push(Item::anything());
                        }
                        clauses.push(Argv(words));
                        first = first.or(Some(stop));
                        let ends = stop > at && known(stop - 1) == Some(b"{}") && !word.starts_with(b"-ok");
                        if !plus || ends || clauses.len() > MOST_CLAUSES {
                            if plus && !ends {
                                own.opaque = Some(Reason::ClauseCount);
                            }
                            break;
                        }
                    }
                    stop += 1;
                }
                at = first.unwrap_or(stop);
                continue;
            }
            if !word.starts_with(b"-") || word == b"-" {
                operand = operand.or(Some(item));
                if !is_value {
                    sure = sure.or(Some(item));
                }
                continue;
            }
            value_next = takes_the_next(tool, word);
            if word == b"--" {
                if is_value {
                    continue;
                }
                operand = operand.or(arguments.get(at));
                sure = sure.or(arguments.get(at));
                break;
            }
            for (effect, attached, next) in options_possible(tool, word) {
                let value = attached.map(Item::known).or_else(|| arguments.get(at).filter(|_| next).cloned());
                match effect {
                    OptionEffect::Program => programs.extend(value.or(Some(Item::anything()))),
                    OptionEffect::Script => scripts.extend(value.or(Some(Item::anything()))),
                    OptionEffect::Code if !(tool.global && sure.is_some()) => {
                        own.opaque = Some(Reason::Code);
                    }
                    _ => {}
                }
                if next && !tool.clauses.is_empty() {
                    at += 1;
                }
            }
        }
        let idle = |item: &Item| {
            let option = item.as_known().and_then(|word| tool.options.get(word));
            matches!(option, Some((_, OptionEffect::Idle)))
        };
        if tool.input
            && sure.is_none_or(|item| item.as_known().is_none_or(|word| word == b"-"))
            && !arguments.first().is_some_and(idle)
        {
            own.opaque = own.opaque.or(Some(Reason::InterpreterInput));
        }
        if let Some(language) = tool.language {
            let harmless = |text: &[u8]| match language {
                Language::Sed => sed_is_harmless(text),
                Language::Awk => awk_is_harmless(text),
            };
            // Any operand may be the program (the one before it an option's value), so all are looked at;
            // sed's program is the first one for sure.
            let fine = match language {
                Language::Sed => operand.is_none_or(|item| item.as_known().is_some_and(harmless)),
                Language::Awk => {
                    operand.is_none_or(|item| item.as_known().is_some())
                        && arguments.iter().filter_map(Item::as_known).all(harmless)
                }
            };
            if !fine {
                own.opaque = own.opaque.or(Some(Reason::ProgramText));
            }
        }
        let carries = !programs.is_empty() || !scripts.is_empty() || !clauses.is_empty();
        if carries {
            own.blocker = own.blocker.or(Some(AllowBlocker::Carrier));
        }
        self.note(own);
        self.through.push(base_name(argv.0.first().and_then(Item::as_known).unwrap_or_default()).to_vec());
        let mut inner_call = Call::new(call.span);
        inner_call.program_only = true;
        let outer = self.blocker;
        self.blocker = self.blocker.or(carries.then_some(AllowBlocker::Wrapper));
        for program in &programs {
            self.program_word(state, program, &inner_call);
        }
        for script in &scripts {
            self.script_word(state, script, call.span, Shell(Dialect::Posix), &[]);
        }
        for clause in &clauses {
            let mut copy = state.clone();
            self.invoke(&mut copy, clause, &inner_call);
        }
        self.blocker = outer;
        self.through.pop();
    }
}

/// How many commands of one program are looked at.
const MOST_CLAUSES: usize = 64;

/// Whether the last option in a word may take the next word as its value.
fn takes_the_next(tool: &Tool, word: &[u8]) -> bool {
    tool.options.iter().filter(|(_, (arity, _))| *arity == Arity::Value).any(|(option, _)| {
        option == word
            || (word.len() > 2 && word.starts_with(b"--") && option.starts_with(word))
            || matches!((option.as_slice(), word), ([b'-', letter], [b'-', second, ..])
                if *second != b'-' && word.last() == Some(letter))
    })
}

/// The options in one word: what each does, its attached value, whether it takes the next word.
type Options = Vec<(OptionEffect, Option<Vec<u8>>, bool)>;

/// The options in a word; `None` if one is not known.
pub fn options_of(tool: &Tool, word: &[u8]) -> Option<Options> {
    if let Some((arity, effect)) = tool.options.get(word) {
        return Some(vec![(*effect, None, *arity == Arity::Value)]);
    }
    if word.starts_with(b"--") {
        let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
        let value = word.get(name.len() + 1..).map(<[u8]>::to_vec);
        let (arity, effect) = tool.long(name)?;
        return match (arity, value) {
            (Arity::Flag, Some(_)) => None,
            (Arity::Value, None) => Some(vec![(effect, None, true)]),
            (_, value) => Some(vec![(effect, value, false)]),
        };
    }
    let mut options = Vec::new();
    let letters = word.get(1..)?;
    for (at, &letter) in letters.iter().enumerate() {
        let (arity, effect) = tool.short(letter)?;
        let rest = letters.get(at + 1..).filter(|rest| !rest.is_empty()).map(<[u8]>::to_vec);
        match arity {
            Arity::Flag => options.push((effect, None, false)),
            Arity::Value => {
                let next = rest.is_none();
                options.push((effect, rest, next));
                return Some(options);
            }
            Arity::Optional => {
                options.push((effect, rest, false));
                return Some(options);
            }
        }
    }
    Some(options)
}

/// Every option that runs something and that the word could hold, in whatever reading.
fn options_possible(tool: &Tool, word: &[u8]) -> Options {
    let mut found = Vec::new();
    let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
    let value = word.get(name.len() + 1..).map(<[u8]>::to_vec);
    for (option, (arity, effect)) in &tool.options {
        if matches!(effect, OptionEffect::Plain | OptionEffect::Changes | OptionEffect::Idle) {
            continue;
        }
        let takes = *arity == Arity::Value;
        if option == name || (option.starts_with(b"--") && name.len() > 2 && option.starts_with(name)) {
            found.push((*effect, value.clone(), takes && value.is_none()));
        } else if let ([b'-', letter], [b'-', letters @ ..]) = (option.as_slice(), word) {
            if letters.first() == Some(&b'-') {
                continue;
            }
            if let Some(at) = letters.iter().position(|byte| byte == letter) {
                let rest = letters.get(at + 1..).filter(|rest| !rest.is_empty()).map(<[u8]>::to_vec);
                let next = takes && rest.is_none();
                found.push((*effect, rest, next));
            }
        } else if let ([b'-', several @ ..], [b'-', letters @ ..]) = (option.as_slice(), word)
            && !several.starts_with(b"-")
            && let Some(at) = letters.windows(several.len()).position(|window| window == several)
        {
            // `zip -qTT`.
            let rest = letters.get(at + several.len()..).filter(|rest| !rest.is_empty()).map(<[u8]>::to_vec);
            let next = takes && rest.is_none();
            found.push((*effect, rest, next));
        }
    }
    found
}
