//! In: a profile, a host, a target. Out: [`Finding`]s: each clause that the target does not enforce exactly, with its place and
//! what happens instead. Not here: how they are shown (`cli/`), and the table (`../targets.rs`).

use super::{ClauseKind, Stated, Support, Target, clauses, feature, support};
use crate::diagnostic::Code;
use crate::lower::places::Host;
use execpolicy_profile::{Feature, Origin, Platform, Profile, Stance};

/// On which side of the profile a target errs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// More can be done than the profile says.
    Weaker,
    /// Less can be done.
    Stricter,
    /// As much as the profile itself promises: what does not exist yet may be detected instead of prevented.
    AsPromised,
}

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

/// What happens instead of a clause, and on which side of it that is.
const fn instead(code: Code, kind: ClauseKind, target: Target) -> (Kept, &'static str) {
    use Kept::{AsPromised, Stricter, Weaker};
    match (code, target) {
        (Code::EP0701, Target::Seatbelt) => {
            (Stricter, "the host's directory is closed, and a new one is given as PRIVATE and TMPDIR")
        }
        (Code::EP0701, Target::Landlock) => {
            (Weaker, "the host's directory can be written, unless mounts put another in its place")
        }
        (Code::EP0701, _) => (Stricter, "the host's directory can be neither read nor written"),
        (Code::EP0702, Target::Seatbelt) => (
            AsPromised,
            "later files are covered, but a directory that holds one can be moved to where the pattern does not reach",
        ),
        (Code::EP0702, Target::Mounts) => {
            (AsPromised, "files that exist at the start are masked, later ones are not")
        }
        (Code::EP0702, _) => (
            Weaker,
            "files that exist when the text is written, or the command starts, are covered; later ones are not",
        ),
        (Code::EP0703, Target::Seatbelt) => {
            (AsPromised, "a directory that is made elsewhere can be moved to where the name lies")
        }
        (Code::EP0703, Target::Mounts) => (
            AsPromised,
            "names that exist are read-only; others are held by a placeholder, or found afterwards and put into quarantine",
        ),
        (Code::EP0703, Target::Codex) => {
            (Weaker, "names that exist at the top of a writable directory are read-only, others are not")
        }
        (Code::EP0703, _) => (Weaker, "names that exist are read-only; others can be made"),
        (Code::EP0704, _) => {
            (Weaker, "Landlock only grants: what the directory around it grants holds here as well")
        }
        (Code::EP0705, Target::Mounts | Target::Bwrap) => {
            (AsPromised, "the name can be seen, but nothing of what is behind it")
        }
        (Code::EP0705, _) => (Weaker, "name, size, owner and times can be asked for"),
        (Code::EP0706, Target::Landlock) => {
            (Weaker, "Landlock knows ports, not hosts; UDP and other protocols stay open")
        }
        (Code::EP0706, Target::Netns) => {
            (Stricter, "no command runs until there is a proxy that tells destinations apart")
        }
        (Code::EP0706, Target::Srt) => (Stricter, "destinations are reached through a proxy by name only"),
        (Code::EP0706, _) => {
            (Stricter, "without a proxy that tells destinations apart the network stays closed")
        }
        (Code::EP0707, Target::Mounts) if matches!(kind, ClauseKind::AllowSocket) => {
            (Stricter, "no command runs: listed destinations need a proxy")
        }
        (Code::EP0707, Target::Mounts) => (
            AsPromised,
            "sockets that exist at the start are masked where the view is read-only, later ones are not",
        ),
        (Code::EP0707, Target::Srt) => {
            (Stricter, "on Linux no socket in the file system can be connected to")
        }
        (Code::EP0707, _) => (Weaker, "every socket that can be seen can be connected to"),
        (Code::EP0708, Target::Process) => {
            (Stricter, "no command runs: memory of the whole tree needs a delegated cgroup")
        }
        (Code::EP0708, _) => (Weaker, "nothing is limited"),
        (Code::EP0709, Target::Bwrap) => (
            Weaker,
            "nothing is filtered unless the program of `--emit seccomp=F` is loaded with `--seccomp FD`",
        ),
        (Code::EP0709, _) => (Weaker, "only what the tool itself filters is filtered"),
        (Code::EP0710, Target::Bwrap) => match kind {
            ClauseKind::EnvPass => (Stricter, "no variable is passed: add `--setenv NAME VALUE` for each"),
            _ => (
                Weaker,
                "bubblewrap clears the environment of the command, but process 1 keeps its own: start it with `env -i`",
            ),
        },
        (Code::EP0710, Target::Codex) => (
            Weaker,
            "patterns are compared without regard to case, and a denial wins over a name written out",
        ),
        (Code::EP0710, _) => (Weaker, "every variable is passed"),
        (Code::EP0711, _) => {
            (Weaker, "TCP is closed, but UDP, MPTCP, TCP fast open and sockets in the file system are not")
        }
        (Code::EP0712, Target::Srt) => (Stricter, "a denial of writing wins over everything below it"),
        (Code::EP0712, _) => (Weaker, "the tool's patterns can only deny, so what matches can be written"),
        _ => (Weaker, "this is not enforced"),
    }
}
