//! In: a script for zsh. Out: whether zsh surely reads it as bash does ([`is_plain`]).
//!
//! It is read token by token as zsh's lexer does (zshmisc(1), "Shell Grammar"; zshexpn(1)), and each token must be one of a short list
//! that means the same to both. What is not on the list is not plain, be it an error, syntax of zsh, or something that the two read
//! alike after all. Not here: what the tokens mean (the other files of this folder), and the names of commands (`interpret/zsh.rs`).

/// Words that zsh's grammar knows and bash's does not, or that stand where they do not in bash (zshmisc(1), "Reserved Words"), and `case`, whose
/// patterns are not read here.
const RESERVED: &[&[u8]] = &[
    b"always",
    b"case",
    b"coproc",
    b"end",
    b"esac",
    b"float",
    b"foreach",
    b"integer",
    b"nocorrect",
    b"noglob",
    b"repeat",
    b"select",
    b"time",
];

/// Whether zsh reads a script as bash does.
pub fn is_plain(text: &[u8], depth: usize) -> bool {
    let mut tokens = Tokens { text, at: 0, depth, pending: None };
    tokens.commands(None).is_some()
}

/// A position in a script. Each reader returns `None` if something is not plain.
struct Tokens<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    /// A here-document whose lines follow the next newline: its delimiter, and whether it is quoted.
    pending: Option<(&'t [u8], bool)>,
}

/// Where a run of text in a word ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Where the word does.
    Word,
    /// At the `}` of an expansion that is not in double quotes.
    Brace,
}

impl<'t> Tokens<'t> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at..self.at + 2) == Some(b"\\\n") {
            self.at += 2;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Goes one level deeper for a part.
    fn nested<T>(&mut self, part: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth = self.depth.checked_sub(1)?;
        let found = part(self);
        self.depth += 1;
        found
    }

    /// Commands up to a closing byte, which is stepped over, or to the end.
    fn commands(&mut self, close: Option<u8>) -> Option<()> {
        let outer = self.pending.take();
        // Whether a command may begin here, and whether `}` may end a group.
        let mut begins = true;
        loop {
            match self.peek() {
                None => break,
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'#') => self.comment(),
                Some(b'\n') => {
                    self.at += 1;
                    self.here_document()?;
                    begins = true;
                }
                Some(b')') => {
                    if close != Some(b')') {
                        return None;
                    }
                    break;
                }
                Some(b'(') => {
                    self.at += 1;
                    if !begins || self.peek() == Some(b'(') {
                        return None;
                    }
                    self.nested(|tokens| tokens.commands(Some(b')')))?;
                    begins = false;
                }
                Some(b'<' | b'>') => self.redirection()?,
                Some(b';' | b'&' | b'|') => begins = self.operator()?,
                Some(_) => begins = self.word_of_command(begins)?,
            }
        }
        if self.pending.is_some() || close.is_some_and(|close| !self.take(close)) {
            return None;
        }
        self.pending = outer;
        Some(())
    }

    fn comment(&mut self) {
        // A backslash does not join the lines of a comment.
        while self.text.get(self.at).is_some_and(|&byte| byte != b'\n') {
            self.at += 1;
        }
    }

    /// `;`, `&`, `&&`, `|`, `||`, `|&`, and `&>` with its file. Whether a command begins behind it.
    fn operator(&mut self) -> Option<bool> {
        let first = self.peek()?;
        self.at += 1;
        let second = self.peek();
        match (first, second) {
            (b';', Some(b';' | b'&' | b'|')) | (b'&', Some(b'|' | b'!')) => None,
            (b'&', Some(b'>')) => {
                self.redirection()?;
                Some(false)
            }
            (b'&', Some(b'&')) | (b'|', Some(b'|' | b'&')) => {
                self.at += 1;
                let third = self.peek();
                (!matches!(third, Some(b'&' | b'|' | b'!' | b'>'))).then_some(true)
            }
            _ => Some(true),
        }
    }

    /// A redirection, its descriptor aside.
    fn redirection(&mut self) -> Option<()> {
        let first = self.peek()?;
        self.at += 1;
        if self.take(b'(') {
            // `<(…)`, `>(…)`.
            return self.nested(|tokens| tokens.commands(Some(b')')));
        }
        if first == b'<' && self.peek() == Some(b'<') {
            self.at += 1;
            if !self.take(b'<') {
                return self.here_delimiter();
            }
        } else if first == b'>' && self.take(b'>') {
        } else if !self.take(b'&') && first == b'>' {
            // `>|` is the same in both; `>!`, `>>|` and `>>!` are not.
            self.take(b'|');
        }
        // `<1-5>` and `<->` are patterns of numbers.
        if matches!(self.peek(), Some(b'!' | b'|' | b'&' | b'<' | b'>' | b'('))
            || first == b'<'
                && matches!(self.text.get(self.at.checked_sub(1)?..), Some([b'<', b'-' | b'0'..=b'9', ..]))
        {
            return None;
        }
        self.blanks();
        let start = self.at;
        self.word()?;
        (self.at > start).then_some(())
    }

    /// The delimiter of a here-document: plain text, or all of it in single quotes.
    fn here_delimiter(&mut self) -> Option<()> {
        self.blanks();
        let quoted = self.take(b'\'');
        let start = self.at;
        while self.text.get(self.at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            self.at += 1;
        }
        let delimiter = self.text.get(start..self.at)?;
        let ends = !quoted || self.take(b'\'');
        let blank = self.peek().is_none_or(|byte| b" \t\n;&|)<>".contains(&byte));
        if delimiter.is_empty() || !ends || !blank || self.pending.replace((delimiter, quoted)).is_some() {
            return None;
        }
        Some(())
    }

    /// The lines of a here-document, behind a newline, if there is one.
    fn here_document(&mut self) -> Option<()> {
        let Some((delimiter, quoted)) = self.pending.take() else { return Some(()) };
        loop {
            let rest = self.text.get(self.at..)?;
            let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            let line = rest.get(..length)?;
            if line == delimiter {
                self.at += length;
                return Some(());
            }
            // Expansions must end in their line, so that no line of theirs is taken for the end.
            if !quoted {
                let mut part = Tokens { text: line, at: 0, depth: self.depth, pending: None };
                part.quoted(None)?;
            }
            if length == rest.len() {
                return None;
            }
            self.at += length + 1;
        }
    }

    /// A word among those of a command. Whether another command begins behind it.
    fn word_of_command(&mut self, begins: bool) -> Option<bool> {
        let start = self.at;
        self.word()?;
        let written: alloc::vec::Vec<u8> = joined(self.text.get(start..self.at)?);
        // Before a redirection, a number of one digit is its descriptor; of several it is a word to one of them.
        let number = written.iter().all(u8::is_ascii_digit);
        if number && written.len() > 1 && matches!(self.peek(), Some(b'<' | b'>')) {
            return None;
        }
        if !begins {
            return (!matches!(written.as_slice(), b"{" | b"}")).then_some(false);
        }
        // `- cmd` is a login shell's way to call it.
        if RESERVED.contains(&written.as_slice()) || written == b"-" {
            return None;
        }
        match written.as_slice() {
            b"function" => {
                self.blanks();
                let name = self.at;
                while self.peek().is_some_and(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
                    self.at += 1;
                }
                let named = self.at > name;
                self.blanks();
                (named && self.peek() == Some(b'{')).then_some(true)
            }
            b"[[" => {
                self.test()?;
                Some(false)
            }
            b"if" | b"then" | b"elif" | b"else" | b"while" | b"until" | b"do" | b"!" | b"{" => Some(true),
            // Behind an assignment the command begins.
            word => {
                let name =
                    word.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
                Some(matches!(word.get(name..), Some([b'=', ..] | [b'+', b'=', ..])))
            }
        }
    }

    /// The rest of `[[ … ]]`: words of which none is a pattern, compared or asked about.
    fn test(&mut self) -> Option<()> {
        const OPERATORS: &[&[u8]] = &[
            b"-n", b"-z", b"-f", b"-d", b"-e", b"-s", b"-r", b"-w", b"-x", b"-h", b"-L", b"=", b"==", b"!=",
            b"!",
        ];
        loop {
            match self.peek()? {
                b' ' | b'\t' => self.at += 1,
                b'&' | b'|' => {
                    let first = self.peek()?;
                    self.at += 1;
                    if !self.take(first) {
                        return None;
                    }
                }
                b'=' | b'!' | b'-' | b']' => {
                    let rest = self.text.get(self.at..)?;
                    let length = rest
                        .iter()
                        .position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b';'))
                        .unwrap_or(rest.len());
                    let word = rest.get(..length)?;
                    self.at += length;
                    if word == b"]]" {
                        return Some(());
                    }
                    if !OPERATORS.contains(&word) {
                        return None;
                    }
                }
                byte if is_plain_byte(byte)
                    && !matches!(byte, b'*' | b'?' | b'[' | b'{' | b'}' | b'#' | b'^')
                    || matches!(byte, b'\'' | b'"' | b'$') =>
                {
                    let start = self.at;
                    self.word()?;
                    let pattern = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'#' | b'^' | b'~');
                    let written = self.text.get(start..self.at)?;
                    if !matches!(written.first(), Some(b'\'' | b'"' | b'$')) && written.iter().any(pattern) {
                        return None;
                    }
                }
                _ => return None,
            }
        }
    }

    /// A word: up to a blank or an operator.
    fn word(&mut self) -> Option<()> {
        // `=cmd` is the path of a command.
        if self.peek() == Some(b'=') || self.peek() == Some(b'~') && !self.is_home() {
            return None;
        }
        self.text_of(Until::Word)
    }

    /// `~` and `~/…`.
    fn is_home(&self) -> bool {
        matches!(
            self.text.get(self.at + 1),
            None | Some(b'/' | b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')')
        )
    }

    fn text_of(&mut self, until: Until) -> Option<()> {
        let start = self.at;
        let mut braces = 0_usize;
        let mut before = None;
        while let Some(byte) = self.peek() {
            let at = self.at;
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b')' if until == Until::Word => {
                    break;
                }
                b'}' if until == Until::Brace => return Some(()),
                b'\\' => {
                    self.at += 1;
                    self.text.get(self.at).filter(|byte| byte.is_ascii())?;
                    self.at += 1;
                }
                b'\'' => {
                    self.at += 1;
                    let rest = self.text.get(self.at..)?;
                    self.at += rest.iter().position(|&byte| byte == b'\'')? + 1;
                }
                b'"' => {
                    self.at += 1;
                    self.nested(|tokens| tokens.quoted(Some(b'"')))?;
                }
                b'`' => self.backquotes()?,
                b'$' => self.dollar(false)?,
                // `x==cmd`, `x=a:=cmd`; `x[1]=`, and `x[1]` is no pattern behind a name that may be one's.
                b'=' if matches!(before, Some(b'=' | b':')) => return None,
                b'[' if before.is_some_and(|byte: u8| byte.is_ascii_alphanumeric() || byte == b'_') => {
                    return None;
                }
                b'~' if at > start && until == Until::Word && matches!(before, Some(b'=' | b':')) => {
                    self.at += 1
                }
                b'~' if at > start || until == Until::Brace => return None,
                b'{' => {
                    braces += 1;
                    self.at += 1;
                }
                b'}' => {
                    // Alone it ends a group.
                    braces = if at == start { braces } else { braces.checked_sub(1)? };
                    self.at += 1;
                }
                byte if is_plain_byte(byte) => self.at += 1,
                _ => return None,
            }
            before = Some(byte);
        }
        let group = self.at == start + 1 && braces == 1;
        (until == Until::Word && (braces == 0 || group)).then_some(())
    }

    /// The inside of double quotes, or of a line of a here-document; `end` is stepped over.
    fn quoted(&mut self, end: Option<u8>) -> Option<()> {
        loop {
            match self.peek() {
                None => return end.is_none().then_some(()),
                byte if byte == end => {
                    self.at += 1;
                    return Some(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.text.get(self.at)?;
                    self.at += 1;
                }
                Some(b'`') => self.backquotes()?,
                Some(b'$') => self.dollar(true)?,
                Some(_) => self.at += 1,
            }
        }
    }

    /// Commands between backquotes, without a backslash among them.
    fn backquotes(&mut self) -> Option<()> {
        let rest = self.text.get(self.at + 1..)?;
        let length = rest.iter().position(|byte| matches!(byte, b'`' | b'\\'))?;
        if rest.get(length) != Some(&b'`') {
            return None;
        }
        let depth = self.depth.checked_sub(1)?;
        let mut inner = Tokens { text: rest.get(..length)?, at: 0, depth, pending: None };
        inner.commands(None)?;
        self.at += length + 2;
        Some(())
    }

    /// What begins with `$`.
    fn dollar(&mut self, in_quotes: bool) -> Option<()> {
        self.at += 1;
        match self.peek() {
            Some(b'(') => {
                self.at += 1;
                if self.take(b'(') {
                    return self.arithmetic();
                }
                // `$(<file)` runs a program.
                if self.peek() == Some(b'<') {
                    return None;
                }
                self.nested(|tokens| tokens.commands(Some(b')')))
            }
            Some(b'{') => {
                self.at += 1;
                self.nested(|tokens| tokens.braced(in_quotes))?;
                self.no_subscript(false)
            }
            Some(b'\'') if !in_quotes => {
                self.at += 1;
                let rest = self.text.get(self.at..)?;
                let length = rest.iter().position(|byte| matches!(byte, b'\'' | b'\\'))?;
                self.at += length + 1;
                (rest.get(length) == Some(&b'\'')).then_some(())
            }
            Some(byte) if byte == b'_' || byte.is_ascii_alphabetic() => {
                while self.peek().is_some_and(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
                    self.at += 1;
                }
                self.no_subscript(true)
            }
            // `$10` is the tenth, `$#x` a length.
            Some(byte @ (b'#' | b'0'..=b'9' | b'@' | b'*' | b'?' | b'$' | b'!' | b'-')) => {
                self.at += 1;
                let next = self.peek();
                let joins =
                    |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric() || b"@*#?$!{-(".contains(&byte);
                let ends = match byte {
                    b'#' => !next.is_some_and(joins),
                    b'0'..=b'9' => !next.is_some_and(|byte| byte.is_ascii_digit()),
                    _ => true,
                };
                if !ends {
                    return None;
                }
                self.no_subscript(true)
            }
            // A dollar of its own.
            None | Some(b' ' | b'\t' | b'\n' | b'/' | b'.' | b',' | b'%') => Some(()),
            Some(b'"' | b'|') if in_quotes => Some(()),
            _ => None,
        }
    }

    /// Whether an expansion ends here: behind a name, `[` begins a subscript and `:` a modifier.
    fn no_subscript(&mut self, modifiers: bool) -> Option<()> {
        let next = self.peek();
        let modifier = modifiers
            && next == Some(b':')
            && !matches!(self.text.get(self.at + 1), None | Some(b'/' | b' ' | b'$' | b'"' | b':' | b'\n'));
        (next != Some(b'[') && next != Some(b'(') && !modifier).then_some(())
    }

    /// The inside of `$((…))`: names, whole numbers in decimal, and operators.
    fn arithmetic(&mut self) -> Option<()> {
        let mut before = b' ';
        loop {
            let byte = self.peek()?;
            match byte {
                b')' => {
                    self.at += 1;
                    return self.take(b')').then_some(());
                }
                b'$' => {
                    self.at += 1;
                    if !self.peek().is_some_and(|byte| byte == b'_' || byte.is_ascii_alphabetic()) {
                        return None;
                    }
                }
                byte if byte == b'_' || byte.is_ascii_alphabetic() => {
                    if before.is_ascii_digit() {
                        return None;
                    }
                    self.at += 1;
                }
                byte if byte.is_ascii_digit() || b" +-*/%<>=!".contains(&byte) => self.at += 1,
                _ => return None,
            }
            before = byte;
        }
    }

    /// The inside of `${…}`, up to its `}`, which is stepped over.
    fn braced(&mut self, in_quotes: bool) -> Option<()> {
        let length = self.take(b'#');
        let first = self.peek()?;
        if first == b'_' || first.is_ascii_alphabetic() {
            while self.peek().is_some_and(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
                self.at += 1;
            }
        } else if first.is_ascii_digit() {
            while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1;
            }
        } else {
            return None;
        }
        if self.take(b'}') {
            return Some(());
        }
        if length {
            return None;
        }
        let colon = self.take(b':');
        match self.peek()? {
            b'-' | b'+' | b'?' => self.at += 1,
            b'=' => {
                self.at += 1;
                if self.peek() == Some(b'=') {
                    return None;
                }
            }
            b'#' | b'%' if !colon => {
                let kind = self.peek()?;
                self.at += 1;
                self.take(kind);
            }
            _ => return None,
        }
        if in_quotes {
            // Single quotes, braces and what is in them are read in ways of their own there.
            loop {
                match self.peek()? {
                    b'}' => break,
                    b'$' => self.dollar(true)?,
                    byte if is_plain_byte(byte) && !matches!(byte, b'{') || byte == b' ' => self.at += 1,
                    _ => return None,
                }
            }
        } else {
            self.text_of(Until::Brace)?;
        }
        self.take(b'}').then_some(())
    }
}

/// Whether a byte means nothing in a word, or the same to both shells: patterns, and what is no ASCII.
fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_-+./,:@%=*?[]#!^".contains(&byte)
}

/// A word without escaped newlines.
fn joined(word: &[u8]) -> alloc::vec::Vec<u8> {
    let mut joined = alloc::vec::Vec::with_capacity(word.len());
    let mut at = 0;
    while let Some(&byte) = word.get(at) {
        if word.get(at..at + 2) == Some(b"\\\n") {
            at += 2;
            continue;
        }
        joined.push(byte);
        at += 1;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn what_both_shells_read_alike_is_plain() {
        for script in [
            "git status && git diff | head -n 5",
            "echo 'a b' \"$x y ${z:-q}\" > /dev/null 2>&1",
            "for x in a b; do foo $x; done",
            "if [ -f a ]; then foo; else bar; fi",
            "if [[ -n $x && a == \"b\" ]]; then foo; fi",
            "x=1; y=\"$(foo `bar`)\"; (cd /tmp && ls -la)",
            "cat <<E\na $x $(foo)\nE\nfoo",
            "cat <<'E' | foo\na ` $( \nE\n",
            "foo $((x + 1)) *.rs src/[a-z]*",
            "while read -r l; do { foo; bar; }; done < f",
            "function f { foo; }; f",
            "# it's\nfoo ~/x a#b -- -",
        ] {
            assert_eq!(is_plain(script.as_bytes(), 40), !script.ends_with(" -"), "{script}");
        }
    }

    #[test]
    fn what_zsh_reads_in_its_own_way_is_not() {
        for script in [
            "echo $@[x]",
            "echo $*[x] $#[x]",
            ": ${x::=push}",
            "rep\\\neat 1 foo",
            "x==foo; $x push",
            "echo =foo",
            "foo $x[1]",
            "foo \"$x[1]\"",
            "foo $x:h",
            "echo *(e:foo:)",
            "foo() { bar; }",
            "noglob foo",
            "- foo",
            "echo ${(e)x} ${=x} ${^x} $~x $+x",
            "echo <1-5> <->",
            "foo >! x",
            "foo &! bar",
            "foo 12>x",
            "echo $10 $#x",
            "[[ -t x ]]",
            "case x in a) foo;; esac",
            "echo $(<f)",
            "function a b { foo; }",
            "function 'a' { foo; }",
            "foo `a \\`b\\``",
            "cat <<E\n$(\nE\nfoo",
            "foo '",
            "foo $'\\x41'",
            "{ foo } bar",
            "x[1]=2",
            "foo $[1]",
            "foo \\",
        ] {
            assert!(!is_plain(script.as_bytes(), 40), "{script}");
        }
    }
}
