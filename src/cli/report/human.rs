//! In: findings. Out: text for people, with the source. The only file that names ariadne.

use super::found::Found;
use crate::output::{Colour, Style, count, paint, sanitize, stderr};
use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind, Source};
use execpolicy_compiler::diagnostic::{Diagnostic, Diagnostics, Severity};
use execpolicy_compiler::source::{SourceMap, Span};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Which findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Only errors, the first few: for a command that needs a policy and cannot have it.
    Errors,
    /// The first hundred.
    First,
    /// All.
    All,
}

impl Limit {
    const fn count(self) -> usize {
        match self {
            Self::Errors => 20,
            Self::First => 100,
            Self::All => usize::MAX,
        }
    }
}

/// Prints findings on standard error.
pub fn print(diagnostics: &Diagnostics, sources: &SourceMap, style: Style, limit: Limit) {
    let wanted = |d: &&Diagnostic| limit != Limit::Errors || d.severity == Severity::Error;
    let list: Vec<&Diagnostic> = diagnostics.as_slice().iter().filter(wanted).collect();
    let mut cache = Cache { sources, parsed: BTreeMap::new() };
    for diagnostic in list.iter().take(limit.count()) {
        stderr(&render(diagnostic, sources, &mut cache, style.stderr));
    }
    if let Some(more @ 1..) = list.len().checked_sub(limit.count()) {
        let how = if limit == Limit::First { " (--all prints them)" } else { "" };
        stderr(&format!("… and {more} more{how}\n"));
    }
}

/// The last lines: links that were followed, how much was checked, and how much was found.
pub fn summary(found: &Found<'_>, style: Style) -> String {
    let mut text = String::new();
    let summary = found.summary;
    for (file, target) in found.links {
        text.push_str(&format!("{file} is a symbolic link to {target}\n"));
    }
    let findings = match (summary.errors, summary.warnings) {
        (0, 0) => paint("no findings", Colour::Green, style.stdout),
        (0, warnings) => paint(&count(warnings, "warning"), Colour::Yellow, style.stdout),
        (errors, 0) => paint(&count(errors, "error"), Colour::Red, style.stdout),
        (errors, warnings) => {
            format!(
                "{}, {}",
                paint(&count(errors, "error"), Colour::Red, style.stdout),
                paint(&count(warnings, "warning"), Colour::Yellow, style.stdout)
            )
        }
    };
    let what = if found.usable {
        format!(
            "{}, {}, {}",
            count(summary.files, "file"),
            count(summary.rules, "rule"),
            count(summary.examples, "example")
        )
    } else {
        count(summary.files, "file")
    };
    text.push_str(&format!("checked {what}: {findings}\n"));
    text
}

/// Sources as ariadne wants them, each prepared once.
struct Cache<'a> {
    sources: &'a SourceMap,
    parsed: BTreeMap<usize, Source<String>>,
}

/// One file of a report: its number, by which the cache finds it.
type Excerpt = (usize, std::ops::Range<usize>);

impl ariadne::Cache<usize> for &mut Cache<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &usize) -> Result<&Source<String>, impl std::fmt::Debug> {
        let sources = self.sources;
        let source = sources.iter().find(|(known, _)| known.index() == *id).ok_or("no such source")?.1;
        Ok::<_, &str>(self.parsed.entry(*id).or_insert_with(|| Source::from(sanitize(source.text()))))
    }

    fn display<'a>(&self, id: &'a usize) -> Option<impl std::fmt::Display + 'a> {
        self.sources
            .iter()
            .find(|(known, _)| known.index() == *id)
            .map(|(_, source)| sanitize(source.display()))
    }
}

fn render(diagnostic: &Diagnostic, sources: &SourceMap, cache: &mut Cache<'_>, colour: bool) -> String {
    let Some(span) = diagnostic.span else { return without_source(diagnostic, colour) };
    let (kind, main) = match diagnostic.severity {
        Severity::Error => (ReportKind::Custom("error", Color::Red), Color::Red),
        Severity::Warning => (ReportKind::Custom("warning", Color::Yellow), Color::Yellow),
        Severity::Note | Severity::Off => (ReportKind::Custom("note", Color::Cyan), Color::Cyan),
    };
    let config = Config::default()
        .with_color(colour)
        .with_index_type(IndexType::Byte)
        .with_char_set(CharSet::Unicode)
        .with_tab_width(4);
    let place = |span: Span| -> Excerpt { (span.source.index(), span.range()) };
    let mut report = Report::build(kind, place(span))
        .with_config(config)
        .with_code(diagnostic.code)
        .with_message(sanitize(&diagnostic.message));
    let mut label = Label::new(place(one_line(span, sources))).with_color(main).with_priority(1);
    // Without a text there would be no underline either.
    let text = if diagnostic.label.is_empty() { "here" } else { &diagnostic.label };
    label = label.with_message(sanitize(text));
    // In the order of the text: ariadne begins a new excerpt for each step back.
    let mut further: Vec<_> = diagnostic.labels.iter().chain(&diagnostic.trace).collect();
    further.sort_by_key(|label| label.span);
    let (before, after): (Vec<_>, Vec<_>) = further.into_iter().partition(|label| label.span < span);
    let secondary = |label: &execpolicy_compiler::diagnostic::Label| {
        Label::new(place(one_line(label.span, sources)))
            .with_color(Color::Cyan)
            .with_message(sanitize(&label.message))
    };
    let labels = before.into_iter().map(secondary).chain([label]).chain(after.into_iter().map(secondary));
    report = report.with_labels(labels.collect::<Vec<_>>());
    for hint in &diagnostic.hints {
        report = report.with_help(sanitize(hint));
    }
    let mut text = Vec::new();
    match report.finish().write(cache, &mut text) {
        Ok(()) if colour => format!("{}\n", String::from_utf8_lossy(&text)),
        Ok(()) => format!("{}\n", plain(&String::from_utf8_lossy(&text))),
        Err(_) => without_source(diagnostic, colour),
    }
}

/// Text without colour: ariadne colours the severity whatever its configuration says. Nothing else
/// in the text begins with an escape character ([`sanitize`]).
fn plain(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

/// A place in a script and what is said about it.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The bytes; of several lines only the first is marked.
    pub range: std::ops::Range<usize>,
    /// What is said.
    pub message: String,
    /// How it looks.
    pub colour: Colour,
}

/// A script with marks. Marks outside of the text, or within a character, are left out.
pub fn marked(script: &str, name: &str, mut marks: Vec<Mark>, colour: bool) -> String {
    let text = sanitize(script);
    marks.retain(|mark| text.get(mark.range.clone()).is_some_and(|marked| !marked.is_empty()));
    // In the order of the text: ariadne begins a new excerpt for each step back.
    marks.sort_by_key(|mark| (mark.range.start, mark.range.end));
    let Some(first) = marks.first() else { return String::new() };
    let place = |range: &std::ops::Range<usize>| {
        let line = text.get(range.clone()).and_then(|marked| marked.find('\n'));
        (name.to_owned(), range.start..line.map_or(range.end, |length| range.start + length.max(1)))
    };
    let config = Config::default()
        .with_color(colour)
        .with_index_type(IndexType::Byte)
        .with_char_set(CharSet::Unicode)
        .with_tab_width(4);
    let labels = marks.iter().map(|mark| {
        let colour = match mark.colour {
            Colour::Red => Color::Red,
            Colour::Green => Color::Green,
            Colour::Yellow => Color::Yellow,
            Colour::Cyan | Colour::Bold => Color::Cyan,
        };
        Label::new(place(&mark.range)).with_color(colour).with_message(sanitize(&mark.message))
    });
    let report = Report::build(ReportKind::Custom("script", Color::Cyan), place(&first.range))
        .with_config(config)
        .with_labels(labels.collect::<Vec<_>>())
        .finish();
    let mut drawn = Vec::new();
    if report.write(ariadne::sources([(name.to_owned(), text.as_str())]), &mut drawn).is_err() {
        return String::new();
    }
    let drawn = String::from_utf8_lossy(&drawn);
    let drawn = if colour { drawn.into_owned() } else { plain(&drawn) };
    // The first line is ariadne's title; what stands above it says more.
    drawn.lines().skip(1).map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A span of many lines is shown by its first line: a call of forty lines is no place to look at.
fn one_line(span: Span, sources: &SourceMap) -> Span {
    match sources.text(span).find('\n') {
        Some(length) => Span { end: span.start + u32::try_from(length).unwrap_or(0), ..span },
        None => span,
    }
}

fn without_source(diagnostic: &Diagnostic, colour: bool) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => Colour::Red,
        Severity::Warning => Colour::Yellow,
        Severity::Note | Severity::Off => Colour::Cyan,
    };
    let head = paint(&format!("[{}] {}:", diagnostic.code, diagnostic.severity.as_str()), severity, colour);
    let mut text = format!("{head} {}\n", sanitize(&diagnostic.message));
    if let Some(file) = &diagnostic.file {
        let _ = writeln!(text, "   ╭─[ {} ]", sanitize(file));
    }
    for hint in &diagnostic.hints {
        let _ = writeln!(text, "   │ Help: {}", sanitize(hint));
    }
    text.push('\n');
    text
}
