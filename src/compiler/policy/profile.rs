//! In: what `sandbox` resolves, or what an artifact holds. Out: [`Profiles`], every profile of one compilation, and the bytes that
//! an artifact holds of them. Not here: the language (`sandbox/`), one profile and its meaning (`execpolicy_profile`).

use super::{Decision, NetworkRule};
use crate::source::{SourceMap, Span};
use execpolicy_profile::model::narrower;
use execpolicy_profile::{
    DefaultProfile, Host, HostRule, Located, Order, Origin, Phase, Platform, Profile, Text, encode,
};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The place of a span.
#[must_use]
pub fn origin(sources: &SourceMap, span: Span) -> Origin {
    let position = sources.position(span);
    Origin { file: sources.get(span.source).name().into(), line: position.line, column: position.column }
}

/// Every profile of one compilation, the standard library's included.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    /// Each name with its four variants.
    resolved: BTreeMap<(Text, Phase, Platform), Profile>,
    /// `default NAME`, if it was said.
    default: Option<DefaultProfile>,
    /// The bytes of the statements; an artifact does not keep them.
    spans: BTreeMap<Origin, Span>,
}

impl PartialEq for Profiles {
    /// The same profiles, from places that are the same as people count them.
    fn eq(&self, other: &Self) -> bool {
        (&self.resolved, &self.default) == (&other.resolved, &other.default)
    }
}

impl Eq for Profiles {}

impl From<execpolicy_profile::Profiles<'_>> for Profiles {
    fn from(profiles: execpolicy_profile::Profiles<'_>) -> Self {
        let owned = |default: DefaultProfile<&str>| {
            let Origin { file, line, column } = default.origin;
            DefaultProfile { name: default.name.into(), origin: Origin { file: file.into(), line, column } }
        };
        let mut out = Self { default: profiles.default().map(owned), ..Self::default() };
        profiles.iter().for_each(|profile| out.insert(profile));
        out
    }
}

impl Profiles {
    /// Adds a variant of a profile.
    pub fn insert(&mut self, profile: Profile) {
        self.resolved.insert((profile.name.clone(), profile.phase, profile.platform), profile);
    }

    /// Says where a command runs that nothing places.
    pub fn set_default(&mut self, name: &str, origin: Origin) {
        self.default = Some(DefaultProfile { name: name.into(), origin });
    }

    /// The place of a statement, which [`Profiles::span`] finds again.
    pub fn locate(&mut self, sources: &SourceMap, span: Span) -> Origin {
        let origin = origin(sources, span);
        self.spans.insert(origin.clone(), span);
        origin
    }

    /// The bytes of a statement; `None` for what came out of an artifact.
    #[must_use]
    pub fn span(&self, origin: &Origin) -> Option<Span> {
        self.spans.get(origin).copied()
    }

    /// The profile that holds for a name in a phase on a platform.
    #[must_use]
    pub fn get(&self, name: &str, phase: Phase, platform: Platform) -> Option<&Profile> {
        self.resolved.get(&(name.into(), phase, platform))
    }

    /// Whether there is a profile of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name, Phase::Run, Platform::Linux).is_some()
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let linux = self.resolved.values().filter(|p| (p.phase, p.platform) == (Phase::Run, Platform::Linux));
        linux.map(|profile| &*profile.name)
    }

    /// The name that somebody may have meant.
    #[must_use]
    pub fn nearest(&self, wrong: &str) -> Option<&str> {
        crate::diagnostic::text::nearest(wrong, self.names())
    }

    /// Every variant, sorted by (name, phase, platform).
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Profile> {
        self.resolved.values()
    }

    /// Whether all that one profile allows is allowed by another, on every platform and in every phase, as far as it can be shown.
    #[must_use]
    pub fn within(&self, narrow: &str, wide: &str) -> bool {
        narrow == wide
            || self.iter().filter(|profile| *profile.name == *narrow).all(|profile| {
                let other = self.get(wide, profile.phase, profile.platform);
                other.is_some_and(|other| narrower(profile, other) == Some(true))
            })
    }

    /// Takes from every profile the destinations that a rule file denies or wants asked about: such a
    /// statement subtracts, and an allow never widens a profile.
    pub fn subtract(&mut self, rules: &[NetworkRule], sources: &SourceMap) {
        let mut denied = Vec::new();
        for rule in rules.iter().filter(|rule| rule.decision > Decision::Allow) {
            let host = match rule.host.value.parse::<IpAddr>() {
                Ok(address) => Host::address(address.to_canonical()),
                Err(_) => Host::Name(rule.host.value.as_str().into()),
            };
            let origin = self.locate(sources, rule.span);
            denied.push(Located { clause: HostRule::any_port(false, host), origin });
        }
        for profile in self.resolved.values_mut() {
            profile.hosts.extend(denied.iter().cloned());
            // The profile's own statement stays the one that says it.
            profile.hosts.sort_by(|a, b| a.clause.cmp(&b.clause));
            profile.hosts.dedup_by(|later, first| later.clause == first.clause);
        }
    }

    /// What `default` says.
    #[must_use]
    pub const fn default_profile(&self) -> Option<&DefaultProfile> {
        self.default.as_ref()
    }

    /// The section of an artifact that holds them. `None` if it would not fit into 4 GiB.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        encode(self.iter(), self.default_profile())
    }

    /// The section that says of each two names whether all that the first allows is allowed by the second, on every platform and in
    /// every phase.
    #[must_use]
    pub fn encode_order(&self) -> Vec<u8> {
        let names: Vec<&str> = self.names().collect();
        let within = |narrow: usize, wide: usize| match (names.get(narrow), names.get(wide)) {
            (Some(narrow), Some(wide)) => self.within(narrow, wide),
            _ => false,
        };
        Order::encode(names.len(), within)
    }
}
