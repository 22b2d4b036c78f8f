//! What a command may touch, in kernel words: the input of enforcement.
//!
//! In: nothing; a plan is built by its owner. Out: [`Plan`]. Not here: the sandbox language, variables, globs (all of that
//! is resolved before), and how the plan is enforced (`layout.rs`, `linux/`).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::format;
use std::path::PathBuf;
use std::string::{String, ToString};
use std::time::Duration;
use std::vec::Vec;

use super::seccomp::Group;
use super::status::Aspect;

/// What a command may do with a path and everything below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Neither read nor write. The name stays visible in its directory.
    Deny,
    /// Read, list, execute.
    Read,
    /// All of that and change.
    Write,
}

/// One path and its access. The most specific path wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRule {
    /// Absolute. It must exist; names that do not are [`Missing`].
    pub path: PathBuf,
    /// What may be done.
    pub access: Access,
}

/// What a name that does not exist yet would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKind {
    /// A repository's `.git`: making one is fine, parts that execute code (hooks, executing configuration) are not.
    GitDirectory,
    /// Any other protected name: nothing may appear there.
    Name,
}

/// What is done about a protected name that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// An empty directory, made for the time of the run, stands in its place and is read-only inside. For names where this
    /// changes nothing for other programs, directly below a writable path. It needs extended attributes.
    Prevent,
    /// What appears is moved to quarantine when the command has ended, and reported.
    Detect,
}

/// A protected path that did not exist when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Absolute; its parent lies in a writable tree.
    pub path: PathBuf,
    /// What it would be.
    pub kind: MissingKind,
    /// What is done about it.
    pub promise: Promise,
}

/// Names that may not appear anywhere in a tree, at any depth, and did not exist when the plan was made: looked for when the
/// command has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// Directories to look through, absolute and free of symlinks; what lies below a read-only, masked or private
    /// place in them is passed over.
    pub roots: Vec<PathBuf>,
    /// Relative names in the syntax of [`glob`](execpolicy_profile::glob): moved to quarantine and reported. A new
    /// `.git` stays, without its executing parts, if one of these begins with `.git`.
    pub protected: Vec<String>,
    /// Directories and globs below them: reported, and left where they are.
    pub reported: Vec<(PathBuf, String)>,
}

impl Late {
    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty() || (self.protected.is_empty() && self.reported.is_empty())
    }
}

/// The network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// A network of its own with nothing but loopback.
    Off,
    /// The host's network.
    Full,
}

/// Limits; `None` leaves what the caller has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Processes and threads of the sandbox (`RLIMIT_NPROC`, counted in the user namespace since Linux 5.14).
    pub processes: Option<u64>,
    /// Open descriptors per process (`RLIMIT_NOFILE`).
    pub open_files: Option<u64>,
    /// Address space per process, bytes (`RLIMIT_AS`).
    pub memory_per_process: Option<u64>,
    /// Largest file, bytes (`RLIMIT_FSIZE`).
    pub file_size: Option<u64>,
    /// Processor time per process, seconds (`RLIMIT_CPU`).
    pub cpu_seconds: Option<u64>,
    /// The file mode creation mask with which each command starts.
    pub umask: Option<u16>,
    /// From start to the end of everything in the sandbox.
    pub wall_time: Option<Duration>,
    /// Size of each private directory, bytes; `None` is the kernel's half of memory.
    pub private_bytes: Option<u64>,
}

impl Limits {
    /// What each process gets when it starts, for the status: what it is about, its value, and by what. The number of processes is
    /// another matter, since root is exempt from it.
    pub(crate) fn of_each_process(&self) -> impl Iterator<Item = (Aspect, String, &'static str)> {
        let plain = |value: Option<u64>| value.map(|value| value.to_string());
        let given = [
            (Aspect::OpenFiles, plain(self.open_files), "RLIMIT_NOFILE"),
            (Aspect::MemoryPerProcess, plain(self.memory_per_process), "RLIMIT_AS"),
            (Aspect::FileSize, plain(self.file_size), "RLIMIT_FSIZE"),
            (Aspect::CpuTime, plain(self.cpu_seconds), "RLIMIT_CPU"),
            (Aspect::Umask, self.umask.map(|mask| format!("{mask:03o}")), "umask(2)"),
        ];
        given.into_iter().filter_map(|(aspect, value, by)| Some((aspect, value?, by)))
    }
}

/// A wall that can be required, used where the kernel has it, or switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// No wall, no command.
    Required,
    /// Used where the kernel has it; the status says if it was not.
    WhereAvailable,
    /// Not used; the status says so. For tests that try the other wall alone.
    Off,
}

/// A clause that this kernel cannot keep and that a plan does without. Without the acceptance the command does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// `limits.processes` for uid 0, which the kernel exempts.
    ProcessLimitOfRoot,
    /// Without namespaces: if the two processes that watch a sandbox are both killed at once, what the command started lives on.
    /// As long as one of them lives, nothing does.
    Survivors,
    /// Without namespaces: the host's /proc is seen, with the names and command lines of other processes and what it tells about the
    /// machine. They can be neither signalled nor traced.
    HostProcesses,
    /// Without namespaces: that a denied file exists, its size, owner and times can be seen. Its content cannot, nor what a denied
    /// directory holds.
    Metadata,
    /// Without namespaces: modes, owners, times and extended attributes can be changed wherever the user may change them. Content
    /// cannot. A plan that lets nothing be written does not need this: there these calls are denied altogether.
    Attributes,
}

impl Gap {
    /// Every gap, in order.
    pub const ALL: [Gap; 5] =
        [Gap::ProcessLimitOfRoot, Gap::Survivors, Gap::HostProcesses, Gap::Metadata, Gap::Attributes];

    /// A stable word for programs, reports and whoever writes a profile.
    pub fn code(self) -> &'static str {
        match self {
            Gap::ProcessLimitOfRoot => "process-limit-of-root",
            Gap::Survivors => "survivors",
            Gap::HostProcesses => "host-processes",
            Gap::Metadata => "metadata",
            Gap::Attributes => "attributes",
        }
    }
}

/// What becomes of a variable that one command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// It may have it.
    Pass,
    /// It may not. Names are compared without regard to ASCII case.
    Deny,
    /// The plan's environment says what it is.
    Fixed,
}

/// Which variables a single command may have beside the plan's; see [`Command::env`](super::Command::env).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableRule {
    /// A name, in which each `*` stands for any bytes.
    pub pattern: String,
    /// What becomes of it. The first of these decides: fixed; a name written out; a pattern; and deny before pass.
    pub passing: Passing,
}

/// Everything a confined command gets. Absent fields do not exist: each is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The file view. What no rule names is denied.
    pub paths: Vec<PathRule>,
    /// Directories that the command sees empty, writable and its own; they are gone afterwards.
    pub private: Vec<PathBuf>,
    /// Protected names that do not exist yet.
    pub missing: Vec<Missing>,
    /// Names that may appear at any depth.
    pub late: Late,
    /// Symlinks (place, text) by which paths of the plan are also known: made anew where the view has a directory of its own
    /// around them.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// The network.
    pub network: Network,
    /// The environment of every command.
    pub environment: Vec<(OsString, OsString)>,
    /// What a single command may add to it. What no rule matches may not be added.
    pub variables: Vec<VariableRule>,
    /// Limits.
    pub limits: Limits,
    /// System calls that fail, as words of [`seccomp`](super::seccomp): names, or conditions such as `socket:unusual`.
    pub syscalls: BTreeSet<String>,
    /// Where the command starts; must be visible in the sandbox.
    pub cwd: PathBuf,
    /// Landlock, the second wall.
    pub landlock: Requirement,
    /// The system-call filter.
    pub seccomp: Requirement,
    /// Gaps that the owner of the plan accepts.
    pub accept: BTreeSet<Gap>,
}

impl Plan {
    /// The plan with every group of system calls denied, no network, no environment and no path: a start to add to.
    pub fn nothing(cwd: PathBuf) -> Plan {
        Plan {
            paths: Vec::new(),
            private: Vec::new(),
            missing: Vec::new(),
            late: Late::default(),
            links: Vec::new(),
            network: Network::Off,
            environment: Vec::new(),
            variables: Vec::new(),
            limits: Limits::default(),
            syscalls: Group::all_words(),
            cwd,
            landlock: Requirement::WhereAvailable,
            seccomp: Requirement::Required,
            accept: BTreeSet::new(),
        }
    }

    /// Adds a path rule.
    pub fn allow(mut self, path: impl Into<PathBuf>, access: Access) -> Plan {
        self.paths.push(PathRule { path: path.into(), access });
        self
    }

    /// Lets a single command have variables of this name, in which each `*` stands for any bytes.
    pub fn pass(mut self, pattern: impl Into<String>) -> Plan {
        self.variables.push(VariableRule { pattern: pattern.into(), passing: Passing::Pass });
        self
    }
}
