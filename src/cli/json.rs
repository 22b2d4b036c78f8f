//! In: diagnostics and verdicts. Out: JSON, SARIF and GitHub workflow commands. The shapes of
//! everything that other programs read; serde derives live here.

use super::placement::{self, Placed};
use execpolicy_compiler::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use execpolicy_compiler::source::{SourceMap, Span};
use execpolicy_runtime::Verdict;
use serde::Serialize;

/// The version of the JSON of `check --format json`.
const CHECK_VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

fn place<'a>(span: Span, message: &'a str, sources: &'a SourceMap) -> Place<'a> {
    let source = sources.get(span.source);
    let (start, end) = (source.position(span.start), source.position(span.end));
    Place {
        file: source.display(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        message,
    }
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<Place<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<Place<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    hints: &'a [String],
}

fn finding<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Finding<'a> {
    let places = |labels: &'a [execpolicy_compiler::diagnostic::Label]| {
        labels.iter().map(|label| place(label.span, &label.message, sources)).collect()
    };
    Finding {
        code: diagnostic.code.as_str(),
        severity: diagnostic.severity.as_str(),
        message: &diagnostic.message,
        file: diagnostic.file.as_deref(),
        place: diagnostic.span.map(|span| place(span, &diagnostic.label, sources)),
        labels: places(&diagnostic.labels),
        trace: places(&diagnostic.trace),
        hints: &diagnostic.hints,
    }
}

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

/// `check --format json`.
pub fn check(
    diagnostics: &Diagnostics,
    sources: &SourceMap,
    summary: Summary,
    links: &[(String, String)],
) -> String {
    #[derive(Serialize)]
    struct Link<'a> {
        file: &'a str,
        target: &'a str,
    }
    #[derive(Serialize)]
    struct Check<'a> {
        version: u32,
        summary: Summary,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        links: Vec<Link<'a>>,
        diagnostics: Vec<Finding<'a>>,
    }
    let diagnostics = diagnostics.as_slice().iter().map(|d| finding(d, sources)).collect();
    let links = links.iter().map(|(file, target)| Link { file, target }).collect();
    text(&Check { version: CHECK_VERSION, summary, links, diagnostics }, true)
}

/// `check --format sarif`: SARIF 2.1.0 (OASIS, section 3), as GitHub code scanning reads it.
pub fn sarif(diagnostics: &Diagnostics, sources: &SourceMap) -> String {
    let location = |span: Span, message: &str| {
        let at = place(span, "", sources);
        let mut location = serde_json::json!({
            "physicalLocation": {
                "artifactLocation": { "uri": at.file },
                "region": { "startLine": at.line, "startColumn": at.column, "endLine": at.end_line, "endColumn": at.end_column },
            },
        });
        if !message.is_empty() {
            location["message"] = serde_json::json!({ "text": message });
        }
        location
    };
    let mut used: Vec<Code> = diagnostics.as_slice().iter().map(|d| d.code).collect();
    used.sort_unstable();
    used.dedup();
    let rules: Vec<_> = used
        .iter()
        .map(|code| serde_json::json!({ "id": code.as_str(), "shortDescription": { "text": code.title() }, "help": { "text": code.page(), "markdown": code.page() } }))
        .collect();
    let results: Vec<_> = diagnostics
        .as_slice()
        .iter()
        .map(|d| {
            let mut message = d.message.clone();
            for hint in &d.hints {
                message.push_str("\nhelp: ");
                message.push_str(hint);
            }
            let locations = match (d.span, &d.file) {
                (Some(span), _) => vec![location(span, &d.label)],
                (None, Some(file)) => vec![serde_json::json!({ "physicalLocation": { "artifactLocation": { "uri": file } } })],
                (None, None) => Vec::new(),
            };
            let related: Vec<_> = d.labels.iter().map(|label| location(label.span, &label.message)).collect();
            serde_json::json!({
                "ruleId": d.code.as_str(),
                "level": match d.severity { Severity::Error => "error", Severity::Warning => "warning", Severity::Note | Severity::Off => "note" },
                "message": { "text": message },
                "locations": locations,
                "relatedLocations": related,
            })
        })
        .collect();
    text(
        &serde_json::json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": { "name": "execpolicy", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        }),
        true,
    )
}

/// `check --format github`: one workflow command for each finding.
pub fn github(diagnostics: &Diagnostics, sources: &SourceMap) -> String {
    // Percent-encoding as actions/toolkit does it; properties also hide `:` and `,`.
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for d in diagnostics.as_slice() {
        let level = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note | Severity::Off => "notice",
        };
        let at = match (d.span.map(|span| place(span, "", sources)), &d.file) {
            (Some(at), _) => {
                let end = if at.line == at.end_line {
                    format!(",endColumn={}", at.end_column)
                } else {
                    String::new()
                };
                format!(
                    "file={},line={},endLine={},col={}{end},",
                    property(at.file),
                    at.line,
                    at.end_line,
                    at.column
                )
            }
            (None, Some(file)) => format!("file={},", property(file)),
            (None, None) => String::new(),
        };
        let mut message = d.message.clone();
        for hint in &d.hints {
            message.push_str("\nhelp: ");
            message.push_str(hint);
        }
        out.push_str(&format!("::{level} {at}title={}::{}\n", d.code, data(&message)));
    }
    out
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided<'a> {
    matched_rules: Vec<Matched<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<Placed<'a>>,
}

/// One rule that matched, in the shape of Codex.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Matched<'a> {
    /// What Codex says about it.
    pub prefix_rule_match: PrefixRuleMatch<'a>,
    /// In a segment whose words are not all known: `could` if some command that it can be begins so,
    /// `if-file` if that needs a file of the right name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certainty: Option<&'static str>,
}

/// What Codex says about a rule that matched.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixRuleMatch<'a> {
    /// The rule's program and the command's own words.
    pub matched_prefix: Vec<String>,
    /// What the rule says.
    pub decision: &'static str,
    /// The command's first word, if it is another spelling of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_program: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<&'a str>,
    /// Where the rule is written, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RulePlace<'a>>,
}

/// Where a rule is written.
#[derive(Serialize)]
pub struct RulePlace<'a> {
    /// The file, relative to the policy root.
    pub file: &'a str,
    /// The line it begins in, from 1.
    pub line: u32,
}

/// How a verdict is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form {
    /// Indented.
    pub pretty: bool,
    /// With the file and line of each rule, and where the command runs.
    pub details: bool,
}

/// The verdict of a plain command, in the shape of `codex execpolicy check`.
pub fn verdict(verdict: &Verdict<'_>, argv: &[Vec<u8>], form: Form) -> String {
    let lossy = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let matched_rules = verdict.matches().map(|found| {
        // Codex reports the path it looked up, the strict mode the word as it was given.
        let resolved = verdict.resolved_program.or(argv.first().map(Vec::as_slice));
        let prefix_rule_match = PrefixRuleMatch {
            matched_prefix: found.matched_prefix(argv).map(lossy).collect(),
            decision: found.decision.as_str(),
            resolved_program: resolved.filter(|_| found.resolved).map(lossy),
            justification: found.justification,
            rule: form.details.then_some(RulePlace { file: found.source, line: found.line }),
        };
        Matched { prefix_rule_match, certainty: None }
    });
    let decided = Decided {
        matched_rules: matched_rules.collect(),
        decision: verdict.conclusion.decision().map(|decision| decision.as_str()),
        placement: if form.details { placement::json(verdict.placement()) } else { None },
    };
    text(&decided, form.pretty)
}

/// One line, or indented.
pub fn text(value: &impl Serialize, pretty: bool) -> String {
    let written = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    // These types hold nothing that JSON cannot say (no maps with other keys than strings).
    written.map_or_else(|error| format!("{{\"error\":{:?}}}\n", error.to_string()), |text| text + "\n")
}
