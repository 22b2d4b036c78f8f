//! In: the text of an arithmetic expression whose variables are known or not. Out: its value, if it
//! is a constant of the four operations, and whether evaluating it can run anything.
//!
//! A shell evaluates the *values* of names in arithmetic again as arithmetic, and a subscript in them
//! can hold a command substitution: `x='a[$(cmd)]'; echo $((x))` runs `cmd`. So a name is harmless
//! only if its value is an integer. Not here: assignments inside expressions (they make the variable
//! an integer, see `names`).

use alloc::vec::Vec;

/// The value of `a`, `a+b`, `a-b*c` …, parentheses and unary minus, in 64 bits; `None` if there is
/// anything else.
pub fn constant(text: &[u8]) -> Option<i64> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if text.is_empty() || text.len() > 200 {
        return None;
    }
    let mut at = 0;
    let value = sum(&text, &mut at, 0)?;
    (at == text.len()).then_some(value)
}

fn sum(text: &[u8], at: &mut usize, depth: usize) -> Option<i64> {
    let mut value = product(text, at, depth)?;
    while let Some(sign @ (b'+' | b'-')) = text.get(*at) {
        if text.get(*at + 1) == Some(sign) {
            return None;
        }
        *at += 1;
        let right = product(text, at, depth)?;
        value = if *sign == b'+' { value.checked_add(right)? } else { value.checked_sub(right)? };
    }
    Some(value)
}

fn product(text: &[u8], at: &mut usize, depth: usize) -> Option<i64> {
    let mut value = unit(text, at, depth)?;
    while let Some(sign @ (b'*' | b'/' | b'%')) = text.get(*at) {
        *at += 1;
        let right = unit(text, at, depth)?;
        value = match sign {
            b'*' => value.checked_mul(right)?,
            b'/' => value.checked_div(right)?,
            _ => value.checked_rem(right)?,
        };
    }
    Some(value)
}

fn unit(text: &[u8], at: &mut usize, depth: usize) -> Option<i64> {
    if depth > 8 {
        return None;
    }
    match text.get(*at)? {
        b'-' => {
            *at += 1;
            unit(text, at, depth + 1)?.checked_neg()
        }
        b'(' => {
            *at += 1;
            let value = sum(text, at, depth + 1)?;
            (text.get(*at) == Some(&b')')).then(|| *at += 1)?;
            Some(value)
        }
        _ => {
            let start = *at;
            while text.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            let digits = text.get(start..*at)?;
            // A leading zero is octal, `0x` hexadecimal, `8#7` a base: not constants here.
            if digits.is_empty() || (digits.len() > 1 && digits.first() == Some(&b'0')) {
                return None;
            }
            core::str::from_utf8(digits).ok()?.parse().ok()
        }
    }
}

/// The variable names in an expression, and whether the expression is made of nothing but names,
/// numbers and operators (no subscripts, quotes or expansions).
pub fn names(text: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut names = Vec::new();
    let mut plain = true;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte == b'_' || byte.is_ascii_alphanumeric() {
            let start = at;
            while text
                .get(at)
                .is_some_and(|&byte| byte == b'_' || byte.is_ascii_alphanumeric() || byte == b'#')
            {
                at += 1;
            }
            if !byte.is_ascii_digit() {
                names.push(text.get(start..at).unwrap_or_default().to_vec());
            }
            continue;
        }
        plain &= byte.is_ascii_whitespace() || b"+-*/%<>=!&|^~?:,();".contains(&byte);
        at += 1;
    }
    (names, plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::rust_2024::*;

    #[test]
    fn constants_are_computed() {
        for (text, value) in [
            ("1", Some(1)),
            ("1 + 2 * 3", Some(7)),
            ("-(2-5)", Some(3)),
            ("010", None),
            ("1/0", None),
            ("x", None),
            ("9223372036854775807+1", None),
        ] {
            assert_eq!(constant(text.as_bytes()), value, "{text}");
        }
    }

    #[test]
    fn a_subscript_is_not_plain() {
        assert_eq!(names(b"i + 1"), (vec![b"i".to_vec()], true));
        assert!(!names(b"a[0]").1);
    }
}
