//! `execpolicy run -- CMD…`: decides, asks if it must, and confines.
//! Not here: what the policy says (`execpolicy_runtime`), and the sandbox (`contain.rs`).

use super::args::{Approval, Run};
use super::contain;
use super::decide::{Here, bytes};
use super::exit::Exit;
use super::output::{Colour, Style, paint, sanitize, stderr};
use super::policy::{self, From};
use super::report::refused::{Asked, Refused, RefusedReason};
use super::report::status::Status;
use execpolicy_profile::NetworkMode;
use execpolicy_runtime::{Answer, Artifact, Conclusion, Mode, Place};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, IsTerminal, Write};

/// Runs the command.
pub fn run(arguments: &Run, style: Style) -> Exit {
    contain::reported(arguments.watch.status_fd, style, |status| attempt(arguments, status, style))
}

fn attempt(arguments: &Run, status: &mut Status, style: Style) -> Result<Exit, Refused> {
    let named = arguments.sources.named();
    let from = From::named(arguments.sources.policy.as_deref(), &named);
    let compiled = policy::load(from, false, style);
    let compiled = compiled.ok_or(RefusedReason::UnusablePolicy)?;
    let policy = &compiled.policy.artifact();
    let library = contain::library().unwrap_or_default();
    let profiles = contain::profiles(policy, &library)?;
    let host = contain::host(&arguments.place)?;
    let argv = bytes(&arguments.command);
    let ruled = compiled.policy.decide_in(&argv, &Here::now().context(Mode::Strict));
    let shown = shown(&argv);
    if ruled.conclusion == Conclusion::Forbidden {
        return Err(forbidden(&ruled, &shown));
    }
    let (name, disputed) = match (&arguments.place.profile, &ruled.place) {
        (Some(named), _) => (named.as_str(), None),
        (None, Place::In { profile, .. }) => (place_name(profile), None),
        (None, Place::Disputed(one, other)) => (place_name(one), Some(place_name(other))),
        (None, Place::Unsaid) => (contain::usual(host.workspace()), None),
    };
    if matches!(from, From::Embedded) && arguments.place.profile.is_none() {
        stderr(&format!(
            "execpolicy: no policy here: the embedded rules decide, the profile `{name}` confines\n"
        ));
    }
    let unasked = unasked(&ruled, &shown, name, disputed);
    let asks = match (ruled.conclusion, arguments.approval) {
        (_, Approval::Granted) => false,
        (Conclusion::Prompt, _) | (Conclusion::Unmatched, Approval::AskUnmatched) => true,
        _ => disputed.is_some(),
    };
    if asks {
        let answer = match arguments.approval {
            Approval::Never => None,
            _ => ask(&ruled, &shown, name, disputed, style),
        };
        match answer {
            Some(true) => {}
            Some(false) => {
                let reason = Box::new(RefusedReason::Declined(shown));
                return Err(Refused { reason, ..unasked });
            }
            None => return Err(unasked),
        }
    }
    if name == UNCONFINED && arguments.place.profile.is_none() {
        return Err(contain::unconfined(&arguments.command, status));
    }
    let profile = contain::find(&profiles, name)?;
    subtracted(policy, profile.network.mode)?;
    Ok(contain::run(&profile, &host, &arguments.command, &arguments.watch, status, style))
}

/// The word for a command that no profile confines.
const UNCONFINED: &str = "unconfined";

fn place_name(profile: &Option<String>) -> &str {
    profile.as_deref().unwrap_or(UNCONFINED)
}

/// What a `network_rule` denies is taken from every profile of its policy; an artifact without profiles cannot have
/// taken it from the standard library's.
fn subtracted(policy: &Artifact<'_>, mode: NetworkMode) -> Result<(), Refused> {
    if policy.profiles().is_none() && mode != NetworkMode::Off && policy.networks().next().is_some() {
        return Err(RefusedReason::NetworkRuleWithoutProfiles.into());
    }
    Ok(())
}

/// A command as one types it.
fn shown(argv: &[Vec<u8>]) -> String {
    let words: Vec<String> = argv.iter().map(|word| sanitize(&String::from_utf8_lossy(word))).collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// What was asked about, and the part that decides.
fn asked(ruled: &Answer, shown: &str) -> Asked {
    Asked { command: shown.to_owned(), part: ruled.part.clone() }
}

fn forbidden(ruled: &Answer, shown: &str) -> Refused {
    Refused { rule: ruled.rule.clone().map(Box::new), ..RefusedReason::Forbidden(asked(ruled, shown)).into() }
}

fn unasked(ruled: &Answer, shown: &str, place: &str, disputed: Option<&str>) -> Refused {
    let reason = match (ruled.conclusion, disputed) {
        (Conclusion::Prompt, _) => RefusedReason::Prompt(asked(ruled, shown), ruled.opaque),
        (_, Some(other)) => RefusedReason::Placement {
            command: shown.to_owned(),
            profiles: [place.to_owned(), other.to_owned()],
        },
        _ => RefusedReason::Unmatched(asked(ruled, shown)),
    };
    Refused { rule: ruled.rule.clone().map(Box::new), ..reason.into() }
}

/// Asks on the terminal; `None` if there is none.
fn ask(ruled: &Answer, shown: &str, place: &str, disputed: Option<&str>, style: Style) -> Option<bool> {
    if !(std::io::stderr().is_terminal() || std::io::stdin().is_terminal()) {
        return None;
    }
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    let on = style.stderr;
    let refused = unasked(ruled, shown, place, disputed);
    let mut text = format!("execpolicy: {}\n", sanitize(&refused.reason.to_string()));
    if let Some(rule) = &ruled.rule {
        let at = sanitize(&format!("{}:{}", rule.file, rule.line));
        let why = rule.justification.as_ref().map_or_else(String::new, |why| format!(": {}", sanitize(why)));
        text.push_str(&format!("  {}{why}\n", paint(&at, Colour::Cyan, on)));
    }
    let how = if place == UNCONFINED { "unconfined".to_owned() } else { format!("confined by `{place}`") };
    text.push_str(&format!("Run it, {how}? [y/N] "));
    terminal.write_all(text.as_bytes()).ok()?;
    let mut answer = String::new();
    BufReader::new(terminal).read_line(&mut answer).ok()?;
    Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
