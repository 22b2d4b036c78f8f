//! In: the text of a Seatbelt profile. Out: whether it allows an operation, by both of the readings that are known of how
//! rules about wildcard operations and rules about single ones bear on each other.
//! Not here: macOS. What is read is the part of SBPL that we and our peers write; anything else is a failure.
//!
//! Flat: of all rules about the operation or a wildcard over it, the last that matches. By operation: the last that matches of those
//! that name the operation itself, else of those that name the wildcard over it, and so on.

use regex::bytes::{Regex, RegexBuilder};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A form: a word, a string, or a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    Word(String),
    Text(String),
    List(Vec<Form>),
}

/// Reads forms; a parenthesis without a partner, an unended string, are errors.
pub fn read(text: &str) -> Result<Vec<Form>, String> {
    let mut open: Vec<Vec<Form>> = vec![Vec::new()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            ';' => rest = rest.find('\n').map_or("", |at| &rest[at..]),
            '(' => {
                open.push(Vec::new());
                rest = &rest[1..];
            }
            ')' => {
                let done = open.pop().unwrap();
                open.last_mut().ok_or("a `)` too many")?.push(Form::List(done));
                rest = &rest[1..];
            }
            '"' => {
                let (text, after) = string(&rest[1..], true)?;
                open.last_mut().unwrap().push(Form::Text(text));
                rest = after;
            }
            '#' if rest.starts_with("#\"") => {
                let (text, after) = string(&rest[2..], false)?;
                open.last_mut().unwrap().push(Form::Text(text));
                rest = after;
            }
            c if c.is_whitespace() => rest = &rest[c.len_utf8()..],
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "();\"".contains(c)).unwrap_or(rest.len());
                open.last_mut().unwrap().push(Form::Word(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
    }
    let forms = open.pop().unwrap();
    if open.is_empty() { Ok(forms) } else { Err("a `(` too many".to_owned()) }
}

fn string(text: &str, escapes: bool) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((out, &text[at + 1..])),
            '\\' if escapes => match chars.next() {
                Some((_, c @ ('\\' | '"'))) => out.push(c),
                other => return Err(format!("unknown escape {other:?}")),
            },
            c => out.push(c),
        }
    }
    Err("a string never ends".to_owned())
}

/// What an operation is about.
#[derive(Clone, Debug)]
pub enum Subject {
    Path(String),
    /// A host as Seatbelt sees it: whether it is this machine, and the port.
    Remote(bool, u16),
    Socket(String),
    Service(String),
    Nothing,
}

/// Every operation that is known, with the wildcard over it. Sources: the operation tables that SandBlaster (MIT) lists, Apple's
/// profiles.
const OPERATIONS: &[(&str, &str)] = &[
    ("default", ""),
    ("file*", "default"),
    ("file-ioctl", "file*"),
    ("file-link", "file*"),
    ("file-map-executable", "file*"),
    ("file-read*", "file*"),
    ("file-read-data", "file-read*"),
    ("file-read-metadata", "file-read*"),
    ("file-read-xattr", "file-read*"),
    ("file-test-existence", "file*"),
    ("file-write*", "file*"),
    ("file-write-create", "file-write*"),
    ("file-write-data", "file-write*"),
    ("file-write-mode", "file-write*"),
    ("file-write-unlink", "file-write*"),
    ("iokit-open", "default"),
    ("ipc-posix*", "default"),
    ("ipc-posix-sem", "ipc-posix*"),
    ("ipc-posix-shm-read*", "ipc-posix*"),
    ("mach-lookup", "default"),
    ("network*", "default"),
    ("network-bind", "network*"),
    ("network-inbound", "network*"),
    ("network-outbound", "network*"),
    ("process*", "default"),
    ("process-exec*", "process*"),
    ("process-exec", "process-exec*"),
    ("process-fork", "process*"),
    ("process-info*", "default"),
    ("pseudo-tty", "default"),
    ("signal", "default"),
    ("sysctl-read", "default"),
    ("sysctl-write", "default"),
    ("system-socket", "default"),
    ("user-preference-read", "default"),
];

fn parent(operation: &str) -> Option<&'static str> {
    OPERATIONS.iter().find(|(name, _)| *name == operation).map(|(_, parent)| *parent)
}

#[derive(Debug)]
struct Rule {
    allow: bool,
    operations: Vec<String>,
    /// One of them has to match; none means always.
    filters: Vec<Filter>,
}

#[derive(Debug)]
enum Filter {
    Literal(String),
    Subpath(String),
    Regex(Regex),
    Remote(Option<u16>, bool),
    Socket(Box<Filter>),
    Service(String),
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// About something that no question here is about.
    Other,
}

/// A profile that has been read.
#[derive(Debug)]
pub struct Profile {
    rules: Vec<Rule>,
    /// Where the two readings differed.
    differs: RefCell<Option<String>>,
}

impl Profile {
    /// Reads a profile with its parameters; whatever is not known is an error.
    pub fn parse(text: &str, parameters: &[(String, String)]) -> Result<Self, String> {
        let parameters: BTreeMap<&str, &str> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let forms = read(text)?;
        if forms.first() != Some(&Form::List(vec![Form::Word("version".into()), Form::Word("1".into())])) {
            return Err("it does not begin with (version 1)".to_owned());
        }
        let rules = forms[1..].iter().map(|form| rule(form, &parameters)).collect::<Result<_, _>>()?;
        Ok(Self { rules, differs: RefCell::new(None) })
    }

    /// Whether an operation is allowed, by both readings; an error if they differ.
    pub fn allowed(&self, operation: &str, subject: &Subject) -> Result<bool, String> {
        let mut chain = vec![operation];
        while let Some(above) = parent(chain[chain.len() - 1]).filter(|above| !above.is_empty()) {
            chain.push(above);
        }
        let last = |names: &[&str]| {
            self.rules
                .iter()
                .rfind(|rule| {
                    rule.operations.iter().any(|known| names.contains(&known.as_str()))
                        && (rule.filters.is_empty() || rule.filters.iter().any(|f| f.matches(subject)))
                })
                .map(|rule| rule.allow)
        };
        let flat = last(&chain).unwrap_or(false);
        let by_operation = chain.iter().find_map(|name| last(&[name])).unwrap_or(false);
        if flat == by_operation {
            Ok(flat)
        } else {
            Err(format!("{operation} {subject:?} is {flat} by all rules and {by_operation} by its own"))
        }
    }

    /// The same for a path; where the readings differ, [`Self::differs`] says so afterwards.
    pub fn path(&self, operation: &str, path: &str) -> bool {
        self.allowed(operation, &Subject::Path(path.to_owned())).unwrap_or_else(|fault| {
            *self.differs.borrow_mut() = Some(fault);
            false
        })
    }

    /// The last question about a path that the two readings answer differently.
    pub fn differs(&self) -> Option<String> {
        self.differs.borrow().clone()
    }
}

fn rule(form: &Form, parameters: &BTreeMap<&str, &str>) -> Result<Rule, String> {
    let Form::List(parts) = form else { return Err(format!("not a rule: {form:?}")) };
    let Some((Form::Word(action), rest)) = parts.split_first() else { return Err("an empty rule".into()) };
    let allow = match action.as_str() {
        "allow" => true,
        "deny" => false,
        other => return Err(format!("unknown action `{other}`")),
    };
    let mut operations = Vec::new();
    let mut filters = Vec::new();
    for part in rest {
        match part {
            Form::Word(name) if parent(name).is_some() => operations.push(name.clone()),
            Form::Word(name) => return Err(format!("unknown operation `{name}`")),
            Form::List(parts) if parts.first() == Some(&Form::Word("with".into())) => {}
            form => filters.push(filter(form, parameters)?),
        }
    }
    if operations.is_empty() {
        Err("a rule without an operation".into())
    } else {
        Ok(Rule { allow, operations, filters })
    }
}

fn filter(form: &Form, parameters: &BTreeMap<&str, &str>) -> Result<Filter, String> {
    let Form::List(parts) = form else { return Err(format!("not a filter: {form:?}")) };
    let Some((Form::Word(name), rest)) = parts.split_first() else { return Err("an empty filter".into()) };
    let one = || rest.first().ok_or_else(|| format!("`{name}` of nothing"));
    let text = || value(one()?, parameters);
    let inner = || rest.iter().map(|form| filter(form, parameters)).collect::<Result<Vec<_>, _>>();
    Ok(match name.as_str() {
        "literal" | "path" | "path-literal" => Filter::Literal(absolute(text()?)?),
        "subpath" => Filter::Subpath(absolute(text()?)?),
        "regex" => Filter::Regex(expression(&text()?)?),
        "require-all" => Filter::All(inner()?),
        "require-any" => Filter::Any(inner()?),
        "require-not" => Filter::Not(Box::new(filter(one()?, parameters)?)),
        "global-name" => Filter::Service(text()?),
        "remote" | "local" => match rest {
            [Form::Word(kind), Form::Text(address)] if matches!(kind.as_str(), "ip" | "tcp" | "udp") => {
                let (host, port) = address.rsplit_once(':').ok_or("an address without a port")?;
                let port = if port == "*" { None } else { Some(port.parse().map_err(|_| "a port")?) };
                match host {
                    "*" => Filter::Remote(port, false),
                    "localhost" => Filter::Remote(port, true),
                    _ => return Err(format!("Seatbelt knows no host but * and localhost: {host}")),
                }
            }
            [Form::Word(kind)] if kind == "unix-socket" => {
                Filter::Socket(Box::new(Filter::Subpath("/".to_owned())))
            }
            [Form::Word(kind), inner] if kind == "unix-socket" => {
                Filter::Socket(Box::new(filter(inner, parameters)?))
            }
            _ => return Err(format!("unknown address {rest:?}")),
        },
        "target"
        | "sysctl-name"
        | "sysctl-name-prefix"
        | "ipc-posix-name-prefix"
        | "iokit-registry-entry-class"
        | "extension"
        | "vnode-type"
        | "local-name" => Filter::Other,
        other => return Err(format!("unknown filter `{other}`")),
    })
}

/// A path in a filter: absolute, without a slash at its end.
fn absolute(path: String) -> Result<String, String> {
    if path == "/" || path.starts_with('/') && !path.ends_with('/') && !path.contains("//") {
        Ok(path)
    } else {
        Err(format!("not an absolute path: {path:?}"))
    }
}

fn expression(text: &str) -> Result<Regex, String> {
    if !text.starts_with('^') {
        return Err(format!("an expression that is not anchored: {text}"));
    }
    RegexBuilder::new(text).unicode(false).build().map_err(|error| error.to_string())
}

/// The value of an expression.
fn value(form: &Form, parameters: &BTreeMap<&str, &str>) -> Result<String, String> {
    let parts = match form {
        Form::Text(text) => return Ok(text.clone()),
        Form::Word(word) => return Err(format!("unknown word `{word}`")),
        Form::List(parts) => parts,
    };
    let Some((Form::Word(name), rest)) = parts.split_first() else {
        return Err("an empty expression".into());
    };
    let values = || rest.iter().map(|form| value(form, parameters)).collect::<Result<Vec<_>, _>>();
    match name.as_str() {
        "string-append" => Ok(values()?.concat()),
        "regex-quote" => Ok(regex::escape(&values()?.concat())),
        "param" => {
            let name = values()?.concat();
            parameters
                .get(name.as_str())
                .map(|value| (*value).to_owned())
                .ok_or(format!("no parameter {name}"))
        }
        other => Err(format!("unknown function `{other}`")),
    }
}

impl Filter {
    fn matches(&self, subject: &Subject) -> bool {
        match (self, subject) {
            (Self::Literal(wanted), Subject::Path(path)) => path == wanted,
            (Self::Subpath(wanted), Subject::Path(path)) => {
                wanted == "/"
                    || path
                        .strip_prefix(wanted.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            (Self::Regex(regex), Subject::Path(path)) => regex.is_match(path.as_bytes()),
            (Self::Remote(port, local), Subject::Remote(loopback, asked)) => {
                (*loopback || !*local) && port.is_none_or(|port| port == *asked)
            }
            (Self::Socket(inner), Subject::Socket(path)) => inner.matches(&Subject::Path(path.clone())),
            // A filter by path is about sockets as well.
            (Self::Literal(_) | Self::Subpath(_), Subject::Socket(path)) => {
                self.matches(&Subject::Path(path.clone()))
            }
            (Self::Service(wanted), Subject::Service(name)) => wanted == name,
            (Self::All(inner), _) => inner.iter().all(|filter| filter.matches(subject)),
            (Self::Any(inner), _) => inner.iter().any(|filter| filter.matches(subject)),
            (Self::Not(inner), _) => !inner.matches(subject),
            _ => false,
        }
    }
}

#[test]
fn the_reader_refuses_what_is_not_sbpl() {
    for (text, why) in [
        ("(version 1)(deny default", "a `(` too many"),
        ("(version 1)(deny default))", "a `)` too many"),
        ("(version 1)(allow file-red* (literal \"/\"))", "unknown operation"),
        ("(version 1)(allow file-read* (litral \"/\"))", "unknown filter"),
        ("(version 1)(allow file-read* (literal \"a\"))", "not an absolute path"),
        ("(version 1)(allow file-read* (literal (param \"X\")))", "no parameter"),
        ("(version 1)(allow network-outbound (remote ip \"1.2.3.4:1\"))", "knows no host"),
        ("(version 1)(allow file-read* (regex \"a\"))", "not anchored"),
        ("(deny default)", "does not begin"),
        ("(version 1)(allow file-read* (literal \"/", "never ends"),
    ] {
        let fault = Profile::parse(text, &[]).unwrap_err();
        assert!(fault.contains(why), "{text}: {fault}");
    }
}

#[test]
fn both_readings_are_tried() {
    let text = "(version 1)(deny default)(allow file-read-metadata)(deny file-read* (subpath \"/a\"))";
    let profile = Profile::parse(text, &[]).unwrap();
    assert!(profile.allowed("file-read-metadata", &Subject::Path("/a/b".into())).is_err());
    assert_eq!(profile.allowed("file-read-metadata", &Subject::Path("/b".into())), Ok(true));
    assert_eq!(profile.allowed("file-read-data", &Subject::Path("/b".into())), Ok(false));
}

/// The forms that peers write.
#[test]
fn forms_of_peers_are_understood() {
    let text = r#"(version 1)
        (deny default)
        (allow process-exec (path "/bin/ps") (with no-sandbox))
        (allow file-read* (require-all (subpath (param "ROOT_0")) (require-not (literal "/w/.git"))
            (require-not (regex (string-append "^" (regex-quote (param "ROOT_0")) "/[.]codex(/.*)?$")))))
        (allow file-read* file-write* (require-all (regex #"^/dev/ttys[0-9]+") (extension "com.apple.sandbox.pty")))
        (allow network-outbound (remote ip "localhost:3128"))
        (deny file-write-unlink (regex #"^/w/.*\.env$"))"#;
    let profile = Profile::parse(text, &[("ROOT_0".into(), "/w".into())]).unwrap();
    assert!(profile.path("file-read-data", "/w/a"));
    assert!(!profile.path("file-read-data", "/w/.git"));
    assert!(!profile.path("file-read-data", "/w/.codex/x"));
    assert_eq!(profile.allowed("network-outbound", &Subject::Remote(true, 3128)), Ok(true));
    assert_eq!(profile.allowed("network-outbound", &Subject::Remote(false, 3128)), Ok(false));
    assert_eq!(profile.allowed("process-exec", &Subject::Nothing), Ok(false));
    let service = Subject::Service("com.apple.trustd.agent".to_owned());
    assert_eq!(profile.allowed("mach-lookup", &service), Ok(false));
}
