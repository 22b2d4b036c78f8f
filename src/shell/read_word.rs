//! In: a reader at the start of a word. Out: the word's parts: text, quoted text, expansions.
//! Not here: what an expansion yields (`expand.rs`).

use super::ast::{List, Range};
use super::ast::{Operation, Parameter, Part, Word};
use super::read::{Read, Reader, is_meta, script};
use std::rc::Rc;

/// Where a run of word parts ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
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
    fn quoted(self) -> bool {
        match self {
            Self::Meta | Self::Blank => false,
            Self::Brace { quoted } | Self::Slash { quoted } => quoted,
            Self::Quote | Self::Arithmetic(_) | Self::Text => true,
        }
    }
}

impl Reader<'_> {
    /// A word, at least one byte long.
    pub(super) fn word(&mut self) -> Read<Word> {
        let word = self.word_or_nothing()?;
        if word.parts.is_empty() { self.stop("is not understood") } else { Ok(word) }
    }

    /// A word, perhaps empty, as after `name=`.
    pub(super) fn word_or_nothing(&mut self) -> Read<Word> {
        self.parts(Until::Meta)
    }

    /// The right side of a comparison in `[[ … ]]`.
    pub(super) fn pattern_word(&mut self) -> Read<Word> {
        self.parts(Until::Blank)
    }

    /// The text of a here-document: everything to the end.
    pub(super) fn here_text(&mut self) -> Read<Word> {
        self.parts(Until::Text)
    }

    /// Arithmetic up to its closing brackets, which are stepped over.
    pub(super) fn arithmetic_text(&mut self, close: &'static [u8]) -> Read<Word> {
        self.parts(Until::Arithmetic(close))
    }

    fn parts(&mut self, until: Until) -> Read<Word> {
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
                return self.stop("is not complete");
            };
            match until {
                Until::Meta if is_meta(byte) && !(self.sees(b"<(") || self.sees(b">(")) => {
                    break;
                }
                Until::Blank if matches!(byte, b' ' | b'\t' | b'\n') && nested == 0 => break,
                Until::Blank if byte == b'(' => nested += 1,
                Until::Blank if byte == b')' => match nested.checked_sub(1) {
                    Some(left) => nested = left,
                    None => break,
                },
                Until::Blank if nested == 0 && (self.sees(b"&&") || self.sees(b"||")) => break,
                Until::Quote if byte == b'"' => break,
                Until::Brace { .. } if byte == b'}' => break,
                Until::Slash { .. } if byte == b'}' || (byte == b'/' && self.at > start) => break,
                Until::Arithmetic(close) => match byte {
                    b'(' | b'[' => nested += 1,
                    b')' | b']' if nested > 0 => nested -= 1,
                    b')' | b']' => {
                        if self.take(close) {
                            word.at = Range { start, end: self.at };
                            return Ok(word);
                        }
                        return self.stop("is not understood");
                    }
                    _ => {}
                },
                _ => {}
            }
            match byte {
                b'\\' => self.backslash(&mut word, until)?,
                b'\'' if !quoted => {
                    self.at += 1;
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    let Some(length) = rest.iter().position(|&byte| byte == b'\'') else {
                        return self.stop("has a quote without an end");
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
                        return self.stop("is not understood");
                    }
                    self.at += 2;
                    let body = self.nested_list()?;
                    if body.entries.is_empty() {
                        // bash makes no word of it.
                        return self.stop("is not understood");
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
                return self.stop("ends in a backslash, which shells read differently");
            }
            // A backslash before anything else is itself.
            _ => word.parts.push(Part::Quoted(vec![b'\\'])),
        }
        Ok(())
    }

    /// The commands between backquotes; inside, a backslash quotes itself, `$` and the backquote.
    fn backquotes(&mut self, in_quotes: bool) -> Read<List> {
        let start = self.at;
        self.at += 1;
        let mut inner = Vec::new();
        loop {
            let Some(byte) = self.text.get(self.at).copied() else {
                return self.stop("has a backquote without an end");
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
            return self.stop("takes too long to read");
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
    fn dollar(&mut self, word: &mut Word, until: Until) -> Read<()> {
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
                        return self.stop("takes too long to read");
                    }
                    self.fuel -= 64;
                } else {
                    self.at += 1;
                }
                let body = self.nested_list()?;
                word.parts.push(Part::Command { body: Rc::new(body), quoted });
            }
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
                        return self.stop("has quotes whose meaning depends on the shell");
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
                        _ => return self.stop("is translated with an expansion in it"),
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
                return self.stop("has a quote without an end");
            };
            self.at += 1;
            let mut produced: Vec<u8> = Vec::new();
            match byte {
                b'\'' => return Ok(bytes),
                b'\\' => {
                    let Some(next) = self.text.get(self.at).copied() else {
                        return self.stop("has a quote without an end");
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
                                return self.stop("has an escape that shells read differently");
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
                                return self.stop("has an escape that depends on the locale");
                            }
                        }
                        b'c' => return self.stop("has an escape that shells read differently"),
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
            _ => return self.stop("has an expansion that is not understood"),
        }
        // `${##[0-9]}` is `$#` without a digit.
        let subscripted =
            parameter.name.first().is_some_and(|byte| *byte == b'_' || byte.is_ascii_alphabetic());
        if subscripted && self.take(b"[") {
            parameter.subscript = Some(self.arithmetic_text(b"]")?);
        }
        if parameter.length {
            return if self.take(b"}") {
                Ok(parameter)
            } else {
                self.stop("has an expansion that is not understood")
            };
        }
        let colon = self.take(b":");
        let brace = Until::Brace { quoted };
        parameter.operation = match self.peek() {
            Some(b'}') if !colon => Operation::None,
            Some(kind @ (b'-' | b'=' | b'?' | b'+')) => {
                self.at += 1;
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
                    return self.stop("replaces what a command prints, which shells read differently");
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
            Some(b'@' | b'*') if parameter.indirect => {
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
                    _ => return self.stop("has an expansion that is not understood"),
                }
            }
            _ => return self.stop("has an expansion that is not understood"),
        };
        if self.take(b"}") { Ok(parameter) } else { self.stop("has an expansion that is not understood") }
    }
}

fn plain_parameter(name: Vec<u8>, quoted: bool) -> Part {
    let parameter =
        Parameter { name, indirect: false, length: false, subscript: None, operation: Operation::None };
    Part::Parameter { parameter: Box::new(parameter), quoted }
}

fn push_byte(word: &mut Word, byte: u8, quoted: bool) {
    match (word.parts.last_mut(), quoted) {
        (Some(Part::Plain(bytes)), false) => bytes.push(byte),
        (Some(Part::Quoted(bytes)), true) => bytes.push(byte),
        (_, false) => word.parts.push(Part::Plain(vec![byte])),
        (_, true) => word.parts.push(Part::Quoted(vec![byte])),
    }
}
