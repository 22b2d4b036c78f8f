//! Words in every spelling: all short strings over the characters that mean something to a shell.
//!
//! In: alphabets. Out: none is missed. Not here: the shells (`shell_real.rs`).

use crate::random::Random;
use crate::shell_real;

/// Each with the length up to which all strings over it are tried.
const ALPHABETS: &[(&[&str], usize)] = &[
    (&["p", "'", "\"", "\\", "$", " ", "#", "\n"], 5),
    (&["p", "{", "}", ",", ".", "1", "$", "*"], 5),
    (&["p", ";", "&", "|", "(", ")", "<", ">", "!", "\n"], 4),
    (&["p", "$", "(", ")", "`", "\"", "\\", " "], 5),
    (&["p", "$", "{", "}", "x", "#", "%", "/", ":", "-"], 4),
    (&["foo", " ", "<<p", "\n", "p", "-", "\\", "'", "$x"], 5),
    (&["x=", "foo ", "p", " ", ";", "2>", "&", "1", "\n", "$x"], 5),
    (&["foo p", "if ", "; then ", "; fi", "!", "{ ", " ; }", "(", ")", "\n"], 5),
    // What zsh has of its own: subscripts, modifiers, paths of commands, modifiers of commands.
    (&["p", "$", "@", "*", "#", "[", "x", "]", ":", "="], 4),
    (&["x=", "=", "foo ", ":", "~", "p", " ", "+", "$x", "^"], 4),
    (&["foo p", "repeat 2 ", "always ", "{ ", " }", "; ", "noglob ", "- ", "x=1 ", ">p "], 5),
    (&["foo p", "[[ ", " ]]", "-t ", "$x", " == ", " && ", "p*", " -eq ", "\n", "; "], 5),
    (&["foo p", "case p in ", "p) ", ";;", " esac", "(", "\n", "for x in p; do ", "; done", "|"], 5),
];
/// Between these, all strings up to the same length.
const BETWEEN: &[(&str, &[&str], &str, usize)] = &[
    ("$'", &["\\", "x", "7", "0", "1", "u", "c", "p", "\""], "'", 4),
    ("\"", &["\\", "$", "`", "p", "!", "'", "\n", "x"], "\"", 4),
    ("`", &["\\", "$", "\"", "foo ", "'", "p", "\\`"], "`", 4),
    ("<<\"p\" cat\n", &["p", "\n", "\\", "$x", " ", "'"], "\np\nfoo p", 4),
    ("<<p\n", &["p", "\n", "\\", "$(foo ", ")", "`foo `"], "\np\nfoo p", 4),
    ("<<-p\n", &["p", "\n", "\\", "\t", " "], "\np\nfoo p", 5),
    ("$((", &["1", "+", "x", "(", ")", "$(foo p)", "[", "]", " "], "))", 4),
    ("[[ ", &["p", " ", "=", "(", ")", "$(foo p)", "~", "&&", "<"], " ]]; foo p", 4),
    ("(( ", &["1", "+", "x", "(", ")", "`foo p`", "<"], " )); foo p", 4),
    ("p() ", &["{ ", "foo p", "; ", "}", "(", ")", "\n"], "\np", 5),
];
/// How many longer strings over all characters together.
const LONGER: u64 = 60_000;

fn scripts() -> Vec<String> {
    let mut scripts = Vec::new();
    for (alphabet, longest) in ALPHABETS {
        scripts.extend(strings(alphabet, *longest).iter().map(|text| script(text)));
    }
    for (before, alphabet, after, longest) in BETWEEN {
        for text in strings(alphabet, *longest) {
            scripts.push(script(&format!("{before}{text}{after}")));
        }
    }
    let mut all: Vec<&str> = ALPHABETS.iter().flat_map(|(alphabet, _)| alphabet.iter().copied()).collect();
    // Together with `>` it would write outside the room.
    all.retain(|text| !text.contains('/'));
    all.sort_unstable();
    all.dedup();
    let mut dice = Random(1);
    scripts.extend((0..LONGER).map(|_| {
        let length = 5 + dice.below(6);
        script(&(0..length).map(|_| dice.word(&all)).collect::<String>())
    }));
    scripts
}

/// All strings of that many letters and fewer.
fn strings(alphabet: &[&str], longest: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..longest {
        let to = all.len();
        for at in from..to {
            for next in alphabet {
                all.push(format!("{}{next}", all[at]));
            }
        }
        from = to;
    }
    all
}

fn script(text: &str) -> String {
    // What begins with a command of its own stands alone.
    let alone = ["foo", "x=", "if", "case", "for", "{ ", "(", "[[", "((", "p()"]
        .iter()
        .any(|start| text.starts_with(start));
    format!("x=push\n{}{text}", if alone { "" } else { "foo " })
}

#[test]
fn every_spelling_of_a_word_is_covered() {
    shell_real::compare(|_| scripts(), 97);
}
