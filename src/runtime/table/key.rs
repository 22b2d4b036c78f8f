//! In: a word. Out: its [`Key`], the 16 bytes that stand for it on an edge, and its hash.
//! Not here: where an edge is placed (`table.rs`). The compiler uses the same functions to write.

/// The two numbers that make the hash of one policy different from that of another, so that a
/// rule file cannot be written to collide.
pub type Seeds = [u64; 2];

/// Words up to this length are their own key; longer ones are hashed and compared in the text.
pub const SHORT: usize = 15;
/// The last byte of the key of a long word; that of a short one is its length.
const LONG: u64 = 0xFF << 56;
/// Each byte 1, to spread a byte over a word.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A word as it is stored on an edge.
///
/// A short word is stored itself, padded with zeros, with its length in the last byte: equal keys
/// are equal words. A long one is stored as a hash and its length: equal keys are compared in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The first eight bytes of a short word; the hash of a long one.
    pub low: u64,
    /// The rest and the length.
    pub high: u64,
}

/// Multiplies to 128 bits and folds.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The bytes of `x` that are ASCII capitals, as their high bits.
#[inline]
const fn capitals(x: u64) -> u64 {
    let seven = x & !HIGH;
    let past_z = seven + ONES * (0x7F - b'Z' as u64);
    let from_a = seven + ONES * (0x80 - b'A' as u64);
    !x & (from_a ^ past_z) & HIGH
}

/// The bytes of `x` that are `/`, as their high bits.
#[inline]
const fn slashes(x: u64) -> u64 {
    let y = x ^ (ONES * b'/' as u64);
    !(((y & !HIGH) + !HIGH) | y | !HIGH)
}

/// ASCII capitals made small; every other byte stays.
#[inline]
const fn fold(x: u64) -> u64 {
    x | (capitals(x) >> 2)
}

impl Key {
    /// The key of a word as it is written.
    #[inline]
    #[must_use]
    pub fn of(word: &[u8], seeds: Seeds) -> Self {
        match short(word) {
            Some(key) => key,
            None => long(word, seeds, |x| x),
        }
    }

    /// The key of a word with its ASCII capitals made small, without copying it.
    #[must_use]
    pub fn folded(word: &[u8], seeds: Seeds) -> Self {
        match short(word) {
            Some(key) => Self { low: fold(key.low), high: fold(key.high) },
            None => long(word, seeds, fold),
        }
    }

    /// Whether the word is short, has no `/` and no ASCII capital: it is then its own base name
    /// and its own folded form.
    #[inline]
    #[must_use]
    pub const fn is_plain(self) -> bool {
        let odd = capitals(self.low) | capitals(self.high) | slashes(self.low) | slashes(self.high);
        !self.is_long() & (odd == 0)
    }

    /// Whether the key is only a hash.
    #[inline]
    #[must_use]
    pub const fn is_long(self) -> bool {
        self.high >= LONG
    }

    /// The length of the word; for a long one its low 32 bits.
    #[must_use]
    pub const fn len(self) -> usize {
        if self.is_long() { (self.high & 0xFFFF_FFFF) as usize } else { (self.high >> 56) as usize }
    }

    /// Whether the word is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The bytes of a short word; the second value is their number.
    #[must_use]
    pub fn bytes(self) -> ([u8; 16], usize) {
        let both = u128::from(self.low) | (u128::from(self.high) << 64);
        (both.to_le_bytes(), self.len().min(SHORT))
    }

    /// Whether it could have been made by [`Key::of`]: a length that exists and nothing after it.
    #[inline]
    #[must_use]
    pub const fn is_sound(self) -> bool {
        if self.is_long() {
            return self.high & 0x00FF_FFFF_0000_0000 == 0 && self.len() > SHORT;
        }
        let len = self.len();
        let both = self.low as u128 | ((self.high as u128 & 0x00FF_FFFF_FFFF_FFFF) << 64);
        len <= SHORT && both >> (8 * len as u32) == 0
    }

    /// The hash under the seeds.
    #[inline]
    #[must_use]
    pub fn hash(self, seeds: Seeds) -> u64 {
        let [a, b] = seeds;
        mix(self.low ^ a, self.high ^ b)
    }
}

/// Zero-padded bytes and the length, from overlapping reads; `None` for a long word.
#[inline]
fn short(word: &[u8]) -> Option<Key> {
    let len = word.len();
    let size = (len as u64) << 56;
    if let (Some(first), Some(last)) = (word.first_chunk::<8>(), word.last_chunk::<8>()) {
        if len > SHORT {
            return None;
        }
        // The last eight bytes, less those that `first` has; in two steps, as 64 is no shift.
        let rest = (u64::from_le_bytes(*last) >> 8) >> (8 * (SHORT - len));
        return Some(Key { low: u64::from_le_bytes(*first), high: rest | size });
    }
    let low = if let (Some(first), Some(last)) = (word.first_chunk::<4>(), word.last_chunk::<4>()) {
        // Where the two overlap they agree.
        u64::from(u32::from_le_bytes(*first)) | (u64::from(u32::from_le_bytes(*last)) << (8 * (len & 3)))
    } else {
        match *word {
            [a] => u64::from(a),
            [a, b] => u64::from(u16::from_le_bytes([a, b])),
            [a, b, c] => u64::from(u32::from_le_bytes([a, b, c, 0])),
            _ => 0,
        }
    };
    Some(Key { low, high: size })
}

/// Hashes sixteen bytes at a time, each eight of them through `map`; the last sixteen may overlap.
fn long(word: &[u8], [a, b]: Seeds, map: impl Fn(u64) -> u64) -> Key {
    let halves = |chunk: &[u8; 16]| {
        let both = u128::from_le_bytes(*chunk);
        (map(both as u64), map((both >> 64) as u64))
    };
    let mut hash = word.len() as u64;
    let (chunks, _) = word.as_chunks::<16>();
    for chunk in chunks.iter().chain(word.last_chunk::<16>()) {
        let (low, high) = halves(chunk);
        hash = mix(low ^ a, high ^ b ^ hash.rotate_left(29));
    }
    Key { low: hash, high: LONG | (word.len() as u64 & 0xFFFF_FFFF) }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    const SEEDS: Seeds = [0x1234_5678_9ABC_DEF1, 0x0FED_CBA9_8765_4321];

    #[test]
    fn a_short_key_is_its_word() {
        for len in 0..=SHORT {
            let word: Vec<u8> = (0..len).map(|at| 0x80 + at as u8 * 7).collect();
            let key = Key::of(&word, SEEDS);
            let (bytes, size) = key.bytes();
            assert_eq!(&bytes[..size], &word[..]);
            assert!(key.is_sound() && !key.is_long() && key.len() == len);
        }
        assert_ne!(Key::of(b"a", SEEDS), Key::of(b"a\0", SEEDS));
    }

    #[test]
    fn a_folded_key_is_the_key_of_the_folded_word() {
        for len in 0..70 {
            for shift in 0..=255u8 {
                let word: Vec<u8> = (0..len).map(|at: u8| at.wrapping_mul(37).wrapping_add(shift)).collect();
                let lower = word.to_ascii_lowercase();
                assert_eq!(Key::folded(&word, SEEDS), Key::of(&lower, SEEDS));
                let plain = word == lower && !word.contains(&b'/') && word.len() <= SHORT;
                assert_eq!(Key::of(&word, SEEDS).is_plain(), plain, "{word:?}");
                assert!(Key::of(&word, SEEDS).is_sound());
            }
        }
    }

    #[test]
    fn long_words_differ_by_any_byte() {
        let word = [7u8; 40];
        let key = Key::of(&word, SEEDS);
        for at in 0..40 {
            let mut other = word;
            other[at] ^= 1;
            assert_ne!(Key::of(&other, SEEDS), key);
        }
        assert_ne!(Key::of(&word[1..], SEEDS), key);
    }
}
