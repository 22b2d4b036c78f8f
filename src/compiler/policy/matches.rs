//! In: a [`Policy`] and an argv. Out: the verdict, found the plain way: every rule is looked at.
//!
//! This file is the meaning of the rule language. The compiled table must give the same answers
//! (`verify.rs`, `tests/differential.rs`); where the two differ, this one is right.
//! Not here: speed, and the decision of scripts.

use super::program::{absolute, could_be, surely_is};
use super::{Pattern, Policy, PrefixRule, SandboxRule};
use execpolicy_runtime::{Conclusion, Context, Decision, Mode};
use execpolicy_shell::programs::{Opaque, base_name, opaque};

/// One rule that matched, by one alternative of its first position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleMatch<'a> {
    /// Its number in [`Policy::rules`].
    pub rule: usize,
    /// Which alternative of the first position matched.
    pub head: usize,
    /// The rule.
    pub what: &'a PrefixRule,
    /// Whether the first word is another spelling of the rule's program; Codex's `resolvedProgram`.
    pub resolved: bool,
}

/// What the policy says about one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The strictest of what the matching rules say.
    pub conclusion: Conclusion,
    /// All matching rules, in load order.
    pub matches: Vec<RuleMatch<'a>>,
    /// Set if the command runs something that its words do not show and no rule settled it: the
    /// conclusion is then `prompt` at least, and no allow counted.
    pub opaque: Option<Opaque>,
    /// In Codex mode, the absolute path that was looked up for the first word.
    pub resolved_program: Option<Vec<u8>>,
}

/// Decides one command. An empty argv matches nothing.
#[must_use]
pub fn decide<'a, T: AsRef<[u8]>>(policy: &'a Policy, argv: &[T], context: &Context<'_>) -> Verdict<'a> {
    let argv: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
    match context.mode {
        Mode::Strict => strict(policy, &argv),
        Mode::Codex { resolve_host_executables } => codex(policy, &argv, resolve_host_executables, context),
    }
}

/// Every (rule, alternative of its first position) whose later positions fit.
fn entries<'a, 'b>(
    policy: &'a Policy,
    argv: &'b [&'b [u8]],
) -> impl Iterator<Item = (RuleMatch<'a>, &'a [u8])> + use<'a, 'b> {
    policy
        .rules
        .iter()
        .enumerate()
        .filter(move |(_, rule)| {
            let tokens = &rule.pattern.tokens;
            tokens.len() <= argv.len()
                && tokens.iter().zip(argv).skip(1).all(|(token, word)| token.accepts(word))
        })
        .flat_map(|(at, rule)| {
            let heads = rule.pattern.tokens.first().map_or(&[][..], |token| &token.alternatives);
            heads.iter().enumerate().map(move |(head, alternative)| {
                (RuleMatch { rule: at, head, what: rule, resolved: false }, alternative.value.as_bytes())
            })
        })
}

/// `docs/semantics.md`, "Strict": guards go by the base name, allows by the exact program; a
/// command that runs something hidden is allowed by nothing but its own words in full.
fn strict<'a>(policy: &'a Policy, argv: &[&[u8]]) -> Verdict<'a> {
    let Some(&program) = argv.first() else { return nothing() };
    let hidden = opaque(argv);
    let mut whole = false;
    let mut matches = Vec::new();
    for (mut found, head) in entries(policy, argv) {
        let exact = head == program && found.what.pattern.tokens.len() == argv.len();
        let applies = match found.what.decision {
            Decision::Prompt | Decision::Forbidden => could_be(head, program),
            Decision::Allow if hidden.is_some() => exact,
            Decision::Allow => surely_is(head, program, listed(policy, head).as_deref()),
        };
        if applies {
            whole |= exact && found.what.decision == Decision::Allow;
            found.resolved = head != program;
            matches.push(found);
        }
    }
    let unsettled = hidden.filter(|_| !whole);
    let strictest = matches.iter().map(|found| found.what.decision).max();
    Verdict {
        conclusion: Conclusion::of(strictest.max(unsettled.map(|_| Decision::Prompt))),
        matches,
        opaque: unsettled,
        resolved_program: None,
    }
}

/// Codex 0.169: literal words; with host executables, and only if that finds nothing, once more
/// under the base name of the absolute path, if `host_executable` lists the path or is silent.
fn codex<'a>(policy: &'a Policy, argv: &[&[u8]], resolve: bool, context: &Context<'_>) -> Verdict<'a> {
    let Some(&program) = argv.first() else { return nothing() };
    let literal: Vec<_> =
        entries(policy, argv).filter(|(_, head)| *head == program).map(|(found, _)| found).collect();
    let mut verdict =
        Verdict { conclusion: Conclusion::Unmatched, matches: literal, opaque: None, resolved_program: None };
    if verdict.matches.is_empty()
        && resolve
        && let Some(path) = absolute(program, context.cwd, context.home)
    {
        let name = base_name(&path);
        if listed(policy, name).is_none_or(|paths| paths.contains(&path)) {
            verdict.matches = entries(policy, argv)
                .filter(|(_, head)| *head == name)
                .map(|(found, _)| RuleMatch { resolved: true, ..found })
                .collect();
            verdict.resolved_program = Some(path);
        }
    }
    verdict.conclusion = Conclusion::of(verdict.matches.iter().map(|found| found.what.decision).max());
    verdict
}

/// Where an example and a pattern part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// The word at this position is not one the pattern accepts there.
    Word(usize),
    /// The pattern wants a word at this position, and the example has ended.
    End(usize),
}

/// What a rule's examples are tried with.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// The pattern.
    pub pattern: &'a Pattern,
    /// Whether the first word must surely be the program: so for allows and places, not for guards.
    pub surely: bool,
    /// As [`PrefixRule::hosts_known`].
    pub hosts_known: usize,
}

impl<'a> From<&'a PrefixRule> for Tried<'a> {
    fn from(rule: &'a PrefixRule) -> Self {
        let surely = rule.decision == Decision::Allow;
        Self { pattern: &rule.pattern, surely, hosts_known: rule.hosts_known }
    }
}

impl<'a> From<&'a SandboxRule> for Tried<'a> {
    fn from(rule: &'a SandboxRule) -> Self {
        Self { pattern: &rule.pattern, surely: true, hosts_known: usize::MAX }
    }
}

/// Whether a rule's pattern accepts an example, on its own, whatever other rules say. The first
/// word is compared as in the mode; that a command is opaque does not matter here.
///
/// # Errors
/// Where they part.
pub fn example<'a>(
    policy: &Policy,
    rule: impl Into<Tried<'a>>,
    argv: &[String],
    codex: bool,
) -> Result<(), Divergence> {
    let rule = rule.into();
    let tokens = &rule.pattern.tokens;
    let Some(program) = argv.first().map(|word| word.as_bytes()) else { return Err(Divergence::End(0)) };
    let heads = tokens.first().map_or(&[][..], |token| &token.alternatives);
    let mut heads = heads.iter().map(|head| head.value.as_bytes());
    let stands_for = if codex {
        heads.clone().any(|head| head == program) || {
            let known = &policy.hosts[..rule.hosts_known.min(policy.hosts.len())];
            absolute(program, Some(b"/"), Some(b"/")).is_some_and(|path| {
                let name = base_name(&path);
                let host = known.iter().rev().find(|host| host.name.value.as_bytes() == name);
                heads.any(|head| head == name)
                    && host.is_none_or(|host| host.paths.iter().any(|listed| listed.value.as_bytes() == path))
            })
        }
    } else if rule.surely {
        heads.any(|head| surely_is(head, program, listed(policy, head).as_deref()))
    } else {
        heads.any(|head| could_be(head, program))
    };
    if !stands_for {
        return Err(Divergence::Word(0));
    }
    for (position, token) in tokens.iter().enumerate().skip(1) {
        match argv.get(position) {
            None => return Err(Divergence::End(position)),
            Some(word) if !token.accepts(word.as_bytes()) => return Err(Divergence::Word(position)),
            Some(_) => {}
        }
    }
    Ok(())
}

fn nothing<'a>() -> Verdict<'a> {
    Verdict { conclusion: Conclusion::Unmatched, matches: Vec::new(), opaque: None, resolved_program: None }
}

/// The paths of the `host_executable` that counts for a name.
#[must_use]
pub fn listed(policy: &Policy, name: &[u8]) -> Option<Vec<Vec<u8>>> {
    policy.host(name).map(|host| host.paths.iter().map(|path| path.value.as_bytes().to_vec()).collect())
}
