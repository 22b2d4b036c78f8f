//! `execpolicy compile` and `execpolicy dump`: writes an artifact, checks that one is not stale, shows one.

use super::args::Compile;
use super::exit::Exit;
use super::output::{Style, count, stderr, stdout};
use super::report::human::{self, Limit};
use super::write::{is_standard_output, write};
use super::{emit, files, policy};
use execpolicy_compiler::diagnostic::{Code, Diagnostic, Diagnostics};
use execpolicy_compiler::source::SourceMap;
use std::path::Path;

/// Runs `compile`.
pub fn run(arguments: &Compile, style: Style) -> Exit {
    let checked = policy::check(&arguments.paths, false);
    human::print(&checked.diagnostics, &checked.sources, style, Limit::First);
    let Some(policy) = &checked.policy else {
        stderr("execpolicy: the policy has errors, so nothing was written\n");
        return Exit::Findings;
    };
    if let Some(outcome) = emit::run(&arguments.emit, policy.policy(), policy.sources(), style) {
        return outcome;
    }
    let built = match execpolicy_compiler::artifact::build(policy) {
        Ok(built) => built,
        Err(error) => return fail(policy::not_written(&error), style),
    };
    let shown = arguments.output.display().to_string();
    let piped = is_standard_output(&arguments.output);
    if arguments.check && piped {
        stderr("execpolicy: `--check` compares a file; name one with `-o FILE`\n");
        return Exit::Usage;
    }
    if arguments.check {
        return match std::fs::read(&arguments.output) {
            Ok(bytes) if bytes == built.bytes => {
                if !arguments.quiet {
                    stdout(&format!("{shown} is up to date\n"));
                }
                Exit::Good
            }
            Ok(_) => {
                fail(stale(shown, "the file is not what these sources compile to", &arguments.output), style)
            }
            Err(error) => fail(
                stale(shown, &format!("the file cannot be read: {}", files::said(&error)), &arguments.output),
                style,
            ),
        };
    }
    if let Err(error) = write(&arguments.output, &built.bytes) {
        let fault = Diagnostic::about_file(
            Code::EP0804,
            shown,
            format!("the file cannot be written: {}", files::said(&error)),
        )
        .hint("nothing was changed; name another file with `-o FILE`, or `-o -` for standard output");
        return fail(fault, style);
    }
    if !arguments.quiet {
        let source: usize = policy.sources().iter().map(|(_, source)| source.text().len()).sum();
        let (policy, bytes) = (policy.policy(), built.bytes.len());
        let checked = &built.verified;
        let rules = policy.rules.len() + policy.placements.len();
        let profiles = match policy.profiles.names().count() {
            0 => String::new(),
            names => format!("{}, ", count(names, "profile")),
        };
        // What stands there already is the policy.
        let say = if piped { stderr } else { stdout };
        say(&format!(
            "wrote {shown}: {}, {profiles}{bytes} bytes from {source} bytes of source; {} and {} compared\n",
            count(rules, "rule"),
            count(checked.edges, "edge"),
            count(checked.examples, "example"),
        ));
    }
    Exit::Good
}

fn stale(shown: String, why: &str, output: &Path) -> Diagnostic {
    Diagnostic::about_file(Code::EP0802, shown, why.to_owned())
        .hint(format!("run `execpolicy compile -o {}` and commit the file", output.display()))
}

fn fail(diagnostic: Diagnostic, style: Style) -> Exit {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(diagnostic);
    human::print(&diagnostics, &SourceMap::new(), style, Limit::Errors);
    Exit::Findings
}

/// Runs `dump`.
pub fn dump(file: &Path, style: Style) -> Exit {
    let shown = file.display().to_string();
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            let fault = format!("the file cannot be read: {}", files::said(&error));
            return fail(Diagnostic::about_file(Code::EP0101, shown, fault), style);
        }
    };
    match execpolicy_compiler::dump::dump(&bytes) {
        Ok(text) => {
            stdout(&text);
            Exit::Good
        }
        Err(error) => fail(policy::unusable(&error, shown), style),
    }
}
