//! In: a policy, its automaton and the finished bytes. Out: the assurance that the bytes say what
//! the policy says: translation validation, after every compile.
//! Not here: whether the examples are right (`check.rs`); here both sides must only agree.
//!
//! The bytes are loaded with the runtime's own reader. Every edge is looked up again, every record
//! read again, and every example decided again in both modes and compared with the reference
//! matcher. To keep that from being quadratic, the reference sees only the rules that name the
//! command's program: no other can match, in any mode.

use crate::check::CheckedPolicy;
use crate::lower::{Automaton, FOLDED, LITERAL, Target};
use crate::policy::program::absolute;
use crate::policy::{Policy, UNCONFINED, matches, placement};
use execpolicy_runtime as runtime;
use execpolicy_runtime::script::Decider;
use execpolicy_runtime::table;
use execpolicy_runtime::wire::{self, NONE};
use execpolicy_runtime::{Context, Mode, Scratch};
use execpolicy_shell::names::tool_name;
use std::collections::BTreeMap;

/// How many differences are told; one is enough to refuse.
const TOLD: usize = 8;

/// The contexts in which every example is decided.
pub const CONTEXTS: [Context<'static>; 3] = [
    context(Mode::Strict),
    context(Mode::Codex { resolve_host_executables: false }),
    context(Mode::Codex { resolve_host_executables: true }),
];

const fn context(mode: Mode) -> Context<'static> {
    Context { mode, cwd: Some(b"/srv/project"), home: Some(b"/home/user") }
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Edges looked up.
    pub edges: usize,
    /// Rules, hosts, networks and sources read again.
    pub records: usize,
    /// Examples decided again, each in every context.
    pub examples: usize,
}

/// Compares the bytes with the policy.
///
/// # Errors
/// Sentences that say what differs; at most a handful.
pub fn verify(checked: &CheckedPolicy, automaton: &Automaton, bytes: &[u8]) -> Result<Verified, Vec<String>> {
    let loaded = runtime::Artifact::from_bytes(bytes).map_err(|error| vec![error.to_string()])?;
    let mut faults = Vec::new();
    if digest_of(bytes) != Some(*loaded.digest()) {
        faults.push("the digest is not that of the bytes".to_owned());
    }
    let verified = Verified {
        edges: edges(automaton, &loaded, &mut faults),
        records: records(checked, &loaded, &mut faults),
        examples: examples(checked.policy(), &loaded, &mut faults) + placed(checked, &loaded, &mut faults),
    };
    faults.truncate(TOLD);
    if faults.is_empty() { Ok(verified) } else { Err(faults) }
}

/// The digest that the header of these bytes should have.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.get(wire::DIGESTED_FROM..).map(|rest| *blake3::hash(rest).as_bytes())
}

/// Every edge leads where the automaton says. The artifact's states have numbers of their own; that every edge to a
/// state leads to one number, and no other state has it, shows that they are the same states.
fn edges(automaton: &Automaton, loaded: &runtime::Artifact<'_>, faults: &mut Vec<String>) -> usize {
    let roots = automaton.root_walker();
    let mut looked_up = 0;
    let mut numbers = vec![NONE; automaton.states as usize];
    for root in 0..table::ROOTS {
        numbers[root as usize] = root;
    }
    for (number, block) in (0u32..).zip(&automaton.blocks) {
        let first = loaded.blocks().get(number).map_or(NONE, |block| block.column);
        for (column, state) in (first..NONE).zip(block.column..).take(block.columns.len()) {
            numbers[state as usize] = column;
        }
    }
    for edge in &automaton.edges {
        let word = automaton.symbols.word(edge.word);
        let shared = automaton.is_shared(&roots, edge);
        let parent = if shared { FOLDED } else { edge.parent };
        // Breadth first, so the edge that leads to a state comes before those that leave it.
        let found = loaded.table().step(numbers[parent as usize], word.as_bytes());
        let found = found.map(|step| (step.info, loaded.table().target(step)));
        let good = found.is_some_and(|(info, target)| {
            let leads = match (edge.target, target) {
                (Target::Leaf, table::Target::Leaf { set }) => set == edge.set,
                (Target::State(state), table::Target::Block { set, block }) => {
                    automaton.block(state) == Some(block) && set == edge.set
                }
                (Target::State(state), table::Target::State { set, state: number }) => {
                    let known = &mut numbers[state as usize];
                    if *known == NONE {
                        *known = number;
                    }
                    automaton.block(state).is_none() && set == edge.set && *known == number
                }
                _ => false,
            };
            leads && info.exact() == edge.exact && info.shared() == (shared && parent == FOLDED)
        });
        if !good {
            faults.push(format!("the edge from state {} by `{word}` is lost", edge.parent));
        }
        if shared && edge.parent == LITERAL && loaded.table().step(LITERAL, word.as_bytes()).is_some() {
            faults.push(format!("the edge from the root by `{word}` is there twice"));
        }
        looked_up += 1;
    }
    // A state that has become a block has no number; no two others have the same.
    numbers.retain(|&number| number != NONE);
    numbers.sort_unstable();
    if !numbers.is_sorted_by(|one, next| one < next) {
        faults.push("two states have one number".to_owned());
    }
    looked_up + block_edges(automaton, loaded, faults)
}

/// Every word of every block leads to exactly the rules that accept it.
fn block_edges(automaton: &Automaton, loaded: &runtime::Artifact<'_>, faults: &mut Vec<String>) -> usize {
    let mut looked_up = 0;
    for (number, block) in (0u32..).zip(&automaton.blocks) {
        let words = block.rules.len().div_ceil(64);
        let same = |posting: u32, places: &[u32]| {
            let Some(posting) = loaded.blocks().posting(posting) else { return false };
            let mut expected = vec![0u64; words];
            for &place in places {
                expected[place as usize / 64] |= 1 << (place % 64);
            }
            posting.block == number && expected.iter().enumerate().all(|(at, &bits)| posting.bits(at) == bits)
        };
        let record = loaded.blocks().get(number);
        for (state, column) in (record.map_or(0, |block| block.column)..).zip(&block.columns) {
            for (&word, places) in column {
                let word = automaton.symbols.word(word);
                let found = loaded.table().step(state, word.as_bytes());
                let found = found.map(|step| loaded.table().target(step));
                if !matches!(found, Some(table::Target::Posting(posting)) if same(posting, places)) {
                    faults.push(format!("the block {number} has lost `{word}`"));
                }
                looked_up += 1;
            }
        }
        for (posting, places) in (record.map_or(0, |block| block.ends)..).zip(&block.ends) {
            if !same(posting, places) {
                faults.push(format!("the block {number} has lost where rules end"));
            }
        }
    }
    looked_up
}

fn records(checked: &CheckedPolicy, loaded: &runtime::Artifact<'_>, faults: &mut Vec<String>) -> usize {
    let (policy, sources) = (checked.policy(), checked.sources());
    let name = |span: crate::source::Span| sources.get(span.source).name();
    let mut fault = |what: &str, at: usize| faults.push(format!("{what} {at} differs"));
    if loaded.rule_count() != policy.rules.len() {
        fault("the number of rules", loaded.rule_count());
    }
    if loaded.placement_count() != policy.placements.len() {
        fault("the number of sandbox rules", loaded.placement_count());
    }
    for (at, rule) in policy.placements.iter().enumerate() {
        let same = loaded.placement_rule(at as u32).is_some_and(|found| {
            let heads = rule.pattern.tokens.first().map_or(&[][..], |token| &token.alternatives);
            found.profile.unwrap_or(UNCONFINED) == rule.profile.value
                && found.depth as usize == rule.pattern.tokens.len()
                && found.source == name(rule.span)
                && found.line == sources.position(rule.span).line
                && loaded.placement_heads(&found).eq(heads.iter().map(|head| &*head.value))
        });
        if !same {
            fault("sandbox rule", at);
        }
    }
    for (at, rule) in policy.rules.iter().enumerate() {
        let same = loaded.rule(at as u32).is_some_and(|found| {
            let heads = rule.pattern.tokens.first().map_or(&[][..], |token| &token.alternatives);
            found.decision == rule.decision
                && found.depth as usize == rule.pattern.tokens.len()
                && found.justification == rule.justification.as_ref().map(|text| &*text.value)
                && found.source == name(rule.span)
                && found.line == sources.position(rule.span).line
                && loaded.heads(&found).eq(heads.iter().map(|head| &*head.value))
        });
        if !same {
            fault("rule", at);
        }
    }
    let hosts: BTreeMap<&str, _> = policy.hosts.iter().map(|host| (&*host.name.value, host)).collect();
    let same_hosts = loaded
        .hosts()
        .map(|(name, paths)| (name, paths.iter().collect::<Vec<_>>()))
        .eq(hosts.iter().map(|(name, host)| (*name, host.paths.iter().map(|path| &*path.value).collect())));
    if !same_hosts {
        fault("host", 0);
    }
    let same_networks = loaded.networks().count() == policy.networks.len()
        && loaded.networks().zip(&policy.networks).all(|(found, network)| {
            found.host == network.host.value
                && found.protocol == network.protocol as u8
                && found.decision == network.decision
                && found.justification == network.justification.as_ref().map(|text| &*text.value)
                && found.source == name(network.span)
                && found.line == sources.position(network.span).line
        });
    if !same_networks {
        fault("network", 0);
    }
    let same_sources = loaded.sources().count() == sources.iter().count()
        && loaded.sources().zip(sources.iter()).all(|(found, (_, source))| {
            found.name == source.name() && found.digest == blake3::hash(source.text().as_bytes()).as_bytes()
        });
    if !same_sources {
        fault("source", 0);
    }
    let same_profiles = match loaded.profiles() {
        Some(found) => crate::policy::profile::Profiles::from(found) == policy.profiles,
        None => policy.profiles.iter().next().is_none(),
    };
    if !same_profiles {
        fault("profile", 0);
    }
    if loaded.tools() != Some(&policy.tools.compact()) || Decider::new(*loaded).is_err() {
        fault("tool", 0);
    }
    policy.rules.len()
        + policy.profiles.iter().count()
        + hosts.len()
        + policy.networks.len()
        + sources.iter().count()
}

fn examples(policy: &Policy, loaded: &runtime::Artifact<'_>, faults: &mut Vec<String>) -> usize {
    let parts = Parts::new(policy);
    let mut scratch = loaded.scratch();
    let mut decided = 0;
    for rule in &policy.rules {
        for example in rule.matches.iter().chain(&rule.not_matches) {
            let part = example.argv.first().and_then(|program| parts.of(program.as_bytes()));
            for context in CONTEXTS {
                let fault = match part {
                    Some(part) => part.difference(loaded, &example.argv, &context, &mut scratch),
                    None => compare(policy, loaded, &example.argv, &context, &mut scratch),
                };
                faults.extend(fault);
            }
            decided += 1;
            if faults.len() >= TOLD {
                return decided;
            }
        }
    }
    decided
}

/// Every example of a sandbox rule is placed again.
fn placed(checked: &CheckedPolicy, loaded: &runtime::Artifact<'_>, faults: &mut Vec<String>) -> usize {
    let mut scratch = loaded.scratch();
    let rules = checked.policy().placements.iter();
    let examples: Vec<_> = rules.flat_map(|rule| rule.matches.iter().chain(&rule.not_matches)).collect();
    for example in &examples {
        faults.extend(compare_places(checked, loaded, &example.argv, &mut scratch));
    }
    examples.len()
}

/// What the reference and the loaded bytes say differently about where a command runs, in words;
/// `None` if they agree.
pub fn compare_places<T: AsRef<[u8]>>(
    checked: &CheckedPolicy,
    loaded: &runtime::Artifact<'_>,
    argv: &[T],
    scratch: &mut Scratch,
) -> Option<String> {
    let (policy, sources) = (checked.policy(), checked.sources());
    let confinement = |place: placement::Confinement<'_>| {
        let rule = place
            .rule
            .and_then(|rule| policy.placements.get(rule))
            .map(|rule| (sources.get(rule.span.source).name().to_owned(), sources.position(rule.span).line));
        (place.profile.to_owned(), rule)
    };
    let loaded_confinement = |place: runtime::Confinement<'_>| {
        let rule = place.rule.map(|(source, line)| (source.to_owned(), line));
        (place.profile.unwrap_or(UNCONFINED).to_owned(), rule)
    };
    let expected = match placement::place(policy, argv) {
        placement::Placement::Unsaid => Vec::new(),
        placement::Placement::In(place) => vec![confinement(place)],
        placement::Placement::Disputed(a, b) => vec![confinement(a), confinement(b)],
    };
    let verdict = loaded.decide(argv, &CONTEXTS[0], scratch);
    let found = match verdict.placement() {
        runtime::Placement::Unsaid => Vec::new(),
        runtime::Placement::In(place) => vec![loaded_confinement(place)],
        runtime::Placement::Disputed(a, b) => vec![loaded_confinement(a), loaded_confinement(b)],
    };
    let shown: Vec<_> = argv.iter().map(|word| String::from_utf8_lossy(word.as_ref())).collect();
    (expected != found).then(|| format!("{shown:?} runs in {found:?} instead of {expected:?}"))
}

/// The rules of a policy by the program they could be about.
#[derive(Debug)]
struct Parts {
    by_name: BTreeMap<Vec<u8>, Part>,
}

/// The rules about one program, and their numbers in the whole policy.
#[derive(Debug, Default)]
struct Part {
    policy: Policy,
    numbers: Vec<u32>,
}

impl Parts {
    fn new(policy: &Policy) -> Self {
        let mut by_name: BTreeMap<Vec<u8>, Part> = BTreeMap::new();
        let fold = |word: &str| tool_name(word.as_bytes()).to_ascii_lowercase();
        let mut wanted: Vec<Vec<u8>> = Vec::new();
        for rule in &policy.rules {
            let examples = rule.matches.iter().chain(&rule.not_matches);
            wanted.extend(examples.filter_map(|example| example.argv.first()).map(|word| fold(word)));
        }
        for name in wanted {
            by_name.entry(name).or_default();
        }
        for (number, rule) in (0..).zip(&policy.rules) {
            let heads = rule.pattern.tokens.first().map_or(&[][..], |token| &token.alternatives);
            let mut names: Vec<_> = heads.iter().map(|head| fold(&head.value)).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                if let Some(part) = by_name.get_mut(&name) {
                    part.policy.rules.push(rule.clone());
                    part.numbers.push(number);
                }
            }
        }
        for host in &policy.hosts {
            if let Some(part) = by_name.get_mut(&fold(&host.name.value)) {
                part.policy.hosts.push(host.clone());
            }
        }
        Self { by_name }
    }

    /// The rules that could be about a program; `None` if its path leads to another name (`x/..`),
    /// where only the whole policy will do.
    fn of(&self, program: &[u8]) -> Option<&Part> {
        let Context { cwd, home, .. } = CONTEXTS[0];
        let name = tool_name(program);
        let path = absolute(program, cwd, home);
        let one_name = path.is_none_or(|path| tool_name(&path) == name);
        self.by_name.get(&name.to_ascii_lowercase()).filter(|_| one_name)
    }
}

impl Part {
    fn difference(
        &self,
        loaded: &runtime::Artifact<'_>,
        argv: &[String],
        context: &Context<'_>,
        scratch: &mut Scratch,
    ) -> Option<String> {
        difference(&self.policy, |rule| self.numbers.get(rule).copied(), loaded, argv, context, scratch)
    }
}

/// What the reference matcher and the loaded bytes say differently about a command, in words;
/// `None` if they agree. The policy must be the whole one that the bytes were compiled from.
pub fn compare<T: AsRef<[u8]>>(
    policy: &Policy,
    loaded: &runtime::Artifact<'_>,
    argv: &[T],
    context: &Context<'_>,
    scratch: &mut Scratch,
) -> Option<String> {
    difference(policy, |rule| u32::try_from(rule).ok(), loaded, argv, context, scratch)
}

fn difference<T: AsRef<[u8]>>(
    policy: &Policy,
    number: impl Fn(usize) -> Option<u32>,
    loaded: &runtime::Artifact<'_>,
    argv: &[T],
    context: &Context<'_>,
    scratch: &mut Scratch,
) -> Option<String> {
    let expected = matches::decide(policy, argv, context);
    let verdict = loaded.decide(argv, context, scratch);
    let shown = || {
        let words: Vec<_> =
            argv.iter().map(|word| String::from_utf8_lossy(word.as_ref()).into_owned()).collect();
        format!("{words:?} in {:?}", context.mode)
    };
    let heads = (expected.conclusion, expected.opaque, expected.resolved_program.as_deref());
    if heads != (verdict.conclusion, verdict.opaque, verdict.resolved_program) {
        let found = (verdict.conclusion, verdict.opaque, verdict.resolved_program);
        return Some(format!("{}: {found:?} instead of {heads:?}", shown()));
    }
    let mut found = verdict.matches();
    for wanted in &expected.matches {
        let rule = wanted.what;
        let head = rule.pattern.tokens.first().and_then(|token| token.alternatives.get(wanted.head));
        let same = found.next().is_some_and(|found| {
            Some(found.rule) == number(wanted.rule)
                && found.alternative as usize == wanted.head
                && Some(found.head) == head.map(|head| &*head.value)
                && found.depth as usize == rule.pattern.tokens.len()
                && found.decision == rule.decision
                && found.justification == rule.justification.as_ref().map(|text| &*text.value)
                && found.resolved == wanted.resolved
        });
        if !same {
            return Some(format!("{}: rule {} is not reported as it should be", shown(), wanted.rule));
        }
    }
    found.next().map(|extra| format!("{}: rule {} is reported too often", shown(), extra.rule))
}
