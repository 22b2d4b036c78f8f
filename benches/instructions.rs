//! Decisions without a clock, for an instruction counter: run it under callgrind with two
//! different numbers of rounds; the difference is the decisions' alone (`docs/performance.md`).
//!
//! `instructions RULES hit|same|miss strict|codex|touch ROUNDS`; `same` are the commands of ten rules, to which the others were
//! added: only the number of rules differs.
//!
//! With `rules` or `command` alone after the number it prints the text of the policy, or a command for it, for
//! measuring whole processes.

mod workload;

use execpolicy_compiler::artifact::build;
use execpolicy_runtime::{Artifact, Context, Mode};
use std::hint::black_box;
use workload::{grown, workload};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |text: &str| text.parse::<usize>().expect("a number");
    match arguments.as_slice() {
        [rules, what] if what == "rules" => return print!("{}", workload(number(rules)).text),
        [rules, what] if what == "command" => {
            return println!("{}", workload(number(rules)).hits[0].join(" "));
        }
        _ => {}
    }
    let [rules, class, mode, rounds] = arguments.as_slice() else {
        // `cargo bench` without a filter starts every bench; this one has nothing to do then.
        println!("instructions RULES hit|same|miss strict|codex|touch ROUNDS");
        return;
    };
    let work = if class == "same" { grown(number(rules)) } else { workload(number(rules)) };
    let bytes = build(&work.checked).expect("the workload compiles").bytes;
    let policy = Artifact::from_bytes(&bytes).expect("it has been verified");
    let commands = match class.as_str() {
        "miss" => &work.misses,
        _ => &work.hits,
    };
    let codex = Mode::Codex { resolve_host_executables: false };
    let context = Context { mode: if mode == "codex" { codex } else { Mode::Strict }, ..Context::default() };
    let mut scratch = policy.scratch();
    let touch = mode == "touch";
    let (mut decided, mut sum) = (0, 0);
    for _ in 0..number(rounds) {
        for argv in commands {
            let argv = black_box(argv);
            if !touch {
                sum += policy.decide(argv, &context, &mut scratch).conclusion as usize;
            }
            decided += 1;
        }
    }
    println!("{decided} decisions, {}", black_box(sum));
}
