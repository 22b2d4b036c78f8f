//! In: why a command was not run. Out: [`Refused`]: a code for programs, a sentence for people, and the exit status. Sentences are
//! made here and nowhere else.

use crate::output::{Colour, Style, paint, sanitize};
use execpolicy_compiler::diagnostic::text::{list, nearest};
use execpolicy_runtime::{Site, Unknown};
use std::fmt;

/// The status of a command that was not run. Shells say the same of what they may not execute.
const NOT_RUN: u8 = 126;
/// The status of a command that does not exist.
const NOT_FOUND: u8 = 127;

/// Why a command was not run. [`RefusedReason::code`] is for programs and does not change; `Display` is for people.
#[derive(Clone, Debug)]
pub enum RefusedReason {
    /// The policy cannot be read, or has errors.
    UnusablePolicy,
    /// The profiles of the standard library cannot be read.
    UnreadableProfiles(String),
    /// The policy has no profile of this name.
    UnknownProfile {
        /// The name.
        name: String,
        /// The profiles that there are.
        known: Vec<String>,
    },
    /// The policy denies destinations, and has no profiles to take them from.
    NetworkRuleWithoutProfiles,
    /// A rule forbids the command.
    Forbidden(Asked),
    /// A rule, or what cannot be known about the command, requires that somebody agrees.
    Prompt(Asked, Option<Unknown>),
    /// No rule is about the command, and somebody wants to be asked about such commands.
    Unmatched(Asked),
    /// The command belongs into one of two profiles, and neither is within the other.
    Placement {
        /// The command.
        command: String,
        /// The two.
        profiles: [String; 2],
    },
    /// Somebody was asked and said no.
    Declined(String),
    /// A clause of the profile cannot be enforced here.
    Clause {
        /// The clause, as it would be written.
        clause: String,
        /// Why.
        why: String,
        /// What to do.
        help: Option<String>,
    },
    /// A root of the profile cannot be used.
    Root {
        /// Which.
        root: String,
        /// Why.
        why: String,
        /// What to do.
        help: Option<String>,
    },
    /// The profile hides the directory that the command would start in.
    HiddenDirectory {
        /// The directory.
        directory: String,
        /// The error.
        error: String,
    },
    /// This host cannot do something that the profile needs.
    Host {
        /// What failed, in a sentence.
        what: String,
        /// What to do.
        help: Option<String>,
    },
    /// The program exists and cannot be executed.
    NotExecutable {
        /// The program.
        program: String,
        /// The error.
        error: String,
    },
    /// There is no such program.
    NotFound {
        /// The program.
        program: String,
        /// Whether it was looked for in a sandbox.
        confined: bool,
    },
}

/// The command that somebody asked about.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As one types it.
    pub command: String,
    /// The part of it that decides, if it is not the whole.
    pub part: Option<String>,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "`{part}` in `{}`", self.command),
            None => write!(f, "`{}`", self.command),
        }
    }
}

impl RefusedReason {
    /// A stable word for programs, in kebab case.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnusablePolicy
            | Self::UnreadableProfiles(_)
            | Self::UnknownProfile { .. }
            | Self::NetworkRuleWithoutProfiles => "policy",
            Self::Forbidden(_) => "forbidden",
            Self::Prompt(..) => "prompt",
            Self::Unmatched(_) => "unmatched",
            Self::Placement { .. } => "placement",
            Self::Declined(_) => "declined",
            Self::Clause { .. } | Self::Root { .. } | Self::HiddenDirectory { .. } => "profile",
            Self::Host { .. } | Self::NotExecutable { .. } => "host",
            Self::NotFound { .. } => "not-found",
        }
    }

    /// What cannot be known about the command, if that is why.
    pub const fn opaque(&self) -> Option<Unknown> {
        match self {
            Self::Prompt(_, why) => *why,
            _ => None,
        }
    }

    /// The exit status.
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::NotFound { .. } => NOT_FOUND,
            _ => NOT_RUN,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let agree = "run it in a terminal to be asked, or with `--approval granted` once somebody has agreed";
        match self {
            Self::UnknownProfile { name, known } => {
                Some(match nearest(name, known.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the profiles are {}", list(known)),
                })
            }
            Self::NetworkRuleWithoutProfiles => {
                Some("compile it with a sandbox file, or use a profile with `network off`".into())
            }
            Self::Forbidden(_) => {
                Some("`execpolicy explain` says which rules match; only the policy can allow it".into())
            }
            Self::Prompt(..) | Self::Unmatched(_) | Self::Placement { .. } => Some(agree.into()),
            Self::Clause { help, .. } | Self::Root { help, .. } | Self::Host { help, .. } => help.clone(),
            Self::HiddenDirectory { .. } => {
                Some("start in a directory that the profile reads, or name it in the profile".into())
            }
            Self::NotFound { confined: true, .. } => {
                Some("look at PATH, and at what the profile reads".into())
            }
            Self::UnusablePolicy
            | Self::UnreadableProfiles(_)
            | Self::Declined(_)
            | Self::NotExecutable { .. }
            | Self::NotFound { .. } => None,
        }
    }
}

impl fmt::Display for RefusedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnusablePolicy => f.write_str("the policy cannot be used"),
            Self::UnreadableProfiles(why) => write!(f, "the embedded profiles cannot be read: {why}"),
            Self::UnknownProfile { name, .. } => write!(f, "there is no profile `{name}`"),
            Self::NetworkRuleWithoutProfiles => {
                f.write_str("the policy has a `network_rule`, and no profiles to take it from")
            }
            Self::Forbidden(asked) => write!(f, "{asked} is forbidden"),
            Self::Prompt(asked, None) => write!(f, "{asked} needs approval"),
            Self::Prompt(asked, Some(why)) => {
                write!(f, "{asked} needs approval, because it {why}")
            }
            Self::Unmatched(asked) => write!(f, "no rule is about {asked}, so it needs approval"),
            Self::Placement { command, profiles: [one, other] } => {
                write!(
                    f,
                    "`{command}` may belong in `{one}` or in `{other}`, and neither is within the other"
                )
            }
            Self::Declined(command) => write!(f, "`{command}` was declined"),
            Self::Clause { clause, why, .. } => write!(f, "`{clause}` cannot be enforced here: {why}"),
            Self::Root { root, why, .. } => write!(f, "{root} cannot be used: {why}"),
            Self::HiddenDirectory { directory, error } => {
                write!(f, "the sandbox does not show the working directory `{directory}`: {error}")
            }
            Self::Host { what, .. } => f.write_str(what),
            Self::NotExecutable { program, error } => write!(f, "`{program}` cannot be executed: {error}"),
            Self::NotFound { program, confined: true } => {
                write!(f, "the sandbox shows no program `{program}`")
            }
            Self::NotFound { program, confined: false } => write!(f, "there is no program `{program}`"),
        }
    }
}

/// A command that was not run.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Why.
    pub reason: Box<RefusedReason>,
    /// The rule that says so.
    pub rule: Option<Box<Site>>,
    /// The statement of a profile that says so: file, line and column.
    pub statement: Option<String>,
}

impl From<RefusedReason> for Refused {
    fn from(reason: RefusedReason) -> Self {
        Self { reason: Box::new(reason), rule: None, statement: None }
    }
}

impl Refused {
    /// This host cannot do something, and nothing is known to do about it.
    pub fn host(what: impl Into<String>) -> Self {
        RefusedReason::Host { what: what.into(), help: None }.into()
    }

    /// What a person reads.
    pub fn text(&self, style: Style) -> String {
        let on = style.stderr;
        let mut text = format!(
            "execpolicy: {}: {}\n",
            paint("not run", Colour::Red, on),
            sanitize(&self.reason.to_string())
        );
        if let Some(rule) = &self.rule {
            let place = sanitize(&format!("{}:{}", rule.file, rule.line));
            text.push_str(&format!("   ╭─[ {} ]\n", paint(&place, Colour::Cyan, on)));
            if let Some(why) = &rule.justification {
                text.push_str(&format!("   │ {}\n", sanitize(why)));
            }
        }
        if let Some(statement) = &self.statement {
            text.push_str(&format!("   ╭─[ {} ]\n", paint(&sanitize(statement), Colour::Cyan, on)));
        }
        if let Some(help) = self.reason.help() {
            text.push_str(&format!("   │ Help: {}\n", sanitize(&help)));
        }
        text
    }
}
