//! In: the bytes of a script. Out: a position in them ([`Reader`]) that can look ahead, step over what stands
//! there, and stop for a [`Reason`]. What every part of the reader uses.
//! Not here: any construct of the grammar (`list.rs`, `compound.rs`, `simple.rs`, `word.rs`, `expansion.rs`, `here.rs`).

use super::ast::{Range, Unread, Word};
use crate::reason::Reason;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::OnceCell;

/// Reading stopped here, for this reason.
pub struct Stop(pub Unread);

/// The result of reading one construct.
pub type Read<T> = Result<T, Stop>;

/// A position in a script.
pub struct Reader<'s> {
    pub(crate) text: &'s [u8],
    pub(crate) at: usize,
    pub(crate) depth: usize,
    /// Steps left before reading gives up.
    pub(crate) fuel: usize,
    /// Whether the script is for `sh`, so that what bash, ksh and zsh add may mean something else.
    pub(crate) posix: bool,
    /// Where everything stands, if the text is not the script's own but was taken out of it: that of
    /// backquotes and here-documents.
    pub(crate) within: Option<Range>,
    pub(crate) pending: Vec<Pending>,
}

/// A here-document whose text is still to come.
pub(crate) struct Pending {
    /// Where its redirection looks for the text.
    pub text: Rc<OnceCell<Word>>,
    pub delimiter: Vec<u8>,
    pub quoted: bool,
    pub strip_tabs: bool,
    pub at: Range,
}

/// Words that begin or end a compound command, where a command may stand.
pub(crate) const RESERVED: &[&[u8]] = &[
    b"!",
    b"{",
    b"}",
    b"[[",
    b"if",
    b"then",
    b"elif",
    b"else",
    b"fi",
    b"for",
    b"while",
    b"until",
    b"do",
    b"done",
    b"case",
    b"esac",
    b"function",
    b"select",
    b"time",
    b"coproc",
];

/// Whether a word is one of the grammar's own.
pub fn is_reserved(word: &[u8]) -> bool {
    RESERVED.contains(&word) || word == b"in"
}

/// Where a list of commands ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Text,
    Parenthesis,
    Words(&'static [&'static [u8]]),
    CaseArm,
}

impl Reader<'_> {
    pub(crate) fn stop<T>(&self, why: Reason) -> Read<T> {
        Err(Stop(Unread { at: self.placed(self.at, self.text.len()), why }))
    }

    /// Where bytes of this text stand in the script.
    pub(crate) fn placed(&self, start: usize, end: usize) -> Range {
        self.within.unwrap_or(Range { start, end })
    }

    /// Enters one level of nesting.
    pub(crate) fn enter(&mut self) -> Read<()> {
        if self.depth == 0 {
            return self.stop(Reason::Depth);
        }
        self.depth -= 1;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth += 1;
    }

    pub(crate) fn spend(&mut self) -> Read<()> {
        match self.fuel.checked_sub(1) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => self.stop(Reason::ReadingTime),
        }
    }

    /// Skips escaped newlines, which are nothing.
    pub(crate) fn join_lines(&mut self) {
        while self.text.get(self.at..self.at + 2) == Some(b"\\\n") {
            self.at += 2;
        }
    }

    /// The byte at the position, escaped newlines skipped.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.join_lines();
        self.text.get(self.at).copied()
    }

    /// Whether the text goes on with these bytes, escaped newlines between them aside; if so, steps
    /// over them.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> bool {
        let start = self.at;
        for byte in bytes {
            if self.peek() != Some(*byte) {
                self.at = start;
                return false;
            }
            self.at += 1;
        }
        true
    }

    pub(crate) fn sees(&mut self, bytes: &[u8]) -> bool {
        let start = self.at;
        let answer = self.take(bytes);
        self.at = start;
        answer
    }

    /// Skips blanks and a comment.
    pub(crate) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        // A comment is at the start of a word: callers only ask between words.
        if self.peek() == Some(b'#') {
            while self.text.get(self.at).is_some_and(|&byte| byte != b'\n') {
                self.at += 1;
            }
        }
    }

    /// The reserved word at the position, if one stands there.
    pub(crate) fn reserved(&mut self) -> Option<&'static [u8]> {
        let start = self.at;
        let mut word = Vec::new();
        while let Some(byte) = self.peek() {
            if is_meta(byte) || word.len() > 8 {
                break;
            }
            word.push(byte);
            self.at += 1;
        }
        self.at = start;
        RESERVED.iter().copied().find(|known| *known == word.as_slice())
    }

    /// A shell variable's name at the position; `None` leaves the position anywhere.
    pub(crate) fn name(&mut self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        while let Some(byte) = self.peek() {
            if byte == b'_' || byte.is_ascii_alphabetic() || (!name.is_empty() && byte.is_ascii_digit()) {
                name.push(byte);
                self.at += 1;
            } else {
                break;
            }
        }
        (!name.is_empty()).then_some(name)
    }

    /// Unquoted text up to the next character that means something.
    pub(crate) fn plain_word(&mut self) -> Vec<u8> {
        let mut word = Vec::new();
        while let Some(byte) = self.peek() {
            if is_meta(byte) || matches!(byte, b'\'' | b'"' | b'\\' | b'$' | b'`') {
                break;
            }
            word.push(byte);
            self.at += 1;
        }
        word
    }
}

/// Characters that end a word where they are not quoted.
pub(crate) fn is_meta(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
}
