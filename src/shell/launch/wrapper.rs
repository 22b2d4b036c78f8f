//! In: the words of a program that runs what its last words say (`env`, `sudo`, `xargs`). Out: its segment and
//! those of the inner command, with what the wrapper changes noted on them.
//! Not here: which programs do so (`tools/facts.rs`, from the facts).

use crate::interpret::call::Call;
use crate::interpret::state::State;
use crate::interpret::variables::{is_safe, runs_code};
use crate::interpret::walk::Walker;
use crate::launch::options::options_of;
use crate::reason::AllowBlocker;
use crate::reason::Reason;
use crate::segment::{Dialect, Environment, Role};
use crate::tools::facts::{Effect as OptionEffect, Inner, Shell, Tool};
use crate::value::argv::{Argv, Item};
use crate::value::words::{Pattern, Piece, WordSet};

impl Walker<'_> {
    /// A wrapper: reads its options, then runs the rest.
    pub(crate) fn wrapper(
        &mut self,
        state: &mut State,
        tool: &Tool,
        base: &[u8],
        arguments: &[Item],
        argv: &Argv,
        call: &Call,
    ) {
        let mut rest: Vec<Item> = arguments.to_vec();
        let mut neutral = tool.neutral;
        let mut operands = tool.operands;
        let mut environment = Vec::new();
        let mut scripts: Vec<Item> = Vec::new();
        let mut programs: Vec<Item> = Vec::new();
        let mut replace: Option<Vec<u8>> = None;
        let mut unclear: Option<Reason> = None;
        let mut at = 0;
        let mut steps = 0;
        while let Some(item) = rest.get(at) {
            steps += 1;
            if steps > 4096 {
                unclear = Some(Reason::OptionCount);
                break;
            }
            let Some(word) = item.as_known().map(<[u8]>::to_vec) else {
                unclear = Some(Reason::WrapperWord);
                break;
            };
            if word == b"--" {
                at += 1;
                // Operands may still follow.
                while operands > 0 && at < rest.len() {
                    operands -= 1;
                    at += 1;
                }
                // So may assignments.
                while tool.assignments
                    && rest
                        .get(at)
                        .is_some_and(|item| item.as_known().is_some_and(|word| word.contains(&b'=')))
                {
                    unclear = Some(Reason::LateAssignment);
                    at += 1;
                }
                break;
            }
            if tool.assignments && !word.starts_with(b"-") && word.contains(&b'=') {
                let name = word.split(|&byte| byte == b'=').next().unwrap_or_default().to_vec();
                let value = WordSet::Known(word.get(name.len() + 1..).unwrap_or_default().to_vec());
                neutral &= is_safe(&name, true);
                if runs_code(&name) {
                    unclear = Some(Reason::CodeVariable);
                }
                environment.push(Environment { name, value });
                at += 1;
                continue;
            }
            if !word.starts_with(b"-") || word == b"-" {
                if word == b"-" && tool.options.contains_key(&b"-i"[..]) {
                    // `env -` is `env -i`; `su -` is a login.
                    neutral = false;
                    at += 1;
                    continue;
                }
                if operands == 0 {
                    break;
                }
                operands -= 1;
                at += 1;
                continue;
            }
            if tool.numeric
                && word.len() > 1
                && word.iter().skip(1).all(|byte| byte.is_ascii_digit() || *byte == b'-')
            {
                at += 1;
                continue;
            }
            // Options of the word: (what it does, the value attached to it, whether it takes the next).
            let Some(options) = options_of(tool, &word) else {
                unclear = Some(Reason::WrapperOption);
                break;
            };
            at += 1;
            for (effect, attached, next) in options {
                let value = match attached {
                    Some(bytes) => Some(Item::known(bytes)),
                    None if next => {
                        let value = rest.get(at).cloned();
                        at += 1;
                        if value.as_ref().is_some_and(|value| value.many) {
                            unclear = Some(Reason::OptionValue);
                        }
                        value
                    }
                    None => None,
                };
                match effect {
                    OptionEffect::Plain => {}
                    OptionEffect::Changes => neutral = false,
                    OptionEffect::Idle => {
                        let segment = self.segment(state, call, argv.clone(), Role::Command);
                        self.note(segment);
                        return;
                    }
                    OptionEffect::Script => {
                        // `strace -o '!CMD'`; a script does not begin so, or with a blank behind it.
                        let text = value.as_ref().and_then(Item::as_known);
                        if let Some([b'|' | b'!', script @ ..]) = text
                            && !script.first().is_some_and(is_space)
                        {
                            unclear = Some(Reason::Code);
                            scripts.push(Item::known(script));
                        }
                        scripts.extend(value);
                    }
                    OptionEffect::Program => programs.extend(value),
                    OptionEffect::Code => unclear = Some(Reason::Code),
                    OptionEffect::Replace => {
                        replace = Some(match value.as_ref().map(Item::as_known) {
                            Some(Some(text)) => text.to_vec(),
                            Some(None) => {
                                unclear = Some(Reason::OptionValue);
                                Vec::new()
                            }
                            None => b"{}".to_vec(),
                        });
                    }
                    OptionEffect::Split => match value.as_ref().and_then(Item::as_known) {
                        Some(text)
                            if !text
                                .iter()
                                .any(|byte| matches!(byte, b'\\' | b'\'' | b'"' | b'$' | b'#')) =>
                        {
                            let words: Vec<Item> = text
                                .split(is_space)
                                .filter(|word| !word.is_empty())
                                .map(Item::known)
                                .collect();
                            // Not every `env` splits there.
                            if text.iter().any(|byte| is_space(byte) && !matches!(byte, b' ' | b'\t')) {
                                unclear = Some(Reason::SplitText);
                            }
                            rest.splice(at.min(rest.len())..at.min(rest.len()), words);
                        }
                        _ => unclear = Some(Reason::SplitText),
                    },
                }
            }
        }
        let blocker = (!neutral).then_some(AllowBlocker::Wrapper);
        let mut own = self.segment(state, call, argv.clone(), Role::Carrier);
        let inner: Vec<Item> = rest.get(at.min(rest.len())..).unwrap_or_default().to_vec();
        let nothing = inner.is_empty() && scripts.is_empty() && programs.is_empty();
        own.opaque = unclear.or(match tool.inner {
            Inner::Hidden if !(tool.alone && arguments.is_empty()) => Some(Reason::Command),
            // Without a command, `unshare` and `ssh` start a shell.
            _ if nothing && !tool.alone => Some(Reason::NoCommand),
            _ => None,
        });
        own.blocker = own.blocker.or(Some(AllowBlocker::Carrier));
        if !neutral || own.opaque.is_some() {
            own.role = Role::Command;
        }
        // Alone, the others run nothing (`env`, `nice`).
        if own.opaque.is_none() && nothing {
            own.role = Role::Command;
            own.blocker = own.blocker.filter(|blocker| *blocker != AllowBlocker::Carrier);
        }
        let hidden = own.opaque.is_some();
        self.note(own);

        let outer_shield = self.blocker;
        self.blocker = self.blocker.or(blocker);
        let outer_remote = self.remote;
        self.remote |= tool.remote;
        self.through.push(base.to_vec());
        let mut inner_call = Call::new(call.span);
        inner_call.program_only = true;
        inner_call.effects = call.effects.clone();
        inner_call.environment = call.environment.iter().cloned().chain(environment).collect();
        for script in &scripts {
            self.script_word(state, script, call.span, Shell(Dialect::Posix), &[]);
        }
        for program in &programs {
            self.program_word(state, program, &inner_call);
        }
        if hidden {
            let start = if unclear.is_some() { at.min(rest.len()) } else { 0 };
            self.candidates(state, &Argv(rest), start, &inner_call);
        } else if !inner.is_empty() {
            match tool.inner {
                Inner::Script => {
                    let mut text = WordSet::default();
                    for (at, item) in inner.iter().enumerate() {
                        if at > 0 {
                            text.append(&WordSet::Known(b" ".to_vec()));
                        }
                        if item.many {
                            text.append(&WordSet::anything());
                        } else {
                            text.append(&item.words);
                        }
                    }
                    self.script_word(state, &Item::one(text), call.span, Shell(Dialect::Posix), &[]);
                }
                _ => {
                    let mut words = inner;
                    if let Some(mark) = &replace {
                        words = words.into_iter().map(|item| replaced(item, mark)).collect();
                    }
                    if tool.inner == Inner::Appended {
                        words.push(Item::anything());
                    }
                    let mut copy = state.clone();
                    self.invoke(&mut copy, &Argv(words), &inner_call);
                }
            }
        }
        self.through.pop();
        self.remote = outer_remote;
        self.blocker = outer_shield;
    }

    /// The value of an option that names a program.
    pub(crate) fn program_word(&mut self, state: &State, value: &Item, call: &Call) {
        let words: Option<Vec<Item>> = value
            .as_known()
            .map(|text| text.split(is_space).filter(|word| !word.is_empty()).map(Item::known).collect());
        // Some programs give it to a shell.
        if value.as_known().is_some_and(|text| !is_plain(text)) {
            self.opaque(call.span, Reason::CommandLine, state);
            self.script_word(state, value, call.span, Shell(Dialect::Posix), &[]);
        }
        match words {
            Some(words) => {
                let outer = self.blocker.replace(AllowBlocker::Wrapper);
                let mut words = words;
                words.push(Item::anything());
                let mut copy = state.clone();
                self.invoke(&mut copy, &Argv(words), call);
                self.blocker = outer;
            }
            None => self.opaque(call.span, Reason::UnknownProgram, state),
        }
    }
}

/// What `isspace` of C says.
const fn is_space(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || *byte == b'\x0b'
}

/// Whether a command line means the same to a shell and to a program that splits it at blanks.
fn is_plain(text: &[u8]) -> bool {
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b" \t_-+.,/:@%=^".contains(byte);
    let first = text.split(is_space).find(|word| !word.is_empty());
    text.iter().all(plain) && !first.is_some_and(|word| word.contains(&b'='))
}

/// An argument in which a mark is replaced by something unknown.
pub fn replaced(item: Item, mark: &[u8]) -> Item {
    let Some(word) = item.as_known().filter(|_| !mark.is_empty()) else { return item };
    let Some(at) = word.windows(mark.len()).position(|window| window == mark) else { return item };
    let mut pattern = Pattern::default();
    pattern.push(Piece::Literal(word.get(..at).unwrap_or_default().to_vec()));
    pattern.push(Piece::Anything);
    let tail = word.get(at + mark.len()..).unwrap_or_default();
    if !tail.windows(mark.len()).any(|window| window == mark) {
        pattern.push(Piece::Literal(tail.to_vec()));
    }
    Item { words: WordSet::of(vec![pattern]), many: word == mark, files: false }
}
