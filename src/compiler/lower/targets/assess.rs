//! In: a profile, a host, a target. Out: [`Finding`]s: each clause that the target does not enforce exactly, with its place and
//! what happens instead. Not here: how they are shown (`cli/`), and the table (`../targets.rs`).

use super::{ClauseKind, Kept, Stated, Support, Target, clauses, feature, instead, support};
use crate::diagnostic::Code;
use crate::lower::places::Host;
use execpolicy_profile::{Feature, Origin, Platform, Profile, Stance};

/// A clause that a target does not enforce exactly.
#[derive(Clone, Debug)]
pub struct Finding<'p> {
    /// The target.
    pub target: Target,
    /// The kind of clause.
    pub kind: ClauseKind,
    /// What kind of gap it is.
    pub code: Code,
    /// The clause as it would be written.
    pub statement: String,
    /// Where it is written.
    pub origin: &'p Origin,
    /// On which side the target errs.
    pub kept: Kept,
    /// What happens instead, in one sentence.
    pub instead: &'static str,
    /// The profile accepts the gap.
    pub accepted: bool,
}

/// Every clause that a target does not enforce exactly.
#[must_use]
pub fn assess<'p>(profile: &'p Profile, host: &Host, target: Target) -> Vec<Finding<'p>> {
    let mut out = Vec::new();
    for stated in clauses(profile, host) {
        let Some((code, kept, instead)) = gap(&stated, target) else { continue };
        // Nothing can be done without a network that is not told apart: the runtime refuses it either way.
        let accepted = target != Target::Netns
            && feature(code).is_some_and(|feature| stance(profile, feature) == Some(Stance::Accept));
        let Stated { kind, statement, origin, .. } = stated;
        out.push(Finding { target, kind, code, statement, origin, kept, instead, accepted });
    }
    out
}

fn stance(profile: &Profile, feature: Feature) -> Option<Stance> {
    profile.features.iter().find(|rule| rule.feature == feature).map(|rule| rule.stance)
}

/// Requirements that what the runtime puts together on a platform cannot meet: the feature, where it is required, and a clause that
/// falls short.
#[must_use]
pub fn unmet<'p>(
    profile: &'p Profile,
    host: &Host,
    platform: Platform,
) -> Vec<(Feature, &'p Origin, Finding<'p>)> {
    // Landlock is the second wall; that it is there can be required, and what it cannot say is not asked of it.
    let targets = Target::native(platform).iter().filter(|target| **target != Target::Landlock);
    let findings: Vec<Finding<'p>> = targets.flat_map(|target| assess(profile, host, *target)).collect();
    let required = profile.features.iter().filter(|rule| rule.stance == Stance::Require);
    required
        .filter_map(|rule| {
            let short = findings.iter().find(|finding| feature(finding.code) == Some(rule.feature))?;
            Some((rule.feature, &rule.origin, short.clone()))
        })
        .collect()
}

/// What a target lacks of one clause.
fn gap(stated: &Stated<'_>, target: Target) -> Option<(Code, Kept, &'static str)> {
    let code = match support(stated.kind, target) {
        Support::NotApplicable => return None,
        Support::Exact => return unlike_written(stated, target),
        Support::Gap(code) => code,
    };
    let unneeded = match stated.kind {
        // Without a writable directory there is nothing to be protected. One component is caught by its name, wherever it comes from.
        ClauseKind::Protect => !stated.makeable || target == Target::Seatbelt && !stated.loose,
        // Where nothing can be written, nothing can be moved.
        ClauseKind::DenyGlob | ClauseKind::ReadGlob => target == Target::Seatbelt && !stated.makeable,
        _ => false,
    };
    let (kept, instead) = instead(code, stated.kind, target);
    (!unneeded).then_some((code, kept, instead))
}

/// What is lacking of a clause that is enforced exactly where everything is as it is written: a restricted path that is not there yet,
/// and directories around it that can be made elsewhere and moved.
fn unlike_written(stated: &Stated<'_>, target: Target) -> Option<(Code, Kept, &'static str)> {
    use Kept::{Stricter, Weaker};
    let restricts = matches!(stated.kind, ClauseKind::Narrow | ClauseKind::Grant | ClauseKind::Private);
    match target {
        Target::Seatbelt if restricts && stated.loose => Some((
            Code::EP0703,
            Weaker,
            "a directory that is made elsewhere can be moved to where this path lies, with what is in it",
        )),
        Target::Mounts | Target::Bwrap if stated.kind == ClauseKind::Narrow && stated.missing => {
            let code = if stated.makeable { Code::EP0703 } else { Code::EP0702 };
            Some((code, Weaker, "there is nothing to mount on while the path does not exist"))
        }
        Target::Mounts | Target::Bwrap
            if stated.missing && stated.makeable && stated.kind == ClauseKind::Private =>
        {
            Some((Code::EP0701, Weaker, "the directory does not exist, and one that is made is the host's"))
        }
        // Not a restriction: what is not there cannot be given.
        Target::Mounts | Target::Bwrap if stated.missing && stated.kind != ClauseKind::Narrow => {
            Some((Code::EP0712, Stricter, "nothing is given while the path does not exist"))
        }
        _ => None,
    }
}
