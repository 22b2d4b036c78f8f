//! In: words. Out: what they stand for: places, globs, names, limits. A word that stands for nothing is a
//! diagnostic with the words to type instead.
//! Not here: hosts (`hosts.rs`), `let` and sets, which have been replaced before.

use super::ast::{Spelling, Word};
use crate::diagnostic::text::shorten;
use crate::diagnostic::{Code, Diagnostic};
use execpolicy_profile::glob;
use execpolicy_profile::{LimitKind, Place, Root, Text};

/// The longest path that is accepted, in bytes: Linux's `PATH_MAX`, without its final NUL (`linux/limits.h`).
pub const LONGEST_PATH: usize = 4095;

/// A path, or a glob: the part before its first wildcard component, and the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The path, or what stands before the glob.
    pub place: Place,
    /// The glob, if there is a wildcard.
    pub pattern: Option<String>,
}

/// Reads a path or glob that begins with a root.
///
/// # Errors
/// The diagnostic that says what is wrong with it; boxed, since it is rare and large.
pub fn target(word: &Word) -> Result<Target, Box<Diagnostic>> {
    let text = word.text.as_str();
    let refuse = |code, message: String| Diagnostic::new(code, word.span, message);
    let (root, rest) = root(word)?;
    if text.len() > LONGEST_PATH {
        return Err(Box::new(refuse(Code::EP0605, format!("a path has at most {LONGEST_PATH} bytes"))));
    }
    if word.spelling == Spelling::Bare && rest.contains('\\') {
        let hint = format!("for a `\\` in a name: `\"{}\"`", shorten(&text.replace('\\', "\\\\")));
        return Err(Box::new(
            refuse(Code::EP0605, "`\\` does not escape outside of quotes".to_owned()).hint(hint),
        ));
    }
    let mut parts: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split('/').collect() };
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        let hint = match normalised(&parts) {
            Some(parts) => {
                format!("write `{}`", shorten(&Place::<String>::new(root, parts.join("/")).to_string()))
            }
            None => "it leads above its root: write the path it is meant to be".to_owned(),
        };
        return Err(Box::new(
            refuse(Code::EP0605, format!("`{}` is not in normal form", shorten(text))).hint(hint),
        ));
    }
    if word.spelling == Spelling::Quoted {
        return Ok(Target { place: Place::new(root, rest), pattern: None });
    }
    // `P/**` is P with all below it, which is what P already means.
    while parts.last() == Some(&"**") {
        parts.pop();
    }
    for part in &parts {
        if *part != "**" && part.contains("**") {
            return Err(Box::new(
                refuse(
                    Code::EP0606,
                    format!("`**` stands for whole components, not for a part of `{}`", shorten(part)),
                )
                .hint("write `*` for a part of a name, `/**/` for any directories between"),
            ));
        }
        if !glob::valid(part, true) {
            return Err(Box::new(
                refuse(Code::EP0606, format!("a `[` in `{}` is never closed", shorten(part)))
                    .hint("quote the path if the `[` is part of a name"),
            ));
        }
    }
    let wild = parts.iter().position(|part| glob::is_wild(part)).unwrap_or(parts.len());
    let (before, pattern) = parts.split_at(wild);
    let pattern = (!pattern.is_empty()).then(|| pattern.join("/"));
    Ok(Target { place: Place::new(root, before.join("/")), pattern })
}

/// The root of a path and what follows its `/`.
fn root(word: &Word) -> Result<(Root, &str), Box<Diagnostic>> {
    let text = word.text.as_str();
    let refuse = |message: String, hint: String| {
        Err(Box::new(Diagnostic::new(Code::EP0605, word.span, message).hint(hint)))
    };
    if let Some(rest) = text.strip_prefix('/') {
        return Ok((Root::Absolute, rest));
    }
    let (head, rest) = text.split_once('/').map_or((text, None), |(head, rest)| (head, Some(rest)));
    for root in [Root::Workspace, Root::Home, Root::Tmpdir] {
        if head == root.as_str() {
            return match rest {
                Some("") => refuse(format!("`{}` ends in `/`", shorten(text)), format!("write `{head}`")),
                rest => Ok((root, rest.unwrap_or(""))),
            };
        }
    }
    if let Some(user) = head.strip_prefix('~') {
        return refuse(
            format!("`~{}` is the home of another user", shorten(user)),
            "`~` is the home of whoever runs the command; write any other one as an absolute path".to_owned(),
        );
    }
    let below = text.trim_start_matches("./").trim_start_matches('/');
    refuse(
        format!("`{}` is relative, and to nothing", shorten(text)),
        format!("write `$WORKSPACE/{}`", shorten(below)),
    )
}

/// What a path with `.`, `..` and empty components comes down to; `None` if it leads above its root.
fn normalised<'p>(parts: &[&'p str]) -> Option<Vec<&'p str>> {
    let mut out = Vec::new();
    for part in parts {
        match *part {
            "" | "." => {}
            ".." => {
                out.pop()?;
            }
            part => out.push(part),
        }
    }
    Some(out)
}

/// Reads a name for `protect`: relative, at any depth.
///
/// # Errors
/// The diagnostic that says what is wrong with it.
pub fn name(word: &Word) -> Result<String, Box<Diagnostic>> {
    let text = word.text.as_str();
    let refuse = |code, message: String, hint: String| {
        Err(Box::new(Diagnostic::new(code, word.span, message).hint(hint)))
    };
    if text.starts_with(['/', '~', '$']) {
        return refuse(
            Code::EP0608,
            format!("`{}` is a path, and `protect` takes a name", shorten(text)),
            format!("write `read {}` to make one path read-only", shorten(text)),
        );
    }
    let trimmed = text.strip_prefix("**/").unwrap_or(text);
    if trimmed != text {
        return refuse(
            Code::EP0606,
            "a protected name holds at any depth already".to_owned(),
            format!("write `{}`", shorten(trimmed)),
        );
    }
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) || text.len() > LONGEST_PATH {
        return refuse(
            Code::EP0605,
            format!("`{}` is not in normal form", shorten(text)),
            "write the components of the name, joined by one `/`".to_owned(),
        );
    }
    if word.spelling == Spelling::Quoted && glob::is_wild(text) {
        return Ok(text
            .chars()
            .map(|c| if matches!(c, '*' | '?' | '[') { format!("[{c}]") } else { c.into() })
            .collect());
    }
    if !glob::valid(text, true) || text.ends_with("**") {
        return refuse(
            Code::EP0606,
            format!("`{}` is not a name with wildcards", shorten(text)),
            "`*`, `?` and `[…]` stand for a part of one component, `/**/` for any directories between"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// Reads the name or pattern of an environment variable.
///
/// # Errors
/// The diagnostic that says what is wrong with it.
pub fn variable(word: &Word, wild: bool) -> Result<Text, Box<Diagnostic>> {
    let text = word.text.as_str();
    let refuse = |message: String| Diagnostic::new(Code::EP0617, word.span, message);
    if let Some(name) = text.strip_prefix('$') {
        return Err(Box::new(
            refuse(format!("`{}` is the value of a variable, not its name", shorten(text)))
                .hint(format!("write `{}`", shorten(name.trim_matches(['{', '}']))))
                .instead(word.span, text, name.trim_matches(['{', '}'])),
        ));
    }
    let good = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | '?' | '[' | ']' | '/' | '$');
    if text.is_empty() || !text.chars().all(good) {
        return Err(Box::new(
            refuse(format!("`{}` is not the name of a variable", shorten(text)))
                .hint("a name is ASCII without `=`; `*` stands for any part of it"),
        ));
    }
    if !wild && text.contains('*') {
        return Err(Box::new(
            refuse(format!("`{}` is a pattern, and a value is set for one name", shorten(text)))
                .hint("write one `NAME = \"value\"` for each variable"),
        ));
    }
    Ok(text.into())
}

/// Reads the kind of a limit.
///
/// # Errors
/// The diagnostic with the nearest kind.
pub fn limit_kind(word: &Word) -> Result<LimitKind, Box<Diagnostic>> {
    LimitKind::from_word(&word.text).ok_or_else(|| {
        let known = || LimitKind::ALL.iter().map(|kind| kind.as_str());
        let list: Vec<&str> = known().collect();
        Box::new(
            Diagnostic::new(Code::EP0615, word.span, format!("`{}` is not a limit", shorten(&word.text)))
                .did_you_mean(word.span, &word.text, known())
                .hint(format!("the limits are {}", list.join(", "))),
        )
    })
}

/// Reads the value of a limit, in the unit of its kind.
///
/// # Errors
/// The diagnostic with the units that can be used.
pub fn limit_value(kind: LimitKind, word: &Word) -> Result<u64, Box<Diagnostic>> {
    let text = word.text.as_str();
    let units = kind.units();
    let example = match kind {
        LimitKind::Processes | LimitKind::OpenFiles => "a number without a unit: `512`",
        LimitKind::Memory | LimitKind::MemoryPerProcess | LimitKind::FileSize => {
            "a size: `512MiB`, `4GiB`, `100MB`"
        }
        LimitKind::CpuTime | LimitKind::WallTime => "a time: `500ms`, `30s`, `10min`, `2h`",
    };
    let refuse = |message: String| {
        let hint = format!("`{}` takes {example}", kind.as_str());
        Box::new(Diagnostic::new(Code::EP0614, word.span, message).hint(hint))
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if digits == 0 {
        return Err(refuse(format!("`{}` is not a value for `{}`", shorten(text), kind.as_str())));
    }
    let Some(&(_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        if unit.is_empty() {
            return Err(refuse(format!("`{}` has no unit", shorten(text))));
        }
        let near = |(name, _): &&(&str, u64)| !name.is_empty() && name.eq_ignore_ascii_case(unit);
        let begins = |(name, _): &&(&str, u64)| name.len() > 1 && name[..1].eq_ignore_ascii_case(unit);
        let near = units.iter().find(near).or_else(|| units.iter().find(begins));
        let hint = near.map(|(name, _)| format!("did you mean `{}{name}`?", shorten(number)));
        let mut refused = refuse(format!("`{}` is not a unit of `{}`", shorten(unit), kind.as_str()));
        refused.hints.splice(0..0, hint);
        return Err(refused);
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)) {
        Some(0) => Err(refuse(format!("a limit of 0 would stop every command: `{}`", shorten(text)))),
        Some(value) => Ok(value),
        None => Err(refuse(format!("`{}` is too large", shorten(text)))),
    }
}
