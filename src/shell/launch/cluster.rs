//! In: one word of a program's arguments and the facts about the program. Out: the options in it, in the only reading
//! ([`options_of`]) or in any ([`options_possible`]). Not here: what follows from them (`options.rs`, `wrapper.rs`).

use crate::tools::facts::{Arity, Effect, Tool};
use alloc::vec;
use alloc::vec::Vec;

/// Whether the last option in a word may take the next word as its value.
pub fn takes_the_next(tool: &Tool, word: &[u8]) -> bool {
    tool.options.iter().filter(|(_, (arity, _))| *arity == Arity::Value).any(|(option, _)| {
        option == word
            || (word.len() > 2 && word.starts_with(b"--") && option.starts_with(word))
            || matches!((option.as_slice(), word), ([b'-', letter], [b'-', second, ..])
                if *second != b'-' && word.last() == Some(letter))
    })
}

/// One option in a word.
pub struct Found {
    /// What it does.
    pub effect: Effect,
    /// The value attached to it.
    pub attached: Option<Vec<u8>>,
    /// Whether it takes the next word as its value.
    pub next: bool,
}

impl Found {
    const fn new(effect: Effect, attached: Option<Vec<u8>>, next: bool) -> Self {
        Self { effect, attached, next }
    }
}

/// The options in a word; `None` if one is not known.
pub fn options_of(tool: &Tool, word: &[u8]) -> Option<Vec<Found>> {
    if let Some((arity, effect)) = tool.options.get(word) {
        return Some(vec![Found::new(*effect, None, *arity == Arity::Value)]);
    }
    if word.starts_with(b"--") {
        let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
        let value = word.get(name.len() + 1..).map(<[u8]>::to_vec);
        let (arity, effect) = tool.long(name)?;
        return match (arity, value) {
            (Arity::Flag, Some(_)) => None,
            (Arity::Value, None) => Some(vec![Found::new(effect, None, true)]),
            (_, value) => Some(vec![Found::new(effect, value, false)]),
        };
    }
    let mut options = Vec::new();
    let letters = word.get(1..)?;
    for (at, &letter) in letters.iter().enumerate() {
        let (arity, effect) = tool.short(letter)?;
        let rest = letters.get(at + 1..).filter(|rest| !rest.is_empty()).map(<[u8]>::to_vec);
        match arity {
            Arity::Flag => options.push(Found::new(effect, None, false)),
            Arity::Value => {
                let next = rest.is_none();
                options.push(Found::new(effect, rest, next));
                return Some(options);
            }
            Arity::Optional => {
                options.push(Found::new(effect, rest, false));
                return Some(options);
            }
        }
    }
    Some(options)
}

/// Every option that runs something and that the word could hold, in whatever reading.
pub fn options_possible(tool: &Tool, word: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
    let value = word.get(name.len() + 1..).map(<[u8]>::to_vec);
    for (option, (arity, effect)) in &tool.options {
        if matches!(effect, Effect::Plain | Effect::Changes | Effect::Idle) {
            continue;
        }
        let takes = *arity == Arity::Value;
        if option == name || (option.starts_with(b"--") && name.len() > 2 && option.starts_with(name)) {
            found.push(Found::new(*effect, value.clone(), takes && value.is_none()));
        } else if let ([b'-', letter], [b'-', letters @ ..]) = (option.as_slice(), word) {
            if letters.first() == Some(&b'-') {
                continue;
            }
            if let Some(at) = letters.iter().position(|byte| byte == letter) {
                let rest = letters.get(at + 1..).filter(|rest| !rest.is_empty()).map(<[u8]>::to_vec);
                let next = takes && rest.is_none();
                found.push(Found::new(*effect, rest, next));
            }
        } else if let ([b'-', several @ ..], [b'-', letters @ ..]) = (option.as_slice(), word)
            && !several.starts_with(b"-")
            && let Some(at) = letters.windows(several.len()).position(|window| window == several)
        {
            // `zip -qTT`.
            let rest = letters.get(at + several.len()..).filter(|rest| !rest.is_empty()).map(<[u8]>::to_vec);
            let next = takes && rest.is_none();
            found.push(Found::new(*effect, rest, next));
        }
    }
    found
}
