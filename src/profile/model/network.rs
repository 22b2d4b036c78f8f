//! In: a destination. Out: whether the profile lets a command connect to it, and by which statement.
//! Not here: looking names up. Whoever connects to an allowed name asks again with each address it has, for the denials.

use super::{Model, Path};
use crate::{Access, Host, HostRule, Located, NetworkMode, Origin};
use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::net::IpAddr;

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A host by name, and a port.
    Name(String, u16),
    /// A host by address, and a port.
    Address(IpAddr, u16),
    /// A socket in the file system.
    Socket(Path),
}

impl Destination {
    /// A host as a program names it: an address if it reads as one, else a name, in canonical spelling.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(address) => Self::Address(address.to_canonical(), port),
            Err(_) => {
                let name = host.to_ascii_lowercase();
                Self::Name(name.strip_suffix('.').unwrap_or(&name).to_owned(), port)
            }
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Address(address, port) => write!(f, "{}", core::net::SocketAddr::new(*address, *port)),
            Self::Socket(path) => write!(f, "unix:{path}"),
        }
    }
}

/// Whether a destination may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach<'p> {
    /// Whether it may.
    pub allowed: bool,
    /// The statement that decides, if there is one.
    pub origin: Option<&'p Origin>,
    /// The destination in that statement, if it is about some hosts.
    pub rule: Option<&'p Located<HostRule>>,
}

impl<'p> Model<'p> {
    /// Whether a command may connect. A denial wins over every allow. A socket in the file system may also be
    /// connected to wherever the command may write: whoever could make it there may use it.
    #[must_use]
    pub fn connect(&self, destination: &Destination) -> Reach<'p> {
        let network = &self.profile.network;
        let by_rule = |rule: &'p Located<HostRule>| Reach {
            allowed: rule.allow,
            origin: Some(&rule.origin),
            rule: Some(rule),
        };
        let find = |allow: bool| {
            self.profile
                .hosts
                .iter()
                .find(|rule| rule.allow == allow && self.is_about(rule, destination))
                .map(by_rule)
        };
        if let Some(denied) = find(false) {
            return denied;
        }
        if let Some(allowed) = find(true).filter(|_| network.mode == NetworkMode::Listed) {
            return allowed;
        }
        let mut reach =
            Reach { allowed: network.mode == NetworkMode::Full, origin: network.origin.as_ref(), rule: None };
        if let Destination::Socket(path) = destination {
            let answer = self.answer(path);
            let need = if reach.allowed { Access::Read } else { Access::Write };
            reach = Reach { allowed: answer.access >= need, origin: answer.by.origin(), rule: None };
        }
        reach
    }

    fn is_about(&self, rule: &HostRule, destination: &Destination) -> bool {
        let port_fits = |port: u16| (rule.first_port..=rule.last_port).contains(&port);
        match (&rule.host, destination) {
            (Host::Name(name), Destination::Name(asked, port)) => **name == **asked && port_fits(*port),
            (Host::Below(name), Destination::Name(asked, port)) => below(name, asked) && port_fits(*port),
            (Host::Net { address, prefix }, Destination::Address(asked, port)) => {
                shares(*address, *asked, *prefix) && port_fits(*port)
            }
            (Host::Socket(place), Destination::Socket(path)) => {
                let written = self.roots.bind(place);
                let at = self.tree.resolve(&written).unwrap_or(written);
                self.tree.resolve(path).is_some_and(|path| path.starts_with(&at, self.roots.ignore_case))
            }
            _ => false,
        }
    }
}

/// Whether a name ends in `.base`.
pub(super) fn below(base: &str, name: &str) -> bool {
    name.strip_suffix(base).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
}

/// Whether two addresses share their first bits.
pub(super) fn shares(a: IpAddr, b: IpAddr, prefix: u8) -> bool {
    let (a, b, width) = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32_u32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let ignored = width.saturating_sub(u32::from(prefix));
    (a ^ b).checked_shr(ignored).unwrap_or(0) == 0
}
