//! In: a word and what is known about the shell. Out: the words it becomes ([`Item`]s), and, for the
//! walker, every command that its expansions run. Not here: syntax, parameters (`parameter.rs`), and how
//! parts become words (`value/field.rs`).

use crate::interpret::state::{State, Value};
use crate::interpret::walk::Walker;
use crate::reason::Reason;
use crate::segment::{Dialect, Span};
use crate::syntax::ast::{List, Part, Word};
use crate::value::argv::Item;
use crate::value::field::{Field, has_glob, splice};
use crate::value::words::{Pattern, Piece, WordSet};
use crate::value::{arithmetic, brace};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

impl Walker<'_, '_> {
    /// The words that a word becomes.
    pub(crate) fn fields(&mut self, state: &mut State, word: &Word, span: Span) -> Vec<Item> {
        if !self.take_room(word.at.end.saturating_sub(word.at.start)) {
            return vec![Item::anything()];
        }
        let Some(words) = brace::expand(&word.parts) else {
            // Its commands still count.
            self.parts_value(state, &word.parts, span, true);
            return vec![Item::anything()];
        };
        let braces = words.len() > 1;
        if braces && !self.take_room(words.len() * (word.at.end.saturating_sub(word.at.start))) {
            self.parts_value(state, &word.parts, span, true);
            return vec![Item::anything()];
        }
        let mut out = Vec::new();
        for parts in &words {
            self.fields_of(state, parts, span, &mut out);
        }
        if braces && self.scope.dialect == Dialect::Posix {
            // A shell without brace expansion passes the text as it is.
            self.fields_of(state, &word.parts, span, &mut out);
            let all = out.iter().map(|item| item.words.clone()).reduce(|all, words| all.union(&words));
            return vec![Item { words: all.unwrap_or_else(WordSet::anything), many: true, files: false }];
        }
        out
    }

    fn fields_of(&mut self, state: &mut State, parts: &[Part], span: Span, out: &mut Vec<Item>) {
        let mut field = Field::default();
        let tilde = tilde(parts);
        for (at, part) in parts.iter().enumerate() {
            match part {
                Part::Plain(text) => {
                    if at == 0 && tilde > 0 {
                        field.add(&home(state, text.get(..tilde).unwrap_or_default()));
                        field.add(&WordSet::Known(text.get(tilde..).unwrap_or_default().to_vec()));
                    } else if has_inner_tilde(text) {
                        field.add(&WordSet::Known(text.clone()).union(&WordSet::anything()));
                    } else {
                        field.add(&WordSet::Known(text.clone()));
                    }
                    field.files |= has_glob(text);
                }
                Part::Quoted(text) => {
                    field.add(&WordSet::Known(text.clone()));
                    field.quoted = true;
                }
                Part::Perhaps(text) => {
                    let other = if self.scope.dialect == Dialect::Posix {
                        WordSet::Known([b"$", text.as_slice()].concat())
                    } else {
                        WordSet::anything()
                    };
                    field.add(&WordSet::Known(text.clone()).union(&other));
                    field.quoted = true;
                }
                Part::Process(list) => {
                    self.substitution(state, list);
                    let mut path = Pattern::default();
                    path.push(Piece::Literal(b"/dev/fd/".to_vec()));
                    path.push(Piece::Integer);
                    let mut pipe = Pattern::default();
                    pipe.push(Piece::Literal(b"/tmp/".to_vec()));
                    pipe.push(Piece::Anything);
                    field.add(&WordSet::of(vec![path, pipe]));
                }
                Part::Parameter { parameter, quoted } => {
                    if let Some(items) = self.list_parameter(state, parameter, *quoted, span) {
                        splice(&mut field, items, out);
                    } else {
                        let value = self.parameter(state, parameter, span);
                        self.put(state, &mut field, value, *quoted, out);
                    }
                }
                Part::Command { body, quoted } => {
                    let value = self.command_value(state, body);
                    self.put(state, &mut field, value, *quoted, out);
                }
                Part::Arithmetic { text, quoted } => {
                    let value = self.arithmetic(state, text, span);
                    self.put(state, &mut field, value, *quoted, out);
                }
            }
        }
        field.finish(out);
    }

    /// Adds a value to a field; unquoted, it is split at blanks and its stars are expanded.
    fn put(&self, state: &State, field: &mut Field, value: WordSet, quoted: bool, out: &mut Vec<Item>) {
        if quoted {
            field.add(&value);
            field.quoted = true;
            return;
        }
        if value.is_integer() && !state.ifs_changed {
            field.add(&value);
            return;
        }
        let simple = |text: &[u8]| {
            !text.is_empty()
                && !text.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\n'))
                && !has_glob(text)
        };
        match value.finite() {
            Some(texts) if !state.ifs_changed && texts.iter().all(|text| simple(text)) => field.add(&value),
            Some(texts) if !state.ifs_changed && self.scope.dialect != Dialect::Zsh && texts.len() == 1 => {
                let text = texts.first().copied().unwrap_or_default();
                let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n');
                let words = text.split(|&byte| blank(byte));
                let mut first = true;
                for word in words {
                    if !first {
                        core::mem::take(field).finish(out);
                    }
                    first = false;
                    if !word.is_empty() {
                        field.add(&WordSet::Known(word.to_vec()));
                        field.files |= has_glob(word);
                    }
                }
            }
            _ => splice(field, vec![Item::anything()], out),
        }
    }

    /// The value of a word where it is not split, as in `case` or after `<`.
    pub(crate) fn value(&mut self, state: &mut State, word: &Word, span: Span) -> WordSet {
        self.parts_value(state, &word.parts, span, false)
    }

    /// The value of a word that is assigned: tildes after `=` and `:` count.
    pub(crate) fn assigned_value(&mut self, state: &mut State, word: &Word, span: Span) -> WordSet {
        self.parts_value(state, &word.parts, span, true)
    }

    pub(crate) fn parts_value(
        &mut self,
        state: &mut State,
        parts: &[Part],
        span: Span,
        colons: bool,
    ) -> WordSet {
        let mut all = WordSet::default();
        let tilde = tilde(parts);
        for (at, part) in parts.iter().enumerate() {
            let value = match part {
                Part::Plain(text) if at == 0 && tilde > 0 => {
                    let mut path = home(state, text.get(..tilde).unwrap_or_default());
                    path.append(&WordSet::Known(text.get(tilde..).unwrap_or_default().to_vec()));
                    path
                }
                Part::Plain(text) if colons && text.windows(2).any(|pair| pair == b":~") => {
                    WordSet::anything()
                }
                Part::Plain(text) | Part::Quoted(text) => WordSet::Known(text.clone()),
                Part::Perhaps(text) => WordSet::Known(text.clone()).union(&WordSet::anything()),
                Part::Process(list) => {
                    self.substitution(state, list);
                    WordSet::anything()
                }
                Part::Parameter { parameter, quoted } => {
                    match self.list_parameter(state, parameter, *quoted, span) {
                        Some(_) => WordSet::anything(),
                        None => self.parameter(state, parameter, span),
                    }
                }
                Part::Command { body, .. } => self.command_value(state, body),
                Part::Arithmetic { text, .. } => self.arithmetic(state, text, span),
            };
            all.append(&value);
        }
        all
    }

    /// Arithmetic: its value if it is a constant, an integer otherwise; notes what it could run.
    pub(crate) fn arithmetic(&mut self, state: &mut State, text: &Word, span: Span) -> WordSet {
        let mut written = Vec::new();
        let mut risky = false;
        for part in &text.parts {
            match part {
                Part::Plain(bytes) | Part::Quoted(bytes) => written.extend_from_slice(bytes),
                other => {
                    let value = self.parts_value(state, core::slice::from_ref(other), span, false);
                    match value.known() {
                        Some(bytes) if value.is_integer() => written.extend_from_slice(bytes),
                        _ => {
                            // Behind a letter it makes a name, and a variable of that name can hold anything.
                            let joins = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                            risky |= !value.is_integer() || written.last().is_some_and(joins);
                            written.push(b'0');
                            written.push(b';');
                        }
                    }
                }
            }
        }
        if let Some(value) = arithmetic::constant(&written)
            && !risky
        {
            return WordSet::Known(value.to_string().into_bytes());
        }
        if matches!(written.as_slice(), b"@" | b"*") {
            return WordSet::anything();
        }
        let (names, plain) = arithmetic::names(&written);
        risky |= !plain;
        // What the expression sets first is an integer, too.
        let set_here = set_first(&written).filter(|_| plain);
        for name in &names {
            let harmless = matches!(state.get(name), Some(Value::Text(text)) if text.is_integer())
                || matches!(
                    name.as_slice(),
                    b"RANDOM"
                        | b"SECONDS"
                        | b"LINENO"
                        | b"EPOCHSECONDS"
                        | b"UID"
                        | b"EUID"
                        | b"PPID"
                        | b"OPTIND"
                );
            risky |= !harmless && set_here.as_ref() != Some(name);
        }
        if risky {
            self.risky_arithmetic(state, span);
        }
        if written.contains(&b'=') || written.windows(2).any(|pair| matches!(pair, b"++" | b"--")) {
            for name in &names {
                self.assign(state, name, Some(Value::Text(WordSet::integer())), false, span);
            }
        }
        WordSet::integer()
    }

    pub(crate) fn risky_arithmetic(&mut self, state: &mut State, span: Span) {
        self.opaque(span, Reason::Arithmetic, state);
    }

    /// The output of a command substitution, if it is plain: `echo` or `printf` of known words.
    fn command_value(&mut self, state: &mut State, list: &List) -> WordSet {
        self.substitution(state, list);
        let [entry] = list.entries.as_slice() else {
            return if list.entries.is_empty() && list.unread.is_none() {
                WordSet::Known(Vec::new())
            } else {
                WordSet::anything()
            };
        };
        let [command] = entry.pipeline.as_slice() else { return WordSet::anything() };
        let crate::syntax::ast::Kind::Simple { assignments, words } = &command.kind else {
            return WordSet::anything();
        };
        if !assignments.is_empty() || !command.redirections.is_empty() || list.unread.is_some() {
            return WordSet::anything();
        }
        // Expand the words again, without noting anything twice.
        let mut copy = state.clone();
        let mut items = Vec::new();
        for word in words {
            if let crate::syntax::ast::Argument::Word(word) = word {
                items.extend(self.silently().fields(&mut copy, word, Span::default()));
            }
        }
        let Some(argv) = items.iter().map(Item::as_known).collect::<Option<Vec<_>>>() else {
            return WordSet::anything();
        };
        let taken = |name: &[u8]| {
            state.functions.contains_key(name) || state.aliases.contains(name) || state.any_alias
        };
        let text = match argv.as_slice() {
            [b"echo", rest @ ..] if !taken(b"echo") => {
                if rest.iter().any(|word| word.contains(&b'\\')) {
                    return WordSet::anything();
                }
                match rest {
                    [b"-n", rest @ ..] if rest.first().is_none_or(|word| !word.starts_with(b"-")) => {
                        rest.join(&b' ')
                    }
                    [first, ..] if first.starts_with(b"-") => return WordSet::anything(),
                    rest => rest.join(&b' '),
                }
            }
            [b"printf", b"%s" | b"%s\\n", word] if !taken(b"printf") => word.to_vec(),
            [b"printf", word]
                if !taken(b"printf")
                    && !word.iter().any(|byte| matches!(byte, b'%' | b'\\'))
                    && !word.starts_with(b"-") =>
            {
                word.to_vec()
            }
            _ => return WordSet::anything(),
        };
        let end = text.iter().rposition(|&byte| byte != b'\n').map_or(0, |at| at + 1);
        WordSet::Known(text.get(..end).unwrap_or_default().to_vec())
    }
}

/// The name that an expression begins by setting to a constant (`i=0; …`, `i = 1`).
fn set_first(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let length = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let (name, rest) = text.split_at_checked(length)?;
    let rest = rest.strip_prefix(b"=").filter(|rest| !rest.starts_with(b"="))?;
    let end = rest.iter().position(|byte| matches!(byte, b';' | b',')).unwrap_or(rest.len());
    arithmetic::constant(rest.get(..end)?)?;
    Some(name.to_vec())
}

/// The length of a tilde prefix at the start of a word.
fn tilde(parts: &[Part]) -> usize {
    match parts.first() {
        Some(Part::Plain(text)) if text.first() == Some(&b'~') => {
            text.iter().position(|&byte| byte == b'/').unwrap_or(text.len())
        }
        _ => 0,
    }
}

/// `name=~/x` among arguments: bash expands it, others do not.
fn has_inner_tilde(text: &[u8]) -> bool {
    text.windows(2).any(|pair| matches!(pair, b"=~" | b":~"))
}

fn home(state: &State, prefix: &[u8]) -> WordSet {
    let text = WordSet::Known(prefix.to_vec());
    match state.get(b"HOME") {
        Some(Value::Text(home)) if prefix == b"~" => home.union(&text),
        _ => WordSet::anything().union(&text),
    }
}
