//! `execpolicy doctor`: what this host enforces, by doing it: a sandbox is built for each profile.
//! Not here: versions of kernels, from which nothing is concluded.

use super::args::Doctor;
use super::contain;
use super::exit::Exit;
use super::output::sanitize;
use super::output::{Colour, Style, json_text, paint, stdout};
use super::policy::{self, From};
use super::report::doctor::{self, Tried};
use super::report::refused::Refused;
use execpolicy_confine::lower::{Host, Lowered, lower};
use execpolicy_confine::{Aspect, Enforcement, EnforcementStatus, Helper, Session};
use execpolicy_profile::{Phase, Platform, Profile};
use std::fmt::Write;

/// Runs the command.
pub fn run(arguments: &Doctor, style: Style) -> Exit {
    match attempt(arguments, style) {
        Ok(outcome) => outcome,
        Err(refused) => {
            let help = refused.reason.help().unwrap_or_default();
            stdout(&sanitize(&format!("{}\n{help}\n", refused.reason)));
            Exit::Findings
        }
    }
}

fn attempt(arguments: &Doctor, style: Style) -> Result<Exit, Refused> {
    let from = From::named(arguments.policy.as_deref(), &arguments.sandbox);
    let compiled = policy::load(from, false, style);
    let policy = contain::opened(compiled.as_ref())?;
    let library = contain::library().unwrap_or_default();
    let profiles = contain::profiles(&policy, &library)?;
    let host = contain::workspace(arguments.workspace.as_deref())?;
    let base = Helper::current().and_then(|helper| execpolicy_confine::detect(&helper));
    let wanted: Vec<Profile<&str>> = match &arguments.profile {
        Some(name) => vec![contain::find(&profiles, name)?],
        None => profiles.names().filter_map(|name| profiles.get(name, Phase::Run, Platform::Linux)).collect(),
    };
    let tried: Vec<Tried<'_>> = wanted
        .iter()
        .map(|profile| Tried { name: profile.name, result: attempt_one(profile, &host) })
        .collect();
    let good = base.is_ok() && tried.iter().all(|tried| tried.result.is_ok());
    let base = base.map_err(Refused::from);
    if arguments.json {
        stdout(&json_text(&doctor::report(&base, &tried), false));
    } else {
        stdout(&sanitize(&text(&base, &tried, style)));
    }
    Ok(if good { Exit::Good } else { Exit::Findings })
}

/// Builds a sandbox for a profile and ends it.
fn attempt_one<'a>(
    profile: &Profile<&'a str>,
    host: &Host,
) -> Result<(Lowered<'a>, EnforcementStatus), Refused> {
    let lowered = lower(profile, host)?;
    let session = Helper::current()
        .and_then(|helper| execpolicy_confine::Sandbox::prepare(&lowered.plan, helper))
        .and_then(|sandbox| Session::start(&sandbox))?;
    let status = session.status().clone();
    session.end()?;
    Ok((lowered, status))
}

fn text(base: &Result<EnforcementStatus, Refused>, tried: &[Tried<'_>], style: Style) -> String {
    let on = style.stdout;
    let mut text = String::new();
    match base {
        Ok(status) => {
            let _ = writeln!(text, "{}", paint("this host can build sandboxes", Colour::Bold, on));
            for clause in &status.clauses {
                if matches!(
                    clause.clause,
                    Aspect::Landlock | Aspect::Seccomp | Aspect::Files | Aspect::Network | Aspect::Privileges
                ) {
                    let _ = writeln!(
                        text,
                        "  {:<11} {:<10} {}",
                        clause.clause.code(),
                        clause.given.code(),
                        clause.by
                    );
                }
            }
        }
        Err(refused) => {
            let _ = writeln!(text, "{}", paint("this host cannot build sandboxes", Colour::Bold, on));
            problem(&mut text, refused, on);
        }
    }
    for tried in tried {
        match &tried.result {
            Ok((lowered, status)) => {
                let word = paint("enforced", Colour::Green, on);
                let _ = writeln!(text, "\n{}: {word}", paint(tried.name, Colour::Bold, on));
                for line in
                    lowered.carried.iter().filter(|line| worth_telling(line.given, line.note.as_deref()))
                {
                    let note = line.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
                    let _ = writeln!(text, "  {:<19} {}{note}", line.given.code(), line.clause);
                }
                if let Some(line) = protected(lowered) {
                    let _ = writeln!(text, "  {line}");
                }
                let whole =
                    lowered.carried.iter().filter(|line| line.given == Enforcement::Prevented).count();
                let _ = writeln!(
                    text,
                    "  {whole} of {} clauses are prevented, by {}",
                    lowered.carried.len(),
                    walls(status)
                );
            }
            Err(refused) => {
                let word = paint("refused", Colour::Red, on);
                let _ = writeln!(text, "\n{}: {word}", paint(tried.name, Colour::Bold, on));
                problem(&mut text, refused, on);
            }
        }
    }
    text
}

/// Protected names are many: how they hold, in one line.
fn protected(lowered: &Lowered<'_>) -> Option<String> {
    let names = lowered.carried.iter().filter(|line| line.clause.starts_with("protect "));
    let notes: Vec<&str> = names.filter_map(|line| line.note.as_deref()).collect();
    let count = |part: &str| notes.iter().filter(|note| note.contains(part)).count();
    (!notes.is_empty()).then(|| {
        format!(
            "{:<19} protect {} names: {} exist, {} have a placeholder; new ones are quarantined at the end",
            Enforcement::PreventedAtStart.code(),
            notes.len(),
            count(" exist"),
            count("placeholder")
        )
    })
}

/// Names that are not there are of no interest here.
fn worth_telling(given: Enforcement, note: Option<&str>) -> bool {
    match given {
        Enforcement::Prevented => false,
        Enforcement::PreventedAtStart => note.is_some_and(|note| !note.contains("quarantined")),
        _ => true,
    }
}

fn walls(status: &EnforcementStatus) -> String {
    let there =
        |aspect: &Aspect| status.clause(*aspect).is_some_and(|clause| clause.given == Enforcement::Prevented);
    let mut walls = vec!["mounts", "namespaces"];
    walls.extend([Aspect::Landlock, Aspect::Seccomp].into_iter().filter(there).map(Aspect::code));
    walls.join(", ")
}

fn problem(text: &mut String, refused: &Refused, on: bool) {
    let _ = writeln!(text, "  {}", refused.reason);
    if let Some(statement) = &refused.statement {
        let _ = writeln!(text, "  at {}", paint(statement, Colour::Cyan, on));
    }
    if let Some(help) = refused.reason.help() {
        let _ = writeln!(text, "  to change it: {help}");
    }
}
