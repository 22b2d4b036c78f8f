//! `check --format json`: in: findings. Out: one JSON object, as `docs/schemas/check-1.json` describes it.

use super::found::{Found, Region, Summary, region};
use crate::output::json_text;
use execpolicy_compiler::diagnostic::{Diagnostic, Label, Suggestion};
use execpolicy_compiler::source::{SourceMap, Span};
use serde::Serialize;

/// The version of the format. Members may be added within a version.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    summary: Summary,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link<'a>>,
    diagnostics: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Link<'a> {
    file: &'a str,
    target: &'a str,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Site<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<Site<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<Site<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    hints: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Edit<'a>>,
}

/// A region and what is to be seen there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Site<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

/// A change that removes the finding.
#[derive(Serialize)]
struct Edit<'a> {
    title: &'a str,
    place: Site<'a>,
    /// The same place in bytes, for programs that apply it.
    bytes: Bytes,
    replacement: &'a str,
}

#[derive(Serialize)]
struct Bytes {
    start: u32,
    end: u32,
}

fn site<'a>(span: Span, message: &'a str, sources: &'a SourceMap) -> Site<'a> {
    let Region { file, line, column, end_line, end_column } = region(span, sources);
    Site { file, line, column, end_line, end_column, message }
}

fn edit<'a>(suggestion: &'a Suggestion, sources: &'a SourceMap) -> Edit<'a> {
    let span = suggestion.span;
    Edit {
        title: &suggestion.title,
        place: site(span, "", sources),
        bytes: Bytes { start: span.start, end: span.end },
        replacement: &suggestion.replacement,
    }
}

fn finding<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Finding<'a> {
    let sites =
        |labels: &'a [Label]| labels.iter().map(|label| site(label.span, &label.message, sources)).collect();
    Finding {
        code: diagnostic.code.as_str(),
        severity: diagnostic.severity.as_str(),
        message: &diagnostic.message,
        file: diagnostic.file.as_deref(),
        place: diagnostic.span.map(|span| site(span, &diagnostic.label, sources)),
        labels: sites(&diagnostic.labels),
        trace: sites(&diagnostic.trace),
        hints: &diagnostic.hints,
        suggestions: diagnostic.suggestions.iter().map(|suggestion| edit(suggestion, sources)).collect(),
    }
}

/// The report.
pub fn report(found: &Found<'_>) -> String {
    let report = Report {
        version: VERSION,
        summary: found.summary,
        links: found.links.iter().map(|(file, target)| Link { file, target }).collect(),
        diagnostics: found.diagnostics.as_slice().iter().map(|d| finding(d, found.sources)).collect(),
    };
    json_text(&report, true)
}
