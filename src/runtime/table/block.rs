//! In: a block, and for each further word of a command the posting of rules that accept it. Out:
//! the rules of the block that match.
//! Not here: how the postings are found; that is a step like any other, from a column's number.
//!
//! A block stands for a state whose subsets would be too many. It keeps its live rules, numbered
//! in load order, and for each further position (a *column*) which of them accept which word.
//! A rule matches if every column up to its own length accepts it: sets of rules are intersected
//! 64 at a time. Nothing is allocated, and the work is bounded by columns × rules / 64.

use crate::wire::{NONE, word};

/// The sections of the blocks.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    pub(crate) blocks: &'a [[u8; 24]],
    pub(crate) rules: &'a [[u8; 4]],
    pub(crate) postings: &'a [[u8; 8]],
    pub(crate) data: &'a [[u8; 4]],
}

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The state number of its first column; the others follow.
    pub column: u32,
    /// How many columns it has: the longest live rule, less the words already read.
    pub columns: u32,
    /// Its first rule in the block rules.
    pub first_rule: u32,
    /// How many rules it has.
    pub rules: u32,
    /// How many words come before its first column.
    pub depth: u32,
    /// The posting of the rules that end after the first column; those of the others follow.
    pub ends: u32,
}

impl Block {
    /// Reads a record.
    #[must_use]
    pub fn read(record: &[u8; 24]) -> Self {
        Self {
            column: word(record, 0),
            columns: word(record, 1),
            first_rule: word(record, 2),
            rules: word(record, 3),
            depth: word(record, 4),
            ends: word(record, 5),
        }
    }

    /// The numbers of the record, in order.
    #[must_use]
    pub const fn numbers(&self) -> [u32; 6] {
        [self.column, self.columns, self.first_rule, self.rules, self.depth, self.ends]
    }
}

/// The bit of a posting's second number that says that it is a bitmap.
pub const DENSE: u32 = 1 << 31;

/// A set of a block's rules: a sorted list or a bitmap, whichever is smaller.
#[derive(Clone, Copy, Debug)]
pub struct Posting<'a> {
    /// The block it belongs to.
    pub block: u32,
    /// Whether the data is a bitmap.
    pub dense: bool,
    /// The numbers of the list, or the bitmap in pieces of 32.
    pub data: &'a [[u8; 4]],
}

impl Posting<'_> {
    fn number(&self, at: usize) -> u32 {
        self.data.get(at).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// The rules `64 * index ..` as bits.
    #[must_use]
    pub fn bits(&self, index: usize) -> u64 {
        if self.dense {
            return u64::from(self.number(2 * index)) | (u64::from(self.number(2 * index + 1)) << 32);
        }
        let start = 64 * index;
        let from = self.data.partition_point(|bytes| (u32::from_le_bytes(*bytes) as usize) < start);
        let mut bits = 0;
        for bytes in self.data.get(from..).unwrap_or(&[]) {
            let Some(bit) = (u32::from_le_bytes(*bytes) as usize).checked_sub(start).filter(|&bit| bit < 64)
            else {
                break;
            };
            bits |= 1 << bit;
        }
        bits
    }

    /// The first index at or after `index` whose bits are not all zero.
    #[must_use]
    pub fn next_index(&self, index: usize) -> Option<usize> {
        if self.dense {
            let pieces = self.data.get(2 * index..)?;
            return pieces.iter().position(|bytes| *bytes != [0; 4]).map(|at| index + at / 2);
        }
        let at = self.data.partition_point(|bytes| (u32::from_le_bytes(*bytes) as usize) < 64 * index);
        self.data.get(at).map(|bytes| u32::from_le_bytes(*bytes) as usize / 64)
    }
}

impl<'a> Blocks<'a> {
    /// A block by number.
    #[must_use]
    pub fn get(&self, block: u32) -> Option<Block> {
        self.blocks.get(block as usize).map(Block::read)
    }

    /// A posting by number.
    #[must_use]
    pub fn posting(&self, posting: u32) -> Option<Posting<'a>> {
        let at = posting as usize;
        let record = self.postings.get(at)?;
        let start = |record: &[u8; 8]| (word(record, 1) & !DENSE) as usize;
        let end = self.postings.get(at + 1).map_or(self.data.len(), start);
        let data = self.data.get(start(record)..end)?;
        Some(Posting { block: word(record, 0), dense: word(record, 1) & DENSE != 0, data })
    }

    /// The rule that a block knows by a number of its own.
    #[must_use]
    pub fn rule(&self, block: &Block, local: u32) -> u32 {
        let at = block.first_rule as usize + local as usize;
        self.rules.get(at).map_or(NONE, |bytes| u32::from_le_bytes(*bytes))
    }
}

/// The rules of a block that match a command, in load order.
#[derive(Clone, Copy, Debug)]
pub struct Hits<'v> {
    blocks: Blocks<'v>,
    block: Block,
    /// The posting of each further word of the command, up to the first that no rule accepts.
    columns: &'v [u32],
    index: usize,
    bits: u64,
}

impl<'v> Hits<'v> {
    /// The matches of a block whose columns accept the command's words by these postings.
    #[must_use]
    pub fn new(blocks: Blocks<'v>, block: Block, columns: &'v [u32]) -> Self {
        Self { blocks, block, columns, index: 0, bits: 0 }
    }

    /// The matching rules among 64 of them.
    fn matched(&self, index: usize, first: Posting<'_>) -> u64 {
        let mut alive = first.bits(index);
        let mut matched = 0;
        let mut rest = self.columns.iter().skip(1);
        for ends in self.block.ends.. {
            matched |= alive & self.blocks.posting(ends).map_or(0, |posting| posting.bits(index));
            let Some(&column) = rest.next() else { break };
            alive &= self.blocks.posting(column).map_or(0, |posting| posting.bits(index));
            if alive == 0 {
                break;
            }
        }
        matched
    }
}

impl Iterator for Hits<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let first = self.blocks.posting(*self.columns.first()?)?;
        while self.bits == 0 {
            let index = first.next_index(self.index)?;
            self.bits = self.matched(index, first);
            self.index = index + 1;
        }
        let local = 64 * (self.index - 1) + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(self.blocks.rule(&self.block, u32::try_from(local).unwrap_or(u32::MAX)))
    }
}
