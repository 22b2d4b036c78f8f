//! In: the text of tool facts (`stdlib/tools/*.tools`; the artifact carries the same text). Out:
//! [`ToolFacts`], what is known about programs that run other programs.
//!
//! One statement a line; `#` begins a comment. `tool NAME…` opens an entry, the indented lines after
//! it say what is so (`docs/scripts.md` has the table). The parser refuses what it does not know, so
//! that a fact is never lost in silence. Not here: the use of the facts (`invoke.rs`).

use crate::names::spellings;
use crate::segment::Dialect;
use crate::value::words::WordSet;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What an option does besides being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing of interest.
    Plain,
    /// Changes user, root, host or environment: the wrapper is not neutral with it.
    Changes,
    /// Its value is a script for `sh`.
    Script,
    /// Its value is a command line, split at blanks.
    Program,
    /// Its value, or the option itself, is code that is not analysed.
    Code,
    /// Nothing is run.
    Idle,
    /// Its value is split into words that stand in its place (`env -S`).
    Split,
    /// Its value, or `{}`, is a place holder in the command (`xargs -I`).
    Replace,
}

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    Flag,
    Value,
    /// Only attached to it.
    Optional,
}

/// How the command stands among the arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Inner {
    /// There is none.
    #[default]
    None,
    /// The rest of the arguments.
    Rest,
    /// The rest, with more words after it.
    Appended,
    /// The rest, joined by blanks, as a script.
    Script,
    /// Somewhere, in a way that is not analysed.
    Hidden,
}

/// A language whose programs are looked at for commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Sed,
    Awk,
}

/// The facts about one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tool {
    pub neutral: bool,
    pub remote: bool,
    pub shell: Option<Shell>,
    pub options: BTreeMap<Vec<u8>, (Arity, Effect)>,
    pub operands: usize,
    pub assignments: bool,
    pub numeric: bool,
    /// Without a command it runs nothing: it prints something, or fails.
    pub alone: bool,
    pub inner: Inner,
    /// Options before a command that ends at `;` or `+`.
    pub clauses: Vec<Vec<u8>>,
    /// Options that are code count only before the first operand.
    pub global: bool,
    pub language: Option<Language>,
    /// Its first argument without a dash is a cluster of options (`tar cf`).
    pub dashless: bool,
    /// Without an operand its program comes from its input.
    pub input: bool,
    /// Words that make it run code: each a word, or two of which the second stands behind the first.
    pub behind: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Only with one of these words among the arguments is anything run.
    pub only_with: Vec<Vec<u8>>,
}

/// How the scripts of a shell are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// As this dialect.
    Read(Dialect),
    /// Not at all.
    Other,
}

/// What is known about programs that run other programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolFacts {
    tools: BTreeMap<Vec<u8>, Tool>,
}

/// A line of tool facts that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactsError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: &'static str,
}

impl core::fmt::Display for FactsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl core::error::Error for FactsError {}

impl ToolFacts {
    /// No facts: every wrapper is opaque, every shell script too.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the text of tool facts. Of two entries for one name the later counts.
    ///
    /// # Errors
    ///
    /// The first line that is not understood.
    pub fn parse(text: &str) -> Result<Self, FactsError> {
        let mut facts = Self::default();
        let mut names: Vec<Vec<u8>> = Vec::new();
        let mut tool = Tool::default();
        for (number, line) in text.lines().enumerate() {
            let fault = |message| FactsError { line: number + 1, message };
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(keyword) = words.next() else { continue };
            let words: Vec<&str> = words.collect();
            if keyword == "tool" {
                facts.close(&mut names, &mut tool);
                if words.is_empty() {
                    return Err(fault("`tool` needs a name"));
                }
                names = words.iter().map(|name| name.to_ascii_lowercase().into_bytes()).collect();
                continue;
            }
            if names.is_empty() {
                return Err(fault("a statement outside of a `tool`"));
            }
            tool.statement(keyword, &words).map_err(fault)?;
        }
        facts.close(&mut names, &mut tool);
        Ok(facts)
    }

    fn close(&mut self, names: &mut Vec<Vec<u8>>, tool: &mut Tool) {
        let tool = core::mem::take(tool);
        for name in names.drain(..) {
            self.tools.insert(name, tool.clone());
        }
    }

    /// The facts about a program, by its first word, and the name under which they stand: by the spelling that says most.
    pub(crate) fn find<'w>(&self, word: &'w [u8]) -> Option<(&'w [u8], &Tool)> {
        spellings(word).find_map(|name| Some((name, self.named(name)?)))
    }

    /// The facts under a name, ASCII case aside.
    fn named(&self, name: &[u8]) -> Option<&Tool> {
        let mut folded = [0; 32];
        match folded.get_mut(..name.len()) {
            Some(folded) => {
                folded.copy_from_slice(name);
                folded.make_ascii_lowercase();
                self.tools.get(&*folded)
            }
            None => self.tools.get(&name.to_ascii_lowercase()),
        }
    }

    /// Whether a program, by its first word, with these arguments surely runs nothing but itself, as far as that can
    /// be said without reading its options: then no analysis is needed.
    pub fn surely_alone<T: AsRef<[u8]>>(&self, word: &[u8], arguments: &[T]) -> bool {
        self.find(word).is_none_or(|(_, tool)| tool.surely_alone(arguments))
    }

    /// Every tool with its name, in order.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = (&[u8], &Tool)> {
        self.tools.iter().map(|(name, tool)| (name.as_slice(), tool))
    }

    /// The names of all tools, in order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.tools.keys().map(Vec::as_slice)
    }
}

impl Tool {
    /// Whether a decision that reads no options has to know the program: it runs a command that its arguments name, or a
    /// script. Not so for a program of which only some option is code.
    #[cfg(test)]
    pub(crate) fn names_a_command(&self) -> bool {
        self.shell.is_some() || self.inner != Inner::None || !self.clauses.is_empty()
    }

    /// [`ToolFacts::surely_alone`].
    fn surely_alone<T: AsRef<[u8]>>(&self, arguments: &[T]) -> bool {
        let mut arguments = arguments.iter().map(AsRef::as_ref);
        if !self.only_with.is_empty() {
            return !arguments.any(|argument| self.only_with.iter().any(|word| word == argument));
        }
        self.shell.is_none()
            && (self.inner == Inner::None || self.alone && arguments.clone().next().is_none())
            && self.language.is_none()
            && !self.dashless
            && !(self.input && arguments.clone().next().is_none())
            && !arguments.any(|argument| {
                argument.starts_with(b"-")
                    || self.clauses.iter().any(|clause| clause == argument)
                    || self.behind.iter().any(|(word, _)| word == argument)
            })
    }

    fn statement(&mut self, keyword: &str, words: &[&str]) -> Result<(), &'static str> {
        let one = |words: &[&str]| match words {
            [word] => Ok((*word).to_owned()),
            _ => Err("this statement takes one word"),
        };
        let none =
            |words: &[&str]| if words.is_empty() { Ok(()) } else { Err("this statement takes no words") };
        match keyword {
            "neutral" => none(words).map(|()| self.neutral = true),
            "remote" => none(words).map(|()| self.remote = true),
            "assignments" => none(words).map(|()| self.assignments = true),
            "alone" => none(words).map(|()| self.alone = true),
            "numeric" => none(words).map(|()| self.numeric = true),
            "dashless" => none(words).map(|()| self.dashless = true),
            "input" => none(words).map(|()| self.input = true),
            "code-words" => {
                self.behind.extend(words.iter().map(|word| {
                    let (first, second) =
                        word.split_once('+').map_or((*word, None), |(first, second)| (first, Some(second)));
                    (first.into(), second.map(Into::into))
                }));
                Ok(())
            }
            "global" => none(words).map(|()| self.global = true),
            "flags" => self.options(words, Arity::Flag, Effect::Plain),
            "values" => self.options(words, Arity::Value, Effect::Plain),
            "optional" => self.options(words, Arity::Optional, Effect::Plain),
            "changing-flags" => self.options(words, Arity::Flag, Effect::Changes),
            "changing-values" => self.options(words, Arity::Value, Effect::Changes),
            "scripts" => self.options(words, Arity::Value, Effect::Script),
            "programs" => self.options(words, Arity::Value, Effect::Program),
            "code" => self.options(words, Arity::Value, Effect::Code),
            "code-flags" => self.options(words, Arity::Optional, Effect::Code),
            "idle" => self.options(words, Arity::Flag, Effect::Idle),
            "splits" => self.options(words, Arity::Value, Effect::Split),
            "replaces" => self.options(words, Arity::Value, Effect::Replace),
            "replaces-optional" => self.options(words, Arity::Optional, Effect::Replace),
            "clauses" => {
                self.clauses = words.iter().map(|word| word.as_bytes().to_vec()).collect();
                Ok(())
            }
            "only-with" => {
                self.only_with = words.iter().map(|word| word.as_bytes().to_vec()).collect();
                Ok(())
            }
            "operands" => {
                self.operands = one(words)?.parse().map_err(|_| "not a number")?;
                Ok(())
            }
            "inner" => {
                self.inner = match one(words)?.as_str() {
                    "rest" => Inner::Rest,
                    "appended" => Inner::Appended,
                    "script" => Inner::Script,
                    "hidden" => Inner::Hidden,
                    _ => return Err("`inner` is `rest`, `appended`, `script` or `hidden`"),
                };
                Ok(())
            }
            "shell" => {
                self.shell = Some(match one(words)?.as_str() {
                    "bash" => Shell::Read(Dialect::Bash),
                    "posix" => Shell::Read(Dialect::Posix),
                    "zsh" => Shell::Read(Dialect::Zsh),
                    "other" => Shell::Other,
                    _ => return Err("`shell` is `bash`, `posix`, `zsh` or `other`"),
                });
                Ok(())
            }
            "language" => {
                self.language = Some(match one(words)?.as_str() {
                    "sed" => Language::Sed,
                    "awk" => Language::Awk,
                    _ => return Err("`language` is `sed` or `awk`"),
                });
                Ok(())
            }
            _ => Err("not a statement about a tool"),
        }
    }

    fn options(&mut self, words: &[&str], arity: Arity, effect: Effect) -> Result<(), &'static str> {
        for word in words {
            if !word.starts_with('-') || word.len() < 2 {
                return Err("an option begins with `-`");
            }
            self.options.insert(word.as_bytes().to_vec(), (arity, effect));
        }
        Ok(())
    }

    /// Whether these arguments may hold the words that make it run code.
    pub fn may_run_behind<'a>(&self, arguments: impl Iterator<Item = &'a WordSet> + Clone) -> bool {
        let is = |set: &WordSet, word: &[u8]| {
            set.could_be(word)
                || match (set.known(), word) {
                    (Some([b'-', letters @ ..]), [b'-', letter]) => {
                        !letters.starts_with(b"-") && letters.contains(letter)
                    }
                    (Some(long), [b'-', b'-', ..]) => {
                        let name = long.split(|&byte| byte == b'=').next().unwrap_or(long);
                        name.len() > 2 && word.starts_with(name)
                    }
                    _ => false,
                }
        };
        self.behind.iter().any(|(first, second)| {
            let mut rest = arguments.clone();
            rest.any(|set| is(set, first)) && second.as_ref().is_none_or(|word| rest.any(|set| is(set, word)))
        })
    }

    /// Whether some option runs something.
    pub fn has_executing_options(&self) -> bool {
        !self.clauses.is_empty()
            || !self.behind.is_empty()
            || self
                .options
                .values()
                .any(|(_, effect)| matches!(effect, Effect::Script | Effect::Program | Effect::Code))
    }

    /// The option that a long name stands for: itself, or the only one it abbreviates.
    pub fn long(&self, name: &[u8]) -> Option<(Arity, Effect)> {
        if let Some(found) = self.options.get(name) {
            return Some(*found);
        }
        let mut found =
            self.options.iter().filter(|(option, _)| option.starts_with(b"--") && option.starts_with(name));
        let (_, first) = found.next()?;
        found.all(|(_, other)| other == first).then_some(*first)
    }

    /// A one-letter option.
    pub fn short(&self, letter: u8) -> Option<(Arity, Effect)> {
        self.options.get(&[b'-', letter][..]).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::rust_2024::*;

    #[test]
    fn a_fact_that_is_not_understood_is_refused() {
        assert!(ToolFacts::parse("tool x\n  flgs -a\n").is_err());
        assert!(ToolFacts::parse("flags -a\n").is_err());
        assert_eq!(ToolFacts::parse("tool x\n  inner all\n").map_err(|error| error.line), Err(2));
        assert!(ToolFacts::parse("# nothing\ntool x Y\n  flags -a --all\n").is_ok());
    }
}
