//! In: a [`CheckedPolicy`]. Out: an [`Automaton`] that, word by word, knows every rule that matches.
//! Not here: bytes (`emit/table.rs`), and what a rule means (`policy/matches.rs`).
//!
//! A state is a set of rules that have matched so far and may match on, with the rules that have
//! already ended. Alternatives that lead to the same set share one target, so a single rule never
//! grows. Sets of rules can multiply, though (rules that overlap in every position); therefore
//! every copy of a rule is paid from a budget that is linear in the source, and a state that
//! would exceed it becomes a [`Block`], which keeps its rules side by side, with posting lists as in
//! text search. `docs/artifact.md` has the bounds.

mod determinize;
pub mod places;
mod symbols;
pub mod targets;
mod walk;

pub use symbols::{SymbolId, Symbols};
pub use walk::Walker;

use crate::check::CheckedPolicy;
use crate::policy::Policy;
use std::collections::BTreeMap;

/// The number of a rule: those that decide in load order, then those that place.
pub type RuleId = u32;
/// The number of a state. [`LITERAL`] and [`FOLDED`] are the roots.
pub type StateId = u32;
/// The number of a set in [`Automaton::sets`]; 0 is the empty one.
pub type SetId = u32;

/// The root of the walk by literal first words.
pub const LITERAL: StateId = execpolicy_runtime::table::LITERAL;
/// The root of the walk by folded base names.
pub const FOLDED: StateId = execpolicy_runtime::table::FOLDED;

/// How much larger than the source the automaton may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// For each alternative of the source, so many further copies of an alternative.
    pub factor: u64,
    /// And so many copies in any case.
    pub base: u64,
}

impl Default for Budget {
    /// Twice the source and 65,536: enough that no real policy has a block, little enough that an
    /// artifact stays within a small multiple of its source.
    fn default() -> Self {
        Self { factor: 2, base: 1 << 16 }
    }
}

/// A set of rules that have ended: its own, and those of its parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RuleSet {
    /// The set it extends; smaller than its own number.
    pub parent: SetId,
    /// The rules that end here, ascending.
    pub rules: Vec<RuleId>,
}

/// Where an edge leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a state, or to the block that has taken its place.
    State(StateId),
    /// Nowhere: nothing more can match.
    Leaf,
}

/// A step by a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The state it leaves.
    pub parent: StateId,
    /// The word.
    pub word: SymbolId,
    /// Where it leads.
    pub target: Target,
    /// Every rule that has ended with the word or before it.
    pub set: SetId,
    /// Whether an allow ends with this very word.
    pub exact: bool,
}

/// A state that is not determinised: its rules, and which of them accept what at each position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// How many words come before its first column.
    pub depth: u32,
    /// The number of the first column, as a state; the others follow.
    pub column: StateId,
    /// Its rules, ascending. Elsewhere in the block a rule is named by its place in this list.
    pub rules: Vec<RuleId>,
    /// For each position, the words in order and the places of the rules that accept them.
    pub columns: Vec<BTreeMap<SymbolId, Vec<u32>>>,
    /// For each position, the places of the rules that end with it.
    pub ends: Vec<Vec<u32>>,
}

/// The automaton of a policy.
#[derive(Clone, Debug)]
pub struct Automaton {
    /// The words on the edges.
    pub symbols: Symbols,
    /// The edges, in the order in which the states were made.
    pub edges: Vec<Edge>,
    /// The sets of rules; the first is empty.
    pub sets: Vec<RuleSet>,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// For each state the block that has taken its place, if one has.
    pub block_of: Vec<Option<u32>>,
    /// How many state numbers are in use, columns included.
    pub states: u32,
}

/// Why a policy cannot be lowered: some number does not fit the format. Nothing that a person
/// writes comes near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge(
    /// What there is too much of.
    pub &'static str,
);

/// Lowers a policy.
///
/// Time and memory are linear in the number of alternatives of the source times `budget.factor`,
/// plus `budget.base`, up to the logarithm of sorting.
///
/// # Errors
/// [`TooLarge`] if there are more than 2²⁴ sets of rules or 2³¹ states.
pub fn lower(checked: &CheckedPolicy, budget: Budget) -> Result<Automaton, TooLarge> {
    determinize::determinize(checked.policy(), budget)
}

/// The number of alternatives of every pattern together: what a budget is a multiple of.
#[must_use]
pub fn alternatives(policy: &Policy) -> u64 {
    let patterns = policy.rules.iter().map(|rule| &rule.pattern);
    let patterns = patterns.chain(policy.placements.iter().map(|rule| &rule.pattern));
    let tokens = patterns.flat_map(|pattern| &pattern.tokens);
    tokens.map(|token| token.alternatives.len() as u64).sum()
}
