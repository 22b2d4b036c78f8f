//! In: the text of an awk program. Out: the commands that it runs and the files that it writes and reads.
//!
//! The tokens (`awk/lexer.rs`) tell operators from strings and regular expressions; then a `>` is a redirection in a `print` outside of
//! parentheses, and a `|` a pipe. Where implementations take one text for different tokens, each reading counts.
//! Not here: which word of a command line is the program (`launch/language.rs`).

mod lexer;

use super::effects::{File, ProgramEffects, Run, Stop, join};
use alloc::vec::Vec;
use lexer::{Brackets, Reading, Token, tokens};

/// What the program does, in every reading. Linear in its length.
pub(crate) fn read(program: &[u8]) -> ProgramEffects {
    if core::str::from_utf8(program).is_err() {
        return ProgramEffects::not_understood();
    }
    let one = |reading| {
        let lexed = tokens(program, reading);
        let (effects, balanced) = Scan::new(&lexed.tokens).whole();
        ((effects, lexed.end.and(balanced)), lexed.ambiguous)
    };
    let (first, ambiguous) = one(Reading::default());
    if !ambiguous {
        return join([first]);
    }
    let all = [Brackets::None, Brackets::Classes, Brackets::Escapes];
    join(all.into_iter().flat_map(|brackets| {
        [(false, false), (false, true), (true, false), (true, true)].map(
            |(regex_after_control, regex_after_loose)| {
                one(Reading { brackets, regex_after_control, regex_after_loose }).0
            },
        )
    }))
}

/// A walk over the tokens.
struct Scan<'t, 'p> {
    tokens: &'t [Token<'p>],
    effects: ProgramEffects,
    /// The brackets that are open.
    open: Vec<u8>,
    /// A `print` goes on, and this many brackets were open where it began.
    print: Option<usize>,
    /// A `getline` may take `<` and a file here.
    getline: Option<usize>,
    /// Changes the environment or the list of input files.
    environment: bool,
}

impl<'t, 'p> Scan<'t, 'p> {
    fn new(tokens: &'t [Token<'p>]) -> Self {
        Self {
            tokens,
            effects: ProgramEffects::default(),
            open: Vec::new(),
            print: None,
            getline: None,
            environment: false,
        }
    }

    fn whole(mut self) -> (ProgramEffects, Result<(), Stop>) {
        for at in 0..self.tokens.len() {
            if let Err(stop) = self.step(at) {
                return (self.effects, Err(stop));
            }
        }
        if self.environment && !self.effects.runs.is_empty() {
            self.effects.run(Run::Unknown);
        }
        let end = if self.open.is_empty() { Ok(()) } else { Err(Stop::Rejected) };
        (self.effects, end)
    }

    fn token(&self, at: usize) -> Option<&'t Token<'p>> {
        self.tokens.get(at)
    }

    fn before(&self, at: usize) -> Option<&'t Token<'p>> {
        at.checked_sub(1).and_then(|at| self.token(at))
    }

    fn step(&mut self, at: usize) -> Result<(), Stop> {
        let Some(token) = self.token(at) else { return Ok(()) };
        let depth = self.open.len();
        let printing = self.print == Some(depth);
        match token {
            Token::Open(kind) => self.open.push(*kind),
            Token::Close(kind, _) => {
                if self.open.pop() != Some(*kind) {
                    return Err(Stop::Rejected);
                }
                if *kind == b'{' || self.print > Some(self.open.len()) {
                    self.print = None;
                }
                self.getline = self.getline.filter(|&depth| depth <= self.open.len());
            }
            Token::Semicolon => self.print = None,
            Token::Newline if printing && !self.before(at).is_some_and(Token::continues) => self.print = None,
            Token::Word(word) => self.word(at, word),
            Token::Text { inet: true, .. } => self.effects.connects = true,
            Token::Append => self.effects.write(self.file_after(at, Token::ends_statement)),
            Token::Greater if printing => self.effects.write(self.file_after(at, Token::ends_statement)),
            Token::Less if self.getline == Some(depth) => {
                self.effects.read(self.file_after(at, Token::ends_operand));
            }
            Token::Pipe => self.pipe(at, printing),
            _ => {}
        }
        if self.getline == Some(self.open.len()) && !token.belongs_to_getline() {
            self.getline = None;
        }
        Ok(())
    }

    fn word(&mut self, at: usize, word: &[u8]) {
        match word {
            b"print" | b"printf" => self.print = Some(self.open.len()),
            b"getline" => self.getline = Some(self.open.len()),
            b"system" => {
                let known = match (self.token(at + 1), self.token(at + 2), self.token(at + 3)) {
                    (
                        Some(Token::Open(b'(')),
                        Some(Token::Text { value: Some(text), .. }),
                        Some(Token::Close(..)),
                    ) => Run::Script(text.clone()),
                    _ => Run::Unknown,
                };
                self.effects.run(known);
            }
            // gawk gives it to the commands.
            b"ENVIRON" => self.environment = true,
            // The operands can be set, and gawk connects to some.
            b"ARGV" | b"SYMTAB" => {
                self.environment = true;
                self.effects.read(File::Unknown);
            }
            _ => {}
        }
    }

    fn pipe(&mut self, at: usize, printing: bool) {
        let literal = |token: Option<&Token<'_>>| match token {
            Some(Token::Text { value: Some(text), .. }) => Some(Run::Script(text.clone())),
            _ => None,
        };
        let run = if printing {
            literal(self.token(at + 1)).filter(|_| self.token(at + 2).is_none_or(Token::ends_statement))
        } else if matches!(self.token(at + 1), Some(Token::Word(b"getline"))) {
            let start = at.checked_sub(2).and_then(|at| self.token(at));
            literal(self.before(at)).filter(|_| match at {
                0 => false,
                1 => true,
                _ => start.is_some_and(Token::starts_expression),
            })
        } else {
            None
        };
        self.effects.run(run.unwrap_or(Run::Unknown));
    }

    /// The file that is named after an operator, if its name is one string.
    fn file_after(&self, at: usize, ends: impl Fn(&Token<'p>) -> bool) -> File {
        match self.token(at + 1) {
            Some(Token::Text { value: Some(name), .. }) if self.token(at + 2).is_none_or(ends) => {
                File::Known(name.clone())
            }
            _ => File::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
