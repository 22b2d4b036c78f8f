//! In: the words of a program that runs what its last words say (`env`, `sudo`, `xargs`). Out: its segment and
//! those of the inner command, with what the wrapper changes noted on them.
//! Not here: which programs do so (`tools/facts.rs`).

use super::cluster::{Found, options_of};
use super::value::{is_space, replaced};
use crate::interpret::call::Call;
use crate::interpret::scope::Scope;
use crate::interpret::state::State;
use crate::interpret::variables::{danger, is_safe};
use crate::interpret::walk::Walker;
use crate::reason::{AllowBlocker, Reason};
use crate::segment::{Dialect, Environment, Role};
use crate::tools::facts::{Effect, Inner, Tool};
use crate::value::argv::{Argv, Item};
use crate::value::words::WordSet;
use alloc::vec::Vec;

/// How many options are read; `env -S` can make more of them.
const MOST_OPTIONS: usize = 4096;

/// What the arguments of a wrapper say before its inner command.
struct Arguments<'t> {
    tool: &'t Tool,
    /// The arguments, with those that `env -S` makes.
    rest: Vec<Item>,
    /// Where the inner command begins.
    at: usize,
    /// How many words still stand before it.
    operands: usize,
    neutral: bool,
    environment: Vec<Environment>,
    scripts: Vec<Item>,
    programs: Vec<Item>,
    /// The place holder of `xargs -I`.
    replace: Option<Vec<u8>>,
    /// Why it is not clear where the command begins, or what else is run.
    unclear: Option<Reason>,
    /// An option with which nothing is run.
    idle: bool,
}

impl<'t> Arguments<'t> {
    fn read(tool: &'t Tool, arguments: &[Item]) -> Self {
        let mut read = Self {
            tool,
            rest: arguments.to_vec(),
            at: 0,
            operands: tool.operands,
            neutral: tool.neutral,
            environment: Vec::new(),
            scripts: Vec::new(),
            programs: Vec::new(),
            replace: None,
            unclear: None,
            idle: false,
        };
        let mut steps = 0;
        while let Some(item) = read.rest.get(read.at) {
            steps += 1;
            if steps > MOST_OPTIONS {
                read.unclear = Some(Reason::OptionCount);
                break;
            }
            let Some(word) = item.as_known().map(<[u8]>::to_vec) else {
                read.unclear = Some(Reason::WrapperWord);
                break;
            };
            if !read.word(&word) || read.idle {
                break;
            }
        }
        read
    }

    /// Reads one word; `false` if the inner command begins, or cannot be found.
    fn word(&mut self, word: &[u8]) -> bool {
        if word == b"--" {
            self.at += 1;
            self.end_of_options();
            return false;
        }
        if self.tool.assignments && !word.starts_with(b"-") && word.contains(&b'=') {
            let name = word.split(|&byte| byte == b'=').next().unwrap_or_default().to_vec();
            let value = WordSet::Known(word.get(name.len() + 1..).unwrap_or_default().to_vec());
            self.neutral &= is_safe(&name, true);
            self.unclear = danger(&name, Some(&value), Dialect::Bash).or(self.unclear);
            self.environment.push(Environment { name, value });
        } else if word == b"-" && self.tool.options.contains_key(&b"-i"[..]) {
            // `env -` is `env -i`; `su -` is a login.
            self.neutral = false;
        } else if !word.starts_with(b"-") || word == b"-" {
            let Some(left) = self.operands.checked_sub(1) else { return false };
            self.operands = left;
        } else if !self.is_number(word) {
            let Some(options) = options_of(self.tool, word) else {
                self.unclear = Some(Reason::WrapperOption);
                return false;
            };
            self.at += 1;
            for option in options {
                self.option(option);
            }
            return true;
        }
        self.at += 1;
        true
    }

    /// Behind `--` there may still be operands, and assignments.
    fn end_of_options(&mut self) {
        while self.operands > 0 && self.at < self.rest.len() {
            self.operands -= 1;
            self.at += 1;
        }
        let assigns = |item: &Item| item.as_known().is_some_and(|word| word.contains(&b'='));
        while self.tool.assignments && self.rest.get(self.at).is_some_and(assigns) {
            self.unclear = Some(Reason::LateAssignment);
            self.at += 1;
        }
    }

    /// `-5`.
    fn is_number(&self, word: &[u8]) -> bool {
        self.tool.numeric
            && word.len() > 1
            && word.iter().skip(1).all(|byte| byte.is_ascii_digit() || *byte == b'-')
    }

    fn option(&mut self, option: Found) {
        let value = match option.attached {
            Some(bytes) => Some(Item::known(bytes)),
            None if option.next => {
                let value = self.rest.get(self.at).cloned();
                self.at += 1;
                if value.as_ref().is_some_and(|value| value.many) {
                    self.unclear = Some(Reason::OptionValue);
                }
                value
            }
            None => None,
        };
        let text = value.as_ref().and_then(Item::as_known);
        match option.effect {
            Effect::Plain => {}
            Effect::Changes => self.neutral = false,
            Effect::Idle => self.idle = true,
            Effect::Script => {
                // `strace -o '!CMD'`; a script does not begin so, or with a blank behind it.
                if let Some([b'|' | b'!', script @ ..]) = text
                    && !script.first().is_some_and(is_space)
                {
                    self.unclear = Some(Reason::Code);
                    self.scripts.push(Item::known(script));
                }
                self.scripts.extend(value);
            }
            Effect::Program => self.programs.extend(value),
            Effect::Code => self.unclear = Some(Reason::Code),
            Effect::Replace => {
                if value.is_some() && text.is_none() {
                    self.unclear = Some(Reason::OptionValue);
                }
                let mark = if value.is_some() { text.unwrap_or_default() } else { b"{}" };
                self.replace = Some(mark.to_vec());
            }
            Effect::Split => {
                let quotes = |byte: &u8| matches!(byte, b'\\' | b'\'' | b'"' | b'$' | b'#');
                let Some(text) = text.filter(|text| !text.iter().any(quotes)) else {
                    self.unclear = Some(Reason::SplitText);
                    return;
                };
                let words: Vec<Item> =
                    text.split(is_space).filter(|word| !word.is_empty()).map(Item::known).collect();
                // Not every `env` splits there.
                if text.iter().any(|byte| is_space(byte) && !matches!(byte, b' ' | b'\t')) {
                    self.unclear = Some(Reason::SplitText);
                }
                let at = self.at.min(self.rest.len());
                self.rest.splice(at..at, words);
            }
        }
    }

    /// The inner command.
    fn inner(&self) -> &[Item] {
        self.rest.get(self.at.min(self.rest.len())..).unwrap_or_default()
    }

    /// Why it cannot be known what is run.
    fn opaque(&self, alone: bool) -> Option<Reason> {
        self.unclear.or(match self.tool.inner {
            Inner::Hidden if !(self.tool.alone && alone) => Some(Reason::Command),
            // Without a command, `unshare` and `ssh` start a shell.
            _ if self.runs_nothing() && !self.tool.alone => Some(Reason::NoCommand),
            _ => None,
        })
    }

    fn runs_nothing(&self) -> bool {
        self.inner().is_empty() && self.scripts.is_empty() && self.programs.is_empty()
    }
}

impl Walker<'_, '_> {
    /// A wrapper: reads its options, then runs the rest.
    pub(crate) fn wrapper(&mut self, state: &State, tool: &Tool, base: &[u8], argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let read = Arguments::read(tool, arguments);
        if read.idle {
            let segment = self.segment(state, call, argv.clone(), Role::Command);
            self.note(segment);
            return;
        }
        let mut own = self.segment(state, call, argv.clone(), Role::Carrier);
        own.opaque = read.opaque(arguments.is_empty());
        own.blocker = own.blocker.or(Some(AllowBlocker::Carrier));
        if !read.neutral || own.opaque.is_some() {
            own.role = Role::Command;
        }
        // Alone, the others run nothing (`env`, `nice`).
        if own.opaque.is_none() && read.runs_nothing() {
            own.role = Role::Command;
            own.blocker = own.blocker.filter(|blocker| *blocker != AllowBlocker::Carrier);
        }
        let hidden = own.opaque.is_some();
        self.note(own);
        let behind = self.scope.behind(base).blocked((!read.neutral).then_some(AllowBlocker::Wrapper));
        let scope = Scope { remote: behind.remote || tool.remote, ..behind };
        self.at(scope).wrapped(state, read, hidden, call);
    }

    /// What a wrapper runs.
    fn wrapped(&mut self, state: &State, read: Arguments<'_>, hidden: bool, call: &Call) {
        let inner: Vec<Item> = read.inner().to_vec();
        let environment = call.environment.iter().cloned().chain(read.environment).collect();
        let inner_call =
            Call { program_only: true, effects: call.effects.clone(), environment, ..Call::new(call.span) };
        for script in &read.scripts {
            self.script_word(state, script, call.span);
        }
        for program in &read.programs {
            self.program_word(state, program, &inner_call);
        }
        if hidden {
            let start = if read.unclear.is_some() { read.at.min(read.rest.len()) } else { 0 };
            self.candidates(state, &Argv(read.rest), start, &inner_call);
        } else if inner.is_empty() {
        } else if read.tool.inner == Inner::Script {
            self.script_word(state, &Item::one(joined(&inner)), call.span);
        } else {
            let mut words = inner;
            if let Some(mark) = &read.replace {
                words = words.into_iter().map(|item| replaced(item, mark)).collect();
            }
            if read.tool.inner == Inner::Appended {
                words.push(Item::anything());
            }
            self.invoke(&mut state.clone(), &Argv(words), &inner_call);
        }
    }
}

/// Words with blanks between them.
fn joined(words: &[Item]) -> WordSet {
    let mut text = WordSet::default();
    for (at, item) in words.iter().enumerate() {
        if at > 0 {
            text.append(&WordSet::Known(b" ".to_vec()));
        }
        if item.many {
            text.append(&WordSet::anything());
        } else {
            text.append(&item.words);
        }
    }
    text
}
