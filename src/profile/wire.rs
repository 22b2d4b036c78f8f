//! In: bytes of the profiles section, or the clauses to write there. Out: [`Wire`], one record's bytes read and written side by side,
//! with a [`Cursor`] that checks and a [`Writer`] that collects. Not here: which records there are (`clause.rs`), and which lists
//! (`section.rs`).
//!
//! Every record of a kind has the same size, so a list is a slice and the n-th record a sub-slice. Strings are
//! references (offset, length) into one pool.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

/// The text that a clause holds where it is not borrowed from an artifact.
pub type Text = alloc::sync::Arc<str>;

/// A text that can be read out of bytes: borrowed from them, or owned.
pub trait TextFrom<'a>: From<&'a str> + AsRef<str> + Clone + Ord {}

impl<'a, T: From<&'a str> + AsRef<str> + Clone + Ord> TextFrom<'a> for T {}

/// Something with a fixed place in bytes that live for `'a`.
pub trait Wire<'a>: Sized {
    /// How many bytes it takes.
    const SIZE: usize;

    /// Reads one and checks it.
    ///
    /// # Errors
    /// A [`ProfileError`] that names the field.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError>;

    /// Writes what [`Wire::read`] reads.
    fn write(&self, out: &mut Writer<'_>);
}

/// The bytes of a text: where it is in the pool, and how long it is.
pub(crate) const TEXT: usize = 8;

/// Why bytes are not a profiles section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// What was being read.
    pub what: &'static str,
    /// Where in the section, in bytes.
    pub offset: usize,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "profiles section: bad {} at byte {}", self.what, self.offset)
    }
}

impl core::error::Error for ProfileError {}

/// A checked reader of little-endian values; knows where in the section it stands.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    section: &'a [u8],
    pool: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(section: &'a [u8], pool: &'a [u8], at: usize) -> Self {
        Self { section, pool, at }
    }

    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    pub(crate) const fn fault<T>(&self, what: &'static str) -> Result<T, ProfileError> {
        Err(ProfileError { what, offset: self.at })
    }

    pub(crate) fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ProfileError> {
        let bytes = self.at.checked_add(N).and_then(|end| self.section.get(self.at..end));
        match bytes.and_then(|bytes| <[u8; N]>::try_from(bytes).ok()) {
            Some(bytes) => {
                self.at += N;
                Ok(bytes)
            }
            None => self.fault(what),
        }
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, ProfileError> {
        self.take::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, ProfileError> {
        self.take(what).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, ProfileError> {
        self.take(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, ProfileError> {
        self.take(what).map(u64::from_le_bytes)
    }

    pub(crate) fn size(&mut self, what: &'static str) -> Result<usize, ProfileError> {
        let at = *self;
        usize::try_from(self.u32(what)?).or_else(|_| at.fault(what))
    }

    /// One of a closed set of words.
    pub(crate) fn word<T>(
        &mut self,
        from: fn(u8) -> Option<T>,
        what: &'static str,
    ) -> Result<T, ProfileError> {
        let at = *self;
        from(self.u8(what)?).map_or_else(|| at.fault(what), Ok)
    }

    /// A string out of the pool; one that holds a NUL byte could never reach the kernel whole and is refused.
    pub(crate) fn text(&mut self, what: &'static str) -> Result<&'a str, ProfileError> {
        let start = *self;
        let (offset, length) = (self.size(what)?, self.size(what)?);
        let bytes = offset.checked_add(length).and_then(|end| self.pool.get(offset..end));
        match bytes.and_then(|bytes| core::str::from_utf8(bytes).ok()) {
            Some(text) if !text.contains('\0') => Ok(text),
            _ => start.fault(what),
        }
    }

    /// Where a list's records are, and how many.
    pub(crate) fn records(&mut self, size: usize, what: &'static str) -> Result<Records<'a>, ProfileError> {
        let start = *self;
        let (offset, count) = (self.size(what)?, self.size(what)?);
        let end = count.checked_mul(size).and_then(|size| offset.checked_add(size));
        if end.and_then(|end| self.section.get(offset..end)).is_none() {
            return start.fault(what);
        }
        Ok(Records { cursor: Self { at: offset, ..*self }, count })
    }

    /// All records of a list.
    pub(crate) fn list<R: Wire<'a>>(&mut self, what: &'static str) -> Result<Vec<R>, ProfileError> {
        let Records { mut cursor, count } = self.records(R::SIZE, what)?;
        (0..count).map(|_| R::read(&mut cursor)).collect()
    }
}

/// A list that has been found and not been read.
pub(crate) struct Records<'a> {
    pub cursor: Cursor<'a>,
    pub count: usize,
}

/// Byte strings, each stored once.
#[derive(Debug, Default)]
pub struct Pool {
    bytes: Vec<u8>,
    known: BTreeMap<Vec<u8>, usize>,
}

impl Pool {
    /// Where some bytes are; empty ones are anywhere.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        if let Some(at) = self.known.get(bytes) {
            return *at;
        }
        let at = self.bytes.len();
        self.bytes.extend(bytes);
        self.known.insert(bytes.to_vec(), at);
        at
    }

    /// All of them.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Records in the making: their own bytes, and the texts that they refer to.
#[derive(Debug)]
pub struct Writer<'p> {
    /// The bytes so far.
    pub(crate) bytes: Vec<u8>,
    texts: &'p mut Pool,
    /// Whether some number did not fit into 32 bits.
    pub(crate) too_large: bool,
}

impl<'p> Writer<'p> {
    pub(crate) const fn new(texts: &'p mut Pool) -> Self {
        Self { bytes: Vec::new(), texts, too_large: false }
    }

    /// What is written meanwhile, taken out again.
    pub(crate) fn aside(&mut self, write: impl FnOnce(&mut Self)) -> Vec<u8> {
        let kept = core::mem::take(&mut self.bytes);
        write(self);
        core::mem::replace(&mut self.bytes, kept)
    }

    /// Writes plain bytes.
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes.extend(bytes);
    }

    /// Writes a size or an offset.
    pub(crate) fn size(&mut self, value: usize) {
        let number = u32::try_from(value);
        self.too_large |= number.is_err();
        self.put(number.unwrap_or(u32::MAX).to_le_bytes());
    }

    /// Writes a reference to a text.
    pub(crate) fn text(&mut self, text: &str) {
        let at = self.texts.add(text.as_bytes());
        self.size(at);
        self.size(text.len());
    }
}
