//! In: paths as text. Out: [`Path`], components; [`Tree`], which files there are when a session starts.
//! Not here: a real file system; tests and enforcers fill a tree in.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// An absolute path: its components. `.` and empty components are dropped when it is read, `..` is kept for
/// [`Tree::resolve`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<String>);

impl Path {
    /// Reads a path from the file system's root.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::default().join(text)
    }

    /// This path, and what is written below it.
    #[must_use]
    pub fn join(&self, text: &str) -> Self {
        let mut out = self.clone();
        out.0.extend(text.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned));
        out
    }

    /// How many components it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is the root.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The components.
    #[must_use]
    pub fn components(&self) -> &[String] {
        &self.0
    }

    /// The directory it is in; the root is in itself.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0.split_last().map_or_else(Vec::new, |(_, parent)| parent.to_vec()))
    }

    /// The first `count` components.
    #[must_use]
    pub fn take(&self, count: usize) -> Self {
        Self(self.0.iter().take(count).cloned().collect())
    }

    /// Whether `above` is this path or one of its ancestors.
    #[must_use]
    pub fn starts_with(&self, above: &Self, fold: bool) -> bool {
        let same = |(a, b): (&String, &String)| if fold { a.eq_ignore_ascii_case(b) } else { a == b };
        above.len() <= self.len() && self.0.iter().zip(&above.0).all(same)
    }

    /// The components after the first `count`, joined.
    #[must_use]
    pub fn tail(&self, count: usize) -> String {
        self.0.get(count..).unwrap_or_default().join("/")
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0.join("/"))
    }
}

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// Anything else that is not a link.
    File,
    /// A symbolic link with its text.
    Link(String),
}

/// The files that are known. What is not in it does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<Path, FileKind>);

/// How many links are followed: Linux's limit (path_resolution(7)).
const MOST_LINKS: usize = 40;

impl Tree {
    /// No files at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, and the directories above it that are not there.
    pub fn add(&mut self, path: &Path, kind: FileKind) {
        for count in 0..path.len() {
            self.0.entry(path.take(count)).or_insert(FileKind::Directory);
        }
        self.0.insert(path.clone(), kind);
    }

    /// What is at a path, links not followed.
    #[must_use]
    pub fn kind(&self, path: &Path) -> Option<&FileKind> {
        self.0.get(path)
    }

    /// A path and everything below it that exists.
    pub fn below<'t>(&'t self, path: &'t Path) -> impl Iterator<Item = &'t Path> {
        self.0.keys().filter(move |known| known.starts_with(path, false))
    }

    /// Follows every link and every `..`. `None` if there are too many links.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> Option<Path> {
        self.walk(path, true)
    }

    /// The same, except that a link in the last component stays: what `unlink`, `rename` and `lstat` ask about.
    #[must_use]
    pub fn resolve_parent(&self, path: &Path) -> Option<Path> {
        self.walk(path, false)
    }

    fn walk(&self, path: &Path, last: bool) -> Option<Path> {
        let mut links = 0;
        let mut done = Path::default();
        let mut todo: Vec<String> = path.components().iter().rev().cloned().collect();
        while let Some(part) = todo.pop() {
            if part == ".." {
                done = done.parent();
                continue;
            }
            let next = done.join(&part);
            match self.kind(&next) {
                Some(FileKind::Link(text)) if last || !todo.is_empty() => {
                    links += 1;
                    if links > MOST_LINKS {
                        return None;
                    }
                    if text.starts_with('/') {
                        done = Path::default();
                    }
                    todo.extend(Path::parse(text).components().iter().rev().cloned());
                }
                _ => done = next,
            }
        }
        Some(done)
    }
}
