//! In: bytes of the order section, or who is within whom. Out: [`Order`]: which profile allows nothing that another does not; or the
//! bytes. Not here: how that is found out (`model/order.rs`); it needs every clause of both, and is done once, when the policy is
//! compiled.

use super::ProfileError;
use alloc::vec;
use alloc::vec::Vec;

/// A relation between the names of an artifact's profiles, by their places in the sorted list of names.
///
/// A square of bits, row by row, the lowest bit of the first byte first: bit `a * count + b` is set if
/// everything that `a` allows is allowed by `b` too, in every phase and on every platform. What could
/// not be shown is not set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Order<'a> {
    bits: &'a [u8],
    count: usize,
}

impl<'a> Order<'a> {
    /// Writes the section about so many names.
    #[must_use]
    pub fn encode(count: usize, within: impl Fn(usize, usize) -> bool) -> Vec<u8> {
        let mut bytes = vec![0_u8; (count * count).div_ceil(8)];
        for bit in (0..count * count).filter(|bit| within(bit / count, bit % count)) {
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
        bytes
    }

    /// Reads a section about so many names.
    ///
    /// # Errors
    /// A [`ProfileError`] if it is not of that size, a profile is not within itself, or a bit is set that
    /// is about nothing.
    pub fn from_bytes(section: &'a [u8], count: usize) -> Result<Self, ProfileError> {
        let fault = |offset| ProfileError { what: "order of permissiveness", offset };
        let size = count.checked_mul(count).ok_or(fault(0))?;
        if section.len() != size.div_ceil(8) {
            return Err(fault(0));
        }
        let order = Self { bits: section, count };
        let last = section.last().copied().unwrap_or(0);
        let padded = size % 8 == 0 || last >> (size % 8) == 0;
        if !padded || (0..count).any(|name| !order.within(name, name)) {
            return Err(fault(section.len().saturating_sub(1)));
        }
        Ok(order)
    }

    /// Whether everything that the first profile allows is allowed by the second, too. No for names
    /// that there are not.
    #[must_use]
    pub fn within(&self, narrow: usize, wide: usize) -> bool {
        if narrow >= self.count || wide >= self.count {
            return false;
        }
        let bit = narrow * self.count + wide;
        self.bits.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_of_bits() {
        // 0 within 0 and 2, 1 within 1, 2 within 2: rows 101, 010, 001.
        let bytes = Order::encode(3, |narrow, wide| narrow == wide || (narrow, wide) == (0, 2));
        assert_eq!(bytes, [0b0001_0101, 0b1]);
        let order = Order::from_bytes(&bytes, 3).unwrap();
        assert!(order.within(0, 2) && !order.within(2, 0) && !order.within(0, 1) && order.within(1, 1));
        assert!(!order.within(3, 3) && !order.within(0, 3));
    }

    #[test]
    fn what_is_no_order_is_refused() {
        assert!(Order::from_bytes(&[], 0).is_ok());
        assert!(Order::from_bytes(&[0], 0).is_err());
        assert!(Order::from_bytes(&[0b1001], 2).is_ok());
        assert!(Order::from_bytes(&[0b0001], 2).is_err(), "the second is not within itself");
        assert!(Order::from_bytes(&[0b1_1001], 2).is_err(), "a bit about nothing");
        assert!(Order::from_bytes(&[0xff], usize::MAX).is_err());
    }
}
