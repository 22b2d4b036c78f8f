//! In: a reader after `<<`, and later at the end of that line. Out: the here-document's text.
//! Not here: what is expanded in it (`interpret/expand.rs`).

use super::ast::{Operator, Part, Range, Redirection, Word};
use super::reader::{Pending, Read, Reader, Stop};
use crate::reason::Reason;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::OnceCell;

impl Reader<'_> {
    /// `<<`: notes the delimiter; the text comes after the line.
    pub(crate) fn here_document(&mut self, start: usize, variable: Option<Vec<u8>>) -> Read<Redirection> {
        let strip_tabs = self.take(b"-");
        self.blanks();
        let from = self.at;
        let word = self.word()?;
        let raw = self.text.get(from..self.at).unwrap_or_default();
        let mut delimiter = Vec::new();
        let mut quoted = false;
        for part in &word.parts {
            match part {
                Part::Plain(bytes) => delimiter.extend_from_slice(bytes),
                Part::Quoted(bytes) => {
                    quoted = true;
                    delimiter.extend_from_slice(bytes);
                }
                _ => return self.stop(Reason::HereDocumentDelimiter),
            }
        }
        if delimiter.contains(&b'\n') || raw.is_empty() {
            return self.stop(Reason::HereDocumentDelimiter);
        }
        let at = Range { start, end: self.at };
        let text = Rc::new(OnceCell::new());
        self.pending.push(Pending { text: Rc::clone(&text), delimiter, quoted, strip_tabs, at });
        let target = Word { at, parts: Vec::new() };
        Ok(Redirection { operator: Operator::Text, variable, here: Some(text), target })
    }

    /// Reads the texts of the here-documents that a newline has made due.
    pub(crate) fn here_documents(&mut self) -> Read<()> {
        for pending in core::mem::take(&mut self.pending) {
            let mut body = Vec::new();
            let mut joined = false;
            // A line that goes on in the next one, so far.
            let mut whole = Vec::new();
            loop {
                let rest = self.text.get(self.at..).unwrap_or_default();
                if rest.is_empty() {
                    return self.stop(Reason::UnterminatedHereDocument);
                }
                let length = rest.iter().position(|&byte| byte == b'\n');
                let mut line = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
                self.at += length.map_or(rest.len(), |length| length + 1);
                if pending.strip_tabs {
                    let tabs = line.iter().take_while(|&&byte| byte == b'\t').count();
                    line = line.get(tabs..).unwrap_or_default();
                }
                if line == pending.delimiter {
                    if joined {
                        // Shells disagree whether this line still ends the text.
                        return self.stop(Reason::HereDocumentEnd);
                    }
                    break;
                }
                whole.extend_from_slice(line);
                if joined && whole == pending.delimiter {
                    return self.stop(Reason::HereDocumentEnd);
                }
                let backslashes = line.iter().rev().take_while(|&&byte| byte == b'\\').count();
                joined = !pending.quoted && backslashes % 2 == 1;
                whole.truncate(if joined { whole.len() - 1 } else { 0 });
                body.extend_from_slice(line);
                body.push(b'\n');
            }
            let text = if pending.quoted {
                Word { at: pending.at, parts: vec![Part::Quoted(body)] }
            } else {
                let mut inner = Reader {
                    text: &body,
                    at: 0,
                    depth: self.depth,
                    fuel: self.fuel,
                    posix: self.posix,
                    within: Some(self.placed(pending.at.start, pending.at.end)),
                    pending: Vec::new(),
                };
                let word = inner.here_text();
                self.fuel = inner.fuel;
                match word {
                    Ok(mut word) => {
                        word.at = pending.at;
                        word
                    }
                    Err(Stop(unread)) => return self.stop(unread.why),
                }
            };
            if pending.text.set(text).is_err() {
                return self.stop(Reason::NotUnderstood);
            }
        }
        Ok(())
    }
}
