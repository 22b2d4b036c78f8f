//! In: a compiled policy and the set of argvs that a part of a script can be. Out: the rules that
//! match, as [`ArgvRules`] asks for them.
//! Not here: what matching means (the compiler's `policy/scripts.rs`, with which every answer is
//! compared), and the walk of a plain command (`decide.rs`).
//!
//! The automaton is walked along the items: a word that is known takes one step, a word that is not
//! tries every edge of the state. An artifact is made for the first kind, so the edges of a state
//! are only found after an index has been made, once, when it is first needed.

use super::{ArgvRules, Found};
use crate::Decision;
use crate::artifact::{Artifact, PlacementRule};
use crate::table::block::Block;
use crate::table::{Edge, FOLDED, LITERAL, Step, Target};
use alloc::sync::Arc;
use core::cell::Cell;
use execpolicy_shell::{Argv, Fit, Item, WordSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// One rule of a compiled policy, by one alternative of its first position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleRef {
    /// Its number in load order.
    pub rule: u32,
    /// Which alternative of the first position matched, by its place in the rule.
    pub alternative: u32,
}

/// A compiled policy, ready to be asked about sets of argvs.
#[derive(Clone, Debug)]
pub struct TableRules<'a> {
    policy: Artifact<'a>,
    edges: Edges,
}

/// The edges by state, found when they are first needed, and shared by all that ask the same table.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges(Arc<OnceLock<EdgesByState>>);

/// What a rule is to a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A forbid or a prompt.
    Guard,
    /// An allow.
    Allow,
    /// A sandbox rule.
    Place,
}

/// Every edge, by the state it leaves.
#[derive(Clone, Debug)]
struct EdgesByState(Vec<Edge>);

/// How far a walk along the items has come.
type Place = usize;

/// Where walks are, each with the surest way to get there.
type Front = BTreeMap<Place, Fit>;

/// Rules that have ended, each with the surest way to get there.
type Ended = BTreeMap<u32, Fit>;

impl<'a> TableRules<'a> {
    /// Takes a policy. Costs nothing until a word is not known.
    #[must_use]
    pub fn new(policy: Artifact<'a>) -> Self {
        Self::with_edges(policy, Edges::default())
    }

    pub(super) const fn with_edges(policy: Artifact<'a>, edges: Edges) -> Self {
        Self { policy, edges }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Artifact<'a> {
        &self.policy
    }

    /// Calls `take` for every edge of a state whose word is accepted, as long as there are steps left.
    fn edges_of(
        &self,
        state: u32,
        steps: &Steps,
        accepts: impl Fn(&[u8]) -> bool,
        mut take: impl FnMut(&[u8], Step),
    ) {
        let EdgesByState(edges) = self.edges.0.get_or_init(|| {
            let mut edges: Vec<Edge> = self.policy.table.edges().collect();
            edges.sort_by_key(|edge| edge.parent);
            EdgesByState(edges)
        });
        let from = edges.partition_point(|edge| edge.parent < state);
        for edge in edges.get(from..).unwrap_or(&[]).iter().take_while(|edge| edge.parent == state) {
            if !steps.pay(1) {
                return;
            }
            let (bytes, len) = edge.key.bytes();
            let word = if edge.key.is_long() {
                self.policy.strings.get(edge.string).as_bytes()
            } else {
                bytes.get(..len).unwrap_or(&[])
            };
            if accepts(word) {
                take(word, self.policy.table.step_by(edge));
            }
        }
    }

    /// Calls `take` for every edge of a state that an item could take.
    fn steps(&self, state: u32, words: &WordSet, steps: &Steps, mut take: impl FnMut(Step)) {
        match words.finite() {
            Some(words) => {
                words.into_iter().filter_map(|word| self.policy.table.step(state, word)).for_each(take)
            }
            None => self.edges_of(state, steps, |word| words.could_be(word), |_, step| take(step)),
        }
    }

    /// The rules of a kind that some argv of the set begins with, by the tool that the program is.
    fn could_begin(&self, walk: &Items<'_>, kind: Kind, found: &mut BTreeMap<RuleRef, Fit>) {
        // By the folded name of the tool that the program would be: how it could be the program, and
        // the first step.
        let mut starts: BTreeMap<Vec<u8>, (Step, Front)> = BTreeMap::new();
        let block = self.policy.blocks.get(self.policy.header.folded_block);
        let root = block.map_or(FOLDED, |block| block.column);
        for (place, item) in walk.from(0) {
            let (to, fit) = walk.after(place, item, Fit::Could);
            let mut begin = |name: &[u8], step| {
                let (_, front) = starts.entry(name.to_vec()).or_insert_with(|| (step, Front::new()));
                put(front, to, fit);
            };
            match item.words.known() {
                Some(program) => {
                    let name = self.policy.tool_name(program).to_ascii_lowercase();
                    if let Some(step) = self.policy.table.step(root, &name) {
                        begin(&name, step);
                    }
                }
                None => self.edges_of(root, walk.steps, |name| item.words.could_be_named(name), begin),
            }
        }
        for (name, (step, front)) in &starts {
            for (number, fit) in self.ended(block, *step, front, walk) {
                for (alternative, head) in self.heads(number, kind) {
                    if self.policy.tool_name(head.as_bytes()).eq_ignore_ascii_case(name) {
                        put(found, RuleRef { rule: number, alternative }, fit);
                    }
                }
            }
        }
    }

    /// The alternatives of a rule's first position, if the rule is of a kind.
    fn heads(&self, number: u32, kind: Kind) -> impl Iterator<Item = (u32, &'a str)> + use<'a> {
        let heads = match kind {
            Kind::Place => {
                let number = (number as usize).checked_sub(self.policy.deciding);
                number.and_then(|number| self.policy.placement_rule(number as u32)).map(|rule| rule.heads)
            }
            Kind::Guard | Kind::Allow => {
                let wanted = |decision: Decision| (decision == Decision::Allow) == (kind == Kind::Allow);
                self.policy.rule(number).filter(|rule| wanted(rule.decision)).map(|rule| rule.heads)
            }
        };
        let strings = self.policy.strings;
        let each = move |at: u32| heads?.get(at).map(|string| (at, strings.get(string)));
        (0..).map_while(each)
    }

    /// Every sandbox rule that some argv of the set begins with, in load order, and whether every argv
    /// surely does.
    /// `None` if there was too much to do.
    pub(super) fn places(&self, argv: &Argv, steps: &Steps) -> Option<Vec<(PlacementRule<'a>, bool)>> {
        if self.policy.placement_count() == 0 {
            return Some(Vec::new());
        }
        let (mut could, mut sure) = (BTreeMap::new(), BTreeMap::new());
        let known = argv.0.iter().all(|item| item.as_known().is_some());
        self.could_begin(&Items { items: &argv.0, known, steps }, Kind::Place, &mut could);
        if !steps.are_left() {
            return None;
        }
        self.surely_begins(argv, Kind::Place, &mut sure);
        let numbers: BTreeSet<u32> = could.keys().map(|found| found.rule).collect();
        let placing = numbers.into_iter().filter_map(|number| {
            let rule =
                u32::try_from(self.policy.deciding).ok().and_then(|first| number.checked_sub(first))?;
            let sure = sure.keys().any(|found| found.rule == number);
            Some((self.policy.placement_rule(rule)?, sure))
        });
        Some(placing.collect())
    }

    /// The rules of a kind that every argv of the set begins with, the program exactly or in a place that
    /// is trusted.
    ///
    /// A position of a pattern accepts a word whatever the other words are. So a rule accepts every
    /// combination of the choices if it accepts the first choices, and still does with any one of
    /// them exchanged.
    fn surely_begins(&self, argv: &Argv, kind: Kind, found: &mut BTreeMap<RuleRef, Fit>) {
        let single = argv.0.iter().take_while(|item| !item.many);
        let choices: Vec<Vec<&[u8]>> = single.map_while(|item| item.words.finite()).collect();
        let Some(mut words) = choices.iter().map(|words| words.first().copied()).collect::<Option<Vec<_>>>()
        else {
            return;
        };
        let mut sure = self.begins(&words, kind);
        for (at, others) in choices.iter().enumerate() {
            for &other in others.iter().skip(1) {
                if sure.is_empty() {
                    return;
                }
                let Some(slot) = words.get_mut(at) else { continue };
                let first = core::mem::replace(slot, other);
                // A rule that has ended before this position does not see the exchange.
                let then = self.begins(&words, kind);
                sure.retain(|rule| then.contains(rule));
                if let Some(slot) = words.get_mut(at) {
                    *slot = first;
                }
            }
        }
        found.extend(sure.into_iter().map(|rule| (rule, Fit::Surely)));
    }

    /// The rules of a kind that a known argv begins with.
    fn begins(&self, words: &[&[u8]], kind: Kind) -> BTreeSet<RuleRef> {
        let mut rules = BTreeSet::new();
        let Some(&program) = words.first() else { return rules };
        let items: Vec<Item> = words.iter().map(|word| Item::known(*word)).collect();
        // A known word takes one step, so this is no more than the table's own walk.
        let steps = Steps::new(u64::MAX);
        let walk = Items { items: &items, known: true, steps: &steps };
        let block = self.policy.blocks.get(self.policy.header.literal_block);
        for name in [Some(program), self.policy.trusted(program)].into_iter().flatten() {
            let step = match block {
                Some(block) => self.policy.table.step(block.column, name),
                None => {
                    let shared = self.policy.table.step(FOLDED, name).filter(|step| step.info.shared());
                    shared.or_else(|| self.policy.table.step(LITERAL, name))
                }
            };
            let Some(step) = step else { continue };
            for number in self.ended(block, step, &Front::from([(1, Fit::Could)]), &walk).into_keys() {
                for (alternative, head) in self.heads(number, kind) {
                    if head.as_bytes() == name {
                        rules.insert(RuleRef { rule: number, alternative });
                    }
                }
            }
        }
        rules
    }

    /// Every rule that has ended after the first step or anywhere further along the items. The root
    /// is the first column of a block, or a state.
    fn ended(&self, root: Option<Block>, first: Step, front: &Front, walk: &Items<'_>) -> Ended {
        let mut ended = Ended::new();
        if let Some(block) = root {
            self.block(&block, Some(first), front, walk, &mut ended);
            return ended;
        }
        let mut sets: BTreeMap<u32, Fit> = BTreeMap::new();
        let mut seen: BTreeMap<(u32, Place), Fit> = BTreeMap::new();
        let mut open: Vec<(Step, Place, Fit)> = front.iter().map(|(&to, &fit)| (first, to, fit)).collect();
        while let Some((step, place, fit)) = open.pop() {
            if !walk.steps.pay(1) {
                break;
            }
            match self.policy.table.target(step) {
                Target::State { set, state } => {
                    put(&mut sets, set, fit);
                    if !put(&mut seen, (state, place), fit) {
                        continue;
                    }
                    for (at, item) in walk.from(place) {
                        let (to, fit) = walk.after(at, item, fit);
                        self.steps(state, &item.words, walk.steps, |next| open.push((next, to, fit)));
                    }
                }
                Target::Leaf { set } => {
                    put(&mut sets, set, fit);
                }
                Target::Block { set, block } => {
                    put(&mut sets, set, fit);
                    if let Some(block) = self.policy.blocks.get(block) {
                        self.block(&block, None, &Front::from([(place, fit)]), walk, &mut ended);
                    }
                }
                Target::Posting(_) => {}
            }
        }
        for (mut set, fit) in sets {
            while set != 0 {
                for rule in self.policy.sets.own(set) {
                    put(&mut ended, rule, fit);
                }
                set = self.policy.sets.parent(set);
            }
        }
        ended
    }

    /// Goes through a block, from its first column or, if a first step is given, past it.
    fn block(&self, block: &Block, first: Option<Step>, front: &Front, walk: &Items<'_>, ended: &mut Ended) {
        let mut alive: BTreeMap<(Place, Fit), Bits> = BTreeMap::new();
        let mut column = 0;
        for (&place, &fit) in front {
            let bits = match first {
                Some(step) => self.posting(step.info.number(), block, walk.steps),
                None => Bits::all(block.rules),
            };
            merge(&mut alive, (place, fit), bits);
        }
        if first.is_some() {
            self.block_ends(block, 0, &alive, walk.steps, ended);
            column = 1;
        }
        while column < block.columns && !alive.is_empty() {
            let mut next = BTreeMap::new();
            // What each item accepts in this column, computed once.
            let mut accepted: BTreeMap<Place, Bits> = BTreeMap::new();
            for (&(place, fit), bits) in &alive {
                for (at, item) in walk.from(place) {
                    let accepts = accepted.entry(at).or_insert_with(|| {
                        let mut union = Bits::none(block.rules);
                        self.steps(block.column.saturating_add(column), &item.words, walk.steps, |step| {
                            if let Target::Posting(posting) = self.policy.table.target(step) {
                                union.add(&self.posting(posting, block, walk.steps));
                            }
                        });
                        union
                    });
                    let both = bits.and(accepts);
                    if !both.is_empty() {
                        merge(&mut next, walk.after(at, item, fit), both);
                    }
                }
            }
            alive = next;
            self.block_ends(block, column, &alive, walk.steps, ended);
            column += 1;
        }
    }

    /// Notes the rules of a block that end with a column.
    fn block_ends(
        &self,
        block: &Block,
        column: u32,
        alive: &BTreeMap<(Place, Fit), Bits>,
        steps: &Steps,
        ended: &mut Ended,
    ) {
        let ends = self.posting(block.ends.saturating_add(column), block, steps);
        for (&(_, fit), bits) in alive {
            for local in bits.and(&ends).iter() {
                put(ended, self.policy.blocks.rule(block, local), fit);
            }
        }
    }

    fn posting(&self, number: u32, block: &Block, steps: &Steps) -> Bits {
        steps.pay(words_of(block.rules) as u64);
        let posting = self.policy.blocks.posting(number);
        let bits = |index| posting.map_or(0, |posting| posting.bits(index));
        Bits((0..words_of(block.rules)).map(bits).collect())
    }
}

impl TableRules<'_> {
    /// [`ArgvRules::find`] with so many steps left.
    pub(super) fn find_within(
        &self,
        argv: &Argv,
        steps: &Steps,
        found: &mut dyn FnMut(Found<RuleRef>),
    ) -> bool {
        let known = argv.0.iter().all(|item| item.as_known().is_some());
        let mut matches = BTreeMap::new();
        self.could_begin(&Items { items: &argv.0, known, steps }, Kind::Guard, &mut matches);
        self.surely_begins(argv, Kind::Allow, &mut matches);
        let program = argv.0.first().and_then(Item::as_known).filter(|_| known);
        for (place, fit) in matches {
            let Some(rule) = self.policy.rule(place.rule) else { continue };
            let head = rule.heads.get(place.alternative).map(|string| self.policy.strings.get(string));
            let whole = program.is_some()
                && program == head.map(str::as_bytes)
                && rule.depth as usize == argv.0.len();
            found(Found { rule: place, decision: rule.decision, fit, whole });
        }
        steps.are_left()
    }
}

impl ArgvRules for TableRules<'_> {
    type Rule = RuleRef;

    fn find(&self, argv: &Argv, found: &mut dyn FnMut(Found<RuleRef>)) -> bool {
        self.find_within(argv, &Steps::new(u64::MAX), found)
    }
}

/// The rules of a table, for one decision: all its parts together may take so many steps.
pub(super) struct Within<'t, 'a>(pub &'t TableRules<'a>, pub Steps);

impl ArgvRules for Within<'_, '_> {
    type Rule = RuleRef;

    fn find(&self, argv: &Argv, found: &mut dyn FnMut(Found<RuleRef>)) -> bool {
        let Self(rules, steps) = self;
        let known = argv.0.iter().all(|item| item.as_known().is_some());
        // What is known takes a step for each word, and is looked up whatever is left.
        if known { rules.find(argv, found) } else { rules.find_within(argv, steps, found) }
    }
}

/// What is left to do; nothing more once it has been too much.
pub(super) struct Steps(Cell<u64>);

impl Steps {
    pub const fn new(steps: u64) -> Self {
        Self(Cell::new(steps))
    }

    /// Pays; says whether there was enough.
    fn pay(&self, steps: u64) -> bool {
        let left = self.0.get().saturating_sub(steps);
        self.0.set(left);
        left > 0
    }

    /// Whether everything was paid for.
    fn are_left(&self) -> bool {
        self.0.get() > 0
    }
}

/// The items of an argv, as walks go along them.
struct Items<'v> {
    items: &'v [Item],
    /// Whether all of them are known: then no file matters.
    known: bool,
    steps: &'v Steps,
}

impl<'v> Items<'v> {
    /// The items that the next word can come from: the one at a place and, while items may stand
    /// for no word, those after it.
    fn from(&self, place: Place) -> impl Iterator<Item = (Place, &'v Item)> + use<'v> {
        let mut more = true;
        self.items.iter().enumerate().skip(place).take_while(move |(_, item)| {
            let take = more;
            more = item.many;
            take
        })
    }

    /// Where a walk is after it has taken a word from an item, and how surely.
    fn after(&self, place: Place, item: &Item, fit: Fit) -> (Place, Fit) {
        let fit = if item.files && !self.known { Fit::IfFile } else { fit };
        (if item.many { place } else { place + 1 }, fit)
    }
}

/// Keeps the surer fit; says whether this one is news.
fn put<K: Ord>(map: &mut BTreeMap<K, Fit>, key: K, fit: Fit) -> bool {
    match map.entry(key) {
        std::collections::btree_map::Entry::Vacant(place) => {
            place.insert(fit);
            true
        }
        std::collections::btree_map::Entry::Occupied(mut known) => {
            let news = *known.get() < fit;
            if news {
                known.insert(fit);
            }
            news
        }
    }
}

/// A set of a block's rules.
#[derive(Clone, Debug)]
struct Bits(Vec<u64>);

const fn words_of(rules: u32) -> usize {
    rules.div_ceil(64) as usize
}

impl Bits {
    fn none(rules: u32) -> Self {
        Self(vec![0; words_of(rules)])
    }

    fn all(rules: u32) -> Self {
        let full = |at: u32| if rules - 64 * at >= 64 { u64::MAX } else { (1 << (rules - 64 * at)) - 1 };
        Self((0..rules.div_ceil(64)).map(full).collect())
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(bits, other)| *bits |= other);
    }

    fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(bits, other)| bits & other).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|&bits| bits == 0)
    }

    fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.0).flat_map(|(word, &bits)| {
            (0..64).filter(move |bit| bits >> bit & 1 != 0).map(move |bit| 64 * word + bit)
        })
    }
}

/// Adds to what is alive at a place.
fn merge(alive: &mut BTreeMap<(Place, Fit), Bits>, at: (Place, Fit), bits: Bits) {
    match alive.get_mut(&at) {
        Some(known) => known.add(&bits),
        None => {
            alive.insert(at, bits);
        }
    }
}
