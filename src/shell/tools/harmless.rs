//! In: the text of a `sed` or `awk` program. Out: whether it surely runs no command and writes no file.
//! Not here: which word of a command line is the program (`launch/options.rs`).

/// Whether a sed program runs nothing: made of `p`, `d`, `q`, `=` and `s` without the flags `e` and
/// `w`, with line numbers, `$` or plain `/patterns/` as addresses.
pub(crate) fn sed_is_harmless(program: &[u8]) -> bool {
    let mut at = 0;
    let mut budget = program.len() * 2 + 8;
    loop {
        while matches!(program.get(at), Some(b' ' | b'\t' | b'\n' | b';')) {
            at += 1;
        }
        if at >= program.len() {
            return true;
        }
        let Some(left) = budget.checked_sub(1) else { return false };
        budget = left;
        // Addresses.
        while let Some(byte) = program.get(at) {
            match byte {
                b'0'..=b'9' | b'$' | b',' | b'~' | b'+' | b'!' | b' ' => at += 1,
                b'/' => match skip_to(program, at + 1, b'/') {
                    Some(end) => at = end,
                    None => return false,
                },
                _ => break,
            }
        }
        match program.get(at) {
            Some(b'p' | b'd' | b'q' | b'=' | b'{' | b'}') => at += 1,
            Some(b's') => {
                let Some(&delimiter) = program.get(at + 1) else { return false };
                if delimiter.is_ascii_alphanumeric() || matches!(delimiter, b'\\' | b'\n' | b' ') {
                    return false;
                }
                let Some(middle) = skip_to(program, at + 2, delimiter) else { return false };
                let Some(end) = skip_to(program, middle, delimiter) else { return false };
                at = end;
                while matches!(program.get(at), Some(b'g' | b'p' | b'i' | b'I' | b'0'..=b'9')) {
                    at += 1;
                }
            }
            _ => return false,
        }
        if !matches!(program.get(at), None | Some(b' ' | b';' | b'\n' | b'}' | b'\t')) {
            return program.get(at - 1) == Some(&b'{')
                && sed_is_harmless(program.get(at..).unwrap_or_default());
        }
    }
}

/// One past the end of a bracket expression, which must hold nothing that some `sed` reads differently.
fn skip_bracket(program: &[u8], mut at: usize, delimiter: u8) -> Option<usize> {
    if program.get(at) == Some(&b'^') {
        at += 1;
    }
    let start = at;
    loop {
        match (*program.get(at)?, *program.get(at + 1)?) {
            (b']', _) if at > start => return Some(at + 1),
            (b'\\', next) if matches!(next, b']' | b'\\') || next == delimiter => return None,
            (byte, _) if byte == delimiter => return None,
            (b'[', kind @ (b':' | b'.' | b'=')) => {
                let inner = program.get(at + 2..)?;
                let length = inner.windows(2).position(|pair| pair == [kind, b']'])?;
                if inner.get(..length)?.iter().any(|byte| !byte.is_ascii_alphanumeric()) {
                    return None;
                }
                at += length + 4;
            }
            _ => at += 1,
        }
    }
}

/// One past the next delimiter that is not escaped; brackets may hold it, which ends the reading.
fn skip_to(program: &[u8], mut at: usize, delimiter: u8) -> Option<usize> {
    loop {
        match program.get(at)? {
            b'\\' => at += 2,
            b'[' => at = skip_bracket(program, at + 1, delimiter)?,
            byte if *byte == delimiter => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Whether an awk program surely runs nothing and writes nothing: no `system`, no pipe, no
/// redirection, no extension.
pub(crate) fn awk_is_harmless(program: &[u8]) -> bool {
    let has = |needle: &[u8]| program.windows(needle.len()).any(|window| window == needle);
    // `a || b` is no pipe, `>=` no redirection, and `$1 > 5` cannot be told from one: it asks.
    let pipes = program.iter().enumerate().any(|(at, &byte)| {
        byte == b'|'
            && program.get(at + 1) != Some(&b'|')
            && at.checked_sub(1).is_none_or(|before| program.get(before) != Some(&b'|'))
    });
    let writes =
        program.iter().enumerate().any(|(at, &byte)| byte == b'>' && program.get(at + 1) != Some(&b'='));
    !(pipes || (writes && has(b"print")) || has(b"system") || has(b"@") || has(b"/inet"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::rust_2024::*;

    #[test]
    fn sed_that_runs_or_writes_is_seen() {
        for program in ["s/a/b/", "s|a|b|g;p", "1,5p", "/x/d", "$!d", "s/[a-z]/x/gI", "10q"] {
            assert!(sed_is_harmless(program.as_bytes()), "{program}");
        }
        for program in
            ["s/a/b/e", "s/a/b/w f", "1e id", "w f", "e", "r f", "s/a/b", "s/a/b/ge", "p;w f", "/[/]/e id"]
        {
            assert!(!sed_is_harmless(program.as_bytes()), "{program}");
        }
    }

    #[test]
    fn awk_that_runs_or_writes_is_seen() {
        assert!(awk_is_harmless(b"{print $1}"));
        assert!(awk_is_harmless(b"$1 >= 3 || NR == 1"));
        for program in ["BEGIN{system(\"id\")}", "{print | \"sh\"}", "{print > \"f\"}", "{\"id\" | getline}"]
        {
            assert!(!awk_is_harmless(program.as_bytes()), "{program}");
        }
    }
}
