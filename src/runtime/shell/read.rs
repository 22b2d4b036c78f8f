//! In: the bytes of a script. Out: its syntax tree ([`List`]), read as bash 5.2 reads it, up to the
//! first thing that is not understood. Not here: the words' insides (`read_word.rs`).
//!
//! The reader is written by hand, with an explicit depth and an explicit amount of work, because
//! its input is hostile: no nesting may exhaust the stack and no backtracking may be exponential
//! (`docs/scripts.md`, "Why an own reader").

use super::ast::{
    Argument, Assigned, Assignment, Command, Entry, Join, Kind, List, Operator, Range, Redirection, Unread,
    Word,
};
use std::cell::OnceCell;
use std::rc::Rc;

/// Reading stopped here, for this reason.
pub struct Stop(pub Unread);

/// The result of reading one construct.
pub type Read<T> = Result<T, Stop>;

/// A here-document whose text is still to come.
struct Pending {
    /// Where its redirection looks for the text.
    text: Rc<OnceCell<Word>>,
    delimiter: Vec<u8>,
    quoted: bool,
    strip_tabs: bool,
    at: Range,
}

/// A position in a script.
pub struct Reader<'s> {
    pub(super) text: &'s [u8],
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Steps left before reading gives up.
    pub(super) fuel: usize,
    /// Whether the shell is bash, ksh or zsh, whose words know more quotes than POSIX.
    pub(super) posix: bool,
    pending: Vec<Pending>,
}

/// Words that begin or end a compound command, where a command may stand.
const RESERVED: &[&[u8]] = &[
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
enum End {
    Text,
    Parenthesis,
    Words(&'static [&'static [u8]]),
    CaseArm,
}

/// Reads a whole script. What cannot be read is in [`List::unread`]; the commands before it stand,
/// as a shell would have run the lines before it.
pub fn script(text: &[u8], posix: bool, depth: usize) -> List {
    let mut reader =
        Reader { text, at: 0, depth, fuel: 20_000 + 64 * text.len(), posix, pending: Vec::new() };
    let mut all = List::default();
    loop {
        let start = reader.at;
        match reader.line() {
            Ok(Some(mut line)) => {
                all.entries.append(&mut line.entries);
            }
            Ok(None) => return all,
            Err(Stop(unread)) => {
                all.unread = Some(Unread { at: Range { start, end: text.len() }, why: unread.why });
                return all;
            }
        }
    }
}

impl<'s> Reader<'s> {
    pub(super) fn stop<T>(&self, why: &'static str) -> Read<T> {
        Err(Stop(Unread { at: Range { start: self.at, end: self.text.len() }, why }))
    }

    /// Enters one level of nesting.
    pub(super) fn enter(&mut self) -> Read<()> {
        if self.depth == 0 {
            return self.stop("is nested too deeply");
        }
        self.depth -= 1;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth += 1;
    }

    fn spend(&mut self) -> Read<()> {
        match self.fuel.checked_sub(1) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => self.stop("takes too long to read"),
        }
    }

    /// Skips escaped newlines, which are nothing.
    fn join_lines(&mut self) {
        while self.text.get(self.at..self.at + 2) == Some(b"\\\n") {
            self.at += 2;
        }
    }

    /// The byte at the position, escaped newlines skipped.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.join_lines();
        self.text.get(self.at).copied()
    }

    /// Whether the text goes on with these bytes, escaped newlines between them aside; if so, steps
    /// over them.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
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

    pub(super) fn sees(&mut self, bytes: &[u8]) -> bool {
        let start = self.at;
        let answer = self.take(bytes);
        self.at = start;
        answer
    }

    /// Skips blanks and a comment.
    pub(super) fn blanks(&mut self) {
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

    /// Skips blanks, comments and newlines; at a newline, here-documents are read.
    fn newlines(&mut self) -> Read<()> {
        loop {
            self.blanks();
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.at += 1;
            self.here_documents()?;
        }
    }

    /// The reserved word at the position, if one stands there.
    fn reserved(&mut self) -> Option<&'static [u8]> {
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

    /// Steps over a reserved word, or stops.
    fn expect(&mut self, word: &'static [u8]) -> Read<()> {
        self.newlines()?;
        if self.reserved() == Some(word) && self.take(word) {
            return Ok(());
        }
        self.stop("is not complete")
    }

    /// One complete command line of the script, or `None` at its end.
    fn line(&mut self) -> Read<Option<List>> {
        self.newlines()?;
        if self.peek().is_none() {
            return Ok(None);
        }
        let list = self.list_until(End::Text, true)?;
        if !self.pending.is_empty() {
            return self.stop("has a here-document without an end");
        }
        Ok(Some(list))
    }

    fn at_end(&mut self, end: End) -> bool {
        match self.peek() {
            None => true,
            Some(b')') => matches!(end, End::Parenthesis),
            Some(b';') if self.sees(b";;") || self.sees(b";&") => end == End::CaseArm,
            _ => match end {
                End::Words(words) => self.reserved().is_some_and(|word| words.contains(&word)),
                End::CaseArm => self.reserved() == Some(b"esac"),
                End::Text | End::Parenthesis => false,
            },
        }
    }

    /// Reads a list up to its end, which is left standing. With `one_line`, up to a newline.
    fn list_until(&mut self, end: End, one_line: bool) -> Read<List> {
        let mut list = List::default();
        let mut join = Join::Then;
        self.newlines()?;
        while !self.at_end(end) {
            self.spend()?;
            let pipeline = self.pipeline()?;
            let mut entry = Entry { join, background: false, pipeline };
            join = Join::Then;
            self.blanks();
            if self.take(b"&&") {
                join = Join::And;
            } else if self.take(b"||") {
                join = Join::Or;
            } else if self.sees(b";;") || self.sees(b";&") {
                list.entries.push(entry);
                break;
            } else if self.take(b"&") {
                // The whole and-or list before it runs in the background.
                entry.background = true;
                let mut joined = entry.join != Join::Then;
                for before in list.entries.iter_mut().rev() {
                    if !joined {
                        break;
                    }
                    before.background = true;
                    joined = before.join != Join::Then;
                }
            } else if self.take(b";") {
            } else if self.peek() == Some(b'\n') {
                self.at += 1;
                self.here_documents()?;
                if one_line {
                    list.entries.push(entry);
                    return Ok(list);
                }
            } else if !self.at_end(end) {
                return self.stop("is not understood");
            }
            list.entries.push(entry);
            if join == Join::Then {
                self.blanks();
                if one_line && self.peek() == Some(b'\n') {
                    self.at += 1;
                    self.here_documents()?;
                    return Ok(list);
                }
            }
            if join == Join::Then && one_line {
                self.blanks();
            } else {
                self.newlines()?;
            }
        }
        if join != Join::Then {
            return self.stop("is not complete");
        }
        Ok(list)
    }

    fn pipeline(&mut self) -> Read<Vec<Command>> {
        let mut commands = Vec::new();
        loop {
            self.newlines()?;
            // `!` and `time` change no command; `time` with other options is a program.
            if self.reserved() == Some(b"!") {
                self.at += 1;
                self.blanks();
                if matches!(self.peek(), None | Some(b'\n' | b';')) && commands.is_empty() {
                    return Ok(commands);
                }
                continue;
            }
            if self.reserved() == Some(b"time") && self.time_keyword() {
                if matches!(self.peek(), None | Some(b'\n' | b';')) && commands.is_empty() {
                    return Ok(commands);
                }
                continue;
            }
            commands.push(self.command()?);
            self.blanks();
            if self.sees(b"||") || !(self.take(b"|&") || self.take(b"|")) {
                return Ok(commands);
            }
        }
    }

    /// Steps over `time` or `time -p`, unless another option follows.
    fn time_keyword(&mut self) -> bool {
        let start = self.at;
        self.take(b"time");
        self.blanks();
        if self.peek() == Some(b'-') {
            let ends = |byte: Option<u8>| byte.is_none_or(is_meta);
            let dashed = self.take(b"-p") || self.take(b"--");
            let next = self.peek();
            if !(dashed && ends(next)) {
                self.at = start;
                return false;
            }
            self.blanks();
        }
        true
    }

    fn command(&mut self) -> Read<Command> {
        self.spend()?;
        self.enter()?;
        let start = self.at;
        let kind = self.kind();
        self.leave();
        let (kind, mut redirections) = kind?;
        if !matches!(kind, Kind::Simple { .. } | Kind::Function { .. } | Kind::Coprocess(_)) {
            loop {
                self.blanks();
                match self.redirection()? {
                    Some(redirection) => redirections.push(redirection),
                    None => break,
                }
            }
        }
        Ok(Command { at: Range { start, end: self.at }, kind, redirections })
    }

    fn kind(&mut self) -> Read<(Kind, Vec<Redirection>)> {
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
            _ => return self.stop("is not understood"),
        };
        Ok((kind, Vec::new()))
    }

    /// `(…)`, or `((…))` if it is arithmetic.
    fn parentheses(&mut self) -> Read<Kind> {
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
            return self.stop("is not complete");
        }
        Ok(Kind::Subshell(body))
    }

    fn conditional(&mut self) -> Read<Kind> {
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

    fn do_body(&mut self) -> Read<List> {
        self.newlines()?;
        let (open, close): (&'static [u8], &'static [&'static [u8]]) =
            if self.reserved() == Some(b"{") { (b"{", &[b"}"]) } else { (b"do", &[b"done"]) };
        self.expect(open)?;
        let body = self.list_until(End::Words(close), false)?;
        match close {
            [close] => self.expect(close)?,
            _ => return self.stop("is not understood"),
        }
        Ok(body)
    }

    fn for_loop(&mut self, keyword: &'static [u8]) -> Read<Kind> {
        self.take(keyword);
        self.blanks();
        if self.take(b"((") {
            let text = self.arithmetic_text(b"))")?;
            self.blanks();
            self.take(b";");
            return Ok(Kind::ForArithmetic { parts: vec![text], body: self.do_body()? });
        }
        let Some(name) = self.name() else { return self.stop("is not understood") };
        self.newlines()?;
        let mut words = None;
        if self.sees(b"in") {
            self.take(b"in");
            if !self.peek().is_none_or(is_meta) {
                return self.stop("is not understood");
            }
            let mut list = Vec::new();
            loop {
                self.blanks();
                match self.peek() {
                    Some(b';' | b'\n') => break,
                    Some(byte) if !is_meta(byte) || byte == b'<' => list.push(self.word()?),
                    _ => return self.stop("is not complete"),
                }
            }
            words = Some(list);
        }
        self.take(b";");
        let body = self.do_body()?;
        Ok(Kind::For { name, words, body })
    }

    fn case(&mut self) -> Read<Kind> {
        self.take(b"case");
        self.blanks();
        let word = self.word()?;
        self.newlines()?;
        if !self.take(b"in") {
            return self.stop("is not complete");
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
                    return self.stop("is not understood");
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

    fn function_keyword(&mut self) -> Read<Kind> {
        self.take(b"function");
        self.blanks();
        let name = self.plain_word();
        if name.is_empty() {
            return self.stop("is not understood");
        }
        self.blanks();
        if self.take(b"(") {
            self.blanks();
            if !self.take(b")") {
                return self.stop("is not understood");
            }
        }
        self.function_body(name)
    }

    fn function_body(&mut self, name: Vec<u8>) -> Read<Kind> {
        self.newlines()?;
        let compound = self.peek() == Some(b'(')
            || self.reserved().is_some_and(|word| {
                !matches!(
                    word,
                    b"!" | b"time" | b"function" | b"coproc" | b"then" | b"do" | b"fi" | b"done" | b"}"
                )
            });
        if !compound {
            return self.stop("is not understood");
        }
        Ok(Kind::Function { name, body: Rc::new(self.command()?) })
    }

    fn coprocess(&mut self) -> Read<Kind> {
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
    fn test(&mut self) -> Read<Kind> {
        self.take(b"[[");
        let mut words = Vec::new();
        let (mut arithmetic, mut operators, mut pattern) = (false, false, false);
        loop {
            self.spend()?;
            self.newlines()?;
            match self.peek() {
                None => return self.stop("is not complete"),
                Some(b'(' | b')' | b'<' | b'>' | b'&' | b'|' | b'!') if !pattern => {
                    if self.take(b"!=") {
                        pattern = true;
                    } else if self.sees(b"<(") || self.sees(b">(") {
                        return self.stop("is not understood");
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
                    arithmetic |=
                        matches!(text, b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" | b"-v" | b"-R");
                    // An operator in disguise would be one more way round.
                    pattern = matches!(text, b"=" | b"==" | b"=~");
                }
            }
        }
    }

    /// A simple command, or the definition of a function.
    fn simple(&mut self) -> Read<(Kind, Vec<Redirection>)> {
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
                        return self.stop("is not understood");
                    };
                    let name = self.text.get(word.at.start..word.at.end).unwrap_or_default().to_vec();
                    let plain =
                        matches!(word.parts.as_slice(), [super::ast::Part::Plain(bytes)] if *bytes == name);
                    self.at += 1;
                    self.blanks();
                    if !plain || !self.take(b")") {
                        return self.stop("is not understood");
                    }
                    return Ok((self.function_body(name)?, Vec::new()));
                }
                Some(byte) if !is_meta(byte) || self.process_start() => {}
                Some(b'(') => return self.stop("is not understood"),
                _ if words.is_empty() && assignments.is_empty() && redirections.is_empty() => {
                    return self.stop("is not understood");
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
    fn assignment(&mut self) -> Read<Option<Assignment>> {
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
                return self.stop("is not understood");
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
                    _ => return self.stop("is not complete"),
                }
            }
            Assigned::Array(items)
        } else {
            Assigned::Word(self.word_or_nothing()?)
        };
        Ok(Some(Assignment { name, subscript, append, value }))
    }

    fn process_start(&mut self) -> bool {
        self.sees(b"<(") || self.sees(b">(")
    }

    /// A redirection at the position, if one stands there.
    fn redirection(&mut self) -> Read<Option<Redirection>> {
        let start = self.at;
        let mut variable = None;
        if self.take(b"{") {
            match self.name() {
                Some(name) if self.take(b"}") => variable = Some(name),
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
        self.take(text);
        let (text, operator) = (*text, *operator);
        if text == b"<<" {
            return self.here_document(start, variable).map(Some);
        }
        self.blanks();
        if self.peek().is_none_or(is_meta) && !self.process_start() {
            return self.stop("is not complete");
        }
        let target = self.word()?;
        Ok(Some(Redirection { operator, variable, here: None, target }))
    }

    /// `<<`: notes the delimiter; the text comes after the line.
    fn here_document(&mut self, start: usize, variable: Option<Vec<u8>>) -> Read<Redirection> {
        let strip_tabs = self.take(b"-");
        self.blanks();
        let from = self.at;
        let word = self.word()?;
        let raw = self.text.get(from..self.at).unwrap_or_default();
        let mut delimiter = Vec::new();
        let mut quoted = false;
        for part in &word.parts {
            match part {
                super::ast::Part::Plain(bytes) => delimiter.extend_from_slice(bytes),
                super::ast::Part::Quoted(bytes) => {
                    quoted = true;
                    delimiter.extend_from_slice(bytes);
                }
                _ => return self.stop("has a here-document with a delimiter that is not plain"),
            }
        }
        if delimiter.contains(&b'\n') || raw.is_empty() {
            return self.stop("has a here-document with a delimiter that is not plain");
        }
        let at = Range { start, end: self.at };
        let text = Rc::new(OnceCell::new());
        self.pending.push(Pending { text: Rc::clone(&text), delimiter, quoted, strip_tabs, at });
        let target = Word { at, parts: Vec::new() };
        Ok(Redirection { operator: Operator::Text, variable, here: Some(text), target })
    }

    /// Reads the texts of the here-documents that a newline has made due.
    fn here_documents(&mut self) -> Read<()> {
        for pending in std::mem::take(&mut self.pending) {
            let mut body = Vec::new();
            let mut joined = false;
            loop {
                let rest = self.text.get(self.at..).unwrap_or_default();
                if rest.is_empty() {
                    return self.stop("has a here-document without an end");
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
                        return self.stop("has a here-document with an unclear end");
                    }
                    break;
                }
                let backslashes = line.iter().rev().take_while(|&&byte| byte == b'\\').count();
                joined = !pending.quoted && backslashes % 2 == 1;
                body.extend_from_slice(line);
                body.push(b'\n');
            }
            let text = if pending.quoted {
                Word { at: pending.at, parts: vec![super::ast::Part::Quoted(body)] }
            } else {
                let mut inner = Reader {
                    text: &body,
                    at: 0,
                    depth: self.depth,
                    fuel: self.fuel,
                    posix: self.posix,
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
                return self.stop("is not understood");
            }
        }
        Ok(())
    }

    /// A list inside a word, `$(…)` or `<(…)`, up to its closing parenthesis. Its here-documents are
    /// its own.
    pub(super) fn nested_list(&mut self) -> Read<List> {
        self.enter()?;
        let outer = std::mem::take(&mut self.pending);
        let list = self.list_until(End::Parenthesis, false);
        self.leave();
        let unfinished = !std::mem::replace(&mut self.pending, outer).is_empty();
        let list = list?;
        if !self.take(b")") {
            return self.stop("is not complete");
        }
        if unfinished {
            return self.stop("has a here-document without an end");
        }
        Ok(list)
    }

    /// A shell variable's name at the position; `None` leaves the position anywhere.
    pub(super) fn name(&mut self) -> Option<Vec<u8>> {
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
    fn plain_word(&mut self) -> Vec<u8> {
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
pub(super) fn is_meta(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
}
