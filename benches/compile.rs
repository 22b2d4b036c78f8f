//! The compiler, phase by phase, from text to verified bytes. `cargo bench --bench compile`.
//!
//! In each round every phase runs once, on what the one before has made; medians over the rounds. The
//! workload is written out in full, so nothing is evaluated: that is the case of nearly all real files.

mod workload;

use execpolicy_compiler::check::{Options, check};
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::emit::emit;
use execpolicy_compiler::lower::{Budget, lower};
use execpolicy_compiler::policy::Policy;
use execpolicy_compiler::rules::bind::Binder;
use execpolicy_compiler::rules::{literal, scan, syntax};
use execpolicy_compiler::source::SourceMap;
use execpolicy_compiler::verify::verify;
use std::hint::black_box;
use std::time::Instant;
use workload::{SIZES, workload};

const PHASES: [&str; 9] =
    ["take in", "scan", "scan, parse", "read calls", "bind", "check", "lower", "emit", "verify"];

/// What the text goes through, each phase timed in seconds.
fn compile(text: &str) -> [f64; 9] {
    let mut seconds = [0.0; 9];
    let mut phase = 0;
    let mut clock = Instant::now();
    let mut done = || {
        seconds[phase] = clock.elapsed().as_secs_f64();
        phase += 1;
        clock = Instant::now();
    };
    let mut sources = SourceMap::new();
    let file = sources.add("bench.rules", text);
    done();
    black_box(scan::scan(text));
    done();
    let tree = syntax::parse(&sources, file).expect("the workload is well-formed");
    done();
    let calls = literal::calls(&tree, 0, true).expect("the workload is written out");
    done();
    let (mut policy, mut diagnostics) = (Policy::default(), Diagnostics::new());
    let mut binder =
        Binder { sources: &[file], policy: &mut policy, diagnostics: &mut diagnostics, codex: false };
    calls.iter().for_each(|call| binder.bind(call));
    done();
    let checked = check(policy, sources, Options { codex: true }, &mut diagnostics);
    let checked = checked.map_err(|_| diagnostics).expect("the workload is sound");
    done();
    let automaton = lower(&checked, Budget::default()).expect("the workload fits");
    done();
    let bytes = emit(&checked, &automaton).expect("the workload fits");
    done();
    verify(&checked, &automaton, &bytes).expect("the bytes are right");
    done();
    seconds
}

fn main() {
    for size in SIZES {
        let text = workload(size).text;
        let rounds = if size > 10_000 { 5 } else { 51 };
        let mut all: Vec<[f64; 9]> = (0..rounds).map(|_| compile(&text)).collect();
        let median = |value: &dyn Fn(&[f64; 9]) -> f64, all: &mut [[f64; 9]]| {
            all.sort_by(|a, b| value(a).total_cmp(&value(b)));
            value(&all[rounds / 2]) * 1e3
        };
        for (at, phase) in PHASES.iter().enumerate() {
            println!("{size:>6} {phase:<11} {:>9.3} ms", median(&|phases| phases[at], &mut all));
        }
        // The scan alone is done again before the parser, so it is not counted twice.
        let front = |phases: &[f64; 9]| phases[..6].iter().sum::<f64>() - phases[1];
        let back = |phases: &[f64; 9]| phases[6..].iter().sum::<f64>();
        println!("{size:>6} {:<11} {:>9.3} ms", "front end", median(&front, &mut all));
        println!("{size:>6} {:<11} {:>9.3} ms", "back end", median(&back, &mut all));
        println!(
            "{size:>6} {:<11} {:>9.3} ms",
            "all",
            median(&|phases| front(phases) + back(phases), &mut all)
        );
    }
}
