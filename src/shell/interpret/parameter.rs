//! In: a parameter expansion and what is known about the shell. Out: the words or the value that it can be; assignments and commands in it
//! are noted.
//! Not here: splitting the value into words (`expand.rs`).

use crate::interpret::state::{State, Value};
use crate::interpret::walk::Walker;
use crate::reason::Reason;
use crate::segment::{Dialect, Span};
use crate::syntax::ast::{Fallback, Operation, Parameter, Part, Word};
use crate::value::argv::Item;
use crate::value::arithmetic;
use crate::value::field::has_glob;
use crate::value::words::WordSet;
use alloc::vec;
use alloc::vec::Vec;

/// How long a variable's value may be before it is unknown.
const MOST_BYTES: usize = 1 << 16;
/// Why an indirect expansion is asked about.
const INDIRECT: Reason = Reason::Indirect;

fn plain_subscript(parameter: &Parameter) -> Option<&[u8]> {
    parameter.subscript.as_ref().and_then(|word| match word.parts.as_slice() {
        [Part::Quoted(text)] => Some(text.as_slice()),
        _ => None,
    })
}

/// `$@`, `$*`, `${a[@]}`, with whatever operator.
fn is_list(parameter: &Parameter) -> bool {
    let all = |text: &[u8]| matches!(text, b"@" | b"*");
    !parameter.length && (all(&parameter.name) || plain_subscript(parameter).is_some_and(all))
}

/// `${x:-"$@"}`, however deep: in double quotes it is as many words as `"$@"`.
fn defaults_to_list(parameter: &Parameter) -> bool {
    let list = |part: &Part| matches!(part, Part::Parameter { parameter, .. } if is_list(parameter) || defaults_to_list(parameter));
    matches!(&parameter.operation, Operation::Default { word, .. } if word.parts.iter().any(list))
}

/// `${!prefix@}` and `${!prefix*}`: the names of variables.
fn names_variables(parameter: &Parameter) -> bool {
    parameter.indirect && matches!(&parameter.operation, Operation::Edit(words) if words.is_empty())
}

/// The value of a parameter without a subscript or an operator, if it is known.
fn plain_value(state: &State, name: &[u8]) -> Option<WordSet> {
    match name {
        b"#" | b"?" | b"$" => Some(WordSet::integer()),
        // Empty before the first background command.
        b"!" => Some(WordSet::integer().union(&WordSet::Known(Vec::new()))),
        b"-" | b"0" | b"@" | b"*" => None,
        name if name.iter().all(u8::is_ascii_digit) => {
            let at = core::str::from_utf8(name).ok().and_then(|digits| digits.parse::<usize>().ok());
            match (&state.positional, at) {
                (Some(list), Some(at)) if at > 0 => {
                    let certain = list.iter().take(at).all(|item| !item.many);
                    match list.get(at - 1) {
                        Some(item) if certain => Some(item.words.clone()),
                        None if certain => Some(WordSet::Known(Vec::new())),
                        _ => None,
                    }
                }
                _ => None,
            }
        }
        name => match state.get(name) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::List(items)) => match items.first() {
                Some(item) if !item.many => Some(item.words.clone()),
                _ => None,
            },
            None => None,
        },
    }
}

impl Walker<'_, '_> {
    /// `$@`, `$*`, `${a[@]}`, and what has one of them for its other value: several words. `None` for any other parameter.
    pub(crate) fn list_parameter(
        &mut self,
        state: &mut State,
        parameter: &Parameter,
        quoted: bool,
        span: Span,
    ) -> Option<Vec<Item>> {
        if quoted && defaults_to_list(parameter) || names_variables(parameter) {
            self.parameter(state, parameter, span);
            return Some(vec![Item::anything()]);
        }
        let subscript = plain_subscript(parameter);
        if !is_list(parameter) {
            return None;
        }
        let star = parameter.name == b"*" || subscript == Some(b"*");
        if !matches!(parameter.operation, Operation::None) || parameter.indirect {
            // `${!a[@]}` are the subscripts of an array.
            let subscripts = subscript.is_some() && matches!(parameter.operation, Operation::None);
            if parameter.indirect && !subscripts {
                self.opaque(span, INDIRECT, state);
            }
            self.operation_words(state, parameter, span);
            return Some(vec![Item { words: WordSet::anything(), many: !(quoted && star), files: false }]);
        }
        let items = if matches!(parameter.name.as_slice(), b"@" | b"*") {
            state.positional.as_ref().map(|list| list.to_vec())
        } else {
            match state.get(&parameter.name) {
                Some(Value::List(items)) => Some(items),
                // It can be the first element of an array whose others are not kept.
                Some(Value::Text(_)) | None => None,
            }
        };
        let items = items.unwrap_or_else(|| vec![Item::anything()]);
        let size: usize = items.iter().map(|item| item.words.size() + 32).sum();
        // `set -- "$@" "$@"` doubles; past a length the words are just any words.
        let items = if items.len() > 512 || !self.take_room(size) { vec![Item::anything()] } else { items };
        if quoted && star {
            return Some(vec![Item::one(match items.as_slice() {
                [] => WordSet::Known(Vec::new()),
                [only] if !only.many => only.words.clone(),
                _ => WordSet::anything(),
            })]);
        }
        if quoted {
            return Some(items);
        }
        let plain = |item: &Item| {
            !item.many
                && !state.ifs_changed
                && item.words.finite().is_some_and(|texts| {
                    texts.iter().all(|text| {
                        !text.is_empty() && !has_glob(text) && !text.iter().any(u8::is_ascii_whitespace)
                    })
                })
        };
        Some(items.into_iter().map(|item| if plain(&item) { item } else { Item::anything() }).collect())
    }

    /// `$name` and `${name…}`: one value.
    pub(crate) fn parameter(&mut self, state: &mut State, parameter: &Parameter, span: Span) -> WordSet {
        if parameter.length {
            if let Some(subscript) = &parameter.subscript {
                self.arithmetic(state, subscript, span);
            }
            return WordSet::integer();
        }
        if let Some(subscript) = &parameter.subscript {
            return self.element(state, parameter, subscript, span);
        }
        if parameter.indirect {
            return self.indirect(state, parameter, span);
        }
        let value = plain_value(state, &parameter.name);
        // `x=$x$x` doubles; past a length the value is just anything.
        let value = value.filter(|value| value.size() <= MOST_BYTES && self.take_room(value.size()));
        match &parameter.operation {
            Operation::None => value.unwrap_or_else(WordSet::anything),
            Operation::Default { kind, colon, word } => {
                self.default(state, &parameter.name, value, (*kind, *colon), word, span)
            }
            _ => {
                self.operation_words(state, parameter, span);
                WordSet::anything()
            }
        }
    }

    /// `${name[subscript]…}`.
    fn element(&mut self, state: &mut State, parameter: &Parameter, subscript: &Word, span: Span) -> WordSet {
        self.arithmetic(state, subscript, span);
        if parameter.indirect {
            self.opaque(span, INDIRECT, state);
        }
        self.operation_words(state, parameter, span);
        if matches!(parameter.operation, Operation::Default { kind: Fallback::Assign, .. }) {
            self.assign(state, &parameter.name, None, false, span);
        }
        match (state.get(&parameter.name), &parameter.operation, subscript.parts.as_slice()) {
            (Some(Value::List(items)), Operation::None, [Part::Quoted(index)]) if !parameter.indirect => {
                let index = arithmetic::constant(index).and_then(|index| usize::try_from(index).ok());
                let single = !items.iter().any(|item| item.many) && self.scope.dialect == Dialect::Bash;
                match index.filter(|_| single).and_then(|index| items.get(index)) {
                    Some(item) => item.words.clone(),
                    None => WordSet::anything(),
                }
            }
            _ => WordSet::anything(),
        }
    }

    /// `${!name…}`.
    fn indirect(&mut self, state: &mut State, parameter: &Parameter, span: Span) -> WordSet {
        // The value is taken as a name, and a name can hold a subscript that runs a command.
        let harmless = match state.get(&parameter.name) {
            Some(Value::Text(text)) => text.finite().is_some_and(|texts| {
                texts.iter().all(|text| text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))
            }),
            _ => names_variables(parameter),
        };
        if !harmless {
            self.opaque(span, INDIRECT, state);
        }
        self.operation_words(state, parameter, span);
        if matches!(parameter.operation, Operation::Default { kind: Fallback::Assign, .. }) {
            state.forget();
        }
        WordSet::anything()
    }

    /// `${name-word}` and its like, of a value that may be known.
    fn default(
        &mut self,
        state: &mut State,
        name: &[u8],
        value: Option<WordSet>,
        (kind, colon): (Fallback, bool),
        word: &Word,
        span: Span,
    ) -> WordSet {
        let mut copy = state.clone();
        let other = self.parts_value(&mut copy, &word.parts, span, false);
        let (known, full) = match value.as_ref().and_then(WordSet::finite) {
            Some(texts) => (true, texts.iter().all(|text| !text.is_empty())),
            None => (false, false),
        };
        let value = value.unwrap_or_else(WordSet::anything);
        match kind {
            Fallback::Alternative => other.union(&WordSet::Known(Vec::new())),
            Fallback::Assign => {
                if full || (known && !colon) {
                    return value;
                }
                let all = value.union(&other);
                self.assign(state, name, Some(Value::Text(all.clone())), false, span);
                all
            }
            Fallback::Use if full || (known && !colon && !name.iter().all(u8::is_ascii_digit)) => value,
            Fallback::Use => value.union(&other),
            Fallback::Fail => value,
        }
    }

    /// Runs through the words of an expansion for the commands in them.
    fn operation_words(&mut self, state: &mut State, parameter: &Parameter, span: Span) {
        match &parameter.operation {
            Operation::None => {}
            Operation::Default { word, .. } => {
                self.parts_value(state, &word.parts, span, false);
            }
            Operation::Edit(words) => {
                for word in words {
                    self.parts_value(state, &word.parts, span, false);
                }
            }
            Operation::Slice(word) => {
                self.arithmetic(state, word, span);
            }
            Operation::Transform(kind) => {
                if *kind == b'P' {
                    self.opaque(span, Reason::Prompt, state);
                }
            }
        }
    }
}
