//! In: a loaded profile and one question. Out: whether a path is capped, a variable seen, a destination reached.
//! Not here: the access of a path as a whole, which needs the host's roots and links (`confine/`).
//!
//! The reference is the compiler's `policy/model.rs`; the two are compared on random profiles.

use super::{EnvAction, GlobRule, Host, HostRule, Network, NetworkMode, Profile, Protect, glob};
use core::net::IpAddr;

/// What a command sees of an environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable<'a> {
    /// Nothing.
    Absent,
    /// The value the caller has.
    Passed,
    /// This value.
    Set(&'a str),
}

impl<'a> Profile<'a> {
    /// What becomes of a variable, by its name as bytes: a `set`, then a name written out, then a pattern; deny before pass.
    #[must_use]
    pub fn variable(&self, name: &[u8]) -> Variable<'a> {
        variable(self.env.iter().map(|rule| (rule.pattern, rule.action)), name)
    }
}

/// [`Profile::variable`] for rules that are kept elsewhere: patterns, and what happens to the names they match.
#[must_use]
pub fn variable<'a, 'p>(
    rules: impl IntoIterator<Item = (&'p str, EnvAction<'a>)>,
    name: &[u8],
) -> Variable<'a> {
    let mut best: Option<(u8, EnvAction<'a>)> = None;
    for (pattern, action) in rules {
        if let Some(rank) = rank(pattern, action, name)
            && best.is_none_or(|(known, _)| rank < known)
        {
            best = Some((rank, action));
        }
    }
    match best {
        Some((_, EnvAction::Set(value))) => Variable::Set(value),
        Some((_, EnvAction::Pass)) => Variable::Passed,
        Some((_, EnvAction::Deny)) | None => Variable::Absent,
    }
}

/// How strong a rule is for a name, 0 the strongest; `None` if it is about other names.
fn rank(pattern: &str, action: EnvAction<'_>, name: &[u8]) -> Option<u8> {
    let exact = !pattern.contains('*');
    let fold = action == EnvAction::Deny;
    // Patterns for variables know `*` only, and `[` and `?` cannot stand in them; a name may hold any byte but `=`.
    let fits = star(pattern.as_bytes(), name, fold);
    fits.then_some(match (action, exact) {
        (EnvAction::Set(_), _) => 0,
        (EnvAction::Deny, true) => 1,
        (EnvAction::Pass, true) => 2,
        (EnvAction::Deny, false) => 3,
        (EnvAction::Pass, false) => 4,
    })
}

/// Whether a pattern fits, where `*` stands for any bytes: on a mismatch the last `*` takes one byte more.
fn star(pattern: &[u8], name: &[u8], fold: bool) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), name.split_first()) {
            (Some((b'*', rest)), _) => {
                retry = Some((rest, name));
                pattern = rest;
            }
            (None, None) => return true,
            (Some((want, rest)), Some((have, tail)))
                if want == have || (fold && want.eq_ignore_ascii_case(have)) =>
            {
                pattern = rest;
                name = tail;
            }
            _ => match retry.and_then(|(rest, from)| Some((rest, from.split_first()?.1))) {
                Some((rest, tail)) => {
                    retry = Some((rest, tail));
                    pattern = rest;
                    name = tail;
                }
                None => return false,
            },
        }
    }
}

impl<'a> Network<'a> {
    /// Whether a host may be connected to by name. The name is compared without regard to ASCII case and a final dot. Whoever
    /// connects asks [`Network::denies_address`] again for the address that the name leads to.
    #[must_use]
    pub fn allows_name(&self, name: &str, port: u16) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.allows(|rule| match rule.host {
            Host::Name(wanted) => wanted.eq_ignore_ascii_case(name) && rule.is_about_port(port),
            Host::Below(base) => is_below(base, name) && rule.is_about_port(port),
            _ => false,
        })
    }

    /// Whether an address may be connected to as such.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr, port: u16) -> bool {
        self.allows(|rule| rule.is_about_address(address, port))
    }

    /// Whether an address is denied, even where a name that leads to it is allowed.
    #[must_use]
    pub fn denies_address(&self, address: IpAddr, port: u16) -> bool {
        self.hosts.iter().any(|rule| !rule.allow && rule.is_about_address(address, port))
    }

    fn allows(&self, about: impl Fn(&HostRule<'a>) -> bool) -> bool {
        let any = |allow: bool| self.hosts.iter().any(|rule| rule.allow == allow && about(&rule));
        match self.mode {
            NetworkMode::Off => false,
            NetworkMode::Listed => any(true) && !any(false),
            NetworkMode::Full => !any(false),
        }
    }
}

impl HostRule<'_> {
    fn is_about_port(&self, port: u16) -> bool {
        (self.first_port..=self.last_port).contains(&port)
    }

    fn is_about_address(&self, address: IpAddr, port: u16) -> bool {
        matches!(self.host, Host::Net { address: net, prefix } if shares(net, address.to_canonical(), prefix))
            && self.is_about_port(port)
    }
}

/// Whether a name ends in `.base`, with something before it.
fn is_below(base: &str, name: &str) -> bool {
    let front = name.len().checked_sub(base.len()).and_then(|at| name.as_bytes().split_at_checked(at));
    front.is_some_and(|(front, tail)| {
        front.len() > 1 && front.ends_with(b".") && tail.eq_ignore_ascii_case(base.as_bytes())
    })
}

/// Whether two addresses of one family share their first bits.
fn shares(a: IpAddr, b: IpAddr, prefix: u8) -> bool {
    let (difference, width) = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits() ^ b.to_bits()), 32_u32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits(), 128),
        _ => return false,
    };
    let ignored = width.saturating_sub(u32::from(prefix));
    difference.checked_shr(ignored).unwrap_or(0) == 0
}

impl GlobRule<'_> {
    /// Whether the glob catches a path, given as its bytes below [`GlobRule::place`], or an ancestor of it.
    #[must_use]
    pub fn catches(&self, below: &[u8], fold: bool) -> bool {
        glob::matches(self.pattern, below, fold)
    }
}

impl Protect<'_> {
    /// Whether an absolute path bears the name in its last components. `path` begins with `/`; that its last component is strictly below a writable
    /// root is for the caller to know.
    #[must_use]
    pub fn names(&self, path: &[u8], fold: bool) -> bool {
        let mut rest = path;
        loop {
            match rest.split_first() {
                Some((b'/', tail)) => {
                    if glob::matches_exactly(self.name, tail, fold) {
                        return true;
                    }
                    rest = tail;
                }
                Some((_, tail)) => rest = tail,
                None => return false,
            }
        }
    }
}
