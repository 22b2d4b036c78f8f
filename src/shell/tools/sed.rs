//! In: the text of a sed program. Out: the commands that it runs and the files that it writes and reads.
//!
//! One text can mean several things: GNU, BSD, busybox and toybox disagree about where labels and bracket expressions end, and
//! whether commands need a separator. The reader takes the most generous grammar, and where two readings exclude each
//! other it reads the program once for each. Not here: which word of a command line is the program
//! (`launch/language.rs`).

use super::effects::{File, INTEGER, ProgramEffects, Run, Stop, join};

/// What the program does, in every reading. Linear in its length.
pub(crate) fn read(program: &[u8]) -> ProgramEffects {
    if core::str::from_utf8(program).is_err() {
        return ProgramEffects::not_understood();
    }
    let (effects, end, ambiguous) = Reader::new(program, Reading::default()).whole();
    if !ambiguous {
        return join([(effects, end)]);
    }
    let all = [Brackets::Classes, Brackets::FirstClose, Brackets::Escapes];
    let others = all.into_iter().flat_map(|brackets| {
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(whole_labels, y_brackets)| Reading { brackets, whole_labels, y_brackets })
    });
    join(others.map(|reading| {
        let (effects, end, _) = Reader::new(program, reading).whole();
        (effects, end)
    }))
}

/// Where a bracket expression ends.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Brackets {
    /// At the first `]` that is neither first nor in a class such as `[:alpha:]`: POSIX.
    #[default]
    Classes,
    /// At the first `]` that is not first: busybox.
    FirstClose,
    /// As POSIX, but `\]` does not end it: BSD.
    Escapes,
}

/// One way to read a program.
#[derive(Clone, Copy, Default)]
struct Reading {
    brackets: Brackets,
    /// A label goes on to the end of its line (POSIX, BSD), instead of to a blank or `;`.
    whole_labels: bool,
    /// `y` looks for brackets too.
    y_brackets: bool,
}

struct Reader<'p> {
    text: &'p [u8],
    at: usize,
    reading: Reading,
    /// Something was met that other readings take otherwise.
    ambiguous: bool,
    effects: ProgramEffects,
}

impl<'p> Reader<'p> {
    fn new(text: &'p [u8], reading: Reading) -> Self {
        Self { text, at: 0, reading, ambiguous: false, effects: ProgramEffects::default() }
    }

    fn whole(mut self) -> (ProgramEffects, Result<(), Stop>, bool) {
        let end = self.commands();
        (self.effects, end, self.ambiguous)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
    }

    /// The rest of the line.
    fn line(&mut self) -> &'p [u8] {
        let start = self.at;
        self.skip(|byte| byte != b'\n');
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn commands(&mut self) -> Result<(), Stop> {
        loop {
            self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b';'));
            if self.peek().is_none() {
                return Ok(());
            }
            self.addresses()?;
            let Some(command) = self.peek() else { return Err(Stop::Rejected) };
            self.at += 1;
            self.command(command)?;
        }
    }

    /// Addresses in any number and order, and `!`: what is no address is refused by every implementation.
    fn addresses(&mut self) -> Result<(), Stop> {
        while let Some(byte) = self.peek() {
            match byte {
                b'0'..=b'9' | INTEGER | b'$' | b',' | b'~' | b'+' | b'!' | b' ' | b'\t' => self.at += 1,
                b'/' => {
                    self.at += 1;
                    self.regex_address(b'/')?;
                }
                b'\\' => {
                    self.at += 1;
                    let delimiter = self.delimiter()?;
                    self.regex_address(delimiter)?;
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn regex_address(&mut self, delimiter: u8) -> Result<(), Stop> {
        self.part(delimiter, true)?;
        self.skip(|byte| matches!(byte, b'I' | b'M'));
        Ok(())
    }

    fn command(&mut self, command: u8) -> Result<(), Stop> {
        match command {
            b'{' | b'}' | b'=' | b'd' | b'D' | b'F' | b'g' | b'G' | b'h' | b'H' | b'n' | b'N' | b'p'
            | b'P' | b'x' | b'z' => {}
            b'l' | b'L' | b'q' | b'Q' => {
                self.skip_blanks();
                self.skip(|byte| byte.is_ascii_digit() || byte == INTEGER);
            }
            b'#' => {
                self.line();
            }
            b':' | b'b' | b't' | b'T' | b'v' => self.label()?,
            b'a' | b'c' | b'i' => self.appended_text()?,
            b'e' => self.execution(),
            b'r' | b'R' => {
                let file = self.file_name()?;
                self.effects.read(file);
            }
            b'w' | b'W' => {
                let file = self.file_name()?;
                self.effects.write(file);
            }
            b's' => self.substitution()?,
            b'y' => {
                let delimiter = self.delimiter()?;
                self.part(delimiter, self.reading.y_brackets)?;
                self.part(delimiter, false)?;
            }
            // Every implementation has other commands than these for an error.
            byte if byte.is_ascii_alphanumeric() || byte.is_ascii_punctuation() && byte != b'\\' => {
                return Err(Stop::Rejected);
            }
            _ => return Err(Stop::Unclear),
        }
        Ok(())
    }

    fn label(&mut self) -> Result<(), Stop> {
        self.skip_blanks();
        if self.reading.whole_labels {
            self.line();
            return Ok(());
        }
        let start = self.at;
        self.skip(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b';'));
        let label = self.text.get(start..self.at).unwrap_or_default();
        if let Some(brace) = label.iter().position(|&byte| byte == b'}') {
            // Whether the brace belongs to the label must not matter to what follows.
            if label.get(brace..).unwrap_or_default().iter().any(|&byte| byte != b'}') {
                return Err(Stop::Unclear);
            }
        }
        self.ambiguous |= !matches!(self.peek(), None | Some(b'\n'));
        Ok(())
    }

    /// The text of `a`, `c` and `i`: up to a newline without a backslash before it.
    fn appended_text(&mut self) -> Result<(), Stop> {
        self.skip_blanks();
        if self.peek() == Some(b'\\') {
            self.at += 1;
            let first = self.at;
            self.skip_blanks();
            match self.peek() {
                Some(b'\n') if self.at == first => self.at += 1,
                // Blanks before the newline, or another backslash, are taken in different ways.
                Some(b'\n' | b'\\') => return Err(Stop::Unclear),
                _ => {}
            }
        }
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    /// GNU's `e`: runs its argument, or the pattern space.
    fn execution(&mut self) {
        self.skip_blanks();
        let text = self.line();
        let plain = !text.is_empty() && !text.iter().any(|byte| matches!(*byte, b'\\' | INTEGER));
        self.effects.run(if plain { Run::Script(text.to_vec()) } else { Run::Unknown });
    }

    fn file_name(&mut self) -> Result<File, Stop> {
        self.skip_blanks();
        let name = self.line();
        if name.is_empty() {
            return Err(Stop::Rejected);
        }
        if name.contains(&b'\\') {
            return Err(Stop::Unclear);
        }
        Ok(if name.contains(&INTEGER) { File::Unknown } else { File::Known(name.to_vec()) })
    }

    fn substitution(&mut self) -> Result<(), Stop> {
        let delimiter = self.delimiter()?;
        self.part(delimiter, true)?;
        self.part(delimiter, false)?;
        while let Some(flag) = self.peek() {
            match flag {
                b'g' | b'p' | b'i' | b'I' | b'm' | b'M' | b'0'..=b'9' | INTEGER => self.at += 1,
                b'e' => {
                    self.at += 1;
                    self.effects.run(Run::Unknown);
                }
                b'w' => {
                    self.at += 1;
                    let file = self.file_name()?;
                    self.effects.write(file);
                    return Ok(());
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// The character that ends the parts of `s`, `y` and `\cREc`.
    fn delimiter(&mut self) -> Result<u8, Stop> {
        let Some(byte) = self.peek() else { return Err(Stop::Rejected) };
        self.at += 1;
        match byte {
            // Without a backslash before a newline (busybox takes it away), other commands would stand here.
            b'\\' | b'\n' | b'[' | b']' => Err(Stop::Unclear),
            // The integer could hold the delimiter.
            b'0'..=b'9' | b'-' if self.text.contains(&INTEGER) => Err(Stop::Unclear),
            b' '..=b'~' => Ok(byte),
            _ => Err(Stop::Unclear),
        }
    }

    /// Goes behind the next delimiter. A newline may stand in it: who refuses that runs nothing.
    fn part(&mut self, delimiter: u8, brackets: bool) -> Result<(), Stop> {
        loop {
            match self.peek() {
                None => return Err(Stop::Rejected),
                Some(byte) if byte == delimiter => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.at += 2,
                Some(b'[') if brackets => self.bracket(delimiter)?,
                Some(b'[') => {
                    // Some look for brackets in `y` too.
                    self.ambiguous = true;
                    self.at += 1;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn bracket(&mut self, delimiter: u8) -> Result<(), Stop> {
        self.at += 1;
        if self.peek() == Some(b'^') {
            self.at += 1;
        }
        if self.peek() == Some(b']') {
            self.at += 1;
        }
        loop {
            let Some(byte) = self.peek() else { return Err(Stop::Rejected) };
            self.at += 1;
            self.ambiguous |= byte == delimiter || matches!(byte, b'\\' | b'[' | b'\n');
            match byte {
                b']' => return Ok(()),
                b'\\' if self.reading.brackets == Brackets::Escapes => self.at += 1,
                b'[' if self.reading.brackets != Brackets::FirstClose => {
                    let Some(kind @ (b':' | b'.' | b'=')) = self.peek() else { continue };
                    let inner = self.text.get(self.at + 1..).unwrap_or_default();
                    let length = inner.windows(2).position(|pair| pair == [kind, b']']);
                    self.at += length.ok_or(Stop::Unclear)? + 3;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::rust_2024::*;

    fn known(program: &str) -> ProgramEffects {
        read(program.as_bytes())
    }

    #[test]
    fn ordinary_programs_are_harmless() {
        for program in [
            "s/a/b/",
            "s|a|b|g;p",
            "1,5p",
            "/x/d",
            "$!d",
            "s/[a-z]/x/gI",
            "10q",
            "N;N;s/\\n/,/g",
            "y/abc/xyz/",
            ":a;N;$!ba;s/\\n/ /g",
            ":a;$!{N;ba};s/\\n/ /g",
            "/a/,/b/{s/x/y/;p}",
            "0~3d",
            "0,/re/Is//x/",
            "$!N;P;D",
            "1!G;h;$!d",
            "s/[^/]*$//",
            "s:[[:space:]]*$::",
            "/^#/d # w out",
            "a\\\n1e id\\\nw out",
            "i w out; e id",
            "1i\\  hello",
            "\\,/etc,d",
            "s,/,\\,,g",
            "2q5",
            "l 5",
            "/x/{n;d}",
            "s/\\//w/",
            "s/[/]/w/",
            "/a\\/w/d",
            "s/a/\\\nw b/",
            "$a\\",
            "x;G;1!h;s/\\n/&/2p",
            "",
            "#n\n/x/p",
            "s/ee/w/m",
            "4,$ { /^$/d }",
            "s/a/b/ ; s/b/c/",
        ] {
            assert!(known(program).is_harmless(), "{program:?}: {:?}", known(program));
        }
    }

    #[test]
    fn what_runs_is_announced() {
        for program in ["s/a/b/e", "e", "1e  ", "s/a/b/ge", "s,a,b,2ep", "/[/]/s//x/e", "1e a\\b", "x;e"] {
            assert_eq!(known(program).runs, [Run::Unknown], "{program:?}");
        }
        for (program, script) in [("1e id", "id"), ("p;ecat f;x", "cat f;x"), ("$!{e  a b\n}", "a b")] {
            assert_eq!(known(program).runs, [Run::Script(script.into())], "{program:?}");
        }
    }

    #[test]
    fn what_is_written_and_read_is_announced() {
        for (program, file) in [
            ("w f", "f"),
            ("s/a/b/w f", "f"),
            ("p;W a b;p", "a b;p"),
            ("dw out", "out"),
            ("{p}w out", "out"),
            ("s/a/b/ w out", "out"),
            ("bx w out", "out"),
            ("a x\\\\\nw out", "out"),
            ("# \\\nw out", "out"),
            ("bx;a\\\nw out", "out"),
            ("s/[[:a:]/]/w out/", "out/"),
            ("y/[/]/w out/", "out/"),
            ("/[\\]/]/w out", "out"),
            ("\\xaxw out", "out"),
            ("1 , 2 w out", "out"),
            ("/a/MIw out", "out"),
            ("a\nw out", "out"),
        ] {
            let effects = known(program);
            let noted = effects.writes.contains(&File::Known(file.into()));
            assert!(noted || effects.not_understood, "{program:?}: {effects:?}");
        }
        assert_eq!(known("r f").reads, [File::Known(b"f".to_vec())]);
        assert_eq!(known("1R a b").reads, [File::Known(b"a b".to_vec())]);
    }

    #[test]
    fn what_nobody_reads_is_rejected_and_what_is_unclear_said() {
        for program in [".bak", "s/a/b", "1", "f.txt", "k", "s/a", "w", "y/a"] {
            assert!(known(program).rejected, "{program:?}");
        }
        for program in [
            "p\\\nw out",
            "ba}w w out",
            "w out\\\n",
            "s[a[b[",
            "s/[[:/x/",
            "p\r",
            "a\\ \nw out",
            "a \\\\\n\\\nw out",
        ] {
            assert!(known(program).not_understood, "{program:?}");
        }
        assert!(read(b"s/\xff/x/").not_understood);
    }

    #[test]
    fn an_unknown_integer_is_an_address_or_text() {
        assert!(read(&[INTEGER, b',', INTEGER, b'p']).is_harmless());
        assert!(read(&[b's', b'/', b'a', b'/', INTEGER, b'/']).is_harmless());
        assert_eq!(read(&[b'w', b'f', INTEGER]).writes, [File::Unknown]);
        assert!(read(&[b's', INTEGER, b'a', b'b']).not_understood);
        assert!(read(&[b's', b'-', b'a', b'-', INTEGER, b'-']).not_understood);
    }
}
