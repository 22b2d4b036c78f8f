//! In: an automaton. Out: the sections of its sets, blocks and edges, the edges placed by a
//! perfect hash.
//! Not here: how a step is looked up (the runtime's `table.rs`, whose functions this file uses).

use super::sections::{EmitError, Sections};
use super::strings::Strings;
use crate::lower::{Automaton, Block, FOLDED, LITERAL, StateId, Target, Walker};
use crate::policy::Policy;
use execpolicy_runtime::Decision;
use execpolicy_runtime::table::block::{self, DENSE};
use execpolicy_runtime::table::key::{Key, SHORT, Seeds};
use execpolicy_runtime::table::{self, Edge, Info, Kind, Sets, Spot};
use execpolicy_runtime::wire::{NONE, SectionId};
use std::collections::{HashMap, HashSet};

/// How many seeds are tried before giving up; one is nearly always enough.
const ATTEMPTS: u32 = 16;

/// What the header must say about the table.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// The seeds under which every edge found a slot.
    pub seeds: Seeds,
    /// The longest word on any edge.
    pub longest: u32,
    /// The blocks that stand for the roots, literal and folded.
    pub root_blocks: [u32; 2],
    /// How many of the slots, and how many of the pilots, are those of the roots.
    pub roots: [u32; 2],
    /// The first number of a state that follows from words.
    pub states: u32,
}

/// An edge that has no place yet.
struct Pending<'a> {
    parent: StateId,
    word: &'a str,
    /// The string of a long word.
    string: u32,
    leads: Leads,
}

/// Where an edge leads, by the automaton's own numbers.
#[derive(Clone, Copy)]
enum Leads {
    State(StateId, Said),
    Leaf(Said),
    Block(u32, Said),
    Posting(u32),
}

/// The set of an edge, and the bits of its info that do not depend on where it leads.
#[derive(Clone, Copy)]
struct Said {
    set: u32,
    flags: u32,
}

/// Writes the sections.
///
/// # Errors
/// [`EmitError::TooLarge`] and [`EmitError::Placement`].
pub fn write(
    policy: &Policy,
    automaton: &Automaton,
    sections: &mut Sections,
    strings: &mut Strings,
) -> Result<Written, EmitError> {
    write_sets(policy, automaton, sections)?;
    let mut pending = edges(policy, automaton);
    // The columns of blocks come after the roots; every other state's number follows from words.
    let mut numbers: Vec<u32> = vec![NONE; automaton.states as usize];
    let mut states = table::ROOTS;
    for root in [LITERAL, FOLDED] {
        numbers[root as usize] = root;
    }
    for (number, block) in (0u32..).zip(&automaton.blocks) {
        for column in (block.column..).take(block.columns.len()) {
            numbers[column as usize] = states;
            states += 1;
        }
        write_block(number, block, &numbers, automaton, sections, &mut pending)?;
    }
    let mut longest = 0;
    for Pending { string, word, .. } in &mut pending {
        longest = longest.max(word.len());
        if word.len() > SHORT {
            *string = strings.intern(word)?;
        }
    }
    let (seeds, roots) = place(&mut pending, &Numbers { numbers, states }, sections)?;
    let longest = u32::try_from(longest).map_err(|_| EmitError::TooLarge("bytes in a word"))?;
    let root_blocks = [LITERAL, FOLDED].map(|root| automaton.block(root).unwrap_or(NONE));
    Ok(Written { seeds, longest, root_blocks, roots, states })
}

fn write_sets(policy: &Policy, automaton: &Automaton, sections: &mut Sections) -> Result<(), EmitError> {
    for (number, set) in automaton.sets.iter().enumerate() {
        let record = match *set.rules {
            [] => [0, 0],
            [only] => [set.parent, only | Sets::SINGLE],
            _ => [set.parent, sections.count(SectionId::Members)?],
        };
        debug_assert!(number == 0 || !set.rules.is_empty(), "a set without rules of its own");
        sections.push(SectionId::Sets, record);
        if set.rules.len() > 1 {
            sections.push(SectionId::Members, [set.rules.len() as u32]);
            for &rule in &set.rules {
                sections.push(SectionId::Members, [rule]);
            }
        }
    }
    // The highest bit of a set's number says that it is a single rule.
    if sections.count(SectionId::Members)? >= Sets::SINGLE
        || policy.rules.len() + policy.placements.len() >= Sets::SINGLE as usize
    {
        return Err(EmitError::TooLarge("rules"));
    }
    Ok(())
}

/// The strictest guard of each set, and whether it has an allow; ancestors included.
fn summaries(policy: &Policy, automaton: &Automaton) -> Vec<u32> {
    let mut summaries: Vec<u32> = Vec::with_capacity(automaton.sets.len());
    for set in &automaton.sets {
        let (mut guard, mut allow) =
            summaries.get(set.parent as usize).map_or((0, 0), |s| (s & 3, s & Info::ALLOW));
        for &rule in &set.rules {
            match policy.rules.get(rule as usize).map(|rule| rule.decision) {
                Some(Decision::Allow) => allow = Info::ALLOW,
                Some(Decision::Prompt) => guard = guard.max(1),
                Some(Decision::Forbidden) => guard = 2,
                // It places, and decides nothing.
                None => {}
            }
        }
        summaries.push(guard | allow);
    }
    summaries
}

/// The edges of the automaton, without those of the literal root that the folded root has too.
fn edges<'a>(policy: &Policy, automaton: &'a Automaton) -> Vec<Pending<'a>> {
    let summaries = summaries(policy, automaton);
    let walker: Walker<'_> = automaton.root_walker();
    let mut pending = Vec::with_capacity(automaton.edges.len());
    for edge in &automaton.edges {
        let shared = automaton.is_shared(&walker, edge);
        if shared && edge.parent == LITERAL {
            continue;
        }
        let flags = if edge.exact { Info::EXACT } else { 0 } | if shared { Info::SHARED } else { 0 };
        let said = Said { set: edge.set, flags: summaries[edge.set as usize] | flags };
        let leads = match edge.target {
            Target::Leaf => Leads::Leaf(said),
            Target::State(state) => match automaton.block(state) {
                Some(block) => Leads::Block(block, said),
                None => Leads::State(state, said),
            },
        };
        pending.push(Pending {
            parent: edge.parent,
            word: automaton.symbols.word(edge.word),
            string: 0,
            leads,
        });
    }
    pending
}

fn write_block<'a>(
    number: u32,
    block: &Block,
    numbers: &[u32],
    automaton: &'a Automaton,
    sections: &mut Sections,
    pending: &mut Vec<Pending<'a>>,
) -> Result<(), EmitError> {
    let first_rule = sections.count(SectionId::BlockRules)?;
    let ends = sections.count(SectionId::Postings)?;
    let rules = u32::try_from(block.rules.len()).map_err(|_| EmitError::TooLarge("rules"))?;
    let columns = u32::try_from(block.columns.len()).map_err(|_| EmitError::TooLarge("words"))?;
    let record_of = block::Block {
        column: numbers[block.column as usize],
        columns,
        first_rule,
        rules,
        depth: block.depth,
        ends,
    };
    sections.push(SectionId::Blocks, record_of.numbers());
    for &rule in &block.rules {
        sections.push(SectionId::BlockRules, [rule]);
    }
    for places in &block.ends {
        write_posting(number, block.rules.len(), places, sections)?;
    }
    // Alternatives that the same rules accept share a posting.
    let mut known: HashMap<&[u32], u32> = HashMap::new();
    for (state, column) in (block.column..).zip(&block.columns) {
        for (&word, places) in column {
            let posting = match known.get(places.as_slice()) {
                Some(&posting) => posting,
                None => {
                    let posting = write_posting(number, block.rules.len(), places, sections)?;
                    known.insert(places, posting);
                    posting
                }
            };
            let word = automaton.symbols.word(word);
            pending.push(Pending { parent: state, word, string: 0, leads: Leads::Posting(posting) });
        }
    }
    Ok(())
}

fn write_posting(
    block: u32,
    rules: usize,
    places: &[u32],
    sections: &mut Sections,
) -> Result<u32, EmitError> {
    let number = sections.count(SectionId::Postings)?;
    let start = sections.count(SectionId::PostingData)?;
    let bitmap = rules.div_ceil(64) * 2;
    let dense = if bitmap < places.len() { DENSE } else { 0 };
    if start >= DENSE || number >= Info::LIMIT {
        return Err(EmitError::TooLarge("postings"));
    }
    sections.push(SectionId::Postings, [block, start | dense]);
    if dense == 0 {
        for &place in places {
            sections.push(SectionId::PostingData, [place]);
        }
    } else {
        let mut pieces = vec![0u32; bitmap];
        for &place in places {
            pieces[place as usize / 32] |= 1 << (place % 32);
        }
        for piece in pieces {
            sections.push(SectionId::PostingData, [piece]);
        }
    }
    Ok(number)
}

/// The numbers of the states that do not follow from words; [`NONE`] for the others.
struct Numbers {
    numbers: Vec<u32>,
    /// How many there are.
    states: u32,
}

/// Finds seeds and pilots under which every edge has a slot of its own, and writes them: first
/// those of the roots, whose numbers of slots and pilots are returned, then the others.
fn place(
    pending: &mut [Pending<'_>],
    numbers: &Numbers,
    sections: &mut Sections,
) -> Result<(Seeds, [u32; 2]), EmitError> {
    let content = content(pending, sections);
    // The order of the states' making is kept, in which a state's first edge comes before those that leave it.
    pending.sort_by_key(|pending| !table::is_root(pending.parent));
    let roots = pending.partition_point(|pending| table::is_root(pending.parent));
    for attempt in 0..ATTEMPTS {
        let mut hasher = blake3::Hasher::new_keyed(&content);
        hasher.update(&attempt.to_le_bytes());
        let digest = hasher.finalize();
        let halves = digest.as_bytes().as_chunks::<8>().0;
        let seeds = [u64::from_le_bytes(halves[0]), u64::from_le_bytes(halves[1])];
        let (edges, jumps) = number(pending, numbers, seeds)?;
        let (roots, inner) = edges.split_at(roots);
        let Some((mut slots, mut pilots)) = part(roots, seeds) else { continue };
        let Some((more_slots, more_pilots)) = part(inner, seeds) else { continue };
        let too_large = |_| EmitError::TooLarge("programs");
        let root_slots = u32::try_from(slots.len() / table::EDGE).map_err(too_large)?;
        let root_pilots = u32::try_from(pilots.len()).map_err(too_large)?;
        slots.extend(more_slots);
        pilots.extend(more_pilots);
        *sections.get(SectionId::Edges) = slots;
        *sections.get(SectionId::Pilots) = pilots.into_iter().flat_map(u16::to_le_bytes).collect();
        for jump in jumps {
            sections.push(SectionId::Jumps, jump);
        }
        return Ok((seeds, [root_slots, root_pilots]));
    }
    Err(EmitError::Placement)
}

/// The edges as they are stored, and the jumps.
///
/// A state has the number that follows from its first edge, and its other edges lead to it by a jump; so does
/// the first if the number is another's.
fn number(
    pending: &[Pending<'_>],
    given: &Numbers,
    seeds: Seeds,
) -> Result<(Vec<Edge>, Vec<[u32; 2]>), EmitError> {
    let mut numbers = given.numbers.clone();
    let mut taken: HashSet<u32> = HashSet::with_capacity(pending.len() / 2);
    let mut spare = given.states..NONE;
    let mut jumps: Vec<[u32; 2]> = Vec::new();
    let mut known: HashMap<[u32; 3], u32> = HashMap::new();
    let mut jump = |kind: Kind, said: Said, target: u32| {
        let number = *known.entry([kind as u32, said.set, target]).or_insert_with(|| {
            jumps.push([said.set, target]);
            jumps.len() as u32 - 1
        });
        Info::new(said.flags, kind, number)
    };
    let mut edges = Vec::with_capacity(pending.len());
    for Pending { parent, word, string, leads } in pending {
        let key = Key::of(word.as_bytes(), seeds);
        // Breadth first, so it has one.
        let parent = numbers[*parent as usize];
        debug_assert!(parent != NONE, "a state without a number");
        let info = match *leads {
            Leads::State(state, said) => {
                let next = Spot::new(parent, key.hash(seeds)).next();
                let number = &mut numbers[state as usize];
                let free = *number == NONE && next >= given.states && next != NONE;
                if free && taken.insert(next) {
                    *number = next;
                    Info::new(said.flags, Kind::Next, said.set)
                } else {
                    if *number == NONE {
                        let spare = spare.find(|&spare| taken.insert(spare));
                        *number = spare.ok_or(EmitError::TooLarge("states"))?;
                    }
                    jump(Kind::Jump, said, *number)
                }
            }
            Leads::Leaf(said) => Info::new(said.flags, Kind::Leaf, said.set),
            Leads::Block(block, said) => jump(Kind::Block, said, block),
            Leads::Posting(posting) => Info::new(0, Kind::Posting, posting),
        };
        edges.push(Edge { parent, info, string: *string, key });
    }
    if jumps.len() >= Info::LIMIT as usize {
        return Err(EmitError::TooLarge("alternatives"));
    }
    Ok((edges, jumps))
}

/// The slots and pilots of some edges under these seeds, if they can all be placed.
fn part(edges: &[Edge], seeds: Seeds) -> Option<(Vec<u8>, Vec<u16>)> {
    let spots: Vec<Spot> = edges.iter().map(|edge| Spot::new(edge.parent, edge.key.hash(seeds))).collect();
    let (pilots, slots, count) = pilots(&spots)?;
    let mut bytes = Edge::EMPTY.repeat(count);
    for (edge, slot) in edges.iter().zip(slots) {
        bytes[slot * table::EDGE..(slot + 1) * table::EDGE].copy_from_slice(&edge.write());
    }
    Some((bytes, pilots))
}

/// A digest of all that the seeds depend on.
fn content(pending: &[Pending<'_>], sections: &Sections) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for section in sections.required() {
        hasher.update(&(section.len() as u64).to_le_bytes()).update(section);
    }
    for Pending { parent, word, leads, .. } in pending {
        let leads = match *leads {
            Leads::State(state, Said { set, flags }) => [0, state, set, flags],
            Leads::Leaf(Said { set, flags }) => [1, 0, set, flags],
            Leads::Block(block, Said { set, flags }) => [2, block, set, flags],
            Leads::Posting(posting) => [3, posting, 0, 0],
        };
        for number in [*parent].iter().chain(&leads) {
            hasher.update(&number.to_le_bytes());
        }
        hasher.update(&(word.len() as u64).to_le_bytes()).update(word.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// For each bucket the smallest pilot that sends all its edges to free slots, the fullest buckets first; and
/// the slot of each edge. `None` if some bucket has no such pilot.
fn pilots(spots: &[Spot]) -> Option<(Vec<u16>, Vec<usize>, usize)> {
    let count = spots.len() + spots.len() / 20 + 1;
    let buckets = (spots.len() / 4).next_power_of_two().max(2);
    let shift = table::bucket_shift(buckets);
    let mut order: Vec<(usize, usize)> =
        (0..).zip(spots).map(|(at, spot)| (spot.bucket(shift), at)).collect();
    order.sort_unstable();
    let mut runs: Vec<&[(usize, usize)]> = order.chunk_by(|a, b| a.0 == b.0).collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
    let mut pilots = vec![1u16; buckets];
    let mut taken = vec![false; count];
    let mut slots = vec![0; spots.len()];
    let mut tried = Vec::new();
    for run in runs {
        let pilot = (1..=u16::MAX).find(|&pilot| {
            tried.clear();
            run.iter().all(|&(_, at)| {
                let slot = spots[at].slot(pilot, count);
                let free = !taken[slot] && !tried.contains(&slot);
                tried.push(slot);
                free
            })
        })?;
        pilots[run[0].0] = pilot;
        for (&(_, at), &slot) in run.iter().zip(&tried) {
            taken[slot] = true;
            slots[at] = slot;
        }
    }
    Some((pilots, slots, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_gets_a_slot_of_its_own() {
        for len in [0usize, 1, 2, 7, 100, 5000] {
            let hash = |at: u32| {
                u64::from_le_bytes(*blake3::hash(&at.to_le_bytes()).as_bytes().first_chunk().unwrap())
            };
            // Some words at few states, and few words at many.
            let spots: Vec<Spot> = (0..len as u32).map(|at| Spot::new(at % 5, hash(at / 3))).collect();
            let (_, mut slots, count) = pilots(&spots).unwrap();
            slots.sort_unstable();
            slots.dedup();
            assert_eq!(slots.len(), len);
            assert!(slots.iter().all(|&slot| slot < count));
        }
    }

    #[test]
    fn equal_hashes_cannot_be_placed() {
        assert_eq!(pilots(&[Spot::new(2, 7); 2]), None);
    }
}
