//! In: a profile on a host. Out: the settings of Anthropic's sandbox-runtime (0.0.78) that come nearest to it.
//! Not here: running it.
//!
//! There, everything can be read but `denyRead`, where `allowRead` opens again what is more specific; nothing can be written but
//! `allowWrite`, and `denyWrite` wins over it. Hosts go through its proxy by name.

use super::json;
use crate::emit::Emitted;
use crate::lower::places::{Host, Placed, Places};
use crate::lower::targets::{Target, assess};
use execpolicy_profile::model::Path;
use execpolicy_profile::{Access, Host as Destination, HostRule, Located, NetworkMode, PathAccess, Profile};
use serde_json::{Value, json as value};

/// Writes the settings.
#[must_use]
pub fn write<'p>(profile: &'p Profile, host: &Host) -> Emitted<'p> {
    let whole =
        value!({ "network": network(profile, host), "filesystem": files(&Places::of(profile, host)) });
    let gaps = assess(profile, host, Target::Srt);
    Emitted { bytes: json(&whole), gaps, says_gaps: false }
}

/// The four lists of paths.
#[derive(Default)]
struct Lists {
    deny_read: Vec<String>,
    allow_read: Vec<String>,
    allow_write: Vec<String>,
    deny_write: Vec<String>,
}

fn add(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}

fn files(places: &Places<'_>) -> Value {
    let mut lists = Lists::default();
    if places.list.first().is_none_or(|placed| !placed.at.is_empty()) {
        // Nothing is said about the root, so nothing is granted there.
        add(&mut lists.deny_read, "/".to_owned());
    }
    // Of two statements about one place the stricter counts; there, an allowance would beat the denial.
    let counts = |placed: &&Placed<'_>| places.grant(&placed.at) == placed.rule.access;
    for placed in places.list.iter().filter(counts) {
        let text = plain(&placed.at.to_string());
        let (first, second) = match placed.rule.access {
            PathAccess::Write => (&mut lists.allow_write, &mut lists.allow_read),
            PathAccess::Read => (&mut lists.deny_write, &mut lists.allow_read),
            // What is the session's own there is not made: the host's is closed.
            PathAccess::Deny | PathAccess::Private => (&mut lists.deny_write, &mut lists.deny_read),
        };
        add(first, text.clone());
        add(second, text);
    }
    // A directory that is read-only where nothing around it can be written is so anyway; a denial there would win over what is
    // writable inside of it.
    lists.deny_write.retain(|text| places.in_writable(&Path::parse(&text.replace("[*]", "*"))));
    for glob in &places.globs {
        let at = plain(&glob.at.to_string());
        let text = format!("{}/{}", at.trim_end_matches('/'), glob.rule.pattern);
        if glob.rule.access == Access::Deny {
            add(&mut lists.deny_read, text.clone());
        }
        add(&mut lists.deny_write, text);
    }
    for root in &places.writable {
        for rule in places.protects {
            let root = plain(&root.to_string());
            add(&mut lists.deny_write, format!("{}/**/{}", root.trim_end_matches('/'), rule.name));
        }
    }
    value!({
        "denyRead": lists.deny_read,
        "allowRead": lists.allow_read,
        "allowWrite": lists.allow_write,
        "denyWrite": lists.deny_write,
    })
}

fn network(profile: &Profile, host: &Host) -> Value {
    let listed = profile.network.mode == NetworkMode::Listed;
    let hosts = |allow: bool| {
        let about = move |rule: &&Located<HostRule>| {
            rule.allow == allow && !matches!(rule.host, Destination::Socket(_))
        };
        profile.hosts.iter().filter(about)
    };
    let domains = |allow: bool| hosts(allow).flat_map(|rule| domain(rule)).collect::<Vec<String>>();
    // A denial that cannot be written closes everything that it might be about.
    let sayable = hosts(false).all(|rule| !domain(rule).is_empty());
    let allowed = if listed && sayable { domains(true) } else { Vec::new() };
    let sockets = profile.hosts.iter().filter_map(|rule| match &rule.host {
        Destination::Socket(place) if rule.allow && listed => Some(host.resolve(place).to_string()),
        _ => None,
    });
    value!({
        "allowedDomains": allowed,
        "deniedDomains": domains(false),
        "allowUnixSockets": sockets.collect::<Vec<String>>(),
        "allowLocalBinding": false,
    })
}

/// A path whose characters stand for themselves: there, every path may be a pattern.
fn plain(path: &str) -> String {
    path.chars().flat_map(|c| if "*?[".contains(c) { vec!['[', c, ']'] } else { vec![c] }).collect()
}

/// A destination as its proxy takes it; ports one by one if they are few.
fn domain(rule: &HostRule) -> Vec<String> {
    let name = match &rule.host {
        // Names of one word are refused there, and so is everything below one.
        Destination::Name(name) if &**name == "localhost" || name.contains('.') => name.to_string(),
        Destination::Below(name) if name.contains('.') => format!("*.{name}"),
        Destination::Net { address, prefix } if *prefix == if address.is_ipv4() { 32 } else { 128 } => {
            if address.is_ipv4() {
                address.to_string()
            } else {
                format!("[{address}]")
            }
        }
        _ => return Vec::new(),
    };
    match (rule.first_port, rule.last_port) {
        (0, u16::MAX) => vec![name],
        (first, last) if last - first < 32 => (first..=last).map(|port| format!("{name}:{port}")).collect(),
        _ => Vec::new(),
    }
}
