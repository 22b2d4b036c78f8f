//! In: a profile worked out. Out: what is wrong with it as a whole: grants that never take effect, denials that cut off
//! too much or too little. Not here: what is wrong with one word (`typed.rs`) or one body (`layers.rs`).

use super::resolve::Typed;
use super::typed::Said;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::policy::profile::Profiles;
use crate::source::Span;
use execpolicy_profile::model::{By, Model, Path, Roots, Tree};
use execpolicy_profile::{
    Access, Clause, GlobRule, Located, PathAccess, PathRule, Phase, Platform, Profile, Root, Subject,
};
use std::collections::BTreeSet;

/// How many path statements a worked out profile may have: each is a mount or a rule of the kernel's later.
const MOST_PATHS: usize = 2_000;

/// What every dynamically linked program needs on Linux: a shell, and the directories of the loader and the libraries
/// (Filesystem Hierarchy Standard 3.0, §§ 3.4, 3.9, 4.4, 4.6).
const NEEDED: &[&str] = &[
    "/bin/sh",
    "/usr/bin/sh",
    "/lib/ld-linux-aarch64.so.1",
    "/lib64/ld-linux-x86-64.so.2",
    "/usr/lib/libc.so.6",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/usr/lib/x86_64-linux-gnu/libc.so.6",
];

/// Looks at a profile in each of its variants and tells each finding once.
pub fn profile(profile: &Typed, profiles: &Profiles, is_parent: bool, sink: &mut Diagnostics) {
    let mut told = BTreeSet::new();
    let mut say = |diagnostic: Diagnostic| {
        if told.insert((diagnostic.code, diagnostic.span)) {
            sink.push(diagnostic);
        }
    };
    let name = &profile.name.value;
    for phase in [Phase::Run, Phase::Setup] {
        for platform in [Platform::Linux, Platform::Macos] {
            let Some(resolved) = profiles.get(name, phase, platform) else { continue };
            let size = resolved.paths.len() + resolved.globs.len() + resolved.protects.len();
            if size > MOST_PATHS {
                say(Diagnostic::new(
                    Code::EP0509,
                    profile.name.span,
                    format!("`{name}` comes to {size} paths and names"),
                )
                .hint(format!("at most {MOST_PATHS}: name the directories that hold them")));
                return;
            }
            let model = Model::new(resolved, &Roots::symbolic(), &Tree::new());
            let own = own(profile, profiles, resolved);
            let parent =
                profile.parent.as_ref().and_then(|parent| profiles.get(&parent.value, phase, platform));
            for rule in &own {
                // What replaces another statement about the same path has changed something.
                let replaced = parent.is_some_and(|p| p.paths.iter().any(|other| other.place == rule.place));
                let replaces = replaced || profile.overrides(&Subject::Path(rule.place.clone()));
                path(rule, profiles, &model, replaces, &mut say);
            }
            globs(profile, resolved, &mut say);
            if platform == Platform::Linux {
                shell(profile, profiles, &model, is_parent, &mut say);
            }
        }
    }
}

/// The path statements of a worked out profile that the profile itself wrote.
fn own<'r>(profile: &Typed, profiles: &Profiles, resolved: &'r Profile) -> Vec<&'r Located<PathRule>> {
    let written: BTreeSet<Span> = profile.own().filter(|said| !said.of_set).map(|said| said.span).collect();
    let own =
        |rule: &&Located<PathRule>| profiles.span(&rule.origin).is_some_and(|span| written.contains(&span));
    resolved.paths.iter().filter(own).collect()
}

fn path(
    rule: &Located<PathRule>,
    profiles: &Profiles,
    model: &Model<'_>,
    replaces: bool,
    say: &mut impl FnMut(Diagnostic),
) {
    let Some(span) = profiles.span(&rule.origin) else { return };
    let grants = matches!(rule.access, PathAccess::Read | PathAccess::Write);
    let above = |other: &&Located<PathRule>| other.place != rule.place && reaches(other, rule);
    let parent = model
        .profile()
        .paths
        .iter()
        .filter(above)
        .max_by_key(|other| (other.place.root != Root::Absolute, other.place.rest.len()));
    let text = rule.to_string();
    let at = Roots::symbolic().bind(&rule.place);
    let answer = model.access(&at);
    let also =
        |diagnostic: Diagnostic, by: &By<'_>| match by.origin().and_then(|origin| profiles.span(origin)) {
            Some(other) => diagnostic.also(other, format!("`{}` decides", by.statement())),
            None => diagnostic,
        };
    if grants && answer.access < rule.access.access() {
        let hint = match answer.by {
            By::Protect(cap) => format!("write `unset protect {}` if it is to be writable", cap.name),
            _ => "a wildcard is stronger than any path: take the wildcard back with `unset`, or make it narrower".to_owned(),
        };
        let diagnostic =
            Diagnostic::new(Code::EP0612, span, format!("`{text}` can never take effect")).hint(hint);
        say(also(diagnostic, &answer.by));
        return;
    }
    if let Some(parent) = parent {
        let by = By::Path(parent);
        if grants && parent.access == rule.access && !replaces {
            let diagnostic = Diagnostic::new(Code::EP0612, span, format!("`{text}` changes nothing"))
                .hint("take it away: what is above it grants the same");
            say(also(diagnostic, &by));
        } else if grants && parent.access == PathAccess::Deny {
            let diagnostic = Diagnostic::new(
                Code::EP0619,
                span,
                format!("`{text}` opens a part of the denied `{}` again", parent.place),
            )
            .hint(format!("if `{}` is not to be denied as a whole, deny what is secret in it", parent.place));
            say(also(diagnostic, &by));
        }
    }
}

/// Whether one place is above another as far as the text shows; `/` is above everything.
fn reaches(above: &PathRule, below: &PathRule) -> bool {
    let everything = above.place.root == Root::Absolute && above.place.rest.is_empty();
    everything || above.place.covers(&below.place)
}

/// A `read` glob lowers `write`; where nothing is writable it was meant to grant.
fn globs(profile: &Typed, resolved: &Profile, say: &mut impl FnMut(Diagnostic)) {
    for Said { clause, span, .. } in profile.own() {
        let Clause::Glob(rule @ GlobRule { place, access: Access::Read, .. }) = clause else { continue };
        let writable = resolved.paths.iter().any(|rule| {
            rule.access.access() == Access::Write
                && (place.covers(&rule.place) || rule.place.covers(place) || rule.place.root != place.root)
        });
        if !writable {
            say(Diagnostic::new(Code::EP0607, *span, format!("`{rule}` would grant by a wildcard"))
                .label("a wildcard can only lower access, and nothing here is writable")
                .hint(format!("name the directory: `read {place}`")));
        }
    }
}

fn shell(
    profile: &Typed,
    profiles: &Profiles,
    model: &Model<'_>,
    is_parent: bool,
    say: &mut impl FnMut(Diagnostic),
) {
    let own: BTreeSet<Span> = profile.own().map(|said| said.span).collect();
    for needed in NEEDED {
        let answer = model.access(&Path::parse(needed));
        let Some(span) = answer.by.origin().and_then(|origin| profiles.span(origin)) else { continue };
        if answer.access == Access::Deny && own.contains(&span) {
            say(Diagnostic::new(
                Code::EP0618,
                span,
                format!("`{}` cuts commands off from `{needed}`", answer.by.statement()),
            )
            .label("no program could start")
            .hint("deny the directories that hold secrets, not the ones that hold programs"));
        }
    }
    let reachable = |path: &str| model.access(&Path::parse(path)).access > Access::Deny;
    let denied_here = NEEDED.iter().any(|needed| model.access(&Path::parse(needed)).by != By::Nothing);
    if !is_parent && !denied_here && !reachable("/bin/sh") && !reachable("/usr/bin/sh") {
        let name = &profile.name.value;
        let hint = match &profile.parent {
            None => format!(
                "begin with `profile {name} extends read-only {{`, or write `read /usr, /bin, /lib, /lib64, /etc`"
            ),
            Some(_) => "write `read /usr, /bin, /lib, /lib64, /etc`".to_owned(),
        };
        say(Diagnostic::new(Code::EP0620, profile.name.span, format!("no program can start in `{name}`"))
            .label("it reads neither `/bin` nor `/usr`")
            .hint(hint));
    }
}
