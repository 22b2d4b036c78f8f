//! In: a [`Resolved`] profile. Out: each of its clauses as a statement of the sandbox language, with its place.
//! Not here: what the clauses mean (`model.rs`).

use super::{EnvAction, GlobRule, HostRule, Limit, NetworkMode, Origin, Resolved};
use execpolicy_profile::LimitKind;

impl Resolved {
    /// Every clause as it would be written, one for each thing named, in a fixed order: paths, globs, protected
    /// names, network, environment, limits, system calls, features, services.
    pub fn statements(&self) -> impl Iterator<Item = (String, Option<&Origin>)> {
        let paths = self
            .paths
            .iter()
            .map(|rule| (format!("{} {}", rule.access.as_str(), rule.place), Some(&rule.origin)));
        let globs = self.globs.iter().map(|rule| (rule.statement(), Some(&rule.origin)));
        let protects =
            self.protects.iter().map(|rule| (format!("protect {}", rule.name), Some(&rule.origin)));
        let mode = match self.network.mode {
            // The destinations say it.
            NetworkMode::Listed => None,
            mode => Some((format!("network {}", mode.as_str()), self.network.origin.as_ref())),
        };
        let hosts = self.network.hosts.iter().map(|rule| (rule.statement(), Some(&rule.origin)));
        let env = self.env.iter().map(|rule| {
            let text = match &rule.action {
                EnvAction::Pass => format!("env pass {}", rule.pattern),
                EnvAction::Deny => format!("env deny {}", rule.pattern),
                EnvAction::Set(value) => format!("env set {} = {value:?}", rule.pattern),
            };
            (text, Some(&rule.origin))
        });
        let limits = self.limits.iter().map(|rule| (rule.statement(), Some(&rule.origin)));
        let calls =
            self.syscalls.iter().map(|rule| (format!("syscalls deny {}", rule.name), Some(&rule.origin)));
        let features = self
            .features
            .iter()
            .map(|rule| (format!("{} {}", rule.stance.as_str(), rule.feature.as_str()), Some(&rule.origin)));
        let mach = self.mach.iter().map(|rule| (format!("mach-lookup {:?}", rule.name), Some(&rule.origin)));
        paths
            .chain(globs)
            .chain(protects)
            .chain(mode)
            .chain(hosts)
            .chain(env)
            .chain(limits)
            .chain(calls)
            .chain(features)
            .chain(mach)
    }
}

impl GlobRule {
    /// The clause as it would be written.
    #[must_use]
    pub fn statement(&self) -> String {
        let place = self.place.to_string();
        format!("{} {}/{}", self.access.as_str(), place.trim_end_matches('/'), self.pattern)
    }
}

impl HostRule {
    /// The clause as it would be written.
    #[must_use]
    pub fn statement(&self) -> String {
        let verb = if self.allow { "allow" } else { "deny" };
        format!("network {verb} {}", self.host.spell(self.first_port, self.last_port))
    }
}

impl Limit {
    /// The clause as it would be written, in the largest unit that divides the value.
    #[must_use]
    pub fn statement(&self) -> String {
        let units: &[(u64, &str)] = match self.kind {
            LimitKind::Processes | LimitKind::OpenFiles => &[],
            LimitKind::Memory | LimitKind::MemoryPerProcess | LimitKind::FileSize => {
                &[(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")]
            }
            LimitKind::CpuTime | LimitKind::WallTime => {
                &[(3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")]
            }
        };
        let unit = units.iter().find(|(size, _)| self.value.is_multiple_of(*size));
        let (value, unit) = unit.map_or((self.value, ""), |(size, unit)| (self.value / size, unit));
        format!("limit {} {value}{unit}", self.kind.as_str())
    }
}
