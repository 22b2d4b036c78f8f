//! In: the sections of the automaton. Out: [`Table`]: one step from a state by a word.
//! Not here: which steps a command takes (`decide.rs`), and whether the sections are sound
//! (`validate.rs`).
//!
//! A step costs one look at the pilots and one at the edges: the pilots are chosen by the writer
//! so that every edge has a slot of its own. A step is taken only if the state *and* the word on
//! the edge are the ones asked for, so a bad hash can lose a step (the writer looks every edge up
//! again) but never invent one.
#![forbid(unsafe_code)]

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

    /// Whether the target is a state.
    #[inline]
    #[must_use]
    pub const fn is_state(self) -> bool {
        self.0 & (3 << 4) == (Target::State as u32) << 4
    }

    /// Whether the target is a block.
    #[inline]
    #[must_use]
    pub const fn is_block(self) -> bool {
        self.0 & (3 << 4) == (Target::Block as u32) << 4
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
pub const EDGE: usize = 24;
// Which number of a slot is what. What an edge is found by is its last four, in two reads; the last
// two are the key's beginning, or the stored half of a hash and a string.
const TARGET: usize = 0;
const INFO: usize = 1;
const HIGH: usize = 2;
const PARENT: usize = 3;

impl Edge {
    /// A slot that no edge is in.
    pub const EMPTY: [u8; EDGE] = {
        let mut slot = [0; EDGE];
        let (_, parent) = slot.split_at_mut(4 * PARENT);
        let (parent, _) = parent.split_at_mut(4);
        parent.copy_from_slice(&NONE.to_le_bytes());
        slot
    };

    /// Reads a slot; `None` if it is empty. The key of a long word has only the half of its hash
    /// that is stored.
    #[inline]
    #[must_use]
    pub fn read(slot: &[u8; EDGE]) -> Option<Self> {
        let (parent, text, high) = (word(slot, PARENT), word(slot, 5), word(slot, HIGH));
        let low = u64::from(word(slot, 4));
        let key = Key { low, high };
        let (string, key) =
            if key.is_long() { (text, key) } else { (0, Key { low: low | (u64::from(text) << 32), high }) };
        let edge = Self { parent, target: word(slot, TARGET), info: Info(word(slot, INFO)), string, key };
        (parent != NONE).then_some(edge)
    }

    /// The bytes of the edge.
    #[must_use]
    pub fn write(&self) -> [u8; EDGE] {
        let mut slot = [0; EDGE];
        let (low, half) = (self.key.low as u32, (self.key.low >> 32) as u32);
        let last = if self.key.is_long() { self.string } else { half };
        let numbers = [self.target, self.info.0, self.key.high, self.parent, low, last];
        for (bytes, number) in slot.as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
            *bytes = number.to_le_bytes();
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

/// Edges that are placed by one perfect hash.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub(crate) slots: &'a [[u8; EDGE]],
    pub(crate) pilots: &'a [[u8; 2]],
}

impl<'a> Part<'a> {
    /// The only slot that an edge from this state by a word of this hash can be in.
    #[inline]
    fn slot(&self, state: u32, hash: u64) -> Option<&'a [u8; EDGE]> {
        let pilot = self.pilots.get(bucket(state, hash, self.pilots.len()))?;
        self.slots.get(slot(state, hash, u16::from_le_bytes(*pilot), self.slots.len()))
    }

    /// The edge that leaves a state by a short key.
    #[inline]
    fn step(&self, state: u32, key: Key, seeds: Seeds) -> Option<Step> {
        let slot = self.slot(state, key.hash(seeds))?;
        let same = (long(slot, 1) == key.at(state)) & (long(slot, 2) == key.low);
        same.then(|| Step { target: word(slot, TARGET), info: Info(word(slot, INFO)) })
    }
}

/// The transitions: those of the two roots lie together, so that a command which no rule names
/// costs no look at the others, and a large policy's programs stay near.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    pub(crate) roots: Part<'a>,
    pub(crate) inner: Part<'a>,
    pub(crate) seeds: Seeds,
    pub(crate) longest: usize,
    pub(crate) strings: Strings<'a>,
}

/// Whether a state's edges are among those of the roots.
#[inline]
#[must_use]
pub const fn is_root(state: u32) -> bool {
    state <= FOLDED
}

// A state is known only when the step before it is done, but words are known from the beginning. So
// the hash of a word does not depend on the state, and from a state to its slot there is as little
// as possible to wait for: an addition, the pilot, two multiplications.

/// An odd constant without pattern (the digits of π).
const BY_STATE: u64 = 0x243F_6A88_85A3_08D3;

/// The bucket of a word's hash at a state, among a power of two of them.
#[inline]
#[must_use]
pub const fn bucket(state: u32, hash: u64, buckets: usize) -> usize {
    (hash as usize).wrapping_add(state as usize) & buckets.wrapping_sub(1)
}

/// The slot of a word's hash at a state under its bucket's pilot; less than `slots`.
#[inline]
#[must_use]
pub const fn slot(state: u32, hash: u64, pilot: u16, slots: usize) -> usize {
    let mixed = (hash ^ (state as u64).wrapping_mul(BY_STATE)).wrapping_mul(pilot as u64);
    ((mixed as u128 * slots as u128) >> 64) as usize
}

impl<'a> Table<'a> {
    /// The edge that leaves a state by a word. Costs no more than the longest word of the policy,
    /// whatever the length of this one.
    #[inline]
    #[must_use]
    pub fn step(&self, state: u32, text: &[u8]) -> Option<Step> {
        match key::short(text) {
            Some(key) => self.step_short(state, key),
            None => self.step_long(state, Key::of, text, <[u8]>::eq),
        }
    }

    /// The edge that leaves a state by a word with its ASCII capitals made small.
    #[must_use]
    pub fn step_folded(&self, state: u32, text: &[u8]) -> Option<Step> {
        if text.len() <= key::SHORT {
            return self.step_short(state, Key::folded(text, self.seeds));
        }
        self.step_long(state, Key::folded, text, <[u8]>::eq_ignore_ascii_case)
    }

    /// The edge that leaves a state by a short key.
    #[inline]
    #[must_use]
    pub fn step_short(&self, state: u32, key: Key) -> Option<Step> {
        self.part(state).step(state, key, self.seeds)
    }

    /// [`Table::step`] from a state that is no root.
    #[inline]
    pub(crate) fn step_on(&self, state: u32, text: &[u8]) -> Option<Step> {
        match key::short(text) {
            Some(key) => self.inner.step(state, key, self.seeds),
            None => self.step_long(state, Key::of, text, <[u8]>::eq),
        }
    }

    /// The edge that leaves a state by a long word, of which `same` compares every byte.
    #[cold]
    fn step_long(
        &self,
        state: u32,
        key: impl Fn(&[u8], Seeds) -> Key,
        text: &[u8],
        same: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Option<Step> {
        if text.len() > self.longest {
            return None;
        }
        let key = key(text, self.seeds);
        let edge = Edge::read(self.part(state).slot(state, key.hash(self.seeds))?)?;
        let alike =
            edge.parent == state && edge.key.high == key.high && edge.key.low == key.low & 0xFFFF_FFFF;
        let whole = alike && same(self.strings.get(edge.string).as_bytes(), text);
        whole.then_some(Step { target: edge.target, info: edge.info })
    }

    /// The part with the edges of a state.
    #[inline]
    fn part(&self, state: u32) -> &Part<'a> {
        if is_root(state) { &self.roots } else { &self.inner }
    }

    /// Every edge, in the order of the slots.
    pub fn edges(&self) -> impl Iterator<Item = Edge> + use<'a> {
        self.roots.slots.iter().chain(self.inner.slots).filter_map(Edge::read)
    }
}

/// Eight bytes of a slot.
#[inline]
fn long(slot: &[u8; EDGE], index: usize) -> u64 {
    slot.as_chunks::<8>().0.get(index).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A step that has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it leads; [`Info::target`] says what the number counts.
    pub target: u32,
    /// What has matched with it.
    pub info: Info,
}

/// The sets of rules, as chains: each has some rules of its own and a parent.
///
/// A record is its parent and either a rule ([`Sets::SINGLE`] set) or where its list begins in the
/// members: the length, then the rules.
#[derive(Clone, Copy, Debug)]
pub struct Sets<'a> {
    pub(crate) sets: &'a [[u8; 8]],
    pub(crate) members: &'a [[u8; 4]],
}

impl<'a> Sets<'a> {
    /// The bit that says that a set's second number is its only rule.
    pub const SINGLE: u32 = 1 << 31;

    /// The smallest rule of a set and its ancestors from `from` on.
    #[must_use]
    pub fn next(&self, set: u32, from: u32) -> Option<u32> {
        let mut best = NONE;
        let mut at = set;
        // Set 0 is the empty one; a parent is always smaller than its child.
        while at != 0 {
            let mut chain = self.chain(at);
            chain.skip_to(from);
            best = best.min(chain.next(from));
            at = self.parent(at);
        }
        (best != NONE).then_some(best)
    }

    /// The rules of the set itself, to be taken one by one.
    #[must_use]
    pub fn chain(&self, set: u32) -> Chain<'a> {
        match self.sets.get(set as usize).map(|record| word(record, 1)) {
            Some(single) if single & Self::SINGLE != 0 => Chain { first: single & !Self::SINGLE, rest: &[] },
            Some(list) => Chain::of(self.list(list)),
            None => Chain::NONE,
        }
    }

    /// The list that begins at a place in the members.
    pub(crate) fn list(&self, start: u32) -> &'a [[u8; 4]] {
        let start = start as usize;
        let len = self.members.get(start).map_or(0, |len| word(len, 0)) as usize;
        self.members.get(start + 1..).and_then(|rest| rest.get(..len)).unwrap_or(&[])
    }

    /// The rules of the set itself, without its ancestors.
    pub fn own(&self, set: u32) -> impl Iterator<Item = u32> + use<'a> {
        let field = self.sets.get(set as usize).filter(|_| set != 0).map(|record| word(record, 1));
        let single = field.filter(|field| field & Self::SINGLE != 0).map(|field| field & !Self::SINGLE);
        let list = field.filter(|field| field & Self::SINGLE == 0).map_or(&[][..], |start| self.list(start));
        single.into_iter().chain(list.iter().map(|member| word(member, 0)))
    }

    /// The set that this one extends.
    #[must_use]
    pub fn parent(&self, set: u32) -> u32 {
        self.sets.get(set as usize).map_or(0, |record| word(record, 0))
    }
}

/// What is left of a set's own rules.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// The next rule; [`NONE`] if there is none.
    first: u32,
    rest: &'a [[u8; 4]],
}

impl<'a> Chain<'a> {
    /// No rules.
    pub const NONE: Self = Self { first: NONE, rest: &[] };

    fn of(list: &'a [[u8; 4]]) -> Self {
        list.split_first().map_or(Self::NONE, |(first, rest)| Self { first: word(first, 0), rest })
    }

    /// The first rule from `from` on, [`NONE`] if there is none; those before it are dropped.
    #[inline]
    pub fn next(&mut self, from: u32) -> u32 {
        while self.first < from {
            *self = Self::of(self.rest);
        }
        self.first
    }

    /// Drops the rules before `from` by halves.
    pub fn skip_to(&mut self, from: u32) {
        if self.first < from {
            let at = self.rest.partition_point(|rule| word(rule, 0) < from);
            *self = Self::of(self.rest.get(at..).unwrap_or(&[]));
        }
    }
}
