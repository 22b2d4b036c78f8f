//! Hostile scripts: the analysis ends, in bounded time and stack, and never says "nothing here".

use crate::harness::Watchdog;
use crate::random::Random;
use crate::shell_policy::{compare, policy};
use execpolicy_compiler::policy::tools::Tools;
use execpolicy_runtime::Conclusion;
use execpolicy_runtime::Decision::{Allow, Forbidden, Prompt};
use execpolicy_shell::{Dialect, Limits, analyse};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn asked(script: &[u8]) {
    let rules = policy(&[(Forbidden, "rm"), (Allow, "echo"), (Allow, "true"), (Allow, "x")]);
    let shown = String::from_utf8_lossy(script.get(..40.min(script.len())).unwrap_or_default()).into_owned();
    let _ends = Watchdog::new(&shown);
    let found = rules.decide(&[&b"bash"[..], b"-c", script], None).conclusion;
    assert!(found >= Conclusion::Prompt, "{shown:?}…: {found:?}");
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
            let _ends = Watchdog::new(&script);
            let _ = analyse(script.as_bytes(), dialect, None, &Tools::default().facts(), &Limits::default());
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

/// Bytes that nobody meant as a script, and scripts with a few bytes changed.
fn arbitrary(random: &mut Random, scripts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = match random.below(4) {
        0 => (0..random.below(300)).map(|_| random.next() as u8).collect(),
        1 => (0..random.below(300)).map(|_| random.next() as u8 & 0x7F).collect(),
        2 => (0..random.below(60))
            .flat_map(|_| scripts[random.below(scripts.len())].clone())
            .take(400)
            .collect(),
        _ => scripts[random.below(scripts.len())].clone(),
    };
    for _ in 0..random.below(6) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 => bytes.insert(at, random.next() as u8),
            1 => bytes.truncate(at),
            2 => {
                let other = &scripts[random.below(scripts.len())];
                let from = random.below(other.len() + 1);
                bytes.splice(at..at, other[from..].iter().copied());
            }
            3 if at < bytes.len() => bytes[at] = b"\"'`$(){}[];&|<>\\\n !#*?~=%@"[random.below(26)],
            _ if at < bytes.len() => {
                bytes.remove(at);
            }
            _ => {}
        }
    }
    bytes
}

/// `SHELL_ROBUST_SECONDS=600 cargo test -- any_bytes_for_a_while --nocapture`: everything is
/// decided twice, from the compiled table and from the rules as written, and must come out alike.
#[test]
fn any_bytes_for_a_while() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("SHELL_ROBUST_SECONDS").unwrap_or(5);
    let mut random = Random(number("SHELL_ROBUST_SEED").unwrap_or(1));
    let scripts: Vec<Vec<u8>> = include_str!("../corpus/shell/spellings.jsonl")
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["script"].as_str().unwrap().into()
        })
        .collect();
    let rules = policy(&[
        (Forbidden, "foo push"),
        (Allow, "foo ok"),
        (Allow, "echo"),
        (Prompt, "rm"),
        (Forbidden, "x"),
        (Prompt, "bash"),
    ]);
    let (mut runs, mut slowest, start) = (0u64, Duration::ZERO, Instant::now());
    let mut conclusions = [0u64; 4];
    rules.both(|written, decider| {
        let mut scratch = decider.policy().scratch();
        while start.elapsed() < Duration::from_secs(seconds) {
            let script = arbitrary(&mut random, &scripts);
            let shell: &[u8] = [&b"bash"[..], b"sh", b"zsh", b"dash"][random.below(4)];
            let _ends = Watchdog::new(&String::from_utf8_lossy(&script));
            let begin = Instant::now();
            let _ends = Watchdog::new(&String::from_utf8_lossy(&script));
            let argv = [shell, b"-c", &script];
            let (verdict, fault) = compare(written, decider, &argv, None, &mut scratch);
            if begin.elapsed() > slowest {
                slowest = begin.elapsed();
                println!("slowest so far {slowest:?}: {:?}", String::from_utf8_lossy(&script));
            }
            assert_eq!(fault, None, "{script:?}");
            for part in &verdict.parts {
                let span = part.segment.span;
                let inside = argv.get(span.argument as usize).is_some_and(|word| {
                    span.start <= span.end && (span.end == 0 || word.get(..span.end as usize).is_some())
                });
                assert!(inside, "{script:?}: {span:?}");
            }
            conclusions[verdict.conclusion as usize] += 1;
            runs += 1;
        }
    });
    println!(
        "{runs} scripts in {:?}, slowest {slowest:?}, allow/unmatched/prompt/forbidden {conclusions:?}",
        start.elapsed()
    );
    assert!(runs > 0);
}
