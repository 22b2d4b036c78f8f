//! In: a model and a question as a person types it. Out: the answer, and the statement that decides, as data.
//! Not here: printing.

use super::{By, Destination, Model, Path};
use crate::{Access, Clause, NetworkMode, Origin, PathAccess, Promise, Root, Variable};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A path on this host.
    Path(Path),
    /// A destination.
    Host(Destination),
    /// An environment variable.
    Variable(String),
}

/// The answer to a question about a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the question was understood to be about.
    pub question: Question,
    /// `deny`, `read`, `write`, `private`; `allow`, `deny`; `pass`, `absent`, `set`.
    pub outcome: &'static str,
    /// The statement that decides, as it would be written; empty if none does.
    pub statement: String,
    /// Where it stands.
    pub origin: Option<Origin>,
    /// For a restriction on a path: whether it is prevented or detected.
    pub promise: Promise,
    /// A value that is set, or why nothing decides.
    pub note: Option<String>,
}

impl Question {
    /// What a text is about. What exists in the workspace by this name is a path. Else it is guessed: with a `/` in it, or beginning with `~`, `.` or `$`, it is a path, relative to the workspace; with
    /// a `.` or `:` or all in lower case, a host (`:443` unless it names a port); a file with a capital letter and a `.`, a path; else a variable.
    /// `unix:PATH` is a socket, and `./x` always a path.
    #[must_use]
    pub fn guess(model: &Model<'_>, text: &str) -> Self {
        let path = |text: &str| {
            let roots = &model.roots;
            let (root, rest) = [Root::Workspace, Root::Home, Root::Tmpdir]
                .into_iter()
                .find_map(|root| {
                    let rest = text.strip_prefix(root.as_str())?;
                    (rest.is_empty() || rest.starts_with('/')).then_some((root, rest))
                })
                .unwrap_or(if text.starts_with('/') {
                    (Root::Absolute, text)
                } else {
                    (Root::Workspace, text)
                });
            let base = match root {
                Root::Absolute => "/",
                Root::Workspace => &roots.workspace,
                Root::Home => &roots.home,
                Root::Tmpdir => &roots.tmpdir,
            };
            Path::parse(base).join(rest)
        };
        if let Some(socket) = text.strip_prefix("unix:") {
            return Self::Host(Destination::Socket(path(socket)));
        }
        if text.parse::<core::net::IpAddr>().is_ok() {
            return Self::Host(Destination::new(text, 443));
        }
        if model.tree.kind(&path(text)).is_some() {
            return Self::Path(path(text));
        }
        let bracket = text.starts_with('[');
        if !bracket && (text.contains('/') || text.starts_with(['~', '.', '$'])) {
            return Self::Path(path(text));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if bracket == host.ends_with(']') => (host, port.parse().ok()),
            _ => (text, Some(443)),
        };
        let lower = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        match port {
            Some(_) if text.contains('.') && text.bytes().any(|b| b.is_ascii_uppercase()) => {
                Self::Path(path(text))
            }
            Some(port) if bracket || lower || text.contains(['.', ':']) => {
                Self::Host(Destination::new(host, port))
            }
            _ => Self::Variable(text.to_owned()),
        }
    }
}

/// Answers a question.
#[must_use]
pub fn explain(model: &Model<'_>, question: Question) -> Explanation {
    match &question {
        Question::Path(path) => {
            let answer = model.answer(path);
            let outcome = match answer.access {
                Access::Write if answer.own => PathAccess::Private.as_str(),
                access => access.as_str(),
            };
            let nothing = "no statement names this path or a directory above it".to_owned();
            Explanation {
                outcome,
                statement: answer.by.statement(),
                origin: answer.by.origin().cloned(),
                promise: answer.promise,
                note: (answer.by == By::Nothing).then_some(nothing),
                question,
            }
        }
        Question::Host(destination) => {
            let reach = model.connect(destination);
            let (statement, note) = match (reach.rule, destination) {
                (Some(rule), _) => (rule.to_string(), None),
                (None, Destination::Socket(path)) => (
                    model.answer(path).by.statement(),
                    Some("a socket in the file system is a file".to_owned()),
                ),
                (None, _) => match (&model.profile().network.origin, &model.profile().network.mode) {
                    (None, _) => {
                        (String::new(), Some("no statement is about the network, so it is off".to_owned()))
                    }
                    (_, mode) => {
                        let listed = *mode == NetworkMode::Listed;
                        let note = listed.then(|| "this destination is not in the list".to_owned());
                        (Clause::<&str>::Network(*mode).to_string(), note)
                    }
                },
            };
            Explanation {
                outcome: if reach.allowed { "allow" } else { "deny" },
                statement,
                origin: reach.origin.cloned(),
                promise: Promise::Prevent,
                note,
                question,
            }
        }
        Question::Variable(name) => {
            let (seen, rule) = model.env(name);
            let (outcome, note) = match seen {
                Variable::Passed => ("pass", None),
                Variable::Set(value) => ("set", Some(value.to_owned())),
                Variable::Absent if rule.is_none() => ("absent", Some("no statement passes it".to_owned())),
                Variable::Absent => ("absent", None),
            };
            Explanation {
                outcome,
                statement: rule.map_or_else(String::new, |rule| rule.to_string()),
                origin: rule.map(|rule| rule.origin.clone()),
                promise: Promise::Prevent,
                note,
                question,
            }
        }
    }
}
