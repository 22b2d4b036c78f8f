//! In: a policy and a budget. Out: the automaton, by the subset construction, breadth first.
//! Not here: how it is walked (`walk.rs`) or stored (`emit/table.rs`).

use super::{
    Automaton, Block, Budget, Edge, FOLDED, LITERAL, RuleId, RuleSet, SetId, StateId, SymbolId, Symbols,
};
use super::{Target, TooLarge, alternatives};
use crate::policy::{self, Policy};
use execpolicy_runtime::Decision;
use execpolicy_runtime::table::{Info, ROOTS};
use execpolicy_shell::names::tool_name;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

/// How many states there may be, columns included: half of what can be numbered.
const STATES: u32 = 1 << 31;

/// A set of rules in the middle of their patterns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    depth: u32,
    set: SetId,
    live: Vec<RuleId>,
}

/// What the construction needs to know of a rule: its pattern in symbols, each word once.
struct Pattern {
    tokens: Vec<Vec<SymbolId>>,
    /// The symbols of the first position under each root.
    heads: [Vec<SymbolId>; 2],
    /// `weight[i]`: the alternatives of the positions from `i` on, and 1 for the rule itself.
    weight: Vec<u64>,
    allow: bool,
}

impl Pattern {
    fn len(&self) -> u32 {
        self.tokens.len() as u32
    }

    /// The symbols at a position, of the root's own namespace if it is the first.
    fn at(&self, depth: u32, root: StateId) -> &[SymbolId] {
        if depth == 0 { &self.heads[root as usize] } else { &self.tokens[depth as usize] }
    }

    fn weight(&self, depth: u32) -> u64 {
        self.weight.get(depth as usize).copied().unwrap_or(1)
    }
}

struct Determinizer {
    patterns: Vec<Pattern>,
    left: u64,
    states: u32,
    queue: VecDeque<(StateId, Rc<State>)>,
    numbers: HashMap<Rc<State>, StateId>,
    set_numbers: HashMap<RuleSet, SetId>,
    automaton: Automaton,
}

/// What one word leads to, before it has a number.
struct Group {
    rules: Vec<RuleId>,
    words: Vec<SymbolId>,
}

pub(super) fn determinize(policy: &Policy, budget: Budget) -> Result<Automaton, TooLarge> {
    let mut symbols = Symbols::default();
    let deciding = policy.rules.iter().map(|rule| (&rule.pattern, rule.decision == Decision::Allow));
    // A sandbox rule is found as a guard is: wherever the command could be meant.
    let placing = policy.placements.iter().map(|rule| (&rule.pattern, false));
    let patterns: Vec<_> =
        deciding.chain(placing).map(|(written, allow)| pattern(written, allow, &mut symbols)).collect();
    let left = budget.factor.saturating_mul(alternatives(policy)).saturating_add(budget.base);
    let sets = vec![RuleSet::default()];
    let automaton =
        Automaton { symbols, edges: Vec::new(), sets, blocks: Vec::new(), block_of: Vec::new(), states: 0 };
    let mut work = Determinizer {
        left,
        states: ROOTS,
        queue: VecDeque::new(),
        numbers: HashMap::new(),
        set_numbers: HashMap::new(),
        automaton,
        patterns,
    };
    for root in [LITERAL, FOLDED] {
        let rules = 0..work.patterns.len() as RuleId;
        let live =
            rules.filter(|&rule| !work.patterns[rule as usize].heads[root as usize].is_empty()).collect();
        work.queue.push_back((root, Rc::new(State { depth: 0, set: 0, live })));
    }
    while let Some((number, state)) = work.queue.pop_front() {
        work.expand(number, &state)?;
    }
    work.finish()
}

fn pattern(written: &policy::Pattern, allow: bool, symbols: &mut Symbols) -> Pattern {
    let mut tokens = Vec::with_capacity(written.tokens.len());
    for token in &written.tokens {
        tokens.push(distinct(token.alternatives.iter().map(|word| symbols.intern(&word.value))));
    }
    let heads = written.tokens.first().map_or(&[][..], |token| &token.alternatives);
    let folded = distinct(heads.iter().filter_map(|head| {
        let name = std::str::from_utf8(tool_name(head.value.as_bytes())).unwrap_or("").to_ascii_lowercase();
        // An allow is found by the tool's name only if that is all its head says.
        (!allow || name == head.value).then(|| symbols.intern(&name))
    }));
    let literal = tokens.first().cloned().unwrap_or_default();
    let mut weight: Vec<u64> = tokens.iter().map(|token| token.len() as u64).collect();
    let mut sum = 1;
    for count in weight.iter_mut().rev() {
        sum += *count;
        *count = sum;
    }
    Pattern { tokens, heads: [folded, literal], weight, allow }
}

fn distinct(symbols: impl Iterator<Item = SymbolId>) -> Vec<SymbolId> {
    let mut symbols: Vec<_> = symbols.collect();
    symbols.sort_unstable();
    symbols.dedup();
    symbols
}

impl Determinizer {
    /// Gives a state its edges, or makes it a block if its rules would be copied too often.
    fn expand(&mut self, number: StateId, state: &State) -> Result<(), TooLarge> {
        let groups = self.groups(number, state);
        let cost = self.cost(state, &groups);
        if cost > self.left {
            return self.block(number, state);
        }
        self.left -= cost;
        let depth = state.depth + 1;
        for group in groups {
            let ends = |rule: &RuleId| self.patterns[*rule as usize].len() == depth;
            let (ended, live): (Vec<_>, Vec<_>) = group.rules.into_iter().partition(ends);
            let exact = ended.iter().any(|&rule| self.patterns[rule as usize].allow);
            let set = if ended.is_empty() { state.set } else { self.set(state.set, ended) };
            let target = if live.is_empty() {
                Target::Leaf
            } else {
                Target::State(self.state(State { depth, set, live }))
            };
            let edges = group.words.into_iter().map(|word| Edge { parent: number, word, target, set, exact });
            self.automaton.edges.extend(edges);
        }
        if self.automaton.sets.len() > Info::LIMIT as usize {
            return Err(TooLarge("sets of rules"));
        }
        if self.states > STATES {
            return Err(TooLarge("states"));
        }
        Ok(())
    }

    /// The words that lead on, grouped by the rules that accept them; in the order of each group's
    /// first word, so that the numbers do not depend on any hash.
    fn groups(&self, number: StateId, state: &State) -> Vec<Group> {
        let symbols = |rule: RuleId| self.patterns[rule as usize].at(state.depth, number);
        if let [only] = *state.live.as_slice() {
            return vec![Group { rules: vec![only], words: symbols(only).to_vec() }];
        }
        let accepts = state.live.iter().flat_map(|&rule| symbols(rule).iter().map(move |&word| (word, rule)));
        let mut pairs: Vec<(SymbolId, RuleId)> = accepts.collect();
        pairs.sort_unstable();
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<Vec<RuleId>, usize> = HashMap::new();
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            let rules: Vec<_> = run.iter().map(|pair| pair.1).collect();
            let at = *known.entry(rules).or_insert_with_key(|rules| {
                groups.push(Group { rules: rules.clone(), words: Vec::new() });
                groups.len() - 1
            });
            groups[at].words.push(run[0].0);
        }
        groups
    }

    /// The weight of every copy of a rule beyond its first.
    fn cost(&self, state: &State, groups: &[Group]) -> u64 {
        if groups.len() <= 1 {
            return 0;
        }
        let weight = |rule: RuleId| self.patterns[rule as usize].weight(state.depth + 1);
        let all: u64 = groups.iter().flat_map(|group| &group.rules).map(|&rule| weight(rule)).sum();
        all - state.live.iter().map(|&rule| weight(rule)).sum::<u64>().min(all)
    }

    fn set(&mut self, parent: SetId, rules: Vec<RuleId>) -> SetId {
        let sets = &mut self.automaton.sets;
        let next = sets.len() as SetId;
        let set = RuleSet { parent, rules };
        *self.set_numbers.entry(set).or_insert_with_key(|set| {
            sets.push(set.clone());
            next
        })
    }

    fn state(&mut self, state: State) -> StateId {
        if let Some(&number) = self.numbers.get(&state) {
            return number;
        }
        let number = self.states;
        self.states += 1;
        let state = Rc::new(state);
        self.numbers.insert(Rc::clone(&state), number);
        self.queue.push_back((number, state));
        number
    }

    fn block(&mut self, number: StateId, state: &State) -> Result<(), TooLarge> {
        let longest = state.live.iter().map(|&rule| self.patterns[rule as usize].len()).max().unwrap_or(0);
        let width = (longest - state.depth.min(longest)) as usize;
        let mut columns = vec![BTreeMap::<SymbolId, Vec<u32>>::new(); width];
        let mut ends = vec![Vec::new(); width];
        for (place, &rule) in (0u32..).zip(&state.live) {
            let pattern = &self.patterns[rule as usize];
            for (column, depth) in columns.iter_mut().zip(state.depth..pattern.len()) {
                for &word in pattern.at(depth, number) {
                    column.entry(word).or_default().push(place);
                }
            }
            ends[(pattern.len() - state.depth - 1) as usize].push(place);
        }
        let blocks = &mut self.automaton.blocks;
        let place = blocks.len() as u32;
        let rules = state.live.clone();
        blocks.push(Block { depth: state.depth, column: self.states, rules, columns, ends });
        let at = number as usize;
        let block_of = &mut self.automaton.block_of;
        block_of.resize(block_of.len().max(at + 1), None);
        block_of[at] = Some(place);
        self.states = u32::try_from(width)
            .ok()
            .and_then(|width| self.states.checked_add(width))
            .filter(|&states| states <= STATES)
            .ok_or(TooLarge("states"))?;
        Ok(())
    }

    fn finish(self) -> Result<Automaton, TooLarge> {
        let mut automaton = self.automaton;
        automaton.states = self.states;
        automaton.block_of.resize(self.states as usize, None);
        Ok(automaton)
    }
}
