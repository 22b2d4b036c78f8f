//! In: the bytes of one record about a rule, a host, a network destination or a source. Out: its fields; and back.
//! Not here: the lists that fields point into (`artifact.rs`), and whether a number points anywhere (`validate.rs`).
//!
//! A position is written here once: the compiler writes a record by the type that this package reads it by.
#![forbid(unsafe_code)]

use crate::Decision;
use crate::wire::{NONE, word};

/// A field's two highest bits are a decision; this is where they begin.
const DECISION: u32 = 30;
/// What stands in the place of a decision if a rule says where, not whether.
const PLACES: u32 = 3;
/// The bit that says that a rule's last number is its only alternative.
const ONE: u32 = 1 << 31;

/// How many sources can be numbered: the number shares a field with a decision and a protocol.
pub const SOURCES: u32 = 1 << 28;

/// A rule that decides, or a sandbox rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleRecord {
    /// The string of the justification, or [`NONE`]; of a sandbox rule the number of the profile, or [`NONE`] for unconfined.
    pub subject: u32,
    /// The line it begins in, from 1.
    pub line: u32,
    /// The source it is written in.
    pub source: u32,
    /// What it says; `None` for a sandbox rule.
    pub decision: Option<Decision>,
    /// How many words its pattern has.
    pub depth: u32,
    /// Its alternatives of the first position.
    pub heads: HeadsField,
}

/// Where the alternatives of a rule's first position are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadsField {
    /// The string of the only one.
    One(u32),
    /// Where the list begins in the heads.
    List(u32),
}

impl RuleRecord {
    /// Reads a record.
    #[inline]
    #[must_use]
    pub fn read(record: &[u8; 20]) -> Self {
        let (source, heads) = (word(record, 2), word(record, 4));
        Self {
            subject: word(record, 0),
            line: word(record, 1),
            source: number(source),
            decision: Decision::from_byte((source >> DECISION) as u8),
            depth: word(record, 3),
            heads: if heads & ONE != 0 { HeadsField::One(heads & !ONE) } else { HeadsField::List(heads) },
        }
    }

    /// The bytes of the record.
    #[must_use]
    pub fn write(&self) -> [u8; 20] {
        let decision = self.decision.map_or(PLACES, |decision| decision as u32);
        let heads = match self.heads {
            HeadsField::One(string) => string | ONE,
            HeadsField::List(start) => start,
        };
        bytes([self.subject, self.line, self.source | decision << DECISION, self.depth, heads])
    }

    /// Whether a record is a sandbox rule's.
    #[must_use]
    pub fn places(record: &[u8; 20]) -> bool {
        word(record, 2) >> DECISION == PLACES
    }
}

/// A program that is named with its paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostRecord {
    /// The string of its name.
    pub name: u32,
    /// Its first path; the next host's ends them.
    pub first_path: u32,
}

impl HostRecord {
    /// Reads a record.
    #[inline]
    #[must_use]
    pub fn read(record: &[u8; 8]) -> Self {
        Self { name: word(record, 0), first_path: word(record, 1) }
    }

    /// The bytes of the record.
    #[must_use]
    pub fn write(&self) -> [u8; 8] {
        bytes([self.name, self.first_path])
    }
}

/// A statement about a network destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkRecord {
    /// The string of the host.
    pub host: u32,
    /// The string of the justification, or [`NONE`].
    pub justification: u32,
    /// The line it begins in, from 1.
    pub line: u32,
    /// The source it is written in.
    pub source: u32,
    /// The protocol, 0 to 3.
    pub protocol: u8,
    /// What is said about it.
    pub decision: Decision,
}

impl NetworkRecord {
    /// Reads a record; `None` if its decision is none.
    #[must_use]
    pub fn read(record: &[u8; 16]) -> Option<Self> {
        let last = word(record, 3);
        Some(Self {
            host: word(record, 0),
            justification: word(record, 1),
            line: word(record, 2),
            source: number(last) >> 2,
            protocol: (last & 3) as u8,
            decision: Decision::from_byte((last >> DECISION) as u8)?,
        })
    }

    /// The bytes of the record.
    #[must_use]
    pub fn write(&self) -> [u8; 16] {
        let last = self.source << 2 | u32::from(self.protocol & 3) | (self.decision as u32) << DECISION;
        bytes([self.host, self.justification, self.line, last])
    }
}

/// A text that the policy was compiled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRecord<'a> {
    /// The string of its name.
    pub name: u32,
    /// The BLAKE3 digest of its text.
    pub digest: &'a [u8; 32],
}

impl<'a> SourceRecord<'a> {
    /// Reads a record.
    #[must_use]
    pub fn read(record: &'a [u8; 36]) -> Self {
        Self { name: word(record, 0), digest: record.last_chunk().unwrap_or(&[0; 32]) }
    }

    /// The bytes of the record.
    #[must_use]
    pub fn write(&self) -> [u8; 36] {
        let mut record = [0; 36];
        let (name, digest) = record.split_at_mut(4);
        name.copy_from_slice(&self.name.to_le_bytes());
        digest.copy_from_slice(self.digest);
        record
    }
}

/// The number that shares a field with a decision.
const fn number(field: u32) -> u32 {
    field & (NONE >> (u32::BITS - DECISION))
}

fn bytes<const WORDS: usize, const BYTES: usize>(numbers: [u32; WORDS]) -> [u8; BYTES] {
    let mut record = [0; BYTES];
    for (field, number) in record.as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
        *field = number.to_le_bytes();
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for decision in [Some(Decision::Allow), Some(Decision::Prompt), Some(Decision::Forbidden), None] {
            for heads in [HeadsField::One(5), HeadsField::List(7), HeadsField::One(0), HeadsField::List(0)] {
                let rule =
                    RuleRecord { subject: NONE, line: 2, source: SOURCES - 1, decision, depth: 4, heads };
                assert_eq!(RuleRecord::read(&rule.write()), rule);
                assert_eq!(RuleRecord::places(&rule.write()), decision.is_none());
            }
            let Some(decision) = decision else { continue };
            let (host, justification, line, source) = (1, NONE, 3, SOURCES - 1);
            let network = NetworkRecord { host, justification, line, source, protocol: 3, decision };
            assert_eq!(NetworkRecord::read(&network.write()), Some(network));
        }
        assert_eq!(NetworkRecord::read(&[0xFF; 16]), None);
        let host = HostRecord { name: 1, first_path: 2 };
        assert_eq!(HostRecord::read(&host.write()), host);
        let source = SourceRecord { name: 9, digest: &[7; 32] };
        assert_eq!(SourceRecord::read(&source.write()), source);
    }
}
