//! In: nothing. Out: the words of a verdict: [`Decision`], [`Conclusion`], [`Mode`], [`Context`].
//! Not here: how a decision is found (`table.rs`) or what a command line means to a shell.

use core::fmt;

/// What a rule says about a command that it matches. The order is the order of strictness: the strictest
/// of all matching rules wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Decision {
    /// Runs without asking.
    Allow = 0,
    /// Runs only after somebody said yes.
    Prompt = 1,
    /// Never runs.
    Forbidden = 2,
}

impl Decision {
    /// The word used in rule files, JSON and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Prompt => "prompt",
            Self::Forbidden => "forbidden",
        }
    }

    /// The inverse of [`Decision::as_str`]; case matters, as it does in Codex.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "allow" => Some(Self::Allow),
            "prompt" => Some(Self::Prompt),
            "forbidden" => Some(Self::Forbidden),
            _ => None,
        }
    }

    /// The inverse of `self as u8`; anything else is not a decision.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Allow),
            1 => Some(Self::Prompt),
            2 => Some(Self::Forbidden),
            _ => None,
        }
    }
}

/// What a policy says about a command. The order is the order of strictness: where a command has several
/// parts, the strictest of them wins, so an allow needs every part allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Conclusion {
    /// Rules allow it, and nothing is stricter.
    Allow = 0,
    /// No rule speaks about it, and nothing is hidden. Whoever asks decides what that means.
    Unmatched = 1,
    /// Somebody has to be asked: a rule says so, or it runs something that cannot be known.
    Prompt = 2,
    /// A rule forbids it.
    Forbidden = 3,
}

impl Conclusion {
    /// The word used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Unmatched => "unmatched",
            Self::Prompt => "prompt",
            Self::Forbidden => "forbidden",
        }
    }

    /// The decision that a rule would state to the same effect; `None` for unmatched, which no rule states.
    #[must_use]
    pub const fn decision(self) -> Option<Decision> {
        match self {
            Self::Allow => Some(Decision::Allow),
            Self::Unmatched => None,
            Self::Prompt => Some(Decision::Prompt),
            Self::Forbidden => Some(Decision::Forbidden),
        }
    }

    /// What the strictest of the matching rules comes to; `None` if no rule matches.
    #[must_use]
    pub const fn of(strictest: Option<Decision>) -> Self {
        match strictest {
            Some(Decision::Allow) => Self::Allow,
            None => Self::Unmatched,
            Some(Decision::Prompt) => Self::Prompt,
            Some(Decision::Forbidden) => Self::Forbidden,
        }
    }
}

impl From<Decision> for Conclusion {
    fn from(decision: Decision) -> Self {
        Self::of(Some(decision))
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which of the two readings of a rule file decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The runtime's own: a forbid or prompt sees every path of a program, an allow does not get
    /// wider, and what cannot be known is never allowed (`docs/semantics.md`).
    #[default]
    Strict,
    /// What `codex execpolicy check` 0.169 answers: the literal argv, nothing seen through.
    Codex {
        /// Codex's `--resolve-host-executables`: when no rule matches the first word as it is
        /// written, look for rules under its base name.
        resolve_host_executables: bool,
    },
}

/// What the caller knows about the command beside its argv.
///
/// [`Mode::Codex`] reads both directories: it makes `./git` and `~/git` absolute before it looks at the base name. The strict
/// mode decides a plain command by its words alone; of a script it follows the working directory, to report which files it opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// Which reading decides.
    pub mode: Mode,
    /// The absolute working directory, if it is known.
    pub cwd: Option<&'a [u8]>,
    /// The absolute home directory, if it is known.
    pub home: Option<&'a [u8]>,
}
