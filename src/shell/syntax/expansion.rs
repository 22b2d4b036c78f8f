//! In: a reader at a `$` or a backquote. Out: the part of a word that it becomes: a parameter, commands, arithmetic,
//! a quoted text. Not here: what it yields (`interpret/expand.rs`).

use super::ast::{Fallback, List, Operation, Parameter, Part, Word};
use super::list::script;
use super::reader::{Read, Reader};
use super::word::{Until, push_byte};
use crate::reason::Reason;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

impl Reader<'_> {
    /// The commands between backquotes; inside, a backslash quotes itself, `$` and the backquote.
    pub(crate) fn backquotes(&mut self, in_quotes: bool) -> Read<List> {
        let start = self.at;
        self.at += 1;
        let mut inner = Vec::new();
        loop {
            let Some(byte) = self.text.get(self.at).copied() else {
                return self.stop(Reason::UnterminatedBackquote);
            };
            self.at += 1;
            match byte {
                b'`' => break,
                b'\\' => {
                    let next = self.text.get(self.at).copied();
                    match next {
                        Some(next @ (b'`' | b'\\' | b'$')) => {
                            inner.push(next);
                            self.at += 1;
                        }
                        Some(b'"') if in_quotes => {
                            inner.push(b'"');
                            self.at += 1;
                        }
                        _ => inner.push(b'\\'),
                    }
                }
                _ => inner.push(byte),
            }
        }
        self.enter()?;
        let cost = inner.len();
        if self.fuel < cost {
            return self.stop(Reason::ReadingTime);
        }
        self.fuel -= cost;
        let list = script(&inner, self.posix, self.depth, Some(self.placed(start, self.at)));
        self.leave();
        // A fault inside backquotes is a fault of the command that holds them.
        match list.unread {
            Some(unread) => self.stop(unread.why),
            None => Ok(list),
        }
    }

    /// Everything that begins with `$`.
    pub(crate) fn dollar(&mut self, word: &mut Word, until: Until) -> Read<()> {
        let quoted = until.quoted();
        self.at += 1;
        match self.peek() {
            Some(b'(') => {
                if self.take(b"((") {
                    let start = self.at;
                    if let Ok(text) = self.arithmetic_text(b"))") {
                        word.parts.push(Part::Arithmetic { text, quoted });
                        return Ok(());
                    }
                    self.at = start - 1;
                    if self.fuel < 64 {
                        return self.stop(Reason::ReadingTime);
                    }
                    self.fuel -= 64;
                } else {
                    self.at += 1;
                }
                let body = self.nested_list()?;
                word.parts.push(Part::Command { body: Rc::new(body), quoted });
            }
            // A shell without it reads the text as it is.
            Some(b'[') if self.posix => return self.stop(Reason::Expansion),
            Some(b'[') => {
                self.at += 1;
                let text = self.arithmetic_text(b"]")?;
                word.parts.push(Part::Arithmetic { text, quoted });
            }
            Some(b'{') => {
                self.at += 1;
                let parameter = self.braced(quoted)?;
                word.parts.push(Part::Parameter { parameter: Box::new(parameter), quoted });
            }
            Some(b'\'') if !quoted => {
                self.at += 1;
                let raw = self.at;
                let bytes = self.ansi_quoted()?;
                if self.posix {
                    // A shell without $'…' reads a dollar and then a quoted string.
                    let plain = self.text.get(raw..self.at.saturating_sub(1)).unwrap_or_default();
                    if plain.contains(&b'\\') {
                        return self.stop(Reason::DollarQuote);
                    }
                    word.parts.push(Part::Perhaps(bytes));
                } else {
                    word.parts.push(Part::Quoted(bytes));
                }
            }
            Some(b'"') if !quoted => {
                // Translated by the message catalogue, if there is one: the text, or any other.
                self.at += 1;
                let inner = self.parts(Until::Quote)?;
                self.at += 1;
                let mut text = Vec::new();
                for part in inner.parts {
                    match part {
                        Part::Plain(bytes) | Part::Quoted(bytes) => text.extend_from_slice(&bytes),
                        // The translation may have it in another place.
                        _ => return self.stop(Reason::TranslatedExpansion),
                    }
                }
                word.parts.push(Part::Perhaps(text));
            }
            Some(byte) if byte == b'_' || byte.is_ascii_alphabetic() => {
                let name = self.name().unwrap_or_default();
                word.parts.push(plain_parameter(name, quoted));
            }
            Some(byte)
                if byte.is_ascii_digit()
                    || matches!(byte, b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') =>
            {
                self.at += 1;
                word.parts.push(plain_parameter(vec![byte], quoted));
            }
            _ => push_byte(word, b'$', quoted),
        }
        Ok(())
    }

    /// The inside of `$'…'`.
    fn ansi_quoted(&mut self) -> Read<Vec<u8>> {
        let mut bytes: Vec<u8> = Vec::new();
        let mut ended = false;
        loop {
            let Some(byte) = self.text.get(self.at).copied() else {
                return self.stop(Reason::UnterminatedQuote);
            };
            self.at += 1;
            let mut produced: Vec<u8> = Vec::new();
            match byte {
                b'\'' => return Ok(bytes),
                b'\\' => {
                    let Some(next) = self.text.get(self.at).copied() else {
                        return self.stop(Reason::UnterminatedQuote);
                    };
                    self.at += 1;
                    match next {
                        b'a' => produced.push(7),
                        b'b' => produced.push(8),
                        b'e' | b'E' => produced.push(27),
                        b'f' => produced.push(12),
                        b'n' => produced.push(b'\n'),
                        b'r' => produced.push(b'\r'),
                        b't' => produced.push(b'\t'),
                        b'v' => produced.push(11),
                        b'\\' | b'\'' | b'"' | b'?' => produced.push(next),
                        b'0'..=b'7' => {
                            self.at -= 1;
                            produced.push(u8::try_from(self.digits(3, 8) & 0xff).unwrap_or(0));
                        }
                        b'x' => {
                            if self.text.get(self.at) == Some(&b'{') {
                                return self.stop(Reason::Escape);
                            }
                            let before = self.at;
                            let value = self.digits(2, 16);
                            if self.at == before {
                                produced.extend_from_slice(b"\\x");
                            } else {
                                produced.push(u8::try_from(value & 0xff).unwrap_or(0));
                            }
                        }
                        b'u' | b'U' => {
                            let before = self.at;
                            let value = self.digits(if next == b'u' { 4 } else { 8 }, 16);
                            if self.at == before {
                                produced.extend_from_slice(&[b'\\', next]);
                            } else if value == 0 {
                                produced.push(0);
                            } else if value < 0x80 {
                                produced.push(u8::try_from(value).unwrap_or(0));
                            } else {
                                // Depends on the locale.
                                return self.stop(Reason::LocaleEscape);
                            }
                        }
                        b'c' => return self.stop(Reason::Escape),
                        _ => produced.extend_from_slice(&[b'\\', next]),
                    }
                }
                _ => produced.push(byte),
            }
            // A zero byte ends the string for bash; the rest is dropped.
            for byte in produced {
                ended |= byte == 0;
                if !ended {
                    bytes.push(byte);
                }
            }
        }
    }

    fn digits(&mut self, most: usize, base: u32) -> u32 {
        let mut value: u32 = 0;
        for _ in 0..most {
            let Some(digit) = self.text.get(self.at).and_then(|&byte| char::from(byte).to_digit(base)) else {
                break;
            };
            value = value.wrapping_mul(base).wrapping_add(digit);
            self.at += 1;
        }
        value
    }

    /// The inside of `${…}`.
    fn braced(&mut self, quoted: bool) -> Read<Parameter> {
        let mut parameter = Parameter {
            name: Vec::new(),
            indirect: false,
            length: false,
            subscript: None,
            operation: Operation::None,
        };
        self.prefix(&mut parameter);
        self.parameter_name(&mut parameter)?;
        // `${##[0-9]}` is `$#` without a digit.
        let subscripted =
            parameter.name.first().is_some_and(|byte| *byte == b'_' || byte.is_ascii_alphabetic());
        if subscripted && self.take(b"[") {
            parameter.subscript = Some(self.arithmetic_text(b"]")?);
        }
        if parameter.length {
            return if self.take(b"}") { Ok(parameter) } else { self.stop(Reason::Expansion) };
        }
        parameter.operation = self.operation(quoted, parameter.indirect)?;
        if self.take(b"}") { Ok(parameter) } else { self.stop(Reason::Expansion) }
    }

    /// `#` or `!` before the name.
    fn prefix(&mut self, parameter: &mut Parameter) {
        let first = self.peek();
        let named = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'*');
        if matches!(first, Some(b'#' | b'!')) {
            let start = self.at;
            self.at += 1;
            let prefix = self.peek().is_some_and(named);
            match first {
                Some(b'#') if prefix || matches!(self.peek(), Some(b'?' | b'!' | b'$' | b'#' | b'-')) => {
                    // `${#-x}` and its like are too clever; the plain forms end here.
                    parameter.length = true;
                }
                Some(b'!') if prefix => parameter.indirect = true,
                _ => {
                    // `${!#}` and `${!?}` are indirect in bash, a number with an operator elsewhere.
                    parameter.indirect = first == Some(b'!') && matches!(self.peek(), Some(b'#' | b'?'));
                    self.at = start;
                }
            }
        }
    }

    fn parameter_name(&mut self, parameter: &mut Parameter) -> Read<()> {
        match self.peek() {
            Some(byte) if byte == b'_' || byte.is_ascii_alphabetic() => {
                parameter.name = self.name().unwrap_or_default();
            }
            Some(byte) if byte.is_ascii_digit() => {
                while let Some(byte) = self.peek().filter(u8::is_ascii_digit) {
                    parameter.name.push(byte);
                    self.at += 1;
                }
            }
            Some(byte @ (b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!')) => {
                self.at += 1;
                parameter.name.push(byte);
            }
            _ => return self.stop(Reason::Expansion),
        }
        Ok(())
    }

    /// What is behind the name.
    fn operation(&mut self, quoted: bool, indirect: bool) -> Read<Operation> {
        let colon = self.take(b":");
        let brace = Until::Brace { quoted };
        Ok(match self.peek() {
            Some(b'}') if !colon => Operation::None,
            Some(byte @ (b'-' | b'=' | b'?' | b'+')) => {
                self.at += 1;
                let kind = match byte {
                    b'-' => Fallback::Use,
                    b'=' => Fallback::Assign,
                    b'?' => Fallback::Fail,
                    _ => Fallback::Alternative,
                };
                Operation::Default { kind, colon, word: self.parts(brace)? }
            }
            _ if colon => Operation::Slice(self.parts(Until::Brace { quoted: true })?),
            Some(b'#' | b'%') => {
                self.at += 1;
                if matches!(self.peek(), Some(b'#' | b'%')) {
                    self.at += 1;
                }
                // Quotes keep their meaning in a pattern even inside double quotes.
                Operation::Edit(vec![self.parts(Until::Brace { quoted: false })?])
            }
            Some(b'/') => {
                self.at += 1;
                if self.peek() == Some(b'/') {
                    self.at += 1;
                }
                let mut words = vec![self.parts(Until::Slash { quoted: false })?];
                // busybox loses what is behind it in the word.
                let lost = words
                    .iter()
                    .flat_map(|word| &word.parts)
                    .any(|part| matches!(part, Part::Command { .. }));
                if self.posix && lost {
                    return self.stop(Reason::OutputInReplacement);
                }
                if self.take(b"/") {
                    words.push(self.parts(Until::Brace { quoted: false })?);
                }
                Operation::Edit(words)
            }
            Some(b'^' | b',' | b'~') => {
                self.at += 1;
                Operation::Edit(vec![self.parts(Until::Brace { quoted: false })?])
            }
            Some(b'@' | b'*') if indirect => {
                self.at += 1;
                Operation::Edit(Vec::new())
            }
            Some(b'@') => {
                self.at += 1;
                match self.peek() {
                    Some(kind) if kind.is_ascii_alphabetic() => {
                        self.at += 1;
                        Operation::Transform(kind)
                    }
                    _ => return self.stop(Reason::Expansion),
                }
            }
            _ => return self.stop(Reason::Expansion),
        })
    }
}

fn plain_parameter(name: Vec<u8>, quoted: bool) -> Part {
    let parameter =
        Parameter { name, indirect: false, length: false, subscript: None, operation: Operation::None };
    Part::Parameter { parameter: Box::new(parameter), quoted }
}
