//! Hostile scripts: the analysis ends, in bounded time and stack, and never says "nothing here".

use crate::shell_policy::policy;
use execpolicy::policy::tools::Tools;
use execpolicy_runtime::Decision::{Allow, Forbidden};
use execpolicy_runtime::shell::{Dialect, Limits, Standing, analyse};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn asked(script: &[u8]) {
    let rules = policy(&[(Forbidden, "rm"), (Allow, "echo"), (Allow, "true"), (Allow, "x")]);
    let start = Instant::now();
    let found = rules.decide(&[&b"bash"[..], b"-c", script], None).standing;
    let shown = String::from_utf8_lossy(script.get(..40.min(script.len())).unwrap_or_default()).into_owned();
    assert!(found >= Standing::Prompt, "{shown:?}…: {found:?}");
    assert!(start.elapsed() < Duration::from_secs(20), "{shown:?}… took {:?}", start.elapsed());
}

#[test]
fn too_much_is_asked_about() {
    let many = 10_000;
    asked(&b"echo x\n".repeat(1_500_000));
    for (open, close) in [
        ("(", ")"),
        ("{ ", "; }"),
        ("$(", ")"),
        ("((", "))"),
        ("$((", "))"),
        ("${x:-", "}"),
        ("<(", ")"),
        ("\"$(", ")\""),
        ("if x; then ", "; fi"),
        ("while x; do ", "; done"),
        ("case x in x) ", ";; esac"),
        ("f() ", ""),
        ("! ", ""),
        ("x=(", ")"),
        ("{a,", "}"),
        ("time ", ""),
        ("eval ", ""),
        ("coproc ", ""),
        ("[[ (", ") ]]"),
        ("function f ", ""),
        ("for x in y; do ", "; done"),
        ("env ", ""),
        ("bash -c ", ""),
        ("x | ", ""),
        ("x && ", ""),
        ("`", "`"),
        ("cat <<E\n", ""),
    ] {
        let script = open.repeat(many) + "$x" + &close.repeat(many);
        asked(script.as_bytes());
        // `! ! !` alone is complete and does nothing, as are pairs of backquotes.
        if !matches!(open, "! " | "time " | "`") {
            asked(open.repeat(many).as_bytes());
        }
    }
}

#[test]
fn deep_nesting_fits_in_a_mebibyte_of_stack() {
    let work = || {
        for (open, close) in [
            ("(", ")"),
            ("$(", ")"),
            ("\"${x:-$(", ")}\""),
            ("if x; then ", "; fi"),
            ("eval ", ""),
            ("f() { ", "; }; f"),
        ] {
            asked((open.repeat(500) + "$x" + &close.repeat(500)).as_bytes());
            // Just inside the limit.
            let script = open.repeat(12) + "$x" + &close.repeat(12);
            asked(script.as_bytes());
        }
        let mut quoted = "rm x".to_owned();
        for _ in 0..6 {
            quoted = format!("bash -c '{}'", quoted.replace('\'', "'\\''"));
        }
        asked(quoted.as_bytes());
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn bytes_that_are_no_script_are_asked_about() {
    for script in [
        &b"echo \0"[..],
        b"echo \xff",
        b"\xc3",
        b"echo $'\\u1234'",
        b"cat <<E\nx",
        b"cat <<'E'\nx\nE ",
        b"echo )",
        b"}",
        b"fi",
        b";;",
        b"& x",
    ] {
        asked(script);
    }
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "if", "then", "fi", "while", "do", "done", "case", "esac", "in", "for", "function", "{", "}", "(",
        ")", "((", "))", "[[", "]]", "$(", "`", "${", "$((", "'", "\"", "\\", "\n", ";", ";;", "&", "&&",
        "||", "|", "<", ">", "<<E", "E", "<<<", ">&", "<(", "!", "time", "coproc", "eval", "x=", "a[", "]",
        "*", "?", "~", "{a,b}", "$x", "$@", "#", "=", " ", "echo", "rm", "trap", "alias", "bash -c", "env",
        "xargs", "local", "return", "break", "f()", "\t", "@", "\\\n", "é", "1", "-", "-c", ",", "..", ":-",
        "%", "select",
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
            let _ = analyse(script.as_bytes(), dialect, None, &Tools::default().facts(), &Limits::default());
            prop_assert!(start.elapsed() < Duration::from_secs(10), "{:?}", script);
        }
    }

    #[test]
    fn any_bytes_are_analysed(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = analyse(&bytes, Dialect::Bash, None, &Tools::default().facts(), &Limits::default());
        let ascii: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
        let _ = analyse(&ascii, Dialect::Bash, None, &Tools::default().facts(), &Limits::default());
    }
}

#[test]
fn scripts_that_grow_are_asked_about_in_bounded_time() {
    for script in [
        "x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; ".to_owned() + &"x=$x$x; ".repeat(200) + "$x",
        "set -- a b c; ".to_owned() + &"set -- \"$@\" \"$@\"; ".repeat(200) + "\"$@\" $q",
        (0..9_000).map(|at| format!("v{at}=1 && w{at}=2; ")).collect::<String>() + "$q",
        (0..9_000).map(|at| format!("readonly v{at}=1; ")).collect::<String>() + "$q",
        (0..9_000).map(|at| format!("f{at}() {{ f{}; }}; ", at + 1)).collect::<String>() + "f0",
        format!("f() {{ x {}; }}; ", "a".repeat(400_000)) + &"f; ".repeat(15_000) + "$q",
        format!("x {{1..500}}{}; $q", "a".repeat(400_000)),
        "for a in 1 2; do ".repeat(12) + "$q" + &"; done".repeat(12),
        "f() { f; f; }; f".to_owned(),
        "f() { g; g; }; g() { h; h; }; h() { i; i; }; i() { j; j; }; j() { k; k; }; k() { l; l; }; l() { f; f; }; f".to_owned(),
        "$(".repeat(11) + "$q" + &")".repeat(11),
        "x $(echo ".repeat(10) + "$q" + &")".repeat(10) + "; $q",
        "eval 'eval \"eval $x\"'; $q".repeat(2_000),
        "a=(x x x x); ".to_owned() + &"a+=(\"${a[@]}\"); ".repeat(100) + "\"${a[@]}\"; $q",
    ] {
        asked(script.as_bytes());
    }
}
