//! In: one word of a pattern, and where it stands. Out: why no command has this word, and the words to write instead.
//! Not here: operators, placeholders and what a shell expands (`tokens.rs`).

use crate::policy::{Decision, Pattern};

/// Why a word can hardly be a word of a command.
pub(super) struct Dead {
    /// What is wrong, as the end of "`WORD` …".
    pub why: &'static str,
    /// What to write.
    pub hint: String,
}

/// Tools whose verbs are written in lower case.
const LOWER_CASE: &[&str] = &[
    "apt",
    "apt-get",
    "brew",
    "bun",
    "cargo",
    "docker",
    "gh",
    "git",
    "go",
    "helm",
    "kubectl",
    "npm",
    "pip",
    "pip3",
    "pnpm",
    "podman",
    "systemctl",
    "terraform",
    "uv",
    "yarn",
];

/// Names before the parentheses of rules of other tools: Claude Code, Cursor, Gemini CLI.
const TOOLS: &[&str] = &["Bash", "Execute", "Shell", "ShellTool", "run_shell_command"];

/// Why a word is dead, if it is. What can be the word of an honest command is no finding; an allow is looked at only where its
/// program is, since agents save whole commands, messages and all.
pub(super) fn why(
    pattern: &Pattern,
    decision: Option<Decision>,
    position: usize,
    text: &str,
) -> Option<Dead> {
    let guard = decision.is_some_and(|decision| decision != Decision::Allow);
    let last = position + 1 == pattern.tokens.len();
    if position == 0 {
        return program(text);
    }
    if !guard {
        return None;
    }
    let head = pattern
        .tokens
        .first()
        .and_then(|token| token.alternatives.first())
        .map_or("", |head| head.value.as_str());
    if text.trim() != text && !text.trim().is_empty() {
        return dead("begins or ends with a blank", format!("write {:?}", text.trim()));
    }
    if let Some(stem) = text.strip_suffix(":*") {
        let hint = format!(
            "a rule compares whole words; name them, as in `[{stem:?}, \"{stem}:unit\"]`, or end the pattern before this word"
        );
        return dead("is the syntax of another tool", hint);
    }
    if last && text == "*" {
        return dead(
            "is no wildcard",
            "end the pattern before it: a prefix rule accepts whatever follows".to_owned(),
        );
    }
    if let Some(inner) = quoted(text) {
        return dead("has the quotes of a shell around it", format!("write {inner:?}"));
    }
    if option_and_more(text) {
        return dead("is two words for a program", format!("write {}", words(text)));
    }
    let mut letters = text.chars();
    let capital = letters.next().is_some_and(|c| c.is_ascii_uppercase());
    if position == 1
        && capital
        && text.len() > 1
        && letters.all(|c| c.is_ascii_lowercase() || c == '-')
        && LOWER_CASE.contains(&head)
    {
        return dead(
            "has a capital, and words are compared byte for byte",
            format!("write {:?}", text.to_ascii_lowercase()),
        );
    }
    None
}

/// Why no program has this name.
fn program(text: &str) -> Option<Dead> {
    let bare = text.trim();
    if let Some((tool, inner)) = text.strip_suffix(')').and_then(|rest| rest.split_once('('))
        && TOOLS.contains(&tool)
    {
        let inner = inner.strip_suffix(":*").or_else(|| inner.strip_suffix('*')).unwrap_or(inner);
        let write =
            if inner.trim().is_empty() { "one rule for each program".to_owned() } else { words(inner) };
        return dead("is the syntax of another tool", format!("write {write}"));
    }
    if let Some(inner) = quoted(bare) {
        return dead("has the quotes of a shell around it", format!("write {}", words(inner)));
    }
    if bare.contains(char::is_whitespace) && !bare.contains(['/', '\\']) {
        return dead("is one word, and no program has this name", format!("write {}", words(bare)));
    }
    if bare != text && !bare.is_empty() {
        return dead("begins or ends with a blank", format!("write {bare:?}"));
    }
    if let Some(stem) = bare.strip_suffix(":*") {
        return dead(
            "is the syntax of another tool",
            format!("write {stem:?}: a prefix rule accepts whatever follows"),
        );
    }
    if bare.starts_with('^') || bare.ends_with('$') || bare.contains(".*") || bare.contains('*') {
        return dead(
            "is a regular expression or wildcard, and words are compared as they are",
            "name the program".to_owned(),
        );
    }
    let (name, value) = bare.split_once('=')?;
    let variable = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if variable && !(value.contains('/') && name.contains(|c: char| c.is_ascii_lowercase())) {
        let hint = "write the rule for the program; a forbid or prompt sees through variables that are set before it";
        return dead("sets a variable, and no program has this name", hint.to_owned());
    }
    None
}

fn dead(why: &'static str, hint: String) -> Option<Dead> {
    Some(Dead { why, hint })
}

/// `"push"` or `'push'`, with the quotes in the word: what is between them.
fn quoted(text: &str) -> Option<&str> {
    ['"', '\'']
        .iter()
        .find_map(|&quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .filter(|inner| !inner.is_empty())
}

/// An option with a blank in it: `-rf *`.
fn option_and_more(text: &str) -> bool {
    let Some((option, rest)) = text.split_once(' ') else { return false };
    let name = option.trim_start_matches('-');
    name.len() < option.len()
        && !name.is_empty()
        && !rest.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// The words of a text as they stand in a pattern, without a wildcard at the end; of several commands those of the first.
fn words(text: &str) -> String {
    let word = |word: &&str| !matches!(*word, "&&" | "||" | "|" | ";" | "&" | ">" | ">>" | "<");
    let mut words: Vec<&str> = text.split_whitespace().take_while(word).collect();
    if words.len() > 1 && words.last() == Some(&"*") {
        words.pop();
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("{:?}", word.strip_suffix(":*").unwrap_or(word))).collect();
    format!("`{}`", words.join(", "))
}
