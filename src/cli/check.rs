//! `execpolicy check [PATH…]`: reads, checks, reports.

use super::args::{CheckFiles, Format};
use super::output::{Colour, Style, count, paint, stdout};
use super::render::{self, Limit};
use super::{Outcome, json, policy};
use execpolicy_compiler::diagnostic::Severity;
use json::Summary;

/// Runs the command.
pub fn run(arguments: &CheckFiles, style: Style) -> Outcome {
    let checked = policy::check(&arguments.paths, arguments.codex.is_some());
    let (diagnostics, sources) = (&checked.diagnostics, &checked.sources);
    let said = checked.policy.as_ref().map(execpolicy_compiler::check::CheckedPolicy::policy);
    let summary = Summary {
        files: checked.files.as_ref().map_or(0, super::files::Sources::count),
        rules: said.map_or(0, |policy| policy.rules.len() + policy.placements.len()),
        examples: said.map_or(0, |policy| {
            let deciding = policy.rules.iter().map(|rule| rule.matches.len() + rule.not_matches.len());
            let placing = policy.placements.iter().map(|rule| rule.matches.len() + rule.not_matches.len());
            deciding.chain(placing).sum()
        }),
        errors: diagnostics.count(Severity::Error),
        warnings: diagnostics.count(Severity::Warning),
    };
    let links: Vec<(String, String)> = checked
        .files
        .iter()
        .flat_map(|files| files.disk.links())
        .map(|(file, target)| (file.to_owned(), target.display().to_string()))
        .collect();
    match arguments.format {
        Format::Human => {
            render::print(diagnostics, sources, style, if arguments.all { Limit::All } else { Limit::First });
            if !arguments.quiet {
                stdout(&human(summary, said.is_some(), &links, style));
            }
        }
        Format::Json => stdout(&json::check(diagnostics, sources, summary, &links)),
        Format::Sarif => stdout(&json::sarif(diagnostics, sources)),
        Format::Github => stdout(&json::github(diagnostics, sources)),
    }
    let strict = arguments.deny_warnings || checked.files.as_ref().is_some_and(|files| files.deny_warnings);
    if summary.errors > 0 || strict && summary.warnings > 0 { Outcome::Findings } else { Outcome::Good }
}

fn human(summary: Summary, usable: bool, links: &[(String, String)], style: Style) -> String {
    let mut text = String::new();
    for (file, target) in links {
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
    let what = if usable {
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
