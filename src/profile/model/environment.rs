//! In: the name of an environment variable. Out: what a command sees of it.
//! Not here: values the caller has.

use super::Model;
use crate::{EnvAction, EnvRule, Located, Profile, Variable};
use alloc::borrow::ToOwned;

impl<'p> Model<'p> {
    /// What becomes of a variable, and the clause that decides. First a `set`; then a name written out; then a pattern; deny before
    /// pass. A denial is about the name in any case; a pass is about exactly that name.
    #[must_use]
    pub fn env(&self, name: &str) -> (Variable<'p>, Option<&'p Located<EnvRule>>) {
        outcome(self.profile, name)
    }
}

/// As [`Model::env`]; it depends on no host.
pub(super) fn outcome<'p>(profile: &'p Profile, name: &str) -> (Variable<'p>, Option<&'p Located<EnvRule>>) {
    let rules = &profile.env;
    let first = |test: &dyn Fn(&EnvRule) -> bool| rules.iter().find(|rule| test(rule));
    let exact = |rule: &EnvRule| !rule.pattern.contains('*');
    let deny = |rule: &EnvRule| rule.action == EnvAction::Deny && matches(&rule.pattern, name, true);
    let pass = |rule: &EnvRule| rule.action == EnvAction::Pass && matches(&rule.pattern, name, false);
    if let Some(rule) = first(&|rule| &*rule.pattern == name)
        && let EnvAction::Set(value) = &rule.action
    {
        return (Variable::Set(value), Some(rule));
    }
    let decided = first(&|rule| exact(rule) && deny(rule))
        .or_else(|| first(&|rule| exact(rule) && pass(rule)))
        .or_else(|| first(&deny))
        .or_else(|| first(&pass));
    match decided {
        Some(rule) if rule.action == EnvAction::Pass => (Variable::Passed, Some(rule)),
        Some(rule) => (Variable::Absent, Some(rule)),
        None => (Variable::Absent, None),
    }
}

/// Whether a pattern fits a name: every `*` stands for any characters.
pub(super) fn matches(pattern: &str, name: &str, fold: bool) -> bool {
    let lower = |text: &str| if fold { text.to_ascii_lowercase() } else { text.to_owned() };
    let (pattern, name) = (lower(pattern), lower(name));
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut last: Option<&str> = None;
    for part in parts {
        // Every part but the last is taken as early as it can be; that leaves the most for the others.
        if let Some(part) = last {
            let Some((_, after)) = rest.split_once(part) else { return false };
            rest = after;
        }
        last = Some(part);
    }
    last.map_or(rest.is_empty(), |part| rest.ends_with(part))
}
