//! In: what was decided. Out: where the command or script runs.
//! Not here: which rules there are (`table.rs`), and how places combine (`crate::placement`).
//! The compiler's `policy/scripts.rs` states the meaning plainly; every answer is compared with it.
//!
//! A script runs in one place. It gets more than the default only if every part of it is placed there.

use super::decider::{Decided, Decider};
use super::rules::{RuleRef, Steps};
use super::{Part, ScriptVerdict};
use crate::placement::{Confinement, Placement};
use execpolicy_shell::Argv;

impl Decider<'_> {
    /// Where a command runs that was decided. Takes the argv that was.
    ///
    /// A rule for the very argv, byte for byte, stands in place of the default for all parts.
    #[must_use]
    pub fn placement<'v, T: AsRef<[u8]>>(&'v self, decided: &'v Decided<'v>, argv: &[T]) -> Placement<'v> {
        let verdict = match decided {
            Decided::Plain(verdict) => return verdict.placement(),
            Decided::Parts(verdict) => verdict,
        };
        let Some(default) = self.policy().default_place() else { return Placement::Unsaid };
        let program = argv.first().map(AsRef::as_ref);
        let rules = self.rules().places(&Argv::known(argv), &Steps::new(u64::MAX)).unwrap_or_default();
        let whole = rules.into_iter().map(|(rule, _)| rule).find(|rule| {
            let mut heads = self.policy().placement_heads(rule);
            rule.depth as usize == argv.len() && heads.any(|head| Some(head.as_bytes()) == program)
        });
        self.place_parts(verdict, whole.map_or(default, |rule| rule.place()))
    }

    /// Where a script runs that was decided.
    #[must_use]
    pub fn script_placement<'v>(&'v self, verdict: &'v ScriptVerdict<RuleRef>) -> Placement<'v> {
        match self.policy().default_place() {
            Some(default) => self.place_parts(verdict, default),
            None => Placement::Unsaid,
        }
    }

    /// Where one part would run alone; `None` if it only starts others and no rule speaks about it, or if
    /// the policy has no profiles.
    #[must_use]
    pub fn part_placement<'v>(&'v self, part: &'v Part<RuleRef>) -> Option<Placement<'v>> {
        self.place_part(part, self.policy().default_place()?, &self.steps())
    }

    fn place_parts<'v>(
        &'v self,
        verdict: &'v ScriptVerdict<RuleRef>,
        base: Confinement<'v>,
    ) -> Placement<'v> {
        let steps = self.steps();
        let parts: Vec<Placement<'v>> =
            verdict.parts.iter().filter_map(|part| self.place_part(part, base, &steps)).collect();
        self.policy().place_together(base, parts.into_iter())
    }

    fn place_part<'v>(
        &'v self,
        part: &'v Part<RuleRef>,
        base: Confinement<'v>,
        steps: &Steps,
    ) -> Option<Placement<'v>> {
        let Some(mut candidates) = self.rules().places(&part.segment.argv, steps) else {
            // Some rule may want it elsewhere: somebody has to be asked.
            return Some(Placement::Disputed(base, base));
        };
        if candidates.is_empty() && part.segment.needs_no_place() {
            return None;
        }
        let can_be_placed = part.segment.can_be_placed();
        for (_, sure) in &mut candidates {
            *sure &= can_be_placed;
        }
        Some(self.policy().place_by(base, || candidates.iter().cloned()))
    }
}
