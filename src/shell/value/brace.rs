//! In: the parts of a word. Out: the words that brace expansion makes of it.
//! Not here: any other expansion; this one comes first and looks at unquoted text only.

use crate::syntax::ast::Part;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

/// How many words one word may become.
const MOST: usize = 512;

/// How long a word with braces may be.
const LONGEST: usize = 2048;

/// A byte of unquoted text, or a part that brace expansion does not look into.
#[derive(Clone)]
enum Unit {
    Byte(u8),
    Whole(Part),
}

/// The words; `None` if they are too many, or if braces are so unbalanced that shells disagree.
pub fn expand(parts: &[Part]) -> Option<Vec<Vec<Part>>> {
    let opens = |part: &Part| matches!(part, Part::Plain(text) if text.contains(&b'{'));
    if !parts.iter().any(opens) {
        return Some(vec![parts.to_vec()]);
    }
    let length: usize =
        parts.iter().map(|part| if let Part::Plain(text) = part { text.len() } else { 1 }).sum();
    if length > LONGEST {
        return None;
    }
    // `$x{a,b}` is `$xa $xb`: the braces come first and change the name.
    let renamed = parts.windows(2).any(|pair| {
        matches!(pair, [Part::Parameter { quoted: false, .. }, Part::Plain(text)] if text.first() == Some(&b'{'))
    });
    // So does a `$` that comes to stand before the text behind the braces: `{$,}x`.
    let plain = || {
        parts.iter().filter_map(|part| if let Part::Plain(text) = part { Some(text) } else { None }).flatten()
    };
    let count = |wanted: u8| plain().filter(|byte| **byte == wanted).count();
    if renamed || count(b'$') > 0 {
        return None;
    }
    // Which brace closes which is up to a comma in between: `{a},}` is `a}` and nothing.
    if count(b'{') != count(b'}') && (count(b',') > 0 || count(b'.') > 1) {
        return None;
    }
    let mut units = Vec::new();
    for part in parts {
        match part {
            Part::Plain(text) => units.extend(text.iter().map(|&byte| Unit::Byte(byte))),
            other => units.push(Unit::Whole(other.clone())),
        }
    }
    let words = words(&units, 0)?;
    Some(words.into_iter().map(|word| parts_of(&word)).collect())
}

fn byte_at(units: &[Unit], at: usize) -> Option<u8> {
    match units.get(at) {
        Some(Unit::Byte(byte)) => Some(*byte),
        _ => None,
    }
}

fn words(units: &[Unit], depth: usize) -> Option<Vec<Vec<Unit>>> {
    if depth > 16 {
        return None;
    }
    let opening = (0..units.len()).find(|&at| byte_at(units, at) == Some(b'{'));
    let Some(open) = opening else { return Some(vec![units.to_vec()]) };
    // `{}` is left alone wherever it stands.
    if byte_at(units, open + 1) == Some(b'}') {
        let rest = words(units.get(open + 2..)?, depth + 1)?;
        return join(&[units.get(..open + 2)?.to_vec()], &rest);
    }
    let mut level = 0_usize;
    let mut commas = vec![open];
    let mut close = None;
    for at in open..units.len() {
        match byte_at(units, at) {
            Some(b'{') => level += 1,
            Some(b'}') => {
                level -= 1;
                if level == 0 {
                    close = Some(at);
                    break;
                }
            }
            Some(b',') if level == 1 => commas.push(at),
            _ => {}
        }
    }
    let Some(close) = close else {
        // No closing brace: literal if nothing in it could be a list.
        let rest = units.get(open + 1..)?;
        let lists = (0..rest.len()).any(|at| matches!(byte_at(rest, at), Some(b',' | b'{')))
            || (0..rest.len())
                .any(|at| byte_at(rest, at) == Some(b'.') && byte_at(rest, at + 1) == Some(b'.'));
        return (!lists).then(|| vec![units.to_vec()]);
    };
    let before = units.get(..open)?.to_vec();
    let after = words(units.get(close + 1..)?, depth + 1)?;
    let mut middle = Vec::new();
    if commas.len() > 1 {
        commas.push(close);
        for pair in commas.windows(2) {
            let [from, to] = pair else { continue };
            middle.extend(words(units.get(from + 1..*to)?, depth + 1)?);
        }
    } else {
        let inside = units.get(open + 1..close)?;
        let text: Option<Vec<u8>> = (0..inside.len()).map(|at| byte_at(inside, at)).collect();
        match text {
            Some(text) => match sequence(&text) {
                Sequence::Words(words) => {
                    middle =
                        words.into_iter().map(|word| word.into_iter().map(Unit::Byte).collect()).collect();
                }
                Sequence::Text if text.contains(&b'{') => return None,
                Sequence::Text => middle = vec![units.get(open..=close)?.to_vec()],
                Sequence::Unclear => return None,
            },
            // With an expansion or quotes inside and no comma, the braces stay; so do inner ones.
            None => {
                let dots = (0..inside.len()).any(|at| byte_at(inside, at) == Some(b'.'));
                if dots || (0..inside.len()).any(|at| byte_at(inside, at) == Some(b'{')) {
                    return None;
                }
                middle = vec![units.get(open..=close)?.to_vec()];
            }
        }
    }
    join(&join(&[before], &middle)?, &after)
}

fn join(left: &[Vec<Unit>], right: &[Vec<Unit>]) -> Option<Vec<Vec<Unit>>> {
    if left.len().saturating_mul(right.len()) > MOST {
        return None;
    }
    Some(
        left.iter()
            .flat_map(|left| right.iter().map(move |right| [left.as_slice(), right].concat()))
            .collect(),
    )
}

enum Sequence {
    Words(Vec<Vec<u8>>),
    Text,
    Unclear,
}

/// `1..3`, `a..e`, with an optional step. Zero-padded and mixed forms are unclear.
fn sequence(text: &[u8]) -> Sequence {
    let Ok(text) = core::str::from_utf8(text) else { return Sequence::Unclear };
    if !text.contains("..") {
        return Sequence::Text;
    }
    let ends: Vec<&str> = text.split("..").collect();
    let number = |word: &str| -> Option<i64> {
        let digits = word.strip_prefix('-').unwrap_or(word);
        let plain = digits.len() == 1 || !digits.starts_with('0');
        (plain && digits.len() < 10 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| word.parse().ok())
            .flatten()
    };
    let letter = |word: &str| match word.as_bytes() {
        [byte] if byte.is_ascii_alphabetic() => Some(i64::from(*byte)),
        _ => None,
    };
    let step = match ends.get(2) {
        Some(step) => match number(step) {
            Some(step) => step.unsigned_abs().max(1),
            None => return Sequence::Unclear,
        },
        None => 1,
    };
    let (Some(first), Some(last), 2..=3) = (ends.first(), ends.get(1), ends.len()) else {
        return Sequence::Unclear;
    };
    let (from, to, letters) = match (number(first), number(last), letter(first), letter(last)) {
        (Some(from), Some(to), ..) => (from, to, false),
        // From upper to lower case the range holds signs that shells treat differently.
        (_, _, Some(from), Some(to)) if (from < 97) == (to < 97) => (from, to, true),
        _ => return Sequence::Unclear,
    };
    let count = from.abs_diff(to) / step;
    if count >= MOST as u64 {
        return Sequence::Unclear;
    }
    let words = (0..=count).map(|at| {
        let offset = i64::try_from(at * step).unwrap_or(0);
        let value = if from <= to { from + offset } else { from - offset };
        if letters { vec![u8::try_from(value).unwrap_or(b'?')] } else { value.to_string().into_bytes() }
    });
    Sequence::Words(words.collect())
}

fn parts_of(units: &[Unit]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for unit in units {
        match (unit, parts.last_mut()) {
            (Unit::Byte(byte), Some(Part::Plain(text))) => text.push(*byte),
            (Unit::Byte(byte), _) => parts.push(Part::Plain(vec![*byte])),
            (Unit::Whole(part), _) => parts.push(part.clone()),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::rust_2024::*;

    fn expanded(word: &str) -> Option<Vec<String>> {
        let words = expand(&[Part::Plain(word.into())])?;
        let text = |parts: Vec<Part>| match parts.as_slice() {
            [Part::Plain(text)] => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        Some(words.into_iter().map(text).collect())
    }

    #[test]
    fn as_bash_does_it() {
        for (word, words) in [
            ("a{b", Some("a{b")),
            ("}", Some("}")),
            ("{}", Some("{}")),
            ("{a}", Some("{a}")),
            ("a{1..3}b", Some("a1b a2b a3b")),
            ("{3..1}", Some("3 2 1")),
            ("{a,b}{c,d}", Some("ac ad bc bd")),
            ("x{,y}", Some("x xy")),
            ("{a,{b,c}}", Some("a b c")),
            ("{a..e..2}", Some("a c e")),
            ("{01..10}", None),
            ("{a,b", None),
        ] {
            let found = expanded(word).map(|words| words.join(" "));
            assert_eq!(found.as_deref(), words, "{word}");
        }
    }
}
