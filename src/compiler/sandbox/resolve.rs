//! In: the trees of all files. Out: [`Profiles`]: names bound, `extends` followed, layers applied.
//! Not here: reading words (`typed.rs`), what is wrong with a profile as a whole (`lint.rs`).
//!
//! A profile has up to four layers of its own, in this order: its body; `on PLATFORM`; `phase setup`; `on PLATFORM` inside of
//! that. A child's layers come after all of its parent's. A later layer replaces what an earlier one says about the
//! same thing.

use super::ast::{Item, Spelling, Statement, Word};
use super::layers::{Layer, State, describe};
use super::lint;
use super::scope::Scope;
use super::typed::{Body, Said};
use crate::diagnostic::text::shorten;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::policy::profile::Profiles;
use crate::source::{SourceMap, Span, Spanned};
use execpolicy_profile::{Phase, Platform, Profile, Subject, Verb};
use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

/// How many profiles one compilation may have, and how many clauses they may come to when each is worked out.
const MOST_PROFILES: usize = 1_000;
const MOST_CLAUSES: usize = 1_000_000;

/// One file's tree.
#[derive(Debug)]
pub struct File {
    /// What stands in it.
    pub items: Vec<Item>,
    /// Whether it belongs to the standard library.
    pub library: bool,
}

/// A profile with its own layers.
#[derive(Debug)]
pub struct Typed {
    /// Its name, and where that stands.
    pub name: Spanned<String>,
    /// What it extends.
    pub parent: Option<Spanned<String>>,
    /// Its layers, in the order in which they apply.
    pub layers: BTreeMap<(Phase, Option<Platform>), Layer>,
    /// Whether it belongs to the standard library.
    pub library: bool,
}

const VARIANTS: [(Phase, Platform); 4] = [
    (Phase::Run, Platform::Linux),
    (Phase::Run, Platform::Macos),
    (Phase::Setup, Platform::Linux),
    (Phase::Setup, Platform::Macos),
];

/// Binds names and works every profile out.
pub fn resolve(sources: &SourceMap, files: Vec<File>, sink: &mut Diagnostics) -> Profiles {
    let declared = declare(files, sink);
    let names: Vec<String> = declared.typed.iter().map(|profile| profile.name.value.clone()).collect();
    let order = order(&declared.typed, &declared.known, &names, sink);
    let mut profiles = Profiles::default();
    let mut states = States::new();
    let mut budget = MOST_CLAUSES;
    let parents: BTreeSet<&str> =
        declared.typed.iter().filter_map(|p| p.parent.as_ref()).map(|p| p.value.as_str()).collect();
    for at in order {
        let Some(profile) = declared.typed.get(at) else { continue };
        let parent = profile.parent.as_ref().and_then(|parent| declared.known.get(&parent.value)).copied();
        budget = budget.saturating_sub(layered(at, profile, parent, &mut states, sink));
        if budget == 0 {
            let text = format!("the profiles come to more than {MOST_CLAUSES} clauses");
            sink.error(Diagnostic::new(Code::EP0509, profile.name.span, text));
            break;
        }
        for (phase, platform) in VARIANTS {
            if let Some(state) = states.get(&(at, phase, platform)) {
                finish(profile, state, (phase, platform), sources, &mut profiles);
            }
        }
        if !profile.library {
            lint::profile(profile, &profiles, parents.contains(profile.name.value.as_str()), sink);
        }
    }
    if let Some(name) = declared.default {
        if declared.known.contains_key(&name.value) {
            let origin = profiles.locate(sources, name.span);
            profiles.set_default(&name.value, origin);
        } else {
            unknown(&name, &names, sink);
        }
    }
    profiles
}

/// What each profile says, by its number and its variant.
type States = BTreeMap<(usize, Phase, Platform), State>;

/// What all files declare.
#[derive(Default)]
struct Declared {
    typed: Vec<Typed>,
    /// Where each name is in `typed`.
    known: BTreeMap<String, usize>,
    default: Option<Spanned<String>>,
}

/// Reads every item of every file.
fn declare(files: Vec<File>, sink: &mut Diagnostics) -> Declared {
    let mut out = Declared::default();
    for file in files {
        let mut scope = Scope::default();
        for item in file.items {
            match item {
                Item::Let(name, words) => scope.define(&name, &words, sink),
                Item::Profile(name, parent, body) => {
                    let Some(profile) = profile(&mut scope, name, parent, &body, file.library, sink) else {
                        continue;
                    };
                    if let Some(first) = out.known.get(&profile.name.value).and_then(|at| out.typed.get(*at))
                    {
                        twice(&profile, first, sink);
                    } else if out.typed.len() == MOST_PROFILES {
                        let text = format!("more than {MOST_PROFILES} profiles");
                        sink.error(Diagnostic::new(Code::EP0509, profile.name.span, text));
                    } else {
                        out.known.insert(profile.name.value.clone(), out.typed.len());
                        out.typed.push(profile);
                    }
                }
                Item::Default(name) => match &out.default {
                    Some(first) => {
                        sink.error(
                            Diagnostic::new(Code::EP0602, name.span, "`default` is said twice")
                                .also(first.span, "the first time"),
                        );
                    }
                    None => out.default = Some(Spanned::new(name.text, name.span)),
                },
                Item::Broken => {}
            }
        }
    }
    out
}

/// Puts a profile's layers on top of its parent's in each variant. Gives how many clauses that comes to.
fn layered(
    at: usize,
    profile: &Typed,
    parent: Option<usize>,
    states: &mut States,
    sink: &mut Diagnostics,
) -> usize {
    let mut hits = BTreeSet::new();
    let mut inherited = State::default();
    let mut size = 0;
    for (phase, platform) in VARIANTS {
        let mut state =
            parent.and_then(|parent| states.get(&(parent, phase, platform))).cloned().unwrap_or_default();
        if (phase, platform) == (Phase::Run, Platform::Linux) {
            inherited = state.clone();
        }
        for ((layer_phase, layer_platform), layer) in &profile.layers {
            if *layer_phase <= phase && layer_platform.is_none_or(|wanted| wanted == platform) {
                state.apply(layer, &mut hits);
            }
        }
        size += state.len();
        states.insert((at, phase, platform), state);
    }
    unused_unsets(profile, &inherited, &hits, sink);
    size
}

/// Adds the profile that a state is.
fn finish(
    profile: &Typed,
    state: &State,
    (phase, platform): (Phase, Platform),
    sources: &SourceMap,
    profiles: &mut Profiles,
) {
    let origin = profiles.locate(sources, profile.name.span);
    let mut out = Profile::new(profile.name.value.as_str().into(), phase, platform, origin);
    for (clause, span) in state.clauses() {
        // `mach-lookup` stands in `on macos { … }` alone.
        out.push(clause.clone(), profiles.locate(sources, *span));
    }
    profiles.insert(out);
}

fn profile(
    scope: &mut Scope,
    name: Word,
    parent: Option<Word>,
    body: &[Spanned<Statement>],
    library: bool,
    sink: &mut Diagnostics,
) -> Option<Typed> {
    let mut bodies: BTreeMap<(Phase, Option<Platform>), Body> = BTreeMap::new();
    statements(scope, body, (Phase::Run, None), &mut bodies, sink);
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.spelling != Spelling::Bare
        || !name.text.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.text.chars().all(good)
        || name.text == "unconfined"
    {
        let diagnostic = if name.text == "unconfined" {
            Diagnostic::new(Code::EP0602, name.span, "`unconfined` is not a profile but the absence of one")
                .hint("choose another name")
        } else {
            let text = format!("`{}` cannot be the name of a profile", shorten(&name.text));
            Diagnostic::new(Code::EP0501, name.span, text)
                .label("a name begins with a-z and goes on with a-z, 0-9, `-` and `_`")
                .hint(format!("for example `{}`", suggestion(&name.text)))
        };
        sink.error(diagnostic);
        return None;
    }
    let layers = bodies.into_iter().map(|(key, body)| (key, Layer::new(body, sink))).collect();
    Some(Typed {
        name: Spanned::new(name.text, name.span),
        parent: parent.map(|word| Spanned::new(word.text, word.span)),
        layers,
        library,
    })
}

fn suggestion(text: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = text.chars().take(40).map(keep).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_lowercase());
    if name.is_empty() { "agent".to_owned() } else { name.to_owned() }
}

/// Sorts the statements of a body into layers. The parser nests no deeper than `token::MAX_DEPTH`.
fn statements(
    scope: &mut Scope,
    body: &[Spanned<Statement>],
    at: (Phase, Option<Platform>),
    bodies: &mut BTreeMap<(Phase, Option<Platform>), Body>,
    sink: &mut Diagnostics,
) {
    bodies.entry(at).or_default();
    for statement in body {
        let wrong = |text: &str, hint: &str| {
            Diagnostic::new(Code::EP0621, statement.span, text.to_owned()).hint(hint.to_owned())
        };
        match &statement.value {
            // So deep that the lexer has said so already.
            Statement::On(..) | Statement::Setup(_) if at.0 == Phase::Setup && at.1.is_some() => {}
            Statement::On(_, _) if at.1.is_some() => {
                sink.error(wrong("`on` stands inside of `on`", "write the two blocks one after the other"));
            }
            Statement::On(platform, inner) => statements(scope, inner, (at.0, Some(*platform)), bodies, sink),
            Statement::Setup(_) if at != (Phase::Run, None) => {
                sink.error(wrong(
                    "`phase setup` stands inside of a block",
                    "write `phase setup { on linux { … } }`",
                ));
            }
            Statement::Setup(inner) => statements(scope, inner, (Phase::Setup, None), bodies, sink),
            Statement::Say(Verb::Mach, _) if at.1 != Some(Platform::Macos) => {
                sink.error(wrong("`mach-lookup` is about macOS only", "write `on macos { mach-lookup … }`"));
            }
            _ => bodies.entry(at).or_default().add(statement, scope, sink),
        }
    }
}

fn twice(profile: &Typed, first: &Typed, sink: &mut Diagnostics) {
    let name = &profile.name.value;
    let diagnostic = if first.library {
        Diagnostic::new(
            Code::EP0602,
            profile.name.span,
            format!("`{name}` is a profile of the standard library"),
        )
        .hint(format!(
            "to change it, give the changed one a name of its own: `profile my-{name} extends {name}`"
        ))
    } else {
        Diagnostic::new(Code::EP0602, profile.name.span, format!("the profile `{name}` is defined twice"))
            .also(first.name.span, "the first time")
            .hint("give one of them another name")
    };
    sink.error(diagnostic);
}

fn unknown(name: &Spanned<String>, names: &[String], sink: &mut Diagnostics) {
    let fault =
        Diagnostic::new(Code::EP0601, name.span, format!("there is no profile `{}`", shorten(&name.value)));
    let fault = if name.value == "unconfined" {
        let other = "danger-full-access";
        fault
            .hint(format!("`unconfined` is not a profile; the one that confines nothing is `{other}`"))
            .instead(name.span, &name.value, other)
    } else {
        fault.did_you_mean(name.span, &name.value, names.iter().map(String::as_str))
    };
    let list = names.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
    sink.error(fault.hint(format!("the profiles are {list}")));
}

/// Parents before children. Profiles whose parents are unknown or a circle are reported and left out, and
/// so are their children, in silence: one fault, one diagnostic.
fn order(
    typed: &[Typed],
    known: &BTreeMap<String, usize>,
    names: &[String],
    sink: &mut Diagnostics,
) -> Vec<usize> {
    const NEW: u8 = 0;
    const GOOD: u8 = 1;
    const BAD: u8 = 2;
    let mut mark = vec![NEW; typed.len()];
    let mut out = Vec::with_capacity(typed.len());
    for start in 0..typed.len() {
        // Walk up until something is known, then mark everything on the way.
        let mut way: Vec<usize> = Vec::new();
        let mut at = start;
        let verdict = loop {
            match mark.get(at).copied() {
                Some(NEW) => {}
                known => break known.unwrap_or(BAD),
            }
            if let Some(begin) = way.iter().position(|seen| *seen == at) {
                circle(typed, way.get(begin..).unwrap_or_default(), sink);
                break BAD;
            }
            way.push(at);
            let Some(parent) = typed.get(at).and_then(|profile| profile.parent.as_ref()) else { break GOOD };
            match known.get(&parent.value) {
                Some(next) => at = *next,
                None => {
                    unknown(parent, names, sink);
                    break BAD;
                }
            }
        };
        for at in way.into_iter().rev() {
            if let Some(mark) = mark.get_mut(at) {
                *mark = verdict;
            }
            if verdict == GOOD {
                out.push(at);
            }
        }
    }
    out
}

fn circle(typed: &[Typed], members: &[usize], sink: &mut Diagnostics) {
    let members: Vec<&Typed> = members.iter().filter_map(|at| typed.get(*at)).collect();
    let Some(first) = members.first() else { return };
    let span = |profile: &Typed| profile.parent.as_ref().map_or(profile.name.span, |parent| parent.span);
    let message = if members.len() == 1 {
        format!("`{}` extends itself", first.name.value)
    } else {
        let way = members
            .iter()
            .take(6)
            .map(|p| format!("`{}`", p.name.value))
            .collect::<Vec<_>>()
            .join(" extends ");
        format!("{way} extends `{}`", first.name.value)
    };
    let mut diagnostic = Diagnostic::new(Code::EP0603, span(first), message);
    for profile in members.iter().skip(1).take(5) {
        diagnostic = diagnostic.also(span(profile), "and this goes on");
    }
    sink.error(diagnostic.hint("let one of them extend `read-only`, or nothing"));
}

/// Reports every `unset` that no variant had a use for.
fn unused_unsets(profile: &Typed, inherited: &State, hits: &BTreeSet<Span>, sink: &mut Diagnostics) {
    let mut told = BTreeSet::new();
    for (unset, span) in profile.layers.values().flat_map(Layer::unset) {
        if hits.contains(span) || !told.insert(*span) {
            continue;
        }
        let text = describe(unset);
        let subject = unset.subject();
        let fault = |message: String| Diagnostic::new(Code::EP0613, *span, message);
        let diagnostic = match (inherited.get(&subject), &profile.parent) {
            (_, None) => fault(format!("{text} is not inherited: nothing is extended"))
                .hint("leave the statement out, and its `unset` too"),
            (Some(said), _) => {
                let said = describe(said);
                fault(format!("{text} is not inherited, but {said} is"))
                    .hint(format!("write `unset {}`", said.trim_matches('`')))
            }
            (None, Some(parent)) => {
                let alike = |known: &&Subject| discriminant(*known) == discriminant(&subject);
                let near: Vec<String> = inherited.subjects().filter(alike).map(Subject::to_string).collect();
                let wrong = subject.to_string();
                let hint = crate::diagnostic::text::did_you_mean(&wrong, near.iter().map(String::as_str));
                fault(format!("`{}` does not say {text}", parent.value))
                    .maybe_hint(hint)
                    .hint("`unset` takes back what is written in a parent, spelt the same way")
            }
        };
        sink.error(diagnostic);
    }
}

impl Typed {
    /// Whether one of the profile's own clauses takes the place of what a set says.
    pub fn overrides(&self, subject: &Subject) -> bool {
        self.layers.values().any(|layer| layer.overrides(subject))
    }

    /// A profile's own clauses.
    pub fn own(&self) -> impl Iterator<Item = &Said> {
        self.layers.values().flat_map(Layer::said)
    }
}
