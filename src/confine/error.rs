//! Why a command did not run.
//!
//! In: the step that failed and what the kernel said. Out: [`ConfineError`]. Not here: any recovery; an error means
//! that nothing was run.

use std::fmt;
use std::io;
use std::string::String;

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

    /// The number by which the step travels between the processes.
    pub(crate) fn code(self) -> u8 {
        Step::ALL.iter().position(|step| *step == self).and_then(|at| u8::try_from(at).ok()).unwrap_or(2)
    }

    /// The step of a number; an unknown one is the helper's fault.
    pub(crate) fn from_code(code: u8) -> Step {
        Step::ALL.get(usize::from(code)).copied().unwrap_or(Step::Helper)
    }

    /// A short name for reports.
    pub fn name(self) -> &'static str {
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

/// The command was not run.
#[derive(Debug)]
pub struct ConfineError {
    /// What was being done.
    pub step: Step,
    /// On what: a path, a call, a name.
    pub detail: String,
    /// What the kernel said.
    pub source: io::Error,
}

impl ConfineError {
    pub(crate) fn new(step: Step, detail: impl Into<String>, source: impl Into<io::Error>) -> ConfineError {
        ConfineError { step, detail: detail.into(), source: source.into() }
    }

    /// A refusal of our own, without an errno.
    pub(crate) fn refused(step: Step, detail: impl Into<String>, why: &str) -> ConfineError {
        ConfineError { step, detail: detail.into(), source: io::Error::other(std::string::String::from(why)) }
    }

    /// Whether the host does not permit, or does not have, the namespaces and mounts of a full sandbox: the cases in which a plan
    /// that can do without gets a sandbox of Landlock and seccomp alone.
    pub(crate) fn lacks_namespaces(&self) -> bool {
        matches!(
            (self.step, self.source.raw_os_error()),
            (Step::Namespaces, Some(_))
                | (Step::IdMap | Step::Mount, Some(libc::EPERM | libc::EACCES | libc::ENOSYS))
        )
    }

    /// What the owner of the machine or of the policy can do about it, where that is known.
    pub fn way_out(&self) -> Option<&'static str> {
        match (self.step, self.source.raw_os_error()) {
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

impl fmt::Display for ConfineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the command was not run: {}", self.step.name())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        write!(f, ": {}", self.source)?;
        if let Some(way_out) = self.way_out() {
            write!(f, "; {way_out}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
