//! What a command came to: how it ended, and what it left at protected names.
//!
//! In: wait statuses, and what the sweeps find. Out: values with stable codes, whose `Display` is for people. Not here: looking
//! (`linux/quarantine.rs`, `linux/late.rs`, `linux/watch.rs`).

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::string::String;

use super::codec::{Reader, Wire, Writer, wire_struct};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitOutcome {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// The wall-time limit of the plan, or its own time limit, ended it.
    TimedOut,
}

impl ExitOutcome {
    /// The status a shell shows: the code, 128 + signal, or 124 as `timeout` gives.
    pub fn shell_status(self) -> i32 {
        match self {
            ExitOutcome::Code(code) => code,
            ExitOutcome::Signal(signal) => 128 + signal,
            ExitOutcome::TimedOut => 124,
        }
    }

    /// A stable word for programs.
    pub fn code(self) -> &'static str {
        match self {
            ExitOutcome::Code(_) => "code",
            ExitOutcome::Signal(_) => "signal",
            ExitOutcome::TimedOut => "timed-out",
        }
    }

    /// Whether the command ended by itself with code 0.
    pub fn success(self) -> bool {
        self == ExitOutcome::Code(0)
    }

    pub(crate) fn from_wait(status: i32) -> ExitOutcome {
        if libc::WIFSIGNALED(status) {
            ExitOutcome::Signal(libc::WTERMSIG(status))
        } else {
            ExitOutcome::Code(libc::WEXITSTATUS(status))
        }
    }
}

impl fmt::Display for ExitOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitOutcome::Code(code) => write!(f, "exited with status {code}"),
            ExitOutcome::Signal(signal) => write!(f, "was killed by signal {signal}"),
            ExitOutcome::TimedOut => f.write_str("reached its time limit"),
        }
    }
}

impl Wire for ExitOutcome {
    fn write(&self, w: &mut Writer) {
        let (kind, value) = match *self {
            ExitOutcome::Code(code) => (0, code),
            ExitOutcome::Signal(signal) => (1, signal),
            ExitOutcome::TimedOut => (2, 0),
        };
        w.u8(kind);
        value.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Option<ExitOutcome> {
        match (r.u8()?, i32::read(r)?) {
            (0, code) => Some(ExitOutcome::Code(code)),
            (1, signal) => Some(ExitOutcome::Signal(signal)),
            (2, 0) => Some(ExitOutcome::TimedOut),
            _ => None,
        }
    }
}

/// Something at or around a protected name, found when the command had ended. `Display` says why it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub path: PathBuf,
    /// Why that matters.
    pub why: FindingReason,
    /// Where it is now, if it was moved.
    pub quarantined: Option<PathBuf>,
    /// The number of the error because of which it could not be moved.
    pub unmoved: Option<i32>,
}

wire_struct!(Finding { path, why, quarantined, unmoved });

impl Finding {
    /// One that is not to be moved.
    pub(crate) fn left(path: impl Into<PathBuf>, why: FindingReason) -> Finding {
        Finding { path: path.into(), why, quarantined: None, unmoved: None }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)?;
        match self.unmoved {
            Some(number) => write!(f, "; it could not be moved: {}", io::Error::from_raw_os_error(number)),
            None => Ok(()),
        }
    }
}

/// Why something is a [`Finding`]. Numbers of errors are the operating system's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingReason {
    /// It bears a protected name.
    ProtectedName,
    /// A wildcard of the profile matches it, and it did not exist when the command started.
    Wildcard,
    /// A git hook, which would run on the host.
    Hook,
    /// Hooks of a repository that are no directory.
    ForeignHooks,
    /// A `.git` that is no directory.
    ForeignRepository,
    /// A repository whose common part lies somewhere else.
    ForeignCommonDirectory,
    /// A repository that cannot be looked through.
    UnreadableRepository,
    /// Git configuration with a key that may run code.
    ExecutingConfig(String),
    /// Git configuration that cannot be read.
    UnreadableConfig(i32),
    /// Git configuration that is no regular file.
    ForeignConfig,
    /// Git configuration that is longer than any honest one.
    LongConfig,
    /// The host replaced it while the command ran, so many times; it was protected again each time.
    Replaced(u64),
    /// The directory around a protected name could not be opened, so it was not looked for.
    AroundUnopened(i32),
    /// The directory could not be opened, so it was not looked through for protected names.
    Unopened(i32),
    /// The directory could not be listed.
    Unlisted(i32),
    /// There are more files than are looked at.
    TooManyFiles(u64),
    /// So many further findings are not listed.
    FurtherFindings(u64),
}

impl FindingReason {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            FindingReason::ProtectedName => "protected-name",
            FindingReason::Wildcard => "wildcard",
            FindingReason::Hook => "hook",
            FindingReason::ForeignHooks => "foreign-hooks",
            FindingReason::ForeignRepository => "foreign-repository",
            FindingReason::ForeignCommonDirectory => "foreign-common-directory",
            FindingReason::UnreadableRepository => "unreadable-repository",
            FindingReason::ExecutingConfig(_) => "executing-config",
            FindingReason::UnreadableConfig(_) => "unreadable-config",
            FindingReason::ForeignConfig => "foreign-config",
            FindingReason::LongConfig => "long-config",
            FindingReason::Replaced(_) => "replaced",
            FindingReason::AroundUnopened(_) => "around-unopened",
            FindingReason::Unopened(_) => "unopened",
            FindingReason::Unlisted(_) => "unlisted",
            FindingReason::TooManyFiles(_) => "too-many-files",
            FindingReason::FurtherFindings(_) => "further-findings",
        }
    }
}

impl fmt::Display for FindingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNSEEN: &str = "not looked through for protected names";
        let error = |number: i32| io::Error::from_raw_os_error(number);
        match *self {
            FindingReason::ProtectedName => f.write_str("a protected name"),
            FindingReason::Wildcard => {
                f.write_str("a profile's wildcard matches it; it did not exist when the command started")
            }
            FindingReason::Hook => f.write_str("a git hook, which runs on the host"),
            FindingReason::ForeignHooks => f.write_str("hooks that lie somewhere else"),
            FindingReason::ForeignRepository => f.write_str("a repository that lies somewhere else"),
            FindingReason::ForeignCommonDirectory => {
                f.write_str("a repository whose common part lies somewhere else")
            }
            FindingReason::UnreadableRepository => f.write_str("a repository that cannot be looked through"),
            FindingReason::ExecutingConfig(ref key) => {
                write!(f, "git configuration that may run code: {key}")
            }
            FindingReason::UnreadableConfig(number) => {
                write!(f, "git configuration that cannot be read: {}", error(number))
            }
            FindingReason::ForeignConfig => f.write_str("git configuration that is not a regular file"),
            FindingReason::LongConfig => f.write_str("git configuration that is too long to be read"),
            FindingReason::Replaced(times) => {
                f.write_str("replaced on the host, ")?;
                match times {
                    1 => f.write_str("once")?,
                    times => write!(f, "{times} times")?,
                }
                f.write_str(", while the command ran; protected again each time")
            }
            FindingReason::AroundUnopened(number) => {
                write!(f, "the directory around a protected name could not be opened: {}", error(number))
            }
            FindingReason::Unopened(number) => {
                write!(f, "{UNSEEN}: it could not be opened: {}", error(number))
            }
            FindingReason::Unlisted(number) => {
                write!(f, "{UNSEEN}: it could not be listed: {}", error(number))
            }
            FindingReason::TooManyFiles(most) => write!(f, "{UNSEEN}: there are more than {most} files"),
            FindingReason::FurtherFindings(more) => write!(f, "{more} further findings are not listed"),
        }
    }
}

impl Wire for FindingReason {
    fn write(&self, w: &mut Writer) {
        w.bytes(self.code().as_bytes());
        match self {
            FindingReason::ExecutingConfig(key) => key.write(w),
            FindingReason::UnreadableConfig(number)
            | FindingReason::AroundUnopened(number)
            | FindingReason::Unopened(number)
            | FindingReason::Unlisted(number) => number.write(w),
            FindingReason::Replaced(number)
            | FindingReason::TooManyFiles(number)
            | FindingReason::FurtherFindings(number) => number.write(w),
            _ => {}
        }
    }

    fn read(r: &mut Reader<'_>) -> Option<FindingReason> {
        Some(match String::read(r)?.as_str() {
            "protected-name" => FindingReason::ProtectedName,
            "wildcard" => FindingReason::Wildcard,
            "hook" => FindingReason::Hook,
            "foreign-hooks" => FindingReason::ForeignHooks,
            "foreign-repository" => FindingReason::ForeignRepository,
            "foreign-common-directory" => FindingReason::ForeignCommonDirectory,
            "unreadable-repository" => FindingReason::UnreadableRepository,
            "executing-config" => FindingReason::ExecutingConfig(String::read(r)?),
            "unreadable-config" => FindingReason::UnreadableConfig(i32::read(r)?),
            "foreign-config" => FindingReason::ForeignConfig,
            "long-config" => FindingReason::LongConfig,
            "replaced" => FindingReason::Replaced(u64::read(r)?),
            "around-unopened" => FindingReason::AroundUnopened(i32::read(r)?),
            "unopened" => FindingReason::Unopened(i32::read(r)?),
            "unlisted" => FindingReason::Unlisted(i32::read(r)?),
            "too-many-files" => FindingReason::TooManyFiles(u64::read(r)?),
            "further-findings" => FindingReason::FurtherFindings(u64::read(r)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn every_reason_travels_and_has_a_sentence() {
        let reasons = [
            FindingReason::ProtectedName,
            FindingReason::Wildcard,
            FindingReason::Hook,
            FindingReason::ForeignHooks,
            FindingReason::ForeignRepository,
            FindingReason::ForeignCommonDirectory,
            FindingReason::UnreadableRepository,
            FindingReason::ExecutingConfig("core.fsmonitor".into()),
            FindingReason::UnreadableConfig(13),
            FindingReason::ForeignConfig,
            FindingReason::LongConfig,
            FindingReason::Replaced(1),
            FindingReason::AroundUnopened(6),
            FindingReason::Unopened(2),
            FindingReason::Unlisted(3),
            FindingReason::TooManyFiles(4),
            FindingReason::FurtherFindings(5),
        ];
        let findings: Vec<Finding> =
            reasons.into_iter().map(|why| Finding { unmoved: Some(1), ..Finding::left("/x", why) }).collect();
        let bytes = findings.encode();
        assert_eq!(Vec::<Finding>::decode(&bytes), Some(findings.clone()));
        for finding in &findings {
            assert!(finding.to_string().ends_with("(os error 1)"), "{finding}");
            assert!(finding.why.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        }
    }
}
