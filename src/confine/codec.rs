//! Values between our own processes as bytes.
//!
//! In: numbers, byte strings, or received bytes. Out: the other. Not here: the meaning of any message
//! (`message.rs`). Received bytes are read with every length checked; a short or long message is `None`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

/// Appends values.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }
    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub(crate) fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.u64(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }
    pub(crate) fn path(&mut self, value: &Path) {
        self.bytes(value.as_os_str().as_bytes());
    }
    pub(crate) fn option(&mut self, value: Option<u64>) {
        self.u8(u8::from(value.is_some()));
        self.u64(value.unwrap_or(0));
    }
    pub(crate) fn list<T>(&mut self, values: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.u64(values.len() as u64);
        for value in values {
            each(self, value);
        }
    }
    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes values off the front.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }
    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
    pub(crate) fn i32(&mut self) -> Option<i32> {
        Some(i32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u64()?).ok()?;
        self.take(length)
    }
    pub(crate) fn os_string(&mut self) -> Option<OsString> {
        Some(OsString::from_vec(self.bytes()?.to_vec()))
    }
    pub(crate) fn path(&mut self) -> Option<PathBuf> {
        Some(PathBuf::from(self.os_string()?))
    }
    pub(crate) fn string(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
    pub(crate) fn option(&mut self) -> Option<Option<u64>> {
        let some = self.u8()?;
        let value = self.u64()?;
        match some {
            0 => Some(None),
            1 => Some(Some(value)),
            _ => None,
        }
    }
    pub(crate) fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.u64()?).ok()?;
        // Every element has at least one byte, so a count beyond the rest is a lie and must not reserve memory.
        if count > self.rest.len() {
            return None;
        }
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(each(self)?);
        }
        Some(values)
    }
    /// The value, if nothing is left over.
    pub(crate) fn end<T>(self, value: T) -> Option<T> {
        self.rest.is_empty().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn values_come_back_and_every_cut_is_refused() {
        let mut w = Writer::default();
        w.u8(7);
        w.option(Some(9));
        w.list(&[Path::new("/a"), Path::new(OsStr::from_bytes(b"/\xFF"))], |w, p| w.path(p));
        let bytes = w.finish();
        let read = |bytes: &[u8]| {
            let mut r = Reader::new(bytes);
            let value = (r.u8()?, r.option()?, r.list(Reader::path)?);
            r.end(value)
        };
        assert_eq!(read(&bytes).unwrap().2.len(), 2);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_none(), "{cut}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(read(&longer).is_none());
    }
}
