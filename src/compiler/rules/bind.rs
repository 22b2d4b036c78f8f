//! In: one [`Call`]. Out: the statement it makes in the [`Policy`], or every fault it has.
//! Not here: evaluation (`evaluate.rs`), and whether the rule makes sense (`check/`).
//!
//! The order of the checks is Codex's (decision, justification, pattern, examples; protocol before
//! host), so that the first fault reported is the one Codex would name.

use super::record::{Builtin, Call, Node, Place, Value};
use crate::diagnostic::text::{list, nearest};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::policy::{
    Decision, Example, HostExecutable, NetworkRule, Pattern, PatternToken, Policy, PrefixRule, Protocol,
    SandboxRule,
};
use crate::source::{SourceId, Span, Spanned};
use execpolicy_shell::names::{component, windows_path, without_suffix};

/// Turns calls into statements.
#[derive(Debug)]
pub struct Binder<'a> {
    /// The source of each module.
    pub sources: &'a [SourceId],
    /// Where statements go.
    pub policy: &'a mut Policy,
    /// Where faults go.
    pub diagnostics: &'a mut Diagnostics,
    /// As Codex does it: no paths of Windows.
    pub codex: bool,
}

/// The arguments of a call by parameter.
struct Bound<'c> {
    call: Span,
    values: Vec<Option<&'c Node>>,
    /// No argument is unknown, missing or given twice. If one is, the others are still looked at,
    /// but the call states nothing.
    whole: bool,
}

impl Binder<'_> {
    /// Takes one call in.
    pub fn bind(&mut self, call: &Call) {
        let at = self.span(call.place);
        let faults = self.diagnostics.as_slice().len();
        let bound = self.parameters(call, at);
        match call.builtin {
            Builtin::PrefixRule => self.prefix_rule(&bound),
            Builtin::HostExecutable => self.host_executable(&bound),
            Builtin::NetworkRule => self.network_rule(&bound),
            Builtin::SandboxRule => self.sandbox_rule(&bound),
        }
        let frames: Vec<_> = call
            .frames
            .iter()
            .filter_map(|frame| Some((self.span(frame.place?), format!("`{}` was called here", frame.name))))
            .collect();
        self.diagnostics.trace_from(faults, &frames);
    }

    fn span(&self, place: Place) -> Span {
        let source = self.sources[place.module as usize];
        Span::new(source, place.start as usize..place.end as usize)
    }

    /// The place of a value, or of the call if the value was computed elsewhere.
    fn at(&self, node: &Node, call: Span) -> Span {
        node.place.map_or(call, |place| self.span(place))
    }

    fn fault(&mut self, code: Code, at: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, at, message)
    }

    /// Puts the arguments in the order of the parameters.
    fn parameters<'c>(&mut self, call: &'c Call, at: Span) -> Bound<'c> {
        let (parameters, required) = call.builtin.parameters();
        let function = call.builtin.name();
        let mut values: Vec<Option<&Node>> = vec![None; parameters.len()];
        let mut good = true;
        // Required arguments that an unknown one was probably meant to be.
        let mut meant: Vec<&str> = Vec::new();
        for (position, argument) in call.arguments.iter().enumerate() {
            let span =
                argument.name_place.map_or_else(|| self.at(&argument.node, at), |place| self.span(place));
            let slot = match &argument.name {
                None if position < parameters.len() => position,
                None => {
                    let fault = self
                        .fault(
                            Code::EP0201,
                            span,
                            format!("`{function}` takes at most {} arguments", parameters.len()),
                        )
                        .hint(format!("its arguments are {}", list(parameters)));
                    self.diagnostics.error(fault);
                    good = false;
                    continue;
                }
                Some(name) => match parameters.iter().position(|known| known == name) {
                    Some(slot) => slot,
                    None => {
                        meant.extend(
                            nearest(name, parameters.iter().copied()).or(other_name(call.builtin, name)),
                        );
                        let fault = self
                            .fault(Code::EP0201, span, format!("`{function}` has no argument `{name}`"))
                            .label("unknown argument");
                        let other =
                            other_name(call.builtin, name).or(nearest(name, parameters.iter().copied()));
                        let fault = match other {
                            Some(known) => fault.hint(format!("write `{known}`")).instead(span, name, known),
                            None => fault.hint(format!("its arguments are {}", list(parameters))),
                        };
                        self.diagnostics.error(fault);
                        good = false;
                        continue;
                    }
                },
            };
            if let Some(first) = values[slot] {
                let first = self.at(first, at);
                let fault = self
                    .fault(Code::EP0204, span, format!("`{}` is given twice", parameters[slot]))
                    .label("a second time")
                    .also(first, "the first time");
                self.diagnostics.error(fault);
                good = false;
            } else {
                values[slot] = Some(&argument.node);
            }
        }
        for (slot, name) in parameters.iter().enumerate().take(required) {
            if values[slot].is_none() && !meant.contains(name) {
                let fault = self
                    .fault(Code::EP0202, at, format!("`{function}` needs the argument `{name}`"))
                    .label(format!("`{name}` is missing"))
                    .hint(format!("add `{}`", sample(call.builtin, name)));
                self.diagnostics.error(fault);
                good = false;
            }
        }
        Bound { call: at, values, whole: good }
    }

    fn prefix_rule(&mut self, bound: &Bound<'_>) {
        let [pattern, decision, matches, not_matches, justification] = bound.values[..] else { return };
        let decided = self.decision(decision, bound.call, &[]);
        let justified = self.justification(justification, bound.call);
        let pattern = pattern.and_then(|node| self.pattern(node, bound.call));
        let not_matches = self.examples(not_matches, "not_match", bound.call);
        let matches = self.examples(matches, "match", bound.call);
        // A rule with a fault is kept as well: its examples and words are still worth a look, and
        // nothing decides from a policy that has errors.
        if let Some(pattern) = pattern {
            let (decision, decision_span) = decided.unwrap_or((Decision::Prompt, None));
            self.policy.rules.push(PrefixRule {
                span: bound.call,
                pattern,
                decision,
                decision_span,
                justification: justified.flatten(),
                matches,
                not_matches,
                hosts_known: 0,
            });
        }
    }

    fn sandbox_rule(&mut self, bound: &Bound<'_>) {
        let [pattern, profile, matches, not_matches] = bound.values[..] else { return };
        let pattern = pattern.and_then(|node| self.pattern(node, bound.call));
        let profile = profile.and_then(|node| self.string(node, bound.call, "profile"));
        let not_matches = self.examples(not_matches, "not_match", bound.call);
        let matches = self.examples(matches, "match", bound.call);
        if let (Some(pattern), Some(profile)) = (pattern, profile) {
            let profile = Spanned::new(profile.value.to_owned(), profile.span);
            let span = bound.call;
            self.policy.placements.push(SandboxRule { span, pattern, profile, matches, not_matches });
        }
    }

    fn wrong_type(&mut self, node: &Node, call: Span, what: &str, wanted: &str) -> Diagnostic {
        let at = self.at(node, call);
        self.fault(Code::EP0203, at, format!("`{what}` must be {wanted}, not {}", node.value.described()))
            .label(format!("this is {}", node.value.described()))
    }

    fn string<'c>(&mut self, node: &'c Node, call: Span, what: &str) -> Option<Spanned<&'c str>> {
        if let Value::Str(text) = &node.value {
            return Some(Spanned::new(text, self.at(node, call)));
        }
        let fault = self.wrong_type(node, call, what, "a string");
        let fault = match &node.value {
            Value::Other(name) if name == "NoneType" => fault.hint(format!("leave `{what}` out")),
            _ => fault,
        };
        self.diagnostics.error(fault);
        None
    }

    /// `Some(default)` if the argument is absent.
    fn decision(
        &mut self,
        node: Option<&Node>,
        call: Span,
        also: &[(&str, Decision)],
    ) -> Option<(Decision, Option<Span>)> {
        let Some(node) = node else { return Some((Decision::Allow, None)) };
        let word = self.string(node, call, "decision")?;
        let known = also.iter().find(|(name, _)| *name == word.value).map(|(_, decision)| *decision);
        if let Some(decision) = Decision::from_word(word.value).or(known) {
            return Some((decision, Some(word.span)));
        }
        let fault = self
            .fault(Code::EP0208, word.span, format!("invalid decision: {}", word.value))
            .label("not a decision");
        let fault = match decision_meant(word.value) {
            Some(meant) => fault.hint(format!("write `{meant}`")).instead(word.span, word.value, meant),
            None => fault.hint("write `allow`, `prompt` or `forbidden`"),
        };
        self.diagnostics.error(fault);
        None
    }

    /// `Some(None)` if the argument is absent.
    fn justification(&mut self, node: Option<&Node>, call: Span) -> Option<Option<Spanned<String>>> {
        let Some(node) = node else { return Some(None) };
        let text = self.string(node, call, "justification")?;
        if text.value.trim().is_empty() {
            let fault = self
                .fault(Code::EP0209, text.span, "justification cannot be empty")
                .label("blank")
                .hint("say why in a few words, or leave `justification` out");
            self.diagnostics.error(fault);
            return None;
        }
        Some(Some(Spanned::new(text.value.to_owned(), text.span)))
    }

    fn pattern(&mut self, node: &Node, call: Span) -> Option<Pattern> {
        let span = self.at(node, call);
        let items = match &node.value {
            Value::List(items) => items,
            Value::Str(text) => {
                let fault = self.wrong_type(node, call, "pattern", "a list of words");
                let words = shlex::split(text).unwrap_or_default();
                // Prose has many words or odd ones; a command line can be offered as a list.
                let fault = if !words.is_empty()
                    && words.len() <= 6
                    && words.iter().all(|word| {
                        !word.ends_with('.') && word.to_uppercase() != *word || word.starts_with('-')
                    }) {
                    let list = format!("[{}]", quoted(&words));
                    fault.hint(format!("write `pattern = {list}`")).instead_of_string(span, text, list)
                } else {
                    fault.hint("write the words of the command as a list, as in `pattern = [\"git\", \"push\"]`; prose belongs in `justification`")
                };
                self.diagnostics.error(fault);
                return None;
            }
            Value::Other(_) => {
                let fault = self
                    .wrong_type(node, call, "pattern", "a list of words")
                    .hint("write `pattern = [\"git\", \"push\"]`, with square brackets");
                self.diagnostics.error(fault);
                return None;
            }
        };
        if items.is_empty() {
            let fault = self
                .fault(Code::EP0205, span, "pattern cannot be empty")
                .label("no word to match")
                .hint("name at least the program, as in `pattern = [\"git\"]`");
            self.diagnostics.error(fault);
            return None;
        }
        let tokens: Vec<_> = items.iter().map(|item| self.token(item, call)).collect();
        Some(Pattern { span, tokens: tokens.into_iter().collect::<Option<_>>()? })
    }

    fn token(&mut self, node: &Node, call: Span) -> Option<PatternToken> {
        let span = self.at(node, call);
        match &node.value {
            Value::Str(text) => {
                Some(PatternToken { span, alternatives: vec![Spanned::new(text.clone(), span)] })
            }
            Value::List(items) if items.is_empty() => {
                let fault = self
                    .fault(Code::EP0206, span, "pattern alternatives cannot be empty")
                    .label("no alternative: this rule could never match")
                    .hint("list the words that are meant, or take the brackets away");
                self.diagnostics.error(fault);
                None
            }
            Value::List(items) => {
                let words: Vec<_> = items
                    .iter()
                    .map(|item| match &item.value {
                        Value::Str(text) => Some(Spanned::new(text.clone(), self.at(item, call))),
                        other => {
                            let at = self.at(item, call);
                            let fault = self
                                .fault(
                                    Code::EP0207,
                                    at,
                                    format!(
                                        "pattern alternative must be a string (got {})",
                                        other.type_name()
                                    ),
                                )
                                .maybe_hint(number_hint(other));
                            self.diagnostics.error(fault);
                            None
                        }
                    })
                    .collect();
                Some(PatternToken { span, alternatives: words.into_iter().collect::<Option<_>>()? })
            }
            other => {
                let fault = self
                    .fault(
                        Code::EP0207,
                        span,
                        format!(
                            "pattern element must be a string or list of strings (got {})",
                            other.type_name()
                        ),
                    )
                    .label(format!("this is {}", other.described()))
                    .maybe_hint(number_hint(other));
                self.diagnostics.error(fault);
                None
            }
        }
    }

    /// The examples that are commands; the others are reported.
    fn examples(&mut self, node: Option<&Node>, what: &str, call: Span) -> Vec<Example> {
        let Some(node) = node else { return Vec::new() };
        let Value::List(items) = &node.value else {
            let mut fault = self
                .wrong_type(node, call, what, "a list of commands")
                .hint(format!("put brackets around it: `{what} = [\"git push\"]`"));
            if let Value::Str(text) = &node.value {
                fault = fault.instead_of_string(self.at(node, call), text, format!("[{text:?}]"));
            }
            self.diagnostics.error(fault);
            return Vec::new();
        };
        items.iter().filter_map(|item| self.example(item, call)).collect()
    }

    fn example(&mut self, node: &Node, call: Span) -> Option<Example> {
        let span = self.at(node, call);
        let argv = match &node.value {
            Value::Str(text) => match shlex::split(text) {
                Some(argv) if argv.is_empty() => {
                    Err(("example cannot be an empty string", "write a command, as in `\"git push\"`"))
                }
                Some(argv) => Ok(argv),
                None => Err((
                    "example string has invalid shell syntax",
                    "close the quote, or write the example as a list of words",
                )),
            },
            Value::List(items) if items.is_empty() => {
                Err(("example cannot be an empty list", "write a command, as in `[\"git\", \"push\"]`"))
            }
            Value::List(items) => {
                let words: Option<Vec<String>> = items
                    .iter()
                    .map(|item| match &item.value {
                        Value::Str(text) => Some(text.clone()),
                        other => {
                            let at = self.at(item, call);
                            let fault = self.fault(
                                Code::EP0210,
                                at,
                                format!("example tokens must be strings (got {})", other.type_name()),
                            );
                            self.diagnostics.error(fault);
                            None
                        }
                    })
                    .collect();
                Ok(words?)
            }
            other => {
                let message =
                    format!("example must be a string or list of strings (got {})", other.type_name());
                let fault =
                    self.fault(Code::EP0210, span, message).hint("write a command, as in `\"git push\"`");
                self.diagnostics.error(fault);
                return None;
            }
        };
        match argv {
            Ok(argv) => Some(Example { span, argv }),
            Err((message, hint)) => {
                let fault = self.fault(Code::EP0210, span, message).hint(hint);
                self.diagnostics.error(fault);
                None
            }
        }
    }

    fn host_executable(&mut self, bound: &Bound<'_>) {
        let [name, paths] = bound.values[..] else { return };
        let named = name
            .and_then(|name| self.string(name, bound.call, "name"))
            .and_then(|name| self.host_name(&name));
        let Some(paths) = paths else { return };
        let Value::List(items) = &paths.value else {
            let fault = self
                .wrong_type(paths, bound.call, "paths", "a list of paths")
                .hint("write `paths = [\"/usr/bin/git\"]`");
            self.diagnostics.error(fault);
            return;
        };
        let mut listed: Vec<Spanned<String>> = Vec::new();
        let mut good = true;
        for item in items {
            let at = self.at(item, bound.call);
            match self.host_path(item, at, named.as_ref().map(|name| name.value.as_str())) {
                Some(path) if listed.iter().all(|known| known.value != path) => {
                    listed.push(Spanned::new(path, at))
                }
                Some(_) => {}
                None => good = false,
            }
        }
        if let (Some(name), true) = (named, good && bound.whole) {
            self.policy.hosts.push(HostExecutable { span: bound.call, name, paths: listed });
        }
    }

    fn host_name(&mut self, name: &Spanned<&str>) -> Option<Spanned<String>> {
        let problem = if name.value.is_empty() {
            Some("host_executable name cannot be empty".to_owned())
        } else if name.value.contains('/') || matches!(name.value, "." | "..") {
            Some(format!("host_executable name must be a bare executable name (got {})", name.value))
        } else {
            None
        };
        let Some(problem) = problem else { return Some(Spanned::new(name.value.to_owned(), name.span)) };
        let base = name.value.rsplit('/').find(|part| !matches!(*part, "" | "." | ".."));
        let fault = self.fault(Code::EP0211, name.span, problem).hint(base.map_or_else(
            || "write the program's name, as in `\"git\"`".to_owned(),
            |base| format!("write `\"{base}\"`, and the path in `paths`"),
        ));
        self.diagnostics.error(fault);
        None
    }

    fn host_path(&mut self, node: &Node, at: Span, name: Option<&str>) -> Option<String> {
        let fault = match &node.value {
            Value::Str(path) if !self.codex && windows_path(path.as_bytes()) => {
                let stem = without_suffix(component(path.as_bytes()));
                let normal = !path.split(['/', '\\']).skip(1).any(|part| matches!(part, "." | ".."));
                if normal && name.is_none_or(|name| name.as_bytes() == stem) {
                    return Some(path.clone());
                }
                let stem = String::from_utf8_lossy(stem).into_owned();
                let fault = format!(
                    "host_executable path must be a file of `{}` (got {path})",
                    name.unwrap_or_default()
                );
                self.fault(Code::EP0212, at, fault).hint(if normal {
                    format!(
                        "the name for this path is `{stem}`: the ending of the file does not belong to it"
                    )
                } else {
                    "write the path without `.` and `..`".to_owned()
                })
            }
            Value::Str(path) if !path.starts_with('/') => {
                let fault = self.fault(
                    Code::EP0212,
                    at,
                    format!("host_executable paths must be absolute (got {path})"),
                );
                match path.strip_prefix("~/") {
                    Some(rest) => fault.hint(format!(
                        "`~` is not expanded here; write the whole path, as in `\"/home/me/{rest}\"`"
                    )),
                    None => fault.hint("begin the path with `/`, or with a drive of Windows, as in `C:/`"),
                }
            }
            Value::Str(path) => {
                let normal = crate::policy::program::absolute(path.as_bytes(), None, None)
                    .and_then(|bytes| String::from_utf8(bytes).ok())?;
                let base = normal.rsplit('/').next().unwrap_or_default();
                if name.is_none_or(|name| name == base) {
                    return Some(normal);
                }
                self.fault(
                    Code::EP0212,
                    at,
                    format!(
                        "host_executable path must have basename `{}` (got {path})",
                        name.unwrap_or_default()
                    ),
                )
                .hint("list only paths of this program; make another `host_executable` for the other one")
            }
            other => self.fault(
                Code::EP0212,
                at,
                format!("host_executable paths must be strings (got {})", other.type_name()),
            ),
        };
        self.diagnostics.error(fault);
        None
    }

    fn network_rule(&mut self, bound: &Bound<'_>) {
        let [host, protocol, decision, justification] = bound.values[..] else { return };
        let protocol = protocol
            .and_then(|word| self.string(word, bound.call, "protocol"))
            .and_then(|word| self.protocol(&word));
        let decided = self.decision(decision, bound.call, &[("deny", Decision::Forbidden)]);
        let justified = self.justification(justification, bound.call);
        let host =
            host.and_then(|host| self.string(host, bound.call, "host")).and_then(|host| self.host(&host));
        if let (Some(host), Some(protocol), Some((decision, _)), Some(justification)) =
            (host, protocol, decided, justified)
            && bound.whole
        {
            self.policy.networks.push(NetworkRule {
                span: bound.call,
                host,
                protocol,
                decision,
                justification,
            });
        }
    }

    fn protocol(&mut self, word: &Spanned<&str>) -> Option<Protocol> {
        match word.value {
            "http" => Some(Protocol::Http),
            "https" | "https_connect" | "http-connect" => Some(Protocol::Https),
            "socks5_tcp" => Some(Protocol::Socks5Tcp),
            "socks5_udp" => Some(Protocol::Socks5Udp),
            other => {
                let known = ["http", "https", "socks5_tcp", "socks5_udp"];
                let fault = self
                    .fault(Code::EP0213, word.span, format!("network_rule protocol must be one of http, https, socks5_tcp, socks5_udp (got {other})"))
                    .did_you_mean(word.span, other, known);
                self.diagnostics.error(fault);
                None
            }
        }
    }

    fn host(&mut self, written: &Spanned<&str>) -> Option<Spanned<String>> {
        let text = written.value.trim();
        let (problem, hint) = if text.is_empty() {
            ("network_rule host cannot be empty", "name a host, as in `\"example.com\"`")
        } else if text.contains("://") || text.contains(['/', '?', '#']) {
            (
                "network_rule host must be a hostname or IP literal (without scheme or path)",
                "write only the host, as in `\"example.com\"`",
            )
        } else if text.contains('*') {
            (
                "network_rule host must be a specific host; wildcards are not allowed",
                "make one rule for each host",
            )
        } else if text.contains(char::is_whitespace) {
            ("network_rule host cannot contain whitespace", "write one host, as in `\"example.com\"`")
        } else {
            match host_name(text) {
                Some(host) => return Some(Spanned::new(host, written.span)),
                None => (
                    "network_rule host is not valid",
                    "write `\"example.com\"`, `\"example.com:443\"` or `\"[::1]:443\"`",
                ),
            }
        };
        let fault = self.fault(Code::EP0214, written.span, problem).hint(hint);
        self.diagnostics.error(fault);
        None
    }
}

/// Lower case, without a port, brackets and trailing dots.
fn host_name(text: &str) -> Option<String> {
    let bare = if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        let port = after.strip_prefix(':').unwrap_or(after);
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        inside
    } else {
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => {
                if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                host
            }
            _ => text,
        }
    };
    let bare = bare.trim_end_matches('.');
    (!bare.is_empty()).then(|| bare.to_ascii_lowercase())
}

fn number_hint(value: &Value) -> Option<String> {
    (value.type_name() == "int").then(|| "put quotes around it: a command's words are strings".to_owned())
}

/// What a word from another tool's vocabulary means here.
fn decision_meant(word: &str) -> Option<&'static str> {
    let folded = word.trim().to_ascii_lowercase();
    Some(match folded.as_str() {
        "deny" | "denied" | "block" | "blocked" | "reject" | "forbid" | "never" | "refuse" | "disallow" => {
            "forbidden"
        }
        "ask" | "ask_user" | "confirm" | "review" | "auto_review" | "prompt-user" | "approve" | "warn" => {
            "prompt"
        }
        "permit" | "accept" | "yes" | "ok" | "always" | "allowed" => "allow",
        _ => return nearest(&folded, ["allow", "prompt", "forbidden"]),
    })
}

/// What an argument is called in other tools.
fn other_name(builtin: Builtin, name: &str) -> Option<&'static str> {
    Some(match (builtin, name) {
        (Builtin::PrefixRule, "reason" | "description" | "comment" | "message" | "why") => "justification",
        (Builtin::PrefixRule, "prefix" | "command" | "cmd" | "argv" | "program") => "pattern",
        (Builtin::PrefixRule, "action" | "effect" | "policy" | "verdict") => "decision",
        (Builtin::PrefixRule, "examples" | "matches" | "should_match") => "match",
        (Builtin::PrefixRule, "non_match" | "notmatch" | "not_matches" | "should_not_match") => "not_match",
        (Builtin::SandboxRule, "prefix" | "command" | "cmd" | "argv" | "program") => "pattern",
        (Builtin::SandboxRule, "sandbox" | "placement" | "name" | "mode") => "profile",
        (Builtin::SandboxRule, "examples" | "matches" | "should_match") => "match",
        (Builtin::SandboxRule, "non_match" | "notmatch" | "not_matches" | "should_not_match") => "not_match",
        (Builtin::HostExecutable, "path") => "paths",
        (Builtin::NetworkRule, "domain" | "hostname") => "host",
        _ => return None,
    })
}

fn sample(builtin: Builtin, parameter: &str) -> &'static str {
    match (builtin, parameter) {
        (Builtin::PrefixRule, _) => "pattern = [\"git\", \"push\"]",
        (Builtin::HostExecutable, "name") => "name = \"git\"",
        (Builtin::HostExecutable, _) => "paths = [\"/usr/bin/git\"]",
        (Builtin::NetworkRule, "host") => "host = \"example.com\"",
        (Builtin::NetworkRule, "protocol") => "protocol = \"https\"",
        (Builtin::NetworkRule, _) => "decision = \"allow\"",
        (Builtin::SandboxRule, "pattern") => "pattern = [\"npm\", \"install\"]",
        (Builtin::SandboxRule, _) => "profile = \"workspace-write\"",
    }
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}
