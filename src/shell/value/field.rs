//! In: what the parts of a word can be, one after the other. Out: the words that it becomes ([`Item`]s), with pathname expansion.
//! Not here: what a part can be (`interpret/expand.rs`).

use crate::value::argv::Item;
use crate::value::words::{Pattern, Piece, WordSet};
use alloc::vec;
use alloc::vec::Vec;

/// One field that is being put together.
#[derive(Clone, Default)]
pub struct Field {
    words: WordSet,
    /// The text if nothing in it is expanded as a pathname.
    pub quoted: bool,
    /// Unquoted `*`, `?` or `[…]`: pathname expansion.
    pub files: bool,
    /// Something was put in, if only empty quotes.
    begun: bool,
    /// It may be no word of its own: `"a$@b"` is one word if there are no parameters.
    optional: bool,
}

impl Field {
    /// Appends what a part of the word can be.
    pub fn add(&mut self, words: &WordSet) {
        self.words.append(words);
        self.begun = true;
    }

    /// Ends the field; it is a word unless nothing was put in.
    pub fn finish(self, out: &mut Vec<Item>) {
        if !self.begun && !self.quoted {
            return;
        }
        let words = self.words;
        if self.files && !words.known().is_some_and(is_plain) {
            // Matching files, or the text itself.
            out.push(Item { words: glob(&words), many: true, files: !self.optional });
        } else {
            out.push(Item { words, many: self.optional, files: false });
        }
    }
}

/// What pathname expansion can make of a text, the text itself included.
fn glob(words: &WordSet) -> WordSet {
    let mut patterns = words.patterns();
    for text in words.patterns() {
        let mut pattern = Pattern::default();
        'pieces: for piece in text.0 {
            let Piece::Literal(bytes) = piece else {
                pattern.push(piece);
                continue;
            };
            let mut at = 0;
            while let Some(&byte) = bytes.get(at) {
                at += 1;
                match byte {
                    b'*' => pattern.push(Piece::Anything),
                    b'?' => pattern.push(Piece::Character),
                    b'[' => {
                        let rest = bytes.get(at..).unwrap_or_default();
                        // A `]` right after the opening is part of the set.
                        let skip = usize::from(matches!(rest.first(), Some(b'!' | b'^'))) + 1;
                        match rest.iter().skip(skip).position(|&byte| byte == b']') {
                            Some(length)
                                if !rest
                                    .get(..skip + length)
                                    .unwrap_or_default()
                                    .iter()
                                    .any(|byte| matches!(byte, b'[' | b'\\')) =>
                            {
                                pattern.push(Piece::Character);
                                at += skip + length + 1;
                            }
                            // `[[:alpha:]]`, one that ends in a later piece, or no set after all: where it ends is not told.
                            _ => {
                                pattern.push(Piece::Anything);
                                break 'pieces;
                            }
                        }
                    }
                    // Out of a value it takes the next byte's meaning away, and goes.
                    b'\\' => pattern.push(Piece::Anything),
                    _ => pattern.push(Piece::Literal(vec![byte])),
                }
            }
        }
        patterns.push(pattern);
    }
    WordSet::of(patterns)
}

/// Whether a part of a word may make it a pathname pattern; a `[` needs a `]`, perhaps in a later part.
pub fn has_glob(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Whether a whole text is no pathname pattern after all.
fn is_plain(text: &[u8]) -> bool {
    !text.iter().any(|byte| matches!(byte, b'*' | b'?'))
        && !text
            .iter()
            .position(|&byte| byte == b'[')
            .is_some_and(|at| text.iter().skip(at).any(|&byte| byte == b']'))
}

/// Puts several words into a field: the first joins what stands before, the last what follows.
pub fn splice(field: &mut Field, items: Vec<Item>, out: &mut Vec<Item>) {
    let count = items.len();
    for (at, item) in items.into_iter().enumerate() {
        // Nothing but words that may be none stands between this one and a word that was ended for them: it may be a part of that.
        let joined = field.optional && !field.begun && !field.quoted;
        if item.many {
            // It may be nothing, one word or several; what touches it may be joined or not.
            let touches = field.begun || field.quoted;
            if touches {
                field.add(&WordSet::anything());
                core::mem::take(field).finish(out);
            }
            out.push(Item { files: false, ..item });
            *field = Field { optional: touches || joined, ..Field::default() };
            if at + 1 == count {
                // What follows is joined to the last word, if there is one.
                field.words = WordSet::anything();
            }
        } else {
            if at > 0 {
                core::mem::take(field).finish(out);
                field.optional = joined;
            }
            field.add(&item.words);
            field.quoted = true;
        }
    }
}
