//! In: an automaton and a command. Out: the rules it leads to, the plain way.
//! Not here: speed; this is the automaton's meaning, for tests and for the verifier.

use super::{Automaton, Edge, FOLDED, LITERAL, RuleId, StateId, SymbolId, Target};
use execpolicy_runtime::table;
use std::collections::HashMap;

/// An automaton that can be walked.
#[derive(Clone, Debug)]
pub struct Walker<'a> {
    automaton: &'a Automaton,
    edges: HashMap<(StateId, SymbolId), &'a Edge>,
}

impl Automaton {
    /// Prepares for walking.
    #[must_use]
    pub fn walker(&self) -> Walker<'_> {
        let edges = self.edges.iter().map(|edge| ((edge.parent, edge.word), edge)).collect();
        Walker { automaton: self, edges }
    }

    /// Prepares for looking at the edges of the two roots only.
    #[must_use]
    pub fn root_walker(&self) -> Walker<'_> {
        // The roots are expanded first, so their edges come first.
        let roots = self.edges.iter().take_while(|edge| table::is_root(edge.parent));
        Walker { automaton: self, edges: roots.map(|edge| ((edge.parent, edge.word), edge)).collect() }
    }

    /// The block that has taken a state's place.
    #[must_use]
    pub fn block(&self, state: StateId) -> Option<u32> {
        self.block_of.get(state as usize).copied().flatten()
    }

    /// Whether the edge leaves the literal root and the folded root has the same: it is not stored.
    #[must_use]
    pub fn is_shared(&self, walker: &Walker<'_>, edge: &Edge) -> bool {
        let twin = |root| walker.edges.get(&(root, edge.word));
        let other = match edge.parent {
            LITERAL => twin(FOLDED),
            FOLDED => twin(LITERAL),
            _ => None,
        };
        other.is_some_and(|other| {
            (other.target, other.set, other.exact) == (edge.target, edge.set, edge.exact)
        })
    }
}

impl Walker<'_> {
    /// Every rule that has ended when the words lead from a root, ascending.
    #[must_use]
    pub fn rules<T: AsRef<[u8]>>(&self, root: StateId, words: &[T]) -> Vec<RuleId> {
        let mut rules = Vec::new();
        let mut state = root;
        let mut set = 0;
        for (depth, word) in words.iter().enumerate() {
            if let Some(block) = self.automaton.block(state) {
                self.block(block, &words[depth..], &mut rules);
                break;
            }
            let Some(symbol) = self.automaton.symbols.find(word.as_ref()) else { break };
            let Some(edge) = self.edges.get(&(state, symbol)) else { break };
            set = edge.set;
            match edge.target {
                Target::State(next) => state = next,
                Target::Leaf => break,
            }
        }
        while set != 0 {
            let known = &self.automaton.sets[set as usize];
            rules.extend(&known.rules);
            set = known.parent;
        }
        rules.sort_unstable();
        rules
    }

    fn block<T: AsRef<[u8]>>(&self, block: u32, words: &[T], rules: &mut Vec<RuleId>) {
        let block = &self.automaton.blocks[block as usize];
        let mut alive: Vec<u32> = (0..block.rules.len() as u32).collect();
        for ((column, ends), word) in block.columns.iter().zip(&block.ends).zip(words) {
            let symbol = self.automaton.symbols.find(word.as_ref());
            let accepted = symbol.and_then(|symbol| column.get(&symbol)).map_or(&[][..], |rules| rules);
            alive.retain(|place| accepted.contains(place));
            rules.extend(
                alive.iter().filter(|place| ends.contains(place)).map(|&at| block.rules[at as usize]),
            );
        }
    }
}
