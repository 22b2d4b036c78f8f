//! In: a profile on a host, and a policy's rules. Out: a permission profile of Codex (0.169) as TOML, and the rules as a file of its
//! dialect. Not here: reading either, and Codex's matching (`policy/matches.rs`).
//!
//! There, the deepest path wins, and wildcards can only deny. A list of domains without a feature flag of its own opens the whole
//! network, so destinations that are told apart are left out, and the network stays closed.

use crate::emit::{Emitted, gap_lines, heading};
use crate::lower::places::{Host, Places};
use crate::lower::targets::{Target, assess};
use crate::policy::{Policy, Protocol};
use execpolicy_profile::model::Path;
use execpolicy_profile::{Access, EnvAction, Host as Destination, NetworkMode, PathAccess, Profile, Root};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How deep Codex looks for what a wildcard matches.
const SCAN_DEPTH: u32 = 16;

/// The top table of file access, or the one of the workspace's own paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Table {
    Top,
    Workspace,
}

/// Writes the profile.
#[must_use]
pub fn write<'p>(profile: &'p Profile, host: &Host) -> Emitted<'p> {
    let gaps = assess(profile, host, Target::Codex);
    let mut out = format!("# {}\n", heading(profile));
    if !gaps.is_empty() {
        out.push_str("# What it does not enforce exactly:\n");
    }
    for line in gap_lines(&gaps) {
        let _ = writeln!(out, "#   {line}");
    }
    let name = &profile.name;
    let _ = writeln!(out, "\ndefault_permissions = {}\n\n[permissions.{}]", quote(name), quote(name));
    let _ = writeln!(out, "description = {}", quote(&heading(profile)));
    let entries = entries(profile, host);
    let _ = writeln!(out, "\n[permissions.{}.filesystem]", quote(name));
    if !profile.globs.is_empty() {
        let _ = writeln!(out, "glob_scan_max_depth = {SCAN_DEPTH}");
    }
    for (table, header) in [(Table::Top, ""), (Table::Workspace, "\":workspace_roots\"")] {
        let mut rows = entries.iter().filter(|((known, _), _)| *known == table).peekable();
        if !header.is_empty() && rows.peek().is_some() {
            let _ = writeln!(out, "\n[permissions.{}.filesystem.{header}]", quote(name));
        }
        for ((_, key), access) in rows {
            let word = match access {
                Access::Deny => "deny",
                Access::Read => "read",
                Access::Write => "write",
            };
            let _ = writeln!(out, "{} = \"{word}\"", quote(key));
        }
    }
    let denied = profile.hosts.iter().any(|rule| !rule.allow && !matches!(rule.host, Destination::Socket(_)));
    let open = profile.network.mode == NetworkMode::Full && !denied;
    let _ = writeln!(out, "\n[permissions.{}.network]\nenabled = {open}", quote(name));
    environment(profile, &mut out);
    Emitted { bytes: out.into_bytes(), gaps, says_gaps: true }
}

/// Paths with their access: the last statement about one path is the one that counts.
fn entries(profile: &Profile, host: &Host) -> BTreeMap<(Table, String), Access> {
    let places = Places::of(profile, host);
    let mut out = BTreeMap::new();
    let key = |path: &Path| {
        let workspace = host.root(Root::Workspace);
        let home = host.root(Root::Home);
        if path.is_empty() {
            (Table::Top, ":root".to_owned())
        } else if !workspace.is_empty() && path.starts_with(&workspace, false) {
            let tail = path.tail(workspace.len());
            (Table::Workspace, if tail.is_empty() { ".".to_owned() } else { tail })
        } else if !home.is_empty() && path.starts_with(&home, false) && path.len() > home.len() {
            (Table::Top, format!("~/{}", path.tail(home.len())))
        } else {
            (Table::Top, path.to_string())
        }
    };
    for placed in &places.list {
        let access = match placed.rule.access {
            // The host's directory is closed: Codex makes none of the session's own.
            PathAccess::Private => Access::Deny,
            access => access.access(),
        };
        out.insert(key(&placed.at), access);
    }
    for root in &places.writable {
        for rule in places.protects.iter().filter(|rule| !rule.name.contains(['*', '?', '['])) {
            let at = root.join(&rule.name);
            // For what is not there Codex would leave an empty file behind, and two names below one missing directory stop it.
            if host.surveyed && host.tree.kind(&at).is_none() {
                continue;
            }
            out.entry(key(&at))
                .and_modify(|known| *known = (*known).min(Access::Read))
                .or_insert(Access::Read);
        }
    }
    for glob in places.globs.iter().filter(|glob| glob.rule.access == Access::Deny) {
        let (table, at) = key(&glob.at);
        let text = match at.as_str() {
            "." => glob.rule.pattern.to_string(),
            ":root" => format!("/{}", glob.rule.pattern),
            at => format!("{at}/{}", glob.rule.pattern),
        };
        out.insert((table, text), Access::Deny);
    }
    out
}

fn environment(profile: &Profile, out: &mut String) {
    let list = |wanted: &EnvAction| {
        let names = profile.env.iter().filter(|rule| rule.action == *wanted).map(|rule| quote(&rule.pattern));
        names.collect::<Vec<_>>().join(", ")
    };
    let set = profile.env.iter().filter_map(|rule| match &rule.action {
        EnvAction::Set(value) => Some((&*rule.pattern, &**value)),
        _ => None,
    });
    let set: Vec<(&str, &str)> = set.collect();
    // What is set has to be in the list of what may stay, too.
    let mut keep = list(&EnvAction::Pass);
    for (name, _) in &set {
        if !keep.is_empty() {
            keep.push_str(", ");
        }
        keep.push_str(&quote(name));
    }
    if keep.is_empty() {
        out.push_str("\n[shell_environment_policy]\ninherit = \"none\"\n");
    } else {
        let _ = writeln!(
            out,
            "\n[shell_environment_policy]\ninherit = \"all\"\nignore_default_excludes = true\nexclude = [{}]\ninclude_only = [{keep}]",
            list(&EnvAction::Deny)
        );
    }
    if !set.is_empty() {
        out.push_str("\n[shell_environment_policy.set]\n");
    }
    for (name, value) in set {
        let _ = writeln!(out, "{} = {}", quote(name), quote(value));
    }
}

/// A TOML basic string.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Writes a policy's rules in Codex's own dialect. Codex compares words: what this program sees through (paths, wrappers, scripts)
/// it does not.
#[must_use]
pub fn rules(policy: &Policy) -> String {
    let mut out =
        format!("# written by {}; Codex compares words, and sees through nothing\n", crate::emit::COMPILER);
    for host in &policy.hosts {
        let paths: Vec<String> = host.paths.iter().map(|path| quote_rule(&path.value)).collect();
        let _ = writeln!(
            out,
            "host_executable(name = {}, paths = [{}])",
            quote_rule(&host.name.value),
            paths.join(", ")
        );
    }
    for rule in &policy.rules {
        let tokens: Vec<String> = rule
            .pattern
            .tokens
            .iter()
            .map(|token| {
                let words: Vec<String> =
                    token.alternatives.iter().map(|word| quote_rule(&word.value)).collect();
                if let [one] = words.as_slice() { one.clone() } else { format!("[{}]", words.join(", ")) }
            })
            .collect();
        let _ = write!(
            out,
            "prefix_rule(pattern = [{}], decision = \"{}\"",
            tokens.join(", "),
            rule.decision.as_str()
        );
        if let Some(why) = &rule.justification {
            let _ = write!(out, ", justification = {}", quote_rule(&why.value));
        }
        out.push_str(")\n");
    }
    for rule in &policy.networks {
        let protocol = match rule.protocol {
            Protocol::Http => "http",
            Protocol::Https => "https",
            Protocol::Socks5Tcp => "socks5_tcp",
            Protocol::Socks5Udp => "socks5_udp",
        };
        let host = quote_rule(&rule.host.value);
        let _ = write!(
            out,
            "network_rule(host = {host}, protocol = \"{protocol}\", decision = \"{}\"",
            rule.decision.as_str()
        );
        if let Some(why) = &rule.justification {
            let _ = write!(out, ", justification = {}", quote_rule(&why.value));
        }
        out.push_str(")\n");
    }
    out
}

/// A Starlark string.
fn quote_rule(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
