//! In: the pieces of a word that is known in part, and the name of a tool. Out: whether the word can be a spelling of it.
//! Not here: the spellings of a word that is known (`names.rs`), which this covers: it may say yes where they do not, never no where
//! they do.

use super::words::Piece;
use crate::names::{SUFFIXES, in_version, is_gnu};
use alloc::vec;
use alloc::vec::Vec;

/// Every spelling of a tool, as a small automaton: an optional `g`, the name, a version, an ending of Windows, and separators.
pub(super) struct Spellings {
    arcs: Vec<Arc>,
    starts: Vec<usize>,
    ends: Vec<usize>,
    states: usize,
}

struct Arc {
    from: usize,
    on: On,
    to: usize,
}

enum On {
    Byte(u8),
    /// A byte of a version.
    Version,
}

impl Spellings {
    /// The spellings of a tool whose name has no ASCII capitals.
    pub(super) fn of(tool: &[u8]) -> Self {
        let mut all = Self { arcs: Vec::new(), starts: vec![0], ends: Vec::new(), states: 2 };
        if is_gnu(tool) {
            all.arc(0, On::Byte(b'g'), 1);
            all.starts.push(1);
        } else {
            all.starts = vec![1];
        }
        let name = all.chain(1, tool);
        all.arc(name, On::Version, name);
        let mut last = vec![name];
        for suffix in SUFFIXES {
            last.push(all.chain(name, *suffix));
        }
        // `/.` at the end, too.
        let after = all.state();
        for &from in last.iter().chain([&after]) {
            for byte in [b'/', b'\\'] {
                all.arc(from, On::Byte(byte), after);
            }
        }
        all.arc(after, On::Byte(b'.'), after);
        last.push(after);
        all.ends = last;
        all
    }

    fn state(&mut self) -> usize {
        self.states += 1;
        self.states - 1
    }

    fn arc(&mut self, from: usize, on: On, to: usize) {
        self.arcs.push(Arc { from, on, to });
    }

    /// Arcs for bytes that follow each other; where they end.
    fn chain(&mut self, from: usize, bytes: &[u8]) -> usize {
        bytes.iter().fold(from, |from, &byte| {
            let to = self.state();
            self.arc(from, On::Byte(byte), to);
            to
        })
    }

    /// Whether some string of the pieces is a spelling, ASCII case aside.
    pub(super) fn meet(&self, pieces: &[Piece]) -> bool {
        let mut at = vec![false; self.states];
        set(&mut at, &self.starts);
        for piece in pieces {
            at = match piece {
                Piece::Literal(bytes) => {
                    bytes.iter().fold(at, |at, byte| self.byte(&at, byte.to_ascii_lowercase()))
                }
                // A character has one to four bytes.
                Piece::Character => {
                    let mut any = self.step(&at, |_| true);
                    for _ in 1..4 {
                        let next = self.step(&any, |_| true);
                        any = union(any, &next);
                    }
                    any
                }
                Piece::Anything => self.repeat(at, |_| true),
                Piece::Integer => {
                    let signed = union(self.byte(&at, b'-'), &at);
                    let digit = |on: &On| matches!(on, On::Version | On::Byte(b'0'..=b'9'));
                    let first = self.step(&signed, digit);
                    self.repeat(first, digit)
                }
            };
        }
        self.ends.iter().any(|&end| at.get(end) == Some(&true))
    }

    fn byte(&self, at: &[bool], byte: u8) -> Vec<bool> {
        self.step(at, |on| match on {
            On::Byte(other) => *other == byte,
            On::Version => in_version(byte),
        })
    }

    /// Where one more byte leads that the arc accepts.
    fn step(&self, at: &[bool], accepts: impl Fn(&On) -> bool) -> Vec<bool> {
        let mut next = vec![false; self.states];
        let taken = self.arcs.iter().filter(|arc| at.get(arc.from) == Some(&true) && accepts(&arc.on));
        set(&mut next, &taken.map(|arc| arc.to).collect::<Vec<_>>());
        next
    }

    /// Where any number of such bytes leads.
    fn repeat(&self, mut at: Vec<bool>, accepts: impl Fn(&On) -> bool) -> Vec<bool> {
        loop {
            let next = union(self.step(&at, &accepts), &at);
            if next == at {
                return at;
            }
            at = next;
        }
    }
}

fn set(states: &mut [bool], which: &[usize]) {
    for &state in which {
        if let Some(slot) = states.get_mut(state) {
            *slot = true;
        }
    }
}

fn union(mut one: Vec<bool>, other: &[bool]) -> Vec<bool> {
    one.iter_mut().zip(other).for_each(|(one, other)| *one |= other);
    one
}
