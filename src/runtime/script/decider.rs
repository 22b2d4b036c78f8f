//! In: a compiled policy and a command or script. Out: a [`Decided`]: the decision about it and about
//! everything that it can run. **This is the function for agents.**
//!
//! Not here: the decision of a plain command (`crate::decide`), which this calls first, and how parts
//! combine (`decide.rs`).

use super::rules::{Edges, RuleRef, Steps, TableRules, Within};
use super::{Found, Part, ScriptVerdict, judge, settle};
use crate::artifact::Artifact;
use crate::decide::{RuleMatch, Scratch, Verdict};
use crate::program::{Names, may_be_more, name_key};
use crate::table::key::SHORT;
use crate::wire::{LoadError, LoadErrorKind, SectionId};
use crate::{Conclusion, Context, Mode};
use alloc::sync::Arc;
use execpolicy_shell::programs::{base_name, opaque};
use execpolicy_shell::{Argv, Dialect, Item, Limits, Role, ToolFacts, analyse, analyse_argv};

/// A compiled policy, ready to decide commands with everything that they run.
///
/// Make it once for an artifact and keep it: it holds the facts about tools, read, and what it has
/// learned about the artifact's table. Decisions take it by reference and can run on many threads. A
/// [`Policy`](crate::Policy) keeps all that beside its own bytes, and gives a decider at next to no cost.
#[derive(Clone, Debug)]
pub struct Decider<'a> {
    rules: TableRules<'a>,
    facts: Arc<Facts>,
    limits: Limits,
}

/// The facts about tools, read, and their names to look a program up by.
#[derive(Debug)]
struct Facts {
    tools: ToolFacts,
    names: Names,
}

/// What is worth keeping between deciders of one artifact: the facts about tools, read, and what was learned about its
/// table.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    facts: Arc<Facts>,
    edges: Edges,
}

impl Prepared {
    fn with(tools: ToolFacts) -> Self {
        let names = tools.names().fold(Names::NONE, Names::with);
        Self { facts: Arc::new(Facts { tools, names }), edges: Edges::default() }
    }

    /// Reads the facts of an artifact.
    pub(crate) fn of(artifact: &Artifact<'_>) -> Result<Self, LoadError> {
        let Some(text) = artifact.tools() else { return Ok(Self::with(ToolFacts::none())) };
        let tools = ToolFacts::parse(text).map_err(|error| {
            let line =
                text.split_inclusive('\n').take(error.line.saturating_sub(1)).map(str::len).sum::<usize>();
            LoadError {
                kind: LoadErrorKind::Tools(error.message),
                section: Some(SectionId::Tools),
                offset: artifact.tools_start() + line,
            }
        })?;
        Ok(Self::with(tools))
    }
}

/// What the policy says about a command and everything that it runs.
#[derive(Clone, Debug)]
pub enum Decided<'v> {
    /// A command that runs nothing but itself.
    Plain(Verdict<'v>),
    /// A script, a wrapper, or a command whose words are not all that counts.
    Parts(ScriptVerdict<RuleRef>),
}

impl Decided<'_> {
    /// The strictest of what is said about it and everything that it runs.
    #[must_use]
    pub const fn conclusion(&self) -> Conclusion {
        match self {
            Self::Plain(verdict) => verdict.conclusion,
            Self::Parts(verdict) => verdict.conclusion,
        }
    }
}

impl<'a> Decider<'a> {
    /// Takes an artifact and reads the facts about tools that it carries. An artifact without any (of an
    /// older compiler) has every program opaque that runs others.
    ///
    /// # Errors
    /// [`LoadErrorKind::Tools`] if the facts cannot be read; such a policy allows nothing.
    pub fn new(artifact: Artifact<'a>) -> Result<Self, LoadError> {
        Ok(Self::open(artifact, Prepared::of(&artifact)?))
    }

    /// Takes an artifact and what was prepared from it before.
    pub(crate) fn open(artifact: Artifact<'a>, prepared: Prepared) -> Self {
        let Prepared { facts, edges } = prepared;
        Self { rules: TableRules::with_edges(artifact, edges), facts, limits: Limits::default() }
    }

    /// Takes an artifact and the facts about tools that are to hold in place of its own.
    #[must_use]
    pub fn with_facts(artifact: Artifact<'a>, tools: ToolFacts) -> Self {
        Self::open(artifact, Prepared::with(tools))
    }

    /// With other limits of the analysis.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Artifact<'a> {
        self.rules.policy()
    }

    /// The policy's rules, as sets of argvs are asked about.
    pub(super) const fn rules(&self) -> &TableRules<'a> {
        &self.rules
    }

    /// How much one question about places may cost.
    pub(super) const fn steps(&self) -> Steps {
        Steps::new(self.limits.steps)
    }

    /// The facts about tools.
    #[must_use]
    pub fn tools(&self) -> &ToolFacts {
        &self.facts.tools
    }

    /// Decides one command: what its own words say, and, if it is a shell with a script or a program
    /// that runs others, every command that it can run. Cannot fail; an empty argv matches nothing.
    ///
    /// A plain command costs what [`Artifact::decide`] costs. In [`Mode::Codex`] every command is plain.
    pub fn decide<'v, T: AsRef<[u8]>>(
        &'v self,
        argv: &'v [T],
        context: &Context<'_>,
        scratch: &'v mut Scratch,
    ) -> Decided<'v> {
        if context.mode != Mode::Strict || self.is_plain(argv) {
            return Decided::Plain(self.policy().decide(argv, context, scratch));
        }
        let analysis = analyse_argv(argv, context.cwd, &self.facts.tools, &self.limits);
        let rules = Within(&self.rules, Steps::new(self.limits.steps));
        let verdict = settle(&rules, argv, judge(&rules, analysis));
        if opaque(argv).is_none() && tells_nothing_more(&verdict, argv) {
            return Decided::Plain(self.policy().decide(argv, context, scratch));
        }
        Decided::Parts(verdict)
    }

    /// Decides a script as a shell would read it. No rule about the shell itself is asked, and no
    /// rule for a whole argv can settle it.
    #[must_use]
    pub fn decide_script(
        &self,
        script: &[u8],
        dialect: Dialect,
        cwd: Option<&[u8]>,
    ) -> ScriptVerdict<RuleRef> {
        let analysis = analyse(script, dialect, cwd, &self.facts.tools, &self.limits);
        judge(&Within(&self.rules, Steps::new(self.limits.steps)), analysis)
    }

    /// What a rule that counts for a part says, and where it is written. `None` for a rule of another
    /// policy.
    #[must_use]
    pub fn rule_match(&self, argv: &Argv, found: &Found<RuleRef>) -> Option<RuleMatch<'a>> {
        let RuleRef { rule: number, alternative } = found.rule;
        let policy = self.policy();
        let rule = policy.rule(number)?;
        let head = policy.strings.get(rule.heads.get(alternative)?);
        let program = argv.0.first().and_then(Item::as_known);
        let resolved = program.is_some_and(|program| program != head.as_bytes());
        Some(RuleMatch::new(&rule, number, alternative, head, resolved))
    }

    /// Whether a command surely runs nothing but itself, said without an analysis.
    #[inline]
    fn is_plain<T: AsRef<[u8]>>(&self, argv: &[T]) -> bool {
        let Some((program, arguments)) = argv.split_first() else { return true };
        let program = program.as_ref();
        let base = base_name(program);
        let key = name_key(base);
        // A long name is rare, and so is one with a backslash, which is among the bytes that are not plain.
        let plain = base.len() <= SHORT && (key.is_plain() || !base.contains(&b'\\'));
        if plain && !self.facts.names.may_hold(key) && !may_be_more(key, base.last()) {
            return true;
        }
        opaque(argv).is_none() && self.facts.tools.surely_alone(program, arguments)
    }
}

/// Whether an analysis has found the command itself and nothing to add about it.
fn tells_nothing_more<T: AsRef<[u8]>>(verdict: &ScriptVerdict<RuleRef>, argv: &[T]) -> bool {
    let [Part { segment, .. }] = &*verdict.parts else { return false };
    segment.role == Role::Command
        && segment.opaque.is_none()
        && segment.blocker.is_none()
        && segment.argv.words().is_some_and(|words| words.into_iter().eq(argv.iter().map(AsRef::as_ref)))
}
