//! In: a view and what was found in the tree. Out: the plan's paths, private directories, missing and late names. Not here:
//! choosing between statements (`view.rs`).
//!
//! A rule of the plan stands at every place where the access changes, so that the most specific rule of the plan gives at each
//! existing path what `View::access` says there.

use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::fs;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use super::super::linux::is_empty_placeholder;
use super::super::plan::{self, Late, Missing, MissingKind};
use super::super::status::Enforcement as Given;
use super::refusal::Refusal;
use super::scan::Match;
use super::view::{Bound, View, is_wild};
use super::work::{Work, shown};
use execpolicy_profile::{Access, PathAccess, Promise};

/// Rules at exact places.
#[derive(Default)]
struct Rules {
    paths: BTreeMap<PathBuf, Access>,
    private: BTreeSet<PathBuf>,
}

/// Files, and everything about them.
pub(super) fn files<'a>(view: &View<'a>, found: &[Match], work: &mut Work<'a>) -> Result<(), Refusal> {
    let mut rules = Rules::default();
    for bound in view.bound.iter().filter(|bound| !bound.link) {
        literal(view, bound, &mut rules, work)?;
    }
    if let Some(repository) = &view.repository {
        work.note(format!("with {}, the repository this worktree belongs to", shown(repository)));
    }
    matches(view, found, &mut rules, work)?;
    let missing = missing(view, &mut rules, work);
    pins(view, &mut rules);
    work.plan.paths = rules
        .paths
        .into_iter()
        .map(|(path, access)| plan::PathRule { path, access: kernel(access) })
        .collect();
    work.plan.private = rules.private.into_iter().collect();
    work.plan.missing = missing;
    work.plan.links = view.links.clone();
    work.plan.late = late(view);
    Ok(())
}

const fn kernel(access: Access) -> plan::Access {
    match access {
        Access::Deny => plan::Access::Deny,
        Access::Read => plan::Access::Read,
        Access::Write => plan::Access::Write,
    }
}

/// What a place of the sandbox's own makes of a statement.
enum Own {
    /// It is an ordinary place.
    No,
    /// The statement holds without being carried out, or what is there is less than it grants.
    Holds(&'static str),
    /// It cannot be carried out.
    Refused(&'static str),
}

/// /proc, /dev and what is in them are always the sandbox's own.
fn own(path: &Path, access: PathAccess) -> Own {
    let restricts = matches!(access, PathAccess::Deny | PathAccess::Private);
    let shm = path.starts_with("/dev/shm");
    if shm && access == PathAccess::Private {
        return Own::Holds("always private");
    }
    if shm || path.starts_with("/dev/pts") {
        return match access {
            PathAccess::Deny => Own::Refused("the sandbox always has one of its own"),
            _ => Own::Holds("the sandbox has one of its own, the host's is not shown"),
        };
    }
    if path == Path::new("/dev") || path == Path::new("/proc") {
        return if restricts {
            Own::Refused("the sandbox always has one of its own")
        } else {
            Own::Holds("the sandbox has one of its own, the host's is not shown")
        };
    }
    if path.starts_with("/proc") {
        return if restricts {
            Own::Refused("the sandbox has a /proc of its own, whose files cannot be hidden one by one")
        } else {
            Own::Holds("the sandbox has a /proc of its own")
        };
    }
    Own::No
}

fn literal<'a>(
    view: &View<'a>,
    bound: &Bound<'a>,
    rules: &mut Rules,
    work: &mut Work<'a>,
) -> Result<(), Refusal> {
    let (at, rule) = (&bound.at, bound.rule);
    let clause = rule.to_string();
    work.carry(clause.as_str(), rule.origin, "mounts", Given::Prevented);
    let refuse =
        |why: &str, way_out: &str| Err(Refusal::of(clause.as_str(), Some(rule.origin), why, way_out));
    match own(at, rule.access) {
        Own::No => {}
        Own::Holds(note) => {
            work.note(note);
            return Ok(());
        }
        Own::Refused(why) => return refuse(why, "take the statement away with `unset`"),
    }
    let around = at.parent().map(|parent| view.access(parent));
    let writable = around.is_some_and(|answer| answer.access == Access::Write && !answer.own);
    let denied = around.is_some_and(|answer| answer.access == Access::Deny);
    if bound.hidden && rule.access != PathAccess::Write && above_exists(view, at) {
        return refuse(
            "a directory on the way may not be searched, and its owner could change that",
            "make it searchable",
        );
    }
    if !bound.exists {
        let note = match rule.access {
            PathAccess::Private if above_exists(view, at) => {
                return refuse(
                    "it does not exist, and is in a writable directory: what a command makes there would stay",
                    &format!("make it: mkdir -p {}", shown(at)),
                );
            }
            // What is denied and not there is nothing to tell about; there are many of these.
            PathAccess::Deny if !writable => "there is nothing",
            PathAccess::Write if !writable => "there is nothing, and nothing can be made there",
            _ => "there is nothing yet",
        };
        work.note(note);
        return Ok(());
    }
    let answer = view.access(at);
    if answer.own {
        if answer.access != Access::Write {
            let clause = answer.by.to_string();
            return Err(Refusal::of(
                clause,
                answer.by.origin(),
                format!("{} is a private directory as well", shown(at)),
                "take one of the two away",
            ));
        }
        if !at.is_dir() {
            return refuse("it is a file, and only a directory can be private", "deny it instead");
        }
        rules.private.insert(at.clone());
    } else if !(answer.access == Access::Write && writable || answer.access == Access::Deny && denied) {
        // Writing below what is writable changes nothing, and a mount would keep the directory from being renamed;
        // below what is denied there is nothing to mount on.
        rules.paths.insert(at.clone(), answer.access);
    }
    Ok(())
}

/// Whether the deepest existing directory above a missing path is the host's and writable.
fn above_exists(view: &View<'_>, at: &Path) -> bool {
    let above = at.ancestors().skip(1).find(|above| above.exists());
    above.map(|above| view.access(above)).is_some_and(|answer| answer.access == Access::Write && !answer.own)
}

fn matches<'a>(
    view: &View<'a>,
    found: &[Match],
    rules: &mut Rules,
    work: &mut Work<'a>,
) -> Result<(), Refusal> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for one in found {
        let answer = view.access(&one.path);
        if answer.own || matches!(own(&one.path, PathAccess::Read), Own::Holds(_)) {
            continue;
        }
        *count.entry(answer.by.to_string()).or_default() += 1;
        if one.link {
            let around = one.path.parent().map(|parent| view.access(parent).access);
            if around == Some(Access::Write) {
                return Err(Refusal::of(
                    answer.by.to_string(),
                    answer.by.origin(),
                    format!(
                        "{} is a symbolic link, which cannot be kept from being replaced",
                        shown(&one.path)
                    ),
                    "put what it leads to in its place, or take the statement away with `unset`",
                ));
            }
            continue;
        }
        rules.paths.insert(one.path.clone(), answer.access);
    }
    let number = |clause: &str| match count.get(clause).copied().unwrap_or(0) {
        0 => "there is none".to_string(),
        1 => "1 exists".to_string(),
        n => format!("{n} exist"),
    };
    for cap in &view.globs {
        let clause = cap.rule.to_string();
        work.carry(clause.as_str(), cap.rule.origin, "mounts", Given::PreventedAtStart);
        let later = if view.writes_below(&cap.at) || view.below_writable(&cap.at) {
            "later ones are reported at the end"
        } else {
            "what the host makes later is not hidden"
        };
        work.note(format!("{}; {later}", number(&clause)));
    }
    for rule in &view.protects {
        let clause = rule.to_string();
        work.carry(clause.as_str(), rule.origin, "mounts", Given::PreventedAtStart);
        work.note(format!("{}; new ones are quarantined at the end", number(&clause)));
    }
    Ok(())
}

/// Names that do not exist: placeholders where these are promised and can be made, and exact places to look at in the end.
fn missing<'a>(view: &View<'a>, rules: &mut Rules, work: &mut Work<'a>) -> Vec<Missing> {
    let mut out: BTreeMap<PathBuf, Missing> = BTreeMap::new();
    let mut add = |path: PathBuf, wanted: Promise, rules: &mut Rules| -> Promise {
        let parent = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let git = path.file_name().is_some_and(|name| name == ".git");
        let can = wanted == Promise::Prevent && !git && holds_placeholders(&parent);
        let kind = if git { MissingKind::GitDirectory } else { MissingKind::Name };
        let promise = if can { plan::Promise::Prevent } else { plan::Promise::Detect };
        if can {
            // A placeholder stays where it is only if the directory around it does.
            rules.paths.entry(parent).or_insert(Access::Write);
        }
        out.insert(path.clone(), Missing { path, kind, promise });
        if can { Promise::Prevent } else { Promise::Detect }
    };
    for bound in view.bound.iter().filter(|bound| !bound.link && !bound.exists) {
        let lowers = matches!(bound.rule.access, PathAccess::Deny | PathAccess::Read);
        if lowers && above_exists(view, &bound.at) && view.access(&bound.at).access < Access::Write {
            add(bound.at.clone(), Promise::Prevent, rules);
        }
    }
    let roots: Vec<PathBuf> = view
        .bound
        .iter()
        .filter(|bound| bound.rule.access == PathAccess::Write && !bound.link && bound.exists)
        .map(|bound| bound.at.clone())
        .collect();
    for rule in view.protects.iter().filter(|rule| rule.missing == Promise::Prevent && !is_wild(rule.name)) {
        let mut prevented = 0;
        let candidates = roots.iter().flat_map(|root| {
            // The front of a name may be the end of the writable directory's own path.
            let within = rule.name.rsplit_once('/').filter(|(front, _)| root.ends_with(front));
            [Some((root, root.join(rule.name))), within.map(|(_, last)| (root, root.join(last)))]
        });
        for (root, path) in candidates.flatten() {
            let parent = path.parent().unwrap_or(root);
            let there = fs::symlink_metadata(&path).is_ok() && !is_empty_placeholder(&path);
            let around = view.access(parent);
            let real = parent
                .ancestors()
                .take_while(|above| *above != root)
                .all(|above| fs::symlink_metadata(above).is_ok_and(|meta| meta.is_dir()));
            if !there
                && real
                && around.access == Access::Write
                && !around.own
                && view.literal_at(&path).is_none()
                && add(path, Promise::Prevent, rules) == Promise::Prevent
            {
                prevented += 1;
            }
        }
        if prevented > 0 {
            let clause = rule.to_string();
            if let Some(line) = work.carried.iter_mut().find(|line| line.clause == clause) {
                line.note =
                    Some("a placeholder stands in its place; deeper ones are quarantined at the end".into());
            }
        }
    }
    out.into_values().collect()
}

/// Whether empty directories can be made in a directory and be marked as ours.
fn holds_placeholders(directory: &Path) -> bool {
    let marks = rustix::fs::lgetxattr(directory, "user.execpolicy.placeholder", &mut [0_u8; 8]);
    let markable = matches!(marks, Ok(_) | Err(rustix::io::Errno::NODATA));
    directory.is_dir() && markable && rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok()
}

/// A place that is written with less than `write` must stay where it is, whether it exists or not: the directories around it
/// are mounted onto themselves.
fn pins(view: &View<'_>, rules: &mut Rules) {
    let anchors = view.bound.iter().filter(|bound| bound.rule.access != PathAccess::Write && !bound.link);
    let mut anchors: Vec<PathBuf> = anchors.map(|bound| bound.at.clone()).collect();
    anchors.extend(
        rules.paths.iter().filter(|(_, access)| **access == Access::Write).map(|(path, _)| path.clone()),
    );
    for anchor in anchors {
        for above in anchor.ancestors().skip(1) {
            let answer = view.access(above);
            if answer.access != Access::Write || answer.own {
                // Above a read-only place there may be a writable one that could be renamed.
                continue;
            }
            let outermost = above.parent().is_none_or(|parent| view.access(parent).access != Access::Write);
            if !outermost && above.is_dir() {
                rules.paths.entry(above.to_path_buf()).or_insert(Access::Write);
            }
        }
    }
}

/// What is looked for when everything has ended.
fn late(view: &View<'_>) -> Late {
    let mut roots: Vec<PathBuf> = Vec::new();
    let mut writable: Vec<&PathBuf> = view
        .bound
        .iter()
        .filter(|bound| bound.rule.access == PathAccess::Write && !bound.link && bound.exists)
        .map(|bound| &bound.at)
        .collect();
    writable.sort();
    for root in writable {
        if root.is_dir() && !roots.iter().any(|known| root.starts_with(known)) {
            roots.push(root.clone());
        }
    }
    Late {
        roots,
        protected: view.protects.iter().map(|rule| rule.name.to_string()).collect(),
        reported: view.globs.iter().map(|cap| (cap.at.clone(), cap.rule.pattern.to_string())).collect(),
    }
}
