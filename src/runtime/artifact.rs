//! In: the bytes of an artifact. Out: [`Artifact`], a view that borrows them and can be trusted.
//! Not here: the checks themselves (`validate.rs`), and deciding (`decide.rs`).
#![forbid(unsafe_code)]

use crate::Decision;
use crate::decide::Scratch;
use crate::table::block::Blocks;
use crate::table::{Part, Sets, Strings, Table};
use crate::wire::{self, Extent, Extents, Header, LoadError, NONE, SectionId, word};
use alloc::vec::Vec;
use execpolicy_profile::{DEFAULT, Order, Profiles};

/// A compiled policy: every number in it has been checked, once, when it was made.
///
/// It borrows its bytes, so they can be embedded, read from a file, or shared. It owns nothing.
#[derive(Clone, Copy, Debug)]
pub struct Artifact<'a> {
    pub(crate) header: Header<'a>,
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
    /// Where the facts about tools begin, and their text.
    pub(crate) tools: Option<(usize, &'a str)>,
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

/// The number in the place of a decision that says that a record is a sandbox rule's.
pub(crate) const PLACES: u32 = 3;

/// The alternatives of a rule's first position: strings, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heads<'a> {
    One(u32),
    List(&'a [[u8; 4]]),
}

impl Heads<'_> {
    /// The bit that says that a rule's last number is its only alternative.
    pub(crate) const ONE: u32 = 1 << 31;

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
    pub digest: &'a [u8],
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
        let (header, extents) = wire::open(bytes)?;
        let mut policy = Self::view(bytes, header, &extents)?;
        policy.deciding = policy.rules.partition_point(|rule| word(rule, 2) >> 30 != PLACES);
        policy.literal_edges = policy.validate(bytes, &extents)?;
        policy.read_profiles(bytes, &extents)?;
        policy.validate_placements(&extents)?;
        policy.read_tools(bytes, &extents)?;
        Ok(policy)
    }

    /// The optional sections about profiles, which come together.
    fn read_profiles(&mut self, bytes: &'a [u8], extents: &Extents) -> Result<(), LoadError> {
        let section = |id| {
            let extent = extents.get(id)?;
            Some((extent, bytes.get(extent.start..extent.start + extent.len)?))
        };
        let fault = |id, kind, offset| LoadError { kind, section: Some(id), offset };
        let (profiles, order) = match (section(SectionId::Profiles), section(SectionId::Order)) {
            (None, None) => return Ok(()),
            (Some(profiles), Some(order)) => (profiles, order),
            _ => return Err(fault(SectionId::Order, wire::LoadErrorKind::Layout, bytes.len())),
        };
        let (at, section) = profiles;
        let read = Profiles::from_bytes(section).map_err(|error| {
            fault(SectionId::Profiles, wire::LoadErrorKind::Profile(error.what), at.start + error.offset)
        })?;
        if read.default().is_none() && !read.contains(DEFAULT) {
            let kind = wire::LoadErrorKind::Profile("default");
            return Err(fault(SectionId::Profiles, kind, at.start));
        }
        let (at, section) = order;
        self.order = Order::from_bytes(section, read.names().count()).map_err(|error| {
            fault(SectionId::Order, wire::LoadErrorKind::Profile(error.what), at.start + error.offset)
        })?;
        self.profiles = Some(read);
        Ok(())
    }

    /// Every sandbox rule names a profile that there is.
    fn validate_placements(&self, extents: &Extents) -> Result<(), LoadError> {
        let names = self.profiles.map_or(0, |profiles| profiles.names().count());
        let start = extents.get(SectionId::Rules).map_or(0, |extent| extent.start);
        for (at, record) in self.rules.iter().enumerate().skip(self.deciding) {
            let profile = word(record, 0);
            let known = profile == NONE && names > 0 || (profile as usize) < names;
            if !known {
                let offset = start + at * SectionId::Rules.record();
                return Err(LoadError {
                    kind: wire::LoadErrorKind::Index,
                    section: Some(SectionId::Rules),
                    offset,
                });
            }
        }
        Ok(())
    }

    /// The text about tools. Its statements are read by who uses them (`script::Decider`).
    fn read_tools(&mut self, bytes: &'a [u8], extents: &Extents) -> Result<(), LoadError> {
        let Some(Extent { start, len }) = extents.get(SectionId::Tools) else { return Ok(()) };
        let text =
            str::from_utf8(bytes.get(start..start + len).unwrap_or(&[])).map_err(|fault| LoadError {
                kind: wire::LoadErrorKind::Text,
                section: Some(SectionId::Tools),
                offset: start + fault.valid_up_to(),
            })?;
        self.tools = Some((start, text));
        Ok(())
    }

    /// What is known about programs that run other programs, as text; `None` if the artifact does not
    /// say, and then every such program is opaque.
    #[must_use]
    pub fn tools(&self) -> Option<&'a str> {
        self.tools.map(|(_, text)| text)
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

    fn view(bytes: &'a [u8], header: Header<'a>, extents: &Extents) -> Result<Self, LoadError> {
        let [edges, pilots, sets, members, blocks, block_rules, postings, data, rest @ ..] =
            *extents.required();
        let [rules, heads, hosts, paths, networks, sources, ends, text, jumps] = rest;
        let slice = |extent: Extent| bytes.get(extent.start..extent.start + extent.len).unwrap_or(&[]);
        let text = str::from_utf8(slice(text)).map_err(|fault| LoadError {
            kind: wire::LoadErrorKind::Text,
            section: Some(SectionId::Text),
            offset: text.start + fault.valid_up_to(),
        })?;
        let strings = Strings { text, ends: slice(ends).as_chunks().0 };
        let fault =
            |section, offset| LoadError { kind: wire::LoadErrorKind::Index, section: Some(section), offset };
        let slots = slice(edges).as_chunks().0.split_at_checked(header.root_slots as usize);
        let (root_slots, inner_slots) = slots.ok_or(fault(SectionId::Edges, edges.start))?;
        let two = slice(pilots).as_chunks().0.split_at_checked(header.root_pilots as usize);
        let (root_pilots, inner_pilots) = two.ok_or(fault(SectionId::Pilots, pilots.start))?;
        Ok(Self {
            header,
            table: Table {
                roots: Part::new(root_slots, root_pilots),
                inner: Part::new(inner_slots, inner_pilots),
                seeds: header.seeds,
                longest: header.longest as usize,
                strings,
                jumps: slice(jumps).as_chunks().0,
            },
            sets: Sets { sets: slice(sets).as_chunks().0, members: slice(members).as_chunks().0 },
            blocks: Blocks {
                blocks: slice(blocks).as_chunks().0,
                rules: slice(block_rules).as_chunks().0,
                postings: slice(postings).as_chunks().0,
                data: slice(data).as_chunks().0,
            },
            rules: slice(rules).as_chunks().0,
            deciding: 0,
            heads: slice(heads).as_chunks().0,
            hosts: slice(hosts).as_chunks().0,
            paths: slice(paths).as_chunks().0,
            networks: slice(networks).as_chunks().0,
            sources: slice(sources).as_chunks().0,
            strings,
            literal_edges: true,
            profiles: None,
            order: Order::default(),
            tools: None,
        })
    }

    /// Working memory that is large enough for every decision of this policy.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        let columns = (0..).map_while(|block| self.blocks.get(block)).map(|block| block.columns).max();
        Scratch::with_capacity(3 * columns.unwrap_or(0) as usize, 8192)
    }

    /// The format the artifact is written in.
    #[must_use]
    pub const fn format(&self) -> u16 {
        self.header.format
    }

    /// The BLAKE3 digest of everything after the header's first 64 bytes: the policy's name.
    #[must_use]
    pub const fn digest(&self) -> &'a [u8; 32] {
        self.header.digest
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
        let record = self.rules.get(self.deciding + rule as usize)?;
        let (source, _) = split(word(record, 2));
        let profile = match word(record, 0) {
            NONE => None,
            number => Some(self.profiles?.names().nth(number as usize)?),
        };
        Some(PlacementRule {
            profile,
            depth: word(record, 3),
            source: self.source_name(source),
            line: word(record, 1),
            heads: self.heads_at(word(record, 4)),
        })
    }

    /// A rule by its number in load order.
    #[must_use]
    pub fn rule(&self, rule: u32) -> Option<Rule<'a>> {
        let record = self.rules.get(rule as usize)?;
        let (source, decision) = split(word(record, 2));
        Some(Rule {
            decision: decision?,
            depth: word(record, 3),
            justification: self.optional(word(record, 0)),
            source: self.source_name(source),
            line: word(record, 1),
            heads: self.heads_at(word(record, 4)),
        })
    }

    fn heads_at(&self, field: u32) -> Heads<'a> {
        if field & Heads::ONE != 0 {
            return Heads::One(field & !Heads::ONE);
        }
        let start = field as usize;
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
        let key = |record: &[u8; 8]| self.strings.get(word(record, 0)).as_bytes();
        let at = self.hosts.binary_search_by(|record| key(record).cmp(name)).ok()?;
        Some(self.paths_of(at))
    }

    /// Every `host_executable` that counts, by name.
    pub fn hosts(&self) -> impl Iterator<Item = (&'a str, Paths<'a>)> {
        self.hosts
            .iter()
            .enumerate()
            .map(|(at, record)| (self.strings.get(word(record, 0)), self.paths_of(at)))
    }

    fn paths_of(&self, at: usize) -> Paths<'a> {
        let start = |record: &[u8; 8]| word(record, 1) as usize;
        let first = self.hosts.get(at).map_or(0, start);
        let end = self.hosts.get(at + 1).map_or(self.paths.len(), start);
        Paths { paths: self.paths.get(first..end).unwrap_or(&[]), strings: self.strings }
    }

    /// The statements about network destinations, in load order.
    pub fn networks(&self) -> impl Iterator<Item = Network<'a>> {
        self.networks.iter().filter_map(|record| {
            let (rest, decision) = split(word(record, 3));
            Some(Network {
                host: self.strings.get(word(record, 0)),
                protocol: (rest & 3) as u8,
                decision: decision?,
                justification: self.optional(word(record, 1)),
                source: self.source_name(rest >> 2),
                line: word(record, 2),
            })
        })
    }

    /// The texts the policy was compiled from, in the order read.
    pub fn sources(&self) -> impl Iterator<Item = Source<'a>> {
        self.sources.iter().map(|record| Source {
            name: self.strings.get(word(record, 0)),
            digest: record.get(4..).unwrap_or(&[]),
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
        self.sources.get(source as usize).map_or("", |record| self.strings.get(word(record, 0)))
    }
}

/// A number of 30 bits and a decision, as they share a field.
pub(crate) const fn split(field: u32) -> (u32, Option<Decision>) {
    (field & (NONE >> 2), Decision::from_byte((field >> 30) as u8))
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
