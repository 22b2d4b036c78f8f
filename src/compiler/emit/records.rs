//! In: a checked policy. Out: the sections about rules, hosts, networks and sources.
//! Not here: the automaton (`table.rs`).

use super::strings::Strings;
use super::{EmitError, Sections};
use crate::check::CheckedPolicy;
use crate::policy::Pattern;
use crate::source::{SourceMap, Span, Spanned};
use execpolicy_runtime::Decision;
use execpolicy_runtime::wire::{NONE, SectionId};
use std::collections::BTreeMap;

/// Numbers share a field with a decision, and in networks with a protocol, so this is their limit.
const SOURCES: usize = 1 << 28;

/// The bit that says that a rule's last number is its only head.
const ONE: u32 = 1 << 31;

/// What stands in the place of a decision in the record of a rule that places.
const PLACES: u32 = 3;

/// Writes the records, in the order of the policy.
///
/// # Errors
/// [`EmitError::TooLarge`] if something cannot be numbered.
pub fn write(
    checked: &CheckedPolicy,
    sections: &mut Sections,
    strings: &mut Strings,
) -> Result<(), EmitError> {
    let (policy, sources) = (checked.policy(), checked.sources());
    for rule in &policy.rules {
        let place = place(sources, rule.span, strings, rule.justification.as_ref())?;
        let source = with_decision(place.source, rule.decision);
        write_rule([place.justification, place.line, source], &rule.pattern, sections, strings)?;
    }
    let names: Vec<&str> = policy.profiles.names().collect();
    for rule in &policy.placements {
        let place = place(sources, rule.span, strings, None)?;
        let profile = match names.binary_search(&&*rule.profile.value) {
            Ok(number) => number as u32,
            Err(_) if rule.unconfined() => NONE,
            // `check` has found every name; a rule that lost its profile would be unconfined.
            Err(_) => {
                return Err(EmitError::Wrong(vec![format!("there is no profile `{}`", rule.profile.value)]));
            }
        };
        let source = place.source | (PLACES << 30);
        write_rule([profile, place.line, source], &rule.pattern, sections, strings)?;
    }
    // For one name the last entry counts, so only that one is written; sorted for the search.
    let hosts: BTreeMap<&str, _> = policy.hosts.iter().map(|host| (&*host.name.value, host)).collect();
    for (name, host) in hosts {
        let (name, first) = (strings.intern(name)?, sections.count(SectionId::Paths)?);
        sections.push(SectionId::Hosts, [name, first]);
        for path in &host.paths {
            let string = strings.intern(&path.value)?;
            sections.push(SectionId::Paths, [string]);
        }
    }
    for network in &policy.networks {
        let place = place(sources, network.span, strings, network.justification.as_ref())?;
        let host = strings.intern(&network.host.value)?;
        let last = with_decision((place.source << 2) | network.protocol as u32, network.decision);
        sections.push(SectionId::Networks, [host, place.justification, place.line, last]);
    }
    for (_, source) in sources.iter() {
        let name = strings.intern(source.name())?;
        sections.push(SectionId::Sources, [name]);
        sections.get(SectionId::Sources).extend_from_slice(blake3::hash(source.text().as_bytes()).as_bytes());
    }
    Ok(())
}

/// Appends the record of a rule: what is its own, then what its pattern says.
fn write_rule(
    [what, line, source]: [u32; 3],
    pattern: &Pattern,
    sections: &mut Sections,
    strings: &mut Strings,
) -> Result<(), EmitError> {
    let depth = u32::try_from(pattern.tokens.len()).map_err(|_| EmitError::TooLarge("words"))?;
    let heads = pattern.tokens.first().map_or(&[][..], |token| &token.alternatives);
    let head = match heads {
        [only] => strings.intern(&only.value)? | ONE,
        _ => sections.count(SectionId::Heads)?,
    };
    sections.push(SectionId::Rules, [what, line, source, depth, head]);
    if heads.len() != 1 {
        sections.push(SectionId::Heads, [heads.len() as u32]);
        for word in heads {
            let string = strings.intern(&word.value)?;
            sections.push(SectionId::Heads, [string]);
        }
    }
    Ok(())
}

struct Place {
    source: u32,
    line: u32,
    justification: u32,
}

fn place(
    sources: &SourceMap,
    span: Span,
    strings: &mut Strings,
    justification: Option<&Spanned<String>>,
) -> Result<Place, EmitError> {
    let source = Some(span.source.index()).filter(|&source| source < SOURCES).map(|source| source as u32);
    Ok(Place {
        source: source.ok_or(EmitError::TooLarge("sources"))?,
        line: sources.position(span).line,
        justification: justification.map_or(Ok(NONE), |text| strings.intern(&text.value))?,
    })
}

const fn with_decision(number: u32, decision: Decision) -> u32 {
    number | ((decision as u32) << 30)
}
