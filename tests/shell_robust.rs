//! Hostile scripts: the analysis ends, in bounded time and stack, and never says "nothing here".

use crate::shell_policy::policy;
use execpolicy::policy::scripts::{decide_command, standard_tools};
use execpolicy_runtime::Decision::{Allow, Forbidden};
use execpolicy_runtime::shell::{Dialect, Limits, Standing, analyse};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn asked(script: &[u8]) {
    let rules = policy(&[(Forbidden, "rm"), (Allow, "echo"), (Allow, "true"), (Allow, "x")]);
    let start = Instant::now();
    let found = decide_command(&rules, &[&b"bash"[..], b"-c", script], None).standing;
    let shown = String::from_utf8_lossy(script.get(..40.min(script.len())).unwrap_or_default()).into_owned();
    assert!(found >= Standing::Prompt, "{shown:?}…: {found:?}");
    assert!(start.elapsed() < Duration::from_secs(20), "{shown:?}… took {:?}", start.elapsed());
}

#[test]
fn too_much_is_asked_about() {
    let many = 10_000;
    asked(&b"echo x\n".repeat(1_500_000));
    for (open, close) in [
        ("(", ")"), ("{ ", "; }"), ("$(", ")"), ("((", "))"), ("$((", "))"), ("${x:-", "}"), ("<(", ")"), ("\"$(", ")\""),
        ("if x; then ", "; fi"), ("while x; do ", "; done"), ("case x in x) ", ";; esac"), ("f() ", ""), ("! ", ""), ("x=(", ")"),
        ("{a,", "}"), ("time ", ""), ("eval ", ""), ("coproc ", ""), ("[[ (", ") ]]"), ("function f ", ""), ("for x in y; do ", "; done"),
        ("env ", ""), ("bash -c ", ""), ("x | ", ""), ("x && ", ""), ("`", "`"), ("cat <<E\n", "\nE\n"),
    ] {
        let script = open.repeat(many) + "$x" + &close.repeat(many);
        asked(script.as_bytes());
        asked(open.repeat(many).as_bytes());
    }
}

#[test]
fn bytes_that_are_no_script_are_asked_about() {
    for script in [&b"echo \0"[..], b"echo \xff", b"\xc3", b"echo $'\\u1234'", b"cat <<E\nx", b"cat <<'E'\nx\nE ", b"echo )", b"}", b"fi", b";;", b"& x"] {
        asked(script);
    }
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "if", "then", "fi", "while", "do", "done", "case", "esac", "in", "for", "function", "{", "}", "(", ")", "((", "))", "[[", "]]",
        "$(", "`", "${", "$((", "'", "\"", "\\", "\n", ";", ";;", "&", "&&", "||", "|", "<", ">", "<<E", "E", "<<<", ">&", "<(", "!",
        "time", "coproc", "eval", "x=", "a[", "]", "*", "?", "~", "{a,b}", "$x", "$@", "#", "=", " ", "echo", "rm", "trap", "alias",
        "bash -c", "env", "xargs", "local", "return", "break", "f()", "\t", "@", "\\\n", "é", "1", "-", "-c", ",", "..", ":-", "%", "select",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("SHELL_ROBUST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300), ..ProptestConfig::default() })]

    #[test]
    fn any_words_are_analysed(words in prop::collection::vec(word(), 0..60), glue in prop::bool::ANY) {
        let script = words.join(if glue { " " } else { "" });
        for dialect in [Dialect::Bash, Dialect::Posix, Dialect::Zsh] {
            let start = Instant::now();
            let _ = analyse(script.as_bytes(), dialect, None, &standard_tools(), &Limits::default());
            prop_assert!(start.elapsed() < Duration::from_secs(10), "{:?}", script);
        }
    }

    #[test]
    fn any_bytes_are_analysed(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = analyse(&bytes, Dialect::Bash, None, &standard_tools(), &Limits::default());
        let ascii: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
        let _ = analyse(&ascii, Dialect::Bash, None, &standard_tools(), &Limits::default());
    }
}
