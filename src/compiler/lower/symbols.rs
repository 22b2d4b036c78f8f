//! In: words. Out: a number for each distinct one, in the order in which they were first seen.
//! Not here: strings that are not words of patterns (`emit/strings.rs`).

use std::collections::HashMap;

/// The number of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u32);

/// The words.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    words: Vec<Box<str>>,
    ids: HashMap<Box<str>, SymbolId>,
}

impl Symbols {
    /// The number of a word, which is taken in if it is new.
    pub fn intern(&mut self, word: &str) -> SymbolId {
        if let Some(&id) = self.ids.get(word) {
            return id;
        }
        let id = SymbolId(u32::try_from(self.words.len()).unwrap_or(u32::MAX));
        self.words.push(word.into());
        self.ids.insert(word.into(), id);
        id
    }

    /// The number of a word, if it has one.
    #[must_use]
    pub fn find(&self, word: &[u8]) -> Option<SymbolId> {
        std::str::from_utf8(word).ok().and_then(|word| self.ids.get(word).copied())
    }

    /// The word with this number.
    #[must_use]
    pub fn word(&self, id: SymbolId) -> &str {
        self.words.get(id.0 as usize).map_or("", |word| word)
    }
}
