//! In: a script for zsh. Out: why it cannot be read as one for bash, if so.
//! Not here: any reading of zsh's own syntax; what has a sign of it is opaque as a whole.

/// Why a script for zsh cannot be read as one for bash, if so. The list is of zsh's own syntax
/// (zshexpn(1), zshmisc(1)), found as text, so it also finds some that is harmless.
pub fn zsh_only(text: &[u8]) -> Option<&'static str> {
    let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    let starts_word = |byte: u8| {
        text.windows(2)
            .any(|pair| matches!(pair, [before, now] if *now == byte && b" \t\n;&|({`".contains(before)))
            || text.first() == Some(&byte)
    };
    let needles: &[&[u8]] = &[
        b"${(",
        b"${=",
        b"${~",
        b"${^",
        b"$=",
        b"$~",
        b"$^",
        b"$+",
        b"=(",
        b"repeat",
        b"foreach",
        b"always",
        b"nocorrect",
        b"noglob",
        b"zmodload",
        b"autoload",
        b"emulate",
        b"setopt",
        b"alias -g",
        b"alias -s",
        b">!",
        b">>!",
        b">>|",
        b"&|",
        b"&!",
        b"(e:",
        b"(+",
        b"zle",
        b"sched",
        b"<->",
        b"$(<",
        b"${${",
        b"disable",
        b"()",
        b"zargs",
    ];
    // `<1-5>` is a pattern of numbers.
    let numbers = text.windows(2).any(|pair| matches!(pair, [b'<', digit] if digit.is_ascii_digit()));
    let subscript = text.windows(2).enumerate().any(|(at, pair)| {
        matches!(pair, [before, b'[' | b':'] if before.is_ascii_alphanumeric() || *before == b'_')
            && text.get(..at).is_some_and(|before| {
                before.iter().rposition(|&byte| byte == b'$').is_some_and(|dollar| {
                    before.get(dollar + 1..).is_some_and(|name| {
                        name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                    })
                })
            })
    });
    (subscript
        || numbers
        || starts_word(b'=')
        || starts_word(b'-') && has(b"- ")
        || needles.iter().any(|needle| has(needle)))
    .then_some("may mean something else in zsh")
}
