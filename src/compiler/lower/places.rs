//! In: a profile and a [`Host`]. Out: [`Places`]: its path statements where they hold on that host, in the order in which a
//! list of rules has to say them so that the last one that matches is the most specific.
//! Not here: what a path may be used for (`execpolicy_profile::model` is the meaning; nothing here is used by it), and any one target.

use execpolicy_profile::glob;
use execpolicy_profile::model::{FileKind, Path, Roots, Tree};
use execpolicy_profile::{
    Access, GlobRule, Located, PathAccess, PathRule, Place, Platform, Profile, Protect, Root,
};

/// What a profile's roots stand for, and the files that matter: the links in written paths, and what wildcards and names
/// match when the text is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The roots, links in them already followed.
    pub roots: Roots,
    /// The files.
    pub tree: Tree,
    /// Whether somebody has looked: if not, what is not in the tree may still be there.
    pub surveyed: bool,
}

impl Host {
    /// A host as most are: for texts that are looked at without one. The workspace lies in the home, the directory for
    /// temporary files elsewhere; on macOS the three links of the system volume are there.
    #[must_use]
    pub fn usual(platform: Platform) -> Self {
        let roots = |home: &str, tmpdir: &str, ignore_case| Roots {
            workspace: format!("{home}/workspace"),
            home: home.to_owned(),
            tmpdir: tmpdir.to_owned(),
            ignore_case,
        };
        match platform {
            Platform::Linux => {
                Self { roots: roots("/home/user", "/tmp", false), tree: Tree::new(), surveyed: false }
            }
            Platform::Macos => {
                let roots = roots("/Users/user", "/private/var/folders/T", true);
                let mut host = Self { roots, tree: Tree::new(), surveyed: false };
                host.add_system_links();
                host
            }
        }
    }

    /// Adds the links that every macOS has at its root: `/tmp`, `/var` and `/etc` lead into `/private`.
    pub fn add_system_links(&mut self) {
        for name in ["tmp", "var", "etc"] {
            self.tree.add(&Path::parse(&format!("/{name}")), FileKind::Link(format!("private/{name}")));
        }
    }

    /// Where a written place leads.
    #[must_use]
    pub fn resolve(&self, place: &Place) -> Path {
        let written = self.roots.bind(place);
        self.tree.resolve(&written).unwrap_or(written)
    }

    /// A root, as it is bound.
    #[must_use]
    pub fn root(&self, root: Root) -> Path {
        self.roots.bind(&Place::new(root, ""))
    }
}

/// One path statement at one place.
#[derive(Clone, Debug)]
pub struct Placed<'p> {
    /// Where it holds, for everything below, too.
    pub at: Path,
    /// Whether this is the link that was written, and not where it leads.
    pub link: bool,
    /// The statement.
    pub rule: &'p Located<PathRule>,
}

/// A wildcard statement, and where its fixed part leads.
#[derive(Clone, Debug)]
pub struct PlacedGlob<'p> {
    /// The directory that it is about.
    pub at: Path,
    /// The statement.
    pub rule: &'p Located<GlobRule>,
}

/// A profile's path statements on a host.
#[derive(Clone, Debug)]
pub struct Places<'p> {
    /// Less specific ones first; of two at one place, the one that counts last.
    pub list: Vec<Placed<'p>>,
    /// The statements with wildcards.
    pub globs: Vec<PlacedGlob<'p>>,
    /// The protected names.
    pub protects: &'p [Located<Protect>],
    /// The writable directories that lie in no other writable directory: below these, names are protected.
    pub writable: Vec<Path>,
    fold: bool,
}

impl<'p> Places<'p> {
    /// Puts a profile's statements on a host.
    #[must_use]
    pub fn of(profile: &'p Profile, host: &Host) -> Self {
        let mut list = Vec::new();
        for rule in &profile.paths {
            let written = host.roots.bind(&rule.place);
            let at = host.tree.resolve(&written).unwrap_or_else(|| written.clone());
            let link = host.tree.resolve_parent(&written).unwrap_or(written);
            // Where a path leads is what counts; what is restricted keeps its link as well, or the link could be
            // replaced by something that is not restricted.
            if link != at && matches!(rule.access, PathAccess::Deny | PathAccess::Read) {
                list.push(Placed { at: link, link: true, rule });
            }
            list.push(Placed { at, link: false, rule });
        }
        list.sort_by_key(|placed| {
            (placed.at.len(), std::cmp::Reverse(placed.rule.access), placed.at.clone())
        });
        let globs =
            profile.globs.iter().map(|rule| PlacedGlob { at: host.resolve(&rule.place), rule }).collect();
        let fold = host.roots.ignore_case;
        let mut writable: Vec<Path> = Vec::new();
        for placed in list.iter().filter(|placed| placed.rule.access == PathAccess::Write) {
            if !writable.iter().any(|root| placed.at.starts_with(root, fold)) {
                writable.push(placed.at.clone());
            }
        }
        Self { list, globs, protects: &profile.protects, writable, fold }
    }

    /// The statement that counts for a path, wildcards and names aside.
    #[must_use]
    pub fn literal(&self, path: &Path) -> Option<&Placed<'p>> {
        self.list.iter().rfind(|placed| path.starts_with(&placed.at, self.fold))
    }

    /// What it grants.
    #[must_use]
    pub fn grant(&self, path: &Path) -> PathAccess {
        self.literal(path).map_or(PathAccess::Deny, |placed| placed.rule.access)
    }

    /// Whether the directory around a path can be changed.
    #[must_use]
    pub fn in_writable(&self, path: &Path) -> bool {
        !path.is_empty() && self.grant(&path.parent()).access() == Access::Write
    }

    /// Whether a wildcard statement denies a path: then nothing is granted there, whatever is written.
    #[must_use]
    pub fn hidden(&self, path: &Path) -> bool {
        self.globs.iter().any(|glob| {
            glob.rule.access == Access::Deny
                && path.len() > glob.at.len()
                && path.starts_with(&glob.at, self.fold)
                && glob::matches(&glob.rule.pattern, path.tail(glob.at.len()).as_bytes(), self.fold)
        })
    }

    /// The directories between a restricted path and the writable one around it. Whoever gave one of them another name would
    /// take what is restricted out of its restriction.
    #[must_use]
    pub fn ancestors(&self, path: &Path) -> Vec<Path> {
        let above = (1..path.len()).rev().map(|count| path.take(count));
        above.take_while(|here| self.grant(here) == PathAccess::Write && self.in_writable(here)).collect()
    }
}

/// What is left to match below a directory, of a name that may begin above it: the alternatives, each a pattern of
/// components. A workspace may be called `.git`, and then `hooks` in it bears the protected name `.git/hooks`.
#[must_use]
pub fn remainders<'n>(name: &'n str, root: &Path, fits: impl Fn(&str, &str) -> bool) -> Vec<Vec<&'n str>> {
    let mut pattern = vec!["**"];
    pattern.extend(name.split('/'));
    let spread = |mut reach: Vec<bool>| {
        for at in 0..pattern.len() {
            if reach[at] && pattern[at] == "**" {
                reach[at + 1] = true;
            }
        }
        reach
    };
    let mut first = vec![false; pattern.len() + 1];
    first[0] = true;
    let mut reach = spread(first);
    for component in root.components() {
        let mut next = vec![false; pattern.len() + 1];
        for at in (0..pattern.len()).filter(|at| reach[*at]) {
            if pattern[at] == "**" {
                next[at] = true;
            } else if fits(pattern[at], component) {
                next[at + 1] = true;
            }
        }
        reach = spread(next);
    }
    // What a `**` reaches by standing for nothing is in the pattern that begins with it.
    let implied = |at: usize| at > 0 && reach[at - 1] && pattern[at - 1] == "**";
    (0..pattern.len()).filter(|at| reach[*at] && !implied(*at)).map(|at| pattern[at..].to_vec()).collect()
}
