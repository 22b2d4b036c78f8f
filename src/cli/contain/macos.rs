//! Confinement on macOS: in: a profile and this host. Out: the command, run under Seatbelt by `/usr/bin/sandbox-exec`.
//! Not here: the profile's text (`emit/seatbelt.rs`), and the words that start the program (`execpolicy_confine::seatbelt`).
//!
//! Compiled for tests everywhere: only the last step, starting the program, needs a Mac.

use super::refuse;
use crate::args::{Place, Watch};
use crate::exit::Exit;
use crate::output::{Style, stderr};
use crate::report::refused::{Refused, RefusedReason};
use crate::report::status::{Ended, Enforced, Event, How, Started, Status};
use crate::survey::survey;
use execpolicy_compiler::emit::seatbelt;
use execpolicy_compiler::lower::places;
use execpolicy_compiler::lower::targets::{Finding, Kept, Target, unmet};
use execpolicy_confine::seatbelt::{Private, command};
use execpolicy_profile::model::Roots;
use execpolicy_profile::{EnvAction, Platform, Profile, Variable};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// This host, before a profile is known.
pub struct Host {
    roots: Roots,
    workspace: PathBuf,
    cwd: PathBuf,
}

impl Host {
    /// What `$WORKSPACE` stands for.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }
}

/// This host, as the command line describes it: links in the roots are followed once, here.
pub fn host(place: &Place) -> Result<Host, Refused> {
    let cwd =
        std::env::current_dir().map_err(|error| Refused::host(format!("the working directory: {error}")))?;
    let workspace = real("$WORKSPACE", place.workspace.as_deref().unwrap_or(&cwd))?;
    let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("/var/empty"));
    let roots = Roots {
        workspace: text("$WORKSPACE", &workspace)?,
        home: text("~", &real("~", &home)?)?,
        tmpdir: text("$TMPDIR", &real("$TMPDIR", &std::env::temp_dir())?)?,
        ignore_case: true,
    };
    Ok(Host { roots, workspace, cwd })
}

fn real(what: &str, path: &Path) -> Result<PathBuf, Refused> {
    path.canonicalize().map_err(|error| {
        Refused::host(format!("{what} is `{}`, and that cannot be used: {error}", path.display()))
    })
}

fn text(what: &str, path: &Path) -> Result<String, Refused> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| Refused::host(format!("{what} is `{}`, which is not UTF-8", path.display())))
}

/// A command that is ready to be started.
struct Prepared {
    command: Command,
    /// Kept until the command has ended.
    _private: Option<Private>,
    /// The gaps that the profile accepts.
    accepted: Vec<String>,
}

/// Writes the profile for this host, and refuses what it would not hold.
fn prepare(profile: &Profile, host: &Host, argv: &[OsString]) -> Result<Prepared, Refused> {
    let surveyed = survey(profile, host.roots.clone()).map_err(Refused::host)?;
    let emitted = seatbelt::write(profile, &surveyed);
    let accepted = kept(profile, &surveyed, &emitted.gaps)?;
    let text = std::str::from_utf8(&emitted.bytes).map_err(|error| unwritable(error.to_string()))?;
    let private = match seatbelt::has_private(profile) {
        true => Some(Private::new(&std::env::temp_dir()).map_err(|error| {
            Refused::host(format!("a directory of the command's own cannot be made: {error}"))
        })?),
        false => None,
    };
    let path = private.as_ref().and_then(|private| private.path().to_str());
    let parameters = seatbelt::parameters(profile, &surveyed, path);
    let mut environment = environment(profile, std::env::vars_os());
    if let Some(private) = &private {
        environment.retain(|(name, _)| name != "TMPDIR");
        environment.push(("TMPDIR".into(), private.path().into()));
    }
    let command = command(text, &parameters, argv, &environment, &host.cwd)
        .map_err(|refused| unwritable(refused.to_string()))?;
    Ok(Prepared { command, _private: private, accepted })
}

/// The text of the profile is not what `sandbox-exec` takes.
fn unwritable(why: String) -> Refused {
    RefusedReason::Root { root: "the profile's text".to_owned(), why, help: None }.into()
}

/// The gaps that the profile accepts; or the first that it does not, and that would leave the command more than it says.
fn kept(profile: &Profile, host: &places::Host, gaps: &[Finding<'_>]) -> Result<Vec<String>, Refused> {
    let refused = |finding: &Finding<'_>, help: Option<String>| {
        let (clause, why) = (finding.statement.clone(), finding.instead.to_string());
        let statement = Some(format!("{}:{}", finding.origin.file, finding.origin.line));
        Refused { statement, ..RefusedReason::Clause { clause, why, help }.into() }
    };
    debug_assert!(gaps.iter().all(|gap| gap.target == Target::Seatbelt));
    if let Some((feature, _, finding)) = unmet(profile, host, Platform::Macos).first() {
        return Err(refused(finding, Some(format!("the profile has `require {}`", feature.as_str()))));
    }
    if let Some(weaker) = gaps.iter().find(|gap| gap.kept == Kept::Weaker && !gap.accepted) {
        let help = format!("`execpolicy explain {}` says what can be written instead", weaker.code);
        return Err(refused(weaker, Some(help)));
    }
    Ok(gaps.iter().filter(|gap| gap.accepted).map(|gap| gap.statement.clone()).collect())
}

/// What the command sees of the environment.
fn environment(
    profile: &Profile,
    all: impl Iterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let mut seen: Vec<(OsString, OsString)> =
        all.filter(|(name, _)| profile.variable(name.as_bytes()) == Variable::Passed).collect();
    for rule in &profile.env {
        if let EnvAction::Set(value) = &rule.action {
            seen.push((OsString::from(&*rule.pattern), OsString::from(&**value)));
        }
    }
    seen.sort();
    seen
}

/// Confines and runs a command, and ends as it does.
pub fn run(
    profile: &Profile,
    host: &Host,
    argv: &[OsString],
    _: &Watch,
    status: &mut Status,
    style: Style,
) -> Exit {
    let mut prepared = match prepare(profile, host, argv) {
        Ok(prepared) => prepared,
        Err(refused) => return refuse(&refused, status, style),
    };
    for statement in &prepared.accepted {
        stderr(&format!("execpolicy: `{}` does without: {statement} (accept gap)\n", profile.name));
    }
    let mut child = match prepared.command.spawn() {
        Ok(child) => child,
        Err(error) => {
            return refuse(
                &Refused::host(format!("`sandbox-exec` cannot be started: {error}")),
                status,
                style,
            );
        }
    };
    let accepted: Vec<&str> = prepared.accepted.iter().map(String::as_str).collect();
    let seatbelt = Enforced {
        clause: "seatbelt",
        asked: profile.name.to_string(),
        given: "prevented",
        by: "sandbox-exec".to_owned(),
    };
    let profile = Some(&*profile.name);
    status.tell(&Event::Started(Started { profile, accepted_gaps: accepted, enforcement: vec![seatbelt] }));
    let ended = match child.wait() {
        Ok(ended) => ended,
        Err(error) => {
            return refuse(
                &Refused::host(format!("the command cannot be waited for: {error}")),
                status,
                style,
            );
        }
    };
    let (how, number, shell) = match (ended.code(), ended.signal().unwrap_or(0)) {
        (Some(code), _) => (How::Code, code, code),
        (None, signal) => (How::Signal, signal, 128 + signal),
    };
    let (findings, hints) = (Vec::new(), Vec::new());
    status.tell(&Event::Ended(Ended { status: shell, how, number: Some(number), findings, hints }));
    Exit::Command(u8::try_from(shell).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use execpolicy_compiler::diagnostic::Diagnostics;
    use execpolicy_compiler::source::SourceMap;
    use execpolicy_profile::{Phase, Profiles};

    fn prepared(text: &str, argv: &[&str]) -> Result<Prepared, Refused> {
        let (mut sources, mut findings) = (SourceMap::new(), Diagnostics::new());
        let file = sources.add("own.sandbox", text);
        let profiles = execpolicy_compiler::sandbox::load(&mut sources, &[file], &mut findings);
        assert!(findings.ok().is_ok(), "{findings:?}");
        let bytes = profiles.encode().unwrap();
        let profiles = Profiles::from_bytes(&bytes).unwrap();
        let profile = profiles.get("own", Phase::Run, Platform::Macos).unwrap();
        let workspace = std::env::temp_dir().canonicalize().unwrap();
        let roots = Roots {
            workspace: workspace.to_str().unwrap().to_owned(),
            home: "/nowhere".to_owned(),
            tmpdir: "/private/var/folders/T".to_owned(),
            ignore_case: true,
        };
        let host = Host { roots, workspace: workspace.clone(), cwd: workspace };
        prepare(&profile, &host, &argv.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_command_is_started_under_its_profile() {
        let text = "profile own { read /, $WORKSPACE\n write $WORKSPACE/out\n env set CI = \"1\" }";
        let ready = prepared(text, &["ls", "-p"]).unwrap_or_else(|refused| panic!("{}", refused.reason));
        assert_eq!(ready.command.get_program(), "/usr/bin/sandbox-exec");
        let words: Vec<_> = ready.command.get_args().collect();
        assert_eq!(words[0], "-p");
        assert!(
            words[1]
                .to_str()
                .is_some_and(|text| text.starts_with("(version 1)") && text.contains("(deny default)"))
        );
        assert_eq!(words[words.len() - 3..], ["--", "ls", "-p"]);
        let environment: Vec<_> = ready.command.get_envs().collect();
        assert_eq!(environment, [("CI".as_ref(), Some("1".as_ref()))]);
    }

    #[test]
    fn what_seatbelt_cannot_hold_is_refused_unless_it_is_accepted() {
        let limited = "profile own { read /\n limit processes 4 }";
        let refused = prepared(limited, &["ls"]).err().unwrap();
        assert!(refused.reason.to_string().contains("limit processes 4"), "{}", refused.reason);
        assert_eq!(refused.statement.as_deref(), Some("own.sandbox:2"));
        let accepted = "profile own { read /\n limit processes 4\n accept gap limits }";
        let ready = prepared(accepted, &["ls"]).unwrap_or_else(|refused| panic!("{}", refused.reason));
        assert_eq!(ready.accepted.len(), 1);
    }

    #[test]
    fn no_command_is_no_command() {
        assert!(prepared("profile own { read / }", &[]).is_err());
    }
}
