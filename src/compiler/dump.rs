//! In: the bytes of an artifact. Out: a text that people and tests can read: what each section says.
//! Not here: any decision, and the sources (an artifact does not hold the patterns as written).

use crate::policy::profile::Profiles;
use crate::policy::tools::Tools;
use execpolicy_profile::{Phase, Platform, Profile};
use execpolicy_runtime::table::{Edge, FOLDED, LITERAL, ROOTS, Target};
use execpolicy_runtime::{Artifact, LoadError};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write};

/// Describes an artifact: provenance, sections, rules, hosts, networks, and the automaton edge by
/// edge, in an order that does not depend on where the edges are placed.
///
/// # Errors
/// As [`Artifact::from_bytes`].
pub fn dump(bytes: &[u8]) -> Result<String, LoadError> {
    let policy = Artifact::from_bytes(bytes)?;
    let extents = Artifact::extents(bytes)?;
    let mut text = String::new();
    let written = header(&mut text, &policy, bytes.len())
        .and_then(|()| {
            text.push_str("\nsections\n");
            extents.iter().try_for_each(|(id, start, len)| {
                let records = len / id.record().max(1);
                writeln!(text, "  {:<13} {records:>8} records  {len:>9} bytes at {start}", id.name())
            })
        })
        .and_then(|()| records(&mut text, &policy))
        .and_then(|()| profiles(&mut text, &policy))
        .and_then(|()| tools(&mut text, &policy))
        .and_then(|()| automaton(&mut text, &policy));
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    Ok(text)
}

fn header(text: &mut String, policy: &Artifact<'_>, len: usize) -> fmt::Result {
    writeln!(text, "format     {}", policy.format())?;
    writeln!(text, "compiler   {}", policy.compiler())?;
    writeln!(text, "digest     {}", hex(policy.digest()))?;
    writeln!(text, "bytes      {len}")?;
    text.push_str("\nsources\n");
    for source in policy.sources() {
        writeln!(text, "  {}  {}", hex(source.digest), source.name)?;
    }
    Ok(())
}

fn records(text: &mut String, policy: &Artifact<'_>) -> fmt::Result {
    text.push_str("\nrules\n");
    for (number, rule) in (0..).map_while(|number| policy.rule(number).map(|rule| (number, rule))) {
        let heads: Vec<_> = policy.heads(&rule).map(|head| format!("{head:?}")).collect();
        let (decision, words, heads) = (rule.decision.as_str(), rule.depth, heads.join(" | "));
        write!(text, "  {number:<5} {decision:<9} {heads} +{} at {}:{}", words - 1, rule.source, rule.line)?;
        justification(text, rule.justification)?;
    }
    if policy.hosts().next().is_some() {
        text.push_str("\nhost executables\n");
    }
    for (name, paths) in policy.hosts() {
        let paths: Vec<_> = paths.iter().map(|path| format!("{path:?}")).collect();
        writeln!(
            text,
            "  {name:?} at {}",
            if paths.is_empty() { "nowhere".to_owned() } else { paths.join(", ") }
        )?;
    }
    if policy.networks().next().is_some() {
        text.push_str("\nnetworks\n");
    }
    for network in policy.networks() {
        let protocol = ["http", "https", "socks5-tcp", "socks5-udp"][usize::from(network.protocol & 3)];
        let (decision, host, source) = (network.decision.as_str(), network.host, network.source);
        write!(text, "  {decision:<9} {protocol} {host} at {source}:{}", network.line)?;
        justification(text, network.justification)?;
    }
    Ok(())
}

/// Every profile as statements: the commands' phase on Linux in full, the other variants by what they
/// have more (`+`) and less (`-`).
fn profiles(text: &mut String, policy: &Artifact<'_>) -> fmt::Result {
    let Some(read) = policy.profiles() else { return Ok(()) };
    let profiles = Profiles::from(read);
    text.push_str("\nprofiles\n");
    let default = policy.default_profile().unwrap_or_default();
    match read.default() {
        Some(said) => writeln!(text, "  default {default} at {}:{}", said.origin.file, said.origin.line)?,
        None => writeln!(text, "  default {default} (nothing is said)")?,
    }
    let names: Vec<&str> = read.names().collect();
    for (number, name) in names.iter().enumerate() {
        let wider =
            names.iter().enumerate().filter(|(wide, _)| *wide != number && policy.within(number, *wide));
        let wider: Vec<&str> = wider.map(|(_, name)| *name).collect();
        writeln!(text, "  profile {name}")?;
        if !wider.is_empty() {
            writeln!(text, "    allows nothing that {} does not", wider.join(", "))?;
        }
        let Some(main) = profiles.get(name, Phase::Run, Platform::Linux) else { continue };
        let lines = statements(main);
        for line in &lines {
            writeln!(text, "    {line}")?;
        }
        for other in profiles.iter().filter(|other| *other.name == **name && *other != main) {
            let others = statements(other);
            let more = others.iter().filter(|line| !lines.contains(line)).map(|line| ('+', line));
            let less = lines.iter().filter(|line| !others.contains(line)).map(|line| ('-', line));
            let mut differences = less.chain(more).peekable();
            if differences.peek().is_some() {
                writeln!(text, "    {} on {}", other.phase.as_str(), other.platform.as_str())?;
            }
            for (sign, line) in differences {
                writeln!(text, "      {sign} {line}")?;
            }
        }
    }
    Ok(())
}

/// The facts about tools, as they are written in a file, unless they are those of this version.
fn tools(text: &mut String, policy: &Artifact<'_>) -> fmt::Result {
    let Some(facts) = policy.tools() else { return Ok(()) };
    text.push_str("\ntools\n");
    if facts == Tools::default().compact() {
        return writeln!(
            text,
            "  the built-in facts: {} lines, {} bytes",
            facts.lines().count(),
            facts.len()
        );
    }
    for line in facts.lines() {
        let indent = if line.starts_with("tool ") { "  " } else { "    " };
        writeln!(text, "{indent}{line}")?;
    }
    Ok(())
}

fn statements(profile: &Profile) -> Vec<String> {
    let said = profile.clauses().map(|(clause, origin)| match origin {
        Some(origin) => format!("{clause} at {}:{}", origin.file, origin.line),
        None => clause.to_string(),
    });
    said.collect()
}

fn justification(text: &mut String, justification: Option<&str>) -> fmt::Result {
    justification.map_or(Ok(()), |why| write!(text, ": {why:?}"))?;
    writeln!(text)
}

/// The edges of each state by their words, the states in the order in which words lead to them. The numbers that states
/// have in the artifact follow from words, and mean nothing to a reader; they are numbered anew.
fn automaton(text: &mut String, policy: &Artifact<'_>) -> fmt::Result {
    let mut edges: BTreeMap<u32, BTreeMap<String, Edge>> = BTreeMap::new();
    for edge in policy.table().edges() {
        edges.entry(edge.parent).or_default().insert(word(policy, &edge), edge);
    }
    let mut names: BTreeMap<u32, String> =
        BTreeMap::from([(LITERAL, "literal".to_owned()), (FOLDED, "folded".to_owned())]);
    let mut order = VecDeque::from([LITERAL, FOLDED]);
    let blocks = (0..).map_while(|number| Some((number, policy.blocks().get(number)?)));
    for (number, block) in blocks.clone() {
        for (at, column) in (1..).zip((block.column..).take(block.columns as usize)) {
            names.insert(column, format!("block {number} word {at}"));
        }
    }
    let columns: Vec<u32> = names.keys().copied().skip(ROOTS as usize).collect();
    let mut numbers = ROOTS..;
    text.push_str("\nautomaton\n");
    while let Some(state) = order.pop_front() {
        for (word, edge) in edges.remove(&state).unwrap_or_default() {
            let from = match edge.parent {
                FOLDED if edge.info.shared() => "both roots",
                state => names.get(&state).map_or("", |name| name),
            };
            write!(text, "  {from} {word} -> ")?;
            let mut set = match policy.table().target(policy.table().step_by(&edge)) {
                Target::State { set, state } => {
                    let name = names.entry(state).or_insert_with(|| {
                        order.push_back(state);
                        numbers.next().map_or(String::new(), |number| number.to_string())
                    });
                    text.push_str(name);
                    set
                }
                Target::Leaf { set } => {
                    text.push_str("end");
                    set
                }
                Target::Block { set, block } => {
                    write!(text, "block {block}")?;
                    set
                }
                Target::Posting(posting) => {
                    writeln!(text, "posting {posting}")?;
                    continue;
                }
            };
            let mut rules = Vec::new();
            while set != 0 {
                rules.extend(policy.sets().own(set));
                set = policy.sets().parent(set);
            }
            rules.sort_unstable();
            writeln!(text, "  rules {rules:?}")?;
        }
        if order.is_empty() {
            order.extend(columns.iter().filter(|column| edges.contains_key(column)).min());
        }
    }
    for (number, block) in blocks {
        let (rules, columns, depth) = (block.rules, block.columns, block.depth);
        writeln!(text, "  block {number}: {rules} rules after {depth} words, {columns} words long")?;
    }
    Ok(())
}

fn word(policy: &Artifact<'_>, edge: &Edge) -> String {
    let (bytes, len) = edge.key.bytes();
    let word = if edge.key.is_long() {
        policy.strings().get(edge.string).into()
    } else {
        String::from_utf8_lossy(&bytes[..len])
    };
    format!("{word:?}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
