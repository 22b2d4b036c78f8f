//! Hosts that cannot keep a plan refuse it: nothing runs, and it is said why.
//!
//! In: what detection found. Out: verdicts. On a host that can do everything there is nothing to refuse, and this says so. Not here: plans
//! that no host can keep (`behaviour.rs`, `plain.rs`).

use std::fs;
use std::os::fd::AsFd;
use std::sync::OnceLock;

use execpolicy_confine::{Aspect, ConfineError, EnforcementStatus, Helper, Plan, Sandbox, Session};

use crate::Scenario;
use crate::commands::{Result, check, shell};
use crate::world::World;

pub const SCENARIOS: &[Scenario] =
    &[Scenario { name: "what this host cannot do is refused", run: || check(refused) }];

type Found = std::result::Result<String, ConfineError>;

fn walls(found: std::result::Result<EnforcementStatus, ConfineError>) -> Found {
    let status = found?;
    let walls = [Aspect::Landlock, Aspect::Seccomp]
        .map(|aspect| status.clause(aspect).map(|clause| clause.by.clone()));
    Ok(walls.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// Whether a full sandbox can be had here, found out once.
pub fn namespaces() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(|| walls(Helper::current().and_then(|helper| execpolicy_confine::detect(&helper))))
}

/// Whether one without namespaces can be had here, found out once.
pub fn plain() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(|| {
        walls(Helper::current().and_then(|helper| execpolicy_confine::detect_without_namespaces(&helper)))
    })
}

fn refused() -> Result<String> {
    let world = World::new();
    let null = fs::File::open("/dev/null").unwrap();
    let standard = [null.as_fd(), null.as_fd(), null.as_fd()];
    let prepare = |plan: &Plan| Helper::current().and_then(|helper| Sandbox::prepare(plan, helper));
    let mut notes = Vec::new();
    if let Err(found) = namespaces() {
        let mut plan = world.plan();
        plan.missing.clear();
        let sandbox = prepare(&plan).map_err(|e| e.to_string())?;
        let once = sandbox.run(&shell("echo x >ran"), standard).map(drop);
        let session = Session::start(&sandbox).map(drop);
        match (once, session) {
            (Err(a), Err(b)) if a.step == found.step && b.step == found.step && a.way_out().is_some() => {
                notes.push(a.to_string());
            }
            other => return Err(format!("{other:?}")),
        }
    }
    if plain().is_err() {
        let plan = world.plain_plan(std::path::Path::new("/usr"), false);
        let refused = prepare(&plan).and_then(Sandbox::without_namespaces).map(drop);
        match (refused, namespaces()) {
            (Err(e), _) => notes.push(e.to_string()),
            (other, _) => return Err(format!("{other:?}")),
        }
    }
    if world.ws.join("ran").exists() {
        return Err("something ran".into());
    }
    Ok(if notes.is_empty() { "nothing has to be".into() } else { notes.join("\n        ") })
}
