//! In: nothing. Out: the facts about tools that a policy carries, as text: the standard library's.
//! Not here: what they mean (`docs/scripts.md`) and how they are read (`execpolicy_shell`).

use execpolicy_shell::ToolFacts;
use std::borrow::Cow;
use std::sync::LazyLock;

/// The facts about tools that are built in (`stdlib/tools/`).
pub const STANDARD_TOOLS: &str = include_str!("../../../stdlib/tools/wrappers.tools");

/// Facts about programs that run other programs, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools(pub Cow<'static, str>);

impl Default for Tools {
    fn default() -> Self {
        Self(Cow::Borrowed(STANDARD_TOOLS))
    }
}

impl Tools {
    /// The text without comments, indentation and empty lines: what an artifact carries.
    #[must_use]
    pub fn compact(&self) -> String {
        let mut text = String::new();
        for line in self.0.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace().peekable();
            while let Some(word) = words.next() {
                text.push_str(word);
                text.push(if words.peek().is_some() { ' ' } else { '\n' });
            }
        }
        text
    }

    /// The facts, read. If they could not be read there would be none, and every wrapper opaque; that
    /// the built-in ones can is a test.
    #[must_use]
    pub fn facts(&self) -> Cow<'static, ToolFacts> {
        static STANDARD: LazyLock<ToolFacts> =
            LazyLock::new(|| ToolFacts::parse(STANDARD_TOOLS).unwrap_or_default());
        match self.0 {
            Cow::Borrowed(STANDARD_TOOLS) => Cow::Borrowed(&STANDARD),
            _ => Cow::Owned(ToolFacts::parse(&self.0).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_facts_are_readable() {
        let facts = ToolFacts::parse(STANDARD_TOOLS).map_err(|error| error.to_string());
        assert!(facts.is_ok_and(|facts| facts.names().count() > 100));
    }

    #[test]
    fn the_compact_text_says_the_same() {
        let tools = Tools::default();
        let compact = tools.compact();
        assert!(compact.len() < STANDARD_TOOLS.len());
        assert_eq!(ToolFacts::parse(&compact), ToolFacts::parse(STANDARD_TOOLS));
        assert_eq!(Tools(Cow::Owned(compact.clone())).compact(), compact);
    }
}
