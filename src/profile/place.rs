//! In: nothing. Out: [`Origin`], the place of a statement; [`Place`], a path below a root; [`Located`], a clause with its origin.
//! Not here: the clauses (`clause.rs`), and where a place is on a host (`model.rs`, `confine/`).

use super::wire::{Cursor, ProfileError, TEXT, TextFrom, Wire, Writer};
use super::{Root, Text};
use core::fmt;
use core::ops::Deref;

/// The statement that wrote a clause. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin<T = Text> {
    /// The file, as the compiler names it: relative to the policy root, or `@stdlib//…`.
    pub file: T,
    /// The line of the statement's word that made the clause.
    pub line: u32,
    /// Its column.
    pub column: u32,
}

impl<T: AsRef<str>> fmt::Display for Origin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.as_ref(), self.line, self.column)
    }
}

impl<'a, T: TextFrom<'a>> Wire<'a> for Origin<T> {
    const SIZE: usize = TEXT + 4 + 4;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let file = cursor.text("origin")?.into();
        Ok(Self { file, line: cursor.u32("origin")?, column: cursor.u32("origin")? })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.text(self.file.as_ref());
        out.put(self.line.to_le_bytes());
        out.put(self.column.to_le_bytes());
    }
}

/// A clause and the statement that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<C, T = Text> {
    /// What is said.
    pub clause: C,
    /// The statement.
    pub origin: Origin<T>,
}

impl<C, T> Deref for Located<C, T> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.clause
    }
}

impl<C: fmt::Display, T> fmt::Display for Located<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clause.fmt(f)
    }
}

impl<'a, C: Wire<'a>, T: TextFrom<'a>> Wire<'a> for Located<C, T> {
    const SIZE: usize = C::SIZE + Origin::<T>::SIZE;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self { clause: C::read(cursor)?, origin: Origin::read(cursor)? })
    }

    fn write(&self, out: &mut Writer<'_>) {
        self.clause.write(out);
        self.origin.write(out);
    }
}

/// A path below a root: `$WORKSPACE/target`, `/etc`, `~/.ssh`. The rest is in normal form: components joined by one
/// `/`, none of them empty, `.` or `..`, no `/` at either end; it is empty for the root itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place<T = Text> {
    /// What the path begins with.
    pub root: Root,
    /// What follows the root.
    pub rest: T,
}

impl<T> Place<T> {
    /// A place from its parts.
    pub fn new(root: Root, rest: impl Into<T>) -> Self {
        Self { root, rest: rest.into() }
    }
}

impl<T: AsRef<str>> Place<T> {
    /// Whether this is `other` or lies above it, as far as the written text shows.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let (above, below) = (self.rest.as_ref(), other.rest.as_ref());
        self.root == other.root
            && (above.is_empty()
                || below.strip_prefix(above).is_some_and(|tail| tail.is_empty() || tail.starts_with('/')))
    }
}

impl<T: AsRef<str>> fmt::Display for Place<T> {
    /// The path as such: `/etc`, `~/.ssh`, `$WORKSPACE`. A clause quotes it where a statement has to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.root, self.rest.as_ref()) {
            (Root::Absolute, rest) => write!(f, "/{rest}"),
            (root, "") => f.write_str(root.as_str()),
            (root, rest) => write!(f, "{}/{rest}", root.as_str()),
        }
    }
}

impl<'a, T: TextFrom<'a>> Wire<'a> for Place<T> {
    const SIZE: usize = 1 + TEXT;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let start = *cursor;
        let (root, rest) = (cursor.word(Root::from_byte, "root")?, cursor.text("path")?);
        let normal = |part: &str| !matches!(part, "" | "." | "..");
        if rest.is_empty() || rest.split('/').all(normal) {
            Ok(Self::new(root, rest))
        } else {
            start.fault("path")
        }
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.put([self.root as u8]);
        out.text(self.rest.as_ref());
    }
}
