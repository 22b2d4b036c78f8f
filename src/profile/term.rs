//! In: a text. Out: how it is written as a term of a statement: bare where that reads back as the same, else in quotes.
//! Not here: reading terms (the compiler's `sandbox/`).

use super::statement::keywords;
use alloc::string::String;
use core::fmt::{self, Write};

/// Whether a text reads as one word.
fn is_word(text: &str) -> bool {
    let special = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ',' | '=' | ';' | '"' | '#');
    !text.is_empty()
        && !text.starts_with('@')
        && !text.contains(special)
        && !keywords().any(|key| key == text)
}

/// A text in quotes, every character of which stands for itself.
pub(crate) struct Quoted<'t>(pub &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('"')
    }
}

/// A text without wildcards; what looks like one is a part of it.
pub(crate) struct Literal<'t>(pub &'t str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_word(self.0) && !self.0.contains(['*', '?', '[', '\\']) {
            f.write_str(self.0)
        } else {
            Quoted(self.0).fmt(f)
        }
    }
}

/// A text that means the same in quotes and without.
pub(crate) struct Plain<'t>(pub &'t str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_word(self.0) { f.write_str(self.0) } else { Quoted(self.0).fmt(f) }
    }
}

/// A pattern in the syntax of [`glob`](crate::glob). In quotes wildcards stand for themselves, so one that has to be
/// quoted has none but escaped ones (`[*]`).
pub(crate) struct Pattern<'t>(pub &'t str);

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_word(self.0) {
            return f.write_str(self.0);
        }
        let mut plain = String::with_capacity(self.0.len());
        let mut rest = self.0;
        while let Some(c) = rest.chars().next() {
            let escaped = ['*', '?', '['].into_iter().find(|wild| {
                let mut inner = rest.chars();
                inner.next() == Some('[') && inner.next() == Some(*wild) && inner.next() == Some(']')
            });
            plain.push(escaped.unwrap_or(c));
            let mut after = rest.chars();
            let _ = after.nth(if escaped.is_some() { 2 } else { 0 });
            rest = after.as_str();
        }
        Quoted(&plain).fmt(f)
    }
}
