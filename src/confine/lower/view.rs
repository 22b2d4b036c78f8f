//! In: a profile and a host. Out: [`View`], the profile's path statements at the places they have on this host, and what
//! they say about a path. Not here: which files there are (`scan.rs`), and plans (`files.rs`).
//!
//! `access(p) = min(literal(p), every cap that matches p or an ancestor of p)`, as in the reference model. Links
//! are followed here, once, and never again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::format;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::vec::Vec;

use super::host::Host;
use super::refusal::Refusal;
use super::repository;
use super::work::shown;
use execpolicy_profile::{
    Access, GlobRule, Located, Origin, PathAccess, PathRule, Place, Profile, Protect, glob,
};

/// A clause with its statement, both borrowed from the artifact.
pub type Said<'a, C> = Located<C, &'a str>;

/// A path statement at one place.
#[derive(Clone, Debug)]
pub(super) struct Bound<'a> {
    /// Where, without links.
    pub at: PathBuf,
    /// Whether there is something.
    pub exists: bool,
    /// Whether a directory on the way may not be searched.
    pub hidden: bool,
    /// Whether this is the link that is written, and not where it leads.
    pub link: bool,
    pub rule: Said<'a, PathRule<&'a str>>,
}

/// A glob below a place without links.
#[derive(Clone, Debug)]
pub(super) struct BoundGlob<'a> {
    pub at: PathBuf,
    pub rule: Said<'a, GlobRule<&'a str>>,
}

/// The clause that decides about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By<'a> {
    /// No statement names the path or anything above it.
    Nothing,
    /// The most specific path statement.
    Path(Said<'a, PathRule<&'a str>>),
    /// A glob that lowers it.
    Glob(Said<'a, GlobRule<&'a str>>),
    /// A protected name.
    Protect(Said<'a, Protect<&'a str>>),
}

impl<'a> By<'a> {
    /// The statement.
    pub fn origin(&self) -> Option<Origin<&'a str>> {
        match self {
            By::Nothing => None,
            By::Path(rule) => Some(rule.origin),
            By::Glob(rule) => Some(rule.origin),
            By::Protect(rule) => Some(rule.origin),
        }
    }
}

impl std::fmt::Display for By<'_> {
    /// The clause as it would be written.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            By::Nothing => Ok(()),
            By::Path(rule) => rule.fmt(f),
            By::Glob(rule) => rule.fmt(f),
            By::Protect(rule) => rule.fmt(f),
        }
    }
}

/// What a profile says about one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The access.
    pub access: Access,
    /// Whether what is there is the sandbox's own (`private`), not the host's.
    pub own: bool,
    /// The clause that decides.
    pub by: By<'a>,
}

/// The path statements of a profile on a host.
#[derive(Clone, Debug)]
pub struct View<'a> {
    pub(super) bound: Vec<Bound<'a>>,
    /// The strictest statement of each place.
    literal: BTreeMap<PathBuf, Said<'a, PathRule<&'a str>>>,
    pub(super) globs: Vec<BoundGlob<'a>>,
    pub(super) protects: Vec<Said<'a, Protect<&'a str>>>,
    /// Links that written paths cross, with their texts.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
    /// What a worktree's repository was given besides the workspace.
    pub(super) repository: Option<PathBuf>,
}

impl<'a> View<'a> {
    pub(super) fn bind(profile: &Profile<&'a str>, host: &Host) -> Result<View<'a>, Refusal> {
        let mut view = View {
            bound: Vec::new(),
            literal: BTreeMap::new(),
            globs: Vec::new(),
            protects: profile.protects.clone(),
            links: Vec::new(),
            repository: None,
        };
        let mut crossed: Vec<(PathBuf, Said<'a, PathRule<&'a str>>)> = Vec::new();
        for &rule in &profile.paths {
            let written = place(host, rule.place, rule.origin)?;
            let resolved = resolve(&written).map_err(|e| unresolved(&rule, &written, &e))?;
            let lowers = matches!(rule.access, PathAccess::Deny | PathAccess::Read);
            for (at, text) in resolved.links {
                if lowers && at.file_name().is_some() && resolve_parent(&written).is_some_and(|p| p == at) {
                    view.bound.push(Bound { at: at.clone(), exists: true, hidden: false, link: true, rule });
                }
                crossed.push((at.clone(), rule));
                if !view.links.contains(&(at.clone(), text.clone())) {
                    view.links.push((at, text));
                }
            }
            view.bound.push(Bound {
                at: resolved.path,
                exists: resolved.exists,
                hidden: resolved.hidden,
                link: false,
                rule,
            });
        }
        for &rule in &profile.globs {
            let written = place(host, rule.place, rule.origin)?;
            let at = resolve(&written).map(|resolved| resolved.path).unwrap_or(written);
            view.globs.push(BoundGlob { at, rule });
        }
        for bound in &view.bound {
            let stricter = |known: &Said<'a, PathRule<&'a str>>| known.access <= bound.rule.access;
            if !view.literal.get(&bound.at).is_some_and(stricter) {
                view.literal.insert(bound.at.clone(), bound.rule);
            }
        }
        if let Some((rule, common)) = repository::worktree(&view, host) {
            view.bound.push(Bound { at: common.clone(), exists: true, hidden: false, link: false, rule });
            view.literal.entry(common.clone()).or_insert(rule);
            view.repository = Some(common);
        }
        for (at, rule) in crossed {
            let around = at.parent().map(|parent| view.access(parent));
            if around.is_some_and(|answer| answer.access == Access::Write && !answer.own) {
                return Err(Refusal::of(
                    format!("{rule}"),
                    Some(rule.origin),
                    format!(
                        "it goes through the symbolic link {}, which the command could replace",
                        shown(&at)
                    ),
                    "name the place it leads to, or make it a directory",
                ));
            }
        }
        Ok(view)
    }

    /// What is said about an absolute path that has no links in it.
    pub fn access(&self, path: &Path) -> Answer<'a> {
        let Some(rule) = path.ancestors().find_map(|above| self.literal.get(above)).copied() else {
            return Answer { access: Access::Deny, own: false, by: By::Nothing };
        };
        let mut answer = Answer {
            access: rule.access.access(),
            own: rule.access == PathAccess::Private,
            by: By::Path(rule),
        };
        for cap in &self.globs {
            if cap.rule.access < answer.access
                && path.strip_prefix(&cap.at).is_ok_and(|rest| {
                    !rest.as_os_str().is_empty() && cap.rule.catches(rest.as_os_str().as_bytes(), false)
                })
            {
                answer = Answer { access: cap.rule.access, by: By::Glob(cap.rule), ..answer };
            }
        }
        if answer.access == Access::Write
            && let Some(rule) = self.protecting(path)
        {
            answer = Answer { access: Access::Read, by: By::Protect(rule), ..answer };
        }
        answer
    }

    /// The protected name that a path or an ancestor of it bears.
    fn protecting(&self, path: &Path) -> Option<Said<'a, Protect<&'a str>>> {
        path.ancestors().filter(|here| self.below_writable(here)).find_map(|here| {
            let bytes = here.as_os_str().as_bytes();
            let front = || fs::symlink_metadata(here).is_ok_and(|meta| !meta.is_dir());
            self.protects
                .iter()
                .find(|rule| {
                    rule.names(bytes, false)
                        || (fronts(rule.name).any(|name| Protect { name, ..rule.clause }.names(bytes, false))
                            && front())
                })
                .copied()
        })
    }

    /// Whether a path lies strictly below a directory that a statement makes writable.
    pub(super) fn below_writable(&self, path: &Path) -> bool {
        self.bound.iter().any(|bound| {
            bound.rule.access == PathAccess::Write
                && !bound.link
                && path != bound.at
                && path.starts_with(&bound.at)
        })
    }

    /// Whether anything of the host's is writable at or below a path.
    pub(super) fn writes_below(&self, path: &Path) -> bool {
        self.bound.iter().any(|bound| bound.rule.access == PathAccess::Write && bound.at.starts_with(path))
    }

    /// Whether anything at all is denied by a statement.
    pub(super) fn denies(&self) -> bool {
        self.bound.iter().any(|bound| bound.rule.access == PathAccess::Deny)
            || self.globs.iter().any(|cap| cap.rule.access == Access::Deny)
    }

    /// The statement at exactly this place.
    pub(super) fn literal_at(&self, path: &Path) -> Option<Said<'a, PathRule<&'a str>>> {
        self.literal.get(path).copied()
    }

    /// Whether a statement stands somewhere strictly below a path.
    pub(super) fn says_below(&self, path: &Path) -> bool {
        self.literal
            .range::<Path, _>((std::ops::Bound::Excluded(path), std::ops::Bound::Unbounded))
            .next()
            .is_some_and(|(next, _)| next.starts_with(path))
    }

    /// Follows every link of a path as the sandbox would, and says what the profile says about where it leads.
    pub fn answer(&self, path: &Path) -> Answer<'a> {
        match resolve(path) {
            Ok(resolved) => self.access(&resolved.path),
            Err(_) => Answer { access: Access::Deny, own: false, by: By::Nothing },
        }
    }
}

/// `.git` and the like of `.git/hooks`.
fn fronts(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/')
        .filter_map(|(at, _)| name.get(..at))
        .filter(|front| *front != "**" && !front.ends_with("/**"))
}

fn unresolved(rule: &Said<'_, PathRule<&str>>, written: &Path, error: &io::Error) -> Refusal {
    Refusal::of(
        format!("{rule}"),
        Some(rule.origin),
        format!("{} cannot be resolved: {error}", shown(written)),
        "name a path whose links end somewhere",
    )
}

/// Where a place is on this host, before links are followed.
pub(super) fn place(host: &Host, place: Place<&str>, origin: Origin<&str>) -> Result<PathBuf, Refusal> {
    let root = host.root(place.root).ok_or_else(|| {
        Refusal::of(
            format!("{place}"),
            Some(origin),
            "HOME is not set to an absolute path",
            "set HOME, or write the path out",
        )
    })?;
    Ok(if place.rest.is_empty() { root.to_path_buf() } else { root.join(place.rest) })
}

/// A path without links.
pub(super) struct Resolved {
    pub path: PathBuf,
    pub exists: bool,
    pub hidden: bool,
    /// The links on the way and what they say.
    pub links: Vec<(PathBuf, PathBuf)>,
}

/// Follows every link. What does not exist stays as it is written; a directory that may not be searched hides what is
/// below it, from the command as well.
pub(super) fn resolve(path: &Path) -> io::Result<Resolved> {
    // The kernel's own limit (path_resolution(7)).
    const MOST_LINKS: usize = 40;
    let mut found = Resolved { path: PathBuf::from("/"), exists: true, hidden: false, links: Vec::new() };
    let parts = |path: &Path| -> Vec<OsString> {
        let parts =
            path.components().rev().filter(|part| !matches!(part, Component::RootDir | Component::CurDir));
        parts.map(|part| part.as_os_str().to_owned()).collect()
    };
    let mut todo = parts(path);
    while let Some(part) = todo.pop() {
        if part == ".." {
            found.path.pop();
            continue;
        }
        let next = found.path.join(&part);
        match fs::symlink_metadata(&next) {
            Ok(meta) if meta.is_symlink() => {
                if found.links.len() == MOST_LINKS {
                    return Err(io::Error::other("too many symbolic links"));
                }
                let text = fs::read_link(&next)?;
                if text.is_absolute() {
                    found.path = PathBuf::from("/");
                }
                todo.extend(parts(&text));
                found.links.push((next, text));
                continue;
            }
            Ok(_) => {}
            Err(e) => {
                found.exists = false;
                found.hidden |= e.kind() == io::ErrorKind::PermissionDenied;
            }
        }
        found.path = next;
    }
    Ok(found)
}

/// The same, except that a link in the last component stays.
fn resolve_parent(path: &Path) -> Option<PathBuf> {
    let parent = resolve(path.parent()?).ok()?;
    Some(parent.path.join(path.file_name()?))
}

/// Whether one component of a glob or a name has a wildcard.
pub(super) fn is_wild(name: &str) -> bool {
    name.split('/').any(glob::is_wild)
}
