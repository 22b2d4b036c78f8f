//! In: literal bytes and unknowns. Out: [`WordSet`], the set of strings that a word of a script can
//! be, which answers what a rule asks of it.
//! Not here: sets of argvs (`argv.rs`), and how a script's words become sets (`interpret/expand.rs`).

use super::spelling::Spellings;
use crate::names::tool_name;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// One part of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// These bytes.
    Literal(Vec<u8>),
    /// One character (one to four bytes), whatever it is.
    Character,
    /// A decimal integer, perhaps with a sign.
    Integer,
    /// Any bytes, perhaps none.
    Anything,
}

/// A sequence of pieces; it stands for every concatenation of what its pieces stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(pub Vec<Piece>);

/// How many alternatives a set keeps before it becomes "anything".
const MAX_ALTERNATIVES: usize = 16;
/// How many pieces a pattern keeps before its tail becomes "anything".
const MAX_PIECES: usize = 32;

/// The strings that a word can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WordSet {
    /// Exactly these bytes.
    Known(Vec<u8>),
    /// Whatever one of the patterns stands for; never empty.
    Patterns(Vec<Pattern>),
}

impl Default for WordSet {
    /// The empty text.
    fn default() -> Self {
        Self::Known(Vec::new())
    }
}

impl Pattern {
    /// The pattern of any string.
    #[must_use]
    pub fn anything() -> Self {
        Self(vec![Piece::Anything])
    }

    /// Appends a piece, merging neighbours where nothing is lost.
    pub fn push(&mut self, piece: Piece) {
        let full = self.0.len() >= MAX_PIECES;
        match (self.0.last_mut(), piece) {
            (Some(Piece::Anything), Piece::Anything) => {}
            (Some(Piece::Literal(before)), Piece::Literal(bytes)) => before.extend_from_slice(&bytes),
            (_, Piece::Literal(bytes)) if bytes.is_empty() => {}
            (Some(Piece::Anything), _) if full => {}
            (_, piece) if !full => self.0.push(piece),
            _ => self.0.push(Piece::Anything),
        }
    }

    /// This one with the pieces of another behind it.
    fn followed_by(mut self, next: &Self) -> Self {
        for piece in &next.0 {
            self.push(piece.clone());
        }
        self
    }

    /// The bytes, if the pattern stands for one string only.
    #[must_use]
    pub fn literal(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(b""),
            [Piece::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Whether the pattern stands for this string.
    #[must_use]
    pub fn could_be(&self, word: &[u8]) -> bool {
        if let Some(bytes) = self.literal() {
            return bytes == word;
        }
        // The set of positions in `word` that the pieces read so far can have reached.
        let mut reached = vec![false; word.len() + 1];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        for piece in &self.0 {
            let mut next = vec![false; word.len() + 1];
            for at in (0..=word.len()).filter(|&at| reached.get(at) == Some(&true)) {
                let rest = word.get(at..).unwrap_or_default();
                let (shortest, longest) = match piece {
                    Piece::Literal(bytes) if rest.starts_with(bytes) => (bytes.len(), bytes.len()),
                    Piece::Literal(_) => continue,
                    Piece::Character => (1, 4),
                    Piece::Anything => (0, rest.len()),
                    Piece::Integer => {
                        let sign = usize::from(rest.first() == Some(&b'-'));
                        let digits = rest.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
                        if digits == 0 {
                            continue;
                        }
                        (sign + 1, sign + digits)
                    }
                };
                for length in shortest..=longest.min(rest.len()) {
                    if let Some(slot) = next.get_mut(at + length) {
                        *slot = true;
                    }
                }
            }
            reached = next;
        }
        reached.last() == Some(&true)
    }

    /// Whether some string of the pattern names this tool ([`tool_name`]), ASCII case aside; the answer may be a false yes, never a
    /// false no. A pattern that says nothing about the last component answers no: such a program word is opaque, and the caller
    /// has to treat it so.
    #[must_use]
    pub fn could_be_named(&self, name: &[u8]) -> bool {
        if let Some(bytes) = self.literal() {
            return tool_name(bytes).eq_ignore_ascii_case(name);
        }
        let Some(mut tail) = self.name_part() else { return false };
        // `C:` ends a drive.
        if let Some(Piece::Literal(first)) = tail.first_mut()
            && matches!(first.as_slice(), [drive, b':', ..] if drive.is_ascii_alphabetic())
        {
            first.drain(..2);
        }
        let spellings = Spellings::of(&name.to_ascii_lowercase());
        // An unknown part can end in a slash, so the name can begin at each of them.
        let starts = (0..tail.len()).filter(|&at| at == 0 || tail.get(at) == Some(&Piece::Anything));
        starts
            .filter_map(|at| tail.get(at..))
            .any(|rest| rest.iter().any(|piece| !says_nothing(piece)) && spellings.meet(rest))
    }

    /// The pieces after the last slash that is surely there. Unknown parts can hold slashes
    /// themselves, which `could_be_named` covers: a name that follows such a slash is matched by the
    /// unknown part being shorter. `None`: nothing is known about the base name.
    fn name_part(&self) -> Option<Vec<Piece>> {
        let mut tail: Vec<Piece> = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(bytes) => {
                    // A slash at the end (or `/.`) begins no new component.
                    let end = bytes.strip_suffix(b"/.").unwrap_or(bytes);
                    let end = end.len()
                        - end.iter().rev().take_while(|&&byte| matches!(byte, b'/' | b'\\')).count();
                    let separates = |byte: &u8| matches!(byte, b'/' | b'\\');
                    let slash = bytes.get(..end).and_then(|name| name.iter().rposition(separates));
                    if let Some(at) = slash {
                        tail.clear();
                        tail.push(Piece::Literal(bytes.get(at + 1..).unwrap_or_default().to_vec()));
                    } else {
                        tail.push(piece.clone());
                    }
                }
                other => tail.push(other.clone()),
            }
        }
        if tail.iter().all(says_nothing) {
            return None;
        }
        Some(tail)
    }
}

/// Whether a piece tells nothing about a base name.
fn says_nothing(piece: &Piece) -> bool {
    match piece {
        Piece::Anything => true,
        Piece::Literal(bytes) => bytes.iter().all(|byte| matches!(byte, b'/' | b'.')),
        Piece::Character | Piece::Integer => false,
    }
}

impl WordSet {
    /// Any string at all.
    #[must_use]
    pub fn anything() -> Self {
        Self::Patterns(vec![Pattern::anything()])
    }

    /// Some decimal integer.
    #[must_use]
    pub fn integer() -> Self {
        Self::Patterns(vec![Pattern(vec![Piece::Integer])])
    }

    /// The only string it can be, if there is only one.
    #[must_use]
    pub fn known(&self) -> Option<&[u8]> {
        match self {
            Self::Known(bytes) => Some(bytes),
            Self::Patterns(_) => None,
        }
    }

    /// Every string it can be, if they are finitely many.
    #[must_use]
    pub fn finite(&self) -> Option<Vec<&[u8]>> {
        match self {
            Self::Known(bytes) => Some(vec![bytes]),
            Self::Patterns(patterns) => patterns.iter().map(Pattern::literal).collect(),
        }
    }

    /// The alternatives as patterns.
    #[must_use]
    pub fn patterns(&self) -> Vec<Pattern> {
        self.clone().into_patterns()
    }

    /// The set of these alternatives; too many become "anything".
    #[must_use]
    pub fn of(mut patterns: Vec<Pattern>) -> Self {
        patterns.sort();
        patterns.dedup();
        if patterns.len() > MAX_ALTERNATIVES || patterns.is_empty() {
            return Self::anything();
        }
        match patterns.as_mut_slice() {
            [Pattern(only)] if only.is_empty() => Self::default(),
            [Pattern(only)] => match only.as_mut_slice() {
                [Piece::Literal(bytes)] => Self::Known(core::mem::take(bytes)),
                _ => Self::Patterns(patterns),
            },
            _ => Self::Patterns(patterns),
        }
    }

    /// Every string of this set followed by one of the next. Text behind text is put in its place: a word of many parts is not
    /// copied for each of them.
    pub fn append(&mut self, next: &Self) {
        let right: &[Pattern] = match (&mut *self, next) {
            (Self::Known(text), Self::Known(more)) => return text.extend_from_slice(more),
            (Self::Patterns(patterns), Self::Known(more)) => {
                if let [pattern] = patterns.as_mut_slice() {
                    return pattern.push(Piece::Literal(more.clone()));
                }
                &next.patterns()
            }
            (_, Self::Patterns(patterns)) => patterns,
        };
        let left = core::mem::take(self).into_patterns();
        *self = match (left.len() * right.len(), right) {
            (65.., _) => Self::anything(),
            (_, [only]) => Self::of(left.into_iter().map(|pattern| pattern.followed_by(only)).collect()),
            _ => {
                let pairs =
                    left.iter().flat_map(|one| right.iter().map(move |other| one.clone().followed_by(other)));
                Self::of(pairs.collect())
            }
        };
    }

    /// The alternatives as patterns, without a copy.
    fn into_patterns(self) -> Vec<Pattern> {
        match self {
            Self::Known(text) if text.is_empty() => vec![Pattern::default()],
            Self::Known(text) => vec![Pattern(vec![Piece::Literal(text)])],
            Self::Patterns(patterns) => patterns,
        }
    }

    /// Everything that either can be.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self == other {
            return self.clone();
        }
        let mut patterns = self.patterns();
        patterns.extend(other.patterns());
        Self::of(patterns)
    }

    /// Everything that either can be, and coarse enough that repeating it comes to an end: two
    /// integers become "an integer", everything else that differs becomes "anything".
    #[must_use]
    pub fn widen(&self, other: &Self) -> Self {
        if self == other {
            self.clone()
        } else if self.is_integer() && other.is_integer() {
            Self::integer()
        } else {
            Self::anything()
        }
    }

    /// Whether every string of the set is a plain decimal integer.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        self.patterns().iter().all(|pattern| match pattern.0.as_slice() {
            [Piece::Integer] => true,
            [Piece::Literal(bytes)] => {
                let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
                !digits.is_empty() && digits.len() < 18 && digits.iter().all(u8::is_ascii_digit)
            }
            _ => false,
        })
    }

    /// Whether some string of the set begins with these bytes; wrong only towards yes.
    #[must_use]
    pub fn could_start_with(&self, start: &[u8]) -> bool {
        self.patterns().iter().any(|pattern| match pattern.0.first() {
            None => start.is_empty(),
            Some(Piece::Literal(bytes)) => {
                bytes.starts_with(start) || pattern.0.len() > 1 && start.starts_with(bytes)
            }
            Some(_) => true,
        })
    }

    /// Whether the word could be this token.
    #[must_use]
    pub fn could_be(&self, word: &[u8]) -> bool {
        match self {
            Self::Known(bytes) => bytes == word,
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.could_be(word)),
        }
    }

    /// Whether the word could name this program ([`Pattern::could_be_named`]).
    #[must_use]
    pub fn could_be_named(&self, name: &[u8]) -> bool {
        match self {
            Self::Known(bytes) => tool_name(bytes).eq_ignore_ascii_case(name),
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.could_be_named(name)),
        }
    }

    /// About how many bytes the set takes.
    #[must_use]
    pub fn size(&self) -> usize {
        let piece = |piece: &Piece| if let Piece::Literal(bytes) = piece { bytes.len() } else { 1 };
        match self {
            Self::Known(bytes) => bytes.len(),
            Self::Patterns(patterns) => patterns.iter().flat_map(|pattern| &pattern.0).map(piece).sum(),
        }
    }

    /// How a person would write it: `*` for anything, `?` for a character, `<n>` for an integer.
    #[must_use]
    pub fn describe(&self) -> String {
        let one = |pattern: &Pattern| -> String {
            pattern
                .0
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Piece::Character => "?".to_owned(),
                    Piece::Integer => "<n>".to_owned(),
                    Piece::Anything => "*".to_owned(),
                })
                .collect()
        };
        match self {
            Self::Known(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Patterns(patterns) => patterns.iter().map(one).collect::<Vec<_>>().join("|"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::rust_2024::*;

    fn pattern(pieces: &[&str]) -> Pattern {
        let mut pattern = Pattern::default();
        for piece in pieces {
            pattern.push(match *piece {
                "*" => Piece::Anything,
                "?" => Piece::Character,
                "#" => Piece::Integer,
                text => Piece::Literal(text.into()),
            });
        }
        pattern
    }

    #[test]
    fn a_pattern_says_what_it_could_be() {
        for (pieces, word, answer) in [
            (&["a", "*"][..], "abc", true),
            (&["*", "b"], "abc", false),
            (&["pus", "?"], "push", true),
            (&["?", "?"], "x", false),
            (&["#"], "-12", true),
            (&["#"], "--force", false),
            (&["*", ".txt"], "-A", false),
            (&[], "", true),
        ] {
            assert_eq!(pattern(pieces).could_be(word.as_bytes()), answer, "{pieces:?} {word}");
        }
    }

    #[test]
    fn a_program_is_known_by_its_base_name_in_any_case() {
        for (pieces, answer) in [
            (&["/usr/*/", "*", "it"][..], true),
            (&["*", "/git"], true),
            (&["*", "IT"], true),
            (&["g", "*"], true),
            (&["g", "*", "/."], true),
            (&["*"], false),
            (&["/bin/", "*"], false),
            (&["*", "x"], false),
            (&["git.", "?", "xe"], true),
            (&["*", "\\git.cmd"], true),
            (&["git-", "#"], true),
            (&["git", "?"], true),
            (&["gi", "*", ".exe"], true),
            (&["c:g", "*"], true),
            (&["ggi", "*"], false),
            (&["git.s", "*"], false),
        ] {
            assert_eq!(pattern(pieces).could_be_named(b"git"), answer, "{pieces:?}");
        }
    }
}
