//! In: a profile and one question. Out: whether a path is capped, a variable seen.
//! Not here: the access of a path as a whole, which needs the host's roots and links (`confine/`).
//!
//! The reference is `model.rs`; the two are compared on random profiles.

use super::clause::{EnvAction, GlobRule, Profile, Protect};
use super::glob;

/// What a command sees of an environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable<'a> {
    /// Nothing.
    Absent,
    /// The value the caller has.
    Passed,
    /// This value.
    Set(&'a str),
}

impl<T: AsRef<str>> Profile<T> {
    /// What becomes of a variable, by its name as bytes: a `set`, then a name written out, then a pattern; deny before pass.
    #[must_use]
    pub fn variable(&self, name: &[u8]) -> Variable<'_> {
        variable(self.env.iter().map(|rule| (rule.pattern.as_ref(), rule.action.as_ref())), name)
    }
}

/// [`Profile::variable`] for rules that are kept elsewhere: patterns, and what happens to the names they match.
#[must_use]
pub fn variable<'a, 'p>(
    rules: impl IntoIterator<Item = (&'p str, EnvAction<&'a str>)>,
    name: &[u8],
) -> Variable<'a> {
    let mut best: Option<(u8, EnvAction<&'a str>)> = None;
    for (pattern, action) in rules {
        if let Some(rank) = rank(pattern, action, name)
            && best.is_none_or(|(known, _)| rank < known)
        {
            best = Some((rank, action));
        }
    }
    match best {
        Some((_, EnvAction::Set(value))) => Variable::Set(value),
        Some((_, EnvAction::Pass)) => Variable::Passed,
        Some((_, EnvAction::Deny)) | None => Variable::Absent,
    }
}

/// How strong a rule is for a name, 0 the strongest; `None` if it is about other names.
fn rank(pattern: &str, action: EnvAction<&str>, name: &[u8]) -> Option<u8> {
    let exact = !pattern.contains('*');
    let fold = action == EnvAction::Deny;
    // Patterns for variables know `*` only, and `[` and `?` cannot stand in them; a name may hold any byte but `=`.
    let fits = star(pattern.as_bytes(), name, fold);
    fits.then_some(match (action, exact) {
        (EnvAction::Set(_), _) => 0,
        (EnvAction::Deny, true) => 1,
        (EnvAction::Pass, true) => 2,
        (EnvAction::Deny, false) => 3,
        (EnvAction::Pass, false) => 4,
    })
}

/// Whether a pattern fits, where `*` stands for any bytes: on a mismatch the last `*` takes one byte more.
fn star(pattern: &[u8], name: &[u8], fold: bool) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), name.split_first()) {
            (Some((b'*', rest)), _) => {
                retry = Some((rest, name));
                pattern = rest;
            }
            (None, None) => return true,
            (Some((want, rest)), Some((have, tail)))
                if want == have || (fold && want.eq_ignore_ascii_case(have)) =>
            {
                pattern = rest;
                name = tail;
            }
            _ => match retry.and_then(|(rest, from)| Some((rest, from.split_first()?.1))) {
                Some((rest, tail)) => {
                    retry = Some((rest, tail));
                    pattern = rest;
                    name = tail;
                }
                None => return false,
            },
        }
    }
}

impl<T: AsRef<str>> GlobRule<T> {
    /// Whether the glob catches a path, given as its bytes below [`GlobRule::place`], or an ancestor of it.
    #[must_use]
    pub fn catches(&self, below: &[u8], fold: bool) -> bool {
        glob::matches(self.pattern.as_ref(), below, fold)
    }
}

impl<T: AsRef<str>> Protect<T> {
    /// Whether an absolute path bears the name in its last components. `path` begins with `/`; that its last component is strictly below a writable
    /// root is for the caller to know.
    #[must_use]
    pub fn names(&self, path: &[u8], fold: bool) -> bool {
        let mut rest = path;
        loop {
            match rest.split_first() {
                Some((b'/', tail)) => {
                    if glob::matches_exactly(self.name.as_ref(), tail, fold) {
                        return true;
                    }
                    rest = tail;
                }
                Some((_, tail)) => rest = tail,
                None => return false,
            }
        }
    }
}
