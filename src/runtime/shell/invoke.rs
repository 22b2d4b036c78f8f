//! In: a command's words. Out: its segment, and those of every command that it runs in turn:
//! functions, wrappers, shells. Not here: the shell's own commands (`builtins.rs`).

use super::ast::Assignment;
use super::state::State;
use super::tools::{
    Arity, Effect as OptionEffect, Inner, Language, Shell, Tool, awk_is_harmless, sed_is_harmless,
};
use super::walk::Walker;
use super::words::{Argv, Item, Pattern, Piece, WordSet};
use super::{Effect, Environment, Role, Shield, Span};
use crate::facts::{base_name, opaque};
use std::rc::Rc;

/// How a command is called.
#[derive(Clone)]
pub struct Call {
    pub span: Span,
    pub effects: Vec<Effect>,
    pub environment: Vec<Environment>,
    /// Assignments among the arguments of a declaration command.
    pub declared: Vec<Assignment>,
    /// By a program, so that functions and the shell's own commands are not meant.
    pub program_only: bool,
    /// By `command` or `builtin`, so that functions are not meant.
    pub no_functions: bool,
}

impl Call {
    pub fn new(span: Span) -> Self {
        Self {
            span,
            effects: Vec::new(),
            environment: Vec::new(),
            declared: Vec::new(),
            program_only: false,
            no_functions: false,
        }
    }
}

/// How many readings of an unclear argv are looked at.
const MOST_CANDIDATES: usize = 32;
/// How deep wrappers may be nested.
const MOST_WRAPPERS: usize = 24;

impl Walker<'_> {
    /// Runs a command in this shell.
    pub(super) fn invoke(&mut self, state: &mut State, argv: &Argv, call: &Call) {
        let Some(head) = argv.0.first() else { return };
        if self.depth == 0 || self.through.len() > MOST_WRAPPERS {
            self.opaque(call.span, "is nested too deeply", state);
            state.forget();
            return;
        }
        let Some(name) = head.as_known().map(<[u8]>::to_vec) else {
            self.unknown_program(state, argv, call);
            return;
        };
        self.depth -= 1;
        self.named(state, &name, argv, call);
        self.depth += 1;
    }

    fn unknown_program(&mut self, state: &mut State, argv: &Argv, call: &Call) {
        let head = argv.0.first();
        let choices = head.filter(|head| !head.many).and_then(|head| head.words.finite());
        if let Some(choices) = choices {
            let choices: Vec<Vec<u8>> = choices.into_iter().map(<[u8]>::to_vec).collect();
            let start = state.clone();
            for choice in choices {
                let mut one = argv.clone();
                if let Some(head) = one.0.first_mut() {
                    *head = Item::known(choice);
                }
                let mut copy = start.clone();
                self.invoke(&mut copy, &one, call);
                state.join(&copy, false);
            }
            return;
        }
        let mut segment = self.segment(state, call, argv.clone(), Role::Candidate);
        segment.opaque = Some("runs a program whose name is not known before");
        self.note(segment);
        state.forget();
    }

    fn named(&mut self, state: &mut State, name: &[u8], argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        if !call.program_only && (state.any_alias || state.aliases.contains(name)) {
            self.opaque(call.span, "has a name that an alias may have changed", state);
        }
        if !call.program_only
            && !call.no_functions
            && let Some(function) = state.functions.get(name).cloned()
        {
            if call.effects.iter().any(super::simple::opens_a_file) {
                let segment = self.segment(state, call, Argv::default(), Role::Bare);
                self.note(segment);
            }
            let mut ends: Option<State> = None;
            for body in &function.bodies {
                let mut copy = state.clone();
                if self.calling.contains(&Rc::as_ptr(body)) || self.calling.len() > 8 {
                    self.opaque(call.span, "calls functions in a circle, or too deeply", state);
                    copy.forget();
                } else {
                    self.call_body(&mut copy, body, Some(arguments.to_vec()));
                }
                match &mut ends {
                    Some(ends) => ends.join(&copy, false),
                    None => ends = Some(copy),
                }
            }
            if !function.surely {
                let call = Call { no_functions: true, ..call.clone() };
                self.named(state, name, argv, &call);
            }
            if let Some(ends) = ends {
                if function.surely {
                    *state = ends;
                } else {
                    state.join(&ends, false);
                }
            }
            return;
        }
        if !call.program_only && self.builtin(state, name, argv, call) {
            return;
        }
        self.program(state, name, argv, call);
    }

    /// Runs a program: it sees the environment and nothing else of the shell.
    fn program(&mut self, state: &mut State, name: &[u8], argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let facts = self.facts;
        let base = base_name(name).to_ascii_lowercase();
        let Some(tool) = facts.find(&base) else {
            let known: Vec<&[u8]> = argv.0.iter().map(|item| item.as_known().unwrap_or(b"?")).collect();
            match opaque(&known) {
                Some(hidden) => self.hidden(state, argv, call, hidden.reason()),
                None => {
                    let segment = self.segment(state, call, argv.clone(), Role::Command);
                    self.note(segment);
                }
            }
            return;
        };
        let runs = tool.only_with.is_empty()
            || arguments.iter().any(|item| tool.only_with.iter().any(|word| item.words.could_be(word)));
        if !runs {
            let segment = self.segment(state, call, argv.clone(), Role::Command);
            self.note(segment);
        } else if let Some(shell) = tool.shell {
            self.shell(state, shell, argv, call);
        } else if tool.inner == Inner::None {
            self.options_that_run(state, tool, argv, call);
        } else {
            self.wrapper(state, tool, &base, arguments, argv, call);
        }
    }

    /// A command of which only its own words can be judged: every part of them could be a command.
    pub(super) fn hidden(&mut self, state: &State, argv: &Argv, call: &Call, why: &'static str) {
        let mut segment = self.segment(state, call, argv.clone(), Role::Command);
        segment.opaque = Some(why);
        segment.shield = segment.shield.or(Some(Shield::Carrier));
        self.note(segment);
        self.candidates(state, argv, 1, call);
    }

    /// Notes every argv that begins at or after a position.
    fn candidates(&mut self, state: &State, argv: &Argv, from: usize, call: &Call) {
        for at in from..argv.0.len().min(from + MOST_CANDIDATES) {
            let rest = Argv(argv.0.get(at..).unwrap_or_default().to_vec());
            let segment = self.segment(state, call, rest, Role::Candidate);
            self.note(segment);
        }
    }

    fn wrapper(
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
        let mut unclear: Option<&'static str> = None;
        let mut at = 0;
        let mut steps = 0;
        while let Some(item) = rest.get(at) {
            steps += 1;
            if steps > 4096 {
                unclear = Some("has too many options");
                break;
            }
            let Some(word) = item.as_known().map(<[u8]>::to_vec) else {
                unclear = Some("has a word that may be an option of a wrapper, or a command");
                break;
            };
            if word == b"--" {
                at += 1;
                // Operands may still follow.
                while operands > 0 && at < rest.len() {
                    operands -= 1;
                    at += 1;
                }
                break;
            }
            if tool.assignments && !word.starts_with(b"-") && word.contains(&b'=') {
                let name = word.split(|&byte| byte == b'=').next().unwrap_or_default().to_vec();
                let value = WordSet::Known(word.get(name.len() + 1..).unwrap_or_default().to_vec());
                neutral &= super::state::is_safe(&name, true);
                if super::state::runs_code(&name) {
                    unclear = Some("sets a variable whose value a shell runs");
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
                unclear = Some("has an option that is not known for a wrapper");
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
                            unclear = Some("has an option with an unknown value");
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
                    OptionEffect::Script => scripts.extend(value),
                    OptionEffect::Program => programs.extend(value),
                    OptionEffect::Code => unclear = Some("runs code in another language"),
                    OptionEffect::Replace => {
                        replace = Some(match value.as_ref().map(Item::as_known) {
                            Some(Some(text)) => text.to_vec(),
                            Some(None) => {
                                unclear = Some("has an option with an unknown value");
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
                                .split(u8::is_ascii_whitespace)
                                .filter(|word| !word.is_empty())
                                .map(Item::known)
                                .collect();
                            rest.splice(at.min(rest.len())..at.min(rest.len()), words);
                        }
                        _ => unclear = Some("splits a text that is not plain into words"),
                    },
                }
            }
        }
        let shield = (!neutral).then_some(Shield::Wrapper);
        let mut own = self.segment(state, call, argv.clone(), Role::Carrier);
        own.opaque =
            unclear.or((tool.inner == Inner::Hidden).then_some("runs another command that is not analysed"));
        own.shield = own.shield.or(Some(Shield::Carrier));
        if !neutral || own.opaque.is_some() {
            own.role = Role::Command;
        }
        // Alone, a wrapper runs nothing (`env`, `nice`).
        let inner: Vec<Item> = rest.get(at.min(rest.len())..).unwrap_or_default().to_vec();
        if own.opaque.is_none() && inner.is_empty() && scripts.is_empty() && programs.is_empty() {
            own.role = Role::Command;
            own.shield = own.shield.filter(|shield| *shield != Shield::Carrier);
        }
        let hidden = own.opaque.is_some();
        self.note(own);

        let outer_shield = self.shield;
        self.shield = self.shield.or(shield);
        let outer_remote = self.remote;
        self.remote |= tool.remote;
        self.through.push(base.to_vec());
        let mut inner_call = Call::new(call.span);
        inner_call.program_only = true;
        inner_call.effects = call.effects.clone();
        inner_call.environment = call.environment.iter().cloned().chain(environment).collect();
        for script in &scripts {
            self.script_word(state, script, call.span, Shell(super::Dialect::Posix), &[]);
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
                    let mut text = WordSet::Known(Vec::new());
                    for (at, item) in inner.iter().enumerate() {
                        if at > 0 {
                            text = super::expand::concatenate(&text, &WordSet::Known(b" ".to_vec()));
                        }
                        let words = if item.many { WordSet::anything() } else { item.words.clone() };
                        text = super::expand::concatenate(&text, &words);
                    }
                    self.script_word(state, &Item::one(text), call.span, Shell(super::Dialect::Posix), &[]);
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
        self.shield = outer_shield;
    }

    /// A shell: reads its options, then the script.
    fn shell(&mut self, state: &mut State, shell: Option<Shell>, argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let Some(shell) = shell else {
            self.hidden(state, argv, call, "is a shell whose scripts are not analysed");
            return;
        };
        let mut script_next = false;
        let mut why: Option<&'static str> = None;
        let mut at = 0;
        loop {
            let Some(item) = arguments.get(at) else {
                why = why.or(Some("is a shell that reads its commands from its input"));
                break;
            };
            let Some(word) = item.as_known() else {
                why = Some("is a shell with an unknown word before its script");
                break;
            };
            at += 1;
            match word {
                b"--" | b"-" => {
                    if arguments.get(at).is_none() {
                        why = Some("is a shell that reads its commands from its input");
                    }
                    break;
                }
                b"--login" | b"--norc" | b"--noprofile" | b"--posix" | b"--verbose" | b"--noediting"
                | b"--restricted" => {}
                b"--version" | b"--help" => {
                    let segment = self.segment(state, call, argv.clone(), Role::Command);
                    self.note(segment);
                    return;
                }
                [b'-' | b'+', letters @ ..] if !letters.is_empty() && letters.first() != Some(&b'-') => {
                    for letter in letters {
                        match letter {
                            b'c' => script_next = true,
                            b'o' => {
                                let known = arguments.get(at).and_then(Item::as_known);
                                at += 1;
                                if !known.is_some_and(|name| {
                                    matches!(
                                        name,
                                        b"pipefail"
                                            | b"errexit"
                                            | b"nounset"
                                            | b"xtrace"
                                            | b"verbose"
                                            | b"noclobber"
                                            | b"noglob"
                                    )
                                }) {
                                    why = Some("is a shell with an option that changes how it reads");
                                }
                            }
                            b'e' | b'u' | b'l' | b'x' | b'f' | b'v' | b'C' | b'b' | b'h' | b'm' | b'p'
                            | b'E' | b'T' | b'a' => {}
                            b's' => why = Some("is a shell that reads its commands from its input"),
                            b'i' => why = Some("is an interactive shell, which has aliases of its own"),
                            _ => why = Some("is a shell with an option that changes how it reads"),
                        }
                    }
                }
                [b'-', ..] => why = Some("is a shell with an option that is not known"),
                _ => {
                    at -= 1;
                    break;
                }
            }
            if why.is_some() && !script_next {
                break;
            }
        }
        let changed = call.environment.iter().any(|set| super::state::runs_code(&set.name));
        if changed {
            why = Some("is a shell with a variable set whose value it runs");
        }
        if !script_next {
            match why {
                Some(why) => self.hidden(state, argv, call, why),
                // A script file is a program like any other.
                None => {
                    let segment = self.segment(state, call, argv.clone(), Role::Command);
                    self.note(segment);
                }
            }
            return;
        }
        let mut own = self.segment(state, call, argv.clone(), Role::Carrier);
        own.opaque = why;
        own.shield = own.shield.or(Some(Shield::Carrier));
        self.note(own);
        let Some(script) = arguments.get(at) else { return };
        let positional = arguments.get(at + 2..).unwrap_or_default();
        self.through.push(base_name(argv.0.first().and_then(Item::as_known).unwrap_or_default()).to_vec());
        let outer = self.argument;
        // A `bash -c SCRIPT` that is the end of the whole command, be it behind wrappers, has the spans
        // of SCRIPT itself.
        let span = if call.program_only
            && self.inside.is_none()
            && call.span == Span::default()
            && self.whole.ends_with(&argv.0)
        {
            let before = self.whole.len() - argv.0.len();
            self.argument = u32::try_from(before + at + 1).unwrap_or(u32::MAX);
            None
        } else {
            Some(call.span)
        };
        self.script_item(state, script, span, shell, positional);
        self.argument = outer;
        self.through.pop();
    }

    fn script_word(&mut self, state: &State, script: &Item, span: Span, shell: Shell, positional: &[Item]) {
        self.script_item(state, script, Some(span), shell, positional);
    }

    fn script_item(
        &mut self,
        state: &State,
        script: &Item,
        span: Option<Span>,
        shell: Shell,
        positional: &[Item],
    ) {
        let Some(text) = script.as_known().map(<[u8]>::to_vec) else {
            self.opaque(span.unwrap_or_default(), "runs a script that is not known before", state);
            return;
        };
        // A new shell knows the directory and what it is given, nothing else.
        let mut fresh = State {
            cwd: state.cwd.clone(),
            positional: Some(Rc::new(positional.to_vec())),
            changed: state.changed,
            ..State::default()
        };
        let outer = self.inside;
        if let Some(span) = span {
            self.inside = Some(span);
        }
        let (escapes, calling) = (std::mem::take(&mut self.escapes), std::mem::take(&mut self.calling));
        self.script_in(&mut fresh, &text, shell.0);
        (self.escapes, self.calling) = (escapes, calling);
        self.inside = outer;
    }

    /// The value of an option that names a program.
    fn program_word(&mut self, state: &State, value: &Item, call: &Call) {
        let words: Option<Vec<Item>> = value.as_known().map(|text| {
            text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(Item::known).collect()
        });
        match words {
            Some(words) => {
                let outer = self.shield.replace(Shield::Wrapper);
                let mut words = words;
                words.push(Item::anything());
                let mut copy = state.clone();
                self.invoke(&mut copy, &Argv(words), call);
                self.shield = outer;
            }
            None => self.opaque(call.span, "runs a program whose name is not known before", state),
        }
    }

    /// A program that runs others only by some of its options.
    fn options_that_run(&mut self, state: &State, tool: &Tool, argv: &Argv, call: &Call) {
        let arguments = argv.0.get(1..).unwrap_or_default();
        let mut own = self.segment(state, call, argv.clone(), Role::Command);
        let mut programs: Vec<Item> = Vec::new();
        let mut scripts: Vec<Item> = Vec::new();
        let mut clauses: Vec<Argv> = Vec::new();
        let mut operand: Option<&Item> = None;
        let mut at = 0;
        while let Some(item) = arguments.get(at) {
            at += 1;
            let Some(word) = item.as_known() else {
                let starts = item.words.patterns().iter().all(|pattern| {
                    matches!(pattern.0.first(), Some(Piece::Literal(bytes)) if bytes.first() != Some(&b'-'))
                });
                if tool.has_executing_options() && !starts {
                    own.shield = own.shield.or(Some(Shield::Option));
                }
                operand = operand.or(Some(item));
                continue;
            };
            if tool.clauses.iter().any(|clause| clause == word) {
                let end =
                    arguments.iter().skip(at).position(|item| matches!(item.as_known(), Some(b";" | b"+")));
                let open = arguments.iter().skip(at).any(|item| item.as_known().is_none());
                let stop = end.map_or(arguments.len(), |length| at + length);
                let words = arguments.get(at..stop).unwrap_or_default().iter().cloned();
                let mut words: Vec<Item> = words.map(|item| replaced(item, b"{}")).collect();
                if open || end.is_none() {
                    words.push(Item::anything());
                }
                clauses.push(Argv(words));
                at = stop;
                continue;
            }
            if !word.starts_with(b"-") || word == b"-" {
                operand = operand.or(Some(item));
                continue;
            }
            if word == b"--" {
                operand = operand.or(arguments.get(at));
                break;
            }
            for (effect, attached, next) in options_possible(tool, word) {
                let value = attached.map(Item::known).or_else(|| arguments.get(at).filter(|_| next).cloned());
                match effect {
                    OptionEffect::Program => programs.extend(value.or(Some(Item::anything()))),
                    OptionEffect::Script => scripts.extend(value.or(Some(Item::anything()))),
                    OptionEffect::Code if !(tool.global && operand.is_some()) => {
                        own.opaque = Some("runs code that is not analysed");
                    }
                    _ => {}
                }
                if next && !tool.clauses.is_empty() {
                    at += 1;
                }
            }
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
                own.opaque = own.opaque.or(Some("runs a program text that may run commands or write files"));
            }
        }
        let carries = !programs.is_empty() || !scripts.is_empty() || !clauses.is_empty();
        if carries {
            own.shield = own.shield.or(Some(Shield::Carrier));
        }
        self.note(own);
        self.through.push(base_name(argv.0.first().and_then(Item::as_known).unwrap_or_default()).to_vec());
        let mut inner_call = Call::new(call.span);
        inner_call.program_only = true;
        let outer = self.shield;
        self.shield = self.shield.or(carries.then_some(Shield::Wrapper));
        for program in &programs {
            self.program_word(state, program, &inner_call);
        }
        for script in &scripts {
            self.script_word(state, script, call.span, Shell(super::Dialect::Posix), &[]);
        }
        for clause in &clauses {
            let mut copy = state.clone();
            self.invoke(&mut copy, clause, &inner_call);
        }
        self.shield = outer;
        self.through.pop();
    }
}

/// The options in one word: what each does, its attached value, whether it takes the next word.
/// `None` if one is not known.
type Options = Vec<(OptionEffect, Option<Vec<u8>>, bool)>;

fn options_of(tool: &Tool, word: &[u8]) -> Option<Options> {
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
        }
    }
    found
}

/// An argument in which a mark is replaced by something unknown.
fn replaced(item: Item, mark: &[u8]) -> Item {
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
