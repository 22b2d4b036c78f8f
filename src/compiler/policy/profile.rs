//! In: what `sandbox` resolves, or what an artifact holds. Out: [`Resolved`] profiles, the one input of the reference
//! model and of the encoder: flat, owned, each clause with the statement that wrote it.
//! Not here: the language (`sandbox/`), and what a profile allows (`model.rs`).
//!
//! The clauses are the runtime's (`execpolicy_profile`), owned instead of borrowed; each means what is said there.

mod from_runtime;
mod statements;

pub use execpolicy_profile::{
    Access, Feature, LimitKind, NetworkMode, PathAccess, Phase, Platform, Promise, Root, Stance,
};

use super::{Decision, NetworkRule};
use crate::source::{SourceMap, Span};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The place of the statement that wrote a clause.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The name of the file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// The bytes; `None` for what came out of an artifact.
    pub span: Option<Span>,
}

impl Origin {
    /// The place of a span.
    #[must_use]
    pub fn of(sources: &SourceMap, span: Span) -> Self {
        let position = sources.position(span);
        let file = Arc::from(sources.get(span.source).name());
        Self { file, line: position.line, column: position.column, span: Some(span) }
    }
}

impl PartialEq for Origin {
    /// The same place as people count it; an artifact does not keep bytes.
    fn eq(&self, other: &Self) -> bool {
        (&self.file, self.line, self.column) == (&other.file, other.line, other.column)
    }
}

impl Eq for Origin {}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A path below a root, in normal form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What it begins with.
    pub root: Root,
    /// What follows: components joined by `/`; empty for the root itself.
    pub rest: String,
}

impl Place {
    /// A place from its parts.
    pub fn new(root: Root, rest: impl Into<String>) -> Self {
        Self { root, rest: rest.into() }
    }

    /// Whether this is `other` or lies above it, as far as the written text shows.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.root == other.root
            && (self.rest.is_empty()
                || other
                    .rest
                    .strip_prefix(&self.rest)
                    .is_some_and(|tail| tail.is_empty() || tail.starts_with('/')))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        execpolicy_profile::Place { root: self.root, rest: &self.rest }.fmt(f)
    }
}

/// `write P`, `read P`, `deny P`, `private P`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRule {
    /// Where it begins to hold.
    pub place: Place,
    /// What it grants.
    pub access: PathAccess,
    /// The statement.
    pub origin: Origin,
}

/// `deny G`, `read G` with a wildcard: a cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobRule {
    /// The part before the first wildcard component.
    pub place: Place,
    /// The rest.
    pub pattern: String,
    /// The cap; never [`Access::Write`].
    pub access: Access,
    /// The statement.
    pub origin: Origin,
}

/// `protect N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protect {
    /// The relative name.
    pub name: String,
    /// What is promised at the top of a writable root while nothing of that name is there.
    pub missing: Promise,
    /// The statement.
    pub origin: Origin,
}

/// Whom a network rule is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// This name.
    Name(String),
    /// Every name below this one.
    Below(String),
    /// Addresses.
    Net {
        /// Their common beginning; the bits after `prefix` are zero.
        address: IpAddr,
        /// How many bits are common.
        prefix: u8,
    },
    /// Sockets in the file system, at or below a path.
    Socket(Place),
}

impl Host {
    /// The destination as it is written: with its ports, unless it is about all of them.
    #[must_use]
    pub fn spell(&self, first_port: u16, last_port: u16) -> String {
        let host = match self {
            Self::Net { address, .. } if address.is_ipv6() && (first_port, last_port) != (0, u16::MAX) => {
                format!("[{self}]")
            }
            _ => self.to_string(),
        };
        match (first_port, last_port) {
            (0, u16::MAX) => host,
            (first, last) if first == last => format!("{host}:{first}"),
            (first, last) => format!("{host}:{first}-{last}"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Net { address, prefix } => {
                let whole = if address.is_ipv4() { 32 } else { 128 };
                if *prefix == whole { write!(f, "{address}") } else { write!(f, "{address}/{prefix}") }
            }
            Self::Socket(place) => write!(f, "unix:{place}"),
        }
    }
}

/// One destination of `network allow` or `network deny`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    /// Allowed, or taken away.
    pub allow: bool,
    /// Whom it is about.
    pub host: Host,
    /// The first port.
    pub first_port: u16,
    /// The last port.
    pub last_port: u16,
    /// The statement.
    pub origin: Origin,
}

/// What may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Off, listed or full.
    pub mode: NetworkMode,
    /// The statement that set the mode, if one did.
    pub origin: Option<Origin>,
    /// The destinations.
    pub hosts: Vec<HostRule>,
}

/// What an environment rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvAction {
    /// The caller's value is passed.
    Pass,
    /// Nothing is passed.
    Deny,
    /// This value is passed.
    Set(String),
}

/// One variable, or a pattern of variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvRule {
    /// A name in which `*` stands for anything.
    pub pattern: String,
    /// What happens to it.
    pub action: EnvAction,
    /// The statement.
    pub origin: Origin,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of what.
    pub kind: LimitKind,
    /// In the kind's unit: a count, bytes, milliseconds.
    pub value: u64,
    /// The statement.
    pub origin: Origin,
}

/// One denied system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyscallRule {
    /// Its name.
    pub name: String,
    /// The statement.
    pub origin: Origin,
}

/// One requirement or accepted gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// What it is about.
    pub feature: Feature,
    /// Which of the two.
    pub stance: Stance,
    /// The statement.
    pub origin: Origin,
}

/// One Mach service that may be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachService {
    /// Its global name.
    pub name: String,
    /// The statement.
    pub origin: Origin,
}

/// A profile with `extends`, `unset`, `let` and sets worked out, for one phase and platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its name.
    pub name: String,
    /// For which phase.
    pub phase: Phase,
    /// For which platform.
    pub platform: Platform,
    /// Where it is declared.
    pub origin: Origin,
    /// Sorted by place; no place twice.
    pub paths: Vec<PathRule>,
    /// Sorted by (place, pattern); none twice.
    pub globs: Vec<GlobRule>,
    /// Sorted by name; none twice.
    pub protects: Vec<Protect>,
    /// What may be connected to.
    pub network: Network,
    /// In the order of their patterns.
    pub env: Vec<EnvRule>,
    /// By kind; none twice.
    pub limits: Vec<Limit>,
    /// Denied calls, sorted.
    pub syscalls: Vec<SyscallRule>,
    /// By feature; none twice.
    pub features: Vec<Requirement>,
    /// Sorted.
    pub mach: Vec<MachService>,
}

/// `default NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultProfile {
    /// The profile that places what no rule places.
    pub name: String,
    /// The statement.
    pub origin: Origin,
}

/// Every profile of one compilation, the standard library's included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles {
    /// Each name with its four variants.
    pub(crate) resolved: BTreeMap<(String, Phase, Platform), Resolved>,
    /// `default NAME`, if it was said.
    pub(crate) default: Option<DefaultProfile>,
}

impl Profiles {
    /// The profile that holds for a name in a phase on a platform.
    #[must_use]
    pub fn get(&self, name: &str, phase: Phase, platform: Platform) -> Option<&Resolved> {
        self.resolved.get(&(name.to_owned(), phase, platform))
    }

    /// Whether there is a profile of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name, Phase::Run, Platform::Linux).is_some()
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let linux = self.resolved.values().filter(|p| (p.phase, p.platform) == (Phase::Run, Platform::Linux));
        linux.map(|profile| profile.name.as_str())
    }

    /// The name that somebody may have meant.
    #[must_use]
    pub fn nearest(&self, wrong: &str) -> Option<&str> {
        crate::diagnostic::text::nearest(wrong, self.names())
    }

    /// Every variant, sorted by (name, phase, platform).
    pub fn iter(&self) -> impl Iterator<Item = &Resolved> {
        self.resolved.values()
    }

    /// Takes from every profile the destinations that a rule file denies or wants asked about: such a
    /// statement subtracts, and an allow never widens a profile.
    pub fn subtract(&mut self, rules: &[NetworkRule], sources: &SourceMap) {
        let denied = rules.iter().filter(|rule| rule.decision > Decision::Allow);
        let denied: Vec<HostRule> = denied
            .map(|rule| {
                let host = &rule.host.value;
                let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
                let host = address.map_or_else(
                    || Host::Name(host.clone()),
                    |address| Host::Net { address, prefix: if address.is_ipv4() { 32 } else { 128 } },
                );
                let origin = Origin::of(sources, rule.span);
                HostRule { allow: false, host, first_port: 0, last_port: u16::MAX, origin }
            })
            .collect();
        for profile in self.resolved.values_mut() {
            profile.network.hosts.extend(denied.iter().cloned());
        }
    }

    /// What `default` says.
    #[must_use]
    pub const fn default_profile(&self) -> Option<&DefaultProfile> {
        self.default.as_ref()
    }
}
