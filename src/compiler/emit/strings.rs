//! In: strings. Out: their numbers, and the two sections that hold them, each string once.
//! Not here: words of patterns that are short enough to lie on the edges themselves
//! (`execpolicy_runtime::table::key::SHORT` bytes).

use super::sections::{EmitError, Sections};
use execpolicy_runtime::wire::SectionId;
use std::collections::HashMap;

/// The strings of an artifact, numbered in the order in which they were first asked for.
#[derive(Debug, Default)]
pub struct Strings {
    text: String,
    ends: Vec<u32>,
    numbers: HashMap<Box<str>, u32>,
}

impl Strings {
    /// The number of a string.
    ///
    /// # Errors
    /// [`EmitError::TooLarge`] beyond 4 GiB of text.
    pub fn intern(&mut self, string: &str) -> Result<u32, EmitError> {
        if let Some(&number) = self.numbers.get(string) {
            return Ok(number);
        }
        self.text.push_str(string);
        let too_large = |_| EmitError::TooLarge("strings");
        let number = u32::try_from(self.ends.len()).map_err(too_large)?;
        if number > u32::MAX >> 1 {
            return Err(EmitError::TooLarge("strings"));
        }
        self.ends.push(u32::try_from(self.text.len()).map_err(too_large)?);
        self.numbers.insert(string.into(), number);
        Ok(number)
    }

    /// Writes the sections.
    pub fn write(self, sections: &mut Sections) {
        for end in self.ends {
            sections.push(SectionId::Strings, [end]);
        }
        *sections.get(SectionId::Text) = self.text.into_bytes();
    }
}
