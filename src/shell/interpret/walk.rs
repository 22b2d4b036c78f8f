//! In: a syntax tree. Out: the segments of every command in it, found by walking through the script
//! as a shell would, with what is known at each point.
//!
//! Both ways of a branch are taken and joined; loops are repeated until nothing more is learnt; a
//! subshell works on a copy. Not here: what a command's name means (`invoke.rs`).

use crate::interpret::call::Call;
use crate::interpret::state::{Function, State, Value};
use crate::interpret::variables::is_safe;
use crate::limits::Limits;
use crate::reason::AllowBlocker;
use crate::reason::Reason;
use crate::segment::{Analysis, Dialect, Role, Segment, Span};
use crate::syntax::ast::{Command, Join, Kind, List, Range, Word};
use crate::syntax::list::script;
use crate::tools::facts::ToolFacts;
use crate::value::argv::{Argv, Item};
use crate::value::words::WordSet;
use std::rc::Rc;

/// How many functions are kept.
const MOST_FUNCTIONS: usize = 256;

/// A walk through one command.
pub struct Walker<'f> {
    pub(crate) facts: &'f ToolFacts,
    pub(crate) limits: Limits,
    pub(crate) segments: Vec<Segment>,
    /// Above zero: a loop is being tried out, and nothing is noted.
    pub(crate) silent: usize,
    /// Commands that may still be walked through.
    fuel: usize,
    /// Bytes that segments and expanded values may still take.
    room: usize,
    exhausted: bool,
    pub(crate) depth: usize,
    pub(crate) dialect: Dialect,
    /// Which argument of the argv is being read, and, inside a script in a script, the outer word.
    pub(crate) argument: u32,
    pub(crate) inside: Option<Span>,
    /// The words of the whole command; none if a script alone is read.
    pub(crate) whole: Vec<Item>,
    /// States at `break`, `continue`, `return`: one list for every loop or function around.
    pub(crate) escapes: Vec<Vec<State>>,
    /// Functions being walked through.
    pub(crate) calling: Vec<*const Command>,
    called: Vec<*const Command>,
    defined: Vec<(Vec<u8>, Rc<Command>)>,
    /// Scripts of `trap`: they run at some later time.
    pub(crate) traps: Vec<(Vec<u8>, Span)>,
    /// Some alias was made, which a trap may use.
    pub(crate) aliased: bool,
    pub(crate) through: Vec<Vec<u8>>,
    pub(crate) remote: bool,
    /// Inside a wrapper that is not neutral, or a reading that may be wrong.
    pub(crate) blocker: Option<AllowBlocker>,
}

impl<'f> Walker<'f> {
    pub fn new(facts: &'f ToolFacts, limits: &Limits) -> Self {
        Self {
            facts,
            limits: *limits,
            segments: Vec::new(),
            silent: 0,
            fuel: limits.commands,
            room: 32 << 20,
            exhausted: false,
            depth: limits.depth,
            dialect: Dialect::Bash,
            argument: 0,
            inside: None,
            whole: Vec::new(),
            escapes: Vec::new(),
            calling: Vec::new(),
            called: Vec::new(),
            defined: Vec::new(),
            traps: Vec::new(),
            aliased: false,
            through: Vec::new(),
            remote: false,
            blocker: None,
        }
    }

    pub fn whole_script(&mut self, text: &[u8], dialect: Dialect, cwd: Option<&[u8]>) {
        let mut state = State { cwd: cwd.map(|cwd| Rc::new(cwd.to_vec())), ..State::default() };
        self.script_in(&mut state, text, dialect);
    }

    pub fn whole_argv(&mut self, argv: &Argv, cwd: Option<&[u8]>) {
        if argv.0.is_empty() {
            return;
        }
        let mut state = State { cwd: cwd.map(|cwd| Rc::new(cwd.to_vec())), ..State::default() };
        let mut call = Call::new(Span::default());
        call.program_only = true;
        self.whole.clone_from(&argv.0);
        self.invoke(&mut state, argv, &call);
        self.leftovers(0);
    }

    pub fn finish(mut self) -> Analysis {
        if self.exhausted {
            self.room = usize::MAX;
            self.silent = 0;
            self.opaque(Span::default(), Reason::CommandCount, &State::default());
        }
        self.segments.dedup();
        Analysis { segments: self.segments }
    }

    /// A script with a fresh shell of its own.
    pub(crate) fn script_in(&mut self, state: &mut State, text: &[u8], dialect: Dialect) {
        let outer = std::mem::replace(&mut self.dialect, dialect);
        let (traps, defined) = (self.traps.len(), self.defined.len());
        self.text(state, text);
        self.leftovers_from(traps, defined);
        self.dialect = outer;
    }

    /// A script that the current shell reads (`eval`, or a whole script).
    pub(crate) fn text(&mut self, state: &mut State, text: &[u8]) {
        let whole = self.span(Range { start: 0, end: text.len() });
        let unfit = if text.len() > self.limits.bytes {
            Some(Reason::ScriptLength)
        } else if text.contains(&0) {
            Some(Reason::ZeroByte)
        } else if std::str::from_utf8(text).is_err() {
            Some(Reason::NotUtf8)
        } else if self.depth == 0 {
            Some(Reason::Depth)
        } else if self.dialect == Dialect::Zsh {
            crate::interpret::zsh::zsh_only(text)
        } else {
            None
        };
        if let Some(why) = unfit {
            self.opaque(whole, why, state);
            state.forget();
            return;
        }
        self.depth -= 1;
        let list = script(text, self.dialect == Dialect::Posix, self.depth, None);
        self.list(state, &list);
        self.depth += 1;
    }

    /// Traps run at the end; functions that nobody was seen calling might be called by name.
    fn leftovers_from(&mut self, traps: usize, defined: usize) {
        if self.silent > 0 || self.depth == 0 {
            if self.traps.len() > traps {
                self.opaque(Span::default(), Reason::TrapDepth, &State::default());
            }
            return;
        }
        self.depth -= 1;
        let later = self.defined.get(defined..).unwrap_or_default().to_vec();
        for (_, body) in later {
            if !self.called.contains(&Rc::as_ptr(&body)) {
                let mut state = self.later();
                self.call_body(&mut state, &body, None);
            }
        }
        for (text, span) in self.traps.split_off(traps) {
            let mut state = self.later();
            let outer = self.inside.replace(span);
            self.text(&mut state, &text);
            self.inside = outer;
        }
        self.defined.truncate(defined);
        self.depth += 1;
    }

    /// What is known at some later time: nothing, but every function that was defined may be there.
    fn later(&self) -> State {
        let mut state = State::default();
        state.forget();
        state.any_alias = self.aliased;
        let functions = Rc::make_mut(&mut state.functions);
        for (name, body) in &self.defined {
            let function = functions
                .entry(name.clone())
                .or_insert_with(|| Function { bodies: Vec::new(), surely: false });
            if !function.bodies.iter().any(|known| Rc::ptr_eq(known, body)) {
                function.bodies.push(Rc::clone(body));
            }
        }
        state
    }

    fn leftovers(&mut self, from: usize) {
        self.leftovers_from(from, from);
    }

    pub(crate) fn span(&self, range: Range) -> Span {
        let cut = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.inside.unwrap_or(Span { argument: self.argument, start: cut(range.start), end: cut(range.end) })
    }

    pub(crate) fn note(&mut self, segment: Segment) {
        if self.silent == 0 && self.take_room(segment.argv.size() + 256) {
            self.segments.push(segment);
        }
    }

    /// Pays for a copy of this many bytes; a script must not become much larger by being looked at.
    pub(crate) fn take_room(&mut self, bytes: usize) -> bool {
        match self.room.checked_sub(bytes) {
            Some(left) => {
                self.room = left;
                true
            }
            None => {
                self.exhausted = true;
                self.fuel = 0;
                false
            }
        }
    }

    pub(crate) fn opaque(&mut self, span: Span, why: Reason, state: &State) {
        let call = Call::new(span);
        let mut segment = self.segment(state, &call, Argv::default(), Role::Bare);
        segment.opaque = Some(why);
        self.note(segment);
    }

    pub(crate) fn segment(&self, state: &State, call: &Call, argv: Argv, role: Role) -> Segment {
        let unsafe_environment = call.environment.iter().any(|set| !is_safe(&set.name, true));
        let blocker = if call.effects.iter().any(crate::interpret::simple::opens_a_file) {
            Some(AllowBlocker::Effects)
        } else if state.changed || unsafe_environment {
            Some(AllowBlocker::Environment)
        } else {
            self.blocker
        };
        Segment {
            span: call.span,
            argv,
            role,
            opaque: None,
            blocker,
            effects: call.effects.clone(),
            environment: call.environment.clone(),
            cwd: state.cwd.as_deref().cloned(),
            through: self.through.clone(),
            remote: self.remote,
        }
    }

    /// Pays for one command; `false` if there is nothing left to pay with.
    fn pay(&mut self) -> bool {
        match self.fuel.checked_sub(1) {
            Some(left) if self.segments.len() < self.limits.commands => {
                self.fuel = left;
                true
            }
            _ => {
                self.exhausted = true;
                false
            }
        }
    }

    pub(crate) fn list(&mut self, state: &mut State, list: &List) {
        // What is known if a part of an and-or list was left out.
        let mut skipped: Option<State> = None;
        let mut moved = false;
        for (at, entry) in list.entries.iter().enumerate() {
            if entry.background {
                if entry.join == Join::Then {
                    // The whole and-or list runs in one other shell.
                    let rest = list.entries.get(at + 1..).unwrap_or_default();
                    let length = rest.iter().take_while(|next| next.join != Join::Then).count();
                    let mut entries = list.entries.get(at..at + 1 + length).unwrap_or_default().to_vec();
                    for entry in &mut entries {
                        entry.background = false;
                    }
                    let mut copy = state.clone();
                    self.list(&mut copy, &List { entries, unread: None });
                }
                continue;
            }
            let mut before = state.clone();
            match (entry.join, &mut skipped) {
                (Join::Then, _) => {}
                (Join::And, skipped) => {
                    if moved {
                        before.cwd = None;
                    }
                    match skipped {
                        Some(skipped) => skipped.join(&before, false),
                        None => *skipped = Some(before.clone()),
                    }
                }
                (Join::Or, Some(skipped)) => state.join(skipped, false),
                (Join::Or, None) => {}
            }
            self.pipeline(state, &entry.pipeline);
            if entry.join == Join::Or {
                state.join(&before, false);
            }
            let next = list.entries.get(at + 1).map(|next| next.join);
            moved = before.cwd != state.cwd;
            if moved && next != Some(Join::And) {
                // Changing the directory may have failed.
                state.cwd = None;
            }
            if next != Some(Join::And)
                && next != Some(Join::Or)
                && let Some(skipped) = skipped.take()
            {
                state.join(&skipped, false);
            }
        }
        if let Some(unread) = &list.unread {
            let span = self.span(unread.at);
            self.opaque(span, unread.why, state);
            state.forget();
        }
    }

    fn pipeline(&mut self, state: &mut State, commands: &[Command]) {
        let alone = commands.len() == 1;
        for (at, command) in commands.iter().enumerate() {
            if alone {
                self.command(state, command);
                return;
            }
            let mut copy = state.clone();
            self.command(&mut copy, command);
            // Some shells run the last one themselves.
            if at + 1 == commands.len() {
                state.join(&copy, false);
            }
        }
    }

    pub(crate) fn command(&mut self, state: &mut State, command: &Command) {
        if !self.pay() {
            return;
        }
        if self.depth == 0 {
            let span = self.span(command.at);
            self.opaque(span, Reason::Depth, state);
            state.forget();
            return;
        }
        self.depth -= 1;
        self.command_inside(state, command);
        self.depth += 1;
    }

    fn command_inside(&mut self, state: &mut State, command: &Command) {
        let span = self.span(command.at);
        if let Kind::Simple { assignments, words } = &command.kind {
            self.simple(state, command, assignments, words);
            return;
        }
        let effects = self.redirections(state, &command.redirections, span);
        if effects.iter().any(crate::interpret::simple::opens_a_file) {
            let mut call = Call::new(span);
            call.effects = effects;
            let segment = self.segment(state, &call, Argv::default(), Role::Bare);
            self.note(segment);
        }
        match &command.kind {
            Kind::Simple { .. } => {}
            Kind::Subshell(list) => {
                let mut copy = state.clone();
                self.list(&mut copy, list);
            }
            Kind::Group(list) => self.list(state, list),
            Kind::If { arms, otherwise } => {
                let mut ends: Option<State> = None;
                for (condition, body) in arms {
                    self.list(state, condition);
                    let mut taken = state.clone();
                    self.list(&mut taken, body);
                    match &mut ends {
                        Some(ends) => ends.join(&taken, false),
                        None => ends = Some(taken),
                    }
                }
                if let Some(otherwise) = otherwise {
                    self.list(state, otherwise);
                }
                if let Some(ends) = ends {
                    state.join(&ends, false);
                }
            }
            Kind::While { condition, body } => self.repeat(state, |walker, state| {
                walker.list(state, condition);
                walker.list(state, body);
            }),
            Kind::For { select, name, words, body } => {
                let mut items: Vec<Item> = match words {
                    Some(words) => words.iter().flat_map(|word| self.fields(state, word, span)).collect(),
                    None => {
                        state.positional.as_ref().map_or_else(|| vec![Item::anything()], |list| list.to_vec())
                    }
                };
                if *select {
                    items.push(Item::known(*b""));
                    self.assign(state, b"REPLY", None, false, span);
                }
                let value = items.iter().map(|item| item.words.clone()).reduce(|all, one| all.union(&one));
                self.repeat(state, |walker, state| {
                    walker.assign(state, name, value.clone().map(Value::Text), false, span);
                    walker.list(state, body);
                });
            }
            Kind::ForArithmetic { parts, body } => self.repeat(state, |walker, state| {
                for part in parts {
                    walker.arithmetic(state, part, span);
                }
                walker.list(state, body);
            }),
            Kind::Case { word, arms } => {
                self.value(state, word, span);
                let mut ends = state.clone();
                let start = state.clone();
                for (patterns, body) in arms {
                    let mut taken = start.clone();
                    // `;&` falls through: an arm can begin where the one before it ended.
                    taken.join(&ends, false);
                    for pattern in patterns {
                        self.value(&mut taken, pattern, span);
                    }
                    self.list(&mut taken, body);
                    ends.join(&taken, false);
                }
                *state = ends;
            }
            Kind::Function { keyword, name, body } => {
                let unsure = self.dialect == Dialect::Posix && *keyword;
                if unsure {
                    self.opaque(span, Reason::FunctionKeyword, state);
                }
                if self.dialect == Dialect::Zsh && crate::interpret::zsh::is_hook(name) {
                    self.opaque(span, Reason::ZshHook, state);
                    state.forget();
                }
                if self.defined.len() >= MOST_FUNCTIONS || state.functions.len() >= MOST_FUNCTIONS {
                    self.opaque(span, Reason::FunctionCount, state);
                    return;
                }
                if !self.defined.iter().any(|(_, known)| Rc::ptr_eq(known, body)) {
                    self.defined.push((name.clone(), Rc::clone(body)));
                }
                let function = Function { bodies: vec![Rc::clone(body)], surely: !unsure };
                Rc::make_mut(&mut state.functions).insert(name.clone(), function);
            }
            Kind::Test { words, arithmetic, operators } => {
                if self.dialect == Dialect::Posix && *operators {
                    self.opaque(span, Reason::DoubleBracket, state);
                }
                for word in words {
                    let value = self.value(state, word, span);
                    if *arithmetic && !value.is_integer() && !is_operator(&value) {
                        self.risky_arithmetic(state, span);
                    }
                }
            }
            Kind::Arithmetic(word) => {
                if self.dialect == Dialect::Posix {
                    self.opaque(span, Reason::DoubleParenthesis, state);
                }
                self.arithmetic(state, word, span);
            }
            Kind::Coprocess(inner) => {
                let mut copy = state.clone();
                self.command(&mut copy, inner);
                // It sets a variable whose name is not kept.
                state.forget();
            }
        }
    }

    /// Walks through a loop's body until nothing more is learnt, then once more to note segments.
    fn repeat(&mut self, state: &mut State, body: impl Fn(&mut Self, &mut State)) {
        self.silent += 1;
        let mut settled = false;
        for _ in 0..4 {
            let mut after = state.clone();
            self.escapes.push(Vec::new());
            body(self, &mut after);
            for escaped in self.escapes.pop().unwrap_or_default() {
                after.join(&escaped, true);
            }
            let before = state.clone();
            state.join(&after, true);
            if state.same(&before) {
                settled = true;
                break;
            }
        }
        self.silent -= 1;
        if !settled {
            state.forget();
        }
        let mut after = state.clone();
        self.escapes.push(Vec::new());
        body(self, &mut after);
        for escaped in self.escapes.pop().unwrap_or_default() {
            after.join(&escaped, true);
        }
        state.join(&after, true);
    }

    /// Runs a function's body with these arguments.
    pub(crate) fn call_body(&mut self, state: &mut State, body: &Rc<Command>, arguments: Option<Vec<Item>>) {
        let pointer = Rc::as_ptr(body);
        if self.silent == 0 && !self.called.contains(&pointer) {
            self.called.push(pointer);
        }
        let outer = std::mem::replace(&mut state.positional, arguments.map(Rc::new));
        self.calling.push(pointer);
        self.escapes.push(Vec::new());
        let before = state.clone();
        self.command(state, body);
        for escaped in self.escapes.pop().unwrap_or_default() {
            state.join(&escaped, false);
        }
        // `local` variables have their old values again; which ones were local is not kept, so both count.
        let positional = std::mem::replace(&mut state.positional, outer);
        let changed = state.changed;
        state.join(&State { positional: state.positional.clone(), ..before }, false);
        state.changed = changed;
        drop(positional);
        self.calling.pop();
    }

    /// A shell's jump: what is known here is known after the loop or function as well.
    pub(crate) fn escape(&mut self, state: &State) {
        for frame in &mut self.escapes {
            match frame.first_mut() {
                Some(first) => first.join(state, false),
                None => frame.push(state.clone()),
            }
        }
    }

    /// Walks through the list of a command substitution; the state is a copy.
    pub(crate) fn substitution(&mut self, state: &State, list: &List) {
        let mut copy = state.clone();
        let escapes = std::mem::take(&mut self.escapes);
        self.list(&mut copy, list);
        self.escapes = escapes;
    }

    pub(crate) fn words_of(&mut self, state: &mut State, word: &Word, span: Span) -> Vec<Item> {
        self.fields(state, word, span)
    }
}

fn is_operator(value: &WordSet) -> bool {
    value.known().is_some_and(|word| matches!(word, b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge"))
}
