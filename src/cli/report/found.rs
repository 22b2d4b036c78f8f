//! In: the findings of one check. Out: [`Found`], what every format is written from, and the pieces that several formats share.

use execpolicy_compiler::diagnostic::{Diagnostic, Diagnostics};
use execpolicy_compiler::source::{SourceMap, Span};
use serde::Serialize;

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Summary {
    /// Files read as sources.
    pub files: usize,
    /// Rules in them.
    pub rules: usize,
    /// Examples tried.
    pub examples: usize,
    /// Errors found.
    pub errors: usize,
    /// Warnings found.
    pub warnings: usize,
}

/// What one run of `check` found.
pub struct Found<'a> {
    /// The findings, in order.
    pub diagnostics: &'a Diagnostics,
    /// The texts that they point into.
    pub sources: &'a SourceMap,
    /// How much was checked.
    pub summary: Summary,
    /// Sources that are symbolic links: the name, and what it points to.
    pub links: &'a [(String, String)],
    /// Whether there is a policy that can be used.
    pub usable: bool,
}

/// A span as people and programs count it: from 1, columns in characters, the end not included.
#[derive(Clone, Copy, Debug)]
pub struct Region<'a> {
    /// The file, as it was named.
    pub file: &'a str,
    /// The line of the first character.
    pub line: u32,
    /// Its column.
    pub column: u32,
    /// The line of the end.
    pub end_line: u32,
    /// The column after the last character.
    pub end_column: u32,
}

/// Where a span is.
pub fn region(span: Span, sources: &SourceMap) -> Region<'_> {
    let source = sources.get(span.source);
    let (start, end) = (source.position(span.start), source.position(span.end));
    Region {
        file: source.display(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}

/// The headline and the hints, for formats that have one text for each finding.
pub fn message(diagnostic: &Diagnostic) -> String {
    let mut message = diagnostic.message.clone();
    for hint in &diagnostic.hints {
        message.push_str("\nhelp: ");
        message.push_str(hint);
    }
    message
}
