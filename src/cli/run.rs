//! `execpolicy run -- CMD…`: decides, asks if it must, and confines.
//! Not here: the sandbox (`contain.rs`).

use super::Outcome;
use super::args::{Approval, Run};
use super::contain::{self, Refused, Rule};
use super::decide::{Here, bytes};
use super::output::{Colour, Style, paint, stderr};
use super::policy::{self, From};
use super::render::harmless;
use super::status::Status;
use execpolicy_runtime::profile::NetworkMode;
use execpolicy_runtime::{Decision, Mode, Policy, RuleMatch, Verdict};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, IsTerminal, Write};

/// Runs the command.
pub fn run(arguments: &Run, style: Style) -> Outcome {
    let mut status = match Status::open(arguments.watch.status_fd) {
        Ok(status) => status,
        Err(fault) => {
            stderr(&format!("execpolicy: {fault}\n"));
            return Outcome::Usage;
        }
    };
    match attempt(arguments, &mut status, style) {
        Ok(outcome) => outcome,
        Err(refused) => refused.tell(&mut status, style),
    }
}

fn attempt(arguments: &Run, status: &mut Status, style: Style) -> Result<Outcome, Refused> {
    let named = contain::named(&arguments.rules, &arguments.sandbox);
    let from = contain::source(arguments.policy.as_deref(), &named);
    let compiled = policy::load(from, false, style);
    let policy = contain::opened(compiled.as_ref())?;
    let library = contain::library().unwrap_or_default();
    let profiles = contain::profiles(&policy, &library)?;
    let host = contain::host(&arguments.place)?;
    let argv = bytes(&arguments.command);
    let here = Here::now();
    let mut scratch = policy.scratch();
    let verdict = policy.decide(&argv, &here.context(Mode::Strict), &mut scratch);
    let name = match (&arguments.place.profile, policy.default_profile()) {
        (Some(named), _) => named.as_str(),
        (None, Some(default)) => default,
        (None, None) => contain::usual(host.workspace()),
    };
    let profile = contain::find(&profiles, name)?;
    if matches!(from, From::Embedded) && arguments.place.profile.is_none() {
        stderr(&format!(
            "execpolicy: no policy here: the embedded rules decide, the profile `{name}` confines\n"
        ));
    }
    subtracted(&policy, profile.network.mode)?;
    let shown = shown(&argv);
    match (verdict.decision, arguments.approval) {
        (Some(Decision::Forbidden), _) => return Err(forbidden(&verdict, &shown)),
        (Some(Decision::Allow), _) | (Some(Decision::Prompt), Approval::Granted) => {}
        (None, Approval::Ask | Approval::Never | Approval::Granted) => {}
        (Some(Decision::Prompt), Approval::Never) => return Err(unasked(&verdict, &shown)),
        (Some(Decision::Prompt), _) | (None, Approval::AskUnmatched) => {
            match ask(&verdict, &shown, name, style) {
                Some(true) => {}
                Some(false) => {
                    let mut refused = unasked(&verdict, &shown);
                    refused.message = format!("`{shown}` was declined");
                    refused.help = None;
                    return Err(refused);
                }
                None => return Err(unasked(&verdict, &shown)),
            }
        }
    }
    Ok(contain::run(&profile, &host, &arguments.command, &arguments.watch, status, style))
}

/// What a `network_rule` denies is taken from every profile of its policy; an artifact without profiles cannot have
/// taken it from the standard library's.
fn subtracted(policy: &Policy<'_>, mode: NetworkMode) -> Result<(), Refused> {
    if policy.profiles().is_none() && mode != NetworkMode::Off && policy.networks().next().is_some() {
        return Err(Refused::new(
            "policy",
            "the policy has a `network_rule`, and no profiles to take it from",
            Some("compile it with a sandbox file, or use a profile with `network off`".into()),
        ));
    }
    Ok(())
}

/// A command as one types it.
fn shown(argv: &[Vec<u8>]) -> String {
    let words: Vec<String> = argv.iter().map(|word| harmless(&String::from_utf8_lossy(word))).collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// The rule that decided.
fn decider<'v>(verdict: &'v Verdict<'_>) -> Option<RuleMatch<'v>> {
    verdict.matches().find(|found| Some(found.decision) == verdict.decision)
}

fn rule(found: &RuleMatch<'_>) -> Rule {
    Rule {
        file: found.source.to_owned(),
        line: found.line,
        justification: found.justification.map(str::to_owned),
    }
}

fn forbidden(verdict: &Verdict<'_>, shown: &str) -> Refused {
    Refused {
        rule: decider(verdict).as_ref().map(rule),
        ..Refused::new(
            "forbidden",
            format!("`{shown}` is forbidden"),
            Some("`execpolicy explain` says which rules match; only the policy can allow it".into()),
        )
    }
}

fn unasked(verdict: &Verdict<'_>, shown: &str) -> Refused {
    let help = "run it in a terminal to be asked, or with `--approval granted` once somebody has agreed";
    let (reason, message) = match (verdict.decision, verdict.opaque) {
        (None, _) => ("unmatched", format!("no rule is about `{shown}`, and there is nobody to ask")),
        (_, Some(why)) if decider(verdict).is_none() => (
            "prompt",
            format!("`{shown}` {}, so somebody has to agree, and there is nobody to ask", why.reason()),
        ),
        _ => ("prompt", format!("somebody has to agree to `{shown}`, and there is nobody to ask")),
    };
    Refused { rule: decider(verdict).as_ref().map(rule), ..Refused::new(reason, message, Some(help.into())) }
}

/// Asks on the terminal; `None` if there is none.
fn ask(verdict: &Verdict<'_>, shown: &str, profile: &str, style: Style) -> Option<bool> {
    if !(std::io::stderr().is_terminal() || std::io::stdin().is_terminal()) {
        return None;
    }
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    let on = style.stderr;
    let mut text = format!("execpolicy: {}\n", paint(shown, Colour::Bold, on));
    if let Some(found) = decider(verdict) {
        let place = harmless(&format!("{}:{}", found.source, found.line));
        let why = found.justification.map_or_else(String::new, |why| format!(": {}", harmless(why)));
        text.push_str(&format!(
            "  {} at {}{why}\n",
            found.decision.as_str(),
            paint(&place, Colour::Cyan, on)
        ));
    } else if let Some(why) = verdict.opaque {
        text.push_str(&format!("  it {}\n", why.reason()));
    } else {
        text.push_str("  no rule is about it\n");
    }
    text.push_str(&format!("Run it, confined by `{profile}`? [y/N] "));
    terminal.write_all(text.as_bytes()).ok()?;
    let mut answer = String::new();
    BufReader::new(terminal).read_line(&mut answer).ok()?;
    Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
