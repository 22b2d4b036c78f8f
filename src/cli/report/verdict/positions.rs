//! In: a text and places in it, as bytes. Out: their lines and columns, found in one pass over the text.

use std::collections::{BTreeMap, BTreeSet};

/// Lines and columns of the places that were asked for.
#[derive(Debug, Default)]
pub struct Positions(BTreeMap<u32, (usize, usize)>);

impl Positions {
    /// Finds the places, in time linear in the text.
    pub fn of(text: &[u8], places: &BTreeSet<u32>) -> Self {
        let mut found = BTreeMap::new();
        let mut open = places.iter().copied().peekable();
        let (mut at, mut line, mut column) = (0, 1, 1);
        // What is not UTF-8 counts as one character for each sequence that cannot be read, as where it is shown.
        for chunk in text.utf8_chunks() {
            let valid = chunk.valid().chars().map(|c| (c.len_utf8(), c == '\n'));
            let invalid = (!chunk.invalid().is_empty()).then_some((chunk.invalid().len(), false));
            for (bytes, ends_line) in valid.chain(invalid) {
                while open.next_if(|&place| place as usize <= at).is_some_and(|place| {
                    found.insert(place, (line, column));
                    true
                }) {}
                at += bytes;
                (line, column) = if ends_line { (line + 1, 1) } else { (line, column + 1) };
            }
        }
        found.extend(open.map(|place| (place, (line, column))));
        Self(found)
    }

    /// The line and column of a place, both from 1; the column counts characters.
    pub fn get(&self, place: u32) -> (usize, usize) {
        self.0.get(&place).copied().unwrap_or((1, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one_in_characters() {
        let places = [0, 1, 3, 5, 8, 99];
        let at = Positions::of("é x\nö y".as_bytes(), &BTreeSet::from(places));
        // The second byte of `é` is behind its first character.
        let wanted = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 3), (2, 4)];
        assert_eq!(places.map(|place| at.get(place)), wanted);
        let broken = Positions::of(b"a\xffb\xe2\x82", &BTreeSet::from([1, 2, 3, 5]));
        assert_eq!([1, 2, 3, 5].map(|place| broken.get(place)), [(1, 2), (1, 3), (1, 4), (1, 5)]);
    }
}
