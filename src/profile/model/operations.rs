//! In: an operation and the paths it names. Out: a [`Permission`]: allowed or not, and the clause that decides.
//! Not here: what a path's access is (`model.rs`).
//!
//! An operation is allowed if each path it asks about has the access it needs. Which paths these are:
//!
//! | operation | asks for |
//! |---|---|
//! | read, execute, list | read of where the path leads |
//! | write | write of where the path leads |
//! | stat | read of it, or a granted path below it (the way there can be walked) |
//! | create | write of the path (a link in the last place not followed) and of its directory |
//! | remove | the same, and of everything that exists below it; never what is above a path that is written with less than `write`, whether that exists or not |
//! | rename | remove of the old path; create of the new one, or remove of what is there; write of every new name below it |
//! | link | write of the old path and create of the new one: a second name never has more access than the first |

use super::{Answer, Model, Path};
use crate::{Access, PathAccess};

/// Whether an operation is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission<'p> {
    /// Whether it is.
    pub allowed: bool,
    /// What is said about the path that decides: the first that lacks access, or else the operation's own.
    pub answer: Answer<'p>,
}

impl<'p> Model<'p> {
    /// Opens a file for reading.
    #[must_use]
    pub fn read(&self, path: &Path) -> Permission<'p> {
        self.follow(path, Access::Read)
    }

    /// Opens an existing file for writing, or changes its mode, owner or times.
    #[must_use]
    pub fn write(&self, path: &Path) -> Permission<'p> {
        self.follow(path, Access::Write)
    }

    /// Runs a file.
    #[must_use]
    pub fn execute(&self, path: &Path) -> Permission<'p> {
        self.follow(path, Access::Read)
    }

    /// Lists a directory.
    #[must_use]
    pub fn list(&self, path: &Path) -> Permission<'p> {
        self.follow(path, Access::Read)
    }

    /// Asks for a file's size, owner, mode and times.
    #[must_use]
    pub fn stat(&self, path: &Path) -> Permission<'p> {
        let Some(path) = self.tree.resolve(path) else { return self.lost(path) };
        let mut ruling = self.needs(&path, Access::Read);
        let fold = self.roots.ignore_case;
        ruling.allowed |= self.bound.iter().any(|bound| {
            bound.rule.access != PathAccess::Deny
                && !bound.link
                && bound.at.starts_with(&path, fold)
                && self.access(&bound.at).access > Access::Deny
        });
        ruling
    }

    /// Makes a file, directory or link that was not there.
    #[must_use]
    pub fn create(&self, path: &Path) -> Permission<'p> {
        let Some(path) = self.tree.resolve_parent(path) else { return self.lost(path) };
        self.entry(&path)
    }

    /// Removes a file or a directory with all that is in it.
    #[must_use]
    pub fn remove(&self, path: &Path) -> Permission<'p> {
        let Some(path) = self.tree.resolve_parent(path) else { return self.lost(path) };
        let ruling = self.entry(&path);
        if !ruling.allowed {
            return ruling;
        }
        let fold = self.roots.ignore_case;
        let anchored = self
            .bound
            .iter()
            .find(|bound| bound.rule.access != PathAccess::Write && bound.at.starts_with(&path, fold));
        if let Some(bound) = anchored {
            return Permission { allowed: false, answer: self.access(&bound.at) };
        }
        self.all(self.tree.below(&path).cloned(), ruling)
    }

    /// Gives a file or directory another name.
    #[must_use]
    pub fn rename(&self, from: &Path, to: &Path) -> Permission<'p> {
        let gone = self.remove(from);
        if !gone.allowed {
            return gone;
        }
        let (Some(old), Some(new)) = (self.tree.resolve_parent(from), self.tree.resolve_parent(to)) else {
            return self.lost(to);
        };
        let there = if self.tree.kind(&new).is_some() { self.remove(to) } else { self.entry(&new) };
        if !there.allowed {
            return there;
        }
        let moved = self.tree.below(&old).map(|path| new.join(&path.tail(old.len())));
        self.all(moved, there)
    }

    /// Gives a file a second name.
    #[must_use]
    pub fn link(&self, from: &Path, to: &Path) -> Permission<'p> {
        let Some(old) = self.tree.resolve_parent(from) else { return self.lost(from) };
        let ruling = self.needs(&old, Access::Write);
        if ruling.allowed { self.create(to) } else { ruling }
    }

    /// What is said about where a path leads.
    #[must_use]
    pub fn answer(&self, path: &Path) -> Answer<'p> {
        self.tree.resolve(path).map_or_else(|| self.lost(path).answer, |path| self.access(&path))
    }

    fn follow(&self, path: &Path, need: Access) -> Permission<'p> {
        let Some(path) = self.tree.resolve(path) else { return self.lost(path) };
        self.needs(&path, need)
    }

    fn needs(&self, path: &Path, need: Access) -> Permission<'p> {
        let answer = self.access(path);
        Permission { allowed: answer.access >= need, answer }
    }

    /// A change of a directory's entry: the name and the directory must both be writable.
    fn entry(&self, path: &Path) -> Permission<'p> {
        let own = self.needs(path, Access::Write);
        if !own.allowed || path.is_empty() {
            return Permission { allowed: false, ..own };
        }
        let parent = self.needs(&path.parent(), Access::Write);
        if parent.allowed { own } else { parent }
    }

    fn all(&self, paths: impl Iterator<Item = Path>, good: Permission<'p>) -> Permission<'p> {
        paths.map(|path| self.needs(&path, Access::Write)).find(|ruling| !ruling.allowed).unwrap_or(good)
    }

    /// A path that leads in a circle leads nowhere.
    fn lost(&self, path: &Path) -> Permission<'p> {
        let answer = self.access(path);
        Permission { allowed: false, answer: Answer { access: Access::Deny, ..answer } }
    }
}
