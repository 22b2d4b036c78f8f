//! One command, decided by the compiled policy and by three peers, in one run: only the ratios
//! mean something across machines. `cargo bench --bench decide`.

mod workload;

use criterion::{BenchmarkId, Criterion};
use execpolicy_compiler::artifact::build;
use execpolicy_compiler::lower::{Budget, lower};
use execpolicy_runtime::{Artifact, Context, Mode};
use std::hint::black_box;
use std::time::Duration;
use workload::peers::{Codex, Regexes, Trie};
use workload::{SIZES, workload};

/// Beyond this the set of regular expressions takes minutes to build.
const REGEX_LIMIT: usize = 1_000;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(30)
        .configure_from_args();
    for size in SIZES {
        let work = workload(size);
        let artifact = build(&work.checked).expect("the workload compiles");
        let automaton = lower(&work.checked, Budget::default()).expect("the workload fits");
        let policy = Artifact::from_bytes(&artifact.bytes).expect("it has been verified");
        let (codex, trie) = (Codex::new(&work.checked), Trie::new(&work.checked, &automaton));
        let regexes = (size <= REGEX_LIMIT).then(|| Regexes::new(&work.checked));
        let strict = Context::default();
        let literal = Context { mode: Mode::Codex { resolve_host_executables: false }, ..strict };
        let mut scratch = policy.scratch();
        for argv in work.hits.iter().chain(&work.misses) {
            let (expected, matches) = codex.check(argv);
            let verdict = policy.decide(argv, &literal, &mut scratch);
            assert_eq!(
                (verdict.conclusion, verdict.matches().count()),
                (expected, matches.len()),
                "{argv:?}"
            );
            assert_eq!(policy.decide(argv, &strict, &mut scratch).conclusion, expected, "{argv:?}");
            assert_eq!(trie.decide(argv), expected, "{argv:?}");
            if let Some(regexes) = &regexes {
                assert_eq!(regexes.decide(argv), expected, "{argv:?}");
            }
        }
        for (class, commands) in [("hit", &work.hits), ("miss", &work.misses)] {
            let mut group = criterion.benchmark_group(format!("decide/{class}"));
            let mut bench = |name: &str, decide: &mut dyn FnMut(&[String]) -> usize| {
                let mut at = 0;
                group.bench_function(BenchmarkId::new(name, size), |bencher| {
                    bencher.iter(|| {
                        at = if at + 1 < commands.len() { at + 1 } else { 0 };
                        decide(black_box(&commands[at]))
                    });
                });
            };
            let mut scratch = policy.scratch();
            bench("ours", &mut |argv| policy.decide(argv, &strict, &mut scratch).conclusion as usize);
            let mut scratch = policy.scratch();
            bench("ours-codex-mode", &mut |argv| {
                policy.decide(argv, &literal, &mut scratch).conclusion as usize
            });
            let mut scratch = policy.scratch();
            bench("ours-all-matches", &mut |argv| {
                let verdict = policy.decide(argv, &strict, &mut scratch);
                verdict.matches().map(|found| found.justification.map_or(0, str::len)).sum()
            });
            bench("codex", &mut |argv| black_box(codex.check(argv)).1.len());
            bench("trie", &mut |argv| trie.decide(argv) as usize);
            if let Some(regexes) = &regexes {
                bench("regex-set", &mut |argv| regexes.decide(argv) as usize);
            }
            bench("touch", &mut |argv| {
                argv.iter().map(|word| word.as_bytes().first().map_or(0, |&b| b as usize)).sum()
            });
            group.finish();
        }
    }
    criterion.final_summary();
}
