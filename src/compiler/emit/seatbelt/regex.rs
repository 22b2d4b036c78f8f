//! In: wildcard patterns. Out: the same as regular expressions for Seatbelt.
//! Not here: which patterns there are, and what they lower (`../seatbelt.rs`).
//!
//! The expressions stay inside of what every POSIX reader means by them: no `.` (it may not match a line break, and a
//! file name may hold one), no escape inside of a class, an end that needs nothing of what follows. Where characters may
//! be bytes, an expression matches more rather than less: every pattern here takes something away.

/// Anything that is not printable ASCII, a slash included in what is left out: a character of several bytes, whichever way
/// it is counted.
const WIDE: &str = "[^ -~][^ -~]+";

/// The expression for the components of a pattern, from the slash before the first one on. It matches what the pattern matches
/// and everything below.
pub fn below(parts: &[&str], fold: bool) -> String {
    // A last `**` stands for nothing at all as well, and a match holds for everything below it anyway.
    let end = parts.iter().rposition(|part| *part != "**").map_or(0, |at| at + 1);
    let mut out = String::from("/");
    for (at, part) in parts[..end].iter().enumerate() {
        if *part == "**" {
            out.push_str("([^/]+/)*");
        } else {
            component(part, fold, &mut out);
            out.push_str(if at + 1 == end { "(/|$)" } else { "/" });
        }
    }
    out
}

/// A path as an expression for itself.
pub fn literal(text: &str, fold: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        one(c, fold, &mut out);
    }
    out
}

fn component(glob: &str, fold: bool, out: &mut String) {
    if glob.chars().all(|c| c == '*') {
        out.push_str("[^/]+");
        return;
    }
    let mut rest = glob.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => out.push_str("[^/]*"),
            '?' => {
                out.push_str("([^/]|");
                out.push_str(WIDE);
                out.push(')');
            }
            '[' => {
                let text = rest.as_str();
                let negated = text.starts_with('!');
                let body = if negated { &text[1..] } else { text };
                // A `]` that comes first is a member; the language has seen to it that there is one that ends the set.
                let first = body.chars().next().map_or(0, char::len_utf8);
                let end = body[first..].find(']').map_or(body.len(), |at| first + at);
                set(&body[..end], negated, fold, out);
                rest = body.get(end + 1..).unwrap_or_default().chars();
            }
            c => one(c, fold, out),
        }
    }
}

/// One character that stands for itself; in both cases where the file system takes them for one.
fn one(c: char, fold: bool, out: &mut String) {
    match c {
        // File systems that ignore case take these two for ASCII letters (Unicode 15, CaseFolding.txt).
        's' | 'S' if fold => out.push_str("([sS]|\u{17f})"),
        'k' | 'K' if fold => out.push_str("([kK]|\u{212a})"),
        c if fold && c.is_ascii_alphabetic() => {
            out.extend(['[', c.to_ascii_lowercase(), c.to_ascii_uppercase(), ']']);
        }
        '.' | '*' | '+' | '?' | '(' | ')' | '{' | '}' | '|' | '$' => out.extend(['[', c, ']']),
        '[' | ']' | '^' | '\\' => out.extend(['\\', c]),
        c => out.push(c),
    }
}

/// `[…]` and `[!…]`.
fn set(members: &str, negated: bool, fold: bool, out: &mut String) {
    let mut ascii = [false; 128];
    let mut others: Vec<char> = Vec::new();
    let mut wide_range = false;
    let list: Vec<char> = members.chars().collect();
    let mut rest = list.as_slice();
    loop {
        let (low, high) = match rest {
            [] => break,
            [low, '-', high, tail @ ..] => {
                rest = tail;
                (*low, *high)
            }
            [one, tail @ ..] => {
                rest = tail;
                (*one, *one)
            }
        };
        for code in u32::from(low)..=u32::from(high).min(127) {
            ascii[code as usize] = true;
        }
        if low == high && !low.is_ascii() {
            others.push(low);
        } else if u32::from(high) > 127 {
            wide_range = true;
        }
    }
    if fold {
        for letter in b'a'..=b'z' {
            let (lower, upper) = (usize::from(letter), usize::from(letter.to_ascii_uppercase()));
            let either = ascii[lower] || ascii[upper];
            (ascii[lower], ascii[upper]) = (either, either);
        }
    }
    ascii[usize::from(b'/')] = negated;
    if negated {
        // `[` and `\` cannot be written in a class without an escape: they are not left out, which catches more.
        (ascii[usize::from(b'[')], ascii[usize::from(b'\\')]) = (false, false);
        out.push('(');
        out.push_str(&class(&ascii, true));
        out.push('|');
        out.push_str(WIDE);
        out.push(')');
        return;
    }
    let mut alternatives: Vec<String> = Vec::new();
    for c in ['[', '\\', '^'] {
        if std::mem::take(&mut ascii[c as usize]) {
            alternatives.push(format!("\\{c}"));
        }
    }
    if ascii.contains(&true) {
        alternatives.push(class(&ascii, false));
    }
    alternatives.extend(others.iter().map(char::to_string));
    if wide_range {
        alternatives.push("[^ -~]+".to_owned());
    }
    out.push('(');
    out.push_str(&alternatives.join("|"));
    out.push(')');
}

/// A class of ASCII characters: `]` first, `-` last, runs as ranges.
fn class(members: &[bool; 128], negated: bool) -> String {
    let mut out = String::from(if negated { "[^" } else { "[" });
    let special = [b']', b'-', b'^'];
    let has = |byte: u8| members[usize::from(byte)];
    if has(b']') {
        out.push(']');
    }
    let plain = |code: u8| members[usize::from(code)] && !special.contains(&code);
    let mut at = 1_u8;
    while at < 128 {
        if !plain(at) {
            at += 1;
            continue;
        }
        let mut end = at;
        while end < 127 && plain(end + 1) {
            end += 1;
        }
        out.push(char::from(at));
        if end > at + 1 {
            out.push('-');
        }
        if end > at {
            out.push(char::from(end));
        }
        at = end + 1;
    }
    if has(b'^') {
        out.push('^');
    }
    if has(b'-') {
        out.push('-');
    }
    // Where it would stand first it would turn the class round.
    if out == "[^" && !negated { String::from("\\^") } else { out + "]" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_plain_expressions() {
        let cases: &[(&[&str], &str)] = &[
            (&["**", ".env"], "/([^/]+/)*[.]env(/|$)"),
            (&["*", "c"], "/[^/]+/c(/|$)"),
            (&["a*", "**"], "/a[^/]*(/|$)"),
            (&["[!a-c]"], "/([^/a-c]|[^ -~][^ -~]+)(/|$)"),
            (&["[]x]"], "/([]x])(/|$)"),
            (&["[a-]"], "/([a-])(/|$)"),
            (&["a^b"], "/a\\^b(/|$)"),
        ];
        for (parts, expected) in cases {
            assert_eq!(below(parts, false), *expected, "{parts:?}");
        }
        assert_eq!(below(&[".Sk"], true), "/[.]([sS]|\u{17f})([kK]|\u{212a})(/|$)");
    }
}
