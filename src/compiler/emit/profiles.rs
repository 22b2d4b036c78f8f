//! In: [`Profiles`]. Out: the sections about profiles: the bytes that `Profiles::from_bytes` and
//! `Order::from_bytes` of `execpolicy_profile` read; their layouts are written down there.
//! Not here: the container, and anything of one target.
//!
//! The same profiles give the same bytes: everything is in the order of the sorted input. Lists that are equal are
//! written once, which is what keeps four variants of a profile cheap.

use super::{EmitError, Sections};
use crate::policy::placement::within;
use crate::policy::profile::{EnvAction, Host, Origin, Place, Profiles, Resolved, Root};
use execpolicy_runtime::wire::SectionId;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Writes the sections, if there are profiles.
///
/// # Errors
/// [`EmitError::TooLarge`] beyond 4 GiB.
pub fn write(profiles: &Profiles, sections: &mut Sections) -> Result<(), EmitError> {
    if profiles.iter().next().is_none() {
        return Ok(());
    }
    sections.add(SectionId::Profiles, encode(profiles).ok_or(EmitError::TooLarge("profiles"))?);
    sections.add(SectionId::Order, order(profiles));
    Ok(())
}

/// For each two names whether all that the first allows is allowed by the second, on every platform and in
/// every phase.
#[must_use]
pub fn order(profiles: &Profiles) -> Vec<u8> {
    let names: Vec<&str> = profiles.names().collect();
    let mut bits = vec![0; (names.len() * names.len()).div_ceil(8)];
    let pairs = names.iter().flat_map(|narrow| names.iter().map(move |wide| (narrow, wide)));
    for (at, (narrow, wide)) in pairs.enumerate() {
        if within(profiles, narrow, wide) {
            bits[at / 8] |= 1 << (at % 8);
        }
    }
    bits
}

/// Writes the section of the profiles themselves. `None` if it would not fit into 4 GiB.
#[must_use]
pub fn encode(profiles: &Profiles) -> Option<Vec<u8>> {
    let mut pool = Pool::default();
    let mut lists = Pool::default();
    let mut heads = Vec::new();
    let count = profiles.iter().count();
    let head_bytes = count.checked_mul(HEAD)?;
    let first_list = PREAMBLE.checked_add(head_bytes)?;
    for profile in profiles.iter() {
        head(profile, first_list, &mut heads, &mut lists, &mut pool)?;
    }
    let mut preamble = Vec::new();
    match profiles.default_profile() {
        Some(default) => {
            number(&mut preamble, 1)?;
            pool.text(&mut preamble, &default.name)?;
            pool.origin(&mut preamble, Some(&default.origin))?;
        }
        None => {
            number(&mut preamble, 0)?;
            pool.text(&mut preamble, "")?;
            pool.origin(&mut preamble, None)?;
        }
    }
    number(&mut preamble, count)?;
    let pool_offset = first_list.checked_add(lists.bytes.len())?;
    let length = pool_offset.checked_add(pool.bytes.len())?;
    let mut out = Vec::with_capacity(length);
    number(&mut out, length)?;
    number(&mut out, pool_offset)?;
    number(&mut out, pool.bytes.len())?;
    out.extend(preamble);
    out.extend(heads);
    out.extend(lists.bytes);
    out.extend(pool.bytes);
    debug_assert_eq!(out.len(), length);
    Some(out)
}

/// As in `section.rs` of the runtime, which refuses anything else.
const HEAD: usize = 8 + 1 + 1 + 16 + 1 + 1 + 16 + 9 * 8;
const PREAMBLE: usize = 12 + 4 + 8 + 16 + 4;

/// Byte strings, each written once.
#[derive(Default)]
struct Pool {
    bytes: Vec<u8>,
    known: BTreeMap<Vec<u8>, usize>,
}

impl Pool {
    fn add(&mut self, bytes: &[u8]) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        if let Some(at) = self.known.get(bytes) {
            return *at;
        }
        let at = self.bytes.len();
        self.bytes.extend(bytes);
        self.known.insert(bytes.to_vec(), at);
        at
    }

    fn text(&mut self, out: &mut Vec<u8>, text: &str) -> Option<()> {
        let at = self.add(text.as_bytes());
        number(out, at)?;
        number(out, text.len())
    }

    fn origin(&mut self, out: &mut Vec<u8>, origin: Option<&Origin>) -> Option<()> {
        let (file, line, column) =
            origin.map_or(("", 0, 0), |origin| (&origin.file, origin.line, origin.column));
        self.text(out, file)?;
        out.extend(line.to_le_bytes());
        out.extend(column.to_le_bytes());
        Some(())
    }

    fn place(&mut self, out: &mut Vec<u8>, place: &Place) -> Option<()> {
        out.push(place.root as u8);
        self.text(out, &place.rest)
    }
}

fn number(out: &mut Vec<u8>, value: usize) -> Option<()> {
    out.extend(u32::try_from(value).ok()?.to_le_bytes());
    Some(())
}

fn head(p: &Resolved, first_list: usize, out: &mut Vec<u8>, lists: &mut Pool, pool: &mut Pool) -> Option<()> {
    pool.text(out, &p.name)?;
    out.push(p.phase as u8);
    out.push(p.platform as u8);
    pool.origin(out, Some(&p.origin))?;
    out.push(p.network.mode as u8);
    out.push(u8::from(p.network.origin.is_some()));
    pool.origin(out, p.network.origin.as_ref())?;
    let mut write = |records: Vec<u8>, count: usize| {
        let at = if records.is_empty() { 0 } else { first_list.checked_add(lists.add(&records))? };
        number(out, at)?;
        number(out, count)
    };
    let mut bytes = Vec::new();
    for rule in &p.paths {
        pool.place(&mut bytes, &rule.place)?;
        bytes.push(rule.access as u8);
        pool.origin(&mut bytes, Some(&rule.origin))?;
    }
    write(std::mem::take(&mut bytes), p.paths.len())?;
    for rule in &p.globs {
        pool.place(&mut bytes, &rule.place)?;
        pool.text(&mut bytes, &rule.pattern)?;
        bytes.push(rule.access as u8);
        pool.origin(&mut bytes, Some(&rule.origin))?;
    }
    write(std::mem::take(&mut bytes), p.globs.len())?;
    for rule in &p.protects {
        pool.text(&mut bytes, &rule.name)?;
        bytes.push(rule.missing as u8);
        pool.origin(&mut bytes, Some(&rule.origin))?;
    }
    write(std::mem::take(&mut bytes), p.protects.len())?;
    for rule in &p.network.hosts {
        bytes.push(u8::from(rule.allow));
        host(&mut bytes, &rule.host, pool)?;
        bytes.extend(rule.first_port.to_le_bytes());
        bytes.extend(rule.last_port.to_le_bytes());
        pool.origin(&mut bytes, Some(&rule.origin))?;
    }
    write(std::mem::take(&mut bytes), p.network.hosts.len())?;
    for rule in &p.env {
        pool.text(&mut bytes, &rule.pattern)?;
        let (kind, value) = match &rule.action {
            EnvAction::Pass => (0, ""),
            EnvAction::Deny => (1, ""),
            EnvAction::Set(value) => (2, value.as_str()),
        };
        bytes.push(kind);
        pool.text(&mut bytes, value)?;
        pool.origin(&mut bytes, Some(&rule.origin))?;
    }
    write(std::mem::take(&mut bytes), p.env.len())?;
    for rule in &p.limits {
        bytes.push(rule.kind as u8);
        bytes.extend(rule.value.to_le_bytes());
        pool.origin(&mut bytes, Some(&rule.origin))?;
    }
    write(std::mem::take(&mut bytes), p.limits.len())?;
    for rule in &p.syscalls {
        pool.text(&mut bytes, &rule.name)?;
        pool.origin(&mut bytes, Some(&rule.origin))?;
    }
    write(std::mem::take(&mut bytes), p.syscalls.len())?;
    for rule in &p.features {
        bytes.push(rule.feature as u8);
        bytes.push(rule.stance as u8);
        pool.origin(&mut bytes, Some(&rule.origin))?;
    }
    write(std::mem::take(&mut bytes), p.features.len())?;
    for rule in &p.mach {
        pool.text(&mut bytes, &rule.name)?;
        pool.origin(&mut bytes, Some(&rule.origin))?;
    }
    write(bytes, p.mach.len())
}

/// Kind, family, prefix, sixteen bytes of address, and a place, which holds the name of a host that has one.
fn host(out: &mut Vec<u8>, host: &Host, pool: &mut Pool) -> Option<()> {
    let (kind, family, prefix) = match host {
        Host::Name(_) => (0, 0, 0),
        Host::Below(_) => (1, 0, 0),
        Host::Net { address, prefix } => (2, if address.is_ipv4() { 4 } else { 6 }, *prefix),
        Host::Socket(_) => (3, 0, 0),
    };
    out.extend([kind, family, prefix]);
    let mut bits = [0; 16];
    match host {
        Host::Net { address: IpAddr::V4(v4), .. } => bits[..4].copy_from_slice(&v4.octets()),
        Host::Net { address: IpAddr::V6(v6), .. } => bits = v6.octets(),
        _ => {}
    }
    out.extend(bits);
    match host {
        Host::Name(name) | Host::Below(name) => pool.place(out, &Place::new(Root::Absolute, name.as_str())),
        Host::Net { .. } => pool.place(out, &Place::new(Root::Absolute, "")),
        Host::Socket(place) => pool.place(out, place),
    }
}
