//! In: words that somebody mistyped. Out: the pieces of a helpful message.
//! Not here: the diagnostics themselves.

/// A text for a message: control characters made visible, cut where it gets long.
#[must_use]
pub fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    let mut out = String::new();
    for c in text.chars().take(MOST) {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
}

/// The known word nearest to a wrong one, if it is near enough to be meant.
#[must_use]
pub fn nearest<'w>(wrong: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if wrong.len() > 64 {
        return None;
    }
    let wrong = wrong.to_ascii_lowercase();
    let allowed = match wrong.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&wrong, &word.to_ascii_lowercase()), word))
        .filter(|&(distance, word)| distance <= allowed && distance < word.chars().count())
        .min()
        .map(|(_, word)| word)
}

/// `did you mean …`, if there is something to suggest.
#[must_use]
pub fn did_you_mean<'w>(wrong: &str, known: impl IntoIterator<Item = &'w str>) -> Option<String> {
    nearest(wrong, known).map(|word| format!("did you mean `{word}`?"))
}

/// "`a`, `b` and `c`".
#[must_use]
pub fn list<T: AsRef<str>>(words: &[T]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
