//! In: a profile's clauses about anything but files. Out: their part of the plan, or a refusal. Not here: files (`files.rs`).

use std::format;
use std::string::{String, ToString};
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use super::super::plan::{self, Gap, Passing, VariableRule, Wall};
use super::super::seccomp;
use super::super::status::Given;
use super::Work;
use super::host::Host;
use super::refusal::Refusal;
use super::view::{View, place, resolve};
use execpolicy_profile::{
    Access, EnvAction, EnvRule, Feature, Host as Destination, HostRule, LimitKind, NetworkMode, Profile,
    Stance, Variable,
};

/// What the language calls a destination.
fn spell(rule: &HostRule<'_>) -> String {
    let host = match rule.host {
        Destination::Name(name) => name.to_string(),
        Destination::Below(name) => format!("*.{name}"),
        Destination::Net { address, prefix } => format!("{address}/{prefix}"),
        Destination::Socket(place) => format!("unix:{place}"),
    };
    match (rule.first_port, rule.last_port) {
        (0, u16::MAX) => host,
        (first, last) if first == last => format!("{host}:{first}"),
        (first, last) => format!("{host}:{first}-{last}"),
    }
}

/// The network: none, or the host's.
pub(super) fn network<'a>(
    profile: &Profile<'a>,
    host: &Host,
    view: &View<'a>,
    work: &mut Work<'a>,
) -> Result<(), Refusal> {
    let network = profile.network;
    let origin = network.origin.unwrap_or(profile.origin);
    work.plan.network = match network.mode {
        NetworkMode::Off => {
            work.carry("network off", origin, "netns", Given::Prevented);
            plan::Network::Off
        }
        NetworkMode::Full => {
            work.carry("network full", origin, "process", Given::Prevented);
            work.note("the host's network");
            plan::Network::Full
        }
        NetworkMode::Listed => {
            let allowed = network.hosts.iter().find(|rule| rule.allow);
            let clause = allowed.map_or_else(
                || "network allow".to_string(),
                |rule| format!("network allow {}", spell(&rule)),
            );
            return Err(Refusal::of(
                clause,
                Some(allowed.map_or(origin, |rule| rule.origin)),
                "listed destinations need a proxy, which this version does not have",
                "write `network off`, or `network full` to share the host's network",
            ));
        }
    };
    for rule in network.hosts.iter().filter(|rule| !rule.allow) {
        let clause = format!("network deny {}", spell(&rule));
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
            _ if network.mode == NetworkMode::Off => {
                work.carry(clause, rule.origin, "netns", Given::Prevented)
            }
            _ => return refuse("single destinations need a proxy, which this version does not have"),
        }
    }
    Ok(())
}

fn variable_rule(rule: EnvRule<'_>) -> VariableRule {
    let passing = match rule.action {
        EnvAction::Pass => Passing::Pass,
        EnvAction::Deny => Passing::Deny,
        EnvAction::Set(_) => Passing::Fixed,
    };
    VariableRule { pattern: rule.pattern.into(), passing }
}

/// The variables that the profile passes and sets.
pub(super) fn environment<'a>(profile: &Profile<'a>, host: &Host, work: &mut Work<'a>) {
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
    work.plan.variables = profile.env.iter().map(variable_rule).collect();
    let origin = profile.env.iter().next().map_or(profile.origin, |rule| rule.origin);
    work.carry("env", origin, "process", Given::Prevented);
    work.note(format!("{passed} variables"));
}

/// A value in the largest unit that holds it whole, as the language writes it.
fn amount(kind: LimitKind, value: u64) -> String {
    let units: &[(u64, &str)] = match kind {
        LimitKind::Processes | LimitKind::OpenFiles => return value.to_string(),
        LimitKind::Memory | LimitKind::MemoryPerProcess | LimitKind::FileSize => {
            &[(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")]
        }
        LimitKind::CpuTime | LimitKind::WallTime => {
            &[(3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms")]
        }
    };
    let whole = units.iter().find(|(size, _)| value.is_multiple_of(*size));
    whole.map_or_else(|| value.to_string(), |(size, unit)| format!("{}{unit}", value / size))
}

/// Limits. A limit above the caller's own hard limit is the caller's.
pub(super) fn limits<'a>(profile: &Profile<'a>, work: &mut Work<'a>) -> Result<(), Refusal> {
    let accepted = work.accepted.contains(&Feature::Limits);
    for limit in &profile.limits {
        let clause = format!("limit {} {}", limit.kind.as_str(), amount(limit.kind, limit.value));
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
    Ok(())
}

/// Denied system calls.
pub(super) fn syscalls<'a>(profile: &Profile<'a>, work: &mut Work<'a>) -> Result<(), Refusal> {
    work.plan.syscalls.clear();
    let mut first = None;
    for rule in &profile.syscalls {
        if !seccomp::is_word(rule.name) {
            return Err(Refusal::of(
                format!("syscalls deny {}", rule.name),
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
    profile: &Profile<'a>,
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
            work.carry(format!("accept gap {word}"), rule.origin, "process", Given::Prevented);
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
                work.plan.landlock = Wall::Required;
                None
            }
            _ => None,
        };
        if let Some(why) = problem {
            return Err(Refusal::of(
                format!("require {word}"),
                Some(rule.origin),
                why,
                format!("write `accept gap {word}`, or take the statement away with `unset require {word}`"),
            ));
        }
        work.carry(format!("require {word}"), rule.origin, "mounts", Given::Prevented);
    }
    Ok(())
}
