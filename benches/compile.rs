//! The back half of the compiler, phase by phase. `cargo bench --bench compile`.

mod workload;

use criterion::{BenchmarkId, Criterion};
use execpolicy::artifact::build;
use execpolicy::emit::emit;
use execpolicy::lower::{Budget, lower};
use execpolicy::verify::verify;
use std::time::Duration;
use workload::{SIZES, workload};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(5))
        .sample_size(10)
        .configure_from_args();
    let mut group = criterion.benchmark_group("compile");
    for size in SIZES {
        let work = workload(size);
        let automaton = lower(&work.checked, Budget::default()).expect("the workload fits");
        let bytes = emit(&work.checked, &automaton).expect("the workload fits");
        group.bench_function(BenchmarkId::new("lower", size), |bencher| {
            bencher.iter(|| lower(&work.checked, Budget::default()));
        });
        group.bench_function(BenchmarkId::new("emit", size), |bencher| {
            bencher.iter(|| emit(&work.checked, &automaton));
        });
        group.bench_function(BenchmarkId::new("verify", size), |bencher| {
            bencher.iter(|| verify(&work.checked, &automaton, &bytes));
        });
        group.bench_function(BenchmarkId::new("all", size), |bencher| {
            bencher.iter(|| build(&work.checked));
        });
    }
    group.finish();
    criterion.final_summary();
}
