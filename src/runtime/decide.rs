//! In: a policy, an argv and what the caller knows. Out: a [`Verdict`], and the rules behind it.
//! Not here: the meaning of rules, which the compiler's `policy/matches.rs` states plainly; every
//! answer is compared with it. Scripts are taken apart elsewhere and decided command by command.
//!
//! A decision is at most three walks: by the folded name of the tool (for guards), by the literal first
//! word and, where the path can be trusted, by the base name (for allows). A plain first word (short,
//! no `/`, no capital, no version) is its own name, so there one walk gives all.
#![forbid(unsafe_code)]

use crate::artifact::{Artifact, Heads, PlacementRule, Rule};
use crate::program::{absolute, is_system, may_be_more, may_be_opaque, normal_path, windows_name};
use crate::table::block::Hits;
use crate::table::key::short;
use crate::table::{Chain, FOLDED, Info, Kind, LITERAL, Sets, Step};
use crate::text::site;
use crate::wire::NONE;
use crate::{Conclusion, Context, Decision, Mode, Opaque};
use alloc::vec::Vec;
use core::fmt;
use core::iter::Peekable;
use execpolicy_shell::names::tool_name;
use execpolicy_shell::programs::{base_name, opaque};

/// Working memory of decisions, made once and used again: [`Artifact::scratch`].
///
/// A decision in [`Mode::Strict`] allocates nothing with the scratch of its own policy. In
/// [`Mode::Codex`] a path longer than all before makes it grow.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    columns: Vec<u32>,
    path: Vec<u8>,
}

impl Scratch {
    /// Memory for so many postings and for a path of so many bytes.
    #[must_use]
    pub fn with_capacity(columns: usize, path: usize) -> Self {
        Self { columns: Vec::with_capacity(columns), path: Vec::with_capacity(path) }
    }

    /// For how many postings and how many bytes there is room: what grows if a decision allocates.
    #[must_use]
    pub fn capacity(&self) -> (usize, usize) {
        (self.columns.capacity(), self.path.capacity())
    }
}

/// Where a walk ended: the set of rules it has passed and, perhaps, a block.
#[derive(Clone, Copy, Debug)]
struct Walk {
    set: u32,
    block: Option<InBlock>,
}

/// A block, and which of the columns hold the postings that it is to be intersected with.
#[derive(Clone, Copy, Debug)]
struct InBlock {
    block: u32,
    first_column: u32,
    columns: u32,
}

const NOWHERE: Walk = Walk { set: 0, block: None };

/// What a walk found: the strictest guard and whether there is an allow, as in an [`Info`]; the bit
/// [`Info::EXACT`] says that an allow has the whole argv as its pattern.
#[derive(Clone, Copy, Debug, Default)]
struct Found(u32);

impl Found {
    /// What an edge says, if so many words lead to it.
    #[inline]
    const fn by(info: Info, exact: bool) -> Self {
        Self(info.0 & (3 | Info::ALLOW) | if exact { Info::EXACT } else { 0 })
    }

    /// The strictest guard: 0 none, 1 prompt, 2 forbidden.
    #[inline]
    const fn guard(self) -> u32 {
        self.0 & 3
    }

    /// Whether an allow counts; in an opaque command only one that has the whole argv does.
    #[inline]
    const fn allow(self, hidden: bool) -> bool {
        self.0 & (if hidden { Info::EXACT } else { Info::ALLOW }) != 0
    }
}

/// What the strictest guard and an allow come to, from bits 0 to 2 of a [`Found`]. A table, because
/// no branch could foretell it.
#[inline]
fn settled(found: u32) -> Conclusion {
    use Conclusion::{Allow, Forbidden, Prompt, Unmatched};
    const SETTLED: [Conclusion; 8] =
        [Unmatched, Prompt, Forbidden, Forbidden, Allow, Prompt, Forbidden, Forbidden];
    // Three bits always have a place in it.
    SETTLED.get(found as usize & 7).copied().unwrap_or(Forbidden)
}

/// Which alternatives of a rule's first position stand for the first word.
#[derive(Clone, Copy, Debug)]
enum Filter<'v> {
    /// Guards by base name, allows by the word or, if it is trusted, the base name.
    Strict { trusted: Option<&'v [u8]>, hidden: bool },
    /// The word itself.
    Literal,
    /// The base name of the path that Codex looked up.
    Resolved(&'v [u8]),
}

/// What the policy says about one command.
#[derive(Clone)]
pub struct Verdict<'v> {
    /// The strictest of what the matching rules say.
    pub conclusion: Conclusion,
    /// Set if the command runs something that its words do not show and no rule settled it: the
    /// conclusion is then `prompt` at least, and no allow counted.
    pub opaque: Option<Opaque>,
    /// In Codex mode, the absolute path that was looked up for the first word.
    pub resolved_program: Option<&'v [u8]>,
    policy: &'v Artifact<'v>,
    program: &'v [u8],
    words: usize,
    filter: Filter<'v>,
    /// Where the walk ended, or the first of three.
    set: u32,
    rest: Option<Rest<'v>>,
}

/// What most commands do not have.
#[derive(Clone, Copy, Debug)]
struct Rest<'v> {
    block: Option<InBlock>,
    /// The second and third walk, if the first word is not plain.
    others: [Walk; 2],
    columns: &'v [u32],
}

/// One rule that matched, by one alternative of its first position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleMatch<'v> {
    /// Its number in load order.
    pub rule: u32,
    /// Which alternative of the first position matched, by its place in the rule.
    pub alternative: u32,
    /// That alternative. The matched prefix is it and the command's own words 1 to `depth - 1`.
    pub head: &'v str,
    /// How many words of the command the pattern covers.
    pub depth: u32,
    /// What the rule says.
    pub decision: Decision,
    /// Why.
    pub justification: Option<&'v str>,
    /// The file it is written in, relative to the policy root.
    pub source: &'v str,
    /// The line it begins in, from 1.
    pub line: u32,
    /// Whether the first word is another spelling of the rule's program; Codex's `resolvedProgram`.
    pub resolved: bool,
}

impl<'v> RuleMatch<'v> {
    /// A rule with its number and the alternative of its first position that stands for the program.
    pub(crate) fn new(rule: &Rule<'v>, number: u32, alternative: u32, head: &'v str, resolved: bool) -> Self {
        Self {
            rule: number,
            alternative,
            head,
            depth: rule.depth,
            decision: rule.decision,
            justification: rule.justification,
            source: rule.source,
            line: rule.line,
            resolved,
        }
    }

    /// The words of the matched prefix: the alternative of the first position, then the command's
    /// own words; Codex's `matchedPrefix`. Takes the argv that was decided.
    pub fn matched_prefix<T: AsRef<[u8]>>(&self, argv: &'v [T]) -> impl Iterator<Item = &'v [u8]> {
        let rest = argv.get(1..self.depth as usize).unwrap_or(&[]);
        core::iter::once(self.head.as_bytes()).chain(rest.iter().map(AsRef::as_ref))
    }
}

impl Artifact<'_> {
    /// Working memory that is large enough for every decision of this policy.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        let columns = (0..).map_while(|block| self.blocks.get(block)).map(|block| block.columns).max();
        Scratch::with_capacity(3 * columns.unwrap_or(0) as usize, 8192)
    }

    /// Decides one command. Cannot fail; an empty argv matches nothing.
    ///
    /// Time: linear in the words up to the longest pattern, and in their lengths up to the longest
    /// word of a pattern; the rest of the argv is looked at only if the program is one that can run others.
    #[inline]
    pub fn decide<'v, T: AsRef<[u8]>>(
        &'v self,
        argv: &'v [T],
        context: &Context<'_>,
        scratch: &'v mut Scratch,
    ) -> Verdict<'v> {
        scratch.columns.clear();
        let Some(first) = argv.first() else { return self.verdict(&[], 0, Filter::Literal) };
        let program = first.as_ref();
        match context.mode {
            Mode::Strict => self.strict(program, argv, scratch),
            Mode::Codex { resolve_host_executables } => {
                self.codex(program, argv, resolve_host_executables, context, scratch)
            }
        }
    }

    #[inline]
    fn verdict<'v>(&'v self, program: &'v [u8], words: usize, filter: Filter<'v>) -> Verdict<'v> {
        Verdict {
            conclusion: Conclusion::Unmatched,
            opaque: None,
            resolved_program: None,
            policy: self,
            program,
            words,
            filter,
            set: 0,
            rest: None,
        }
    }

    #[inline]
    fn strict<'v, T: AsRef<[u8]>>(
        &'v self,
        program: &'v [u8],
        argv: &[T],
        scratch: &'v mut Scratch,
    ) -> Verdict<'v> {
        let Some(info) = self.strict_plain(program, argv) else {
            return self.strict_spelt(program, argv, scratch);
        };
        let mut verdict = self.verdict(program, argv.len(), Filter::Strict { trusted: None, hidden: false });
        verdict.set = info.number();
        verdict.conclusion = settled(info.0);
        verdict
    }

    /// What nearly every command comes to; `None` for the rest, which is left to the general case so
    /// that this one has few branches.
    #[inline]
    fn strict_plain<T: AsRef<[u8]>>(&self, program: &[u8], argv: &[T]) -> Option<Info> {
        let key = short(program).filter(|_| self.header.folded_block == NONE)?;
        if may_be_more(key, program.last()) {
            return None;
        }
        // Words on the edges of this root are folded names of tools, so a word that is on one is plain.
        let Some(first) = self.table.step_short(FOLDED, key) else {
            return key.is_plain().then_some(Info(0));
        };
        let (info, _) = self.follow(first, argv);
        (!info.is(Kind::Block)).then_some(info)
    }

    /// The general case: a first word that is long, has a `/` or a capital, may run others, or leads
    /// into a block.
    #[cold]
    fn strict_spelt<'v, T: AsRef<[u8]>>(
        &'v self,
        program: &'v [u8],
        argv: &[T],
        scratch: &'v mut Scratch,
    ) -> Verdict<'v> {
        let columns = &mut scratch.columns;
        let tool = self.tool_name(program);
        let hidden = if may_be_opaque(program) { opaque(argv) } else { None };
        if tool == program && !program.iter().any(u8::is_ascii_uppercase) {
            // Its own name, so one walk does.
            let (walk, found) = self.walk(FOLDED, |state| self.table.step(state, program), argv, columns);
            let filter = Filter::Strict { trusted: None, hidden: hidden.is_some() };
            let mut verdict = self.verdict(program, argv.len(), filter);
            verdict.ended([walk, NOWHERE, NOWHERE], &scratch.columns);
            verdict.settle(found, found.allow(hidden.is_some()), hidden);
            return verdict;
        }
        let (guards, guard) = self.walk(FOLDED, |state| self.table.step_folded(state, tool), argv, columns);
        let (literal, exact) = self.walk_literal(program, argv, columns);
        let trusted = if hidden.is_none() { self.trusted(program) } else { None };
        let (by_name, named) = match trusted {
            Some(name) => self.walk_literal(name, argv, columns),
            None => (NOWHERE, Found::default()),
        };
        let mut verdict =
            self.verdict(program, argv.len(), Filter::Strict { trusted, hidden: hidden.is_some() });
        verdict.ended([guards, literal, by_name], &scratch.columns);
        // A trusted base name is not asked for where something is hidden.
        let allow = exact.allow(hidden.is_some()) || named.allow(hidden.is_some());
        verdict.settle(guard, allow, hidden);
        verdict
    }

    /// The tool that a word names, as the guards of this artifact are found; to be folded.
    pub(crate) fn tool_name<'w>(&self, word: &'w [u8]) -> &'w [u8] {
        // Before format 2 they were found by the base name.
        if self.header.format < 2 { base_name(word) } else { tool_name(word) }
    }

    /// The name, if a bare-name allow covers this path.
    pub(crate) fn trusted<'v>(&self, program: &'v [u8]) -> Option<&'v [u8]> {
        if let Some(name) = windows_name(program) {
            return Some(name).filter(|name| self.host(name).is_some_and(|paths| paths.contain(program)));
        }
        let (directory, name) = normal_path(program)?;
        let covered = match self.host(name) {
            Some(paths) => paths.contain(program),
            None => is_system(directory),
        };
        covered.then_some(name)
    }

    fn codex<'v, T: AsRef<[u8]>>(
        &'v self,
        program: &'v [u8],
        argv: &[T],
        resolve: bool,
        context: &Context<'_>,
        scratch: &'v mut Scratch,
    ) -> Verdict<'v> {
        // As in the strict mode, whatever is rare is left to the general case.
        let info = match self.header.literal_block {
            NONE => self.first_literal(program).map_or(Info(0), |first| self.follow(first, argv).0),
            _ => return self.codex_spelt(program, argv, resolve, context, scratch),
        };
        let conclusion = settled(info.0);
        if info.is(Kind::Block) || conclusion == Conclusion::Unmatched && resolve {
            return self.codex_spelt(program, argv, resolve, context, scratch);
        }
        let mut verdict = self.verdict(program, argv.len(), Filter::Literal);
        verdict.set = info.number();
        verdict.conclusion = conclusion;
        verdict
    }

    /// The general case: a command that leads into a block, or a path that may have to be resolved.
    #[cold]
    fn codex_spelt<'v, T: AsRef<[u8]>>(
        &'v self,
        program: &'v [u8],
        argv: &[T],
        resolve: bool,
        context: &Context<'_>,
        scratch: &'v mut Scratch,
    ) -> Verdict<'v> {
        let Scratch { columns, path } = scratch;
        let (walk, found) = self.walk_literal(program, argv, columns);
        let mut verdict = self.verdict(program, argv.len(), Filter::Literal);
        let settled = found.guard() > 0 || found.allow(false);
        if settled || !resolve || !absolute(program, context.cwd, context.home, path) {
            verdict.ended([walk, NOWHERE, NOWHERE], columns);
            verdict.settle(found, found.allow(false), None);
            return verdict;
        }
        let path: &'v [u8] = path;
        let name = base_name(path);
        if self.host(name).is_none_or(|paths| paths.contain(path)) {
            columns.clear();
            let (walk, found) = self.walk_literal(name, argv, columns);
            verdict.ended([walk, NOWHERE, NOWHERE], columns);
            verdict.filter = Filter::Resolved(name);
            verdict.resolved_program = Some(path);
            verdict.settle(found, found.allow(false), None);
        }
        verdict
    }

    /// The step by a literal first word. Where the folded root has the same edge, only that one
    /// is stored.
    #[inline]
    fn first_literal(&self, word: &[u8]) -> Option<Step> {
        let shared = self.table.step(FOLDED, word).filter(|edge| edge.info.shared());
        shared.or_else(|| if self.literal_edges { self.table.step(LITERAL, word) } else { None })
    }

    /// The walk by a literal first word.
    fn walk_literal<T: AsRef<[u8]>>(&self, word: &[u8], argv: &[T], columns: &mut Vec<u32>) -> (Walk, Found) {
        let first =
            |state| if state == LITERAL { self.first_literal(word) } else { self.table.step(state, word) };
        self.walk(LITERAL, first, argv, columns)
    }

    /// From a root, by the edge that `first` gives for the first word, as far as the argv leads.
    #[inline]
    fn walk<T: AsRef<[u8]>>(
        &self,
        root: u32,
        first: impl Fn(u32) -> Option<Step>,
        argv: &[T],
        columns: &mut Vec<u32>,
    ) -> (Walk, Found) {
        let block = if root == FOLDED { self.header.folded_block } else { self.header.literal_block };
        if block != NONE {
            return self.walk_block(block, Info(0), 0, first, argv, columns);
        }
        match first(root) {
            Some(step) => self.walk_from(step, argv, columns),
            None => (NOWHERE, Found::default()),
        }
    }

    /// From the step by the first word, as far as the argv leads.
    #[inline]
    fn walk_from<T: AsRef<[u8]>>(&self, first: Step, argv: &[T], columns: &mut Vec<u32>) -> (Walk, Found) {
        let (info, depth) = self.follow(first, argv);
        if info.is(Kind::Block) {
            let (set, block) = self.table.jump(info.number());
            let (walk, found) = self.walk_block(block, info, depth, |_| None, argv, columns);
            return (Walk { set, ..walk }, found);
        }
        let exact = info.exact() && depth == argv.len();
        (Walk { set: info.number(), block: None }, Found::by(info, exact))
    }

    /// What the last edge says, from the step by the first word on, and how many words lead to its end;
    /// never of the kind [`Kind::Jump`]. All that a decision costs is here, and a call would cost a fifth of it.
    #[inline(always)]
    fn follow<T: AsRef<[u8]>>(&self, first: Step, argv: &[T]) -> (Info, usize) {
        let Step { mut info, next: mut state } = first;
        let mut rest = argv.get(1..).unwrap_or(&[]).iter();
        loop {
            while info.is(Kind::Next) {
                let mut others = rest.clone();
                let Some(word) = others.next() else { break };
                let Some(step) = self.table.step_on(state, word.as_ref()) else { break };
                Step { info, next: state } = step;
                rest = others;
            }
            if !info.is(Kind::Jump) {
                return (info, argv.len() - rest.len());
            }
            Step { info, next: state } = self.table.land(info);
        }
    }

    /// Goes on in a block: finds the posting of each further word, then looks at the rules they
    /// leave. `first` is asked for the first word of the command, the table for the others.
    #[cold]
    fn walk_block<T: AsRef<[u8]>>(
        &self,
        number: u32,
        info: Info,
        depth: usize,
        first: impl Fn(u32) -> Option<Step>,
        argv: &[T],
        columns: &mut Vec<u32>,
    ) -> (Walk, Found) {
        let mut found = Found::by(info, info.exact() && depth == argv.len());
        let start = columns.len();
        let Some(block) = self.blocks.get(number) else { return (NOWHERE, found) };
        for (at, word) in argv.iter().enumerate().skip(depth).take(block.columns as usize) {
            let state = block.column + (at - depth) as u32;
            let edge = if at == 0 { first(state) } else { self.table.step(state, word.as_ref()) };
            let Some(edge) = edge.filter(|edge| edge.info.is(Kind::Posting)) else { break };
            columns.push(edge.info.number());
        }
        let postings = columns.get(start..).unwrap_or(&[]);
        for rule in Hits::new(&self.blocks, block, postings).filter_map(|rule| self.rule(rule)) {
            match rule.decision {
                // The guards are the numbers 1 and 2, and no bit but theirs is below an allow's.
                Decision::Forbidden => found.0 = found.0 & !3 | 2,
                Decision::Prompt if found.guard() == 0 => found.0 |= 1,
                Decision::Prompt => {}
                Decision::Allow => {
                    found.0 |= Info::ALLOW;
                    found.0 |= if rule.depth as usize == argv.len() { Info::EXACT } else { 0 };
                }
            }
            if found.guard() == 2 {
                // Nothing is stricter. What was said of allows does not change the decision, but
                // an exact one settles what is hidden, so it must still be looked for.
                found.0 |= if self.has_exact(block, postings, argv.len()) { Info::EXACT } else { 0 };
                break;
            }
        }
        let block = InBlock { block: number, first_column: start as u32, columns: postings.len() as u32 };
        (Walk { set: 0, block: Some(block) }, found)
    }

    /// Whether an allow of exactly this length is among the matches of a block.
    fn has_exact(&self, block: crate::table::block::Block, postings: &[u32], words: usize) -> bool {
        Hits::new(&self.blocks, block, postings)
            .filter_map(|rule| self.rule(rule))
            .any(|rule| rule.decision == Decision::Allow && rule.depth as usize == words)
    }
}

impl fmt::Debug for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdict")
            .field("conclusion", &self.conclusion)
            .field("opaque", &self.opaque)
            .field("matches", &self.matches().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// `forbidden: rewrites shared history (agent.rules:12)`.
impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.matches().find(|found| self.conclusion == found.decision.into()), self.opaque) {
            (Some(found), _) => found.fmt(f),
            (None, Some(why)) => write!(f, "{}: it {}", self.conclusion, why.sentence()),
            (None, None) => self.conclusion.fmt(f),
        }
    }
}

/// `forbidden: rewrites shared history (agent.rules:12)`.
impl fmt::Display for RuleMatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.decision)?;
        site(f, self.justification, self.source, self.line)
    }
}

impl<'v> Verdict<'v> {
    #[inline]
    fn settle(&mut self, guard: Found, allow: bool, hidden: Option<Opaque>) {
        // In an opaque command the only allow that counts has the whole argv, so it settles it.
        self.opaque = if allow { None } else { hidden };
        self.conclusion = settled(guard.guard() | if allow { Info::ALLOW } else { 0 });
        if self.opaque.is_some() {
            self.conclusion = self.conclusion.max(Conclusion::Prompt);
        }
    }

    /// Says where the walks ended.
    fn ended(&mut self, [first, second, third]: [Walk; 3], columns: &'v [u32]) {
        self.set = first.set;
        self.rest = Some(Rest { block: first.block, others: [second, third], columns });
    }

    /// Where the walks ended.
    fn walks(&self) -> [Walk; 3] {
        let (block, [second, third]) =
            self.rest.map_or((None, [NOWHERE; 2]), |rest| (rest.block, rest.others));
        [Walk { set: self.set, block }, second, third]
    }

    /// Every rule that matched, in load order, once for each alternative of its first position
    /// that stands for the command's first word. Nothing is copied or allocated.
    #[must_use]
    pub fn matches(&self) -> Matches<'_> {
        self.matches_from(0)
    }

    /// The policy that decided.
    pub(crate) const fn policy(&self) -> &'v Artifact<'v> {
        self.policy
    }

    /// Whether the verdict says where the command runs: not in Codex's mode, nor for no command.
    pub(crate) const fn places(&self) -> bool {
        matches!(self.filter, Filter::Strict { .. })
    }

    /// Every sandbox rule that could match, in load order, and whether it surely does.
    pub(crate) fn placements(&self) -> impl Iterator<Item = (PlacementRule<'v>, bool)> {
        let first = u32::try_from(self.policy.deciding).unwrap_or(NONE);
        let mut matches = self.matches_from(first);
        core::iter::from_fn(move || matches.next_rule()).filter_map(move |number| {
            let rule = self.policy.placement_rule(number.checked_sub(first)?)?;
            let (mut could, mut sure) = (false, false);
            for head in self.policy.placement_heads(&rule) {
                let spelt = head.as_bytes() == self.program;
                could |= spelt || self.same_tool(head.as_bytes());
                sure |= match self.filter {
                    Filter::Strict { hidden: true, .. } => spelt && rule.depth as usize == self.words,
                    Filter::Strict { trusted, .. } => spelt || trusted == Some(head.as_bytes()),
                    _ => false,
                };
            }
            could.then_some((rule, sure))
        })
    }

    fn matches_from(&self, from: u32) -> Matches<'_> {
        let sets = &self.policy.sets;
        let walks = self.walks();
        let mut rest = walks.map(|walk| walk.set);
        let (mut chains, mut used) = ([Chain::NONE; CHAINS], 0);
        for set in &mut rest {
            while let Some(chain) = chains.get_mut(used).filter(|_| *set != 0) {
                *chain = sets.chain(*set);
                *set = sets.parent(*set);
                used += 1;
            }
        }
        let blocks = walks.iter().any(|walk| walk.block.is_some());
        let more = (blocks || rest != [0; 3]).then(|| More { rest, hits: walks.map(|walk| self.hits(walk)) });
        Matches { verdict: self, chains, used, more, from, current: None }
    }

    /// The rules of the block that a walk ended in.
    fn hits(&self, walk: Walk) -> Option<Peekable<Hits<'_>>> {
        let InBlock { block, first_column, columns } = walk.block?;
        let range = first_column as usize..(first_column + columns) as usize;
        let (block, columns) = (self.policy.blocks.get(block)?, self.rest?.columns.get(range)?);
        Some(Hits::new(&self.policy.blocks, block, columns).peekable())
    }

    /// Whether a head of a rule and the first word name the same tool.
    fn same_tool(&self, head: &[u8]) -> bool {
        self.policy.tool_name(head).eq_ignore_ascii_case(self.policy.tool_name(self.program))
    }

    /// Whether one alternative of a rule stands for the first word; `spelt` if it is the word itself.
    #[inline]
    fn accepts(&self, rule: &Rule<'_>, head: &[u8], spelt: bool) -> bool {
        match self.filter {
            Filter::Strict { trusted, hidden } => match rule.decision {
                Decision::Prompt | Decision::Forbidden => spelt || self.same_tool(head),
                Decision::Allow if hidden => spelt && rule.depth as usize == self.words,
                Decision::Allow => spelt || trusted == Some(head),
            },
            Filter::Literal => spelt,
            Filter::Resolved(name) => head == name,
        }
    }
}

/// How many links of sets are followed with a finger in each. Patterns that are prefixes of each
/// other this often are rare; the links beyond are searched.
const CHAINS: usize = 6;

/// The rules behind a verdict: [`Verdict::matches`].
#[derive(Clone, Debug)]
pub struct Matches<'v> {
    verdict: &'v Verdict<'v>,
    /// The links of the walks' sets, each with what is left of it; as many as there is room for.
    chains: [Chain<'v>; CHAINS],
    /// How many of them there are.
    used: usize,
    /// What most commands do not have.
    more: Option<More<'v>>,
    /// The smallest rule that has not been looked at.
    from: u32,
    /// The rule whose alternatives are being looked at, its number, and the next alternative.
    current: Option<(Rule<'v>, u32, u32)>,
}

/// What is left of long chains and of blocks.
#[derive(Clone, Debug)]
struct More<'v> {
    /// The sets of each walk that found no room; they are searched each time.
    rest: [u32; 3],
    hits: [Option<Peekable<Hits<'v>>>; 3],
}

impl More<'_> {
    /// The smallest rule from `from` on.
    fn next(&mut self, sets: &Sets<'_>, from: u32) -> Option<u32> {
        let chained = self.rest.iter().filter_map(|&set| sets.next(set, from)).min();
        let hit = self.hits.iter_mut().flatten().filter_map(|hits| {
            while hits.next_if(|&rule| rule < from).is_some() {}
            hits.peek().copied()
        });
        [chained, hit.min()].into_iter().flatten().min()
    }
}

impl<'v> Matches<'v> {
    /// The next rule of any walk, in load order, each once.
    #[inline]
    fn next_rule(&mut self) -> Option<u32> {
        let mut best = NONE;
        for chain in self.chains.iter_mut().take(self.used) {
            best = best.min(chain.next(self.from));
        }
        if let Some(more) = &mut self.more {
            best = best.min(more.next(&self.verdict.policy.sets, self.from).unwrap_or(NONE));
        }
        self.from = best.checked_add(1)?;
        Some(best)
    }

    /// The match by an alternative, if it stands for the first word.
    #[inline]
    fn by(&self, rule: &Rule<'v>, number: u32, alternative: u32, string: u32) -> Option<RuleMatch<'v>> {
        let verdict = self.verdict;
        let head = verdict.policy.strings.get(string);
        let spelt = head.as_bytes() == verdict.program;
        let resolved = match verdict.filter {
            Filter::Resolved(_) => true,
            Filter::Literal => false,
            Filter::Strict { .. } => !spelt,
        };
        let accepted = verdict.accepts(rule, head.as_bytes(), spelt);
        accepted.then(|| RuleMatch::new(rule, number, alternative, head, resolved))
    }
}

impl<'v> Iterator for Matches<'v> {
    type Item = RuleMatch<'v>;

    fn next(&mut self) -> Option<RuleMatch<'v>> {
        loop {
            if let Some((rule, number, mut at)) = self.current.take() {
                while let Some(string) = rule.heads.get(at) {
                    let found = self.by(&rule, number, at, string);
                    at += 1;
                    if found.is_some() {
                        self.current = Some((rule, number, at));
                        return found;
                    }
                }
            }
            let number = self.next_rule()?;
            // The rules that place come last, and are no matches.
            let rule = self.verdict.policy.rule(number)?;
            match rule.heads {
                Heads::One(string) => {
                    let found = self.by(&rule, number, 0, string);
                    if found.is_some() {
                        return found;
                    }
                }
                Heads::List(_) => self.current = Some((rule, number, 0)),
            }
        }
    }
}
