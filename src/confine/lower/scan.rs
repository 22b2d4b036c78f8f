//! In: a view. Out: what exists and bears a protected name or matches a wildcard, and what could not be looked at. Not here: what is
//! done about it (`files.rs`).
//!
//! The tree is walked once: every writable directory if names are protected, and below each glob as deep as it can
//! match. Symbolic links are not followed. Beyond a bound there is a refusal, never a part of the answer.

use std::collections::BTreeSet;
use std::format;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::vec::Vec;

use super::super::linux::is_empty_placeholder;
use super::super::names::{Globs, Names};
use super::refusal::Refusal;
use super::view::{By, View};
use super::work::shown;
use execpolicy_profile::{Access, PathAccess, glob};

/// Entries that are looked at. A million take about a second.
const MOST_ENTRIES: usize = 1_000_000;
/// Matches; each becomes a mount.
const MOST_MATCHES: usize = 4096;
/// The kernel's, which have no files of anybody's in them.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Something that a cap lowers, and that is not below another such thing.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub path: PathBuf,
    /// Whether it is a symbolic link.
    pub link: bool,
}

/// Walks.
pub(super) fn scan(view: &View<'_>) -> Result<Vec<Match>, Refusal> {
    let mut roots: BTreeSet<PathBuf> = view.globs.iter().map(|cap| cap.at.clone()).collect();
    let writable = view.bound.iter().filter(|bound| bound.rule.access == PathAccess::Write && !bound.link);
    if !view.protects.is_empty() {
        roots.extend(writable.map(|bound| bound.at.clone()));
    }
    let mut scan = Scan {
        view,
        names: Names::new(view.protects.iter().map(|rule| rule.name)),
        globs: Globs::new(view.globs.iter().map(|cap| (cap.at.as_path(), cap.rule.pattern))),
        found: Vec::new(),
        left: MOST_ENTRIES,
    };
    let mut last: Option<PathBuf> = None;
    for root in roots {
        // Sorted by component: what lies below another root follows it.
        if last.as_ref().is_some_and(|last| root.starts_with(last)) {
            continue;
        }
        if root.is_dir() && !kernels(&root) {
            let answer = view.access(&root);
            scan.directory(&root, answer.access)?;
        }
        last = Some(root);
    }
    Ok(scan.found)
}

fn kernels(path: &Path) -> bool {
    KERNEL.iter().any(|own| path.starts_with(own))
}

/// What is known of a file before it is looked at.
#[derive(Clone, Copy)]
struct Kind {
    directory: bool,
    link: bool,
    /// Whether a statement stands somewhere in its directory.
    said: bool,
}

struct Scan<'v, 'a> {
    view: &'v View<'a>,
    names: Names<'a>,
    globs: Globs<'v>,
    found: Vec<Match>,
    left: usize,
}

impl Scan<'_, '_> {
    /// Looks at everything in a directory; `access` is what the profile gives there.
    fn directory(&mut self, path: &Path, access: Access) -> Result<(), Refusal> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) => return self.closed(path, access, &e),
        };
        // Statements are few and files many: most directories have none in them.
        let said = self.view.says_below(path);
        for entry in entries {
            let Ok(entry) = entry else {
                return self.closed(path, access, &std::io::Error::other("cut off"));
            };
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return Err(self.too_many(&format!("more than {MOST_ENTRIES} files"), path));
            }
            let here = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            let kind = Kind { directory: kind.is_dir(), link: kind.is_symlink(), said };
            self.one(&here, entry.file_name().as_bytes(), kind, access)?;
        }
        Ok(())
    }

    fn one(&mut self, here: &Path, name: &[u8], kind: Kind, around: Access) -> Result<(), Refusal> {
        if kind.directory && kernels(here) {
            return Ok(());
        }
        // What a statement says here; else what holds around it.
        let rule = if kind.said { self.view.literal_at(here) } else { None };
        let mut access = rule.map_or(around, |rule| rule.access.access());
        let caps = self.globs.find(here, name).filter_map(|number| self.view.globs.get(number));
        let mut cap = caps.map(|cap| cap.rule.access).min().unwrap_or(Access::Write);
        if cap == Access::Write
            && self.names.find(here, name, kind.directory).is_some()
            && self.view.below_writable(here)
            && !(kind.directory && is_empty_placeholder(here))
        {
            cap = Access::Read;
        }
        let within = rule.map(|rule| rule.access) == Some(PathAccess::Private);
        if cap < access && !within {
            access = cap;
            self.found.push(Match { path: here.to_path_buf(), link: kind.link });
            if self.found.len() > MOST_MATCHES {
                return Err(self.too_many(&format!("more than {MOST_MATCHES} matches"), here));
            }
        }
        if !kind.directory {
            return Ok(());
        }
        // The host's files are not to be seen in what is denied or private, but for what a statement below it shows.
        let hidden = access == Access::Deny || within;
        if (hidden || !self.reaches(here)) && !self.view.says_below(here) {
            return Ok(());
        }
        self.directory(here, access)
    }

    /// Whether anything below a directory could still be matched.
    fn reaches(&self, path: &Path) -> bool {
        let protects = !self.view.protects.is_empty()
            && self.view.bound.iter().any(|bound| {
                bound.rule.access == PathAccess::Write && !bound.link && path.starts_with(&bound.at)
            });
        protects
            || self.view.globs.iter().any(|cap| match path.strip_prefix(&cap.at) {
                Ok(rest) => goes_on(cap.rule.pattern, rest.as_os_str().as_bytes()),
                Err(_) => cap.at.starts_with(path),
            })
    }

    /// A directory that cannot be listed is closed to the command as well, unless its owner opens it again.
    fn closed(&self, path: &Path, access: Access, error: &std::io::Error) -> Result<(), Refusal> {
        let own =
            fs::symlink_metadata(path).is_ok_and(|meta| meta.uid() == rustix::process::geteuid().as_raw());
        let gone = error.kind() == std::io::ErrorKind::NotFound;
        if gone || !own || access != Access::Write {
            return Ok(());
        }
        let by = self.view.access(path).by;
        Err(Refusal::of(
            format!("{by}"),
            by.origin(),
            format!("{} cannot be looked through for protected names: {error}", shown(path)),
            "make it readable, or deny it",
        ))
    }

    fn too_many(&self, what: &str, at: &Path) -> Refusal {
        let glob = self.view.globs.iter().find(|cap| at.starts_with(&cap.at)).map(|cap| By::Glob(cap.rule));
        let by = glob.or(self.view.protects.first().map(|rule| By::Protect(*rule))).unwrap_or(By::Nothing);
        Refusal::of(
            format!("{by}"),
            by.origin(),
            format!("there are {what} to be looked at, the last at {}", shown(at)),
            "name a smaller workspace with `--workspace DIR`, or deny large directories as a whole",
        )
    }
}

/// Whether a glob that does not match a path may match something below it.
fn goes_on(pattern: &str, path: &[u8]) -> bool {
    let mut parts = pattern.split('/');
    for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        match parts.next() {
            Some("**") => return true,
            Some(part) if glob::component(part.as_bytes(), name, false) => {}
            _ => return false,
        }
    }
    parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_goes_only_where_a_glob_can_match() {
        assert!(goes_on("**/.env", b"a/b"));
        assert!(goes_on("*/config", b"a"));
        assert!(!goes_on("*/config", b"a/b"));
        assert!(!goes_on("a*/config", b"b"));
        assert!(goes_on("a/**/b", b"a/x/y"));
        assert!(goes_on("x", b""));
    }
}
