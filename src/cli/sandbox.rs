//! `execpolicy sandbox [--profile P] -- CMD…`: containment alone; `--print` shows what a profile becomes on this host.
//! Not here: decisions about commands (`run.rs`).

use super::args::{Print, Sandbox};
use super::contain;
use super::exit::Exit;
use super::output::sanitize;
use super::output::{Style, stdout};
use super::policy::{self, From};
use super::report::refused::Refused;
use super::report::status::Status;
use execpolicy_confine::lower::{Lowered, lower};
use execpolicy_confine::seccomp::{self, Arch};
use execpolicy_confine::{Helper, Sandbox as Prepared};
use std::fmt::Write;

/// Runs the command.
pub fn run(arguments: &Sandbox, style: Style) -> Exit {
    contain::reported(arguments.watch.status_fd, style, |status| attempt(arguments, status, style))
}

fn attempt(arguments: &Sandbox, status: &mut Status, style: Style) -> Result<Exit, Refused> {
    let from = From::named(arguments.policy.as_deref(), &arguments.sandbox);
    let compiled = policy::load(from, false, style);
    let policy = contain::opened(compiled.as_ref())?;
    let library = contain::library().unwrap_or_default();
    let profiles = contain::profiles(&policy, &library)?;
    let host = contain::host(&arguments.place)?;
    let name = arguments.place.profile.as_deref().or(policy.default_profile());
    let profile = contain::find(&profiles, name.unwrap_or(execpolicy_profile::DEFAULT))?;
    let Some(what) = arguments.print else {
        return Ok(contain::run(&profile, &host, &arguments.command, &arguments.watch, status, style));
    };
    let lowered = lower(&profile, &host)?;
    let text = match what {
        Print::Plan => plan(&lowered),
        Print::Landlock => landlock(&lowered)?,
        Print::Seccomp => filter(&lowered)?,
        Print::Mounts => mounts(&lowered)?,
        Print::Env => environment(&lowered),
    };
    stdout(&sanitize(&text));
    Ok(Exit::Good)
}

/// Every clause, the wall that carries it, how it holds, and its statement.
fn plan(lowered: &Lowered<'_>) -> String {
    let mut text = String::new();
    for line in &lowered.carried {
        let place = line.origin.map_or_else(String::new, |origin| format!("{}:{}", origin.file, origin.line));
        let _ = write!(text, "{:<8} {:<19} {:<40} {place}", line.wall, line.given.code(), line.clause);
        let _ = match &line.note {
            Some(note) => writeln!(text, "  {note}"),
            None => writeln!(text),
        };
    }
    text
}

fn prepared(lowered: &Lowered<'_>) -> Result<Prepared, Refused> {
    Ok(Helper::current().and_then(|helper| Prepared::prepare(&lowered.plan, helper))?)
}

/// The file view, parents first.
fn mounts(lowered: &Lowered<'_>) -> Result<String, Refused> {
    let mut text = String::new();
    for (path, kind) in prepared(lowered)?.places() {
        let _ = writeln!(text, "{kind:<9} {}", path.display().to_string().replace('\n', "\u{fffd}"));
    }
    for (place, target) in &lowered.plan.links {
        let _ = writeln!(text, "{:<9} {} -> {}", "link", place.display(), target.display());
    }
    for missing in &lowered.plan.missing {
        let word = format!("{:?}", missing.promise).to_ascii_lowercase();
        let _ = writeln!(text, "{:<9} {} (missing)", word, missing.path.display());
    }
    Ok(text)
}

/// What Landlock grants: everything else is denied by the second wall as well.
fn landlock(lowered: &Lowered<'_>) -> Result<String, Refused> {
    let mut text = String::new();
    for (path, kind) in prepared(lowered)?.places() {
        let rights = match kind {
            "read" => "read, list, execute",
            "write" | "private" => "read, list, execute, change",
            _ => continue,
        };
        let _ = writeln!(text, "{} {rights}", path.display());
    }
    text.push_str(
        "and abstract sockets and signals only within the sandbox, where the kernel has these scopes\n",
    );
    Ok(text)
}

/// The denied calls and the size of the program for this machine.
fn filter(lowered: &Lowered<'_>) -> Result<String, Refused> {
    let words: Vec<&str> = lowered.plan.syscalls.iter().map(String::as_str).collect();
    let mut text = String::new();
    for word in &words {
        let _ = writeln!(text, "deny {word}");
    }
    let arch = Arch::native().ok_or_else(|| Refused::host("no filter is known for this architecture"))?;
    let program =
        seccomp::build(arch, words.iter().copied()).map_err(|error| Refused::host(error.to_string()))?;
    let _ = writeln!(
        text,
        "unknown numbers and other architectures as well; {} instructions for {arch:?}",
        program.instructions().len()
    );
    Ok(text)
}

fn environment(lowered: &Lowered<'_>) -> String {
    let mut text = String::new();
    for (name, value) in &lowered.plan.environment {
        let _ = writeln!(text, "{}={}", name.to_string_lossy(), value.to_string_lossy());
    }
    text
}
