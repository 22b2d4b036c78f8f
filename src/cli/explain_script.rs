//! In: the verdict of a script or of a command that runs others. Out: text for people: the script with
//! its segments marked, and for each what decides it and why.
//! Not here: plain commands (`explain.rs`) and the drawing (`render.rs`).

use super::explain::rule_text;
use super::output::sanitize;
use super::output::{Colour, paint};
use super::placement;
use super::report::human::{Mark, marked};
use super::report::verdict::segments::{What, matched_prefix};
use execpolicy_compiler::check::CheckedPolicy;
use execpolicy_runtime::script::{Decider, Found, Part, RuleRef, ScriptVerdict};
use execpolicy_runtime::{Conclusion, Confinement, Placement};
use execpolicy_shell::{Access, AllowBlocker, Argv, Fit, Role, Segment};
use std::fmt::Write;
use std::ops::Range;

/// Segments that are told; the strictest are always among them.
const TOLD: usize = 40;
/// Segments that are marked in the script.
const MARKED: usize = 24;

/// The color of what a policy says.
pub const fn colour(conclusion: Conclusion) -> Colour {
    match conclusion {
        Conclusion::Allow => Colour::Green,
        Conclusion::Unmatched => Colour::Cyan,
        Conclusion::Prompt => Colour::Yellow,
        Conclusion::Forbidden => Colour::Red,
    }
}

/// Explains a verdict and where all of it runs. `title` is the command or the script in short.
pub fn explain(
    decider: &Decider<'_>,
    checked: Option<&CheckedPolicy>,
    what: What<'_>,
    (verdict, place): (&ScriptVerdict<RuleRef>, Placement<'_>),
    title: &str,
    on: bool,
) -> String {
    let mut text = String::new();
    let conclusion = paint(verdict.conclusion.as_str(), colour(verdict.conclusion), on);
    let _ = writeln!(text, "{}: {conclusion}", paint(title, Colour::Bold, on));
    // What carries others and is not spoken about is in the script, but nothing can be said of it.
    let parts: Vec<&Part<RuleRef>> = verdict.parts.iter().filter(|part| part.conclusion.is_some()).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(parts[at].conclusion));
    order.truncate(TOLD);
    order.sort_unstable();
    draw(&mut text, what, &parts, &order, on);
    if let Some(found) = &verdict.whole {
        let argv = match what {
            What::Command(argv) => Argv::known(argv),
            What::Script(_) => Argv::default(),
        };
        let rule = rule_line(decider, checked, &argv, found, on);
        let _ = writeln!(text, "\n  {} {rule}", paint("decided by", Colour::Bold, on));
        let _ =
            writeln!(text, "    the rule is for this very command, word for word, and no part is guarded");
    }
    if let Some(place) = placement::sentence(place, on) {
        let _ = writeln!(text, "\n  {place}");
    }
    if !parts.is_empty() {
        text.push('\n');
    }
    for &at in &order {
        tell(&mut text, decider, checked, at + 1, parts[at], on);
    }
    if let Some(more @ 1..) = parts.len().checked_sub(order.len()) {
        let _ = writeln!(text, "  … and {more} more");
    }
    text
}

/// The script with marks, if the segments are in a script.
fn draw(text: &mut String, what: What<'_>, parts: &[&Part<RuleRef>], order: &[usize], on: bool) {
    // All spans that are in a script are in the same one: scripts in it have the span of their word.
    let located = |at: usize| what.text_of(parts[at].segment.span);
    let Some((script, argument)) = order.iter().find_map(|&at| located(at)) else { return };
    let Ok(script) = std::str::from_utf8(script) else { return };
    // By place: the numbers, and what is strictest.
    let mut places: Vec<(Range<usize>, Vec<usize>, Conclusion)> = Vec::new();
    for &at in order.iter().filter(|&&at| located(at).is_some_and(|(_, found)| found == argument)) {
        let span = parts[at].segment.span;
        let range = span.start as usize..span.end as usize;
        let conclusion = parts[at].conclusion.unwrap_or(Conclusion::Unmatched);
        match places.iter_mut().find(|(known, ..)| *known == range) {
            Some((_, numbers, strictest)) => {
                numbers.push(at + 1);
                *strictest = (*strictest).max(conclusion);
            }
            None => places.push((range, vec![at + 1], conclusion)),
        }
    }
    places.sort_by_key(|(_, _, conclusion)| std::cmp::Reverse(*conclusion));
    places.truncate(MARKED);
    let marks = places.into_iter().map(|(range, numbers, conclusion)| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        Mark { range, message: format!("{}: {conclusion}", numbers.join(", ")), colour: colour(conclusion) }
    });
    let name = argument.map_or_else(|| "script".to_owned(), |at| format!("word {}", at + 1));
    let _ = write!(text, "\n{}", marked(script, &name, marks.collect(), on));
}

/// The words of a segment, or what else it is.
fn title(segment: &Segment) -> String {
    let mut shown = sanitize(&segment.argv.describe());
    if let Some((end, _)) = shown.char_indices().nth(100) {
        shown.truncate(end);
        shown.push('…');
    }
    match segment.role {
        _ if !segment.argv.0.is_empty() => format!("`{shown}`"),
        Role::Bare if segment.opaque.is_some() => "a part".to_owned(),
        _ => "a redirection".to_owned(),
    }
}

/// The programs that run it.
fn through(segment: &Segment) -> String {
    match &*segment.through {
        [] => String::new(),
        names => {
            let names: Vec<_> = names.iter().map(|name| String::from_utf8_lossy(name)).collect();
            format!(" (by {})", sanitize(&names.join(", ")))
        }
    }
}

fn tell(
    text: &mut String,
    decider: &Decider<'_>,
    checked: Option<&CheckedPolicy>,
    number: usize,
    part: &Part<RuleRef>,
    on: bool,
) {
    let segment = &part.segment;
    let conclusion = part.conclusion.unwrap_or(Conclusion::Unmatched);
    let (shown, by) = (title(segment), through(segment));
    let _ = writeln!(
        text,
        "  {number} {}{by}: {}",
        paint(&shown, Colour::Bold, on),
        paint(conclusion.as_str(), colour(conclusion), on)
    );
    if let Some(why) = segment.opaque {
        let _ =
            writeln!(text, "    it {why}: no rule allows it, and it is prompted unless a rule is stricter");
    }
    let decision = part.rules.iter().map(|found| found.decision).max();
    for found in part.rules.iter().filter(|found| Some(found.decision) == decision) {
        let rule = rule_line(decider, checked, &segment.argv, found, on);
        let _ = writeln!(text, "    {} {rule}", paint("decided by", Colour::Bold, on));
        match found.fit {
            Fit::IfFile => {
                text.push_str("      only if a file of that name is there, so it is asked about\n")
            }
            Fit::Could if segment.argv.words().is_none() => {
                text.push_str("      its words are not all known, and they could be these\n");
            }
            Fit::Could | Fit::Surely => {}
        }
        if let Some(why) = decider.rule_match(&segment.argv, found).and_then(|rule| rule.justification) {
            let _ = writeln!(text, "      {}", sanitize(why));
        }
    }
    for found in part.rules.iter().filter(|found| Some(found.decision) != decision) {
        let _ = writeln!(text, "    also matches {}", rule_line(decider, checked, &segment.argv, found, on));
    }
    if part.rules.is_empty() {
        match segment.blocker.filter(|why| *why != AllowBlocker::Carrier) {
            Some(why) => {
                let _ = writeln!(text, "    no allow counts for it, because it {}", why.sentence());
            }
            None if segment.opaque.is_some() => {}
            None if segment.role == Role::Bare => text.push_str("    files are opened without a command\n"),
            None => text.push_str("    no rule speaks about it\n"),
        }
    }
    // Where it would run alone, if that is not simply the default.
    if let Some(place) = decider.part_placement(part).filter(|place| !by_default(*place))
        && let Some(place) = placement::sentence(place, on)
    {
        let _ = writeln!(text, "    {place}");
    }
    for effect in &segment.effects {
        let does = match effect.access {
            Access::Read => "reads",
            Access::Write => "writes",
            Access::Append => "appends to",
            Access::ReadWrite => "reads and writes",
            Access::Connect => "connects to",
        };
        let _ = writeln!(text, "    it {does} `{}`", sanitize(&effect.target.describe()));
    }
}

/// Whether no rule places a part.
const fn by_default(place: Placement<'_>) -> bool {
    matches!(place, Placement::Unsaid | Placement::In(Confinement { rule: None, .. }))
}

fn rule_line(
    decider: &Decider<'_>,
    checked: Option<&CheckedPolicy>,
    argv: &Argv,
    found: &Found<RuleRef>,
    on: bool,
) -> String {
    decider
        .rule_match(argv, found)
        .map_or_else(String::new, |rule| rule_text(checked, &rule, &matched_prefix(argv, &rule), on))
}
