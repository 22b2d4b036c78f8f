//! Values between our own processes as bytes.
//!
//! In: values, or received bytes. Out: the other. Not here: the meaning of any message (`message.rs`). Received bytes are
//! read with every length checked; a short or long message is `None`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

/// A value that travels: what one side writes, the other reads.
pub(crate) trait Wire: Sized {
    /// Appends it.
    fn write(&self, w: &mut Writer);

    /// Takes it off the front.
    fn read(r: &mut Reader<'_>) -> Option<Self>;

    /// A message that is this value.
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.write(&mut w);
        w.bytes
    }

    /// The value of a message, if nothing is left over.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader { rest: bytes };
        let value = Self::read(&mut r)?;
        r.rest.is_empty().then_some(value)
    }
}

/// A struct travels as its fields, in the order named; a field that is missing here does not compile.
macro_rules! wire_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::codec::Wire for $name {
            fn write(&self, w: &mut $crate::codec::Writer) {
                let $name { $($field),* } = self;
                $($crate::codec::Wire::write($field, w);)*
            }
            fn read(r: &mut $crate::codec::Reader<'_>) -> Option<$name> {
                Some($name { $($field: $crate::codec::Wire::read(r)?),* })
            }
        }
    };
}

/// An enum without fields travels as a number; a variant that is missing here does not compile.
macro_rules! wire_enum {
    ($name:ident { $($variant:ident = $number:literal),* $(,)? }) => {
        impl $crate::codec::Wire for $name {
            fn write(&self, w: &mut $crate::codec::Writer) {
                w.u8(match self { $($name::$variant => $number),* });
            }
            fn read(r: &mut $crate::codec::Reader<'_>) -> Option<$name> {
                match r.u8()? { $($number => Some($name::$variant),)* _ => None }
            }
        }
    };
}

pub(crate) use {wire_enum, wire_struct};

/// Appends values.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        (value.len() as u64).write(self);
        self.bytes.extend_from_slice(value);
    }
}

/// Takes values off the front.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u64::read(self)?).ok()?;
        self.take(length)
    }
}

impl Wire for bool {
    fn write(&self, w: &mut Writer) {
        w.u8(u8::from(*self));
    }
    fn read(r: &mut Reader<'_>) -> Option<bool> {
        match r.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Wire for u64 {
    fn write(&self, w: &mut Writer) {
        w.bytes.extend_from_slice(&self.to_le_bytes());
    }
    fn read(r: &mut Reader<'_>) -> Option<u64> {
        Some(u64::from_le_bytes(r.take(8)?.try_into().ok()?))
    }
}

impl Wire for u16 {
    fn write(&self, w: &mut Writer) {
        w.bytes.extend_from_slice(&self.to_le_bytes());
    }
    fn read(r: &mut Reader<'_>) -> Option<u16> {
        Some(u16::from_le_bytes(r.take(2)?.try_into().ok()?))
    }
}

impl Wire for i32 {
    fn write(&self, w: &mut Writer) {
        w.bytes.extend_from_slice(&self.to_le_bytes());
    }
    fn read(r: &mut Reader<'_>) -> Option<i32> {
        Some(i32::from_le_bytes(r.take(4)?.try_into().ok()?))
    }
}

impl Wire for String {
    fn write(&self, w: &mut Writer) {
        w.bytes(self.as_bytes());
    }
    fn read(r: &mut Reader<'_>) -> Option<String> {
        String::from_utf8(r.bytes()?.to_vec()).ok()
    }
}

impl Wire for OsString {
    fn write(&self, w: &mut Writer) {
        w.bytes(self.as_bytes());
    }
    fn read(r: &mut Reader<'_>) -> Option<OsString> {
        Some(OsString::from_vec(r.bytes()?.to_vec()))
    }
}

impl Wire for PathBuf {
    fn write(&self, w: &mut Writer) {
        w.bytes(self.as_os_str().as_bytes());
    }
    fn read(r: &mut Reader<'_>) -> Option<PathBuf> {
        OsString::read(r).map(PathBuf::from)
    }
}

impl Wire for Duration {
    fn write(&self, w: &mut Writer) {
        u64::try_from(self.as_nanos()).unwrap_or(u64::MAX).write(w);
    }
    fn read(r: &mut Reader<'_>) -> Option<Duration> {
        u64::read(r).map(Duration::from_nanos)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write(&self, w: &mut Writer) {
        self.is_some().write(w);
        if let Some(value) = self {
            value.write(w);
        }
    }
    fn read(r: &mut Reader<'_>) -> Option<Option<T>> {
        if bool::read(r)? { T::read(r).map(Some) } else { Some(None) }
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn write(&self, w: &mut Writer) {
        self.0.write(w);
        self.1.write(w);
    }
    fn read(r: &mut Reader<'_>) -> Option<(A, B)> {
        Some((A::read(r)?, B::read(r)?))
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, w: &mut Writer) {
        (self.len() as u64).write(w);
        for value in self {
            value.write(w);
        }
    }
    fn read(r: &mut Reader<'_>) -> Option<Vec<T>> {
        let count = usize::try_from(u64::read(r)?).ok()?;
        // Every element has at least one byte, so a count beyond the rest is a lie and must not reserve memory.
        if count > r.rest.len() {
            return None;
        }
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(T::read(r)?);
        }
        Some(values)
    }
}

impl Wire for BTreeSet<String> {
    fn write(&self, w: &mut Writer) {
        (self.len() as u64).write(w);
        for value in self {
            value.write(w);
        }
    }
    fn read(r: &mut Reader<'_>) -> Option<BTreeSet<String>> {
        Vec::read(r).map(|values| values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Sample {
        number: i32,
        time: Option<Duration>,
        paths: Vec<PathBuf>,
        pair: (String, bool),
    }
    wire_struct!(Sample { number, time, paths, pair });

    #[test]
    fn values_come_back_and_every_cut_is_refused() {
        let value = Sample {
            number: -7,
            time: Some(Duration::from_nanos(9)),
            paths: Vec::from(["/a".into(), OsString::from_vec(b"/\xFF".to_vec()).into()]),
            pair: ("x".into(), true),
        };
        let bytes = value.encode();
        assert_eq!(Sample::decode(&bytes), Some(value));
        for cut in 0..bytes.len() {
            assert!(Sample::decode(&bytes[..cut]).is_none(), "{cut}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Sample::decode(&longer).is_none());
        // A count that no message holds.
        assert!(Vec::<bool>::decode(&u64::MAX.encode()).is_none());
    }
}
