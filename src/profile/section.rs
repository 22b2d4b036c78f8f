//! In: the bytes of the profiles section, or profiles. Out: [`Profiles`] and a [`Profile`] by name, phase and platform; or the bytes.
//! Not here: one profile (`profile.rs`), its records (`clause.rs`), and the words in them (`words.rs`).
//!
//! Layout, all numbers little-endian, all offsets from the section's first byte:
//!
//! ```text
//! u32 length of the section      u32 pool offset   u32 pool length
//! u32 default present (0 or 1)   text name   origin
//! u32 number of profiles
//! per profile: text name   u8 phase   u8 platform   origin   u8 network mode   u8 network origin present   origin
//!              its lists, in the order of `profile.rs`
//! text = u32 offset, u32 length in the pool      list = u32 offset, u32 count
//! origin = text file, u32 line, u32 column
//! ```
//!
//! The same profiles give the same bytes. Lists that are equal are written once, which is what keeps four variants of a profile cheap.

use super::clause::Profile;
use super::place::Origin;
use super::profile::{HEAD, Name};
use super::wire::{Cursor, Pool, ProfileError, TEXT, TextFrom, Wire, Writer};
use super::{Phase, Platform, Text};
use alloc::vec::Vec;

/// The bytes before the first profile.
const PREAMBLE: usize = 12 + 4 + DefaultProfile::<&str>::SIZE + 4;

/// `default NAME`: where a command runs that no `sandbox_rule` places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultProfile<T = Text> {
    /// The profile; it exists.
    pub name: T,
    /// The statement.
    pub origin: Origin<T>,
}

impl<'a, T: TextFrom<'a>> Wire<'a> for DefaultProfile<T> {
    const SIZE: usize = TEXT + Origin::<T>::SIZE;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self { name: cursor.text("default")?.into(), origin: Origin::read(cursor)? })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.text(self.name.as_ref());
        self.origin.write(out);
    }
}

/// Writes the section: profiles sorted by (name, phase, platform), and what `default` says. `None` if it would not fit into 4 GiB.
#[must_use]
pub fn encode<'p>(
    profiles: impl ExactSizeIterator<Item = &'p Profile>,
    default: Option<&DefaultProfile>,
) -> Option<Vec<u8>> {
    let (mut texts, mut lists) = (Pool::default(), Pool::default());
    let count = profiles.len();
    let first_list = count.checked_mul(HEAD)?.checked_add(PREAMBLE)?;
    let mut heads = Writer::new(&mut texts);
    for profile in profiles {
        profile.write(&mut heads, |records| first_list.saturating_add(lists.add(&records)));
    }
    let (heads, mut too_large) = (heads.bytes, heads.too_large);
    let mut said = Writer::new(&mut texts);
    said.size(default.is_some().into());
    match default {
        Some(default) => default.write(&mut said),
        None => DefaultProfile::<&str> { name: "", origin: Origin::default() }.write(&mut said),
    }
    said.size(count);
    let (said, pool_offset) = (said.bytes, first_list.checked_add(lists.bytes().len())?);
    let texts = texts.bytes();
    let length = pool_offset.checked_add(texts.len())?;
    let mut none = Pool::default();
    let mut out = Writer::new(&mut none);
    for number in [length, pool_offset, texts.len()] {
        out.size(number);
    }
    too_large |= out.too_large;
    let bytes = [&out.bytes, &said, &heads, lists.bytes(), texts].concat();
    (!too_large).then_some(bytes)
}

/// Every profile of an artifact: each name once per phase and platform, sorted by (name, phase, platform).
#[derive(Clone, Copy, Debug)]
pub struct Profiles<'a> {
    section: &'a [u8],
    pool: &'a [u8],
    count: usize,
    default: Option<DefaultProfile<&'a str>>,
}

impl<'a> Profiles<'a> {
    /// Reads and checks a whole section. Accepts any bytes; never panics; reads each record once.
    ///
    /// # Errors
    /// A [`ProfileError`] that says what was being read, and where.
    pub fn from_bytes(section: &'a [u8]) -> Result<Self, ProfileError> {
        let (profiles, cursor) = Self::preamble(section)?;
        profiles.check(cursor)
    }

    /// The profiles of a section that [`Profiles::from_bytes`] has accepted before. Checks nothing but the few bytes
    /// before the first profile.
    #[must_use]
    pub fn reopen(section: &'a [u8]) -> Option<Self> {
        Self::preamble(section).ok().map(|(profiles, _)| profiles)
    }

    /// What comes before the first profile, and the place where that begins.
    fn preamble(section: &'a [u8]) -> Result<(Self, Cursor<'a>), ProfileError> {
        let mut cursor = Cursor::new(section, &[], 0);
        if cursor.size("section length")? != section.len() {
            return cursor.fault("section length");
        }
        let (offset, length) = (cursor.size("string pool")?, cursor.size("string pool")?);
        let pool = offset.checked_add(length).and_then(|end| section.get(offset..end));
        let Some(pool) = pool else { return cursor.fault("string pool") };
        let mut cursor = Cursor::new(section, pool, cursor.position());
        let present = cursor.u32("default")?;
        let default = DefaultProfile::read(&mut cursor)?;
        let default = match present {
            0 => None,
            1 => Some(default),
            _ => return cursor.fault("default"),
        };
        let count = cursor.size("number of profiles")?;
        Ok((Self { section, pool, count, default }, cursor))
    }

    fn check(self, cursor: Cursor<'a>) -> Result<Self, ProfileError> {
        // A profile that stands twice would be two meanings for one name.
        let mut last: Option<Name<&str>> = None;
        // Variants share lists, so the same bytes may be read more than once, but not without end.
        let mut budget = self.section.len().saturating_mul(4);
        for index in 0..self.count {
            let name = Name::<&str>::read(&mut self.head(index))?;
            if name.name.is_empty() || last.is_some_and(|last| last >= name) {
                return cursor.fault("order of profiles");
            }
            last = Some(name);
            let records = Profile::<&str>::check(&mut self.head(index))?;
            budget = match budget.checked_sub(records) {
                Some(left) => left,
                None => return cursor.fault("number of records"),
            };
        }
        if self.default.is_some_and(|default| !self.contains(default.name)) {
            return cursor.fault("default");
        }
        Ok(self)
    }

    fn head(&self, index: usize) -> Cursor<'a> {
        let at = index.checked_mul(HEAD).and_then(|at| at.checked_add(PREAMBLE)).unwrap_or(usize::MAX);
        Cursor::new(self.section, self.pool, at)
    }

    /// What each profile is known by, with its index.
    fn heads(&self) -> impl Iterator<Item = (usize, Name<&'a str>)> + use<'a> {
        let this = *self;
        (0..this.count).map_while(move |index| Some((index, Name::read(&mut this.head(index)).ok()?)))
    }

    /// Every variant of every profile, in order; the texts in them are borrowed (`&str`) or owned.
    pub fn iter<T: TextFrom<'a>>(&self) -> impl Iterator<Item = Profile<T>> + use<'a, T> {
        let this = *self;
        (0..this.count).map_while(move |index| Profile::read(&mut this.head(index)).ok())
    }

    /// The names, sorted, each once. A profile's number is its place here.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut last = None;
        self.heads().map(|(_, head)| head.name).filter(move |name| last.replace(*name) != Some(*name))
    }

    /// The profile that holds for a name in a phase on a platform, with its texts borrowed or owned.
    #[must_use]
    pub fn get<T: TextFrom<'a>>(&self, name: &str, phase: Phase, platform: Platform) -> Option<Profile<T>> {
        let wanted = Name { name, phase, platform };
        let (index, _) = self.heads().find(|(_, head)| *head == wanted)?;
        Profile::read(&mut self.head(index)).ok()
    }

    /// Whether there is a profile of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Where a command runs that nothing places.
    #[must_use]
    pub const fn default(&self) -> Option<DefaultProfile<&'a str>> {
        self.default
    }
}
