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

/// The root of the walk by folded base names.
pub const FOLDED: u32 = 0;
/// The root of the walk by literal first words.
pub const LITERAL: u32 = 1;
/// How many states are roots: those with the first numbers.
pub const ROOTS: u32 = 2;

/// What an edge says about everything that has matched up to and with its word.
///
/// | bits | meaning |
/// |---|---|
/// | 0–1 | the strictest guard so far: 0 none, 1 prompt, 2 forbidden |
/// | 2 | an allow so far |
/// | 3 | an allow ends with this very word |
/// | 4–6 | where it leads: a [`Kind`] |
/// | 7 | on an edge from the folded root: the literal root has the same edge, which is left out |
/// | 8–31 | a number, by the kind: a set of rules, a jump or a posting |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info(pub u32);

/// Where an edge leads, and what its number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To the state that follows from the state it leaves and its word; the number is the set of rules so far.
    Next = 0,
    /// Nothing more to match; the number is the set of rules so far.
    Leaf = 1,
    /// To a state that a jump names with the set: several edges can lead to one state, which follows from one of them.
    Jump = 2,
    /// To a block that a jump names with the set.
    Block = 3,
    /// The number is a posting of a block; the edge comes from one of the block's columns.
    Posting = 4,
}

impl Info {
    /// How many sets, jumps or postings can be numbered.
    pub const LIMIT: u32 = 1 << 24;
    /// The bit that says that an allow has matched.
    pub const ALLOW: u32 = 1 << 2;
    /// The bit that says that an allow ends here.
    pub const EXACT: u32 = 1 << 3;
    /// The bit that says that the literal root has the same edge.
    pub const SHARED: u32 = 1 << 7;
    const KIND: u32 = 7 << 4;
    const NUMBER: u32 = 8;

    /// An edge's info; the flags are those below the kind, and [`Info::SHARED`].
    #[must_use]
    pub const fn new(flags: u32, kind: Kind, number: u32) -> Self {
        Self(flags | (kind as u32) << 4 | number << Self::NUMBER)
    }

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

    /// Where the edge leads; `None` for a kind that there is not.
    #[inline]
    #[must_use]
    pub const fn kind(self) -> Option<Kind> {
        match (self.0 & Self::KIND) >> 4 {
            0 => Some(Kind::Next),
            1 => Some(Kind::Leaf),
            2 => Some(Kind::Jump),
            3 => Some(Kind::Block),
            4 => Some(Kind::Posting),
            _ => None,
        }
    }

    /// Whether the edge is of a kind.
    #[inline]
    #[must_use]
    pub const fn is(self, kind: Kind) -> bool {
        self.0 & Self::KIND == (kind as u32) << 4
    }

    /// Whether the literal root has the same edge.
    #[inline]
    #[must_use]
    pub const fn shared(self) -> bool {
        self.0 & Self::SHARED != 0
    }

    /// The number of the set, jump or posting.
    #[inline]
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0 >> Self::NUMBER
    }

    /// The same with another kind and number.
    #[inline]
    #[must_use]
    const fn leading(self, kind: Kind, number: u32) -> Self {
        Self::new(self.0 & ((1 << Self::NUMBER) - 1) & !Self::KIND, kind, number)
    }
}

/// One edge as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The state it leaves.
    pub parent: u32,
    /// What has matched with it, and where it leads.
    pub info: Info,
    /// The string that holds the word if it is long.
    pub string: u32,
    /// The word.
    pub key: Key,
}

/// Bytes of an edge.
pub const EDGE: usize = 20;
// Which number of a slot is what. What an edge is found by is its last four, in two reads; the last
// two are the key's beginning, or the hash of a long word and its string.
const INFO: usize = 0;
const HIGH: usize = 1;
const PARENT: usize = 2;
const LOW: usize = 3;

impl Edge {
    /// A slot that no edge is in. No short word has its key, and no edge leads to the state [`NONE`].
    pub const EMPTY: [u8; EDGE] = {
        let mut slot = [0; EDGE];
        let (_, found_by) = slot.split_at_mut(4 * HIGH);
        let (found_by, _) = found_by.split_at_mut(8);
        found_by.copy_from_slice(&u64::MAX.to_le_bytes());
        slot
    };

    /// Reads a slot; `None` if it is empty.
    #[inline]
    #[must_use]
    pub fn read(slot: &[u8; EDGE]) -> Option<Self> {
        let (parent, last, high) = (word(slot, PARENT), word(slot, LOW + 1), word(slot, HIGH));
        let low = u64::from(word(slot, LOW));
        let key = Key { low, high };
        let (string, key) =
            if key.is_long() { (last, key) } else { (0, Key { low: low | (u64::from(last) << 32), high }) };
        let edge = Self { parent, info: Info(word(slot, INFO)), string, key };
        (parent != NONE).then_some(edge)
    }

    /// The bytes of the edge.
    #[must_use]
    pub fn write(&self) -> [u8; EDGE] {
        let mut slot = [0; EDGE];
        let (low, half) = (self.key.low as u32, (self.key.low >> 32) as u32);
        let last = if self.key.is_long() { self.string } else { half };
        let numbers = [self.info.0, self.key.high, self.parent, low, last];
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
    /// All strings, one after the other.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

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
    shift: u32,
}

impl<'a> Part<'a> {
    /// Edges with their slots and the pilots of their buckets.
    pub(crate) const fn new(slots: &'a [[u8; EDGE]], pilots: &'a [[u8; 2]]) -> Self {
        Self { slots, pilots, shift: bucket_shift(pilots.len()) }
    }

    /// The only slot that the edge of a spot can be in.
    #[inline]
    fn slot(&self, spot: Spot) -> Option<&'a [u8; EDGE]> {
        let pilot = self.pilots.get(spot.bucket(self.shift))?;
        self.slots.get(spot.slot(u16::from_le_bytes(*pilot), self.slots.len()))
    }

    /// The edge that leaves a state by a short key.
    #[inline]
    fn step(&self, state: u32, key: Key, seeds: Seeds) -> Option<Step> {
        let spot = Spot::new(state, key.hash(seeds));
        let slot = self.slot(spot)?;
        // One comparison for the state and the word.
        let other = (pair(slot, HIGH) ^ key.at(state)) | (pair(slot, LOW) ^ key.low);
        (other == 0).then(|| Step { next: spot.next(), info: Info(word(slot, INFO)) })
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
    pub(crate) jumps: &'a [[u8; 8]],
}

/// Whether a state's edges are among those of the roots.
#[inline]
#[must_use]
pub const fn is_root(state: u32) -> bool {
    state < ROOTS
}

/// A state and the hash of a word, mixed: where their edge is, and which state follows.
///
/// A state's number follows from the words that lead to it. So a processor that foresees that an edge will be
/// there need not wait for it to come out of memory: it can go on to the next word's edge, and the next. What is decided rests on what
/// was read and compared; the numbers only say where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot(u64);

/// An odd constant without pattern (the digits of π).
const MIXER: u64 = 0x243F_6A88_85A3_08D3;

/// What [`Spot::bucket`] takes for so many buckets: a power of two, at least two.
#[must_use]
pub const fn bucket_shift(buckets: usize) -> u32 {
    u64::BITS - buckets.trailing_zeros()
}

impl Spot {
    /// The spot of a word's hash at a state.
    #[inline]
    #[must_use]
    pub const fn new(state: u32, hash: u64) -> Self {
        Self(hash.wrapping_add((state as u64) << 32).wrapping_mul(MIXER))
    }

    /// The state that follows.
    #[inline]
    #[must_use]
    pub const fn next(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The bucket: the highest bits, of which [`bucket_shift`] says how many.
    #[inline]
    #[must_use]
    pub const fn bucket(self, shift: u32) -> usize {
        self.0.wrapping_shr(shift) as usize
    }

    /// The slot under the bucket's pilot; less than `slots`.
    #[inline]
    #[must_use]
    pub const fn slot(self, pilot: u16, slots: usize) -> usize {
        let turned = self.0.wrapping_mul(pilot as u64);
        ((turned as u128 * slots as u128) >> 64) as usize
    }
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
        let spot = Spot::new(state, key.hash(self.seeds));
        let edge = Edge::read(self.part(state).slot(spot)?)?;
        let alike = edge.parent == state && edge.key == key;
        let whole = alike && same(self.strings.get(edge.string).as_bytes(), text);
        whole.then_some(Step { next: spot.next(), info: edge.info })
    }

    /// A jump by its number: the set of rules so far, and a state or a block. Validation excludes others.
    #[inline]
    pub(crate) fn jump(&self, jump: u32) -> (u32, u32) {
        self.jumps.get(jump as usize).map_or((0, NONE), |record| (word(record, 0), word(record, 1)))
    }

    /// A step that leads to a state by a jump, as if its state followed from the word.
    #[cold]
    pub(crate) fn land(&self, info: Info) -> Step {
        let (set, state) = self.jump(info.number());
        Step { next: state, info: info.leading(Kind::Next, set) }
    }

    /// Where a step leads.
    #[must_use]
    pub fn target(&self, step: Step) -> Target {
        let number = step.info.number();
        match step.info.kind() {
            Some(Kind::Next) => Target::State { set: number, state: step.next },
            Some(Kind::Jump) => {
                let (set, state) = self.jump(number);
                Target::State { set, state }
            }
            Some(Kind::Block) => {
                let (set, block) = self.jump(number);
                Target::Block { set, block }
            }
            Some(Kind::Posting) => Target::Posting(number),
            Some(Kind::Leaf) | None => Target::Leaf { set: number },
        }
    }

    /// The part with the edges of a state.
    #[inline]
    fn part(&self, state: u32) -> &Part<'a> {
        if is_root(state) { &self.roots } else { &self.inner }
    }

    /// The step that takes an edge of this table.
    #[must_use]
    pub fn step_by(&self, edge: &Edge) -> Step {
        Step { next: Spot::new(edge.parent, edge.key.hash(self.seeds)).next(), info: edge.info }
    }

    /// Every edge, in the order of the slots.
    pub fn edges(&self) -> impl Iterator<Item = Edge> + use<'a> {
        self.roots.slots.iter().chain(self.inner.slots).filter_map(Edge::read)
    }
}

/// Two numbers of a slot as one.
#[inline]
fn pair(slot: &[u8; EDGE], index: usize) -> u64 {
    let bytes = slot.get(4 * index..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A step that has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state that follows from the state and the word, if the edge is of the kind [`Kind::Next`].
    pub next: u32,
    /// What has matched with it, and where it leads.
    pub info: Info,
}

/// Where a step leads: [`Table::target`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a state with edges of its own.
    State {
        /// The set of rules so far.
        set: u32,
        /// The state.
        state: u32,
    },
    /// Nothing more to match.
    Leaf {
        /// The set of rules so far.
        set: u32,
    },
    /// To a block.
    Block {
        /// The set of rules so far.
        set: u32,
        /// The block.
        block: u32,
    },
    /// To a posting of the block whose column the step began in.
    Posting(u32),
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
