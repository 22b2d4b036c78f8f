//! In: bytes of the profiles section. Out: [`List`]s of records, each record checked when it is read.
//! Not here: which lists there are (`section.rs`).
//!
//! Every record of a kind has the same size, so a list is a slice and the n-th record a sub-slice. Strings are
//! references (offset, length) into one pool. Loading reads every record through the same [`Record::read`]
//! that the iterators use later, so what iterates has been read before and cannot fail.

use super::{
    Access, EnvAction, EnvRule, Feature, FeatureRule, GlobRule, Host, HostRule, Limit, LimitKind,
    MachService, Origin, PathAccess, PathRule, Place, Promise, Protect, Root, Stance, SyscallRule,
};
use core::fmt;
use core::marker::PhantomData;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    pub(super) const fn new(section: &'a [u8], pool: &'a [u8], at: usize) -> Self {
        Self { section, pool, at }
    }

    pub(super) const fn position(&self) -> usize {
        self.at
    }

    pub(super) const fn fault<T>(&self, what: &'static str) -> Result<T, ProfileError> {
        Err(ProfileError { what, offset: self.at })
    }

    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ProfileError> {
        let bytes = self.at.checked_add(N).and_then(|end| self.section.get(self.at..end));
        match bytes.and_then(|bytes| <[u8; N]>::try_from(bytes).ok()) {
            Some(bytes) => {
                self.at += N;
                Ok(bytes)
            }
            None => self.fault(what),
        }
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, ProfileError> {
        self.take::<1>(what).map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, ProfileError> {
        self.take(what).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, ProfileError> {
        self.take(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, ProfileError> {
        self.take(what).map(u64::from_le_bytes)
    }

    pub(super) fn size(&mut self, what: &'static str) -> Result<usize, ProfileError> {
        let at = *self;
        usize::try_from(self.u32(what)?).or_else(|_| at.fault(what))
    }

    /// One of a closed set of words.
    pub(super) fn word<T>(
        &mut self,
        from: fn(u8) -> Option<T>,
        what: &'static str,
    ) -> Result<T, ProfileError> {
        let at = *self;
        from(self.u8(what)?).map_or_else(|| at.fault(what), Ok)
    }

    /// A string out of the pool; one that holds a NUL byte could never reach the kernel whole and is refused.
    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str, ProfileError> {
        let start = *self;
        let (offset, length) = (self.size(what)?, self.size(what)?);
        let bytes = offset.checked_add(length).and_then(|end| self.pool.get(offset..end));
        match bytes.and_then(|bytes| core::str::from_utf8(bytes).ok()) {
            Some(text) if !text.contains('\0') => Ok(text),
            _ => start.fault(what),
        }
    }

    pub(super) fn origin(&mut self) -> Result<Origin<'a>, ProfileError> {
        Ok(Origin { file: self.text("origin")?, line: self.u32("origin")?, column: self.u32("origin")? })
    }

    fn place(&mut self) -> Result<Place<'a>, ProfileError> {
        let start = *self;
        let place = Place { root: self.word(Root::from_byte, "root")?, rest: self.text("path")? };
        if normal(place.rest) { Ok(place) } else { start.fault("path") }
    }

    /// A list's place in the section: where it begins and how many records it has.
    pub(super) fn list<T: Record<'a>>(&mut self) -> Result<List<'a, T>, ProfileError> {
        let start = *self;
        let (offset, count) = (self.size("list")?, self.size("list")?);
        let bytes = count
            .checked_mul(T::SIZE)
            .and_then(|size| offset.checked_add(size))
            .and_then(|end| self.section.get(offset..end));
        if bytes.is_none() {
            return start.fault("list");
        }
        Ok(List { section: self.section, pool: self.pool, offset, count, kind: PhantomData })
    }
}

/// Whether the part of a path below its root is in normal form.
fn normal(rest: &str) -> bool {
    rest.is_empty() || rest.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// Something that stands in a [`List`].
pub trait Record<'a>: Sized {
    /// How many bytes it takes.
    const SIZE: usize;

    /// Reads one and checks it.
    ///
    /// # Errors
    /// A [`ProfileError`] that names the field.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError>;
}

const TEXT: usize = 8;
const ORIGIN: usize = TEXT + 8;
const PLACE: usize = 1 + TEXT;

impl<'a> Record<'a> for PathRule<'a> {
    const SIZE: usize = PLACE + 1 + ORIGIN;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self {
            place: cursor.place()?,
            access: cursor.word(PathAccess::from_byte, "access")?,
            origin: cursor.origin()?,
        })
    }
}

impl<'a> Record<'a> for GlobRule<'a> {
    const SIZE: usize = PLACE + TEXT + 1 + ORIGIN;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let place = cursor.place()?;
        let start = *cursor;
        let pattern = cursor.text("glob")?;
        if !super::glob::valid(pattern, true) {
            return start.fault("glob");
        }
        let start = *cursor;
        let access = cursor.word(Access::from_byte, "access")?;
        if access == Access::Write {
            return start.fault("access");
        }
        Ok(Self { place, pattern, access, origin: cursor.origin()? })
    }
}

impl<'a> Record<'a> for Protect<'a> {
    const SIZE: usize = TEXT + 1 + ORIGIN;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let start = *cursor;
        let name = cursor.text("name")?;
        if !super::glob::valid(name, true) {
            return start.fault("name");
        }
        Ok(Self { name, missing: cursor.word(Promise::from_byte, "promise")?, origin: cursor.origin()? })
    }
}

impl<'a> Record<'a> for HostRule<'a> {
    const SIZE: usize = 1 + 1 + 1 + 1 + 16 + PLACE + 4 + ORIGIN;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let start = *cursor;
        let allow = match cursor.u8("host rule")? {
            0 => false,
            1 => true,
            _ => return start.fault("host rule"),
        };
        let kind = cursor.u8("host")?;
        let family = cursor.u8("address")?;
        let prefix = cursor.u8("prefix")?;
        let bits: [u8; 16] = cursor.take("address")?;
        let text_at = *cursor;
        let place = cursor.place()?;
        let host = match (kind, family) {
            (0, 0) if !place.rest.is_empty() => Host::Name(place.rest),
            (1, 0) if !place.rest.is_empty() => Host::Below(place.rest),
            (2, 4 | 6) => Host::Net { address: address(family, bits), prefix },
            (3, 0) => Host::Socket(place),
            _ => return start.fault("host"),
        };
        if let Host::Net { address, prefix } = host
            && !masked(address, prefix)
        {
            return start.fault("prefix");
        }
        if !matches!(host, Host::Socket(_)) && place.root != Root::Absolute {
            return text_at.fault("host");
        }
        let (first_port, last_port) = (cursor.u16("port")?, cursor.u16("port")?);
        if first_port > last_port {
            return text_at.fault("port");
        }
        Ok(Self { allow, host, first_port, last_port, origin: cursor.origin()? })
    }
}

fn address(family: u8, bits: [u8; 16]) -> IpAddr {
    if family == 4 {
        let [a, b, c, d, ..] = bits;
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    } else {
        IpAddr::V6(Ipv6Addr::from(bits))
    }
}

/// Whether the prefix fits the family and all bits after it are zero.
fn masked(address: IpAddr, prefix: u8) -> bool {
    let (bits, width) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    prefix <= width && bits.checked_shl(u32::from(prefix)).unwrap_or(0) == 0
}

impl<'a> Record<'a> for EnvRule<'a> {
    const SIZE: usize = TEXT + 1 + TEXT + ORIGIN;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let start = *cursor;
        let pattern = cursor.text("variable")?;
        let kind = cursor.u8("variable action")?;
        let value = cursor.text("variable value")?;
        let action = match kind {
            0 if value.is_empty() => EnvAction::Pass,
            1 if value.is_empty() => EnvAction::Deny,
            2 if !pattern.contains('*') => EnvAction::Set(value),
            _ => return start.fault("variable"),
        };
        if pattern.is_empty() || pattern.contains('=') {
            return start.fault("variable");
        }
        Ok(Self { pattern, action, origin: cursor.origin()? })
    }
}

impl<'a> Record<'a> for Limit<'a> {
    const SIZE: usize = 1 + 8 + ORIGIN;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let kind = cursor.word(LimitKind::from_byte, "limit")?;
        let start = *cursor;
        let value = cursor.u64("limit")?;
        if value == 0 { start.fault("limit") } else { Ok(Self { kind, value, origin: cursor.origin()? }) }
    }
}

impl<'a> Record<'a> for SyscallRule<'a> {
    const SIZE: usize = TEXT + ORIGIN;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self { name: cursor.text("system call")?, origin: cursor.origin()? })
    }
}

impl<'a> Record<'a> for FeatureRule<'a> {
    const SIZE: usize = 2 + ORIGIN;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self {
            feature: cursor.word(Feature::from_byte, "feature")?,
            stance: cursor.word(Stance::from_byte, "stance")?,
            origin: cursor.origin()?,
        })
    }
}

impl<'a> Record<'a> for MachService<'a> {
    const SIZE: usize = TEXT + ORIGIN;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self { name: cursor.text("service")?, origin: cursor.origin()? })
    }
}

/// Records of one kind, in order. Made only by loading, which has read each of them.
pub struct List<'a, T> {
    section: &'a [u8],
    pool: &'a [u8],
    offset: usize,
    count: usize,
    kind: PhantomData<T>,
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> PartialEq for List<'_, T> {
    /// Whether it is the same list of the same section.
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.section, other.section) && (self.offset, self.count) == (other.offset, other.count)
    }
}

impl<T> Eq for List<'_, T> {}

impl<'a, T: Record<'a>> List<'a, T> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Reads every record once. `key` gives what must rise from one record to the next; `None` for lists whose order means something else.
    pub(super) fn check<K: PartialOrd>(
        &self,
        key: Option<fn(&T) -> K>,
        what: &'static str,
    ) -> Result<(), ProfileError> {
        let mut cursor = Cursor::new(self.section, self.pool, self.offset);
        let mut last: Option<K> = None;
        for _ in 0..self.count {
            let start = cursor;
            let record = T::read(&mut cursor)?;
            if cursor.at != start.at + T::SIZE {
                return start.fault("record size");
            }
            if let Some(key) = key {
                let key = key(&record);
                if last.is_some_and(|last| last >= key) {
                    return start.fault(what);
                }
                last = Some(key);
            }
        }
        Ok(())
    }

    /// The record at an index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        if index >= self.count {
            return None;
        }
        let at = index.checked_mul(T::SIZE)?.checked_add(self.offset)?;
        T::read(&mut Cursor::new(self.section, self.pool, at)).ok()
    }

    /// All of them, in order.
    #[must_use]
    pub const fn iter(&self) -> ListIter<'a, T> {
        ListIter { list: *self, next: 0 }
    }
}

impl<'a, T: Record<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Record<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Record<'a>> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

/// The iterator of a [`List`].
pub struct ListIter<'a, T> {
    list: List<'a, T>,
    next: usize,
}

impl<T> Clone for ListIter<'_, T> {
    fn clone(&self) -> Self {
        Self { list: self.list, next: self.next }
    }
}

impl<'a, T: Record<'a>> Iterator for ListIter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let record = self.list.get(self.next)?;
        self.next += 1;
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.count.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl<'a, T: Record<'a>> ExactSizeIterator for ListIter<'a, T> {}
