//! In: a view of an artifact whose checksum fits. Out: the assurance that every number in it
//! means something.
//! Not here: whether the policy is the one that was written; that is the compiler's `verify`.
//!
//! The order matters: strings come first, because nearly everything names one; then what refers
//! only to strings; then rules, which sets and blocks count; then postings, which need the size
//! of their block; and last the edges, which refer to all of them. Afterwards no index taken from
//! the bytes can lie outside its section, no chain of sets can be a circle, and no list that is
//! searched by halves is unsorted.
#![forbid(unsafe_code)]

use crate::artifact::Artifact;
use crate::record::{HeadsField, HostRecord, NetworkRecord, RuleRecord, SourceRecord};
use crate::table::block::Block;
use crate::table::key::SHORT;
use crate::table::{Edge, Kind, LITERAL, Part, ROOTS, Sets, is_root};
use crate::wire::LoadErrorKind::{Index, Layout, Order, Text, Value};
use crate::wire::{Extent, Extents, Header, LoadError, LoadErrorKind, NONE, SectionId, word};
use execpolicy_profile::{DEFAULT, Profiles};

/// Where an error is: the section's extent and its name.
#[derive(Clone, Copy)]
struct Place {
    extent: Extent,
    id: SectionId,
}

impl Place {
    /// Says which record is wrong.
    fn check(self, record: usize, good: bool, kind: LoadErrorKind) -> Result<(), LoadError> {
        if good { Ok(()) } else { Err(self.fault(record, kind)) }
    }

    #[cold]
    fn fault(self, record: usize, kind: LoadErrorKind) -> LoadError {
        let offset = self.extent.start + record * self.id.record();
        LoadError { kind, section: Some(self.id), offset }
    }
}

impl Artifact<'_> {
    /// Checks everything but the profiles and what names them; see the top of the file. Says whether the literal root has
    /// edges.
    pub(crate) fn validate(&self, bytes: &[u8], extents: &Extents) -> Result<bool, LoadError> {
        let place = |id: SectionId| {
            let extent = extents.get(id).unwrap_or(Extent { start: bytes.len(), len: 0 });
            Place { extent, id }
        };
        self.validate_parts(place(SectionId::Edges), place(SectionId::Pilots))?;
        self.validate_strings(place(SectionId::Strings))?;
        self.validate_header()?;
        self.validate_sources(place(SectionId::Sources))?;
        self.validate_hosts(place(SectionId::Hosts), place(SectionId::Paths))?;
        self.validate_networks(place(SectionId::Networks))?;
        self.validate_rules(place(SectionId::Rules), place(SectionId::Heads))?;
        self.validate_sets(place(SectionId::Sets), place(SectionId::Members))?;
        self.validate_blocks(place(SectionId::Blocks), place(SectionId::BlockRules))?;
        self.validate_postings(place(SectionId::Postings), place(SectionId::PostingData))?;
        validate_tools(bytes, place(SectionId::Tools))?;
        self.validate_edges(place(SectionId::Edges), place(SectionId::Pilots), place(SectionId::Jumps))
    }

    /// The roots have no more of the edges and the pilots than there are.
    fn validate_parts(&self, at: Place, at_pilots: Place) -> Result<(), LoadError> {
        let Header { root_slots, root_pilots, .. } = self.header;
        at.check(0, self.table.roots.slots.len() == root_slots as usize, Index)?;
        at_pilots.check(0, self.table.roots.pilots.len() == root_pilots as usize, Index)
    }

    /// Checks the sections about profiles, which come together, and that every sandbox rule names a profile that there
    /// is. Says how many names there are; none if there is no such section.
    pub(crate) fn validate_profiles(&self, bytes: &[u8], extents: &Extents) -> Result<usize, LoadError> {
        let section = |id| extents.get(id).zip(extents.bytes(id, bytes));
        let fault = |id, kind, offset| LoadError { kind, section: Some(id), offset };
        let names = match (section(SectionId::Profiles), section(SectionId::Order)) {
            (None, None) => 0,
            (Some((at, profiles)), Some((at_order, order))) => {
                let of_profiles = |what, offset| {
                    fault(SectionId::Profiles, LoadErrorKind::Profile(what), at.start + offset)
                };
                let read =
                    Profiles::from_bytes(profiles).map_err(|error| of_profiles(error.what, error.offset))?;
                if read.default().is_none() && !read.contains(DEFAULT) {
                    return Err(of_profiles("default", 0));
                }
                let names = read.names().count();
                execpolicy_profile::Order::from_bytes(order, names).map_err(|error| {
                    let kind = LoadErrorKind::Profile(error.what);
                    fault(SectionId::Order, kind, at_order.start + error.offset)
                })?;
                names
            }
            _ => return Err(fault(SectionId::Order, Layout, bytes.len())),
        };
        let extent = extents.get(SectionId::Rules).unwrap_or_default();
        let at = Place { extent, id: SectionId::Rules };
        for (index, rule) in self.rules.iter().enumerate().skip(self.deciding) {
            let profile = RuleRecord::read(rule).subject;
            at.check(index, profile == NONE && names > 0 || (profile as usize) < names, Index)?;
        }
        Ok(names)
    }

    fn string(&self, string: u32) -> bool {
        (string as usize) < self.strings.ends.len()
    }

    fn validate_strings(&self, at: Place) -> Result<(), LoadError> {
        let mut last = 0;
        for (index, end) in self.strings.ends.iter().enumerate() {
            let end = word(end, 0) as usize;
            at.check(index, end >= last, Order)?;
            at.check(index, self.strings.text.is_char_boundary(end), Text)?;
            last = end;
        }
        at.check(self.strings.ends.len(), last == self.strings.text.len(), Index)
    }

    fn validate_header(&self) -> Result<(), LoadError> {
        let fault = |kind, offset| Err(LoadError { kind, section: None, offset });
        let block = |block: u32| block == NONE || (block as usize) < self.blocks.blocks.len();
        if self.header.states < ROOTS {
            return fault(Value, 80);
        }
        if !block(self.header.literal_block) || !block(self.header.folded_block) {
            return fault(Index, 88);
        }
        if !self.string(self.header.compiler) {
            return fault(Index, 96);
        }
        Ok(())
    }

    fn validate_sources(&self, at: Place) -> Result<(), LoadError> {
        for (index, source) in self.sources.iter().enumerate() {
            at.check(index, self.string(SourceRecord::read(source).name), Index)?;
        }
        Ok(())
    }

    fn validate_hosts(&self, at: Place, at_paths: Place) -> Result<(), LoadError> {
        let mut last: Option<&str> = None;
        let mut first_path = 0;
        for (index, host) in self.hosts.iter().enumerate() {
            let host = HostRecord::read(host);
            at.check(index, self.string(host.name), Index)?;
            let name = self.strings.get(host.name);
            at.check(index, last.is_none_or(|last| last < name), Order)?;
            let path = host.first_path as usize;
            at.check(index, path <= self.paths.len() && (index > 0 || path == 0), Index)?;
            at.check(index, path >= first_path, Order)?;
            (last, first_path) = (Some(name), path);
        }
        for (index, path) in self.paths.iter().enumerate() {
            at_paths.check(index, self.string(word(path, 0)), Index)?;
        }
        Ok(())
    }

    fn validate_networks(&self, at: Place) -> Result<(), LoadError> {
        for (index, network) in self.networks.iter().enumerate() {
            let network = NetworkRecord::read(network).ok_or(at.fault(index, Value))?;
            let texts = self.string(network.host) && self.optional_string(network.justification);
            at.check(index, texts && (network.source as usize) < self.sources.len(), Index)?;
        }
        Ok(())
    }

    fn optional_string(&self, string: u32) -> bool {
        string == NONE || self.string(string)
    }

    fn validate_rules(&self, at: Place, at_heads: Place) -> Result<(), LoadError> {
        let mut expected = 0;
        for (index, rule) in self.rules.iter().enumerate() {
            let rule = RuleRecord::read(rule);
            // The rules that place come after those that decide; what they name is looked at with the profiles.
            let places = index >= self.deciding;
            let texts = places || self.optional_string(rule.subject);
            at.check(index, texts && (rule.source as usize) < self.sources.len(), Index)?;
            at.check(index, rule.decision.is_none() == places, Order)?;
            at.check(index, rule.depth > 0, Value)?;
            let head = match rule.heads {
                HeadsField::One(string) => {
                    at.check(index, self.string(string), Index)?;
                    continue;
                }
                HeadsField::List(start) => start,
            };
            // The lists lie end to end, in the order of their rules.
            at.check(index, head as usize == expected, Order)?;
            let len = self.heads.get(expected).map_or(0, |len| word(len, 0) as usize);
            let strings = self.heads.get(expected + 1..).and_then(|rest| rest.get(..len));
            at_heads.check(expected, strings.is_some(), Index)?;
            let mut strings = strings.unwrap_or(&[]).iter();
            at_heads.check(expected, strings.all(|string| self.string(word(string, 0))), Index)?;
            expected += 1 + len;
        }
        at_heads.check(expected, expected == self.heads.len(), Layout)
    }

    fn validate_sets(&self, at: Place, at_members: Place) -> Result<(), LoadError> {
        at.check(0, self.sets.sets.first() == Some(&[0; 8]), Value)?;
        let mut expected = 0;
        for (index, set) in self.sets.sets.iter().enumerate().skip(1) {
            let (parent, own) = (word(set, 0) as usize, word(set, 1));
            at.check(index, parent < index, Order)?;
            if own & Sets::SINGLE != 0 {
                at.check(index, ((own & !Sets::SINGLE) as usize) < self.rules.len(), Index)?;
                continue;
            }
            // The lists lie end to end, in the order of their sets.
            at.check(index, own as usize == expected, Order)?;
            let members = self.sets.list(own);
            let sorted = members.is_sorted_by(|a, b| word(a, 0) < word(b, 0));
            at_members.check(expected, sorted, Order)?;
            let known = members.last().is_some_and(|rule| (word(rule, 0) as usize) < self.rules.len());
            at_members.check(expected, known, Index)?;
            expected += 1 + members.len();
        }
        at_members.check(expected, expected == self.sets.members.len(), Layout)
    }

    fn validate_blocks(&self, at: Place, at_rules: Place) -> Result<(), LoadError> {
        let mut expected = 0;
        for (index, record) in self.blocks.blocks.iter().enumerate() {
            let block = Block::read(record);
            let columns = block.column.checked_add(block.columns).filter(|&end| end <= self.header.states);
            let ends = block.ends as usize + block.columns as usize <= self.blocks.postings.len();
            at.check(index, columns.is_some() && ends, Index)?;
            at.check(index, block.columns > 0 && block.rules > 0, Value)?;
            at.check(index, block.first_rule as usize == expected, Order)?;
            expected += block.rules as usize;
            let rules = self.blocks.rules.get(block.first_rule as usize..expected);
            at.check(index, rules.is_some(), Index)?;
            let rules = rules.unwrap_or(&[]);
            let known = rules.last().is_some_and(|rule| (word(rule, 0) as usize) < self.rules.len());
            at.check(index, known, Index)?;
            at.check(index, rules.is_sorted_by(|a, b| word(a, 0) < word(b, 0)), Order)?;
            for posting in (block.ends..).take(block.columns as usize) {
                let own = self.blocks.posting(posting).is_some_and(|posting| posting.block as usize == index);
                at.check(index, own, Index)?;
            }
        }
        at_rules.check(expected, expected == self.blocks.rules.len(), Layout)
    }

    fn validate_postings(&self, at: Place, at_data: Place) -> Result<(), LoadError> {
        let mut last = 0;
        for (index, record) in self.blocks.postings.iter().enumerate() {
            let start = (word(record, 1) << 1 >> 1) as usize;
            at.check(index, start >= last && (index > 0 || start == 0), Order)?;
            last = start;
            let posting = self.blocks.posting(index as u32).ok_or(at.fault(index, Index))?;
            let block = self.blocks.get(posting.block).ok_or(at.fault(index, Index))?;
            let rules = block.rules as usize;
            let data = posting.data;
            if posting.dense {
                at.check(index, data.len() == 2 * rules.div_ceil(64), Layout)?;
                let padding = (2 * rules.div_ceil(64) * 32).saturating_sub(rules);
                let tail = data.iter().rev().fold((0, true), |(seen, zero), piece| {
                    let free = padding.saturating_sub(seen).min(32) as u32;
                    (seen + 32, zero && u64::from(word(piece, 0)) >> (32 - free) == 0)
                });
                at_data.check(start, tail.1, Index)?;
            } else {
                at_data.check(start, data.is_sorted_by(|a, b| word(a, 0) < word(b, 0)), Order)?;
                at_data.check(
                    start,
                    data.last().is_none_or(|rule| (word(rule, 0) as usize) < rules),
                    Index,
                )?;
            }
        }
        let unused = self.blocks.postings.is_empty() && !self.blocks.data.is_empty();
        at_data.check(0, !unused, Layout)
    }

    fn validate_edges(&self, at: Place, at_pilots: Place, at_jumps: Place) -> Result<bool, LoadError> {
        for (index, jump) in self.table.jumps.iter().enumerate() {
            at_jumps.check(index, (word(jump, 0) as usize) < self.sets.sets.len(), Index)?;
        }
        let mut literal = false;
        let (mut first_slot, mut first_pilot) = (0, 0);
        for (part, roots) in [(&self.table.roots, true), (&self.table.inner, false)] {
            at_pilots.check(
                first_pilot,
                part.pilots.len().is_power_of_two() && part.pilots.len() > 1,
                Value,
            )?;
            at.check(first_slot, !part.slots.is_empty(), Value)?;
            literal |= self.validate_part(at, first_slot, part, roots)?;
            first_slot += part.slots.len();
            first_pilot += part.pilots.len();
        }
        Ok(literal)
    }

    /// Checks the slots of one part, the first of which has this number in the section.
    fn validate_part(
        &self,
        at: Place,
        first: usize,
        part: &Part<'_>,
        roots: bool,
    ) -> Result<bool, LoadError> {
        let mut literal = false;
        for (index, slot) in (first..).zip(part.slots) {
            let Some(edge) = Edge::read(slot) else {
                at.check(index, *slot == Edge::EMPTY, Value)?;
                continue;
            };
            literal |= edge.parent == LITERAL;
            at.check(index, is_root(edge.parent) == roots, Value)?;
            let known = match edge.info.kind() {
                Some(Kind::Next | Kind::Leaf) => (edge.info.number() as usize) < self.sets.sets.len(),
                Some(kind) => self.is_target(kind, &edge),
                None => return Err(at.fault(index, Value)),
            };
            at.check(index, known, Index)?;
            at.check(index, edge.info.guard() < 3, Value)?;
            let text = if edge.key.is_long() { self.is_long_word(&edge) } else { edge.key.is_sound() };
            at.check(index, text, Value)?;
        }
        Ok(literal)
    }

    /// Whether the string of an edge with a long word has the length that the edge says.
    fn is_long_word(&self, edge: &Edge) -> bool {
        let len = self.strings.get(edge.string).len();
        let known = self.string(edge.string) && len > SHORT && len <= self.header.longest as usize;
        known && len & 0x00FF_FFFF == edge.key.len()
    }

    /// Whether an edge names a jump to a state that words lead to, a jump to a block, or a posting of the
    /// block whose column it leaves.
    #[cold]
    fn is_target(&self, kind: Kind, edge: &Edge) -> bool {
        let number = edge.info.number();
        let jump = self.table.jumps.get(number as usize).map(|jump| word(jump, 1));
        match kind {
            Kind::Next | Kind::Leaf => false,
            Kind::Jump => jump.is_some_and(|state| state >= self.header.states && state != NONE),
            Kind::Block => jump.is_some_and(|block| (block as usize) < self.blocks.blocks.len()),
            Kind::Posting => {
                let block = self.blocks.posting(number).and_then(|posting| self.blocks.get(posting.block));
                block.is_some_and(|block| {
                    edge.parent.checked_sub(block.column).is_some_and(|at| at < block.columns)
                })
            }
        }
    }
}

/// The facts about tools are UTF-8. Their statements are read by who uses them (`script::Decider`).
fn validate_tools(bytes: &[u8], at: Place) -> Result<(), LoadError> {
    let Extent { start, len } = at.extent;
    let text = str::from_utf8(bytes.get(start..start + len).unwrap_or(&[]));
    text.map(drop).map_err(|fault| at.fault(fault.valid_up_to(), Text))
}
