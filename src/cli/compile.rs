//! `execpolicy compile` and `execpolicy dump`: writes an artifact, checks that one is not stale, shows one.

use super::args::Compile;
use super::output::{Style, count, stderr, stdout};
use super::render::{self, Limit};
use super::{Outcome, emit, files, policy};
use execpolicy_compiler::diagnostic::{Code, Diagnostic, Diagnostics};
use execpolicy_compiler::source::SourceMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Runs `compile`.
pub fn run(arguments: &Compile, style: Style) -> Outcome {
    let checked = policy::check(&arguments.paths, false);
    render::print(&checked.diagnostics, &checked.sources, style, Limit::First);
    let Some(policy) = &checked.policy else {
        stderr("execpolicy: the policy has errors, so nothing was written\n");
        return Outcome::Findings;
    };
    if let Some(outcome) = emit::run(&arguments.emit, policy.policy(), policy.sources(), style) {
        return outcome;
    }
    let built = match execpolicy_compiler::artifact::build(policy) {
        Ok(built) => built,
        Err(error) => return fail(policy::not_written(&error), style),
    };
    let shown = arguments.output.display().to_string();
    if arguments.check {
        return match std::fs::read(&arguments.output) {
            Ok(bytes) if bytes == built.bytes => {
                if !arguments.quiet {
                    stdout(&format!("{shown} is up to date\n"));
                }
                Outcome::Good
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
        .hint("nothing was changed; name another file with `-o FILE`");
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
        stdout(&format!(
            "wrote {shown}: {}, {profiles}{bytes} bytes from {source} bytes of source; {} and {} compared\n",
            count(rules, "rule"),
            count(checked.edges, "edge"),
            count(checked.examples, "example"),
        ));
    }
    Outcome::Good
}

fn stale(shown: String, why: &str, output: &Path) -> Diagnostic {
    Diagnostic::about_file(Code::EP0802, shown, why.to_owned())
        .hint(format!("run `execpolicy compile -o {}` and commit the file", output.display()))
}

fn fail(diagnostic: Diagnostic, style: Style) -> Outcome {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(diagnostic);
    render::print(&diagnostics, &SourceMap::new(), style, Limit::Errors);
    Outcome::Findings
}

/// Writes a file whole or not at all: a neighbour is written, flushed to disk and renamed over it.
/// A link is followed, so that it stays one.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let target = if path.is_symlink() { path.canonicalize()? } else { path.to_path_buf() };
    let directory = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(PathBuf::from("."), Path::to_path_buf);
    let name = target.file_name().ok_or_else(|| std::io::Error::other("it has no file name"))?;
    let mut neighbour = std::ffi::OsString::from(".");
    neighbour.push(name);
    neighbour.push(format!(".{}.new", std::process::id()));
    let neighbour = directory.join(neighbour);
    let written = File::create_new(&neighbour).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| std::fs::rename(&neighbour, &target));
    if placed.is_err() {
        // Nothing is left behind; that it cannot be removed would change nothing about the error.
        let _ = std::fs::remove_file(&neighbour);
        return placed;
    }
    File::open(&directory)?.sync_all()
}

/// Runs `dump`.
pub fn dump(file: &Path, style: Style) -> Outcome {
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
            Outcome::Good
        }
        Err(error) => fail(policy::unusable(&error, shown), style),
    }
}
