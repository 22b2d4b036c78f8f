//! Loading: the checksum, every number checked, nothing copied. `cargo bench --bench load`.

mod workload;

use criterion::{BenchmarkId, Criterion, Throughput};
use execpolicy_compiler::artifact::build;
use execpolicy_runtime::{Artifact, wire};
use std::time::Duration;
use workload::{SIZES, workload};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args();
    let mut group = criterion.benchmark_group("load");
    for size in SIZES {
        let work = workload(size);
        let bytes = build(&work.checked).expect("the workload compiles").bytes;
        println!(
            "{size} rules: {} bytes of source, {} bytes of artifact, ratio {:.3}",
            work.text.len(),
            bytes.len(),
            bytes.len() as f64 / work.text.len() as f64
        );
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("verify-all", size), |bencher| {
            bencher.iter(|| Artifact::from_bytes(&bytes).map(|policy| policy.rule_count()));
        });
        group.bench_function(BenchmarkId::new("checksum-alone", size), |bencher| {
            bencher.iter(|| wire::checksum(&bytes));
        });
    }
    group.finish();
    criterion.final_summary();
}
