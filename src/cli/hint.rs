//! In: a command that ended badly, and the profile that confined it. Out: what the profile may have kept from it, and the
//! statement that would allow it. Not here: tracing; nothing is known but the command's words and how it ended.

use execpolicy_confine::ExitOutcome;
use execpolicy_confine::lower::{By, Host, Lowered};
use execpolicy_profile::{Access, LimitKind, NetworkMode, Profile, Root};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Lines that are told.
const MOST: usize = 4;
/// Words of a command that are looked at.
const WORDS: usize = 256;

/// Programs that are of no use without a network, and the sub-commands that need one (none listed: all do).
const NETWORKERS: [(&str, &[&str]); 14] = [
    ("apt", &[]),
    ("apt-get", &[]),
    ("bun", &["add", "install"]),
    ("cargo", &["add", "fetch", "install", "publish", "search", "update"]),
    ("curl", &[]),
    ("git", &["clone", "fetch", "ls-remote", "pull", "push"]),
    ("go", &["get", "install"]),
    ("npm", &["add", "ci", "i", "install", "publish", "update", "view"]),
    ("pip", &["download", "install"]),
    ("pip3", &["download", "install"]),
    ("pnpm", &["add", "i", "install"]),
    ("ssh", &[]),
    ("wget", &[]),
    ("yarn", &["add", "install"]),
];

/// A clause that may have been in a command's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What speaks for it.
    pub evidence: Evidence,
    /// The path that it is about.
    pub path: Option<PathBuf>,
    /// The clause, as it is written.
    pub clause: Option<String>,
    /// Where it is written: file and line.
    pub place: Option<String>,
    /// The statement that would open it.
    pub suggestion: Option<String>,
}

/// What speaks for a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A word of the command is a path that the profile denies.
    Denied,
    /// A word of the command is a path that the profile lets be read only.
    NotWritable,
    /// The command ended as a limit ends commands.
    Limit,
    /// The signal of a system call that the filter does not know.
    SystemCall,
    /// The program is of no use without a network, or a word is an address.
    Network,
}

impl Evidence {
    /// A stable word for programs, in kebab case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NotWritable => "not-writable",
            Self::Limit => "limit",
            Self::SystemCall => "system-call",
            Self::Network => "network",
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().unwrap_or(Path::new("")).display();
        match self.evidence {
            Evidence::Denied => write!(f, "{path} is denied: ")?,
            Evidence::NotWritable => write!(f, "{path} can be read, not written: ")?,
            Evidence::Limit => {}
            Evidence::SystemCall => {
                f.write_str("it made a 32-bit system call, and no profile allows these")?
            }
            Evidence::Network => f.write_str("there is no network: ")?,
        }
        match (&self.clause, &self.place) {
            (Some(clause), Some(place)) => write!(f, "{clause} ({place})")?,
            (Some(clause), None) => f.write_str(clause)?,
            (None, _) if self.path.is_some() => f.write_str("no statement names it")?,
            (None, _) => {}
        }
        match (&self.suggestion, self.evidence) {
            (Some(statement), Evidence::Denied) => write!(f, "; `{statement}` would show it"),
            (Some(statement), _) => write!(f, "; `{statement}` would open it"),
            (None, _) => Ok(()),
        }
    }
}

/// How a command ended, in words.
pub fn how(outcome: ExitOutcome) -> String {
    match outcome {
        ExitOutcome::Code(code) => format!("the command exited with status {code}"),
        ExitOutcome::Signal(signal) => format!("signal {signal} ended the command"),
        ExitOutcome::TimedOut => "the command reached its time limit".to_owned(),
    }
}

/// What may have been in its way. Empty if it ended well, or if nothing is known.
pub fn hints(
    profile: &Profile<&str>,
    lowered: &Lowered<'_>,
    host: &Host,
    command: &[OsString],
    outcome: ExitOutcome,
) -> Vec<Hint> {
    let mut hints = Vec::new();
    match outcome {
        ExitOutcome::Code(0) => return hints,
        ExitOutcome::Code(_) => {}
        // SIGKILL and SIGXCPU, SIGXFSZ: see setrlimit(2).
        ExitOutcome::Signal(9 | 24) => hints.extend(limited(profile, LimitKind::CpuTime)),
        ExitOutcome::Signal(25) => hints.extend(limited(profile, LimitKind::FileSize)),
        // SIGSYS: the filter ends what calls by another architecture's interface.
        ExitOutcome::Signal(31) => hints.push(Hint {
            evidence: Evidence::SystemCall,
            path: None,
            clause: None,
            place: None,
            suggestion: None,
        }),
        ExitOutcome::Signal(_) => {}
        ExitOutcome::TimedOut => hints.extend(limited(profile, LimitKind::WallTime)),
    }
    hints.extend(paths(lowered, host, command));
    hints.extend(network(profile, command));
    hints.truncate(MOST);
    hints
}

fn limited(profile: &Profile<&str>, kind: LimitKind) -> Option<Hint> {
    let limit = profile.limits.iter().find(|limit| limit.kind == kind)?;
    Some(Hint {
        evidence: Evidence::Limit,
        path: None,
        clause: Some(format!("limit {}", kind.as_str())),
        place: Some(place(limit.origin)),
        suggestion: None,
    })
}

fn place(origin: impl std::fmt::Display) -> String {
    // The column says nothing to a person who looks for the line.
    let text = origin.to_string();
    text.rsplit_once(':').map_or(text.clone(), |(front, _)| front.to_owned())
}

/// Paths among the words that are denied, and those that could not be written.
fn paths(lowered: &Lowered<'_>, host: &Host, command: &[OsString]) -> Vec<Hint> {
    let (mut denied, mut unwritable) = (Vec::new(), Vec::new());
    for word in command.iter().skip(1).take(WORDS) {
        let Some(path) = path(word, host.cwd()) else { continue };
        let answer = lowered.view.answer(&path);
        let origin = answer.by.origin();
        let clause = origin.is_some().then(|| answer.by.to_string());
        let suggestion = |verb: &str| match answer.by {
            // A wildcard and a protected name hold whatever more specific paths say.
            By::Glob(_) | By::Protect(_) => format!("unset {}", answer.by),
            // What is not there can only be made where its directory may be written.
            By::Path(_) | By::Nothing => {
                let parent = path.parent().filter(|_| verb == "write" && path.symlink_metadata().is_err());
                format!("{verb} {}", written(parent.unwrap_or(&path), host))
            }
        };
        let hint = |evidence: Evidence, verb: &str| Hint {
            evidence,
            path: Some(path.clone()),
            clause: clause.clone(),
            place: origin.map(place),
            suggestion: Some(suggestion(verb)),
        };
        match answer.access {
            Access::Deny => denied.push(hint(Evidence::Denied, "read")),
            Access::Read => unwritable.push(hint(Evidence::NotWritable, "write")),
            Access::Write => {}
        }
    }
    denied.extend(unwritable);
    denied.dedup();
    denied
}

/// A word as a path, if it looks like one: it has a slash, or names something that is there.
fn path(word: &OsStr, cwd: &Path) -> Option<PathBuf> {
    let bytes = word.as_bytes();
    if bytes.starts_with(b"-") || bytes.windows(3).any(|part| part == b"://") || bytes.contains(&b'\n') {
        return None;
    }
    let path = Path::new(word);
    let whole = normal(&cwd.join(path));
    (bytes.contains(&b'/') && bytes.len() > 1 || whole.symlink_metadata().is_ok()).then_some(whole)
}

/// Without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}

/// A path as a profile would name it.
fn written(path: &Path, host: &Host) -> String {
    for root in [Root::Workspace, Root::Home] {
        if let Some(rest) = host.root(root).and_then(|at| path.strip_prefix(at).ok()) {
            let rest = rest.display().to_string();
            return if rest.is_empty() {
                root.as_str().to_owned()
            } else {
                format!("{}/{rest}", root.as_str())
            };
        }
    }
    path.display().to_string()
}

fn network(profile: &Profile<&str>, command: &[OsString]) -> Option<Hint> {
    if profile.network.mode == NetworkMode::Full {
        return None;
    }
    let words: Vec<String> =
        command.iter().take(WORDS).map(|word| word.to_string_lossy().into_owned()).collect();
    let program = Path::new(words.first()?).file_name()?.to_string_lossy().into_owned();
    let address = words.iter().skip(1).any(|word| word.contains("://") && !word.starts_with("file://"));
    let needs = NETWORKERS.iter().any(|(name, subcommands)| {
        *name == program
            && (subcommands.is_empty()
                || words.iter().skip(1).any(|word| subcommands.contains(&word.as_str())))
    });
    let origin = profile.network.origin.unwrap_or(profile.origin);
    (address || needs).then(|| Hint {
        evidence: Evidence::Network,
        path: None,
        clause: Some(format!("network {}", profile.network.mode.as_str())),
        place: Some(place(origin)),
        suggestion: None,
    })
}
