//! In: the profiles section of an artifact, as bytes. Out: [`Profiles`] and, for one name, phase and platform, the
//! [`Profile`] that is enforced: flat, `extends` and `unset` already applied, each clause with the place that wrote it.
//! Not here: what the clauses mean for an operation (`docs/language/sandbox.md`; the reference model is in the
//! compiler), and how a kernel is made to enforce them (`confine/`).
//!
//! Everything is borrowed, nothing is allocated. [`Profiles::from_bytes`] reads every record once and refuses what
//! it cannot read; after that no accessor can fail.

#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

extern crate alloc;

mod decide;
mod decode;
pub mod glob;
mod order;
mod section;
mod words;

pub use decide::{Variable, variable};
pub use decode::{List, ListIter, ProfileError, Record};
pub use order::Order;
pub use section::{DefaultProfile, Profile, Profiles};
pub use words::{
    Access, Feature, LimitKind, NetworkMode, PathAccess, Phase, Platform, Promise, Root, Stance,
};

use core::fmt;
use core::net::IpAddr;

/// The profile of the standard library in which a command runs that nothing places, if the policy does not
/// say `default NAME`.
pub const DEFAULT: &str = "workspace-write";

/// The statement that wrote a clause. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin<'a> {
    /// The file, as the compiler names it: relative to the policy root, or `@stdlib//…`.
    pub file: &'a str,
    /// The line of the statement's word that made the clause.
    pub line: u32,
    /// Its column.
    pub column: u32,
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A path below a root: `$WORKSPACE/target`, `/etc`, `~/.ssh`. The rest is in normal form: components joined by one
/// `/`, none of them empty, `.` or `..`, no `/` at either end; it is empty for the root itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place<'a> {
    /// What the path begins with.
    pub root: Root,
    /// What follows the root.
    pub rest: &'a str,
}

impl<'a> Place<'a> {
    /// The components below the root.
    pub fn components(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.rest.split('/').filter(|component| !component.is_empty())
    }
}

impl fmt::Display for Place<'_> {
    /// As it is written in a profile: `/etc`, `~/.ssh`, `$WORKSPACE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.root, self.rest) {
            (Root::Absolute, rest) => write!(f, "/{rest}"),
            (root, "") => f.write_str(root.as_str()),
            (root, rest) => write!(f, "{}/{rest}", root.as_str()),
        }
    }
}

/// `write P`, `read P`, `deny P`, `private P`: what a directory or file and all below it may be used for. Of the rules
/// for a path and its ancestors the most specific counts; of two rules that coincide once roots and symbolic links
/// are resolved, the lower [`PathAccess`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRule<'a> {
    /// Where it begins to hold.
    pub place: Place<'a>,
    /// What is granted there.
    pub access: PathAccess,
    /// The statement.
    pub origin: Origin<'a>,
}

/// `deny $WORKSPACE/**/.env`, `read /srv/*/config`: caps the access of whatever matches, and of all below a match.
/// A glob never grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobRule<'a> {
    /// The part before the first component with a wildcard.
    pub place: Place<'a>,
    /// The components from the first wildcard on, in the syntax of [`glob`]; never empty.
    pub pattern: &'a str,
    /// The cap: [`Access::Deny`] or [`Access::Read`].
    pub access: Access,
    /// The statement.
    pub origin: Origin<'a>,
}

/// `protect .git/hooks`: readable, not writable, at any depth in every writable root, whether it exists or not. It matches a path if the
/// components of the name stand somewhere in the path with the last of them strictly below a writable root, at
/// the path itself or above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protect<'a> {
    /// Relative, in normal form, in the syntax of [`glob`]: `.vscode`, `.git/modules/**/hooks`, `*.epc`.
    pub name: &'a str,
    /// What is promised directly below a writable root while nothing of that name exists there. Prevented: an empty
    /// placeholder changes nothing for other programs. Detected: a placeholder would (an empty `.git` hides
    /// the repository around it), so what appears is quarantined. Deeper down, missing names are always detected;
    /// names that exist are always prevented.
    pub missing: Promise,
    /// The statement.
    pub origin: Origin<'a>,
}

/// Whom a network rule is about. Host names are lower case, without a final dot; IPv4-mapped IPv6 addresses are IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// Exactly this name.
    Name(&'a str),
    /// `*.example.org`: every name that ends in `.example.org`, at any depth; not `example.org` itself.
    Below(&'a str),
    /// Addresses that share the first `prefix` bits; all bits after them are zero.
    Net {
        /// The address.
        address: IpAddr,
        /// How many leading bits count: at most 32 for IPv4, 128 for IPv6.
        prefix: u8,
    },
    /// `unix:PATH`: a socket in the file system, or any socket below that directory.
    Socket(Place<'a>),
}

/// One destination of `network allow` or `network deny`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostRule<'a> {
    /// Allowed, or taken away; a denial always wins.
    pub allow: bool,
    /// Whom it is about.
    pub host: Host<'a>,
    /// The first port it holds for; 0 to 65535 is any port, and the only range of a [`Host::Socket`].
    pub first_port: u16,
    /// The last one.
    pub last_port: u16,
    /// The statement.
    pub origin: Origin<'a>,
}

/// `network off`, `network full`, or listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network<'a> {
    /// Off, what the list allows, or everything the list does not deny.
    pub mode: NetworkMode,
    /// The statement that set the mode; of several `network allow` the first. `None`: nobody said anything, which is off.
    pub origin: Option<Origin<'a>>,
    /// The destinations, in the order written.
    pub hosts: List<'a, HostRule<'a>>,
}

/// What an [`EnvRule`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvAction<'a> {
    /// The command sees the value the caller has.
    Pass,
    /// The command does not see it. Names are compared without regard to ASCII case.
    Deny,
    /// The command sees this value.
    Set(&'a str),
}

/// `env pass LC_*`, `env deny *_TOKEN`, `env set CI = "1"`. For a variable the first that matches decides: a `set`; a name
/// written out; a pattern; within one of these, deny before pass. What no rule matches is not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvRule<'a> {
    /// A name, in which each `*` stands for any bytes. Always a name without `*` for [`EnvAction::Set`].
    pub pattern: &'a str,
    /// What happens to it.
    pub action: EnvAction<'a>,
    /// The statement.
    pub origin: Origin<'a>,
}

/// `limit memory 4GiB`. At most one of each kind; what has no limit is not limited by the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit<'a> {
    /// Of what.
    pub kind: LimitKind,
    /// In [`LimitKind`]'s own unit: a count, bytes, or milliseconds. Never 0.
    pub value: u64,
    /// The statement.
    pub origin: Origin<'a>,
}

/// One system call that is denied; all others are allowed (as far as the target's own baseline allows them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyscallRule<'a> {
    /// The name from the kernel's table (`ptrace`), or one with a condition on its arguments
    /// (`clone:namespaces`, `ioctl:terminal-input`); the list of these is in `stdlib/sandbox/syscalls.txt`.
    pub name: &'a str,
    /// The statement.
    pub origin: Origin<'a>,
}

/// `require F` or `accept gap F`: what must hold in full, or may fall short, on the host that enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureRule<'a> {
    /// What it is about.
    pub feature: Feature,
    /// Which of the two.
    pub stance: Stance,
    /// The statement.
    pub origin: Origin<'a>,
}

/// `mach-lookup "com.apple.trustd.agent"`: a service that may be asked for (macOS only).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachService<'a> {
    /// Its global name.
    pub name: &'a str,
    /// The statement.
    pub origin: Origin<'a>,
}
