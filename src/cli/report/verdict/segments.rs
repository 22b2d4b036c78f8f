//! In: the verdict of a script or of a command that runs others. Out: JSON: what `verdict.rs` writes for a
//! plain command, and the segments.
//! Not here: how people are shown the same (`explain_script.rs`).

use super::positions::Positions;
use super::{Form, Matched, Placed, PrefixRuleMatch, RulePlace, placed};
use crate::output::json_text;
use execpolicy_runtime::script::{Decider, Found, Part, RuleRef, ScriptVerdict};
use execpolicy_runtime::{Conclusion, Placement, RuleMatch};
use execpolicy_shell::{Access, Argv, Fit, Item, Role, Segment, Span, WordSet};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What was asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The command or script.
    pub what: What<'a>,
    /// The working directory it was asked in: a segment's own is shown if it differs.
    pub cwd: Option<&'a [u8]>,
}

/// A command or a script: where the spans of its segments point.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// A command: spans are in one of its words.
    Command(&'a [Vec<u8>]),
    /// A script alone.
    Script(&'a [u8]),
}

impl<'a> What<'a> {
    /// The text that a span is in, and which word of a command that is; `None` for a span that says
    /// nothing, as that of a command that a wrapper's argument names.
    pub fn text_of(self, span: Span) -> Option<(&'a [u8], Option<u32>)> {
        if span.end <= span.start {
            return None;
        }
        match self {
            Self::Command(argv) => Some((argv.get(span.argument as usize)?, Some(span.argument))),
            Self::Script(script) => Some((script, None)),
        }
    }
}

/// The lines and columns at which segments begin, for each text that they are in.
struct Places(BTreeMap<Option<u32>, Positions>);

impl Places {
    fn of(what: What<'_>, verdict: &ScriptVerdict<RuleRef>) -> Self {
        let mut wanted: BTreeMap<Option<u32>, (&[u8], BTreeSet<u32>)> = BTreeMap::new();
        for part in &verdict.parts {
            if let Some((text, argument)) = what.text_of(part.segment.span) {
                wanted.entry(argument).or_insert((text, BTreeSet::new())).1.insert(part.segment.span.start);
            }
        }
        let found =
            wanted.into_iter().map(|(argument, (text, starts))| (argument, Positions::of(text, &starts)));
        Self(found.collect())
    }

    fn of_span(&self, what: What<'_>, span: Span) -> Option<SegmentSpan> {
        let (_, argument) = what.text_of(span)?;
        let (line, column) = self.0.get(&argument)?.get(span.start);
        Some(SegmentSpan { argument, start: span.start, end: span.end, line, column })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    matched_rules: Vec<Matched<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<Placed<'a>>,
    segments: Vec<Shown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    words: Vec<Word>,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<SegmentSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    matched_rules: Vec<Matched<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<Placed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opaque: Option<Why>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_allow: Option<Why>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    effects: Vec<FileEffect>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    environment: Vec<Variable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cwd: Option<Word>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    through: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    remote: bool,
}

#[derive(Serialize)]
struct SegmentSpan {
    #[serde(skip_serializing_if = "Option::is_none")]
    argument: Option<u32>,
    start: u32,
    end: u32,
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Why {
    code: &'static str,
    reason: &'static str,
}

/// One word, or any number of them: known, a pattern, or anything at all.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Word {
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    opaque: bool,
    #[serde(skip_serializing_if = "is_false")]
    many: bool,
    #[serde(skip_serializing_if = "is_false")]
    if_file: bool,
}

#[derive(Serialize)]
struct FileEffect {
    access: &'static str,
    target: Word,
}

#[derive(Serialize)]
struct Variable {
    name: String,
    value: Word,
}

const fn is_false(value: &bool) -> bool {
    !*value
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn word(words: &WordSet) -> Word {
    let empty = Word { known: None, pattern: None, opaque: false, many: false, if_file: false };
    match words.known() {
        Some(bytes) => Word { known: Some(lossy(bytes)), ..empty },
        None if *words == WordSet::anything() => Word { opaque: true, ..empty },
        None => Word { pattern: Some(words.describe()), ..empty },
    }
}

fn item(item: &Item) -> Word {
    Word { many: item.many, if_file: item.files, ..word(&item.words) }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Command => "command",
        Role::Carrier => "carrier",
        Role::Candidate => "candidate",
        Role::Bare => "bare",
    }
}

const fn access(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::Append => "append",
        Access::ReadWrite => "read-write",
        Access::Connect => "connect",
    }
}

/// The words of the matched prefix: the rule's program, then the command's words as far as they are
/// known; one that is not is written as its pattern.
pub fn matched_prefix(argv: &Argv, found: &RuleMatch<'_>) -> Vec<String> {
    let program = argv.0.iter().position(|item| !item.many).unwrap_or(0);
    let rest = argv.0.iter().skip(program + 1).map(|item| match item.words.known() {
        Some(bytes) => lossy(bytes),
        None => item.words.describe(),
    });
    std::iter::once(found.head.to_owned())
        .chain(rest.take((found.depth as usize).saturating_sub(1)))
        .collect()
}

fn matched<'a>(
    decider: &Decider<'a>,
    argv: &Argv,
    found: &Found<RuleRef>,
    form: Form,
    certainty: bool,
) -> Option<Matched<'a>> {
    let rule = decider.rule_match(argv, found)?;
    let program = argv.0.first().and_then(Item::as_known);
    let prefix_rule_match = PrefixRuleMatch {
        matched_prefix: matched_prefix(argv, &rule),
        decision: rule.decision.as_str(),
        resolved_program: program.filter(|_| rule.resolved).map(lossy),
        justification: rule.justification,
        rule: form.details.then_some(RulePlace { file: rule.source, line: rule.line }),
    };
    let known = argv.words().is_some();
    let certainty = match found.fit {
        _ if !certainty || known => None,
        Fit::IfFile => Some("if-file"),
        Fit::Could => Some("could"),
        Fit::Surely => None,
    };
    Some(Matched { prefix_rule_match, certainty })
}

fn segment<'a>(
    decider: &'a Decider<'a>,
    asked: Asked<'_>,
    places: &Places,
    part: &'a Part<RuleRef>,
    form: Form,
) -> Shown<'a> {
    let Segment { span, argv, opaque, blocker, effects, environment, cwd, through, remote, .. } =
        &part.segment;
    Shown {
        words: argv.0.iter().map(item).collect(),
        role: role(part.segment.role),
        span: places.of_span(asked.what, *span),
        decision: part.conclusion.and_then(Conclusion::decision).map(|decision| decision.as_str()),
        matched_rules: part
            .rules
            .iter()
            .filter_map(|found| matched(decider, argv, found, form, true))
            .collect(),
        placement: part_placement(decider, part, form),
        opaque: opaque.map(|why| Why { code: why.code(), reason: why.sentence() }),
        no_allow: blocker.map(|why| Why { code: why.code(), reason: why.sentence() }),
        effects: effects
            .iter()
            .map(|effect| FileEffect { access: access(effect.access), target: word(&effect.target) })
            .collect(),
        environment: environment
            .iter()
            .map(|set| Variable { name: lossy(&set.name), value: word(&set.value) })
            .collect(),
        cwd: (cwd.as_deref() != asked.cwd).then(|| match cwd {
            Some(cwd) => word(&WordSet::Known(cwd.clone())),
            None => word(&WordSet::anything()),
        }),
        through: through.iter().map(|name| lossy(name)).collect(),
        remote: *remote,
    }
}

fn part_placement<'a>(decider: &'a Decider<'a>, part: &'a Part<RuleRef>, form: Form) -> Option<Placed<'a>> {
    decider.part_placement(part).filter(|_| form.details).and_then(placed)
}

/// The JSON of a verdict with segments, and where the whole runs.
pub fn verdict<'a>(
    decider: &'a Decider<'a>,
    asked: Asked<'_>,
    verdict: &'a ScriptVerdict<RuleRef>,
    place: Placement<'a>,
    form: Form,
) -> String {
    let whole = match asked.what {
        What::Command(argv) => Argv::known(argv),
        What::Script(_) => Argv::default(),
    };
    let settled = verdict.whole.iter().filter_map(|found| matched(decider, &whole, found, form, false));
    let parts = verdict.parts.iter().flat_map(|part| {
        part.rules.iter().filter_map(|found| matched(decider, &part.segment.argv, found, form, false))
    });
    let places = Places::of(asked.what, verdict);
    let shown = Whole {
        matched_rules: settled.chain(parts).collect(),
        decision: verdict.conclusion.decision().map(|decision| decision.as_str()),
        placement: if form.details { placed(place) } else { None },
        segments: verdict.parts.iter().map(|part| segment(decider, asked, &places, part, form)).collect(),
    };
    json_text(&shown, form.pretty)
}
