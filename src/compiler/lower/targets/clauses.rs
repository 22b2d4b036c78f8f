//! In: a profile on a host. Out: [`Stated`]: each of its clauses with its kind and the statement that wrote it.
//! Not here: what a target does about them (`../targets.rs`, `assess.rs`).

use super::Clause;
use crate::lower::places::{Host, Placed, Places};
use crate::policy::profile::{
    Access, EnvAction, Host as Destination, NetworkMode, Origin, PathAccess, Resolved,
};

/// One clause of a profile.
#[derive(Clone, Debug)]
pub struct Stated<'p> {
    /// What kind of clause it is, on this host.
    pub clause: Clause,
    /// As it would be written.
    pub statement: String,
    /// Where it is written.
    pub origin: &'p Origin,
    /// For a path: directories between it and the writable one around it that may not be there.
    pub loose: bool,
    /// For a path: it is known not to exist.
    pub missing: bool,
    /// It lies where the command may make things; for a wildcard: there is anything like that.
    pub makeable: bool,
}

impl<'p> Stated<'p> {
    fn new(clause: Clause, statement: impl Into<String>, origin: &'p Origin) -> Self {
        Self { clause, statement: statement.into(), origin, loose: false, missing: false, makeable: false }
    }
}

/// Every clause of a profile, in the order of its parts.
#[must_use]
pub fn clauses<'p>(profile: &'p Resolved, host: &Host) -> Vec<Stated<'p>> {
    let places = Places::of(profile, host);
    let mut out: Vec<Stated<'p>> = Vec::new();
    for (at, placed) in places.list.iter().enumerate() {
        // A link and where it leads are one statement, and may be two kinds of clause.
        let here = of_path(placed, at, &places, host);
        let same = |known: &Stated<'_>| {
            std::ptr::eq(known.origin, here.origin)
                && (known.clause, known.loose, known.missing) == (here.clause, here.loose, here.missing)
                && known.statement == here.statement
        };
        if !out.iter().any(same) {
            out.push(here);
        }
    }
    let denial = profile.paths.iter().find(|rule| rule.access == PathAccess::Deny).map(|rule| &rule.origin);
    let denial = denial
        .or_else(|| profile.globs.iter().find(|rule| rule.access == Access::Deny).map(|rule| &rule.origin));
    out.extend(denial.map(|origin| Stated::new(Clause::Lookup, "deny", origin)));
    for rule in &profile.globs {
        let clause = if rule.access == Access::Deny { Clause::DenyGlob } else { Clause::ReadGlob };
        let makeable = !places.writable.is_empty();
        out.push(Stated { makeable, ..Stated::new(clause, rule.statement(), &rule.origin) });
    }
    for rule in &profile.protects {
        let (loose, makeable) = (rule.name.contains('/'), !places.writable.is_empty());
        out.push(Stated {
            loose,
            makeable,
            ..Stated::new(Clause::Protect, format!("protect {}", rule.name), &rule.origin)
        });
    }
    network(profile, &mut out);
    for rule in &profile.env {
        let (clause, word) = match rule.action {
            EnvAction::Pass => (Clause::EnvPass, "pass"),
            EnvAction::Deny => (Clause::EnvDeny, "deny"),
            EnvAction::Set(_) => (Clause::EnvSet, "set"),
        };
        out.push(Stated::new(clause, format!("env {word} {}", rule.pattern), &rule.origin));
    }
    for limit in &profile.limits {
        out.push(Stated::new(Clause::Limit(limit.kind), limit.statement(), &limit.origin));
    }
    for rule in &profile.syscalls {
        out.push(Stated::new(Clause::Syscall, format!("syscalls deny {}", rule.name), &rule.origin));
    }
    for rule in &profile.mach {
        out.push(Stated::new(Clause::Mach, format!("mach-lookup \"{}\"", rule.name), &rule.origin));
    }
    out
}

fn path(placed: &Placed<'_>) -> String {
    format!("{} {}", placed.rule.access.as_str(), placed.rule.place)
}

/// What kind of clause a path statement is depends on what stands around it.
fn of_path<'p>(placed: &Placed<'p>, at: usize, places: &Places<'p>, host: &Host) -> Stated<'p> {
    let access = placed.rule.access;
    let around: Vec<PathAccess> = places.list[..at]
        .iter()
        .filter(|other| {
            other.at.len() < placed.at.len() && placed.at.starts_with(&other.at, host.roots.ignore_case)
        })
        .map(|other| other.rule.access)
        .collect();
    let enclosing = if placed.at.is_empty() { PathAccess::Deny } else { places.grant(&placed.at.parent()) };
    let clause = match access {
        PathAccess::Private => Clause::Private,
        PathAccess::Write if enclosing != PathAccess::Write && around.contains(&PathAccess::Write) => {
            Clause::Reopen
        }
        PathAccess::Read | PathAccess::Deny if enclosing.access() > access.access() => Clause::Narrow,
        _ => Clause::Grant,
    };
    let restricts = access != PathAccess::Write;
    let unsure = |path: &crate::policy::model::Path| host.tree.kind(path).is_none();
    Stated {
        loose: restricts && places.ancestors(&placed.at).iter().any(unsure),
        missing: host.surveyed && host.tree.kind(&placed.at).is_none() && !placed.at.is_empty(),
        makeable: enclosing.access() == Access::Write,
        ..Stated::new(clause, path(placed), &placed.rule.origin)
    }
}

fn network<'p>(profile: &'p Resolved, out: &mut Vec<Stated<'p>>) {
    let network = &profile.network;
    let origin = network.origin.as_ref().unwrap_or(&profile.origin);
    match network.mode {
        NetworkMode::Off => out.push(Stated::new(Clause::NetworkOff, "network off", origin)),
        NetworkMode::Full => out.push(Stated::new(Clause::NetworkFull, "network full", origin)),
        NetworkMode::Listed => {}
    }
    for rule in &network.hosts {
        let clause = match (&rule.host, rule.allow) {
            // What is allowed has no effect where the network is off or full.
            (_, true) if network.mode != NetworkMode::Listed => continue,
            (Destination::Socket(_), true) => Clause::AllowSocket,
            (Destination::Socket(_), false) => Clause::DenySocket,
            (_, false) if network.mode == NetworkMode::Off => continue,
            (Destination::Name(name), true) if name == "localhost" => Clause::AllowLoopback,
            (_, true) => Clause::AllowHost,
            (_, false) => Clause::DenyHost,
        };
        out.push(Stated::new(clause, rule.statement(), &rule.origin));
    }
    out.push(Stated::new(Clause::Sockets, "network", origin));
}
