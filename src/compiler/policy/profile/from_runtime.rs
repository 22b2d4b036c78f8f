//! In: profiles as an artifact holds them. Out: the same as [`Profiles`], for the reference model.
//! Not here: reading the bytes (`execpolicy_profile`).

use super::{
    DefaultProfile, EnvAction, EnvRule, GlobRule, Host, HostRule, Limit, MachService, Network, Origin,
    PathRule, Place, Profiles, Protect, Requirement, Resolved, SyscallRule,
};
use execpolicy_profile as read;

impl From<read::Origin<'_>> for Origin {
    fn from(origin: read::Origin<'_>) -> Self {
        Self { file: origin.file.into(), line: origin.line, column: origin.column, span: None }
    }
}

impl From<read::Place<'_>> for Place {
    fn from(place: read::Place<'_>) -> Self {
        Self::new(place.root, place.rest)
    }
}

impl From<read::Host<'_>> for Host {
    fn from(host: read::Host<'_>) -> Self {
        match host {
            read::Host::Name(name) => Self::Name(name.to_owned()),
            read::Host::Below(name) => Self::Below(name.to_owned()),
            read::Host::Net { address, prefix } => Self::Net { address, prefix },
            read::Host::Socket(place) => Self::Socket(place.into()),
        }
    }
}

impl From<read::EnvAction<'_>> for EnvAction {
    fn from(action: read::EnvAction<'_>) -> Self {
        match action {
            read::EnvAction::Pass => Self::Pass,
            read::EnvAction::Deny => Self::Deny,
            read::EnvAction::Set(value) => Self::Set(value.to_owned()),
        }
    }
}

impl From<read::Profile<'_>> for Resolved {
    fn from(profile: read::Profile<'_>) -> Self {
        let path = |rule: read::PathRule<'_>| PathRule {
            place: rule.place.into(),
            access: rule.access,
            origin: rule.origin.into(),
        };
        let glob = |rule: read::GlobRule<'_>| GlobRule {
            place: rule.place.into(),
            pattern: rule.pattern.to_owned(),
            access: rule.access,
            origin: rule.origin.into(),
        };
        let protect = |rule: read::Protect<'_>| Protect {
            name: rule.name.to_owned(),
            missing: rule.missing,
            origin: rule.origin.into(),
        };
        let host = |rule: read::HostRule<'_>| HostRule {
            allow: rule.allow,
            host: rule.host.into(),
            first_port: rule.first_port,
            last_port: rule.last_port,
            origin: rule.origin.into(),
        };
        let env = |rule: read::EnvRule<'_>| EnvRule {
            pattern: rule.pattern.to_owned(),
            action: rule.action.into(),
            origin: rule.origin.into(),
        };
        let limit =
            |rule: read::Limit<'_>| Limit { kind: rule.kind, value: rule.value, origin: rule.origin.into() };
        let syscall = |rule: read::SyscallRule<'_>| SyscallRule {
            name: rule.name.to_owned(),
            origin: rule.origin.into(),
        };
        let feature = |rule: read::FeatureRule<'_>| Requirement {
            feature: rule.feature,
            stance: rule.stance,
            origin: rule.origin.into(),
        };
        let service = |rule: read::MachService<'_>| MachService {
            name: rule.name.to_owned(),
            origin: rule.origin.into(),
        };
        Self {
            name: profile.name.to_owned(),
            phase: profile.phase,
            platform: profile.platform,
            origin: profile.origin.into(),
            paths: profile.paths.iter().map(path).collect(),
            globs: profile.globs.iter().map(glob).collect(),
            protects: profile.protects.iter().map(protect).collect(),
            network: Network {
                mode: profile.network.mode,
                origin: profile.network.origin.map(Origin::from),
                hosts: profile.network.hosts.iter().map(host).collect(),
            },
            env: profile.env.iter().map(env).collect(),
            limits: profile.limits.iter().map(limit).collect(),
            syscalls: profile.syscalls.iter().map(syscall).collect(),
            features: profile.features.iter().map(feature).collect(),
            mach: profile.mach.iter().map(service).collect(),
        }
    }
}

impl From<read::Profiles<'_>> for Profiles {
    fn from(profiles: read::Profiles<'_>) -> Self {
        let default = profiles
            .default()
            .map(|default| DefaultProfile { name: default.name.to_owned(), origin: default.origin.into() });
        let resolved =
            profiles.iter().map(|p| ((p.name.to_owned(), p.phase, p.platform), p.into())).collect();
        Self { resolved, default }
    }
}
