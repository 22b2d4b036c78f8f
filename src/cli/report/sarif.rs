//! `check --format sarif`: in: findings. Out: SARIF 2.1.0 (OASIS), as code scanning services read it.
//!
//! Files below the working directory are relative to `SRCROOT`; all others are absolute URIs. A result has a fingerprint that
//! stays when lines are added or removed elsewhere.

use super::found::{Found, message, region};
use crate::output::json_text;
use execpolicy_compiler::diagnostic::{Code, Diagnostic, Severity, Suggestion};
use execpolicy_compiler::loader::STDLIB;
use execpolicy_compiler::source::{SourceMap, Span};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The name of the working directory in `uriBaseId`.
const ROOT: &str = "SRCROOT";
/// Of the fingerprint: the version counts what goes into it.
const FINGERPRINT: &str = "execpolicyFinding/v1";

/// The report.
pub fn report(found: &Found<'_>) -> String {
    let files = Files { root: std::env::current_dir().unwrap_or_default(), sources: found.sources };
    let mut used: Vec<Code> = found.diagnostics.as_slice().iter().map(|finding| finding.code).collect();
    used.sort_unstable();
    used.dedup();
    let mut fingerprints = Fingerprints::default();
    let results: Vec<Value> = found
        .diagnostics
        .as_slice()
        .iter()
        .map(|finding| result(finding, &used, &files, &mut fingerprints))
        .collect();
    let rules: Vec<Value> = used.into_iter().map(rule).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "execpolicy",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "originalUriBaseIds": { ROOT: { "uri": files.root_uri() } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    json_text(&log, true)
}

/// What a code means.
fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.title() },
        "helpUri": format!("{}/blob/main/docs/diagnostics/{code}.md", env!("CARGO_PKG_REPOSITORY")),
        "help": { "text": code.page(), "markdown": code.page() },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note | Severity::Off => "note",
    }
}

fn result(finding: &Diagnostic, used: &[Code], files: &Files<'_>, fingerprints: &mut Fingerprints) -> Value {
    let locations = match (finding.span, &finding.file) {
        (Some(span), _) => vec![files.location(span, &finding.label)],
        (None, Some(file)) => {
            vec![json!({ "physicalLocation": { "artifactLocation": files.artifact(file) } })]
        }
        (None, None) => Vec::new(),
    };
    let further = finding.labels.iter().chain(&finding.trace);
    let related: Vec<Value> = further.map(|label| files.location(label.span, &label.message)).collect();
    let mut result = json!({
        "ruleId": finding.code.as_str(),
        "ruleIndex": used.binary_search(&finding.code).unwrap_or_default(),
        "level": level(finding.severity),
        "message": { "text": message(finding) },
        "locations": locations,
        "relatedLocations": related,
        "partialFingerprints": { FINGERPRINT: fingerprints.of(finding, files) },
    });
    if !finding.suggestions.is_empty() {
        let fixes = finding.suggestions.iter().map(|suggestion| files.fix(suggestion));
        result["fixes"] = fixes.collect();
    }
    result
}

/// Names of files as URIs, and places in them.
struct Files<'a> {
    root: PathBuf,
    sources: &'a SourceMap,
}

impl Files<'_> {
    fn root_uri(&self) -> String {
        format!("{}/", file_uri(&self.root).trim_end_matches('/'))
    }

    /// An `artifactLocation`.
    fn artifact(&self, file: &str) -> Value {
        if let Some(name) = file.strip_prefix(STDLIB) {
            return json!({ "uri": format!("execpolicy-stdlib:/{}", encoded(name)) });
        }
        let whole = normal(&self.root.join(file));
        match whole.strip_prefix(&self.root) {
            Ok(below) => json!({ "uri": encoded(&below.to_string_lossy()), "uriBaseId": ROOT }),
            Err(_) => json!({ "uri": file_uri(&whole) }),
        }
    }

    fn region(&self, span: Span) -> Value {
        let at = region(span, self.sources);
        json!({ "startLine": at.line, "startColumn": at.column, "endLine": at.end_line, "endColumn": at.end_column })
    }

    fn location(&self, span: Span, message: &str) -> Value {
        let file = self.sources.get(span.source).display();
        let physical = json!({ "artifactLocation": self.artifact(file), "region": self.region(span) });
        if message.is_empty() {
            json!({ "physicalLocation": physical })
        } else {
            json!({ "physicalLocation": physical, "message": { "text": message } })
        }
    }

    fn fix(&self, suggestion: &Suggestion) -> Value {
        let file = self.sources.get(suggestion.span.source).display();
        json!({
            "description": { "text": suggestion.title },
            "artifactChanges": [{
                "artifactLocation": self.artifact(file),
                "replacements": [{
                    "deletedRegion": self.region(suggestion.span),
                    "insertedContent": { "text": suggestion.replacement },
                }],
            }],
        })
    }
}

/// An absolute path as a URI.
fn file_uri(path: &Path) -> String {
    format!("file://{}", encoded(&path.to_string_lossy()))
}

/// Without `.` and `..`, which URIs resolve differently from file systems.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}

/// A path as RFC 3986 writes it: every byte but the unreserved ones and `/` is percent-encoded. That also keeps a colon in the
/// first segment of a relative path from being read as a scheme.
fn encoded(path: &str) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte))
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Fingerprints of findings: the code, the file, the text of the line without its blanks, and how many of the same came before.
/// The number of the line is no part of it.
#[derive(Default)]
struct Fingerprints {
    seen: BTreeMap<(Code, String, String), u32>,
}

impl Fingerprints {
    fn of(&mut self, finding: &Diagnostic, files: &Files<'_>) -> String {
        let (file, line) = match finding.span {
            Some(span) => {
                let source = files.sources.get(span.source);
                let line = source.line(source.position(span.start).line);
                (source.display(), line.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            None => (finding.file.as_deref().unwrap_or_default(), String::new()),
        };
        let uri = files.artifact(file)["uri"].as_str().unwrap_or_default().to_owned();
        let count = self.seen.entry((finding.code, uri.clone(), line.clone())).or_default();
        let text = format!("{}\0{uri}\0{line}\0{count}", finding.code);
        *count += 1;
        blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
    }
}
