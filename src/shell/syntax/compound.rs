//! In: a reader at the start of a command. Out: its kind: groups, subshells, `if`, loops, `case`, `[[`,
//! functions, coprocesses. Not here: simple commands (`simple.rs`) and lists (`list.rs`).

use super::ast::{Kind, List, Redirection};
use super::reader::{End, RESERVED, Read, Reader, is_meta};
use crate::reason::Reason;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

impl Reader<'_> {
    pub(crate) fn kind(&mut self) -> Read<(Kind, Vec<Redirection>)> {
        if self.peek() == Some(b'(') {
            return Ok((self.parentheses()?, Vec::new()));
        }
        let Some(word) = self.reserved() else { return self.simple() };
        let kind = match word {
            b"{" => {
                self.take(b"{");
                let body = self.list_until(End::Words(&[b"}"]), false)?;
                self.expect(b"}")?;
                Kind::Group(body)
            }
            b"if" => self.conditional()?,
            b"while" | b"until" => {
                self.take(word);
                let condition = self.list_until(End::Words(&[b"do"]), false)?;
                Kind::While { condition, body: self.do_body()? }
            }
            b"for" | b"select" => self.for_loop(word)?,
            b"case" => self.case()?,
            b"function" => self.function_keyword()?,
            b"[[" => self.test()?,
            b"coproc" => self.coprocess()?,
            b"time" => return self.simple(),
            _ => return self.stop(Reason::NotUnderstood),
        };
        Ok((kind, Vec::new()))
    }

    /// `(…)`, or `((…))` if it is arithmetic.
    pub(crate) fn parentheses(&mut self) -> Read<Kind> {
        let start = self.at;
        if self.take(b"((") {
            let pending = self.pending.len();
            if let Ok(word) = self.arithmetic_text(b"))") {
                return Ok(Kind::Arithmetic(word));
            }
            self.spend()?;
            self.at = start;
            self.pending.truncate(pending);
        }
        self.take(b"(");
        let body = self.list_until(End::Parenthesis, false)?;
        if !self.take(b")") {
            return self.stop(Reason::Incomplete);
        }
        Ok(Kind::Subshell(body))
    }

    pub(crate) fn conditional(&mut self) -> Read<Kind> {
        self.take(b"if");
        let mut arms = Vec::new();
        loop {
            let condition = self.list_until(End::Words(&[b"then"]), false)?;
            self.expect(b"then")?;
            let body = self.list_until(End::Words(&[b"elif", b"else", b"fi"]), false)?;
            arms.push((condition, body));
            match self.reserved() {
                Some(b"elif") => self.take(b"elif"),
                Some(b"else") => {
                    self.take(b"else");
                    let otherwise = Some(self.list_until(End::Words(&[b"fi"]), false)?);
                    self.expect(b"fi")?;
                    return Ok(Kind::If { arms, otherwise });
                }
                _ => {
                    self.expect(b"fi")?;
                    return Ok(Kind::If { arms, otherwise: None });
                }
            };
        }
    }

    pub(crate) fn do_body(&mut self) -> Read<List> {
        self.newlines()?;
        let (open, close): (&'static [u8], &'static [&'static [u8]]) =
            if self.reserved() == Some(b"{") { (b"{", &[b"}"]) } else { (b"do", &[b"done"]) };
        self.expect(open)?;
        let body = self.list_until(End::Words(close), false)?;
        match close {
            [close] => self.expect(close)?,
            _ => return self.stop(Reason::NotUnderstood),
        }
        Ok(body)
    }

    pub(crate) fn for_loop(&mut self, keyword: &'static [u8]) -> Read<Kind> {
        self.take(keyword);
        self.blanks();
        if self.take(b"((") {
            let text = self.arithmetic_text(b"))")?;
            self.blanks();
            self.take(b";");
            return Ok(Kind::ForArithmetic { parts: vec![text], body: self.do_body()? });
        }
        let Some(name) = self.name() else { return self.stop(Reason::NotUnderstood) };
        self.newlines()?;
        let mut words = None;
        if self.sees(b"in") {
            self.take(b"in");
            if !self.peek().is_none_or(is_meta) {
                return self.stop(Reason::NotUnderstood);
            }
            let mut list = Vec::new();
            loop {
                self.blanks();
                match self.peek() {
                    Some(b';' | b'\n') => break,
                    Some(byte) if !is_meta(byte) || byte == b'<' => list.push(self.word()?),
                    _ => return self.stop(Reason::Incomplete),
                }
            }
            words = Some(list);
        }
        self.take(b";");
        let body = self.do_body()?;
        Ok(Kind::For { select: keyword == b"select", name, words, body })
    }

    pub(crate) fn case(&mut self) -> Read<Kind> {
        self.take(b"case");
        self.blanks();
        let word = self.word()?;
        self.newlines()?;
        if !self.take(b"in") {
            return self.stop(Reason::Incomplete);
        }
        let mut arms = Vec::new();
        loop {
            self.newlines()?;
            if self.reserved() == Some(b"esac") {
                self.take(b"esac");
                return Ok(Kind::Case { word, arms });
            }
            self.spend()?;
            self.take(b"(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                patterns.push(self.word()?);
                self.blanks();
                if self.take(b")") {
                    break;
                }
                if !self.take(b"|") {
                    return self.stop(Reason::NotUnderstood);
                }
            }
            let body = self.list_until(End::CaseArm, false)?;
            arms.push((patterns, body));
            if !(self.take(b";;&") || self.take(b";;") || self.take(b";&")) {
                self.expect(b"esac")?;
                return Ok(Kind::Case { word, arms });
            }
        }
    }

    pub(crate) fn function_keyword(&mut self) -> Read<Kind> {
        self.take(b"function");
        self.blanks();
        let name = self.plain_word();
        if name.is_empty() {
            return self.stop(Reason::NotUnderstood);
        }
        self.blanks();
        if self.take(b"(") {
            self.blanks();
            if !self.take(b")") {
                return self.stop(Reason::NotUnderstood);
            }
        }
        self.function_body(name, true)
    }

    pub(crate) fn function_body(&mut self, name: Vec<u8>, keyword: bool) -> Read<Kind> {
        self.newlines()?;
        let compound = self.peek() == Some(b'(')
            || self.reserved().is_some_and(|word| {
                !matches!(
                    word,
                    b"!" | b"time" | b"function" | b"coproc" | b"then" | b"do" | b"fi" | b"done" | b"}"
                )
            });
        if !compound {
            return self.stop(Reason::NotUnderstood);
        }
        Ok(Kind::Function { keyword, name, body: Rc::new(self.command()?) })
    }

    pub(crate) fn coprocess(&mut self) -> Read<Kind> {
        self.take(b"coproc");
        self.blanks();
        let start = self.at;
        if !self.plain_word().is_empty() {
            self.blanks();
            let compound = self.peek() == Some(b'(')
                || matches!(
                    self.reserved(),
                    Some(b"{" | b"if" | b"while" | b"until" | b"for" | b"case" | b"select" | b"[[")
                );
            if !compound || RESERVED.contains(&self.text.get(start..self.at).unwrap_or_default()) {
                self.at = start;
            }
        }
        if RESERVED.iter().any(|word| self.text.get(start..).is_some_and(|rest| rest.starts_with(word))) {
            self.at = start;
        }
        Ok(Kind::Coprocess(Box::new(self.command()?)))
    }

    /// `[[ … ]]`: the words are kept, the operators only looked at.
    pub(crate) fn test(&mut self) -> Read<Kind> {
        self.take(b"[[");
        let mut words = Vec::new();
        let (mut arithmetic, mut operators, mut pattern) = (false, false, false);
        loop {
            self.spend()?;
            self.blanks();
            // A shell without `[[` ends the command here.
            operators |= self.peek() == Some(b'\n');
            self.newlines()?;
            match self.peek() {
                None => return self.stop(Reason::Incomplete),
                Some(b'(' | b')' | b'<' | b'>' | b'&' | b'|' | b'!') if !pattern => {
                    if self.take(b"!=") {
                        pattern = true;
                    } else if self.sees(b"<(") || self.sees(b">(") {
                        return self.stop(Reason::NotUnderstood);
                    } else {
                        operators |= self.peek() != Some(b'!');
                        self.at += 1;
                    }
                }
                Some(b']') if self.sees(b"]]") && !pattern => {
                    let start = self.at;
                    self.take(b"]]");
                    if self.peek().is_none_or(is_meta) {
                        return Ok(Kind::Test { words, arithmetic, operators });
                    }
                    self.at = start;
                    words.push(self.word()?);
                }
                Some(_) if pattern => {
                    words.push(self.pattern_word()?);
                    pattern = false;
                }
                Some(_) => {
                    let start = self.at;
                    words.push(self.word()?);
                    let text = self.text.get(start..self.at).unwrap_or_default();
                    // An operator can be continued on the next line.
                    let text = &*text
                        .split(|&byte| byte == b'\n')
                        .map(|line| line.strip_suffix(b"\\").unwrap_or(line))
                        .collect::<Vec<_>>()
                        .concat();
                    arithmetic |=
                        matches!(text, b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" | b"-v" | b"-R");
                    // An operator in disguise would be one more way round.
                    pattern = matches!(text, b"=" | b"==" | b"=~");
                }
            }
        }
    }
}
