//! In: the bytes of a script. Out: its syntax tree ([`List`]), read as bash 5.2 reads it, up to the
//! first thing that is not understood. Here: lists, pipelines, and what every part of the reader uses.
//! Not here: commands (`read_simple.rs`, `read_compound.rs`) and the words' insides (`read_word.rs`).
//!
//! The reader is written by hand, with an explicit depth and an explicit amount of work, because
//! its input is hostile: no nesting may exhaust the stack and no backtracking may be exponential
//! (`docs/scripts.md`, "Why an own reader").

use super::ast::{Command, Entry, Join, Kind, List, Range, Unread};
use super::read_here::Pending;

/// Reading stopped here, for this reason.
pub struct Stop(pub Unread);

/// The result of reading one construct.
pub type Read<T> = Result<T, Stop>;

/// A position in a script.
pub struct Reader<'s> {
    pub(super) text: &'s [u8],
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Steps left before reading gives up.
    pub(super) fuel: usize,
    /// Whether the script is for `sh`, so that what bash, ksh and zsh add may mean something else.
    pub(super) posix: bool,
    /// Where everything stands, if the text is not the script's own but was taken out of it: that of
    /// backquotes and here-documents.
    pub(super) within: Option<Range>,
    pub(super) pending: Vec<Pending>,
}

/// Words that begin or end a compound command, where a command may stand.
pub(super) const RESERVED: &[&[u8]] = &[
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
pub(super) enum End {
    Text,
    Parenthesis,
    Words(&'static [&'static [u8]]),
    CaseArm,
}

/// Reads a whole script. What cannot be read is in [`List::unread`]; the commands before it stand,
/// as a shell would have run the lines before it.
///
/// The text may be a part of another one, taken out of it: then everything stands at `within`.
pub fn script(text: &[u8], posix: bool, depth: usize, within: Option<Range>) -> List {
    let fuel = 20_000 + 64 * text.len();
    let mut reader = Reader { text, at: 0, depth, fuel, posix, within, pending: Vec::new() };
    let mut all = List::default();
    loop {
        let start = reader.at;
        match reader.line() {
            Ok(Some(mut line)) => {
                all.entries.append(&mut line.entries);
            }
            Ok(None) => return all,
            Err(Stop(unread)) => {
                all.unread = Some(Unread { at: reader.placed(start, text.len()), why: unread.why });
                return all;
            }
        }
    }
}

impl<'s> Reader<'s> {
    pub(super) fn stop<T>(&self, why: &'static str) -> Read<T> {
        Err(Stop(Unread { at: self.placed(self.at, self.text.len()), why }))
    }

    /// Where bytes of this text stand in the script.
    pub(super) fn placed(&self, start: usize, end: usize) -> Range {
        self.within.unwrap_or(Range { start, end })
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

    pub(super) fn spend(&mut self) -> Read<()> {
        match self.fuel.checked_sub(1) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => self.stop("takes too long to read"),
        }
    }

    /// Skips escaped newlines, which are nothing.
    pub(super) fn join_lines(&mut self) {
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
    pub(super) fn newlines(&mut self) -> Read<()> {
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
    pub(super) fn reserved(&mut self) -> Option<&'static [u8]> {
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
    pub(super) fn expect(&mut self, word: &'static [u8]) -> Read<()> {
        self.newlines()?;
        if self.reserved() == Some(word) && self.take(word) {
            return Ok(());
        }
        self.stop("is not complete")
    }

    /// One complete command line of the script, or `None` at its end.
    pub(super) fn line(&mut self) -> Read<Option<List>> {
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

    pub(super) fn at_end(&mut self, end: End) -> bool {
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
    pub(super) fn list_until(&mut self, end: End, one_line: bool) -> Read<List> {
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

    pub(super) fn pipeline(&mut self) -> Read<Vec<Command>> {
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
            let start = self.at;
            if self.reserved() == Some(b"time") && self.time_keyword() {
                if matches!(self.peek(), None | Some(b'\n' | b';')) && commands.is_empty() {
                    return Ok(commands);
                }
                if !self.posix {
                    continue;
                }
                commands.push(self.timed(start)?);
            } else {
                commands.push(self.command()?);
            }
            self.blanks();
            if self.sees(b"||") || !(self.take(b"|&") || self.take(b"|")) {
                return Ok(commands);
            }
        }
    }

    /// What follows `time` in a script for `sh`, where it is a keyword in some shells and a program in others: a program does not see the
    /// shell's functions, and leaves no variable behind.
    fn timed(&mut self, start: usize) -> Read<Command> {
        const DIFFERENT: &str = "is timed by a program in some shells";
        let pending = self.pending.len();
        if self.reserved() == Some(b"time") || self.reserved() == Some(b"!") {
            return self.stop(DIFFERENT);
        }
        let keyword = self.command()?;
        let end = self.at;
        let otherwise = if matches!(keyword.kind, Kind::Simple { .. }) {
            self.at = start;
            let program = self.command()?;
            if self.at != end || self.pending.len() != pending {
                return self.stop(DIFFERENT);
            }
            Some(List::of(program))
        } else {
            None
        };
        let at = keyword.at;
        let arms = vec![(List::default(), List::of(keyword))];
        Ok(Command { at, kind: Kind::If { arms, otherwise }, redirections: Vec::new() })
    }

    /// Steps over `time` or `time -p`, unless another option follows.
    pub(super) fn time_keyword(&mut self) -> bool {
        let start = self.at;
        self.take(b"time");
        self.blanks();
        if self.peek() == Some(b'-') {
            let ends = |byte: Option<u8>| byte.is_none_or(is_meta);
            let dashed = self.take(b"-p") || self.take(b"--");
            let next = self.peek();
            if dashed && ends(next) {
                self.blanks();
                if self.peek() == Some(b'-') {
                    // `time -p -- COMMAND`: the program of that name reads them alike.
                    self.at = start;
                    return false;
                }
            }
            if !(dashed && ends(next)) {
                self.at = start;
                return false;
            }
            self.blanks();
        }
        true
    }

    pub(super) fn command(&mut self) -> Read<Command> {
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
        Ok(Command { at: self.placed(start, self.at), kind, redirections })
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
    pub(super) fn plain_word(&mut self) -> Vec<u8> {
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
