//! In: a kind of clause and a [`Target`]. Out: [`Support`]: enforced exactly, or a gap with its code, or none of its business.
//! Not here: one profile's clauses (`assess.rs`), and the texts for the targets (`emit/`).
//!
//! The whole knowledge about targets is in this file, once: the emitters, the diagnostics, `--explain-targets` and the
//! table in `docs/semantics.md` ask here. What is said here is compared with what the emitted texts do.

mod assess;
mod clauses;

pub use assess::{Finding, Kept, assess, unmet};
pub use clauses::{Stated, clauses};

use crate::diagnostic::Code;
use execpolicy_profile::{Feature, LimitKind, Platform};

/// Something that a profile is lowered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The file view of a mount namespace, as the runtime builds it.
    Mounts,
    /// A Landlock rule set, ABI 6: the second wall beside the mounts, and landlockconfig's JSON.
    Landlock,
    /// A seccomp filter for x86_64 or aarch64.
    Seccomp,
    /// A network namespace.
    Netns,
    /// What the runtime does to the process that it starts on Linux: environment, limits, descriptors.
    Process,
    /// A Seatbelt profile (SBPL 1), with the environment that the runtime gives.
    Seatbelt,
    /// Arguments of bubblewrap, with a seccomp program beside them.
    Bwrap,
    /// OCI seccomp JSON, for Docker and Podman.
    Oci,
    /// Settings of Anthropic's sandbox-runtime.
    Srt,
    /// A permission profile of Codex.
    Codex,
}

impl Target {
    /// Every target, in the order of tables.
    pub const ALL: [Self; 10] = [
        Self::Mounts,
        Self::Landlock,
        Self::Seccomp,
        Self::Netns,
        Self::Process,
        Self::Seatbelt,
        Self::Bwrap,
        Self::Oci,
        Self::Srt,
        Self::Codex,
    ];

    /// The name in tables and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mounts => "mounts",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::Netns => "netns",
            Self::Process => "process",
            Self::Seatbelt => "seatbelt",
            Self::Bwrap => "bwrap",
            Self::Oci => "oci-seccomp",
            Self::Srt => "srt",
            Self::Codex => "codex",
        }
    }

    /// The target of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.as_str() == name)
    }

    /// For which platform's variant of a profile its text is written.
    #[must_use]
    pub const fn platform(self) -> Platform {
        match self {
            Self::Seatbelt => Platform::Macos,
            _ => Platform::Linux,
        }
    }

    /// What the runtime puts together on a platform.
    #[must_use]
    pub const fn native(platform: Platform) -> &'static [Self] {
        match platform {
            Platform::Linux => &[Self::Mounts, Self::Landlock, Self::Seccomp, Self::Netns, Self::Process],
            Platform::Macos => &[Self::Seatbelt],
        }
    }
}

/// A kind of clause: what a profile can say, as far as targets treat it alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClauseKind {
    /// `read P`, `write P` where the directory around it grants less, or nothing.
    Grant,
    /// `read P`, `deny P` inside of a directory that grants more.
    Narrow,
    /// `write P` inside of a directory that is narrowed inside of a writable one.
    Reopen,
    /// `private P`.
    Private,
    /// `deny G` with a wildcard.
    DenyGlob,
    /// `read G` with a wildcard.
    ReadGlob,
    /// `protect N`.
    Protect,
    /// That what is denied cannot be looked up: size, owner, times.
    Lookup,
    /// `network off`.
    NetworkOff,
    /// `network full`.
    NetworkFull,
    /// `network allow localhost`, by that name.
    AllowLoopback,
    /// `network allow` of any other host.
    AllowHost,
    /// `network deny` of a host.
    DenyHost,
    /// `network allow unix:P`.
    AllowSocket,
    /// `network deny unix:P`.
    DenySocket,
    /// That sockets in the file system are reached only where the command may write (all that it may read, with `network full`).
    Sockets,
    /// `env pass V`.
    EnvPass,
    /// `env deny V`.
    EnvDeny,
    /// `env set V`.
    EnvSet,
    /// `limit K`.
    Limit(LimitKind),
    /// `syscalls deny S`.
    Syscall,
    /// `mach-lookup S`.
    Mach,
}

impl ClauseKind {
    /// Every kind, in the order of tables.
    pub const ALL: [Self; 28] = [
        Self::Grant,
        Self::Narrow,
        Self::Reopen,
        Self::Private,
        Self::DenyGlob,
        Self::ReadGlob,
        Self::Protect,
        Self::Lookup,
        Self::NetworkOff,
        Self::NetworkFull,
        Self::AllowLoopback,
        Self::AllowHost,
        Self::DenyHost,
        Self::AllowSocket,
        Self::DenySocket,
        Self::Sockets,
        Self::EnvPass,
        Self::EnvDeny,
        Self::EnvSet,
        Self::Limit(LimitKind::Processes),
        Self::Limit(LimitKind::Memory),
        Self::Limit(LimitKind::MemoryPerProcess),
        Self::Limit(LimitKind::FileSize),
        Self::Limit(LimitKind::OpenFiles),
        Self::Limit(LimitKind::CpuTime),
        Self::Limit(LimitKind::WallTime),
        Self::Syscall,
        Self::Mach,
    ];

    /// The clause as a row of a table.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::Grant => "`read P`, `write P`",
            Self::Narrow => "`read P`, `deny P` inside of what is granted",
            Self::Reopen => "`write P` inside of what is narrowed",
            Self::Private => "`private P`",
            Self::DenyGlob => "`deny G` with a wildcard",
            Self::ReadGlob => "`read G` with a wildcard",
            Self::Protect => "`protect N`",
            Self::Lookup => "what is denied cannot be looked up",
            Self::NetworkOff => "`network off`",
            Self::NetworkFull => "`network full`",
            Self::AllowLoopback => "`network allow localhost`",
            Self::AllowHost => "`network allow` of other hosts",
            Self::DenyHost => "`network deny` of hosts",
            Self::AllowSocket => "`network allow unix:P`",
            Self::DenySocket => "`network deny unix:P`",
            Self::Sockets => "sockets of others in what can be read",
            Self::EnvPass => "`env pass V`",
            Self::EnvDeny => "`env deny V`",
            Self::EnvSet => "`env set V`",
            Self::Limit(kind) => return format!("`limit {}`", kind.as_str()),
            Self::Syscall => "`syscalls deny S`",
            Self::Mach => "`mach-lookup S`",
        }
        .to_owned()
    }
}

/// What a target does about a kind of clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Enforced as the reference model says.
    Exact,
    /// Not, or not in full; the page of the code says what is missing.
    Gap(Code),
    /// Another target's business.
    NotApplicable,
}

impl Support {
    /// The cell of a table.
    #[must_use]
    pub fn cell(self) -> String {
        match self {
            Self::Exact => "exact".to_owned(),
            Self::Gap(code) => code.to_string(),
            Self::NotApplicable => "–".to_owned(),
        }
    }
}

/// What a code is about, in the words of `accept gap` and `require`. A code without one cannot be accepted by a profile: the
/// target as such does not fit.
#[must_use]
pub const fn feature(code: Code) -> Option<Feature> {
    match code {
        Code::EP0701 => Some(Feature::PrivateDirectories),
        Code::EP0702 => Some(Feature::LateFiles),
        Code::EP0703 => Some(Feature::MissingProtected),
        Code::EP0704 => Some(Feature::SecondWall),
        Code::EP0705 => Some(Feature::Metadata),
        Code::EP0706 => Some(Feature::HostNames),
        Code::EP0707 => Some(Feature::LocalSockets),
        Code::EP0708 => Some(Feature::Limits),
        Code::EP0709 => Some(Feature::Syscalls),
        _ => None,
    }
}

/// The table: what a target does about a kind of clause.
#[must_use]
pub const fn support(clause: ClauseKind, target: Target) -> Support {
    use Support::{Exact, Gap, NotApplicable};
    use Target::{Bwrap, Codex, Landlock, Mounts, Netns, Oci, Process, Seatbelt, Seccomp, Srt};
    match (clause, target) {
        (ClauseKind::Mach, Seatbelt) => Exact,
        (ClauseKind::Mach, _) => NotApplicable,

        // One concern each.
        (ClauseKind::Syscall, Seccomp | Oci) => Exact,
        (ClauseKind::Syscall, Bwrap | Srt | Codex) => Gap(Code::EP0709),
        (ClauseKind::Syscall, _) | (_, Seccomp | Oci) => NotApplicable,
        (ClauseKind::NetworkOff | ClauseKind::NetworkFull, Netns) => Exact,
        (ClauseKind::AllowLoopback | ClauseKind::AllowHost | ClauseKind::DenyHost, Netns) => {
            Gap(Code::EP0706)
        }
        (_, Netns) => NotApplicable,
        (ClauseKind::EnvPass | ClauseKind::EnvDeny | ClauseKind::EnvSet, Process) => Exact,
        (ClauseKind::Limit(LimitKind::Memory), Process) => Gap(Code::EP0708),
        (ClauseKind::Limit(_), Process) => Exact,
        (_, Process) => NotApplicable,

        (ClauseKind::Limit(_), Mounts | Landlock) => NotApplicable,
        (ClauseKind::Limit(_), Seatbelt | Bwrap | Srt | Codex) => Gap(Code::EP0708),
        (ClauseKind::EnvPass | ClauseKind::EnvDeny | ClauseKind::EnvSet, Mounts | Landlock) => NotApplicable,
        // Whoever starts the command gives it its environment: the runtime's own argument list does.
        (ClauseKind::EnvPass | ClauseKind::EnvDeny | ClauseKind::EnvSet, Seatbelt) => Exact,
        (ClauseKind::EnvSet, Bwrap | Codex) => Exact,
        (ClauseKind::EnvPass | ClauseKind::EnvDeny | ClauseKind::EnvSet, Bwrap | Srt | Codex) => {
            Gap(Code::EP0710)
        }

        // Files.
        (ClauseKind::Grant, _) => Exact,
        (ClauseKind::Narrow | ClauseKind::Reopen, Landlock) => Gap(Code::EP0704),
        (ClauseKind::Reopen, Srt) => Gap(Code::EP0712),
        (ClauseKind::Narrow | ClauseKind::Reopen, _) => Exact,
        (ClauseKind::Private, Mounts | Bwrap) => Exact,
        (ClauseKind::Private, Landlock | Seatbelt | Srt | Codex) => Gap(Code::EP0701),
        (ClauseKind::DenyGlob | ClauseKind::ReadGlob | ClauseKind::Protect, Landlock) => Gap(Code::EP0704),
        (ClauseKind::ReadGlob, Codex) => Gap(Code::EP0712),
        (ClauseKind::DenyGlob | ClauseKind::ReadGlob, _) => Gap(Code::EP0702),
        (ClauseKind::Protect, _) => Gap(Code::EP0703),
        (ClauseKind::Lookup, Seatbelt) => Exact,
        (ClauseKind::Lookup, _) => Gap(Code::EP0705),

        // The network.
        (ClauseKind::NetworkOff, Landlock) => Gap(Code::EP0711),
        (ClauseKind::NetworkOff | ClauseKind::NetworkFull, Mounts) => NotApplicable,
        (ClauseKind::NetworkOff, _) => Exact,
        (ClauseKind::NetworkFull, Srt) => Gap(Code::EP0706),
        (ClauseKind::NetworkFull, _) => Exact,
        (ClauseKind::AllowLoopback, Seatbelt) => Exact,
        (ClauseKind::AllowLoopback | ClauseKind::AllowHost | ClauseKind::DenyHost, Mounts) => NotApplicable,
        (ClauseKind::AllowLoopback | ClauseKind::AllowHost | ClauseKind::DenyHost, _) => Gap(Code::EP0706),
        (ClauseKind::AllowSocket | ClauseKind::DenySocket | ClauseKind::Sockets, Seatbelt) => Exact,
        (ClauseKind::AllowSocket | ClauseKind::DenySocket | ClauseKind::Sockets, _) => Gap(Code::EP0707),
    }
}
