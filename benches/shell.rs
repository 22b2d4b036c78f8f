//! What the decision of scripts costs: the analysis alone, and the whole function from a compiled policy,
//! beside the plain decision. `cargo bench --bench shell`.

mod workload;

use criterion::{Criterion, criterion_group, criterion_main};
use execpolicy_compiler::artifact::build;
use execpolicy_compiler::policy::tools::{STANDARD_TOOLS, Tools};
use execpolicy_runtime::script::{Decided, Decider};
use execpolicy_runtime::{Artifact, Context};
use execpolicy_shell::{Dialect, Limits, ToolFacts, analyse};
use std::hint::black_box;
use workload::workload;

const SCRIPT: &str = "set -euo pipefail; cd /srv/project && export CI=1\nfor f in src/*.rs tests/*.rs; do\n  if grep -q 'TODO' \"$f\"; then echo \"$f: todo\"; fi\ndone | sort | head -20; timeout 60 cargo test --quiet 2>&1 | tail -5";

fn analysis(criterion: &mut Criterion) {
    let facts = Tools::default().facts();
    let limits = Limits::default();
    criterion.bench_function("analyse/agent_script_200_bytes", |bencher| {
        bencher.iter(|| analyse(black_box(SCRIPT.as_bytes()), Dialect::Bash, None, &facts, &limits));
    });
    criterion.bench_function("analyse/one_command", |bencher| {
        bencher.iter(|| analyse(black_box(b"git status --short"), Dialect::Bash, None, &facts, &limits));
    });
    criterion.bench_function("facts/parse", |bencher| bencher.iter(|| ToolFacts::parse(STANDARD_TOOLS)));
}

/// A policy of a thousand rules.
fn decision(criterion: &mut Criterion) {
    let work = workload(1_000);
    let artifact = build(&work.checked).expect("the workload compiles");
    let policy = Artifact::from_bytes(&artifact.bytes).expect("it has been verified");
    let decider = Decider::new(policy).expect("its facts can be read");
    let context = Context::default();
    let mut scratch = policy.scratch();
    let mut at = 0;
    let mut next = || {
        at = (at + 1) % work.hits.len();
        &work.hits[at]
    };
    criterion.bench_function("plain/policy", |bencher| {
        bencher.iter(|| policy.decide(black_box(next()), &context, &mut scratch).conclusion);
    });
    criterion.bench_function("plain/decider", |bencher| {
        bencher.iter(|| decider.decide(black_box(next()), &context, &mut scratch).conclusion());
    });
    let first = &work.hits[0][0];
    let unknown = format!("{first} $x");
    for (name, argv) in [
        ("decider/git_status", &["git", "status"][..]),
        ("decider/git_with_an_option", &["git", "-C", "x", "status"]),
        ("decider/env_wrapper", &["env", "A=1", "ls", "-l"]),
        ("decider/agent_script_200_bytes", &["bash", "-lc", SCRIPT]),
        ("decider/unknown_word", &["bash", "-c", &unknown]),
        ("decider/unknown_program", &["bash", "-c", "$x push"]),
    ] {
        assert_eq!(
            matches!(decider.decide(argv, &context, &mut scratch), Decided::Plain(_)),
            argv[0] == "git",
            "{name}"
        );
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| decider.decide(black_box(argv), &context, &mut scratch).conclusion());
        });
    }
    criterion
        .bench_function("decider/new", |bencher| bencher.iter(|| Decider::new(black_box(policy)).is_ok()));
}

criterion_group!(benches, analysis, decision);
criterion_main!(benches);
