//! In: the text of a rule file. Out: what a look at its brackets, strings and operators shows: the
//! bracket that is never closed, and nesting so deep that a parser's stack would not bear it.
//! Not here: any grammar; that is Starlark's.

use super::limits::{MAX_BRACKETS, MAX_CHAIN};
use super::record::Builtin;
use std::ops::Range;

/// What is not closed, or closed without being open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A bracket, and the place that shows it: a closing bracket of another kind, a line that
    /// begins a new statement, or nothing (the file ended).
    Bracket {
        /// Where it was opened.
        open: usize,
        /// What shows that it was not closed.
        shown_by: Option<Range<usize>>,
    },
    /// A string: from its quote to the end of the line or file.
    String(Range<usize>),
    /// A closing bracket that closes nothing.
    Stray(usize),
}

/// The result of a look at a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The first fault; only meaningful if the parser refused the text.
    pub fault: Option<Fault>,
    /// Where nesting or chaining passes the limits.
    pub too_deep: Option<usize>,
}

struct Open {
    at: usize,
    byte: u8,
    chain: usize,
}

/// Looks at a text. Linear; never fails.
#[must_use]
pub fn scan(text: &str) -> Scan {
    let bytes = text.as_bytes();
    let mut result = Scan::default();
    let mut open: Vec<Open> = Vec::new();
    let (mut chain, mut elifs) = (0usize, 0usize);
    let mut at = 0;
    let mut line_start = true;
    let mut last = b'\n';
    while let Some(&byte) = bytes.get(at) {
        let mut next = at + 1;
        match byte {
            b'\n' => {
                if open.is_empty() {
                    chain = 0;
                }
                line_start = true;
                at = next;
                continue;
            }
            b' ' | b'\r' | b'\t' => {}
            b'#' => next = line_end(bytes, at),
            b'"' | b'\'' => {
                let (end, closed) = string_end(bytes, at);
                if !closed && result.fault.is_none() {
                    result.fault = Some(Fault::String(at..end));
                }
                next = end;
            }
            b'(' | b'[' | b'{' => {
                count(open.last_mut().map_or(&mut chain, |o| &mut o.chain), at, &mut result);
                open.push(Open { at, byte, chain: 0 });
                if open.len() > MAX_BRACKETS {
                    result.too_deep.get_or_insert(at);
                    return result;
                }
            }
            b')' | b']' | b'}' => match open.pop() {
                Some(top) if closes(top.byte, byte) => {}
                Some(top) => {
                    result.fault.get_or_insert(Fault::Bracket { open: top.at, shown_by: Some(at..next) });
                }
                None => {
                    result.fault.get_or_insert(Fault::Stray(at));
                }
            },
            b',' => *open.last_mut().map_or(&mut chain, |o| &mut o.chain) = 0,
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                next =
                    at + bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                let expected = matches!(last, b'(' | b'[' | b'{' | b'+' | b'=' | b':');
                if line_start && !expected {
                    statement(text, at..next, last, &open, &mut result);
                }
                match &text[at..next] {
                    "and" | "or" | "not" | "in" | "if" | "else" | "lambda" | "for" => {
                        count(open.last_mut().map_or(&mut chain, |o| &mut o.chain), at, &mut result);
                    }
                    "elif" => count(&mut elifs, at, &mut result),
                    _ => {}
                }
            }
            b'+' | b'-' | b'*' | b'/' | b'%' | b'|' | b'&' | b'^' | b'~' | b'.' | b'<' | b'>' | b'!' => {
                count(open.last_mut().map_or(&mut chain, |o| &mut o.chain), at, &mut result);
            }
            _ => {}
        }
        if !matches!(byte, b' ' | b'\r' | b'\t' | b'#') {
            last = byte;
        }
        // Only the first byte of a line can begin a statement at the top level.
        line_start = false;
        at = next;
    }
    if let Some(top) = open.last() {
        result.fault.get_or_insert(Fault::Bracket { open: top.at, shown_by: None });
    }
    result
}

/// Looks at a word at the left margin. If it begins a statement, a bracket that is open should have been closed before it.
fn statement(text: &str, word: Range<usize>, last: u8, open: &[Open], result: &mut Scan) {
    let rule = Builtin::from_name(&text[word.clone()]).is_some();
    if (rule || last != b',') && begins_statement(&text[word.start..]) {
        // A list may hold calls; the arguments of a call do not begin with one.
        if let Some(top) = open.last().filter(|top| last != b',' || top.byte == b'(') {
            result.fault.get_or_insert(Fault::Bracket { open: top.at, shown_by: Some(word) });
        }
    }
}

fn count(chain: &mut usize, at: usize, result: &mut Scan) {
    *chain += 1;
    if *chain > MAX_CHAIN {
        result.too_deep.get_or_insert(at);
    }
}

fn closes(open: u8, close: u8) -> bool {
    matches!((open, close), (b'(', b')') | (b'[', b']') | (b'{', b'}'))
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|byte| **byte != b'\n').count()
}

/// Whether a line at the left margin looks like a new statement: `name(`, `name =`, or a keyword.
fn begins_statement(line: &str) -> bool {
    let word = line.len() - line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    let (name, rest) = line.split_at(word);
    let rest = rest.trim_start_matches(' ');
    matches!(name, "def" | "for" | "if" | "load")
        || rest.starts_with('(')
        || (rest.starts_with('=') && !rest.starts_with("=="))
}

/// Where the string that begins at `from` ends, and whether it was closed.
fn string_end(bytes: &[u8], from: usize) -> (usize, bool) {
    let quote = bytes[from];
    let triple = bytes[from..].starts_with(&[quote; 3]);
    let mut at = from + if triple { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' if !triple => return (at, false),
            _ if byte == quote && !triple => return (at + 1, true),
            _ if byte == quote && bytes[at..].starts_with(&[quote; 3]) => return (at + 3, true),
            _ => {}
        }
        at += 1;
    }
    (bytes.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<Fault> {
        scan(text).fault
    }

    #[test]
    fn finds_the_bracket_that_is_open() {
        assert_eq!(fault("f(a=[1])\ng()\n"), None);
        let shown_by = Some(9..10);
        assert_eq!(fault("f(a=[1\n\ng()\n"), Some(Fault::Bracket { open: 4, shown_by: Some(8..9) }));
        assert_eq!(fault("f(a=[1, 2)\n"), Some(Fault::Bracket { open: 4, shown_by }));
        assert_eq!(fault("f(a=[1],\n"), Some(Fault::Bracket { open: 1, shown_by: None }));
        assert_eq!(fault("f)\n"), Some(Fault::Stray(1)));
        assert_eq!(fault("x = \"a\n"), Some(Fault::String(4..6)));
        assert_eq!(fault("x = '''a\n'b''' # (\ny = r'\\''\n"), None);
    }

    #[test]
    fn bounds_nesting_and_chains() {
        for deep in [
            "[".repeat(100_000),
            format!("x = {}1", "1+".repeat(100_000)),
            format!("x = {}1", "not ".repeat(100_000)),
            format!("x = f{}", "(a,)".repeat(100_000)),
            format!("if a:\n  b\n{}", "elif a:\n  b\n".repeat(100_000)),
        ] {
            assert!(scan(&deep).too_deep.is_some(), "{}", &deep[..20]);
        }
        let long = format!("f([{}])\n", "\"a\" + \"b\", ".repeat(100_000));
        assert_eq!(scan(&long), Scan::default());
    }
}
