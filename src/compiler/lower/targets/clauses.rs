//! In: a profile on a host. Out: [`Stated`]: each of its clauses with its kind and the statement that wrote it.
//! Not here: what a target does about them (`../targets.rs`, `assess.rs`).

use super::ClauseKind;
use crate::lower::places::{Host, Placed, Places};
use execpolicy_profile::{Access, Clause, Origin, PathAccess, Profile};

/// One clause of a profile.
#[derive(Clone, Debug)]
pub struct Stated<'p> {
    /// What kind of clause it is, on this host.
    pub kind: ClauseKind,
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
    fn new(kind: ClauseKind, statement: impl Into<String>, origin: &'p Origin) -> Self {
        Self { kind, statement: statement.into(), origin, loose: false, missing: false, makeable: false }
    }
}

/// Every clause of a profile, in the order of its parts.
#[must_use]
pub fn clauses<'p>(profile: &'p Profile, host: &Host) -> Vec<Stated<'p>> {
    let places = Places::of(profile, host);
    let mut out: Vec<Stated<'p>> = Vec::new();
    for (at, placed) in places.list.iter().enumerate() {
        // A link and where it leads are one statement, and may be two kinds of clause.
        let here = of_path(placed, at, &places, host);
        let same = |known: &Stated<'_>| {
            std::ptr::eq(known.origin, here.origin)
                && (known.kind, known.loose, known.missing) == (here.kind, here.loose, here.missing)
                && known.statement == here.statement
        };
        if !out.iter().any(same) {
            out.push(here);
        }
    }
    let denial = profile.paths.iter().find(|rule| rule.access == PathAccess::Deny).map(|rule| &rule.origin);
    let denial = denial
        .or_else(|| profile.globs.iter().find(|rule| rule.access == Access::Deny).map(|rule| &rule.origin));
    out.extend(denial.map(|origin| Stated::new(ClauseKind::Lookup, "deny", origin)));
    let declared = &profile.origin;
    let network = profile.network.origin.as_ref().unwrap_or(declared);
    out.push(Stated::new(ClauseKind::Sockets, "network", network));
    for (clause, origin) in profile.clauses() {
        let Some(kind) = ClauseKind::of(&clause, profile.network.mode) else { continue };
        let loose = matches!(&clause, Clause::Protect(rule) if rule.name.contains('/'));
        let makeable = !places.writable.is_empty();
        let origin = origin.unwrap_or(declared);
        out.push(Stated { loose, makeable, ..Stated::new(kind, clause.to_string(), origin) });
    }
    out
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
    let kind = match access {
        PathAccess::Private => ClauseKind::Private,
        PathAccess::Write if enclosing != PathAccess::Write && around.contains(&PathAccess::Write) => {
            ClauseKind::Reopen
        }
        PathAccess::Read | PathAccess::Deny if enclosing.access() > access.access() => ClauseKind::Narrow,
        _ => ClauseKind::Grant,
    };
    let restricts = access != PathAccess::Write;
    let unsure = |path: &execpolicy_profile::model::Path| host.tree.kind(path).is_none();
    Stated {
        loose: restricts && places.ancestors(&placed.at).iter().any(unsure),
        missing: host.surveyed && host.tree.kind(&placed.at).is_none() && !placed.at.is_empty(),
        makeable: enclosing.access() == Access::Write,
        ..Stated::new(kind, placed.rule.to_string(), &placed.rule.origin)
    }
}
