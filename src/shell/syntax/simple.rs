//! In: a reader at the start of a simple command. Out: its assignments, words and redirections.
//! Not here: the words' insides (`word.rs`) and here-documents (`here.rs`).

use super::ast::{Argument, Assigned, Assignment, Kind, Operator, Part, Redirection};
use super::reader::{Read, Reader, is_meta};
use crate::reason::Reason;
use alloc::vec::Vec;

impl Reader<'_> {
    /// A simple command, or the definition of a function.
    pub(crate) fn simple(&mut self) -> Read<(Kind, Vec<Redirection>)> {
        let mut assignments = Vec::new();
        let mut words: Vec<Argument> = Vec::new();
        let mut redirections = Vec::new();
        let mut declares = false;
        loop {
            self.spend()?;
            self.blanks();
            let start = self.at;
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
                continue;
            }
            match self.peek() {
                Some(b'(') if words.len() == 1 && assignments.is_empty() && redirections.is_empty() => {
                    let Some(Argument::Word(word)) = words.first() else {
                        return self.stop(Reason::NotUnderstood);
                    };
                    let name = self.text.get(word.at.start..word.at.end).unwrap_or_default().to_vec();
                    let plain = matches!(word.parts.as_slice(), [Part::Plain(bytes)] if *bytes == name);
                    self.at += 1;
                    self.blanks();
                    if !plain || !self.take(b")") {
                        return self.stop(Reason::NotUnderstood);
                    }
                    return Ok((self.function_body(name, false)?, Vec::new()));
                }
                Some(byte) if !is_meta(byte) || self.process_start() => {}
                Some(b'(') => return self.stop(Reason::NotUnderstood),
                _ if words.is_empty() && assignments.is_empty() && redirections.is_empty() => {
                    return self.stop(Reason::NotUnderstood);
                }
                _ => return Ok((Kind::Simple { assignments, words }, redirections)),
            }
            let assigns = words.is_empty() || declares;
            match if assigns { self.assignment()? } else { None } {
                Some(assignment) if words.is_empty() => assignments.push(assignment),
                Some(assignment) => words.push(Argument::Assignment(assignment)),
                None => {
                    self.at = start;
                    let word = self.word()?;
                    let written = self.text.get(word.at.start..word.at.end);
                    if self.posix && written == Some(b"[[") {
                        // busybox reads operators behind it as words, wherever it stands.
                        return self.stop(Reason::DoubleBracket);
                    }
                    if words.is_empty() {
                        declares = matches!(
                            self.text.get(word.at.start..word.at.end).unwrap_or_default(),
                            b"declare" | b"typeset" | b"export" | b"readonly" | b"local"
                        );
                    }
                    words.push(Argument::Word(word));
                }
            }
        }
    }

    /// An assignment at the position, or `None` (the position is then anywhere).
    pub(crate) fn assignment(&mut self) -> Read<Option<Assignment>> {
        let Some(name) = self.name() else { return Ok(None) };
        let mut subscript = None;
        if self.take(b"[") {
            match self.arithmetic_text(b"]") {
                Ok(word) if matches!(self.peek(), Some(b'=' | b'+')) => subscript = Some(word),
                _ => return Ok(None),
            }
        }
        let append = self.take(b"+=");
        if !append && !self.take(b"=") {
            return Ok(None);
        }
        let value = if self.peek() == Some(b'(') {
            if self.posix {
                return self.stop(Reason::NotUnderstood);
            }
            self.at += 1;
            let mut items = Vec::new();
            loop {
                self.spend()?;
                self.newlines()?;
                match self.peek() {
                    Some(b')') => {
                        self.at += 1;
                        break;
                    }
                    Some(byte) if !is_meta(byte) || self.process_start() => items.push(self.word()?),
                    _ => return self.stop(Reason::Incomplete),
                }
            }
            Assigned::Array(items)
        } else {
            Assigned::Word(self.word_or_nothing()?)
        };
        Ok(Some(Assignment { name, subscript, append, value }))
    }

    pub(crate) fn process_start(&mut self) -> bool {
        self.sees(b"<(") || self.sees(b">(")
    }

    /// A redirection at the position, if one stands there.
    pub(crate) fn redirection(&mut self) -> Read<Option<Redirection>> {
        let start = self.at;
        let mut variable = None;
        if self.take(b"{") {
            match self.name() {
                Some(name) if self.take(b"}") => variable = Some(name),
                Some(_) if self.peek() == Some(b'[') => {
                    // `{name[subscript]}>file`.
                    self.at = start;
                    self.word()?;
                    let ends = self.at.checked_sub(1).and_then(|at| self.text.get(at)) == Some(&b'}');
                    if ends && matches!(self.peek(), Some(b'<' | b'>')) {
                        return self.stop(Reason::Descriptor);
                    }
                    self.at = start;
                }
                _ => self.at = start,
            }
        } else {
            while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1;
            }
        }
        let prefixed = self.at != start;
        let operators: &[(&[u8], Operator)] = &[
            (b"&>>", Operator::BothAppend),
            (b"&>", Operator::Both),
            (b"<<<", Operator::Text),
            (b"<<", Operator::Text),
            (b"<&", Operator::DuplicateIn),
            (b"<>", Operator::ReadWrite),
            (b">>", Operator::Append),
            (b">&", Operator::DuplicateOut),
            (b">|", Operator::Clobber),
            (b"<", Operator::Read),
            (b">", Operator::Write),
        ];
        if !matches!(self.peek(), Some(b'<' | b'>' | b'&')) || (!prefixed && self.process_start()) {
            self.at = start;
            return Ok(None);
        }
        let Some((text, operator)) = operators.iter().find(|(text, _)| self.sees(text)) else {
            self.at = start;
            return Ok(None);
        };
        if prefixed && self.peek() == Some(b'&') {
            self.at = start;
            return Ok(None);
        }
        // A number of several digits is a word to dash, and to bash if it is too large; `{x}` is one to every `sh`.
        let digits = if variable.is_none() { self.at - start } else { 0 };
        if digits > if self.posix { 1 } else { 9 } || (variable.is_some() && self.posix) {
            return self.stop(Reason::Descriptor);
        }
        self.take(text);
        let (text, operator) = (*text, *operator);
        if text == b"<<" {
            return self.here_document(start, variable).map(Some);
        }
        self.blanks();
        if self.peek().is_none_or(is_meta) && !self.process_start() {
            return self.stop(Reason::Incomplete);
        }
        let closes =
            matches!(operator, Operator::DuplicateIn | Operator::DuplicateOut) && self.peek() == Some(b'-');
        if closes && !self.text.get(self.at + 1).copied().is_none_or(is_meta) {
            // bash ends the redirection at the `-`: `2>&-push` leaves a word `push`.
            return self.stop(Reason::ClosedDescriptor);
        }
        let target = self.word()?;
        Ok(Some(Redirection { operator, variable, here: None, target }))
    }
}
