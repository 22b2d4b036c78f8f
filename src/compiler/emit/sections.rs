//! In: records. Out: the sections of an artifact, as they grow; or why there cannot be one.
//! Not here: which sections there are (`wire.rs` of the runtime), and the header around them (`emit.rs`).

use crate::lower::TooLarge;
use execpolicy_runtime::wire::{self, SectionId};
use std::collections::BTreeMap;
use std::fmt;

/// Why an artifact cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmitError {
    /// Something does not fit the format; what.
    TooLarge(&'static str),
    /// No placement of the edges was found. The seeds come from the policy, so changing any rule
    /// changes the outcome.
    Placement,
    /// The finished bytes do not say what the policy says: a fault of ours. What differs.
    Wrong(Vec<String>),
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(what) => write!(f, "the policy has too many {what} for one artifact"),
            Self::Placement => f.write_str("the policy's words cannot be placed in a table"),
            Self::Wrong(faults) => {
                write!(f, "the compiled policy differs from its sources: {}", faults.join("; "))
            }
        }
    }
}

impl std::error::Error for EmitError {}

impl From<TooLarge> for EmitError {
    fn from(TooLarge(what): TooLarge) -> Self {
        Self::TooLarge(what)
    }
}

/// The sections, as they grow.
#[derive(Debug, Default)]
pub struct Sections {
    bytes: [Vec<u8>; wire::REQUIRED],
    optional: BTreeMap<SectionId, Vec<u8>>,
}

impl Sections {
    /// Adds a section that not every artifact has.
    pub fn add(&mut self, id: SectionId, bytes: Vec<u8>) {
        self.optional.insert(id, bytes);
    }

    /// The sections that there are, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (SectionId, &[u8])> {
        let required = SectionId::ALL.iter().copied().zip(self.bytes.iter().map(Vec::as_slice));
        required.chain(self.optional.iter().map(|(id, bytes)| (*id, bytes.as_slice())))
    }

    /// The bytes of the sections that every artifact has, in the order of the file.
    pub fn required(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.iter().map(Vec::as_slice)
    }

    /// The bytes of a section that every artifact has.
    pub fn get(&mut self, id: SectionId) -> &mut Vec<u8> {
        &mut self.bytes[id as usize - 1]
    }

    /// Appends a record of numbers.
    pub fn push<const N: usize>(&mut self, id: SectionId, numbers: [u32; N]) {
        let bytes = self.get(id);
        for number in numbers {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// Appends the bytes of a record.
    pub fn append(&mut self, id: SectionId, record: &[u8]) {
        self.get(id).extend_from_slice(record);
    }

    /// How many records a section has.
    ///
    /// # Errors
    /// [`EmitError::TooLarge`] if they cannot be numbered.
    pub fn count(&self, id: SectionId) -> Result<u32, EmitError> {
        let count = self.bytes[id as usize - 1].len() / id.record().max(1);
        u32::try_from(count).map_err(|_| EmitError::TooLarge(id.name()))
    }
}
