//! In: the bytes of a script. Out: its syntax tree ([`List`]), read as bash 5.2 reads it, up to the
//! first thing that is not understood. Here: lists and pipelines.
//! Not here: commands (`simple.rs`, `compound.rs`) and the insides of words (`word.rs`).
//!
//! The reader is written by hand, with an explicit depth and an explicit amount of work, because
//! its input is hostile: no nesting may exhaust the stack and no backtracking may be exponential
//! (`docs/scripts.md`, "Why an own reader").

use super::ast::{Command, Entry, Join, Kind, List, Range, Unread};
use super::reader::{End, Read, Reader, Stop, is_meta};
use crate::reason::Reason;
use alloc::vec;
use alloc::vec::Vec;

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

impl Reader<'_> {
    /// Skips blanks, comments and newlines; at a newline, here-documents are read.
    pub(crate) fn newlines(&mut self) -> Read<()> {
        loop {
            self.blanks();
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.at += 1;
            self.here_documents()?;
        }
    }

    /// Steps over a reserved word, or stops.
    pub(crate) fn expect(&mut self, word: &'static [u8]) -> Read<()> {
        self.newlines()?;
        if self.reserved() == Some(word) && self.take(word) {
            return Ok(());
        }
        self.stop(Reason::Incomplete)
    }

    /// One complete command line of the script, or `None` at its end.
    pub(crate) fn line(&mut self) -> Read<Option<List>> {
        self.newlines()?;
        if self.peek().is_none() {
            return Ok(None);
        }
        let list = self.list_until(End::Text, true)?;
        if !self.pending.is_empty() {
            return self.stop(Reason::UnterminatedHereDocument);
        }
        Ok(Some(list))
    }

    pub(crate) fn at_end(&mut self, end: End) -> bool {
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
    pub(crate) fn list_until(&mut self, end: End, one_line: bool) -> Read<List> {
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
                return self.stop(Reason::NotUnderstood);
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
            return self.stop(Reason::Incomplete);
        }
        Ok(list)
    }

    pub(crate) fn pipeline(&mut self) -> Read<Vec<Command>> {
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
        const DIFFERENT: Reason = Reason::TimeKeyword;
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
    pub(crate) fn time_keyword(&mut self) -> bool {
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

    pub(crate) fn command(&mut self) -> Read<Command> {
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
    pub(crate) fn nested_list(&mut self) -> Read<List> {
        self.enter()?;
        let outer = core::mem::take(&mut self.pending);
        let list = self.list_until(End::Parenthesis, false);
        self.leave();
        let unfinished = !core::mem::replace(&mut self.pending, outer).is_empty();
        let list = list?;
        if !self.take(b")") {
            return self.stop(Reason::Incomplete);
        }
        if unfinished {
            return self.stop(Reason::UnterminatedHereDocument);
        }
        Ok(list)
    }
}
