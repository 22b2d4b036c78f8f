//! `check --format github`: in: findings. Out: one GitHub workflow command for each.

use super::found::{Found, message, region};
use execpolicy_compiler::diagnostic::Severity;
use std::fmt::Write;

/// The report.
pub fn report(found: &Found<'_>) -> String {
    let mut out = String::new();
    for diagnostic in found.diagnostics.as_slice() {
        let level = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note | Severity::Off => "notice",
        };
        let at = match (diagnostic.span, &diagnostic.file) {
            (Some(span), _) => {
                let at = region(span, found.sources);
                // A column range is only shown within one line.
                let end = match at.line == at.end_line {
                    true => format!(",endColumn={}", at.end_column),
                    false => String::new(),
                };
                let (file, line, column) = (property(at.file), at.line, at.column);
                format!("file={file},line={line},endLine={},col={column}{end},", at.end_line)
            }
            (None, Some(file)) => format!("file={},", property(file)),
            (None, None) => String::new(),
        };
        let _ = writeln!(out, "::{level} {at}title={}::{}", diagnostic.code, data(&message(diagnostic)));
    }
    out
}

/// Percent-encoding as actions/toolkit does it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// In a property, `:` and `,` are encoded as well.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
