//! In: the text of an awk program. Out: its tokens, as one reading of the language has them.
//! Not here: what the tokens mean (`awk.rs`).

use crate::tools::effects::{INTEGER, Stop};
use alloc::vec::Vec;

/// A token, as far as it matters which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'p> {
    Newline,
    Semicolon,
    /// `(`, `[` or `{`.
    Open(u8),
    /// What closes an [`Token::Open`], by the opening character.
    Close(u8, Parenthesis),
    Number,
    Text {
        /// What it stands for, if every implementation agrees.
        value: Option<Vec<u8>>,
        /// Whether it holds the name of a network file of gawk's.
        inet: bool,
    },
    Regex,
    Word(&'p [u8]),
    Greater,
    /// `>>`.
    Append,
    Less,
    /// `|` and `|&`.
    Pipe,
    /// `&&` and `||`.
    Logical,
    Comma,
    Question,
    Colon,
    /// `=`, `+=` and so on.
    Assign,
    Dollar,
    /// `++` and `--`.
    Step,
    /// `-` and `!`, which can stand in an lvalue (`$-x`).
    Sign,
    /// `==`, `!=`, `<=`, `>=`, `~`, `!~`.
    Compare,
    /// All other operators.
    Operator,
}

/// What a closing bracket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parenthesis {
    /// The condition of `if`, `while`, `for` or `switch`: a statement follows.
    Control,
    /// Anything else.
    Other,
}

impl Token<'_> {
    /// Whether a statement goes on in the next line.
    pub fn continues(&self) -> bool {
        matches!(self, Self::Comma | Self::Logical | Self::Question | Self::Colon | Self::Open(b'{'))
            || matches!(self, Self::Word(b"do" | b"else"))
    }

    pub fn ends_statement(&self) -> bool {
        matches!(self, Self::Semicolon | Self::Newline | Self::Close(b'{', _))
    }

    /// Whether a string before it is a whole operand of `getline <`.
    pub fn ends_operand(&self) -> bool {
        self.ends_statement()
            || matches!(self, Self::Close(..) | Self::Greater | Self::Compare | Self::Logical | Self::Comma)
            || matches!(self, Self::Question | Self::Colon)
    }

    /// Whether a string after it, before a `|`, is the whole left operand.
    pub fn starts_expression(&self) -> bool {
        self.ends_statement()
            || matches!(self, Self::Open(_) | Self::Close(_, Parenthesis::Control) | Self::Assign)
            || matches!(self, Self::Logical | Self::Comma | Self::Word(b"do" | b"else" | b"return"))
    }

    /// Whether it can stand between `getline` and `<`.
    pub fn belongs_to_getline(&self) -> bool {
        matches!(self, Self::Word(_) | Self::Dollar | Self::Number | Self::Step | Self::Sign)
            || matches!(self, Self::Open(b'(' | b'[') | Self::Close(b'(' | b'[', _))
    }
}

/// How bracket expressions in a regular expression are read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Brackets {
    /// They may hold a `/`, and `\]` does not end them: gawk, mawk.
    #[default]
    Escapes,
    /// They may hold a `/`, and a backslash is one of their characters.
    Classes,
    /// They are not looked for: busybox, the one true awk.
    None,
}

/// One way to read a program.
#[derive(Clone, Copy, Default)]
pub(super) struct Reading {
    pub brackets: Brackets,
    /// A `/` after `if (…)` begins a regular expression.
    pub regex_after_control: bool,
    /// A `/` after a word such as `length`, a string or `++` begins a regular expression.
    pub regex_after_loose: bool,
}

/// The tokens of a program.
pub(super) struct Lexed<'p> {
    pub tokens: Vec<Token<'p>>,
    /// How the reading ended.
    pub end: Result<(), Stop>,
    /// Another reading may give other tokens.
    pub ambiguous: bool,
}

/// Reads the tokens.
pub(super) fn tokens(program: &[u8], reading: Reading) -> Lexed<'_> {
    let mut lexer = Lexer {
        text: program,
        at: 0,
        reading,
        tokens: Vec::new(),
        parentheses: Vec::new(),
        ambiguous: false,
    };
    let end = lexer.whole();
    Lexed { tokens: lexer.tokens, end, ambiguous: lexer.ambiguous }
}

struct Lexer<'p> {
    text: &'p [u8],
    at: usize,
    reading: Reading,
    tokens: Vec<Token<'p>>,
    /// What each open parenthesis is.
    parentheses: Vec<Parenthesis>,
    ambiguous: bool,
}

impl<'p> Lexer<'p> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn ahead(&self, by: usize) -> Option<u8> {
        self.text.get(self.at + by).copied()
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn whole(&mut self) -> Result<(), Stop> {
        while let Some(byte) = self.peek() {
            let token = match byte {
                b' ' | b'\t' => {
                    self.at += 1;
                    continue;
                }
                b'\\' if self.ahead(1) == Some(b'\n') => {
                    self.at += 2;
                    continue;
                }
                b'#' => {
                    self.skip(|byte| byte != b'\n');
                    continue;
                }
                b'"' => self.string()?,
                b'/' => self.slash()?,
                b'0'..=b'9' | INTEGER => self.number()?,
                b'.' if self.ahead(1).is_some_and(|next| next.is_ascii_digit()) => self.number()?,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                    let start = self.at;
                    self.skip(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    if self.peek() == Some(INTEGER) {
                        return Err(Stop::Unclear);
                    }
                    Token::Word(self.text.get(start..self.at).unwrap_or_default())
                }
                _ => self.operator(byte)?,
            };
            self.tokens.push(token);
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Token<'p>, Stop> {
        self.at += 1;
        let start = self.at;
        let mut value = Some(Vec::new());
        loop {
            let Some(byte) = self.peek() else { return Err(Stop::Rejected) };
            let raw = self.text.get(start..self.at).unwrap_or_default();
            self.at += 1;
            let plain = match byte {
                b'"' => {
                    let inet = |text: &[u8]| text.windows(5).any(|window| window == b"/inet");
                    let inet = inet(raw) || value.as_deref().is_some_and(inet);
                    return Ok(Token::Text { value, inet });
                }
                b'\n' => return Err(Stop::Rejected),
                b'\\' => {
                    let escaped = self.peek();
                    self.at += 1;
                    match escaped {
                        Some(byte @ (b'"' | b'\\' | b'/')) => Some(byte),
                        Some(b'n') => Some(b'\n'),
                        Some(b't') => Some(b'\t'),
                        _ => None,
                    }
                }
                INTEGER => None,
                byte => Some(byte),
            };
            match (plain, &mut value) {
                (Some(byte), Some(bytes)) => bytes.push(byte),
                _ => value = None,
            }
        }
    }

    /// A division or the start of a regular expression, by what stands before it.
    fn slash(&mut self) -> Result<Token<'p>, Stop> {
        let mut before = self.tokens.iter().rev();
        let mut last = before.next();
        // A condition may be followed by newlines before its statement.
        while last == Some(&Token::Newline) {
            match before.next() {
                Some(Token::Newline) => {}
                control @ Some(Token::Close(_, Parenthesis::Control)) => last = control,
                _ => break,
            }
        }
        let regex = match last {
            Some(Token::Close(_, Parenthesis::Control)) => {
                self.ambiguous = true;
                self.reading.regex_after_control
            }
            Some(Token::Number | Token::Close(b'(' | b'[', _)) => false,
            Some(Token::Text { .. } | Token::Step | Token::Regex) => {
                self.ambiguous = true;
                self.reading.regex_after_loose
            }
            Some(Token::Word(word)) => match word_before_slash(word) {
                Some(regex) => regex,
                None => {
                    self.ambiguous = true;
                    self.reading.regex_after_loose
                }
            },
            _ => true,
        };
        self.at += 1;
        if regex {
            return self.regex();
        }
        if self.peek() == Some(b'=') {
            self.at += 1;
            return Ok(Token::Assign);
        }
        Ok(Token::Operator)
    }

    fn regex(&mut self) -> Result<Token<'p>, Stop> {
        loop {
            let Some(byte) = self.peek() else { return Err(Stop::Rejected) };
            self.at += 1;
            match byte {
                b'/' => return Ok(Token::Regex),
                b'\n' => return Err(Stop::Rejected),
                b'\\' => self.at += 1,
                b'[' => self.bracket()?,
                _ => {}
            }
        }
    }

    fn bracket(&mut self) -> Result<(), Stop> {
        if self.reading.brackets == Brackets::None {
            return Ok(());
        }
        if self.peek() == Some(b'^') {
            self.at += 1;
        }
        if self.peek() == Some(b']') {
            self.ambiguous = true;
            self.at += 1;
        }
        loop {
            let Some(byte) = self.peek() else {
                self.ambiguous = true;
                return Err(Stop::Rejected);
            };
            self.at += 1;
            self.ambiguous |= matches!(byte, b'/' | b'\\' | b'[' | b'\n');
            match byte {
                b']' => return Ok(()),
                b'\n' => return Err(Stop::Rejected),
                b'\\' if self.reading.brackets == Brackets::Escapes => self.at += 1,
                b'[' if self.peek() == Some(b':') => {
                    let inner = self.text.get(self.at + 1..).unwrap_or_default();
                    let length = inner.windows(2).position(|pair| pair == b":]");
                    self.at += length.ok_or(Stop::Unclear)? + 3;
                }
                _ => {}
            }
        }
    }

    fn number(&mut self) -> Result<Token<'p>, Stop> {
        let start = self.at;
        let hexadecimal = self.peek() == Some(b'0') && matches!(self.ahead(1), Some(b'x' | b'X'));
        if hexadecimal && self.ahead(2).is_some_and(|byte| byte.is_ascii_hexdigit()) {
            self.at += 2;
            self.skip(|byte| byte.is_ascii_hexdigit());
        } else {
            self.skip(|byte| byte.is_ascii_digit() || byte == b'.' || byte == INTEGER);
            let exponent = matches!(self.peek(), Some(b'e' | b'E'));
            let sign = usize::from(exponent && matches!(self.ahead(1), Some(b'+' | b'-')));
            if exponent && self.ahead(1 + sign).is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1 + sign;
                self.skip(|byte| byte.is_ascii_digit());
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if text.contains(&INTEGER)
            && (text.len() > 1 || self.peek().is_some_and(|byte| byte.is_ascii_alphabetic()))
        {
            return Err(Stop::Unclear);
        }
        Ok(Token::Number)
    }

    fn operator(&mut self, byte: u8) -> Result<Token<'p>, Stop> {
        let (length, token) = match (byte, self.ahead(1)) {
            (b'\n', _) => (1, Token::Newline),
            (b';', _) => (1, Token::Semicolon),
            (b'(', _) => {
                let control =
                    matches!(self.tokens.last(), Some(Token::Word(b"if" | b"while" | b"for" | b"switch")));
                self.parentheses.push(if control { Parenthesis::Control } else { Parenthesis::Other });
                (1, Token::Open(b'('))
            }
            (b')', _) => (1, Token::Close(b'(', self.parentheses.pop().unwrap_or(Parenthesis::Other))),
            (b'[' | b'{', _) => (1, Token::Open(byte)),
            (b']', _) => (1, Token::Close(b'[', Parenthesis::Other)),
            (b'}', _) => (1, Token::Close(b'{', Parenthesis::Other)),
            (b'>', Some(b'>')) => (2, Token::Append),
            (b'>' | b'<' | b'=', Some(b'=')) => (2, Token::Compare),
            (b'!', Some(b'=' | b'~')) | (b'~', _) => (if byte == b'~' { 1 } else { 2 }, Token::Compare),
            (b'>', _) => (1, Token::Greater),
            (b'<', _) => (1, Token::Less),
            (b'=', _) => (1, Token::Assign),
            (b'|', Some(b'|')) | (b'&', Some(b'&')) => (2, Token::Logical),
            (b'|', next) => (1 + usize::from(next == Some(b'&')), Token::Pipe),
            (b'+', Some(b'+')) | (b'-', Some(b'-')) => (2, Token::Step),
            (b'*', Some(b'*')) => match self.ahead(2) {
                Some(b'=') => (3, Token::Assign),
                _ => (2, Token::Operator),
            },
            (b'+' | b'-' | b'*' | b'%' | b'^', Some(b'=')) => (2, Token::Assign),
            (b'-' | b'!', _) => (1, Token::Sign),
            (b'+' | b'*' | b'%' | b'^', _) => (1, Token::Operator),
            (b',', _) => (1, Token::Comma),
            (b'?', _) => (1, Token::Question),
            (b':', _) => (1, Token::Colon),
            (b'$', _) => (1, Token::Dollar),
            // `@` calls functions by computed names and loads files.
            (b'@', _) => return Err(Stop::Unclear),
            (b'&' | b'.' | b'\'' | b'`', _) => return Err(Stop::Rejected),
            _ => return Err(Stop::Unclear),
        };
        self.at += length;
        Ok(token)
    }
}

/// Whether a `/` after a word begins a regular expression, if every implementation agrees.
fn word_before_slash(word: &[u8]) -> Option<bool> {
    match word {
        b"print" | b"printf" | b"return" | b"else" | b"do" | b"in" | b"exit" | b"BEGIN" | b"END" => {
            Some(true)
        }
        // Words of some implementations only, and functions that may stand without parentheses.
        b"getline" | b"length" | b"next" | b"nextfile" | b"break" | b"continue" | b"case" | b"default"
        | b"delete" | b"switch" | b"func" | b"function" | b"BEGINFILE" | b"ENDFILE" | b"rand" | b"srand"
        | b"sin" | b"cos" | b"exp" | b"log" | b"sqrt" | b"int" | b"atan2" | b"substr" | b"index"
        | b"split" | b"sub" | b"gsub" | b"match" | b"sprintf" | b"system" | b"close" | b"fflush"
        | b"tolower" | b"toupper" | b"systime" | b"strftime" | b"if" | b"while" | b"for" => None,
        _ => Some(false),
    }
}
