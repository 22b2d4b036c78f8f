//! What was asked beside what the kernel gave.
//!
//! In: clauses as they are put in place. Out: [`EnforcementStatus`]. Not here: deciding what is good enough; a clause that
//! a plan requires and the kernel does not give is an error, not a line of this report.

use std::string::String;
use std::vec::Vec;

use super::codec::{Reader, Wire, Writer, wire_enum};

/// How a clause holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// The kernel prevents what the clause forbids.
    Prevented,
    /// Prevented for everything that existed when the sandbox was built.
    PreventedAtStart,
    /// What the clause forbids is found afterwards, moved to quarantine and reported.
    Detected,
    /// The kernel lacks it and the plan made it optional.
    Absent,
    /// The plan switched it off.
    SwitchedOff,
}

wire_enum!(Enforcement { Prevented = 0, PreventedAtStart = 1, Detected = 2, Absent = 3, SwitchedOff = 4 });

impl Enforcement {
    /// A stable word for programs and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Enforcement::Prevented => "prevented",
            Enforcement::PreventedAtStart => "prevented-at-start",
            Enforcement::Detected => "detected",
            Enforcement::Absent => "absent",
            Enforcement::SwitchedOff => "off",
        }
    }
}

/// What a clause of a plan is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Aspect {
    /// Namespaces, where a sandbox does without them.
    Namespaces,
    /// The file view.
    Files,
    /// UNIX sockets of the host.
    UnixSockets,
    /// One protected name that does not exist yet.
    Missing,
    /// Protected names at any depth.
    LateNames,
    /// Files of the view that the host replaces.
    ReplacedFiles,
    /// The network.
    Network,
    /// The environment.
    Environment,
    /// Privileges.
    Privileges,
    /// The caller's keyrings.
    Keyring,
    /// Landlock.
    Landlock,
    /// The system-call filter.
    Seccomp,
    /// The limit of processes.
    Processes,
    /// The limit of open descriptors.
    OpenFiles,
    /// The limit of address space.
    MemoryPerProcess,
    /// The limit of a file's size.
    FileSize,
    /// The limit of processor time.
    CpuTime,
    /// The mask of new files.
    Umask,
    /// What lives on if both supervisors are killed at once.
    Survivors,
    /// Other processes of the host in /proc.
    HostProcesses,
    /// Names and attributes of denied files.
    Metadata,
    /// Attributes of files outside the writable paths.
    Attributes,
}

impl Aspect {
    /// Every aspect.
    pub const ALL: [Aspect; 22] = [
        Aspect::Namespaces,
        Aspect::Files,
        Aspect::UnixSockets,
        Aspect::Missing,
        Aspect::LateNames,
        Aspect::ReplacedFiles,
        Aspect::Network,
        Aspect::Environment,
        Aspect::Privileges,
        Aspect::Keyring,
        Aspect::Landlock,
        Aspect::Seccomp,
        Aspect::Processes,
        Aspect::OpenFiles,
        Aspect::MemoryPerProcess,
        Aspect::FileSize,
        Aspect::CpuTime,
        Aspect::Umask,
        Aspect::Survivors,
        Aspect::HostProcesses,
        Aspect::Metadata,
        Aspect::Attributes,
    ];

    /// A stable word for programs and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Aspect::Namespaces => "namespaces",
            Aspect::Files => "files",
            Aspect::UnixSockets => "unix-sockets",
            Aspect::Missing => "missing",
            Aspect::LateNames => "late-names",
            Aspect::ReplacedFiles => "replaced-files",
            Aspect::Network => "network",
            Aspect::Environment => "environment",
            Aspect::Privileges => "privileges",
            Aspect::Keyring => "keyring",
            Aspect::Landlock => "landlock",
            Aspect::Seccomp => "seccomp",
            Aspect::Processes => "limit processes",
            Aspect::OpenFiles => "limit open-files",
            Aspect::MemoryPerProcess => "limit memory-per-process",
            Aspect::FileSize => "limit file-size",
            Aspect::CpuTime => "limit cpu-time",
            Aspect::Umask => "umask",
            Aspect::Survivors => "survivors",
            Aspect::HostProcesses => "host-processes",
            Aspect::Metadata => "metadata",
            Aspect::Attributes => "attributes",
        }
    }
}

impl Wire for Aspect {
    fn write(&self, w: &mut Writer) {
        w.bytes(self.code().as_bytes());
    }

    fn read(r: &mut Reader<'_>) -> Option<Aspect> {
        let code = String::read(r)?;
        Aspect::ALL.into_iter().find(|aspect| aspect.code() == code)
    }
}

/// One clause of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClauseStatus {
    /// What it is about.
    pub clause: Aspect,
    /// What the plan asked, for people.
    pub asked: String,
    /// What is in place.
    pub given: Enforcement,
    /// By what, in the kernel's words, for people.
    pub by: String,
}

/// Every clause of a plan with what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnforcementStatus {
    /// In the order in which they were put in place.
    pub clauses: Vec<ClauseStatus>,
}

impl EnforcementStatus {
    pub(crate) fn push(
        &mut self,
        clause: Aspect,
        asked: impl Into<String>,
        given: Enforcement,
        by: impl Into<String>,
    ) {
        self.clauses.push(ClauseStatus { clause, asked: asked.into(), given, by: by.into() });
    }

    /// The first clause about something.
    pub fn clause(&self, aspect: Aspect) -> Option<&ClauseStatus> {
        self.clauses.iter().find(|clause| clause.clause == aspect)
    }
}
