//! In: nothing. Out: the clauses of a profile, each once: its types, its statement as text (`Display`), its bytes ([`Wire`]), and what
//! it is about ([`Clause::subject`]). Not here: what clauses mean together (`model.rs`), and reading statements (the compiler's
//! `sandbox/`).
//!
//! A clause holds texts of type `T`: borrowed from an artifact, or the compiler's own.

use super::glob;
use super::place::{Located, Origin};
use super::profile::{Name, Network, lists};
use super::term::{Literal, Pattern, Plain, Quoted};
use super::wire::{Cursor, ProfileError, TEXT, TextFrom, Wire, Writer};
use super::{
    Access, Feature, LimitKind, NetworkMode, PathAccess, Phase, Place, Platform, Promise, Root, Stance, Text,
};
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `write P`, `read P`, `deny P`, `private P`: what a directory or file and all below it may be used for. Of the rules
/// for a path and its ancestors the most specific counts; of two rules that coincide once roots and symbolic links
/// are resolved, the lower [`PathAccess`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRule<T = Text> {
    /// Where it begins to hold.
    pub place: Place<T>,
    /// What is granted there.
    pub access: PathAccess,
}

impl<T: AsRef<str>> fmt::Display for PathRule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.access.as_str(), Literal(&self.place.to_string()))
    }
}

impl<'a, T: TextFrom<'a>> Wire<'a> for PathRule<T> {
    const SIZE: usize = Place::<T>::SIZE + 1;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self { place: Place::read(cursor)?, access: cursor.word(PathAccess::from_byte, "access")? })
    }

    fn write(&self, out: &mut Writer<'_>) {
        self.place.write(out);
        out.put([self.access as u8]);
    }
}

/// `deny $WORKSPACE/**/.env`, `read /srv/*/config`: caps the access of whatever matches, and of all below a match.
/// A glob never grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobRule<T = Text> {
    /// The part before the first component with a wildcard.
    pub place: Place<T>,
    /// The components from the first wildcard on, in the syntax of [`glob`]; never empty.
    pub pattern: T,
    /// The cap: [`Access::Deny`] or [`Access::Read`].
    pub access: Access,
}

impl<T: AsRef<str>> fmt::Display for GlobRule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.access.as_str())?;
        write_glob(&self.place, self.pattern.as_ref(), f)
    }
}

fn write_glob<T: AsRef<str>>(place: &Place<T>, pattern: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let place = place.to_string();
    write!(f, "{}/{pattern}", place.trim_end_matches('/'))
}

impl<'a, T: TextFrom<'a>> Wire<'a> for GlobRule<T> {
    const SIZE: usize = Place::<T>::SIZE + TEXT + 1;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let place = Place::read(cursor)?;
        let start = *cursor;
        let pattern = cursor.text("glob")?;
        if !glob::valid(pattern, true) {
            return start.fault("glob");
        }
        let start = *cursor;
        let access = cursor.word(Access::from_byte, "access")?;
        if access == Access::Write {
            return start.fault("access");
        }
        Ok(Self { place, pattern: pattern.into(), access })
    }

    fn write(&self, out: &mut Writer<'_>) {
        self.place.write(out);
        out.text(self.pattern.as_ref());
        out.put([self.access as u8]);
    }
}

/// `protect .git/hooks`: readable, not writable, at any depth in every writable root, whether it exists or not. It matches a path if the
/// components of the name stand somewhere in the path with the last of them strictly below a writable root, at
/// the path itself or above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protect<T = Text> {
    /// Relative, in normal form, in the syntax of [`glob`]: `.vscode`, `.git/modules/**/hooks`, `*.epc`.
    pub name: T,
    /// What is promised directly below a writable root while nothing of that name exists there. Prevented: an empty
    /// placeholder changes nothing for other programs. Detected: a placeholder would (an empty `.git` hides
    /// the repository around it), so what appears is quarantined. Deeper down, missing names are always detected;
    /// names that exist are always prevented.
    pub missing: Promise,
}

impl<T: AsRef<str>> fmt::Display for Protect<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "protect {}", Pattern(self.name.as_ref()))
    }
}

impl<'a, T: TextFrom<'a>> Wire<'a> for Protect<T> {
    const SIZE: usize = TEXT + 1;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let start = *cursor;
        let name = cursor.text("name")?;
        if !glob::valid(name, true) {
            return start.fault("name");
        }
        Ok(Self { name: name.into(), missing: cursor.word(Promise::from_byte, "promise")? })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.text(self.name.as_ref());
        out.put([self.missing as u8]);
    }
}

/// Whom a network rule is about. Host names are lower case, without a final dot; IPv4-mapped IPv6 addresses are IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host<T = Text> {
    /// Exactly this name.
    Name(T),
    /// `*.example.org`: every name that ends in `.example.org`, at any depth; not `example.org` itself.
    Below(T),
    /// Addresses that share the first `prefix` bits; all bits after them are zero.
    Net {
        /// The address.
        address: IpAddr,
        /// How many leading bits count: at most 32 for IPv4, 128 for IPv6.
        prefix: u8,
    },
    /// `unix:PATH`: a socket in the file system, or any socket below that directory.
    Socket(Place<T>),
}

impl<T> Host<T> {
    /// Exactly one address.
    #[must_use]
    pub const fn address(address: IpAddr) -> Self {
        Self::Net { address, prefix: width(address) }
    }
}

/// How many bits an address has.
const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl<T: AsRef<str>> fmt::Display for Host<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name.as_ref()),
            Self::Below(name) => write!(f, "*.{}", name.as_ref()),
            Self::Net { address, prefix } if *prefix == width(*address) => write!(f, "{address}"),
            Self::Net { address, prefix } => write!(f, "{address}/{prefix}"),
            Self::Socket(place) => write!(f, "unix:{place}"),
        }
    }
}

/// One destination of `network allow` or `network deny`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostRule<T = Text> {
    /// Allowed, or taken away; a denial always wins.
    pub allow: bool,
    /// Whom it is about.
    pub host: Host<T>,
    /// The first port it holds for; 0 to 65535 is any port, and the only range of a [`Host::Socket`].
    pub first_port: u16,
    /// The last one.
    pub last_port: u16,
}

impl<T> HostRule<T> {
    /// A rule about a host, whatever the port.
    #[must_use]
    pub const fn any_port(allow: bool, host: Host<T>) -> Self {
        Self { allow, host, first_port: 0, last_port: u16::MAX }
    }
}

impl<T: AsRef<str>> HostRule<T> {
    /// The destination alone, as it stands in the statement.
    #[must_use]
    pub fn destination(&self) -> impl fmt::Display + '_ {
        Destination(self)
    }
}

struct Destination<'r, T>(&'r HostRule<T>);

impl<T: AsRef<str>> fmt::Display for Destination<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HostRule { host, first_port, last_port, .. } = self.0;
        let any = (*first_port, *last_port) == (0, u16::MAX);
        match host {
            Host::Socket(_) => Literal(&host.to_string()).fmt(f)?,
            Host::Net { address, .. } if address.is_ipv6() && !any => write!(f, "[{host}]")?,
            _ => host.fmt(f)?,
        }
        match (*first_port, *last_port) {
            _ if any => Ok(()),
            (first, last) if first == last => write!(f, ":{first}"),
            (first, last) => write!(f, ":{first}-{last}"),
        }
    }
}

impl<T: AsRef<str>> fmt::Display for HostRule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.allow { "allow" } else { "deny" };
        write!(f, "network {verb} {}", Destination(self))
    }
}

impl<'a, T: TextFrom<'a>> Wire<'a> for HostRule<T> {
    /// Allowed or not; kind, family, prefix and sixteen bytes of address; a place, which holds the name of a host that has one; the ports.
    const SIZE: usize = 1 + 3 + 16 + Place::<T>::SIZE + 4;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let start = *cursor;
        let allow = match cursor.u8("host rule")? {
            0 => false,
            1 => true,
            _ => return start.fault("host rule"),
        };
        let [kind, family, prefix] = cursor.take("host")?;
        let bits: [u8; 16] = cursor.take("address")?;
        let text_at = *cursor;
        let place = Place::<&'a str>::read(cursor)?;
        let host = match (kind, family) {
            (0, 0) if !place.rest.is_empty() => Host::Name(place.rest.into()),
            (1, 0) if !place.rest.is_empty() => Host::Below(place.rest.into()),
            (2, 4 | 6) => Host::Net { address: address(family, bits), prefix },
            (3, 0) => Host::Socket(Place::new(place.root, place.rest)),
            _ => return start.fault("host"),
        };
        if let Host::Net { address, prefix } = host
            && !masked(address, prefix)
        {
            return start.fault("prefix");
        }
        if !matches!(host, Host::Socket(_)) && place.root != Root::Absolute {
            return text_at.fault("host");
        }
        let (first_port, last_port) = (cursor.u16("port")?, cursor.u16("port")?);
        if first_port > last_port {
            return text_at.fault("port");
        }
        Ok(Self { allow, host, first_port, last_port })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.put([u8::from(self.allow)]);
        match &self.host {
            Host::Name(_) => out.put([0; 19]),
            Host::Below(_) => {
                out.put([1, 0, 0]);
                out.put([0; 16]);
            }
            Host::Net { address: IpAddr::V4(v4), prefix } => {
                out.put([2, 4, *prefix]);
                out.put(v4.octets());
                out.put([0; 12]);
            }
            Host::Net { address: IpAddr::V6(v6), prefix } => {
                out.put([2, 6, *prefix]);
                out.put(v6.octets());
            }
            Host::Socket(_) => {
                out.put([3, 0, 0]);
                out.put([0; 16]);
            }
        }
        match &self.host {
            Host::Name(name) | Host::Below(name) => {
                Place::<&str>::new(Root::Absolute, name.as_ref()).write(out)
            }
            Host::Net { .. } => Place::<&str>::new(Root::Absolute, "").write(out),
            Host::Socket(place) => place.write(out),
        }
        out.put(self.first_port.to_le_bytes());
        out.put(self.last_port.to_le_bytes());
    }
}

fn address(family: u8, bits: [u8; 16]) -> IpAddr {
    if family == 4 {
        let [a, b, c, d, ..] = bits;
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    } else {
        IpAddr::V6(Ipv6Addr::from(bits))
    }
}

/// Whether the prefix fits the family and all bits after it are zero.
fn masked(address: IpAddr, prefix: u8) -> bool {
    let bits = match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    prefix <= width(address) && bits.checked_shl(u32::from(prefix)).unwrap_or(0) == 0
}

/// What an [`EnvRule`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvAction<T = Text> {
    /// The command sees the value the caller has.
    Pass,
    /// The command does not see it. Names are compared without regard to ASCII case.
    Deny,
    /// The command sees this value.
    Set(T),
}

impl<T: AsRef<str>> EnvAction<T> {
    /// The same, with the text borrowed.
    #[must_use]
    pub fn as_ref(&self) -> EnvAction<&str> {
        match self {
            Self::Pass => EnvAction::Pass,
            Self::Deny => EnvAction::Deny,
            Self::Set(value) => EnvAction::Set(value.as_ref()),
        }
    }
}

/// `env pass LC_*`, `env deny *_TOKEN`, `env set CI = "1"`. For a variable the first that matches decides: a `set`; a name
/// written out; a pattern; within one of these, deny before pass. What no rule matches is not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvRule<T = Text> {
    /// A name, in which each `*` stands for any bytes. Always a name without `*` for [`EnvAction::Set`].
    pub pattern: T,
    /// What happens to it.
    pub action: EnvAction<T>,
}

impl<T: AsRef<str>> fmt::Display for EnvRule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = Plain(self.pattern.as_ref());
        match &self.action {
            EnvAction::Pass => write!(f, "env pass {pattern}"),
            EnvAction::Deny => write!(f, "env deny {pattern}"),
            EnvAction::Set(value) => write!(f, "env set {pattern} = {}", Quoted(value.as_ref())),
        }
    }
}

impl<'a, T: TextFrom<'a>> Wire<'a> for EnvRule<T> {
    const SIZE: usize = TEXT + 1 + TEXT;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let start = *cursor;
        let pattern = cursor.text("variable")?;
        let kind = cursor.u8("variable action")?;
        let value = cursor.text("variable value")?;
        let action = match kind {
            0 if value.is_empty() => EnvAction::Pass,
            1 if value.is_empty() => EnvAction::Deny,
            2 if !pattern.contains('*') => EnvAction::Set(value.into()),
            _ => return start.fault("variable"),
        };
        if pattern.is_empty() || pattern.contains('=') {
            return start.fault("variable");
        }
        Ok(Self { pattern: pattern.into(), action })
    }

    fn write(&self, out: &mut Writer<'_>) {
        let (kind, value) = match &self.action {
            EnvAction::Pass => (0, ""),
            EnvAction::Deny => (1, ""),
            EnvAction::Set(value) => (2, value.as_ref()),
        };
        out.text(self.pattern.as_ref());
        out.put([kind]);
        out.text(value);
    }
}

/// `limit memory 4GiB`. At most one of each kind; what has no limit is not limited by the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of what.
    pub kind: LimitKind,
    /// In [`LimitKind`]'s own unit: a count, bytes, or milliseconds. Never 0.
    pub value: u64,
}

impl fmt::Display for Limit {
    /// In the largest unit that divides the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.kind.units().iter().find(|(_, size)| self.value.is_multiple_of(*size));
        let (unit, size) = unit.copied().unwrap_or(("", 1));
        write!(f, "limit {} {}{unit}", self.kind.as_str(), self.value / size)
    }
}

impl<'a> Wire<'a> for Limit {
    const SIZE: usize = 1 + 8;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let kind = cursor.word(LimitKind::from_byte, "limit")?;
        let start = *cursor;
        let value = cursor.u64("limit")?;
        if value == 0 { start.fault("limit") } else { Ok(Self { kind, value }) }
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.put([self.kind as u8]);
        out.put(self.value.to_le_bytes());
    }
}

/// `umask 027`: with which file mode creation mask a command starts. At most one; without it, with the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Umask {
    /// The permissions that new files do not get: at most [`Umask::ALL`].
    pub mask: u16,
}

impl Umask {
    /// Every permission bit.
    pub const ALL: u16 = 0o777;
}

impl fmt::Display for Umask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "umask {:03o}", self.mask)
    }
}

impl<'a> Wire<'a> for Umask {
    const SIZE: usize = 2;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let start = *cursor;
        let mask = cursor.u16("umask")?;
        if mask > Self::ALL { start.fault("umask") } else { Ok(Self { mask }) }
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.put(self.mask.to_le_bytes());
    }
}

/// One system call that is denied; all others are allowed (as far as the target's own baseline allows them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyscallRule<T = Text> {
    /// The name from the kernel's table (`ptrace`), or one with a condition on its arguments
    /// (`clone:namespaces`, `ioctl:terminal-input`); the list of these is in `stdlib/sandbox/syscalls.txt`.
    pub name: T,
}

impl<T: AsRef<str>> fmt::Display for SyscallRule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "syscalls deny {}", Plain(self.name.as_ref()))
    }
}

impl<'a, T: TextFrom<'a>> Wire<'a> for SyscallRule<T> {
    const SIZE: usize = TEXT;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self { name: cursor.text("system call")?.into() })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.text(self.name.as_ref());
    }
}

/// `require F` or `accept gap F`: what must hold in full, or may fall short, on the host that enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureRule {
    /// What it is about.
    pub feature: Feature,
    /// Which of the two.
    pub stance: Stance,
}

impl fmt::Display for FeatureRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.stance.as_str(), Plain(self.feature.as_str()))
    }
}

impl<'a> Wire<'a> for FeatureRule {
    const SIZE: usize = 2;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self {
            feature: cursor.word(Feature::from_byte, "feature")?,
            stance: cursor.word(Stance::from_byte, "stance")?,
        })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.put([self.feature as u8, self.stance as u8]);
    }
}

/// `mach-lookup "com.apple.trustd.agent"`: a service that may be asked for (macOS only).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachService<T = Text> {
    /// Its global name.
    pub name: T,
}

impl<T: AsRef<str>> fmt::Display for MachService<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mach-lookup {}", Quoted(self.name.as_ref()))
    }
}

impl<'a, T: TextFrom<'a>> Wire<'a> for MachService<T> {
    const SIZE: usize = TEXT;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self { name: cursor.text("service")?.into() })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.text(self.name.as_ref());
    }
}

lists! {
    /// Path statements, sorted by root, then path: what lies above comes first.
    paths: PathRule<T>, Path;
    /// Globs, sorted by root, path, pattern.
    globs: GlobRule<T>, Glob;
    /// Protected names, sorted.
    protects: Protect<T>, Protect;
    /// Destinations: what is denied, then what is allowed.
    hosts: HostRule<T>, Host;
    /// Environment variables, sorted by pattern.
    env: EnvRule<T>, Env;
    /// Limits, by kind.
    limits: Limit, Limit;
    /// The file mode creation mask, if there is one.
    umask: Umask, Umask;
    /// Denied system calls, sorted by name.
    syscalls: SyscallRule<T>, Syscall;
    /// What must hold and what may fall short, by feature.
    features: FeatureRule, Feature;
    /// Mach services that may be looked up, sorted; empty except on macOS.
    mach: MachService<T>, Mach;
}

/// What a clause is about: two about one subject are one statement too many in a body, and a replacement between parent
/// and child. The order is the one in which a profile lists its clauses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject<T = Text> {
    /// A path.
    Path(Place<T>),
    /// A glob.
    Glob(Place<T>, T),
    /// A protected name.
    Protect(T),
    /// The network's mode.
    Network,
    /// A destination, allowed or denied.
    Host(HostRule<T>),
    /// A variable or pattern.
    Env(T),
    /// A limit.
    Limit(LimitKind),
    /// The file mode creation mask.
    Umask,
    /// A system call.
    Syscall(T),
    /// A feature.
    Feature(Feature),
    /// A Mach service.
    Mach(T),
}

impl<T: Clone> Clause<T> {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject<T> {
        match self {
            Self::Path(rule) => Subject::Path(rule.place.clone()),
            Self::Glob(rule) => Subject::Glob(rule.place.clone(), rule.pattern.clone()),
            Self::Protect(rule) => Subject::Protect(rule.name.clone()),
            Self::Network(_) => Subject::Network,
            Self::Host(rule) => Subject::Host(rule.clone()),
            Self::Env(rule) => Subject::Env(rule.pattern.clone()),
            Self::Limit(limit) => Subject::Limit(limit.kind),
            Self::Umask(_) => Subject::Umask,
            Self::Syscall(rule) | Self::SyscallAllowed(rule) => Subject::Syscall(rule.name.clone()),
            Self::Feature(rule) => Subject::Feature(rule.feature),
            Self::Mach(rule) => Subject::Mach(rule.name.clone()),
        }
    }
}

impl<T: AsRef<str>> fmt::Display for Subject<T> {
    /// The thing itself, without what is said about it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(place) => Literal(&place.to_string()).fmt(f),
            Self::Glob(place, pattern) => write_glob(place, pattern.as_ref(), f),
            Self::Protect(name) => Pattern(name.as_ref()).fmt(f),
            Self::Network => f.write_str("network"),
            Self::Umask => f.write_str("umask"),
            Self::Host(rule) => Destination(rule).fmt(f),
            Self::Env(name) | Self::Syscall(name) => Plain(name.as_ref()).fmt(f),
            Self::Limit(kind) => f.write_str(kind.as_str()),
            Self::Feature(feature) => Plain(feature.as_str()).fmt(f),
            Self::Mach(name) => Quoted(name.as_ref()).fmt(f),
        }
    }
}
