//! In: a text of a policy or a command. Out: the same as a terminal may show it.
#![forbid(unsafe_code)]

use core::fmt;

/// Writes a text of a policy or a command so that it cannot move a terminal's cursor or hide what follows.
pub(crate) fn visible(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use core::fmt::Write;
    text.chars().try_for_each(|c| match c {
        c if c.is_control() => write!(f, "{}", c.escape_default()),
        // Marks that turn the direction of what follows, and separators that some terminals break lines at.
        '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
            write!(f, "{}", c.escape_unicode())
        }
        c => f.write_char(c),
    })
}

/// Writes where a rule stands, behind what it says about itself: `rewrites shared history (agent.rules:12)`.
pub(crate) fn site(
    f: &mut fmt::Formatter<'_>,
    justification: Option<&str>,
    file: &str,
    line: u32,
) -> fmt::Result {
    if let Some(why) = justification {
        visible(f, why)?;
        f.write_str(" (")?;
    }
    visible(f, file)?;
    write!(f, ":{line}")?;
    f.write_str(if justification.is_some() { ")" } else { "" })
}
