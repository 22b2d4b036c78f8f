//! In: file names and texts. Out: [`SourceMap`], and the [`Span`]s that point into it.
//! Not here: reading files (`loader.rs`, `cli/`) and drawing carets (`cli/report/`).

use std::fmt;
use std::sync::Arc;

/// The number of a source in its [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

impl SourceId {
    /// The position in [`SourceMap::iter`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A range of bytes in one source; `start <= end`, both on character boundaries of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source the range is in.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte positions; positions past 4 GiB cannot occur ([`SourceMap::add`] refuses).
    #[must_use]
    pub fn new(source: SourceId, range: std::ops::Range<usize>) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let start = clamp(range.start);
        Self { source, start, end: clamp(range.end).max(start) }
    }

    /// The bytes as a `usize` range.
    #[must_use]
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether `other` lies wholly inside this span.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }
}

/// A value with the place where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts a value and a place together.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// One text that was read.
#[derive(Clone, Debug)]
pub struct Source {
    name: Arc<str>,
    display: Arc<str>,
    text: Arc<str>,
    line_starts: Arc<[u32]>,
}

impl Source {
    /// The name recorded as provenance: a path relative to the policy root, or `@stdlib//…`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name shown to people: the path as they typed it.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole text, shared.
    #[must_use]
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// The text of a line, counted from 1, without its end; empty if there is no such line.
    #[must_use]
    pub fn line(&self, number: u32) -> &str {
        let start = |line: usize| self.line_starts.get(line).map(|&start| start as usize);
        let Some(from) = (number as usize).checked_sub(1).and_then(start) else { return "" };
        let to = start(number as usize).unwrap_or(self.text.len());
        self.text.get(from..to).unwrap_or("").trim_end_matches(['\n', '\r'])
    }

    /// The line and column of a byte, both counted from 1; the column counts characters.
    #[must_use]
    pub fn position(&self, byte: u32) -> Position {
        let line = self.line_starts.partition_point(|&start| start <= byte).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start as usize..byte as usize).map_or(0, |before| before.chars().count());
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        }
    }
}

/// A place as people count it: from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Every text of one compilation, in the order in which they were read.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a text in and gives it a number. What people are shown is the name.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceId {
        let name = name.into();
        self.add_as(Arc::clone(&name), name, text)
    }

    /// Takes a text in under a name, and another that is shown to people.
    pub fn add_as(
        &mut self,
        name: impl Into<Arc<str>>,
        display: impl Into<Arc<str>>,
        text: impl Into<Arc<str>>,
    ) -> SourceId {
        let text = text.into();
        let starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1));
        let line_starts = starts.map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect();
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source { name: name.into(), display: display.into(), text, line_starts });
        id
    }

    /// The source with this number.
    ///
    /// # Panics
    /// If the number comes from another map; that is a fault of the caller, not of the input.
    #[must_use]
    pub fn get(&self, id: SourceId) -> &Source {
        &self.sources[id.index()]
    }

    /// The text that a span covers; empty if the span is not on character boundaries.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).text().get(span.range()).unwrap_or("")
    }

    /// Where a span begins.
    #[must_use]
    pub fn position(&self, span: Span) -> Position {
        self.get(span.source).position(span.start)
    }

    /// `path:line:column` of a span's beginning, the path as people know it.
    #[must_use]
    pub fn place(&self, span: Span) -> String {
        format!("{}:{}", self.get(span.source).display(), self.position(span))
    }

    /// Every source with its number.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.sources
            .iter()
            .enumerate()
            .map(|(at, source)| (SourceId(u32::try_from(at).unwrap_or(u32::MAX)), source))
    }
}
