//! In: two profiles. Out: whether one is at most as permissive as the other, on every host.
//! Not here: what they allow on one host (`Model`).

use super::environment;
use super::network::{below, shares};
use crate::{
    EnvAction, EnvRule, Host, HostRule, LimitKind, Located, NetworkMode, PathAccess, PathRule, Place,
    Profile, Root, Stance, Variable,
};
use core::net::IpAddr;

/// Compares two profiles: `Some(true)` if everything `a` allows is allowed by `b` too, `Some(false)` if it is so the other way round
/// and not this way, `None` if neither can be shown.
///
/// Sound, not complete: what it says holds whatever the roots and links of a host are; profiles that are
/// comparable in a way that the written text does not show are `None`. Meant for two profiles of the same phase and platform.
#[must_use]
pub fn narrower(a: &Profile, b: &Profile) -> Option<bool> {
    if at_most(a, b) {
        Some(true)
    } else if at_most(b, a) {
        Some(false)
    } else {
        None
    }
}

fn at_most(a: &Profile, b: &Profile) -> bool {
    files(a, b) && network(a, b) && environment(a, b) && limits(a, b) && rest(a, b)
}

/// Whether a grant allows no operation that another does not. A private directory is writable, so only what is writable covers it.
const fn covered(a: PathAccess, b: PathAccess) -> bool {
    match a {
        PathAccess::Deny => true,
        PathAccess::Private => matches!(b, PathAccess::Private | PathAccess::Write),
        PathAccess::Read => matches!(b, PathAccess::Read | PathAccess::Write),
        PathAccess::Write => matches!(b, PathAccess::Write),
    }
}

fn files(a: &Profile, b: &Profile) -> bool {
    let find = |profile: &'_ Profile, place: &Place| -> Option<PathAccess> {
        profile.paths.iter().find(|rule| rule.place == *place).map(|rule| rule.access)
    };
    // Every restriction of `b` stands in `a`, at the same written path, at least as strict. The same written path
    // leads to the same place on every host; for any two others nothing can be known, because of links.
    let restricted = |rule: &Located<PathRule>| {
        rule.access == PathAccess::Write
            || find(a, &rule.place).is_some_and(|access| covered(access, rule.access))
    };
    let reads = b.paths.iter().any(|rule| rule.access == PathAccess::Read);
    let everything = Place::new(Root::Absolute, "");
    // Every grant of `a` stands in `b`, or wherever it leads `b` grants as much.
    let granted = |rule: &Located<PathRule>| match (rule.access, find(b, &rule.place)) {
        (PathAccess::Deny, _) => true,
        // Where a `read` of `b` coincides with it, `b` is read-only and `a` its own.
        (PathAccess::Private, Some(PathAccess::Write)) => !reads,
        (access, Some(other)) => covered(access, other),
        (access, None) => {
            find(b, &everything).is_some() && b.paths.iter().all(|other| covered(access, other.access))
        }
    };
    let capped = b.globs.iter().all(|glob| {
        a.globs.iter().any(|other| {
            (&other.place, &other.pattern) == (&glob.place, &glob.pattern) && other.access <= glob.access
        })
    });
    let writes = |profile: &Profile| profile.paths.iter().any(|rule| rule.access == PathAccess::Write);
    // Names are protected below writable roots: with fewer roots fewer names are.
    let protected =
        b.protects.is_empty()
            || !writes(a)
            || (b.paths.iter().all(|rule| {
                rule.access != PathAccess::Write || find(a, &rule.place) == Some(PathAccess::Write)
            }) && b.protects.iter().all(|name| a.protects.iter().any(|other| other.name == name.name)));
    b.paths.iter().all(restricted) && a.paths.iter().all(granted) && capped && protected
}

fn network(a: &Profile, b: &Profile) -> bool {
    let (a_hosts, b_hosts) = (&a.hosts, &b.hosts);
    // A denial counts even when the network is off: it also closes sockets in the file system.
    let denied = b_hosts
        .iter()
        .filter(|rule| !rule.allow)
        .all(|rule| a_hosts.iter().any(|other| !other.allow && includes(other, rule)));
    let allowed = |rule: &Located<HostRule>| b_hosts.iter().any(|other| other.allow && includes(other, rule));
    let mode = match (a.network.mode, b.network.mode) {
        (NetworkMode::Off, _) => true,
        (NetworkMode::Listed, NetworkMode::Full) => {
            a_hosts.iter().all(|rule| !rule.allow || !matches!(rule.host, Host::Socket(_)))
        }
        (_, NetworkMode::Full) => true,
        (NetworkMode::Listed, NetworkMode::Listed) => a_hosts.iter().filter(|rule| rule.allow).all(allowed),
        _ => false,
    };
    denied && mode
}

/// Whether every destination of `inner` is one of `outer`.
fn includes(outer: &HostRule, inner: &HostRule) -> bool {
    let ports = outer.first_port <= inner.first_port && inner.last_port <= outer.last_port;
    let hosts = match (&outer.host, &inner.host) {
        (Host::Name(a), Host::Name(b)) => a == b,
        (Host::Below(a), Host::Name(b)) => below(a, b),
        (Host::Below(a), Host::Below(b)) => a == b || below(a, b),
        (Host::Net { address, prefix }, Host::Net { address: inner, prefix: narrow }) => {
            prefix <= narrow && same_family(*address, *inner) && shares(*address, *inner, *prefix)
        }
        (Host::Socket(a), Host::Socket(b)) => a == b,
        _ => false,
    };
    ports && hosts
}

const fn same_family(a: IpAddr, b: IpAddr) -> bool {
    a.is_ipv4() == b.is_ipv4()
}

fn environment(a: &Profile, b: &Profile) -> bool {
    let outcome = |profile: &Profile, name: &str| -> Option<EnvAction> {
        match environment::outcome(profile, name).0 {
            Variable::Absent => None,
            Variable::Passed => Some(EnvAction::Pass),
            Variable::Set(value) => Some(EnvAction::Set(value.into())),
        }
    };
    let wild = |rule: &&Located<EnvRule>| rule.pattern.contains('*');
    // Names that either profile writes out are tried; the pattern rules decide about all others.
    let named = a.env.iter().chain(&b.env).filter(|rule| !wild(rule)).all(|rule| {
        let (a, b) = (outcome(a, &rule.pattern), outcome(b, &rule.pattern));
        // A value that is set gives nothing that a command could not set itself for what it starts.
        match (a, b) {
            (None, _) => true,
            (Some(EnvAction::Pass), b) => b == Some(EnvAction::Pass),
            (Some(_), b) => b.is_some(),
        }
    });
    // A denial written out is about the name in every case, so it is compared as a pattern, too.
    let denies = |profile: &Profile, pattern: &str| {
        profile.env.iter().any(|r| {
            r.action == EnvAction::Deny
                && environment::matches(&r.pattern, pattern, true)
                && (r.pattern.contains('*') || !pattern.contains('*'))
        })
    };
    let denied =
        b.env.iter().filter(|rule| rule.action == EnvAction::Deny).all(|rule| denies(a, &rule.pattern));
    let passes = |pattern: &str| {
        b.env.iter().any(|r| r.action == EnvAction::Pass && environment::matches(&r.pattern, pattern, false))
    };
    let passed =
        a.env.iter().filter(|r| r.action == EnvAction::Pass).filter(wild).all(|rule| passes(&rule.pattern));
    named
        && passed
        && (denied || a.env.iter().all(|rule| rule.action != EnvAction::Pass || !rule.pattern.contains('*')))
}

fn limits(a: &Profile, b: &Profile) -> bool {
    let limit =
        |profile: &Profile, kind: LimitKind| profile.limits.iter().find(|l| l.kind == kind).map(|l| l.value);
    // A mask is where a command starts, not what it is kept to; still, one that takes fewer permissions away is not narrower.
    let masked = |wide: u16| a.umask.iter().any(|own| own.mask & wide == wide);
    b.umask.iter().all(|wide| masked(wide.mask))
        && b.limits.iter().all(|wide| limit(a, wide.kind).is_some_and(|value| value <= wide.value))
}

fn rest(a: &Profile, b: &Profile) -> bool {
    let denies = |name: &str| a.syscalls.iter().any(|rule| *rule.name == *name);
    let says = |profile: &Profile, feature, stance| {
        profile.features.iter().any(|rule| rule.feature == feature && rule.stance == stance)
    };
    b.syscalls.iter().all(|rule| denies(&rule.name))
        && a.features.iter().all(|r| r.stance != Stance::Accept || says(b, r.feature, Stance::Accept))
        && b.features.iter().all(|r| r.stance != Stance::Require || says(a, r.feature, Stance::Require))
        && a.mach.iter().all(|rule| b.mach.iter().any(|other| other.name == rule.name))
}
