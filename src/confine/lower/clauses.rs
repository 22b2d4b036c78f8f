//! In: a profile's clauses about anything but files. Out: their part of the plan, or a refusal. Not here: files (`files.rs`).

use std::format;
use std::string::ToString;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use super::super::plan::{self, Gap, Passing, Requirement, VariableRule};
use super::super::seccomp;
use super::super::status::Enforcement as Given;
use super::host::Host;
use super::refusal::Refusal;
use super::view::{View, place, resolve};
use super::work::Work;
use execpolicy_profile::{
    Access, Clause, EnvAction, EnvRule, Feature, Host as Destination, LimitKind, NetworkMode, Profile,
    Stance, Variable,
};

/// The network: none, or the host's.
pub(super) fn network<'a>(
    profile: &Profile<&'a str>,
    host: &Host,
    view: &View<'a>,
    work: &mut Work<'a>,
) -> Result<(), Refusal> {
    let mode = profile.network.mode;
    let origin = profile.network.origin.unwrap_or(profile.origin);
    let clause = Clause::<&str>::Network(mode).to_string();
    work.plan.network = match mode {
        NetworkMode::Off => {
            work.carry(clause, origin, "netns", Given::Prevented);
            plan::Network::Off
        }
        NetworkMode::Full => {
            work.carry(clause, origin, "process", Given::Prevented);
            work.note("the host's network");
            plan::Network::Full
        }
        NetworkMode::Listed => {
            let allowed = profile.hosts.iter().find(|rule| rule.allow);
            return Err(Refusal::of(
                allowed.map_or(clause, |rule| rule.to_string()),
                Some(allowed.map_or(origin, |rule| rule.origin)),
                "listed destinations need a proxy, which this version does not have",
                "write `network off`, or `network full` to share the host's network",
            ));
        }
    };
    for rule in profile.hosts.iter().filter(|rule| !rule.allow) {
        let clause = rule.to_string();
        let refuse = |why: &str| {
            Err(Refusal::of(
                clause.as_str(),
                Some(rule.origin),
                why,
                "write `network off`, or take the statement away with `unset`",
            ))
        };
        match rule.host {
            Destination::Socket(socket) => {
                let written = place(host, socket, rule.origin)?;
                let Ok(at) = resolve(&written) else { return refuse("the path cannot be resolved") };
                if view.access(&at.path).access == Access::Write || view.writes_below(&at.path) {
                    return refuse("a socket in a writable directory cannot be told from a file");
                }
                work.carry(clause, rule.origin, "mounts", Given::PreventedAtStart);
            }
            _ if mode == NetworkMode::Off => work.carry(clause, rule.origin, "netns", Given::Prevented),
            _ => return refuse("single destinations need a proxy, which this version does not have"),
        }
    }
    Ok(())
}

fn variable_rule(rule: &EnvRule<&str>) -> VariableRule {
    let passing = match rule.action {
        EnvAction::Pass => Passing::Pass,
        EnvAction::Deny => Passing::Deny,
        EnvAction::Set(_) => Passing::Fixed,
    };
    VariableRule { pattern: rule.pattern.into(), passing }
}

/// The variables that the profile passes and sets.
pub(super) fn environment<'a>(profile: &Profile<&'a str>, host: &Host, work: &mut Work<'a>) {
    use std::os::unix::ffi::OsStrExt;
    let mut passed = 0;
    for (name, value) in host.variables() {
        let known = work.plan.environment.iter().any(|(other, _)| other == name);
        // An entry without a name cannot be handed on, and no program can ask for it.
        if known || name.is_empty() {
            continue;
        }
        match profile.variable(name.as_bytes()) {
            Variable::Absent => continue,
            Variable::Passed => work.plan.environment.push((name.to_owned(), value.to_owned())),
            Variable::Set(value) => work.plan.environment.push((name.to_owned(), value.into())),
        }
        passed += 1;
    }
    for rule in &profile.env {
        let known = work.plan.environment.iter().any(|(other, _)| other == rule.pattern);
        if let Variable::Set(value) = profile.variable(rule.pattern.as_bytes())
            && !known
        {
            work.plan.environment.push((rule.pattern.into(), value.into()));
            passed += 1;
        }
    }
    work.plan.environment.sort();
    work.plan.variables = profile.env.iter().map(|rule| variable_rule(rule)).collect();
    let origin = profile.env.first().map_or(profile.origin, |rule| rule.origin);
    work.carry("env", origin, "process", Given::Prevented);
    work.note(format!("{passed} variables"));
}

/// Limits, and the mask of new files. A limit above the caller's own hard limit is the caller's.
pub(super) fn limits<'a>(profile: &Profile<&'a str>, work: &mut Work<'a>) -> Result<(), Refusal> {
    let accepted = work.accepted.contains(&Feature::Limits);
    for limit in &profile.limits {
        let clause = limit.to_string();
        let below = |resource| getrlimit(resource).maximum.map_or(limit.value, |most| most.min(limit.value));
        let limits = &mut work.plan.limits;
        let mut given = Given::Prevented;
        let mut note = None;
        match limit.kind {
            LimitKind::Processes => {
                limits.processes = Some(below(Resource::Nproc));
                if rustix::process::geteuid().is_root() {
                    if !accepted {
                        return Err(Refusal::of(
                            clause,
                            Some(limit.origin),
                            "the kernel exempts root from it",
                            "run as another user, or write `accept gap limits` into the profile",
                        ));
                    }
                    work.plan.accept.insert(Gap::ProcessLimitOfRoot);
                    given = Given::Absent;
                    note = Some("the kernel exempts root; `accept gap limits`");
                }
            }
            LimitKind::Memory => {
                if !accepted {
                    return Err(Refusal::of(
                        clause,
                        Some(limit.origin),
                        "memory of the whole tree needs a delegated cgroup, which this version does not use",
                        "write `memory-per-process`, or `accept gap limits` into the profile",
                    ));
                }
                given = Given::Absent;
                note = Some("no cgroup; `accept gap limits`");
            }
            LimitKind::MemoryPerProcess => limits.memory_per_process = Some(below(Resource::As)),
            LimitKind::FileSize => limits.file_size = Some(below(Resource::Fsize)),
            LimitKind::OpenFiles => limits.open_files = Some(below(Resource::Nofile)),
            LimitKind::CpuTime => {
                let seconds = limit.value.div_ceil(1000);
                let most = getrlimit(Resource::Cpu).maximum.unwrap_or(u64::MAX);
                limits.cpu_seconds = Some(seconds.min(most));
            }
            LimitKind::WallTime => limits.wall_time = Some(Duration::from_millis(limit.value)),
        }
        work.carry(clause, limit.origin, "process", given);
        if let Some(note) = note {
            work.note(note);
        }
    }
    for umask in &profile.umask {
        work.plan.limits.umask = Some(umask.mask);
        work.carry(umask.to_string(), umask.origin, "process", Given::Prevented);
    }
    Ok(())
}

/// Denied system calls.
pub(super) fn syscalls<'a>(profile: &Profile<&'a str>, work: &mut Work<'a>) -> Result<(), Refusal> {
    work.plan.syscalls.clear();
    let mut first = None;
    for rule in &profile.syscalls {
        if !seccomp::is_word(rule.name) {
            return Err(Refusal::of(
                rule.to_string(),
                Some(rule.origin),
                "this version knows no such call",
                "compile the policy with this version, which says what the calls are",
            ));
        }
        first.get_or_insert(rule.origin);
        work.plan.syscalls.insert(rule.name.to_string());
    }
    let count = work.plan.syscalls.len();
    // Among processes of one user no capability guards this; every sandbox denies it.
    work.plan.syscalls.insert("prlimit64:others".to_string());
    if work.plan.syscalls.contains("clone:namespaces") {
        // Its flags lie in memory, where no filter sees them.
        work.plan.syscalls.insert("clone3".to_string());
    }
    work.carry(
        format!("syscalls deny {count} calls"),
        first.unwrap_or(profile.origin),
        "seccomp",
        Given::Prevented,
    );
    Ok(())
}

/// What must hold, and what may fall short.
pub(super) fn features<'a>(
    profile: &Profile<&'a str>,
    view: &View<'a>,
    work: &mut Work<'a>,
) -> Result<(), Refusal> {
    let denies = view.denies();
    let writes = view.writes_below(std::path::Path::new("/"));
    for rule in &profile.features {
        let word = rule.feature.as_str();
        if rule.stance == Stance::Accept {
            let (gaps, note): (&[Gap], _) = match rule.feature {
                Feature::Limits => (&[], "limits that the kernel does not keep are done without"),
                Feature::SecondWall => (
                    &[Gap::Survivors, Gap::HostProcesses],
                    "without user namespaces, Landlock and seccomp alone will do",
                ),
                Feature::Metadata => (
                    &[Gap::Metadata, Gap::Attributes],
                    "without user namespaces, names and attributes may be seen and changed",
                ),
                _ => (&[], "nothing falls short on Linux beyond what is reported above"),
            };
            work.plan.accept.extend(gaps);
            work.carry(rule.to_string(), rule.origin, "process", Given::Prevented);
            work.note(note);
            continue;
        }
        let problem = match rule.feature {
            Feature::LateFiles if !view.globs.is_empty() => {
                Some("a file that appears later is not hidden from the command")
            }
            Feature::MissingProtected if writes && !view.protects.is_empty() => {
                Some("a protected name in a new directory is found afterwards, not prevented")
            }
            Feature::Metadata if denies => {
                Some("what is denied shows its name, though nothing of what it is")
            }
            Feature::LocalSockets => {
                Some("a socket that the host makes later in a readable directory can be connected to")
            }
            Feature::SecondWall => {
                work.plan.landlock = Requirement::Required;
                None
            }
            _ => None,
        };
        if let Some(why) = problem {
            return Err(Refusal::of(
                rule.to_string(),
                Some(rule.origin),
                why,
                format!("write `accept gap {word}`, or take the statement away with `unset require {word}`"),
            ));
        }
        work.carry(rule.to_string(), rule.origin, "mounts", Given::Prevented);
    }
    Ok(())
}
