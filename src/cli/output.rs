//! In: text. Out: standard output and error, with or without colour.

use super::args::When;
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// How output looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Colour on standard error.
    pub stderr: bool,
    /// Colour on standard output.
    pub stdout: bool,
}

/// Finds out how output should look and hands it to a command.
pub fn with_style<T>(when: When, command: impl FnOnce(Style) -> T) -> T {
    let wanted = |terminal: bool| match when {
        When::Always => true,
        When::Never => false,
        // https://no-color.org: set and not empty.
        When::Auto => {
            terminal
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    };
    command(Style {
        stderr: wanted(std::io::stderr().is_terminal()),
        stdout: wanted(std::io::stdout().is_terminal()),
    })
}

/// Writes a result. A reader that has gone away is no error.
pub fn stdout(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a message.
pub fn stderr(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// "1 rule", "2 rules".
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A word in a colour of the 16 that every terminal has, or plain.
pub fn paint(text: &str, colour: Colour, on: bool) -> String {
    if !on {
        return text.to_owned();
    }
    let code = match colour {
        Colour::Red => "31",
        Colour::Green => "32",
        Colour::Yellow => "33",
        Colour::Cyan => "36",
        Colour::Bold => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// A colour or weight.
#[derive(Clone, Copy, Debug)]
pub enum Colour {
    Red,
    Green,
    Yellow,
    Cyan,
    Bold,
}

/// Text from a file without what could steer a terminal or turn the line around: each such
/// character is replaced by one of the same length, so that places stay right.
pub fn sanitize(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\0'..='\x1f' | '\x7f' => '?',
            '\u{80}'..='\u{9f}' => '¿',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            _ => c,
        })
        .collect()
}

/// A value as JSON with a line end: one line, or indented.
pub fn json_text(value: &impl Serialize, pretty: bool) -> String {
    let written = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    // Our types hold nothing that JSON cannot say (no maps with other keys than strings).
    written.map_or_else(|error| format!("{{\"error\":{:?}}}\n", error.to_string()), |text| text + "\n")
}
