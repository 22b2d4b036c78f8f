//! In: a checked policy. Out: the sections about rules, hosts, networks and sources.
//! Not here: the automaton (`table.rs`).

use super::sections::{EmitError, Sections};
use super::strings::Strings;
use crate::check::CheckedPolicy;
use crate::policy::Pattern;
use crate::source::{SourceMap, Span, Spanned};
use execpolicy_runtime::Decision;
use execpolicy_runtime::record::{HeadsField, HostRecord, NetworkRecord, RuleRecord, SOURCES, SourceRecord};
use execpolicy_runtime::wire::{NONE, SectionId};
use std::collections::BTreeMap;

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
        write_rule(place.justification, &place, Some(rule.decision), &rule.pattern, sections, strings)?;
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
        write_rule(profile, &place, None, &rule.pattern, sections, strings)?;
    }
    // For one name the last entry counts, so only that one is written; sorted for the search.
    let hosts: BTreeMap<&str, _> = policy.hosts.iter().map(|host| (&*host.name.value, host)).collect();
    for (name, host) in hosts {
        let host_record =
            HostRecord { name: strings.intern(name)?, first_path: sections.count(SectionId::Paths)? };
        sections.append(SectionId::Hosts, &host_record.write());
        for path in &host.paths {
            let string = strings.intern(&path.value)?;
            sections.push(SectionId::Paths, [string]);
        }
    }
    for network in &policy.networks {
        let place = place(sources, network.span, strings, network.justification.as_ref())?;
        let record = NetworkRecord {
            host: strings.intern(&network.host.value)?,
            justification: place.justification,
            line: place.line,
            source: place.source,
            protocol: network.protocol as u8,
            decision: network.decision,
        };
        sections.append(SectionId::Networks, &record.write());
    }
    for (_, source) in sources.iter() {
        let digest = blake3::hash(source.text().as_bytes());
        let record = SourceRecord { name: strings.intern(source.name())?, digest: digest.as_bytes() };
        sections.append(SectionId::Sources, &record.write());
    }
    Ok(())
}

/// Appends the record of a rule: what is its own, then what its pattern says.
fn write_rule(
    subject: u32,
    place: &Place,
    decision: Option<Decision>,
    pattern: &Pattern,
    sections: &mut Sections,
    strings: &mut Strings,
) -> Result<(), EmitError> {
    let depth = u32::try_from(pattern.tokens.len()).map_err(|_| EmitError::TooLarge("words"))?;
    let heads = pattern.tokens.first().map_or(&[][..], |token| &token.alternatives);
    let field = match heads {
        [only] => HeadsField::One(strings.intern(&only.value)?),
        _ => HeadsField::List(sections.count(SectionId::Heads)?),
    };
    let record =
        RuleRecord { subject, line: place.line, source: place.source, decision, depth, heads: field };
    sections.append(SectionId::Rules, &record.write());
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
    let source = u32::try_from(span.source.index()).ok().filter(|&source| source < SOURCES);
    Ok(Place {
        source: source.ok_or(EmitError::TooLarge("sources"))?,
        line: sources.position(span).line,
        justification: justification.map_or(Ok(NONE), |text| strings.intern(&text.value))?,
    })
}
