//! `execpolicy check [PATH…]`: reads, checks, reports.

use super::args::CheckFiles;
use super::exit::Exit;
use super::output::Style;
use super::policy;
use super::report::{
    self,
    found::{Found, Summary},
    human::Limit,
};
use execpolicy_compiler::diagnostic::Severity;

/// Runs the command.
pub fn run(arguments: &CheckFiles, style: Style) -> Exit {
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
    let found = Found { diagnostics, sources, summary, links: &links, usable: said.is_some() };
    let limit = if arguments.all { Limit::All } else { Limit::First };
    report::write(&found, arguments.format, style, limit, arguments.quiet);
    let strict = arguments.deny_warnings || checked.files.as_ref().is_some_and(|files| files.deny_warnings);
    if summary.errors > 0 || strict && summary.warnings > 0 { Exit::Findings } else { Exit::Good }
}
