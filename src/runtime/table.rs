//! In: the sections of the automaton. Out: [`Table`]: one step from a state by a word.
//! Not here: which steps a command takes (`decide.rs`), and whether the sections are sound
//! (`validate.rs`).
//!
//! A step costs one look at the pilots and one at the edges: the pilots are chosen by the writer
//! so that every edge has a slot of its own. A step is taken only if the state *and* the word on
//! the edge are the ones asked for, so a bad hash can lose a step (the writer looks every edge up
//! again) but never invent one.

pub mod block;
pub mod key;

use crate::wire::{NONE, word};
use key::{Key, Seeds};

/// The root of the walk by literal first words.
pub const LITERAL: u32 = 0;
/// The root of the walk by folded base names.
pub const FOLDED: u32 = 1;

/// What an edge says about everything that has matched up to and with its word.
///
/// | bits | meaning |
/// |---|---|
/// | 0–1 | the strictest guard so far: 0 none, 1 prompt, 2 forbidden |
/// | 2 | an allow so far |
/// | 3 | an allow ends with this very word |
/// | 4–5 | what the target is: 0 a state, 1 nothing, 2 a block, 3 a posting |
/// | 6 | on an edge from the folded root: the literal root has the same edge, which is left out |
/// | 7–31 | the set of rules so far; on a posting edge the block |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info(pub u32);

/// What the target number of an edge counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A state with edges of its own.
    State = 0,
    /// Nothing more to match.
    Leaf = 1,
    /// A block.
    Block = 2,
    /// A posting of a block; the edge comes from one of the block's columns.
    Posting = 3,
}

impl Info {
    /// How many sets (and blocks) can be numbered.
    pub const LIMIT: u32 = 1 << 25;
    /// The bit that says that an allow has matched.
    pub const ALLOW: u32 = 1 << 2;
    /// The bit that says that an allow ends here.
    pub const EXACT: u32 = 1 << 3;
    /// The bit that says that the literal root has the same edge.
    pub const SHARED: u32 = 1 << 6;

    /// The strictest guard: 0 none, 1 prompt, 2 forbidden.
    #[inline]
    #[must_use]
    pub const fn guard(self) -> u32 {
        self.0 & 3
    }

    /// Whether an allow has matched.
    #[inline]
    #[must_use]
    pub const fn allow(self) -> bool {
        self.0 & Self::ALLOW != 0
    }

    /// Whether an allow ends with the word of the edge.
    #[inline]
    #[must_use]
    pub const fn exact(self) -> bool {
        self.0 & Self::EXACT != 0
    }

    /// What the target is.
    #[inline]
    #[must_use]
    pub const fn target(self) -> Target {
        match (self.0 >> 4) & 3 {
            0 => Target::State,
            1 => Target::Leaf,
            2 => Target::Block,
            _ => Target::Posting,
        }
    }

    /// Whether the literal root has the same edge.
    #[inline]
    #[must_use]
    pub const fn shared(self) -> bool {
        self.0 & Self::SHARED != 0
    }

    /// The number of the set, or of the block.
    #[inline]
    #[must_use]
    pub const fn set(self) -> u32 {
        self.0 >> 7
    }
}

/// One edge as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The state it leaves.
    pub parent: u32,
    /// Where it leads; [`Info::target`] says what the number counts.
    pub target: u32,
    /// What has matched with it.
    pub info: Info,
    /// The string that holds the word if it is long.
    pub string: u32,
    /// The word.
    pub key: Key,
}

/// Bytes of an edge.
pub const EDGE: usize = 32;

impl Edge {
    /// A slot that no edge is in.
    pub const EMPTY: [u8; EDGE] = {
        let mut slot = [0; EDGE];
        let (parent, _) = slot.split_at_mut(4);
        parent.copy_from_slice(&NONE.to_le_bytes());
        slot
    };

    /// Reads a slot; `None` if it is empty.
    #[inline]
    #[must_use]
    pub fn read(slot: &[u8; EDGE]) -> Option<Self> {
        let quad = |index: usize| slot.as_chunks::<8>().0.get(index).map_or(0, |b| u64::from_le_bytes(*b));
        let edge = Self {
            parent: word(slot, 0),
            target: word(slot, 1),
            info: Info(word(slot, 2)),
            string: word(slot, 3),
            key: Key { low: quad(2), high: quad(3) },
        };
        (edge.parent != NONE).then_some(edge)
    }

    /// The bytes of the edge.
    #[must_use]
    pub fn write(&self) -> [u8; EDGE] {
        let mut slot = [0; EDGE];
        let numbers =
            [self.parent, self.target, self.info.0, self.string].into_iter().flat_map(u32::to_le_bytes);
        let key = [self.key.low, self.key.high].into_iter().flat_map(u64::to_le_bytes);
        for (byte, value) in slot.iter_mut().zip(numbers.chain(key)) {
            *byte = value;
        }
        slot
    }
}

/// The strings: one text and where each string ends in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strings<'a> {
    pub(crate) text: &'a str,
    pub(crate) ends: &'a [[u8; 4]],
}

impl<'a> Strings<'a> {
    /// A string by number; empty for a number that is none, which validation excludes.
    #[inline]
    #[must_use]
    pub fn get(&self, index: u32) -> &'a str {
        let index = index as usize;
        let end = |at: usize| self.ends.get(at).map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
        let start = index.checked_sub(1).map_or(0, end);
        self.text.get(start..end(index)).unwrap_or("")
    }
}

/// The transitions.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    pub(crate) slots: &'a [[u8; EDGE]],
    pub(crate) pilots: &'a [[u8; 2]],
    pub(crate) seeds: Seeds,
    pub(crate) longest: usize,
    pub(crate) strings: Strings<'a>,
}

/// Where an edge lies: odd constants without pattern (the digits of π and e).
const BY_STATE: u64 = 0x243F_6A88_85A3_08D3;
const BY_PILOT: u64 = 0xB7E1_5162_8AED_2A6B;
const LAST: u64 = 0x1319_8A2E_0370_7345;

/// The hash of a key at a state.
#[inline]
#[must_use]
pub const fn hash_at(state: u32, hash: u64) -> u64 {
    hash ^ (state as u64).wrapping_mul(BY_STATE)
}

/// The bucket of a hash among a power of two of them.
#[inline]
#[must_use]
pub const fn bucket(hash: u64, buckets: usize) -> usize {
    hash as usize & buckets.wrapping_sub(1)
}

/// The slot of a hash under its bucket's pilot; less than `slots`.
#[inline]
#[must_use]
pub const fn slot(hash: u64, pilot: u16, slots: usize) -> usize {
    let mixed = (hash ^ (pilot as u64).wrapping_mul(BY_PILOT)).wrapping_mul(LAST);
    (((mixed >> 32) * slots as u64) >> 32) as usize
}

impl<'a> Table<'a> {
    /// The edge that leaves a state by a word.
    #[inline]
    #[must_use]
    pub fn step(&self, state: u32, text: &[u8]) -> Option<Edge> {
        let key = self.key(text)?;
        self.edge(state, key, |known| known == text)
    }

    /// The edge that leaves a state by a word with its ASCII capitals made small.
    #[must_use]
    pub fn step_folded(&self, state: u32, text: &[u8]) -> Option<Edge> {
        if text.len() > self.longest {
            return None;
        }
        let key = Key::folded(text, self.seeds);
        self.edge(state, key, |known| known.eq_ignore_ascii_case(text))
    }

    /// The key of a word; `None` if no edge can have it. Costs no more than the longest word of
    /// the policy, whatever the length of this one.
    #[inline]
    #[must_use]
    pub fn key(&self, text: &[u8]) -> Option<Key> {
        (text.len() <= self.longest).then(|| Key::of(text, self.seeds))
    }

    /// The edge that leaves a state by a key; `same` compares a long word in full.
    #[inline]
    pub(crate) fn edge(&self, state: u32, key: Key, same: impl Fn(&[u8]) -> bool) -> Option<Edge> {
        let hash = hash_at(state, key.hash(self.seeds));
        let pilot = self.pilots.get(bucket(hash, self.pilots.len()))?;
        let at = self.slots.get(slot(hash, u16::from_le_bytes(*pilot), self.slots.len()))?;
        let edge = Edge::read(at)?;
        if edge.parent != state || edge.key != key {
            return None;
        }
        if key.is_long() && !same(self.strings.get(edge.string).as_bytes()) {
            return None;
        }
        Some(edge)
    }

    /// Every edge, in the order of the slots.
    pub fn edges(&self) -> impl Iterator<Item = Edge> + use<'a> {
        self.slots.iter().filter_map(Edge::read)
    }
}

/// The sets of rules, as chains: each has some rules of its own and a parent.
#[derive(Clone, Copy, Debug)]
pub struct Sets<'a> {
    pub(crate) sets: &'a [[u8; 12]],
    pub(crate) members: &'a [[u8; 4]],
}

impl Sets<'_> {
    /// The smallest rule of a set and its ancestors that is greater than `last`.
    #[must_use]
    pub fn next(&self, set: u32, last: Option<u32>) -> Option<u32> {
        let mut best: Option<u32> = None;
        let mut at = set;
        // Set 0 is the empty one; a parent is always smaller than its child.
        while at != 0 {
            let Some(record) = self.sets.get(at as usize) else { break };
            let own = match word(record, 1) {
                1 => Some(word(record, 0)).filter(|&rule| last.is_none_or(|last| rule > last)),
                len => self.after(word(record, 0), len, last),
            };
            best = match (best, own) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            at = word(record, 2);
        }
        best
    }

    fn after(&self, first: u32, len: u32, last: Option<u32>) -> Option<u32> {
        let range = first as usize..first as usize + len as usize;
        let members = self.members.get(range)?;
        let number = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
        let at = last.map_or(0, |last| members.partition_point(|member| number(member) <= last));
        members.get(at).map(number)
    }

    /// The rules of the set itself, without its ancestors.
    pub fn own(&self, set: u32) -> impl Iterator<Item = u32> {
        let (first, len) = self.sets.get(set as usize).map_or((0, 0), |set| (word(set, 0), word(set, 1)));
        let single = (len == 1).then_some(first);
        let range = first as usize..first as usize + len as usize;
        let several = if len > 1 { self.members.get(range).unwrap_or(&[]) } else { &[] };
        single.into_iter().chain(several.iter().map(|bytes| u32::from_le_bytes(*bytes)))
    }

    /// The set that this one extends.
    #[must_use]
    pub fn parent(&self, set: u32) -> u32 {
        self.sets.get(set as usize).map_or(0, |record| word(record, 2))
    }
}
