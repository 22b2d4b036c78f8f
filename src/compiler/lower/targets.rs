//! In: a kind of clause and a [`Target`]. Out: [`Support`]: enforced exactly, or a gap with its code, or none of its business.
//! Not here: one profile's clauses (`assess.rs`), and the texts for the targets (`emit/`).
//!
//! The whole knowledge about targets is in this file, once: the emitters, the diagnostics, `--explain-targets` and the
//! table in `docs/semantics.md` ask here. What is said here is compared with what the emitted texts do.

mod assess;
mod clauses;

pub use assess::{Finding, assess, unmet};
pub use clauses::{Stated, clauses};

use crate::diagnostic::Code;
use execpolicy_profile::{
    Access, Clause, EnvAction, Feature, Host as Destination, LimitKind, NetworkMode, Platform,
};

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
    /// `umask M`.
    Umask,
    /// `syscalls deny S`.
    Syscall,
    /// `mach-lookup S`.
    Mach,
}

impl ClauseKind {
    /// Every kind, in the order of tables.
    pub const ALL: [Self; 29] = [
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
        Self::Umask,
        Self::Syscall,
        Self::Mach,
    ];

    /// What kind of clause this is in a profile with such a network; `None` for one that has no effect, and for paths, whose kind depends
    /// on what stands around them.
    #[must_use]
    pub fn of(clause: &Clause, mode: NetworkMode) -> Option<Self> {
        Some(match clause {
            Clause::Path(_) | Clause::SyscallAllowed(_) | Clause::Feature(_) => return None,
            Clause::Glob(rule) if rule.access == Access::Deny => Self::DenyGlob,
            Clause::Glob(_) => Self::ReadGlob,
            Clause::Protect(_) => Self::Protect,
            Clause::Network(NetworkMode::Off) => Self::NetworkOff,
            Clause::Network(NetworkMode::Full) => Self::NetworkFull,
            Clause::Network(NetworkMode::Listed) => return None,
            Clause::Host(rule) => match (&rule.host, rule.allow) {
                // What is allowed has no effect where the network is off or full.
                (_, true) if mode != NetworkMode::Listed => return None,
                (Destination::Socket(_), true) => Self::AllowSocket,
                (Destination::Socket(_), false) => Self::DenySocket,
                (_, false) if mode == NetworkMode::Off => return None,
                (Destination::Name(name), true) if &**name == "localhost" => Self::AllowLoopback,
                (_, true) => Self::AllowHost,
                (_, false) => Self::DenyHost,
            },
            Clause::Env(rule) => match rule.action {
                EnvAction::Pass => Self::EnvPass,
                EnvAction::Deny => Self::EnvDeny,
                EnvAction::Set(_) => Self::EnvSet,
            },
            Clause::Limit(limit) => Self::Limit(limit.kind),
            Clause::Umask(_) => Self::Umask,
            Clause::Syscall(_) => Self::Syscall,
            Clause::Mach(_) => Self::Mach,
        })
    }

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
            Self::Umask => "`umask M`",
            Self::Syscall => "`syscalls deny S`",
            Self::Mach => "`mach-lookup S`",
        }
        .to_owned()
    }
}

/// On which side of the profile a target errs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// More can be done than the profile says.
    Weaker,
    /// Less can be done.
    Stricter,
    /// As much as the profile itself promises: what does not exist yet may be detected instead of prevented.
    AsPromised,
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
        (ClauseKind::Limit(_) | ClauseKind::Umask, Process) => Exact,
        (_, Process) => NotApplicable,

        (ClauseKind::Limit(_) | ClauseKind::Umask, Mounts | Landlock) => NotApplicable,
        (ClauseKind::Limit(_) | ClauseKind::Umask, Seatbelt | Bwrap | Srt | Codex) => Gap(Code::EP0708),
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

/// What happens instead of a clause, and on which side of it that is.
#[must_use]
pub const fn instead(code: Code, kind: ClauseKind, target: Target) -> (Kept, &'static str) {
    use Kept::{AsPromised, Stricter, Weaker};
    match (code, target) {
        (Code::EP0701, Target::Seatbelt) => {
            (Stricter, "the host's directory is closed, and a new one is given as PRIVATE and TMPDIR")
        }
        (Code::EP0701, Target::Landlock) => {
            (Weaker, "the host's directory can be written, unless mounts put another in its place")
        }
        (Code::EP0701, _) => (Stricter, "the host's directory can be neither read nor written"),
        (Code::EP0702, Target::Seatbelt) => (
            AsPromised,
            "later files are covered, but a directory that holds one can be moved to where the pattern does not reach",
        ),
        (Code::EP0702, Target::Mounts) => {
            (AsPromised, "files that exist at the start are masked, later ones are not")
        }
        (Code::EP0702, _) => (
            Weaker,
            "files that exist when the text is written, or the command starts, are covered; later ones are not",
        ),
        (Code::EP0703, Target::Seatbelt) => {
            (AsPromised, "a directory that is made elsewhere can be moved to where the name lies")
        }
        (Code::EP0703, Target::Mounts) => (
            AsPromised,
            "names that exist are read-only; others are held by a placeholder, or found afterwards and put into quarantine",
        ),
        (Code::EP0703, Target::Codex) => {
            (Weaker, "names that exist at the top of a writable directory are read-only, others are not")
        }
        (Code::EP0703, _) => (Weaker, "names that exist are read-only; others can be made"),
        (Code::EP0704, _) => {
            (Weaker, "Landlock only grants: what the directory around it grants holds here as well")
        }
        (Code::EP0705, Target::Mounts | Target::Bwrap) => {
            (AsPromised, "the name can be seen, but nothing of what is behind it")
        }
        (Code::EP0705, _) => (Weaker, "name, size, owner and times can be asked for"),
        (Code::EP0706 | Code::EP0707 | Code::EP0711, _) => instead_of_network(code, kind, target),
        (Code::EP0708, Target::Process) => {
            (Stricter, "no command runs: memory of the whole tree needs a delegated cgroup")
        }
        (Code::EP0708, _) if matches!(kind, ClauseKind::Umask) => {
            (Weaker, "the command starts with the mask of its caller")
        }
        (Code::EP0708, _) => (Weaker, "nothing is limited"),
        (Code::EP0709, Target::Bwrap) => (
            Weaker,
            "nothing is filtered unless the program of `--emit seccomp=F` is loaded with `--seccomp FD`",
        ),
        (Code::EP0709, _) => (Weaker, "only what the tool itself filters is filtered"),
        (Code::EP0710, Target::Bwrap) => match kind {
            ClauseKind::EnvPass => (Stricter, "no variable is passed: add `--setenv NAME VALUE` for each"),
            _ => (
                Weaker,
                "bubblewrap clears the environment of the command, but process 1 keeps its own: start it with `env -i`",
            ),
        },
        (Code::EP0710, Target::Codex) => (
            Weaker,
            "patterns are compared without regard to case, and a denial wins over a name written out",
        ),
        (Code::EP0710, _) => (Weaker, "every variable is passed"),
        (Code::EP0712, Target::Srt) => (Stricter, "a denial of writing wins over everything below it"),
        (Code::EP0712, _) => (Weaker, "the tool's patterns can only deny, so what matches can be written"),
        _ => (Weaker, "this is not enforced"),
    }
}

/// The same for the clauses about the network.
const fn instead_of_network(code: Code, kind: ClauseKind, target: Target) -> (Kept, &'static str) {
    use Kept::{AsPromised, Stricter, Weaker};
    match (code, target) {
        (Code::EP0706, Target::Landlock) => {
            (Weaker, "Landlock knows ports, not hosts; UDP and other protocols stay open")
        }
        (Code::EP0706, Target::Netns) => {
            (Stricter, "no command runs until there is a proxy that tells destinations apart")
        }
        (Code::EP0706, Target::Srt) => (Stricter, "destinations are reached through a proxy by name only"),
        (Code::EP0706, _) => {
            (Stricter, "without a proxy that tells destinations apart the network stays closed")
        }
        (Code::EP0707, Target::Mounts) if matches!(kind, ClauseKind::AllowSocket) => {
            (Stricter, "no command runs: listed destinations need a proxy")
        }
        (Code::EP0707, Target::Mounts) => (
            AsPromised,
            "sockets that exist at the start are masked where the view is read-only, later ones are not",
        ),
        (Code::EP0707, Target::Srt) => {
            (Stricter, "on Linux no socket in the file system can be connected to")
        }
        (Code::EP0707, _) => (Weaker, "every socket that can be seen can be connected to"),
        _ => (Weaker, "TCP is closed, but UDP, MPTCP, TCP fast open and sockets in the file system are not"),
    }
}
