//! The ratios of `docs/performance.md`: every design takes its turn again and again in one process,
//! so that whatever else the machine does falls on all of them; medians. `cargo bench --bench ratios`.

mod workload;

use execpolicy::artifact::build;
use execpolicy::lower::{Budget, lower};
use execpolicy_runtime::{Context, Mode, Policy};
use std::hint::black_box;
use std::time::Instant;
use workload::peers::{Codex, Regexes, Trie};
use workload::{SIZES, workload};

const ROUNDS: usize = 41;

type Design<'a> = (&'static str, usize, Box<dyn FnMut(&[String]) -> usize + 'a>);

fn main() {
    for size in SIZES {
        let work = workload(size);
        let bytes = build(&work.checked).expect("the workload compiles").bytes;
        let automaton = lower(&work.checked, Budget::default()).expect("the workload fits");
        let policy = Policy::from_bytes(&bytes).expect("it has been verified");
        let (codex, trie) = (Codex::new(&work.checked), Trie::new(&work.checked, &automaton));
        let regexes = (size <= 1_000).then(|| Regexes::new(&work.checked));
        let strict = Context::default();
        let literal = Context { mode: Mode::Codex { resolve_host_executables: false }, ..strict };
        let (mut one, mut two, mut three) = (policy.scratch(), policy.scratch(), policy.scratch());
        // The slow designs take shorter turns.
        let turn = work.hits.len();
        let slow = if size > 10_000 { turn / 64 } else { turn };
        let mut designs: Vec<Design<'_>> = vec![
            (
                "strict",
                turn,
                Box::new(|argv| policy.decide(argv, &strict, &mut one).decision.map_or(3, |d| d as usize)),
            ),
            (
                "literal",
                turn,
                Box::new(|argv| policy.decide(argv, &literal, &mut two).decision.map_or(3, |d| d as usize)),
            ),
            (
                "all-matches",
                slow,
                Box::new(|argv| {
                    let verdict = policy.decide(argv, &strict, &mut three);
                    verdict.matches().map(|found| found.justification.map_or(0, str::len)).sum()
                }),
            ),
            ("codex", slow, Box::new(|argv| black_box(codex.check(argv)).1.len())),
            ("trie", turn, Box::new(|argv| trie.decide(argv).map_or(3, |d| d as usize))),
        ];
        if let Some(regexes) = &regexes {
            designs.push((
                "regex-set",
                turn,
                Box::new(|argv| regexes.decide(argv).map_or(3, |d| d as usize)),
            ));
        }
        for (class, commands) in [("hit", &work.hits), ("miss", &work.misses)] {
            let mut times = vec![Vec::new(); designs.len()];
            for round in 0..ROUNDS {
                for ((_, turn, decide), times) in designs.iter_mut().zip(&mut times) {
                    let start = round * *turn % commands.len();
                    let commands = &commands[start..start + *turn];
                    // What the turn before has left in the caches is nobody's fault.
                    black_box(commands.iter().map(|argv| decide(black_box(argv))).sum::<usize>());
                    let clock = Instant::now();
                    let sum: usize = commands.iter().map(|argv| decide(black_box(argv))).sum();
                    times.push(clock.elapsed().as_nanos() as f64 / *turn as f64);
                    black_box(sum);
                }
            }
            let medians: Vec<f64> = times
                .iter_mut()
                .map(|times| {
                    times.sort_by(f64::total_cmp);
                    times[ROUNDS / 2]
                })
                .collect();
            for ((name, ..), median) in designs.iter().zip(&medians) {
                println!(
                    "{size:>6} {class:<4} {name:<11} {median:>10.1} ns  {:>7.2} x strict",
                    median / medians[0]
                );
            }
        }
    }
}
