//! In: a verdict. Out: where the command runs.
//! Not here: the meaning of sandbox rules, which the compiler's `policy/placement.rs` states plainly; every
//! answer is compared with it.
#![forbid(unsafe_code)]

use crate::Artifact;
use crate::artifact::PlacementRule;
use crate::decide::Verdict;

/// One place where a command may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confinement<'v> {
    /// The profile; `None` means unconfined, which only a rule can say.
    pub profile: Option<&'v str>,
    /// The file and the line, from 1, of the rule; `None` if it is the policy's default.
    pub rule: Option<(&'v str, u32)>,
}

/// Where a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement<'v> {
    /// The policy has no profiles, so it is for the caller to say.
    Unsaid,
    /// There.
    In(Confinement<'v>),
    /// The first for all that is known; but if the command is what it may be, the second, and neither
    /// allows at most what the other does. Somebody has to be asked before it runs.
    Disputed(Confinement<'v>, Confinement<'v>),
}

impl<'v> Artifact<'v> {
    /// Whether all that one place allows is allowed by another; `None` is unconfined.
    #[must_use]
    pub fn place_within(&self, narrow: Option<&str>, wide: Option<&str>) -> bool {
        let number = |name: &str| self.profiles.and_then(|all| all.names().position(|known| known == name));
        match (narrow, wide) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(narrow), Some(wide)) => {
                let numbers = number(narrow).zip(number(wide));
                numbers.is_some_and(|(narrow, wide)| self.within(narrow, wide))
            }
        }
    }

    /// The place of what no rule places; `None` if the policy has no profiles.
    #[must_use]
    pub fn default_place(&self) -> Option<Confinement<'v>> {
        self.default_profile().map(|name| Confinement { profile: Some(name), rule: None })
    }

    /// Where something runs that has several parts, each with its place: there, if all are the same; else in
    /// the narrowest of them and the base. So a script gets more than the default only if every part is
    /// placed there.
    #[must_use]
    pub fn place_together<'p>(
        &self,
        base: Confinement<'p>,
        parts: impl Iterator<Item = Placement<'p>> + Clone,
    ) -> Placement<'p> {
        let mut all = parts.clone();
        if let Some(Placement::In(first)) = all.next()
            && all.all(|part| matches!(part, Placement::In(other) if other.profile == first.profile))
        {
            return Placement::In(first);
        }
        if let Some(disputed) = parts.clone().find(|part| matches!(part, Placement::Disputed(..))) {
            return disputed;
        }
        let places = || {
            let places = parts.clone().filter_map(|part| match part {
                Placement::In(place) => Some(place),
                _ => None,
            });
            core::iter::once(base).chain(places)
        };
        self.narrowest(places)
    }

    /// Where a command runs that these sandbox rules could match, each with whether it surely does: by the
    /// longest that surely does, else in the base. Rules at least as long that only could match can narrow
    /// that, never widen it.
    pub(crate) fn place_by<'p, I: Iterator<Item = (PlacementRule<'p>, bool)>>(
        &self,
        base: Confinement<'p>,
        rules: impl Fn() -> I,
    ) -> Placement<'p> {
        let (mut base, mut sure, mut could) = (base, 0, 0);
        for (rule, certain) in rules() {
            if certain && rule.depth > sure {
                (base, sure) = (rule.place(), rule.depth);
            } else if !certain {
                could = could.max(rule.depth);
            }
        }
        if could < sure.max(1) {
            return Placement::In(base);
        }
        // The base, and the longest of those that only could match.
        let others = || {
            let rules = rules().filter(move |(rule, certain)| !certain && rule.depth == could);
            core::iter::once(base).chain(rules.map(|(rule, _)| rule.place()))
        };
        self.narrowest(others)
    }

    /// The first place that is within all of them; else the first, and one that it is not within.
    fn narrowest<'p, I: Iterator<Item = Confinement<'p>>>(&self, places: impl Fn() -> I) -> Placement<'p> {
        let within =
            |narrow: Confinement<'_>, wide: Confinement<'_>| self.place_within(narrow.profile, wide.profile);
        if let Some(place) = places().find(|place| places().all(|other| within(*place, other))) {
            return Placement::In(place);
        }
        match places().next() {
            Some(base) => {
                Placement::Disputed(base, places().find(|place| !within(base, *place)).unwrap_or(base))
            }
            None => Placement::Unsaid,
        }
    }
}

impl<'v> Verdict<'v> {
    /// Where the command runs: by the longest sandbox rule that surely matches, else by the default. Rules at
    /// least as long that only could match can narrow that, never widen it. Allocates nothing.
    ///
    /// [`Placement::Unsaid`] in Codex's mode, which knows no placement.
    #[must_use]
    pub fn placement(&self) -> Placement<'_> {
        let Some(default) = self.policy().default_place().filter(|_| self.places()) else {
            return Placement::Unsaid;
        };
        self.policy().place_by(default, || self.placements())
    }
}

impl<'v> PlacementRule<'v> {
    pub(crate) const fn place(&self) -> Confinement<'v> {
        Confinement { profile: self.profile, rule: Some((self.source, self.line)) }
    }
}
