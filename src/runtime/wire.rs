//! In: the bytes of an artifact. Out: its [`Header`] and its sections' ranges, or a [`LoadError`].
//! Not here: what the sections mean (`artifact.rs`, `table.rs`), or how they are written (the
//! compiler's `emit.rs`). `grammar/artifact.ebnf` says the same for readers.
#![forbid(unsafe_code)]

use core::fmt;

/// The first eight bytes. The first is no text, the line ends show a transfer that changes them.
pub const MAGIC: [u8; 8] = *b"\x89EPC\r\n\x1a\n";
/// The format that is written.
pub const FORMAT: u16 = 2;
/// The oldest format that is read: the one before [`FORMAT`], once there is one.
pub const OLDEST: u16 = if FORMAT > 1 { FORMAT - 1 } else { 1 };
/// Read as a little-endian number; anything else comes from a writer of the other byte order.
pub const BYTE_ORDER: u16 = 0xFEFF;
/// Bytes before the section table.
pub const HEADER: usize = 112;
/// Bytes of one line of the section table: id, offset, length.
pub const TABLE_LINE: usize = 12;
/// The first section begins at the next multiple of this, so that the edges do not straddle more
/// cache lines than they must.
pub const ALIGNMENT: usize = 64;
/// The checksum covers everything from here to the end.
pub const CHECKED_FROM: usize = 16;
/// Where the digest is.
const DIGEST: usize = 32;
/// The digest covers everything from here to the end.
pub const DIGESTED_FROM: usize = 64;
/// "Nothing" in a field that is otherwise an index.
pub const NONE: u32 = u32::MAX;

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $word:literal, $record:literal;)*) => {
        /// The number of a section. A number is never given to a second meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum SectionId { $($(#[$doc])* $name = $id,)* }

        impl SectionId {
            /// Every section, in the order of the file.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in the grammar and in messages.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The bytes of one record, 1 where the section has a structure of its own; 0 for sections this
            /// version reserves and does not read.
            #[must_use]
            pub const fn record(self) -> usize {
                match self { $(Self::$name => $record,)* }
            }

            /// The section with this number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($id => Some(Self::$name),)* _ => None }
            }
        }
    };
}

sections! {
    /// The automaton's transitions, placed by a perfect hash.
    Edges = 1, "edges", 20;
    /// One number per bucket of the hash.
    Pilots = 2, "pilots", 2;
    /// The rules that have ended on the way to a state, as chains.
    Sets = 3, "sets", 8;
    /// The rules of sets with more than one: a length, then rules.
    Members = 4, "members", 4;
    /// States that are not determinised.
    Blocks = 5, "blocks", 24;
    /// The rules of each block.
    BlockRules = 6, "block-rules", 4;
    /// Which rules of a block accept a word.
    Postings = 7, "postings", 8;
    /// The contents of the postings.
    PostingData = 8, "posting-data", 4;
    /// What is known about each rule.
    Rules = 9, "rules", 20;
    /// The alternatives of the first position, of rules with more than one: a length, then strings.
    Heads = 10, "heads", 4;
    /// Where named programs may live.
    Hosts = 11, "hosts", 8;
    /// The paths of the hosts.
    Paths = 12, "paths", 4;
    /// Statements about network destinations.
    Networks = 13, "networks", 16;
    /// The texts the policy was compiled from: names and digests.
    Sources = 14, "sources", 36;
    /// Where each string ends in the text.
    Strings = 15, "strings", 4;
    /// All strings, one after the other.
    Text = 16, "text", 1;
    /// Where edges lead whose target does not follow from their word: a set, and a state or a block.
    Jumps = 17, "jumps", 8;
    /// Reserved: the layer each rule comes from.
    Layers = 32, "layers", 0;
    /// Facts about programs that run other programs, as text: `execpolicy_shell::ToolFacts`.
    Tools = 33, "tools", 1;
    /// Reserved: edges that carry a set of words given by a predicate.
    Predicates = 34, "predicates", 0;
    /// Sandbox profiles, target-neutral: [`execpolicy_profile::Profiles`].
    Profiles = 35, "profiles", 1;
    /// Reserved: Landlock rules and mount plans.
    Mounts = 36, "mounts", 0;
    /// Reserved: seccomp programs.
    Seccomp = 37, "seccomp", 0;
    /// Reserved: Seatbelt text.
    Seatbelt = 38, "seatbelt", 0;
    /// Which profile allows nothing that another does not: [`execpolicy_profile::Order`].
    Order = 39, "profile-order", 1;
}

impl SectionId {
    /// The feature bit of a section that not every artifact has; 0 for the others.
    #[must_use]
    pub const fn feature(self) -> u32 {
        match (self as u32).checked_sub(FIRST_OPTIONAL) {
            Some(bit) => 1 << bit,
            None => 0,
        }
    }
}

/// The sections that every artifact has, in order.
pub const REQUIRED: usize = 17;
/// The number of the first section that not every artifact has.
pub const FIRST_OPTIONAL: u32 = 32;
/// How many section numbers there are for those.
pub const OPTIONAL: usize = 32;
/// The feature bits this version understands. Each optional section comes with one
/// ([`SectionId::feature`]), so that a reader that would not heed it refuses the whole file.
pub const FEATURES: u32 =
    SectionId::Tools.feature() | SectionId::Profiles.feature() | SectionId::Order.feature();

/// What is wrong with an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// It ends too early.
    Truncated,
    /// It does not begin with [`MAGIC`].
    NotAnArtifact,
    /// Written by a machine that numbers its bytes the other way round.
    ByteOrder,
    /// Written in a format this version does not read; which.
    Version(u16),
    /// Needs features this version does not have; the unknown bits.
    Features(u32),
    /// The length in the header is not the length of the bytes.
    Length,
    /// The checksum does not fit the bytes.
    Checksum,
    /// A section is missing, unknown, out of order, or not where it must be.
    Layout,
    /// A number points past the end of what it counts.
    Index,
    /// Things that must be sorted, or come one before the other, are not.
    Order,
    /// A text is not UTF-8, or is cut within a character.
    Text,
    /// A number is not one of those that have a meaning.
    Value,
    /// Something is wrong in a section about profiles: what was being read.
    Profile(&'static str),
    /// A statement in the facts about tools means nothing: why.
    Tools(&'static str),
}

impl fmt::Display for LoadErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the artifact is cut short"),
            Self::NotAnArtifact => f.write_str("not a compiled policy"),
            Self::ByteOrder => f.write_str("the artifact was written in the other byte order"),
            Self::Version(found) => {
                write!(f, "the artifact has format {found}, this version reads {OLDEST} to {FORMAT}")
            }
            Self::Features(bits) => {
                write!(f, "the artifact needs features this version does not have (bits {bits:#x})")
            }
            Self::Length => f.write_str("the artifact is not as long as it says"),
            Self::Checksum => f.write_str("the artifact is damaged: its checksum does not fit"),
            Self::Layout => f.write_str("the artifact is damaged: a section is not where it must be"),
            Self::Index => f.write_str("the artifact is damaged: a number points past an end"),
            Self::Order => f.write_str("the artifact is damaged: records are out of order"),
            Self::Text => f.write_str("the artifact is damaged: a text is not UTF-8"),
            Self::Value => f.write_str("the artifact is damaged: a number has no meaning"),
            Self::Profile(what) => write!(f, "the artifact is damaged: bad {what}"),
            Self::Tools(why) => write!(f, "the artifact's facts about tools cannot be read: {why}"),
        }
    }
}

/// Why bytes are no artifact that this version can decide from. A policy that does not load
/// allows nothing: refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadError {
    /// What is wrong.
    pub kind: LoadErrorKind,
    /// Where: the section, or `None` for the header.
    pub section: Option<SectionId>,
    /// Where: the byte in the whole artifact.
    pub offset: usize,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = self.section.map_or("header", SectionId::name);
        write!(f, "{} (section `{section}`, byte {})", self.kind, self.offset)
    }
}

impl core::error::Error for LoadError {}

/// Reads numbers one after the other and never past the end.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at a byte of an artifact.
    #[must_use]
    pub const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`LoadErrorKind::Truncated`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], LoadError> {
        let rest = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<N>);
        let array = rest.ok_or(self.fault(LoadErrorKind::Truncated))?;
        self.at += N;
        Ok(array)
    }

    /// The next little-endian `u16`.
    ///
    /// # Errors
    /// As [`Cursor::array`].
    pub fn u16(&mut self) -> Result<u16, LoadError> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// The next little-endian `u32`.
    ///
    /// # Errors
    /// As [`Cursor::array`].
    pub fn u32(&mut self) -> Result<u32, LoadError> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// The next little-endian `u64`.
    ///
    /// # Errors
    /// As [`Cursor::array`].
    pub fn u64(&mut self) -> Result<u64, LoadError> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// An error at the place of the cursor, in the header.
    #[must_use]
    pub const fn fault(&self, kind: LoadErrorKind) -> LoadError {
        LoadError { kind, section: None, offset: self.at }
    }
}

/// The numbers of the header that are needed after loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The format it is written in.
    pub format: u16,
    /// The seeds of the hash, derived from the policy.
    pub seeds: [u64; 2],
    /// The first number that follows from words; those below are the roots' and the blocks' columns.
    pub states: u32,
    /// The longest word on any edge, in bytes; longer words are on no edge.
    pub longest: u32,
    /// The block that stands for the root of the literal first words; [`NONE`] if it has edges.
    pub literal_block: u32,
    /// The same for the folded base names.
    pub folded_block: u32,
    /// The string that names the compiler and its version.
    pub compiler: u32,
    /// How many slots of the edges, from the first, are those of the roots.
    pub root_slots: u32,
    /// How many of the pilots, from the first, are those of the roots.
    pub root_pilots: u32,
}

/// The BLAKE3 digest of everything after it, from the header. The runtime does not compute it; it is a name for the
/// policy, and the compiler's `verify` checks it. Zeros if the bytes end before it.
#[must_use]
pub fn digest(bytes: &[u8]) -> &[u8; 32] {
    bytes.get(DIGEST..).and_then(<[u8]>::first_chunk).unwrap_or(&[0; 32])
}

/// Where a section lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Its first byte.
    pub start: usize,
    /// Its length in bytes.
    pub len: usize,
}

/// Where each section of an artifact lies.
#[derive(Clone, Copy, Debug)]
pub struct Extents {
    required: [Extent; REQUIRED],
    optional: [Option<Extent>; OPTIONAL],
}

impl Extents {
    /// The sections that every artifact has, in order.
    #[must_use]
    pub const fn required(&self) -> &[Extent; REQUIRED] {
        &self.required
    }

    /// The bytes of a section; `None` if the artifact has no such section.
    #[must_use]
    pub fn bytes<'a>(&self, id: SectionId, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let Extent { start, len } = self.get(id)?;
        bytes.get(start..)?.get(..len)
    }

    /// Where a section lies; `None` if the artifact has no such section.
    #[must_use]
    pub fn get(&self, id: SectionId) -> Option<Extent> {
        match (id as u32).checked_sub(FIRST_OPTIONAL) {
            Some(at) => self.optional.get(at as usize).copied().flatten(),
            None => self.required.get((id as usize).checked_sub(1)?).copied(),
        }
    }
}

/// The checksum of an artifact: XXH3 (64 bits) of everything after the field that holds it.
/// It protects against accidents; whoever can write the file can also write its checksum.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes.get(CHECKED_FROM..).unwrap_or(&[]))
}

/// Reads the header and the section table, and compares the checksum.
///
/// The order matters: what the file is comes before the version, the version before everything
/// whose place the version decides, and the checksum before any number is believed.
///
/// # Errors
/// Any [`LoadErrorKind`] but `Index`, `Order` and `Text`, at the field that is wrong.
pub fn open(bytes: &[u8]) -> Result<(Header, Extents), LoadError> {
    let mut at = Cursor::new(bytes, 0);
    if bytes.get(..8) != Some(&MAGIC[..]) {
        let short = bytes.len() < 8 && MAGIC.starts_with(bytes) && !bytes.is_empty();
        return Err(at.fault(if short { LoadErrorKind::Truncated } else { LoadErrorKind::NotAnArtifact }));
    }
    let mut at_order = Cursor::new(bytes, 18);
    at.array::<8>()?;
    let sum_at = at;
    let sum = at.u64()?;
    let version_at = at;
    let format = at.u16()?;
    if at_order.u16()? != BYTE_ORDER {
        return Err(at.fault(LoadErrorKind::ByteOrder));
    }
    at.u16()?;
    if !(OLDEST..=FORMAT).contains(&format) {
        return Err(version_at.fault(LoadErrorKind::Version(format)));
    }
    let features_at = at;
    let features = at.u32()?;
    if features & !FEATURES != 0 {
        return Err(features_at.fault(LoadErrorKind::Features(features & !FEATURES)));
    }
    let length_at = at;
    let length = at.u64()?;
    let have = bytes.len() as u64;
    if length != have || have > u64::from(u32::MAX) {
        let kind = if length > have { LoadErrorKind::Truncated } else { LoadErrorKind::Length };
        return Err(length_at.fault(kind));
    }
    if checksum(bytes) != sum {
        return Err(sum_at.fault(LoadErrorKind::Checksum));
    }
    at.array::<32>()?;
    let header = Header {
        format,
        seeds: [at.u64()?, at.u64()?],
        states: at.u32()?,
        longest: at.u32()?,
        literal_block: at.u32()?,
        folded_block: at.u32()?,
        compiler: at.u32()?,
        root_slots: at.u32()?,
        root_pilots: at.u32()?,
    };
    let extents = sections(bytes, features, at)?;
    Ok((header, extents))
}

/// Reads the section table: the required sections and those of the feature bits, in order, end to
/// end, to the last byte.
fn sections(bytes: &[u8], features: u32, mut at: Cursor<'_>) -> Result<Extents, LoadError> {
    let count = REQUIRED + features.count_ones() as usize;
    let count_at = at;
    if at.u32()? as usize != count {
        return Err(count_at.fault(LoadErrorKind::Layout));
    }
    let table_end = HEADER + count * TABLE_LINE;
    let mut expected = table_end.next_multiple_of(ALIGNMENT);
    let padding = bytes.get(table_end..expected).ok_or(at.fault(LoadErrorKind::Truncated))?;
    if padding.iter().any(|&byte| byte != 0) {
        return Err(LoadError { kind: LoadErrorKind::Layout, section: None, offset: table_end });
    }
    let mut extents = Extents { required: [Extent::default(); REQUIRED], optional: [None; OPTIONAL] };
    let mut next = |id: SectionId| {
        let line_at = at;
        let (number, start, len) = (at.u32()?, at.u32()? as usize, at.u32()? as usize);
        let end = start.checked_add(len).ok_or(line_at.fault(LoadErrorKind::Layout))?;
        let whole = len.checked_rem(id.record()) == Some(0);
        if number != id as u32 || start != expected || end > bytes.len() || !whole {
            let fault = line_at.fault(LoadErrorKind::Layout);
            return Err(LoadError { section: Some(id), ..fault });
        }
        expected = end;
        Ok(Extent { start, len })
    };
    let (required, optional) = SectionId::ALL.split_at_checked(REQUIRED).unwrap_or((&[], &[]));
    for (extent, &id) in extents.required.iter_mut().zip(required) {
        *extent = next(id)?;
    }
    for &id in optional.iter().filter(|id| features & id.feature() != 0) {
        let extent = next(id)?;
        if let Some(place) = extents.optional.get_mut((id as u32 - FIRST_OPTIONAL) as usize) {
            *place = Some(extent);
        }
    }
    if expected != bytes.len() {
        return Err(LoadError { kind: LoadErrorKind::Length, section: None, offset: expected });
    }
    Ok(extents)
}

/// The `index`-th little-endian `u32` of a record; 0 past its end, which no caller asks for.
#[inline]
#[must_use]
pub fn word<const N: usize>(record: &[u8; N], index: usize) -> u32 {
    record.as_chunks::<4>().0.get(index).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
