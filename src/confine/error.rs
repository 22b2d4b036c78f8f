//! Why a command did not run.
//!
//! In: the step that failed and why: what the kernel said, or a reason of this package's. Out: [`ConfineError`]. Not here: any recovery; an error means
//! that nothing was run.

use std::fmt;
use std::io;
use std::string::String;
use std::vec::Vec;

use super::codec::{Reader, Wire, Writer};
use super::lower::refusal::Refusal;
use super::obstacle::Obstacle;

/// The steps from a plan to a running command, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The plan contradicts itself or asks for something no target carries.
    Plan,
    /// A path could not be resolved.
    Resolve,
    /// The helper process could not be started or answered nonsense.
    Helper,
    /// `clone` with new namespaces.
    Namespaces,
    /// Writing `uid_map`, `gid_map`, `setgroups`.
    IdMap,
    /// A new session keyring.
    Keyring,
    /// The file view.
    Mount,
    /// The loopback interface of the new network namespace.
    Loopback,
    /// The Landlock ruleset.
    Landlock,
    /// The seccomp filter.
    Seccomp,
    /// Capabilities and `no_new_privs`.
    Privileges,
    /// A variable that the plan does not pass.
    Environment,
    /// Resource limits.
    Limits,
    /// Standard input, output and error, and closing the rest.
    Descriptors,
    /// The working directory inside the sandbox.
    WorkingDirectory,
    /// `execve`: the program is missing or not executable in the sandbox.
    Exec,
    /// The session has ended.
    Session,
}

impl Step {
    pub(crate) const ALL: [Step; 17] = [
        Step::Plan,
        Step::Resolve,
        Step::Helper,
        Step::Namespaces,
        Step::IdMap,
        Step::Keyring,
        Step::Mount,
        Step::Loopback,
        Step::Landlock,
        Step::Seccomp,
        Step::Privileges,
        Step::Environment,
        Step::Limits,
        Step::Descriptors,
        Step::WorkingDirectory,
        Step::Exec,
        Step::Session,
    ];

    /// The number by which the step leaves a child that must not allocate.
    pub(crate) fn number(self) -> u8 {
        Step::ALL.iter().position(|step| *step == self).and_then(|at| u8::try_from(at).ok()).unwrap_or(2)
    }

    /// The step of a number; an unknown one is the helper's fault.
    pub(crate) fn from_number(number: u8) -> Step {
        Step::ALL.get(usize::from(number)).copied().unwrap_or(Step::Helper)
    }

    /// A stable word for programs and reports.
    pub fn code(self) -> &'static str {
        match self {
            Step::Plan => "plan",
            Step::Resolve => "resolve",
            Step::Helper => "helper",
            Step::Namespaces => "namespaces",
            Step::IdMap => "id-map",
            Step::Keyring => "keyring",
            Step::Mount => "mount",
            Step::Loopback => "loopback",
            Step::Landlock => "landlock",
            Step::Seccomp => "seccomp",
            Step::Privileges => "privileges",
            Step::Environment => "environment",
            Step::Limits => "limits",
            Step::Descriptors => "descriptors",
            Step::WorkingDirectory => "working-directory",
            Step::Exec => "exec",
            Step::Session => "session",
        }
    }
}

/// Why a step failed, where it was not the kernel that said so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A path of a plan or of the helper is relative, or has `..` in it.
    NotAbsolute,
    /// A path or a word holds a NUL byte.
    NulByte,
    /// `/proc`, `/dev`, `/dev/pts` and `/dev/shm` are always the sandbox's own.
    OwnPlace,
    /// A path of the plan goes through a symbolic link in a writable directory, which the command could replace.
    ReplaceableLink,
    /// A path of the plan is private and has an access.
    PrivateAndAccess,
    /// The root would be private.
    PrivateRoot,
    /// Something that is no directory would be private.
    PrivateFile,
    /// A missing name is to be prevented where that cannot be done.
    NotPreventable,
    /// The kernel exempts root from the limit of processes.
    RootProcesses,
    /// Without Landlock ABI 6 the host's abstract sockets cannot be kept out of a sandbox with the host's network.
    AbstractSockets,
    /// Landlock and seccomp alone cannot keep the plan.
    NeedsNamespaces(Vec<Obstacle>),
    /// A clause of the profile cannot be enforced on this host.
    Clause(Box<Refusal>),
    /// The plan does not pass a variable that a command asks for.
    VariableNotPassed,
    /// The name of a variable is empty or holds `=`.
    VariableName,
    /// There is no command.
    EmptyCommand,
    /// `init` was not called first in `main`.
    NotInitialized,
    /// The helper process, or one that it started, sent what cannot be read.
    InvalidMessage,
    /// The helper process, or one that it started, ended without saying why.
    HelperEnded,
    /// The session has ended.
    SessionEnded,
    /// No filter is known for this processor architecture.
    UnknownArchitecture,
    /// The words of the plan do not make a filter.
    Filter,
}

impl Reason {
    /// Those that say everything by themselves, and so can travel between the processes.
    const PLAIN: [Reason; 18] = [
        Reason::NotAbsolute,
        Reason::NulByte,
        Reason::OwnPlace,
        Reason::ReplaceableLink,
        Reason::PrivateAndAccess,
        Reason::PrivateRoot,
        Reason::PrivateFile,
        Reason::NotPreventable,
        Reason::RootProcesses,
        Reason::AbstractSockets,
        Reason::VariableNotPassed,
        Reason::VariableName,
        Reason::EmptyCommand,
        Reason::NotInitialized,
        Reason::InvalidMessage,
        Reason::HelperEnded,
        Reason::SessionEnded,
        Reason::UnknownArchitecture,
    ];

    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::NotAbsolute => "not-absolute",
            Reason::NulByte => "nul-byte",
            Reason::OwnPlace => "own-place",
            Reason::ReplaceableLink => "replaceable-link",
            Reason::PrivateAndAccess => "private-and-access",
            Reason::PrivateRoot => "private-root",
            Reason::PrivateFile => "private-file",
            Reason::NotPreventable => "not-preventable",
            Reason::RootProcesses => "root-processes",
            Reason::AbstractSockets => "abstract-sockets",
            Reason::NeedsNamespaces(_) => "needs-namespaces",
            Reason::Clause(_) => "clause",
            Reason::VariableNotPassed => "variable-not-passed",
            Reason::VariableName => "variable-name",
            Reason::EmptyCommand => "empty-command",
            Reason::NotInitialized => "not-initialized",
            Reason::InvalidMessage => "invalid-message",
            Reason::HelperEnded => "helper-ended",
            Reason::SessionEnded => "session-ended",
            Reason::UnknownArchitecture => "unknown-architecture",
            Reason::Filter => "filter",
        }
    }

    fn from_code(code: &str) -> Option<Reason> {
        Reason::PLAIN.iter().chain([&Reason::Filter]).find(|reason| reason.code() == code).cloned()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Reason::NotAbsolute => "the path must be absolute, without `..`",
            Reason::NulByte => "it holds a NUL byte",
            Reason::OwnPlace => "/proc, /dev, /dev/pts and /dev/shm are always the sandbox's own",
            Reason::ReplaceableLink => {
                "the path goes through a symbolic link in a writable directory, which the command could replace"
            }
            Reason::PrivateAndAccess => "the path is private or has an access, not both",
            Reason::PrivateRoot => "the root cannot be private",
            Reason::PrivateFile => "only a directory can be private",
            Reason::NotPreventable => {
                "a missing name can be prevented only directly below a writable path, and `.git` never"
            }
            Reason::RootProcesses => {
                "the kernel exempts root from it: run as another user, or accept the gap in the profile"
            }
            Reason::AbstractSockets => {
                "without Landlock ABI 6 (Linux 6.12) the host's abstract sockets (X11, D-Bus) cannot be kept out"
            }
            Reason::NeedsNamespaces(obstacles) => {
                for (at, obstacle) in obstacles.iter().enumerate() {
                    write!(f, "{}{obstacle}", if at == 0 { "" } else { "; " })?;
                }
                return Ok(());
            }
            Reason::Clause(refusal) => return write!(f, "{}; {}", refusal.why, refusal.way_out),
            Reason::VariableNotPassed => "the plan does not pass this variable",
            Reason::VariableName => "the name of a variable is empty or holds `=`",
            Reason::EmptyCommand => "the command is empty",
            Reason::NotInitialized => "confine::init() was not called first in main",
            Reason::InvalidMessage => "the helper sent an invalid message",
            Reason::HelperEnded => "the helper ended without a reason",
            Reason::SessionEnded => "the session has ended",
            Reason::UnknownArchitecture => "no filter is known for this architecture",
            Reason::Filter => "the words of the plan do not make a filter",
        };
        f.write_str(sentence)
    }
}

/// What stood in the way of a step.
#[derive(Debug)]
pub enum Cause {
    /// The operating system refused.
    System(io::Error),
    /// This package refused.
    Refused(Reason),
}

impl Cause {
    /// A stable word for programs; `system` for what the operating system says, which has a number.
    pub fn code(&self) -> &'static str {
        match self {
            Cause::System(_) => "system",
            Cause::Refused(reason) => reason.code(),
        }
    }

    /// Whether something that was named does not exist.
    pub fn is_not_found(&self) -> bool {
        self.raw_os_error() == Some(libc::ENOENT)
    }

    /// The number of the operating system's error.
    pub fn raw_os_error(&self) -> Option<i32> {
        match self {
            Cause::System(error) => error.raw_os_error(),
            Cause::Refused(_) => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::System(error) => error.fmt(f),
            Cause::Refused(reason) => reason.fmt(f),
        }
    }
}

/// The command was not run.
#[derive(Debug)]
pub struct ConfineError {
    /// What was being done.
    pub step: Step,
    /// On what: a path, a call, a name.
    pub detail: String,
    /// Why it failed.
    pub cause: Cause,
}

impl ConfineError {
    pub(crate) fn new(step: Step, detail: impl Into<String>, error: impl Into<io::Error>) -> ConfineError {
        ConfineError { step, detail: detail.into(), cause: Cause::System(error.into()) }
    }

    pub(crate) fn refused(step: Step, detail: impl Into<String>, reason: Reason) -> ConfineError {
        ConfineError { step, detail: detail.into(), cause: Cause::Refused(reason) }
    }

    /// Whether the host does not permit, or does not have, the namespaces and mounts of a full sandbox: the cases in which a plan
    /// that can do without gets a sandbox of Landlock and seccomp alone.
    pub(crate) fn lacks_namespaces(&self) -> bool {
        matches!(
            (self.step, self.cause.raw_os_error()),
            (Step::Namespaces, Some(_))
                | (Step::IdMap | Step::Mount, Some(libc::EPERM | libc::EACCES | libc::ENOSYS))
        )
    }

    /// What the owner of the machine or of the policy can do about it, where that is known.
    pub fn way_out(&self) -> Option<&'static str> {
        match (self.step, self.cause.raw_os_error()) {
            (Step::Namespaces, Some(libc::ENOSPC)) => {
                Some("user namespaces are switched off here: set sysctl user.max_user_namespaces above 0")
            }
            (Step::Namespaces | Step::IdMap, Some(libc::EPERM | libc::EACCES)) => Some(
                "user namespaces are not permitted here: allow them (AppArmor: a profile with `userns,` for this program; \
                 containers: a seccomp profile that permits clone(CLONE_NEWUSER))",
            ),
            (Step::Mount, Some(libc::EPERM)) => Some(
                "mounting is not permitted here: /proc is masked or another sandbox encloses this process",
            ),
            (Step::Mount, Some(libc::ENOSYS)) => {
                Some("this kernel is older than 5.12 and has no mount_setattr")
            }
            (Step::Landlock, Some(libc::ENOSYS | libc::EOPNOTSUPP)) => Some(
                "the kernel has no Landlock: add it to the lsm= boot parameter, or make the second wall optional",
            ),
            _ => None,
        }
    }
}

impl From<Refusal> for ConfineError {
    fn from(refusal: Refusal) -> ConfineError {
        let detail = match &refusal.origin {
            Some(origin) => format!("{} ({origin})", refusal.clause),
            None => refusal.clause.clone(),
        };
        ConfineError::refused(Step::Plan, detail, Reason::Clause(Box::new(refusal)))
    }
}

impl fmt::Display for ConfineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the command was not run: {}", self.step.code())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        write!(f, ": {}", self.cause)?;
        if let Some(way_out) = self.way_out() {
            write!(f, "; {way_out}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::System(error) => Some(error),
            Cause::Refused(_) => None,
        }
    }
}

impl Wire for ConfineError {
    fn write(&self, w: &mut Writer) {
        w.u8(self.step.number());
        self.detail.write(w);
        match &self.cause {
            Cause::System(error) => match error.raw_os_error() {
                Some(number) => {
                    w.u8(0);
                    number.write(w);
                }
                None => {
                    w.u8(1);
                    error.to_string().write(w);
                }
            },
            // The others never leave the caller.
            Cause::Refused(reason) => {
                w.u8(2);
                w.bytes(reason.code().as_bytes());
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Option<ConfineError> {
        let step = Step::from_number(r.u8()?);
        let detail = String::read(r)?;
        let cause = match r.u8()? {
            0 => Cause::System(io::Error::from_raw_os_error(i32::read(r)?)),
            1 => Cause::System(io::Error::other(String::read(r)?)),
            2 => Cause::Refused(Reason::from_code(&String::read(r)?)?),
            _ => return None,
        };
        Some(ConfineError { step, detail, cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kebab_case_and_each_means_one_thing() {
        let steps = Step::ALL.map(Step::code);
        let reasons: Vec<&str> = Reason::PLAIN.iter().chain([&Reason::Filter]).map(Reason::code).collect();
        for codes in [&steps[..], &reasons] {
            let distinct: std::collections::BTreeSet<&str> = codes.iter().copied().collect();
            assert_eq!(distinct.len(), codes.len());
            let kebab = |code: &&str| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            assert!(codes.iter().all(kebab), "{codes:?}");
        }
        for reason in Reason::PLAIN {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
    }
}
