//! In: nothing. Out: the types of a rule file's statements.
//! Not here: how they are read (`rules/`) or what they match (`matches.rs`).

use crate::source::{Span, Spanned};
pub use execpolicy_runtime::Decision;

/// A statement about every command that begins with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixRule {
    /// The whole call.
    pub span: Span,
    /// The words the command must begin with.
    pub pattern: Pattern,
    /// What the policy says about such a command.
    pub decision: Decision,
    /// Where the decision was written; `None` if it is the default.
    pub decision_span: Option<Span>,
    /// Why, for the person who meets the rule.
    pub justification: Option<Spanned<String>>,
    /// Commands this rule must match.
    pub matches: Vec<Example>,
    /// Commands this rule must not match.
    pub not_matches: Vec<Example>,
    /// How many of [`super::Policy::hosts`] were known when the rule's file had been read. Codex
    /// tries a rule's examples with those; everything else uses all of them.
    pub hosts_known: usize,
}

/// A sequence of token sets. A command matches if it is at least as long and each of its first
/// words is in the set at its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The list as written.
    pub span: Span,
    /// One set per position; never empty.
    pub tokens: Vec<PatternToken>,
}

/// The words that are accepted at one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternToken {
    /// The string, or the list of alternatives, as written.
    pub span: Span,
    /// The words; never empty. In the first position every alternative files the rule once more,
    /// as Codex does, so a word listed twice there matches twice.
    pub alternatives: Vec<Spanned<String>>,
}

impl PatternToken {
    /// Whether a word is one of the alternatives, byte for byte.
    #[must_use]
    pub fn accepts(&self, word: &[u8]) -> bool {
        self.alternatives.iter().any(|alternative| alternative.value.as_bytes() == word)
    }
}

/// A command given as an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The string or list as written.
    pub span: Span,
    /// Its words; never empty.
    pub argv: Vec<String>,
}

/// A statement about where commands run that begin with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxRule {
    /// The whole call.
    pub span: Span,
    /// The words the command must begin with.
    pub pattern: Pattern,
    /// The name of the profile, or [`super::UNCONFINED`].
    pub profile: Spanned<String>,
    /// Commands this rule must match.
    pub matches: Vec<Example>,
    /// Commands this rule must not match.
    pub not_matches: Vec<Example>,
}

/// Where a program with this name may live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostExecutable {
    /// The whole call.
    pub span: Span,
    /// The base name.
    pub name: Spanned<String>,
    /// Absolute, lexically normal paths, each once, in the order written.
    pub paths: Vec<Spanned<String>>,
}

/// A statement about a network destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRule {
    /// The whole call.
    pub span: Span,
    /// The host, lower-case, without port and trailing dot.
    pub host: Spanned<String>,
    /// The protocol.
    pub protocol: Protocol,
    /// What is said about it: the same three words as for commands (`deny` is `forbidden`).
    pub decision: Decision,
    /// Why.
    pub justification: Option<Spanned<String>>,
}

/// What a [`NetworkRule`] is about. `https` has the other spellings `https_connect` and `http-connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the protocols")]
pub enum Protocol {
    Http = 0,
    Https = 1,
    Socks5Tcp = 2,
    Socks5Udp = 3,
}
