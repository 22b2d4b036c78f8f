//! In: a [`Profile`], what its roots stand for, and which files there are. Out: [`Model`], and what it says about a path.
//! Not here: operations (`operations.rs`), and binding to places (`bind.rs`).
//!
//! One rule decides about a path: `access(p) = min(literal(p), every cap that matches p or an ancestor of p)`. The
//! literal part is the most specific path statement; of two that coincide the one that shows less of the host. Caps
//! are globs and protected names.

use super::bind::{self, Bound, Cap};
use super::tree::{FileKind, Path, Tree};
use crate::{
    Access, GlobRule, LimitKind, Located, Origin, PathAccess, PathRule, Place, Profile, Promise, Protect,
    Root,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What the roots of a profile stand for on one host: absolute paths in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// `$WORKSPACE`
    pub workspace: String,
    /// `~`
    pub home: String,
    /// `$TMPDIR`
    pub tmpdir: String,
    /// Whether the host's file system takes `A` and `a` for the same letter (macOS).
    pub ignore_case: bool,
}

impl Roots {
    /// Roots that lie nowhere near each other: for looking at a profile as a text, without a host.
    #[must_use]
    pub fn symbolic() -> Self {
        let root = |name: &str| format!("/\u{1}{name}");
        Self { workspace: root("workspace"), home: root("home"), tmpdir: root("tmpdir"), ignore_case: false }
    }

    /// Where a place is on this host, before links are followed.
    #[must_use]
    pub fn bind(&self, place: &Place) -> Path {
        let root = match place.root {
            Root::Absolute => "/",
            Root::Workspace => &self.workspace,
            Root::Home => &self.home,
            Root::Tmpdir => &self.tmpdir,
        };
        Path::parse(root).join(&place.rest)
    }
}

/// The clause that decided about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By<'p> {
    /// No statement names the path or anything above it: denied.
    Nothing,
    /// The most specific path statement.
    Path(&'p Located<PathRule>),
    /// A glob that lowers it.
    Glob(&'p Located<GlobRule>),
    /// A protected name.
    Protect(&'p Located<Protect>),
}

impl<'p> By<'p> {
    /// The statement.
    #[must_use]
    pub const fn origin(&self) -> Option<&'p Origin> {
        match self {
            Self::Nothing => None,
            Self::Path(rule) => Some(&rule.origin),
            Self::Glob(rule) => Some(&rule.origin),
            Self::Protect(rule) => Some(&rule.origin),
        }
    }

    /// The clause as it would be written; empty if there is none.
    #[must_use]
    pub fn statement(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Path(rule) => rule.to_string(),
            Self::Glob(rule) => rule.to_string(),
            Self::Protect(rule) => rule.to_string(),
        }
    }
}

/// What a profile says about one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'p> {
    /// The access.
    pub access: Access,
    /// Whether the file there is the session's own (`private`), not the host's.
    pub own: bool,
    /// The clause that decides.
    pub by: By<'p>,
    /// How what is not allowed is kept from happening: detected only for what does not exist when the session starts.
    pub promise: Promise,
}

/// A profile on a host.
#[derive(Debug)]
pub struct Model<'p> {
    pub(super) profile: &'p Profile,
    pub(super) roots: Roots,
    pub(super) tree: Tree,
    pub(super) bound: Vec<Bound<'p>>,
    caps: Vec<Cap<'p>>,
}

impl<'p> Model<'p> {
    /// Binds the roots and follows the symbolic links of every written path, once.
    #[must_use]
    pub fn new(profile: &'p Profile, roots: &Roots, tree: &Tree) -> Self {
        let (bound, caps) = bind::bind(profile, roots, tree);
        Self { profile, roots: roots.clone(), tree: tree.clone(), bound, caps }
    }

    /// The profile.
    #[must_use]
    pub const fn profile(&self) -> &'p Profile {
        self.profile
    }

    /// What is said about a path that has no links in it any more.
    #[must_use]
    pub fn access(&self, path: &Path) -> Answer<'p> {
        let fold = self.roots.ignore_case;
        let literal = self
            .bound
            .iter()
            .filter(|bound| path.starts_with(&bound.at, fold))
            .max_by_key(|bound| (bound.at.len(), core::cmp::Reverse(bound.rule.access)));
        let Some(literal) = literal else {
            return Answer { access: Access::Deny, own: false, by: By::Nothing, promise: Promise::Prevent };
        };
        let mut answer = Answer {
            access: literal.rule.access.access(),
            own: literal.rule.access == PathAccess::Private,
            by: By::Path(literal.rule),
            promise: self.literal_promise(literal),
        };
        for cap in &self.caps {
            if cap.access() < answer.access
                && let Some(promise) = self.caught(cap, path)
            {
                answer = Answer { access: cap.access(), by: cap.by(), promise, ..answer };
            }
        }
        answer
    }

    /// A written path that does not exist is kept from being made by a placeholder, where there is a directory to hold
    /// one; a placeholder `.git` would hide the repository around it.
    fn literal_promise(&self, bound: &Bound<'_>) -> Promise {
        let missing = self.tree.kind(&bound.at).is_none();
        let holds = self.tree.kind(&bound.at.parent()) == Some(&FileKind::Directory);
        let git = bound.at.components().last().is_some_and(|name| name == ".git");
        let restricts = matches!(bound.rule.access, PathAccess::Deny | PathAccess::Read);
        if restricts && missing && (git || !holds) { Promise::Detect } else { Promise::Prevent }
    }

    /// The limit of a kind, if the profile sets one.
    #[must_use]
    pub fn limit(&self, kind: LimitKind) -> Option<(u64, &'p Origin)> {
        let limit = self.profile.limits.iter().find(|limit| limit.kind == kind)?;
        Some((limit.value, &limit.origin))
    }

    /// Whether a system call is denied, and by which statement.
    #[must_use]
    pub fn syscall_denied(&self, name: &str) -> Option<&'p Origin> {
        self.profile.syscalls.iter().find(|rule| *rule.name == *name).map(|rule| &rule.origin)
    }
}
