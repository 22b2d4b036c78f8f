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
use crate::policy::profile::{Feature, LimitKind, Platform};

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
pub enum Clause {
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

impl Clause {
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

    /// Whether this is about files, so that a target may carry it with others.
    #[must_use]
    pub const fn about_files(self) -> bool {
        matches!(
            self,
            Self::Grant
                | Self::Narrow
                | Self::Reopen
                | Self::Private
                | Self::DenyGlob
                | Self::ReadGlob
                | Self::Protect
                | Self::Lookup
        )
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
pub const fn support(clause: Clause, target: Target) -> Support {
    use Support::{Exact, Gap, NotApplicable};
    use Target::{Bwrap, Codex, Landlock, Mounts, Netns, Oci, Process, Seatbelt, Seccomp, Srt};
    match (clause, target) {
        (Clause::Mach, Seatbelt) => Exact,
        (Clause::Mach, _) => NotApplicable,

        // One concern each.
        (Clause::Syscall, Seccomp | Oci) => Exact,
        (Clause::Syscall, Bwrap | Srt | Codex) => Gap(Code::EP0709),
        (Clause::Syscall, _) | (_, Seccomp | Oci) => NotApplicable,
        (Clause::NetworkOff | Clause::NetworkFull, Netns) => Exact,
        (Clause::AllowLoopback | Clause::AllowHost | Clause::DenyHost, Netns) => Gap(Code::EP0706),
        (_, Netns) => NotApplicable,
        (Clause::EnvPass | Clause::EnvDeny | Clause::EnvSet, Process) => Exact,
        (Clause::Limit(LimitKind::Memory), Process) => Gap(Code::EP0708),
        (Clause::Limit(_), Process) => Exact,
        (_, Process) => NotApplicable,

        (Clause::Limit(_), Mounts | Landlock) => NotApplicable,
        (Clause::Limit(_), Seatbelt | Bwrap | Srt | Codex) => Gap(Code::EP0708),
        (Clause::EnvPass | Clause::EnvDeny | Clause::EnvSet, Mounts | Landlock) => NotApplicable,
        // Whoever starts the command gives it its environment: the runtime's own argument list does.
        (Clause::EnvPass | Clause::EnvDeny | Clause::EnvSet, Seatbelt) => Exact,
        (Clause::EnvSet, Bwrap | Codex) => Exact,
        (Clause::EnvPass | Clause::EnvDeny | Clause::EnvSet, Bwrap | Srt | Codex) => Gap(Code::EP0710),

        // Files.
        (Clause::Grant, _) => Exact,
        (Clause::Narrow | Clause::Reopen, Landlock) => Gap(Code::EP0704),
        (Clause::Reopen, Srt) => Gap(Code::EP0712),
        (Clause::Narrow | Clause::Reopen, _) => Exact,
        (Clause::Private, Mounts | Bwrap) => Exact,
        (Clause::Private, Landlock | Seatbelt | Srt | Codex) => Gap(Code::EP0701),
        (Clause::DenyGlob | Clause::ReadGlob | Clause::Protect, Landlock) => Gap(Code::EP0704),
        (Clause::ReadGlob, Codex) => Gap(Code::EP0712),
        (Clause::DenyGlob | Clause::ReadGlob, _) => Gap(Code::EP0702),
        (Clause::Protect, _) => Gap(Code::EP0703),
        (Clause::Lookup, Seatbelt) => Exact,
        (Clause::Lookup, _) => Gap(Code::EP0705),

        // The network.
        (Clause::NetworkOff, Landlock) => Gap(Code::EP0711),
        (Clause::NetworkOff | Clause::NetworkFull, Mounts) => NotApplicable,
        (Clause::NetworkOff, _) => Exact,
        (Clause::NetworkFull, Srt) => Gap(Code::EP0706),
        (Clause::NetworkFull, _) => Exact,
        (Clause::AllowLoopback, Seatbelt) => Exact,
        (Clause::AllowLoopback | Clause::AllowHost | Clause::DenyHost, Mounts) => NotApplicable,
        (Clause::AllowLoopback | Clause::AllowHost | Clause::DenyHost, _) => Gap(Code::EP0706),
        (Clause::AllowSocket | Clause::DenySocket | Clause::Sockets, Seatbelt) => Exact,
        (Clause::AllowSocket | Clause::DenySocket | Clause::Sockets, _) => Gap(Code::EP0707),
    }
}
