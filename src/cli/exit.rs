//! In: how a command of ours went. Out: [`Exit`], the exit status.

/// How a command went; the exit status is [`Exit::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All good: 0.
    Good,
    /// Findings, or a policy that cannot be used: 1.
    Findings,
    /// The command line itself is wrong: 2.
    Usage,
    /// `check --exit-code`: the verdict, see `decide.rs`.
    Verdict(u8),
    /// `run` and `sandbox`: the status of the confined command, or 126 or 127 if it was not run.
    Command(u8),
}

impl Exit {
    /// The exit status.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Verdict(code) | Self::Command(code) => code,
        }
    }
}
