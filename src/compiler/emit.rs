//! In: a [`CheckedPolicy`] and its [`Automaton`]. Out: the bytes of an artifact.
//! Not here: whether the bytes say the same as the policy (`verify.rs`), and any file.
//!
//! The bytes depend on the sources' names and texts and on the compiler's version, and on nothing
//! else: no clock, no machine, no directory, no order of any hash map.

pub mod bwrap;
pub mod codex;
pub mod landlock;
pub mod oci;
pub mod records;
pub mod seatbelt;
#[cfg(target_os = "linux")]
pub mod seccomp;
pub mod sections;
pub mod srt;
pub mod strings;
pub mod table;

use crate::check::CheckedPolicy;
use crate::lower::Automaton;
use crate::lower::targets::{Finding, Kept};
use execpolicy_profile::Profile;
use execpolicy_runtime::wire::{self, SectionId};

pub use sections::{EmitError, Sections};

/// The name of this compiler in what it writes.
pub const COMPILER: &str = concat!("execpolicy ", env!("CARGO_PKG_VERSION"));

/// What an emitter for another tool has written.
#[derive(Clone, Debug)]
pub struct Emitted<'p> {
    /// The file.
    pub bytes: Vec<u8>,
    /// What it does not enforce exactly.
    pub gaps: Vec<Finding<'p>>,
    /// Whether the file says its gaps itself; else they belong beside it, since the format has no comments.
    pub says_gaps: bool,
}

/// The gaps of a text, a line for each kind, for comments and for a file beside one that cannot have any.
#[must_use]
pub fn gap_lines(gaps: &[Finding<'_>]) -> Vec<String> {
    /// How many statements a line names.
    const MOST: usize = 6;
    let mut kinds: Vec<(String, &str, Vec<String>)> = Vec::new();
    for gap in gaps {
        let side = match gap.kept {
            Kept::Weaker => "weaker",
            Kept::Stricter => "stricter",
            Kept::AsPromised => "in part",
        };
        let head = format!("{} {side}{}", gap.code, if gap.accepted { ", accepted" } else { "" });
        let said = format!("{} ({}:{})", gap.statement, gap.origin.file, gap.origin.line);
        match kinds.iter_mut().find(|(known, instead, _)| *known == head && *instead == gap.instead) {
            Some((_, _, list)) if list.contains(&said) => {}
            Some((_, _, list)) => list.push(said),
            None => kinds.push((head, gap.instead, vec![said])),
        }
    }
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    let line = |(head, instead, list): &(String, &str, Vec<String>)| {
        let shown = list.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
        let more = list.len().saturating_sub(MOST);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        visible(&format!("{head}: {instead}: {shown}{more}"))
    };
    kinds.iter().map(line).collect()
}

/// A text on one line, for a comment: whatever could end or hide the line is made visible.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// A value as JSON, indented, with a line break at its end; members keep their order, so that the same values give the same bytes.
#[must_use]
pub fn json(value: &serde_json::Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// What a profile is called in a heading.
#[must_use]
pub fn heading(profile: &Profile) -> String {
    visible(&format!(
        "profile {} ({}:{}), written by {COMPILER}",
        profile.name, profile.origin.file, profile.origin.line
    ))
}

/// Writes an artifact.
///
/// # Errors
/// [`EmitError::TooLarge`] beyond 4 GiB, [`EmitError::Placement`] if no seed gives every edge a
/// slot; neither happens to policies that people write.
pub fn emit(checked: &CheckedPolicy, automaton: &Automaton) -> Result<Vec<u8>, EmitError> {
    let mut sections = Sections::default();
    let mut strings = strings::Strings::default();
    let compiler = strings.intern(COMPILER)?;
    records::write(checked, &mut sections, &mut strings)?;
    let table = table::write(checked.policy(), automaton, &mut sections, &mut strings)?;
    strings.write(&mut sections);
    sections.add(SectionId::Tools, checked.policy().tools.compact().into_bytes());
    let profiles = &checked.policy().profiles;
    if profiles.iter().len() > 0 {
        sections.add(SectionId::Profiles, profiles.encode().ok_or(EmitError::TooLarge("profiles"))?);
        sections.add(SectionId::Order, profiles.encode_order());
    }

    let count = sections.iter().count();
    let features = sections.iter().fold(0, |bits, (id, _)| bits | id.feature());
    let table_end = wire::HEADER + count * wire::TABLE_LINE;
    let start = table_end.next_multiple_of(wire::ALIGNMENT);
    let len = start + sections.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(&wire::MAGIC);
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&wire::FORMAT.to_le_bytes());
    bytes.extend_from_slice(&wire::BYTE_ORDER.to_le_bytes());
    bytes.extend_from_slice(&features.to_le_bytes());
    bytes.extend_from_slice(&(len as u64).to_le_bytes());
    bytes.extend_from_slice(&[0; 32]);
    for seed in table.seeds {
        bytes.extend_from_slice(&seed.to_le_bytes());
    }
    let [literal_block, folded_block] = table.root_blocks;
    let [root_slots, root_pilots] = table.roots;
    for number in [
        table.states,
        table.longest,
        literal_block,
        folded_block,
        compiler,
        root_slots,
        root_pilots,
        count as u32,
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    let mut at = start;
    for (id, section) in sections.iter() {
        for number in [id as usize, at, section.len()] {
            let number = u32::try_from(number).map_err(|_| EmitError::TooLarge("bytes"))?;
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        at += section.len();
    }
    u32::try_from(at).map_err(|_| EmitError::TooLarge("bytes"))?;
    bytes.resize(start, 0);
    for (_, section) in sections.iter() {
        bytes.extend_from_slice(section);
    }
    seal(&mut bytes);
    Ok(bytes)
}

/// Writes the digest and the checksum of everything else into the header. Public for tests that
/// change an artifact on purpose.
pub fn seal(bytes: &mut [u8]) {
    if bytes.len() < wire::DIGESTED_FROM {
        return;
    }
    let digest = blake3::hash(&bytes[wire::DIGESTED_FROM..]);
    bytes[32..64].copy_from_slice(digest.as_bytes());
    let checksum = wire::checksum(bytes);
    bytes[8..16].copy_from_slice(&checksum.to_le_bytes());
}
