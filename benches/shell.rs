//! What the analysis of a typical script of an agent costs.

use criterion::{Criterion, criterion_group, criterion_main};
use execpolicy::policy::tools::Tools;
use execpolicy_runtime::shell::{Dialect, Limits, analyse};
use std::hint::black_box;

const SCRIPT: &str = "set -euo pipefail; cd /srv/project && export CI=1\nfor f in src/*.rs tests/*.rs; do\n  if grep -q 'TODO' \"$f\"; then echo \"$f: todo\"; fi\ndone | sort | head -20; timeout 60 cargo test --quiet 2>&1 | tail -5";

fn bench(criterion: &mut Criterion) {
    let facts = Tools::default().facts();
    let limits = Limits::default();
    criterion.bench_function("analyse/agent_script_200_bytes", |bencher| {
        bencher.iter(|| analyse(black_box(SCRIPT.as_bytes()), Dialect::Bash, None, &facts, &limits));
    });
    criterion.bench_function("analyse/one_command", |bencher| {
        bencher.iter(|| analyse(black_box(b"git status --short"), Dialect::Bash, None, &facts, &limits));
    });
    criterion.bench_function("facts/parse", |bencher| bencher.iter(|| Tools::default().facts()));
}

criterion_group!(benches, bench);
criterion_main!(benches);
