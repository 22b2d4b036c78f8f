//! Whether the cost of deciding a script is linear: for each construct, nanoseconds of processor time per byte at 10 KB, 100 KB and 1 MB.
//!
//! `cargo bench --bench cost -- [WORD]` prints a line for each construct whose name contains the word, and fails if one costs
//! more than twice as much per byte at 1 MB as at 10 KB. Each figure is a library call, the fastest of several.

#![allow(clippy::expect_used, clippy::indexing_slicing)]

use execpolicy_runtime::Artifact;
use execpolicy_runtime::script::Decider;
use execpolicy_shell::Dialect;
use rustix::time::{ClockId, clock_gettime};

/// The kept artifact: benches that need no compiler are built in seconds.
const ARTIFACT: &[u8] = include_bytes!("../corpus/artifact/v1/basic.epc");

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

/// How often a construct may cost more per byte at 1 MB than at 10 KB.
const GOAL: f64 = 2.0;

/// A construct: its name, what comes first, what is repeated (`#` stands for the number), what comes last.
const CONSTRUCTS: &[(&str, &str, &str, &str)] = &[
    ("single quotes in one word", "echo ", "'a'", ""),
    ("double quotes in one word", "echo ", "\"a\"", ""),
    ("escapes in one word", "echo ", "\\$", ""),
    ("escapes in double quotes", "echo \"", "\\$", "\""),
    ("ansi quotes in one word", "echo ", "$'a'", ""),
    ("locale quotes in one word", "echo ", "$\"a\"", ""),
    ("a long plain word", "echo ", "a", ""),
    ("a long single-quoted word", "echo '", "a", "'"),
    ("a long double-quoted word", "echo \"", "a ", "\""),
    ("words", "echo", " a", ""),
    ("unknown words", "echo", " $q", ""),
    ("unknown quoted words", "echo", " \"$q\"", ""),
    ("variables in one word", "echo ", "$q", ""),
    ("known variables in one word", "x=ab; echo ", "$x", ""),
    ("variables in double quotes", "echo \"", "$q ", "\""),
    ("expansions in one word", "echo ", "${q:-a}", ""),
    ("nested defaults", "echo ", "${q:-", ""),
    ("patterns", "echo ", "${q%%a*}", ""),
    ("globs", "echo ", "*a?", ""),
    ("brackets of a glob", "echo ", "[ab]", ""),
    ("braces", "echo", " {a,b}", ""),
    ("braces in one word", "echo ", "{a}", ""),
    ("open braces", "echo ", "{", ""),
    ("tildes", "echo", " ~/a", ""),
    ("commands by semicolon", "", "foo ok;", "foo ok"),
    ("commands by line", "", "foo ok\n", "foo ok"),
    ("commands by and", "", "foo ok&&", "foo ok"),
    ("commands in a pipe", "", "foo ok|", "foo ok"),
    ("commands in the background", "", "foo ok&", "foo ok"),
    ("groups", "", "{ foo ok; };", "foo ok"),
    ("subshells", "", "(foo ok);", "foo ok"),
    ("ifs", "", "if foo ok;then foo ok;fi;", "foo ok"),
    ("fors", "", "for a in b;do foo ok;done;", "foo ok"),
    ("words of a for", "for a in", " b", "; do foo $a; done"),
    ("whiles", "", "while foo ok;do foo ok;done;", "foo ok"),
    ("arms of a case", "case $q in", " a) foo ok;;", " esac"),
    ("patterns of a case", "case $q in a", "|a", ") foo ok;; esac"),
    ("functions", "", "f#() { foo ok; };", "foo ok"),
    ("assignments", "", "v#=1;", "foo ok"),
    ("one variable again and again", "", "v=$v#;", "foo ok"),
    ("exports", "", "export v#=1;", "foo ok"),
    ("assignments before a command", "", "v#=1 ", "foo ok"),
    ("elements of an array", "a=(", "b ", "); foo \"${a[@]}\""),
    ("appended elements", "", "a+=(b);", "foo ok"),
    ("comments", "", "# foo push\n", "foo ok"),
    ("a long comment", "foo ok # ", "a", ""),
    ("here-documents", "", "cat <<E\nx\nE\n", "foo ok"),
    ("a long here-document", "cat <<'E'\n", "x y z\n", "E\n"),
    ("a long here-document with variables", "cat <<E\n", "x $q z\n", "E\n"),
    ("here-documents in one line", "", "cat <<E;", "foo ok"),
    ("here-strings", "", "foo ok <<<a;", "foo ok"),
    ("redirections", "foo ok", " >a", ""),
    ("descriptors", "foo ok", " 2>&1", ""),
    ("substitutions", "echo", " $(foo ok)", ""),
    ("substitutions in one word", "echo ", "$(foo ok)", ""),
    ("backquotes", "echo", " `foo ok`", ""),
    ("process substitutions", "echo", " <(foo ok)", ""),
    ("open substitutions", "echo ", "$(", ""),
    ("open parentheses", "", "(", ""),
    ("open quotes and substitutions", "echo ", "\"$(", ""),
    ("arithmetic", "echo", " $((1+1))", ""),
    ("a long sum", "echo $((1", "+1", "))"),
    ("a long sum of variables", "echo $((q", "+q", "))"),
    ("arithmetic commands", "", "((v=1));", "foo ok"),
    ("conditions", "", "[[ a = b ]];", "foo ok"),
    ("a long condition", "[[ a", " && a", " ]]"),
    ("tests", "", "[ a = b ];", "foo ok"),
    ("clauses of find", "find .", " -exec echo {} ;", ""),
    ("escaped clauses of find", "find .", " -exec foo ok {} \\;", ""),
    ("words of xargs", "xargs foo", " ok", ""),
    ("assignments of env", "env", " v#=1", " foo ok"),
    ("wrappers", "", "nice ", "foo ok"),
    ("unknown options of sudo", "sudo", " --zz", " foo push"),
    ("options of git", "git", " -c a.b=c", " status"),
    ("scripts in shells", "", "sh -c 'foo ok';", "foo ok"),
    ("evals", "", "eval 'foo ok';", "foo ok"),
    ("a long eval", "eval '", "foo ok;", "'"),
    ("traps", "", "trap 'foo ok' EXIT;", "foo ok"),
    ("aliases", "", "alias a#='foo ok';", "foo ok"),
    ("sets", "", "set -- a b;", "foo ok"),
    ("a long sed program", "sed '", "s/a/b/;", "' f"),
    ("sed expressions", "sed", " -e s/a/b/", " f"),
    ("a long awk program", "awk '", "{print $1};", "' f"),
    ("continued lines", "foo ok", " \\\n", ""),
    ("carriage returns", "foo ok", "\r", ""),
    ("bytes that are no text", "echo ", "\u{e9}", ""),
];

fn script(construct: (&str, &str, &str, &str), size: usize) -> Vec<u8> {
    let (_, first, again, last) = construct;
    let mut script = first.to_owned();
    let mut number = 0;
    while script.len() + last.len() < size {
        script.push_str(&again.replace('#', &number.to_string()));
        number += 1;
    }
    script.push_str(last);
    script.into_bytes()
}

/// Nanoseconds of processor time of this thread: other work on the machine counts less than by the clock on the wall.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn main() {
    let word = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let decider =
        Decider::new(Artifact::from_bytes(ARTIFACT).expect("it is kept")).expect("its facts can be read");
    println!("{:38} {:>9} {:>9} {:>9}  ns per byte at 10 KB, 100 KB, 1 MB; ratio", "construct", "", "", "");
    let mut missed = 0;
    for construct in CONSTRUCTS.iter().filter(|construct| construct.0.contains(&word)) {
        let mut per_byte = [0.0; 3];
        for at in 0..SIZES.len() {
            // What is this far from linear would take minutes at the next size.
            if at == 2 && per_byte[1] > 4.0 * GOAL * per_byte[0] {
                per_byte[2] = f64::INFINITY;
                break;
            }
            let script = script(*construct, SIZES[at]);
            let runs = (300_000 / SIZES[at]).clamp(2, 20);
            let once = || {
                let start = processor_time();
                std::hint::black_box(decider.decide_script(&script, Dialect::Bash, None));
                (processor_time() - start) / script.len() as f64
            };
            per_byte[at] = (0..runs).map(|_| once()).fold(f64::INFINITY, f64::min);
        }
        let ratio = per_byte[2] / per_byte[0];
        let met = ratio <= GOAL;
        missed += usize::from(!met);
        let [small, middle, large] = per_byte;
        println!(
            "{:38} {small:9.1} {middle:9.1} {large:9.1}  {ratio:6.2} {}",
            construct.0,
            if met { "met" } else { "NOT MET" }
        );
    }
    println!("{missed} constructs miss the goal of {GOAL}");
    std::process::exit(i32::from(missed > 0));
}
