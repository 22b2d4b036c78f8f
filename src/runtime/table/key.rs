//! In: a word. Out: its [`Key`], the 12 bytes that stand for it on an edge, and its hash.
//! Not here: where an edge is placed (`table.rs`). The compiler uses the same functions to write.

/// The two numbers that make the hash of one policy different from that of another, so that a
/// rule file cannot be written to collide.
pub type Seeds = [u64; 2];

/// Words up to this length are their own key; longer ones are hashed and compared in the text.
/// Most words of real policies are this short, and an edge then needs no string.
pub const SHORT: usize = 11;
/// The last byte of the key of a long word; that of a short one is its length.
const LONG: u32 = 0xFF << 24;
/// Each byte 1, to spread a byte over a word.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A word as it is stored on an edge.
///
/// A short word is stored itself: equal keys are equal words. Up to three bytes are padded with zeros; from four on it is
/// the first four bytes and the last four, which may overlap, then three from the middle, which with nine to eleven bytes have those between.
/// A long one is stored as a hash and its length: equal keys are compared in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Of a short word the first four bytes and the last four; 32 bits of hash of a long one.
    pub low: u64,
    /// Three bytes from the middle, and the length.
    pub high: u32,
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

/// Not zero if some byte of `x` is one of `@` to `_` with or without its high bit: those that have
/// bit 6 and not bit 5.
#[inline]
const fn upper(x: u64) -> u64 {
    x & !(x << 1) & (ONES << 6)
}

/// Not zero if and only if some byte of `x` is `/`: only one that is zero borrows from its high bit,
/// or one above such a byte.
#[inline]
const fn slashes(x: u64) -> u64 {
    let y = x ^ (ONES * b'/' as u64);
    y.wrapping_sub(ONES) & !y & HIGH
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
            Some(key) => Self { low: fold(key.low), high: fold(key.high as u64) as u32 },
            None => long(word, seeds, fold),
        }
    }

    /// Whether the word is short and has neither `/` nor any of `@` to `_`, which the ASCII capitals
    /// are among: it is then its own base name and its own folded form.
    #[inline]
    #[must_use]
    pub const fn is_plain(self) -> bool {
        let high = self.high as u64;
        let odd = upper(self.low) | upper(high) | slashes(self.low) | slashes(high);
        !self.is_long() & (odd == 0)
    }

    /// Whether the key is only a hash.
    #[inline]
    #[must_use]
    pub const fn is_long(self) -> bool {
        self.high >= LONG
    }

    /// The length of the word; for a long one its low 24 bits.
    #[must_use]
    pub const fn len(self) -> usize {
        if self.is_long() { (self.high & !LONG) as usize } else { (self.high >> 24) as usize }
    }

    /// Whether the word is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.high == 0
    }

    /// Where the last four bytes of a word of four or more begin, and the three from the middle; in bits.
    const fn parts(len: usize) -> Option<(u32, u32)> {
        match len.checked_sub(4) {
            Some(last) => Some((8 * last as u32, 8 * (last as u32 / 2 + 1))),
            None => None,
        }
    }

    /// The bytes of a short word as a number.
    #[inline]
    const fn word(self) -> u128 {
        match Self::parts(self.len()) {
            // Where the parts overlap they agree.
            Some((last, middle)) => {
                (self.low & 0xFFFF_FFFF) as u128
                    | (self.low as u128 >> 32) << (last & 127)
                    | (self.high as u128 & 0x00FF_FFFF) << (middle & 127)
            }
            None => self.low as u128,
        }
    }

    /// The bytes of a short word; the second value is their number.
    #[must_use]
    pub const fn bytes(self) -> ([u8; 16], usize) {
        let len = self.len();
        (self.word().to_le_bytes(), if len > SHORT { SHORT } else { len })
    }

    /// Whether a short key could have been made by [`Key::of`]: a length that exists, parts that agree and nothing
    /// after the end.
    #[inline]
    #[must_use]
    pub const fn is_sound(self) -> bool {
        let (len, word, rest) = (self.len(), self.word(), self.high & 0x00FF_FFFF);
        match Self::parts(len) {
            // Where two parts differ the word has the bits of both, and so is not what one of them says.
            Some((last, middle)) if len <= SHORT => {
                let both = (word & 0xFFFF_FFFF) as u64 | ((word >> last) as u64) << 32;
                both == self.low && (word >> middle) as u32 & 0x00FF_FFFF == rest
            }
            Some(_) => false,
            None => rest == 0 && self.low >> (8 * len) == 0,
        }
    }

    /// The rest of the key and the state it is asked for at: what an edge keeps side by side.
    #[inline]
    #[must_use]
    pub const fn at(self, state: u32) -> u64 {
        self.high as u64 | (state as u64) << 32
    }

    /// The hash under the seeds.
    #[inline]
    #[must_use]
    pub fn hash(self, seeds: Seeds) -> u64 {
        let [a, b] = seeds;
        mix(self.low ^ a, u64::from(self.high) ^ b)
    }
}

/// The key of a short word; `None` for a long one.
///
/// Lengths of words cannot be foretold, and a branch foretold wrongly costs more than the rest of a
/// step. So there is none between 4 and 11 bytes, and none between 1 and 3: three reads that may overlap give every byte.
#[inline]
pub(crate) fn short(word: &[u8]) -> Option<Key> {
    let len = word.len();
    let size = (len as u32) << 24;
    let Some(first) = word.first_chunk::<4>() else {
        return Some(Key { low: tiny(word), high: size });
    };
    if len > SHORT {
        return None;
    }
    let last = u64::from(u32::from_le_bytes(*word.last_chunk::<4>()?));
    // Of the first and the last four bytes it has one more each if there are eleven, and nothing else before nine.
    let middle = u32::from_le_bytes(*word.get((len - 4) / 2..)?.first_chunk::<4>()?);
    Some(Key { low: u64::from(u32::from_le_bytes(*first)) | last << 32, high: middle >> 8 | size })
}

/// The bytes of a word of up to three.
#[inline]
fn tiny(word: &[u8]) -> u64 {
    let (Some(&first), Some(&last)) = (word.first(), word.last()) else { return 0 };
    let half = word.len() / 2;
    let middle = word.get(half).copied().unwrap_or(0);
    // Where two of them are the same byte they agree.
    u64::from(first) | (u64::from(middle) << (8 * half)) | (u64::from(last) << (8 * (word.len() - 1)))
}

/// Hashes sixteen bytes at a time, each eight of them through `map`. The last sixteen may overlap
/// those before; a word that has fewer gives its first and its last eight.
fn long(word: &[u8], [a, b]: Seeds, map: impl Fn(u64) -> u64) -> Key {
    let mut hash = word.len() as u64;
    let mut take = |low: [u8; 8], high: [u8; 8]| {
        hash =
            mix(map(u64::from_le_bytes(low)) ^ a, map(u64::from_le_bytes(high)) ^ b ^ hash.rotate_left(29));
    };
    for pair in word.as_chunks::<8>().0.as_chunks::<2>().0 {
        let [low, high] = *pair;
        take(low, high);
    }
    let middle = word.len().min(16);
    let tail = word.get(word.len() - middle..).unwrap_or(word);
    if let (Some(low), Some(high)) = (tail.first_chunk(), tail.last_chunk()) {
        take(*low, *high);
    }
    Key { low: hash & 0xFFFF_FFFF, high: LONG | (word.len() as u32 & !LONG) }
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
            for bit in 0..88 {
                let (low, high) = if bit < 64 { (1 << bit, 0) } else { (0, 1 << (bit - 64)) };
                let other = Key { low: key.low ^ low, high: key.high ^ high };
                assert!(!other.is_sound() || other.bytes() != key.bytes(), "{len} {bit}");
            }
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
                let odd = |byte: &u8| *byte == b'/' || matches!(byte & 0x7F, b'@'..=b'_');
                let plain = !word.iter().any(odd) && word.len() <= SHORT;
                assert!(!plain || word == lower);
                assert_eq!(Key::of(&word, SEEDS).is_plain(), plain, "{word:?}");
                let key = Key::of(&word, SEEDS);
                assert!(key.is_long() || key.is_sound());
            }
        }
    }

    #[test]
    fn long_words_differ_by_any_byte() {
        for len in SHORT + 1..70 {
            let word = [7u8; 70];
            let key = Key::of(&word[..len], SEEDS);
            for at in 0..len {
                let mut other = word;
                other[at] ^= 1;
                assert_ne!(Key::of(&other[..len], SEEDS), key, "{len} {at}");
            }
            assert_ne!(Key::of(&word[1..len], SEEDS), key);
        }
    }
}
