//! In: a reader at the start of a word. Out: the word's parts: text, quoted text, expansions.
//! Not here: what an expansion yields (`interpret/expand.rs`).

use super::ast::{Part, Range, Word};
use super::reader::{Read, Reader, is_meta};
use crate::reason::Reason;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

/// Where a run of word parts ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The end of a word.
    Meta,
    /// A pattern of `[[`: parentheses and bars belong to the word.
    Blank,
    /// The closing `"`.
    Quote,
    /// The `}` of a parameter expansion; `quoted` if it stands in double quotes.
    Brace { quoted: bool },
    /// A `/` or the `}` of a replacement.
    Slash { quoted: bool },
    /// `)` `)` or `]`, parentheses and brackets counted.
    Arithmetic(&'static [u8]),
    /// The end of a here-document's text.
    Text,
}

impl Until {
    /// Whether single quotes, `$'…'` and unquoted text are as in double quotes.
    pub fn quoted(self) -> bool {
        match self {
            Self::Meta | Self::Blank => false,
            Self::Brace { quoted } | Self::Slash { quoted } => quoted,
            Self::Quote | Self::Arithmetic(_) | Self::Text => true,
        }
    }
}

impl Reader<'_> {
    /// A word, at least one byte long.
    pub(crate) fn word(&mut self) -> Read<Word> {
        let word = self.word_or_nothing()?;
        if word.parts.is_empty() { self.stop(Reason::NotUnderstood) } else { Ok(word) }
    }

    /// A word, perhaps empty, as after `name=`.
    pub(crate) fn word_or_nothing(&mut self) -> Read<Word> {
        self.parts(Until::Meta)
    }

    /// The right side of a comparison in `[[ … ]]`.
    pub(crate) fn pattern_word(&mut self) -> Read<Word> {
        self.parts(Until::Blank)
    }

    /// The text of a here-document: everything to the end.
    pub(crate) fn here_text(&mut self) -> Read<Word> {
        self.parts(Until::Text)
    }

    /// Arithmetic up to its closing brackets, which are stepped over.
    pub(crate) fn arithmetic_text(&mut self, close: &'static [u8]) -> Read<Word> {
        self.parts(Until::Arithmetic(close))
    }

    pub(crate) fn parts(&mut self, until: Until) -> Read<Word> {
        self.enter()?;
        let word = self.parts_inside(until);
        self.leave();
        word
    }

    fn parts_inside(&mut self, until: Until) -> Read<Word> {
        let start = self.at;
        let quoted = until.quoted();
        let mut word = Word::default();
        let mut nested = 0_usize;
        loop {
            // In the text of a here-document, too, an escaped newline is nothing.
            let Some(byte) = self.peek() else {
                if matches!(until, Until::Meta | Until::Text) {
                    break;
                }
                return self.stop(Reason::Incomplete);
            };
            if self.ends(until, byte, start, &mut nested)? {
                break;
            }
            match byte {
                b'\\' => self.backslash(&mut word, until)?,
                b'\'' if !quoted => {
                    self.at += 1;
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    let Some(length) = rest.iter().position(|&byte| byte == b'\'') else {
                        return self.stop(Reason::UnterminatedQuote);
                    };
                    word.parts.push(Part::Quoted(rest.get(..length).unwrap_or_default().to_vec()));
                    self.at += length + 1;
                }
                b'"' if !matches!(until, Until::Text) => {
                    self.at += 1;
                    let inner = self.parts(Until::Quote)?;
                    self.at += 1;
                    if inner.parts.is_empty() {
                        word.parts.push(Part::Quoted(Vec::new()));
                    }
                    for part in inner.parts {
                        match part {
                            Part::Plain(bytes) => word.parts.push(Part::Quoted(bytes)),
                            other => word.parts.push(other),
                        }
                    }
                }
                b'`' => {
                    let body = self.backquotes(matches!(until, Until::Quote))?;
                    word.parts.push(Part::Command { body: Rc::new(body), quoted });
                }
                b'$' => self.dollar(&mut word, until)?,
                b'<' | b'>' if until == Until::Meta => {
                    if self.posix {
                        return self.stop(Reason::NotUnderstood);
                    }
                    self.at += 2;
                    let body = self.nested_list()?;
                    if body.entries.is_empty() {
                        // bash makes no word of it.
                        return self.stop(Reason::NotUnderstood);
                    }
                    word.parts.push(Part::Process(Rc::new(body)));
                }
                _ => {
                    self.at += 1;
                    push_byte(&mut word, byte, quoted);
                }
            }
        }
        word.at = Range { start, end: self.at };
        Ok(word)
    }

    /// Whether the run of parts ends at this byte; the closing brackets of arithmetic are stepped over.
    fn ends(&mut self, until: Until, byte: u8, start: usize, nested: &mut usize) -> Read<bool> {
        let none = *nested == 0;
        Ok(match until {
            Until::Meta => is_meta(byte) && !(self.sees(b"<(") || self.sees(b">(")),
            Until::Blank => match byte {
                b' ' | b'\t' | b'\n' if none => true,
                b'(' => {
                    *nested += 1;
                    false
                }
                b')' if none => true,
                b')' => {
                    *nested -= 1;
                    false
                }
                _ => none && (self.sees(b"&&") || self.sees(b"||")),
            },
            Until::Quote => byte == b'"',
            Until::Brace { .. } => byte == b'}',
            Until::Slash { .. } => byte == b'}' || (byte == b'/' && self.at > start),
            Until::Arithmetic(close) => match byte {
                b'(' | b'[' => {
                    *nested += 1;
                    false
                }
                b')' | b']' if !none => {
                    *nested -= 1;
                    false
                }
                b')' | b']' if self.take(close) => true,
                b')' | b']' => return self.stop(Reason::NotUnderstood),
                _ => false,
            },
            Until::Text => false,
        })
    }

    fn backslash(&mut self, word: &mut Word, until: Until) -> Read<()> {
        self.at += 1;
        let next = self.text.get(self.at).copied();
        let escapes = match until {
            Until::Meta | Until::Blank => true,
            Until::Brace { quoted: false } | Until::Slash { quoted: false } => true,
            Until::Text => matches!(next, Some(b'$' | b'`' | b'\\')),
            Until::Brace { .. } | Until::Slash { .. } => {
                matches!(next, Some(b'$' | b'`' | b'\\' | b'"' | b'}' | b'/'))
            }
            Until::Quote | Until::Arithmetic(_) => matches!(next, Some(b'$' | b'`' | b'\\' | b'"')),
        };
        match next {
            Some(byte) if escapes => {
                self.at += 1;
                word.parts.push(Part::Quoted(vec![byte]));
            }
            // bash drops it if the script has several lines, zsh always.
            None if until != Until::Text => {
                return self.stop(Reason::TrailingBackslash);
            }
            // A backslash before anything else is itself.
            _ => word.parts.push(Part::Quoted(vec![b'\\'])),
        }
        Ok(())
    }
}

/// Appends a byte to the last part.
pub fn push_byte(word: &mut Word, byte: u8, quoted: bool) {
    match (word.parts.last_mut(), quoted) {
        (Some(Part::Plain(bytes)), false) => bytes.push(byte),
        (Some(Part::Quoted(bytes)), true) => bytes.push(byte),
        (_, false) => word.parts.push(Part::Plain(vec![byte])),
        (_, true) => word.parts.push(Part::Quoted(vec![byte])),
    }
}
