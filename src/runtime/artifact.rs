//! In: the bytes of an artifact. Out: [`Artifact`], a view that borrows them and can be trusted.
//! Not here: the checks themselves (`validate.rs`), and deciding (`decide.rs`).
#![forbid(unsafe_code)]

use crate::Decision;
use crate::record::{HeadsField, HostRecord, NetworkRecord, RuleRecord, SourceRecord};
use crate::table::block::Blocks;
use crate::table::{Part, Sets, Strings, Table};
use crate::wire::{self, Extents, Header, LoadError, NONE, SectionId, word};
use alloc::vec::Vec;
use core::fmt;
use execpolicy_profile::{DEFAULT, Order, Profiles};

/// A compiled policy: every number in it has been checked, once, when it was made.
///
/// It borrows its bytes, so they can be embedded, read from a file, or shared. It owns nothing.
#[derive(Clone, Copy)]
pub struct Artifact<'a> {
    pub(crate) header: Header,
    digest: &'a [u8; 32],
    pub(crate) table: Table<'a>,
    pub(crate) sets: Sets<'a>,
    pub(crate) blocks: Blocks<'a>,
    /// The rules that decide, then those that place.
    pub(crate) rules: &'a [[u8; 20]],
    /// How many of them decide.
    pub(crate) deciding: usize,
    pub(crate) heads: &'a [[u8; 4]],
    pub(crate) hosts: &'a [[u8; 8]],
    pub(crate) paths: &'a [[u8; 4]],
    pub(crate) networks: &'a [[u8; 16]],
    pub(crate) sources: &'a [[u8; 36]],
    pub(crate) strings: Strings<'a>,
    /// Whether the literal root has edges of its own.
    pub(crate) literal_edges: bool,
    pub(crate) profiles: Option<Profiles<'a>>,
    pub(crate) order: Order<'a>,
    /// Where the facts about tools begin, and their text: UTF-8.
    tools: Option<(usize, &'a [u8])>,
}

/// What validation has found out about bytes: all that it takes to see them as an [`Artifact`] again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    header: Header,
    extents: Extents,
    deciding: usize,
    literal_edges: bool,
    /// How many names the profiles have.
    names: usize,
}

/// What the artifact says about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule<'a> {
    /// What it says about a command that it matches.
    pub decision: Decision,
    /// How many words its pattern has.
    pub depth: u32,
    /// Why, for the person who meets the rule.
    pub justification: Option<&'a str>,
    /// The file it is written in, relative to the policy root.
    pub source: &'a str,
    /// The line it begins in, from 1.
    pub line: u32,
    /// Its alternatives of the first position.
    pub(crate) heads: Heads<'a>,
}

/// What the artifact says about one sandbox rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementRule<'a> {
    /// The profile; `None` means unconfined.
    pub profile: Option<&'a str>,
    /// How many words its pattern has.
    pub depth: u32,
    /// The file it is written in, relative to the policy root.
    pub source: &'a str,
    /// The line it begins in, from 1.
    pub line: u32,
    pub(crate) heads: Heads<'a>,
}

/// The alternatives of a rule's first position: strings, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heads<'a> {
    One(u32),
    List(&'a [[u8; 4]]),
}

impl Heads<'_> {
    /// The string of an alternative.
    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<u32> {
        match self {
            Self::One(string) => (at == 0).then_some(*string),
            Self::List(list) => list.get(at as usize).map(|string| word(string, 0)),
        }
    }
}

/// One text the policy was compiled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Its name, relative to the policy root.
    pub name: &'a str,
    /// The BLAKE3 digest of its text.
    pub digest: &'a [u8; 32],
}

/// A statement about a network destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network<'a> {
    /// The host, lower-case, without port.
    pub host: &'a str,
    /// The protocol: 0 http, 1 https, 2 socks5 over tcp, 3 socks5 over udp.
    pub protocol: u8,
    /// What is said about it.
    pub decision: Decision,
    /// Why.
    pub justification: Option<&'a str>,
    /// The file it is written in.
    pub source: &'a str,
    /// The line it begins in, from 1.
    pub line: u32,
}

impl<'a> Artifact<'a> {
    /// Reads an artifact. Accepts every file that this version's compiler and the one before it
    /// write, and nothing that has been cut or changed by accident. Copies nothing; the time is
    /// linear in the bytes, whatever they are; never panics.
    ///
    /// # Errors
    /// [`LoadError`], with the section and the byte. A policy that does not load allows nothing.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, LoadError> {
        Self::open(bytes).map(|(artifact, _)| artifact)
    }

    /// Reads an artifact, and keeps what [`Artifact::view`] needs to see the same bytes again.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<(Self, Layout), LoadError> {
        let (header, extents) = wire::open(bytes)?;
        let text = text(bytes, &extents)?;
        let mut layout = Layout { header, extents, deciding: 0, literal_edges: true, names: 0 };
        let view = Self::view(bytes, text, &layout);
        layout.deciding = view.rules.partition_point(|rule| !RuleRecord::places(rule));
        let view = Self::view(bytes, text, &layout);
        layout.literal_edges = view.validate(bytes, &extents)?;
        layout.names = view.validate_profiles(bytes, &extents)?;
        Ok((Self::view(bytes, text, &layout), layout))
    }

    /// The bytes as the layout says: the same artifact, if [`Artifact::open`] made it of the same bytes. Checks nothing.
    pub(crate) fn view(bytes: &'a [u8], text: &'a str, layout: &Layout) -> Self {
        let Layout { header, extents, .. } = *layout;
        let slice = |id| extents.bytes(id, bytes).unwrap_or(&[]);
        let strings = Strings { text, ends: slice(SectionId::Strings).as_chunks().0 };
        let halves = |slots: usize, all: usize| slots.min(all);
        let edges = slice(SectionId::Edges).as_chunks().0;
        let (root_slots, inner_slots) = edges.split_at(halves(header.root_slots as usize, edges.len()));
        let pilots = slice(SectionId::Pilots).as_chunks().0;
        let (root_pilots, inner_pilots) = pilots.split_at(halves(header.root_pilots as usize, pilots.len()));
        let profiles = (layout.names > 0).then(|| Profiles::reopen(slice(SectionId::Profiles))).flatten();
        Self {
            header,
            digest: wire::digest(bytes),
            table: Table {
                roots: Part::new(root_slots, root_pilots),
                inner: Part::new(inner_slots, inner_pilots),
                seeds: header.seeds,
                longest: header.longest as usize,
                strings,
                jumps: slice(SectionId::Jumps).as_chunks().0,
            },
            sets: Sets {
                sets: slice(SectionId::Sets).as_chunks().0,
                members: slice(SectionId::Members).as_chunks().0,
            },
            blocks: Blocks {
                blocks: slice(SectionId::Blocks).as_chunks().0,
                rules: slice(SectionId::BlockRules).as_chunks().0,
                postings: slice(SectionId::Postings).as_chunks().0,
                data: slice(SectionId::PostingData).as_chunks().0,
            },
            rules: slice(SectionId::Rules).as_chunks().0,
            deciding: layout.deciding,
            heads: slice(SectionId::Heads).as_chunks().0,
            hosts: slice(SectionId::Hosts).as_chunks().0,
            paths: slice(SectionId::Paths).as_chunks().0,
            networks: slice(SectionId::Networks).as_chunks().0,
            sources: slice(SectionId::Sources).as_chunks().0,
            strings,
            literal_edges: layout.literal_edges,
            profiles,
            order: Order::from_bytes(slice(SectionId::Order), layout.names).unwrap_or_default(),
            tools: extents
                .get(SectionId::Tools)
                .map(|extent| extent.start)
                .zip(extents.bytes(SectionId::Tools, bytes)),
        }
    }

    /// What is known about programs that run other programs, as text; `None` if the artifact does not
    /// say, and then every such program is opaque.
    #[must_use]
    pub fn tools(&self) -> Option<&'a str> {
        self.tools.and_then(|(_, text)| str::from_utf8(text).ok())
    }

    /// The byte of the artifact at which the text about tools begins.
    #[cfg(feature = "std")]
    pub(crate) fn tools_start(&self) -> usize {
        self.tools.map_or(0, |(start, _)| start)
    }

    /// The sandbox profiles, if the policy has sandbox files or places commands.
    #[must_use]
    pub const fn profiles(&self) -> Option<Profiles<'a>> {
        self.profiles
    }

    /// Whether everything that one profile allows is allowed by another, too, by their places in
    /// [`Profiles::names`]; as far as it could be shown when the policy was compiled.
    #[must_use]
    pub fn within(&self, narrow: usize, wide: usize) -> bool {
        self.order.within(narrow, wide)
    }

    /// The name of the profile in which a command runs that no rule places: what the sources say with
    /// `default`, else [`DEFAULT`]; `None` if the policy has no profiles.
    #[must_use]
    pub fn default_profile(&self) -> Option<&'a str> {
        let profiles = self.profiles?;
        Some(profiles.default().map_or(DEFAULT, |default| default.name))
    }

    /// The format the artifact is written in.
    #[must_use]
    pub const fn format(&self) -> u16 {
        self.header.format
    }

    /// The BLAKE3 digest of everything after the header's first 64 bytes: the policy's name.
    #[must_use]
    pub const fn digest(&self) -> &'a [u8; 32] {
        self.digest
    }

    /// The compiler and its version.
    #[must_use]
    pub fn compiler(&self) -> &'a str {
        self.strings.get(self.header.compiler)
    }

    /// The number of rules that decide.
    #[must_use]
    pub const fn rule_count(&self) -> usize {
        self.deciding
    }

    /// The number of sandbox rules.
    #[must_use]
    pub const fn placement_count(&self) -> usize {
        self.rules.len() - self.deciding
    }

    /// A sandbox rule by its number in load order.
    #[must_use]
    pub fn placement_rule(&self, rule: u32) -> Option<PlacementRule<'a>> {
        let record = RuleRecord::read(self.rules.get(self.deciding + rule as usize)?);
        let profile = match record.subject {
            NONE => None,
            number => Some(self.profiles?.names().nth(number as usize)?),
        };
        Some(PlacementRule {
            profile,
            depth: record.depth,
            source: self.source_name(record.source),
            line: record.line,
            heads: self.heads_at(record.heads),
        })
    }

    /// A rule by its number in load order.
    #[must_use]
    pub fn rule(&self, rule: u32) -> Option<Rule<'a>> {
        let record = RuleRecord::read(self.rules.get(rule as usize)?);
        Some(Rule {
            decision: record.decision?,
            depth: record.depth,
            justification: self.optional(record.subject),
            source: self.source_name(record.source),
            line: record.line,
            heads: self.heads_at(record.heads),
        })
    }

    fn heads_at(&self, field: HeadsField) -> Heads<'a> {
        let start = match field {
            HeadsField::One(string) => return Heads::One(string),
            HeadsField::List(start) => start as usize,
        };
        let len = self.heads.get(start).map_or(0, |len| word(len, 0)) as usize;
        Heads::List(self.heads.get(start + 1..).and_then(|rest| rest.get(..len)).unwrap_or(&[]))
    }

    /// The alternatives of a rule's first position, in the order written.
    pub fn heads(&self, rule: &Rule<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
        self.words(rule.heads)
    }

    /// The alternatives of a sandbox rule's first position, in the order written.
    pub fn placement_heads(&self, rule: &PlacementRule<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
        self.words(rule.heads)
    }

    fn words(&self, heads: Heads<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
        let strings = self.strings;
        (0..).map_while(move |at| heads.get(at)).map(move |string| strings.get(string))
    }

    /// The paths of the `host_executable` that counts for a name; `None` if there is none.
    #[must_use]
    pub fn host(&self, name: &[u8]) -> Option<Paths<'a>> {
        let key = |record| self.strings.get(HostRecord::read(record).name).as_bytes();
        let at = self.hosts.binary_search_by(|record| key(record).cmp(name)).ok()?;
        Some(self.paths_of(at))
    }

    /// Every `host_executable` that counts, by name.
    pub fn hosts(&self) -> impl Iterator<Item = (&'a str, Paths<'a>)> {
        let name = |record| self.strings.get(HostRecord::read(record).name);
        self.hosts.iter().enumerate().map(move |(at, record)| (name(record), self.paths_of(at)))
    }

    fn paths_of(&self, at: usize) -> Paths<'a> {
        let start = |record| HostRecord::read(record).first_path as usize;
        let first = self.hosts.get(at).map_or(0, start);
        let end = self.hosts.get(at + 1).map_or(self.paths.len(), start);
        Paths { paths: self.paths.get(first..end).unwrap_or(&[]), strings: self.strings }
    }

    /// The statements about network destinations, in load order.
    pub fn networks(&self) -> impl Iterator<Item = Network<'a>> {
        self.networks.iter().filter_map(|record| {
            let record = NetworkRecord::read(record)?;
            Some(Network {
                host: self.strings.get(record.host),
                protocol: record.protocol,
                decision: record.decision,
                justification: self.optional(record.justification),
                source: self.source_name(record.source),
                line: record.line,
            })
        })
    }

    /// The texts the policy was compiled from, in the order read.
    pub fn sources(&self) -> impl Iterator<Item = Source<'a>> {
        self.sources.iter().map(|record| {
            let record = SourceRecord::read(record);
            Source { name: self.strings.get(record.name), digest: record.digest }
        })
    }

    /// Each section with the byte it begins at and its length.
    ///
    /// # Errors
    /// As [`wire::open`]; not for bytes that [`Artifact::from_bytes`] has accepted.
    pub fn extents(bytes: &[u8]) -> Result<Vec<(SectionId, usize, usize)>, LoadError> {
        let (_, extents) = wire::open(bytes)?;
        let known = SectionId::ALL.iter().filter_map(|&id| extents.get(id).map(|extent| (id, extent)));
        Ok(known.map(|(id, extent)| (id, extent.start, extent.len)).collect())
    }

    /// The transitions, for tools that look into the artifact.
    #[must_use]
    pub const fn table(&self) -> &Table<'a> {
        &self.table
    }

    /// The sets of rules, for tools that look into the artifact.
    #[must_use]
    pub const fn sets(&self) -> &Sets<'a> {
        &self.sets
    }

    /// The blocks, for tools that look into the artifact.
    #[must_use]
    pub const fn blocks(&self) -> &Blocks<'a> {
        &self.blocks
    }

    /// The strings, for tools that look into the artifact.
    #[must_use]
    pub const fn strings(&self) -> &Strings<'a> {
        &self.strings
    }

    fn optional(&self, string: u32) -> Option<&'a str> {
        (string != NONE).then(|| self.strings.get(string))
    }

    fn source_name(&self, source: u32) -> &'a str {
        let record = self.sources.get(source as usize);
        record.map_or("", |record| self.strings.get(SourceRecord::read(record).name))
    }
}

impl fmt::Debug for Artifact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact")
            .field("compiler", &self.compiler())
            .field("rules", &self.rule_count())
            .field("sandbox_rules", &self.placement_count())
            .finish_non_exhaustive()
    }
}

/// The text section, which must be UTF-8.
fn text<'a>(bytes: &'a [u8], extents: &Extents) -> Result<&'a str, LoadError> {
    let text = extents.bytes(SectionId::Text, bytes).unwrap_or(&[]);
    str::from_utf8(text).map_err(|fault| {
        let start = extents.get(SectionId::Text).map_or(0, |extent| extent.start);
        LoadError {
            kind: wire::LoadErrorKind::Text,
            section: Some(SectionId::Text),
            offset: start + fault.valid_up_to(),
        }
    })
}

/// The paths of one `host_executable`.
#[derive(Clone, Copy, Debug)]
pub struct Paths<'a> {
    paths: &'a [[u8; 4]],
    strings: Strings<'a>,
}

impl<'a> Paths<'a> {
    /// The paths, in the order written.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let strings = self.strings;
        self.paths.iter().map(move |record| strings.get(word(record, 0)))
    }

    /// Whether this path is listed, byte for byte.
    #[must_use]
    pub fn contain(&self, path: &[u8]) -> bool {
        self.iter().any(|known| known.as_bytes() == path)
    }
}
