//! In: a profile on a host. Out: the settings of Anthropic's sandbox-runtime (0.0.78) that come nearest to it.
//! Not here: running it.
//!
//! There, everything can be read but `denyRead`, where `allowRead` opens again what is more specific; nothing can be written but
//! `allowWrite`, and `denyWrite` wins over it. Hosts go through its proxy by name.

use super::json::Json;
use crate::emit::Emitted;
use crate::lower::places::{Host, Placed, Places};
use crate::lower::targets::{Target, assess};
use crate::policy::profile::{Access, Host as Destination, HostRule, NetworkMode, PathAccess, Resolved};

/// Writes the settings.
#[must_use]
pub fn write<'p>(profile: &'p Resolved, host: &Host) -> Emitted<'p> {
    let places = Places::of(profile, host);
    let mut lists: [Vec<String>; 4] = Default::default();
    let [deny_read, allow_read, allow_write, deny_write] = &mut lists;
    let add = |list: &mut Vec<String>, text: String| {
        if !list.contains(&text) {
            list.push(text);
        }
    };
    if places.list.first().is_none_or(|placed| !placed.at.is_empty()) {
        // Nothing is said about the root, so nothing is granted there.
        add(deny_read, "/".to_owned());
    }
    // Of two statements about one place the stricter counts; there, an allowance would beat the denial.
    let counts = |placed: &&Placed<'_>| places.grant(&placed.at) == placed.rule.access;
    for placed in places.list.iter().filter(counts) {
        let text = plain(&placed.at.to_string());
        match placed.rule.access {
            PathAccess::Write => {
                add(allow_write, text.clone());
                add(allow_read, text);
            }
            PathAccess::Read => {
                add(deny_write, text.clone());
                add(allow_read, text);
            }
            // What is the session's own there is not made: the host's is closed.
            PathAccess::Deny | PathAccess::Private => {
                add(deny_write, text.clone());
                add(deny_read, text);
            }
        }
    }
    // A directory that is read-only where nothing around it can be written is so anyway; a denial there would win over what is
    // writable inside of it.
    deny_write.retain(|text| {
        let path = crate::policy::model::Path::parse(&text.replace("[*]", "*"));
        places.in_writable(&path)
    });
    for glob in &places.globs {
        let at = plain(&glob.at.to_string());
        let text = format!("{}/{}", at.trim_end_matches('/'), glob.rule.pattern);
        if glob.rule.access == Access::Deny {
            add(deny_read, text.clone());
        }
        add(deny_write, text);
    }
    for root in &places.writable {
        for rule in places.protects {
            add(deny_write, format!("{}/**/{}", plain(&root.to_string()).trim_end_matches('/'), rule.name));
        }
    }
    let network = &profile.network;
    let domains = |allow: bool| {
        let about = |rule: &&HostRule| rule.allow == allow && !matches!(rule.host, Destination::Socket(_));
        network.hosts.iter().filter(about).flat_map(domain).collect::<Vec<String>>()
    };
    // A denial that cannot be written closes everything that it might be about.
    let refused = |rule: &&HostRule| !rule.allow && !matches!(rule.host, Destination::Socket(_));
    let sayable = network.hosts.iter().filter(refused).all(|rule| !domain(rule).is_empty());
    let open = network.mode == NetworkMode::Listed && sayable;
    let allowed = if open { domains(true) } else { Vec::new() };
    let sockets: Vec<String> = network
        .hosts
        .iter()
        .filter(|rule| rule.allow && network.mode == NetworkMode::Listed)
        .filter_map(|rule| match &rule.host {
            Destination::Socket(place) => Some(host.resolve(place).to_string()),
            _ => None,
        })
        .collect();
    let whole = Json::Object(vec![
        (
            "network",
            Json::Object(vec![
                ("allowedDomains", Json::texts(allowed)),
                ("deniedDomains", Json::texts(domains(false))),
                ("allowUnixSockets", Json::texts(sockets)),
                ("allowLocalBinding", Json::Bool(false)),
            ]),
        ),
        (
            "filesystem",
            Json::Object(vec![
                ("denyRead", Json::texts(lists[0].clone())),
                ("allowRead", Json::texts(lists[1].clone())),
                ("allowWrite", Json::texts(lists[2].clone())),
                ("denyWrite", Json::texts(lists[3].clone())),
            ]),
        ),
    ]);
    let gaps = assess(profile, host, Target::Srt);
    Emitted { bytes: whole.render().into_bytes(), gaps, says_gaps: false }
}

/// A path whose characters stand for themselves: there, every path may be a pattern.
fn plain(path: &str) -> String {
    path.chars().flat_map(|c| if "*?[".contains(c) { vec!['[', c, ']'] } else { vec![c] }).collect()
}

/// A destination as its proxy takes it; ports one by one if they are few.
fn domain(rule: &HostRule) -> Vec<String> {
    let name = match &rule.host {
        // Names of one word are refused there, and so is everything below one.
        Destination::Name(name) if name == "localhost" || name.contains('.') => name.clone(),
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
