//! In: a [`Policy`] and an argv. Out: where the command runs, found the plain way: every sandbox rule is
//! looked at. This file is the meaning of `sandbox_rule` and `default`; the runtime's own is compared with it.
//! Not here: what a profile allows (`model.rs`), and where scripts run.

use super::matches::listed;
use super::profile::Profiles;
use super::program::{could_be, surely_is};
use super::{Policy, SandboxRule, UNCONFINED};
use execpolicy_profile::DEFAULT;
use execpolicy_shell::programs::opaque;

/// One place where a command may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confinement<'a> {
    /// The name of a profile, or [`UNCONFINED`].
    pub profile: &'a str,
    /// The rule's number in [`Policy::placements`]; `None` if it is the default.
    pub rule: Option<usize>,
}

/// Where a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement<'a> {
    /// The policy has no profiles.
    Unsaid,
    /// There.
    In(Confinement<'a>),
    /// The first for all that is known; but if the command is what it may be, the second, and neither
    /// allows at most what the other does.
    Disputed(Confinement<'a>, Confinement<'a>),
}

/// Places one command.
///
/// The longest rule that surely matches gives the place, else the default. Rules at least as long that only
/// could match (another spelling of the program, a command that hides what it runs) can narrow it, never widen it.
#[must_use]
pub fn place<'a, T: AsRef<[u8]>>(policy: &'a Policy, argv: &[T]) -> Placement<'a> {
    let argv: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
    let Some(&program) = argv.first() else { return Placement::Unsaid };
    let Some(default) = default_profile(&policy.profiles) else { return Placement::Unsaid };
    let hidden = opaque(&argv).is_some();
    // Each rule that could match: its number, its length, and whether it surely does.
    let candidates: Vec<(usize, usize, bool)> = policy
        .placements
        .iter()
        .enumerate()
        .filter_map(|(number, rule)| {
            let (first, rest) = rule.pattern.tokens.split_first()?;
            let fits =
                rest.len() < argv.len() && rest.iter().zip(&argv[1..]).all(|(t, word)| t.accepts(word));
            let heads = first.alternatives.iter().map(|head| head.value.as_bytes());
            let could = heads.clone().any(|head| could_be(head, program));
            let mut sure =
                heads.clone().any(|head| surely_is(head, program, listed(policy, head).as_deref()));
            if hidden {
                sure = rest.len() + 1 == argv.len() && heads.clone().any(|head| head == program);
            }
            (fits && could).then_some((number, rest.len() + 1, sure))
        })
        .collect();
    settle(policy, Confinement { profile: default, rule: None }, &candidates)
}

/// Where a command runs that these rules could match, by number, length and whether each surely does; the
/// base if none surely does.
#[must_use]
pub fn settle<'a>(
    policy: &'a Policy,
    base: Confinement<'a>,
    candidates: &[(usize, usize, bool)],
) -> Placement<'a> {
    let confinement =
        |number: usize| Confinement { profile: &policy.placements[number].profile.value, rule: Some(number) };
    // Of several equally long ones (which then name one profile) the first counts.
    let sure = candidates.iter().filter(|(_, _, sure)| *sure).rev().max_by_key(|(_, length, _)| *length);
    let base_length = sure.map_or(0, |(_, length, _)| *length);
    let base = sure.map_or(base, |(number, _, _)| confinement(*number));
    let longest = candidates.iter().filter(|(_, _, sure)| !sure).map(|(_, length, _)| *length).max();
    let Some(longest) = longest.filter(|longest| *longest >= base_length) else {
        return Placement::In(base);
    };
    let others = candidates.iter().filter(|(_, length, sure)| !sure && *length == longest);
    let places: Vec<_> =
        std::iter::once(base).chain(others.map(|(number, _, _)| confinement(*number))).collect();
    narrowest(policy, &places)
}

/// The first place that is within all of them; else the first, and one that it is not within.
#[must_use]
pub fn narrowest<'a>(policy: &Policy, places: &[Confinement<'a>]) -> Placement<'a> {
    let within = |a: &Confinement<'_>, b: &Confinement<'_>| within(&policy.profiles, a.profile, b.profile);
    let Some(base) = places.first() else { return Placement::Unsaid };
    match places.iter().find(|place| places.iter().all(|other| within(place, other))) {
        Some(narrowest) => Placement::In(*narrowest),
        // The base is not the narrowest, so there is one that it is not within.
        None => Placement::Disputed(*base, *places.iter().find(|place| !within(base, place)).unwrap_or(base)),
    }
}

/// The name of the profile for what no rule places; `None` if there are no profiles.
#[must_use]
pub fn default_profile(profiles: &Profiles) -> Option<&str> {
    profiles.iter().next()?;
    Some(profiles.default_profile().map_or(DEFAULT, |default| &default.name))
}

/// Whether all that one place allows is allowed by another, on every platform and in every phase, as far as
/// it can be shown. Everything is within [`UNCONFINED`].
#[must_use]
pub fn within(profiles: &Profiles, narrow: &str, wide: &str) -> bool {
    narrow == wide || wide == UNCONFINED || narrow != UNCONFINED && profiles.within(narrow, wide)
}

impl SandboxRule {
    /// Whether it names no profile but the absence of one.
    #[must_use]
    pub fn unconfined(&self) -> bool {
        self.profile.value == UNCONFINED
    }
}
