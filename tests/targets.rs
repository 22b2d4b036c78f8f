//! In: random profiles and hosts, and what is emitted for a target. Out: a failure where an evaluator of the target answers
//! differently from the reference model, outside of the gaps that `lower/targets` names.
//! Not here: real kernels (`confine/`), and the evaluators of formats (`sbpl.rs`, `formats_of_others.rs`).

use crate::sandbox_model::{Random, each_family, host, nothing_more, path};
use crate::sbpl::{Profile, Subject};
use execpolicy::diagnostic::{Code, Diagnostics};
use execpolicy::emit::seatbelt;
use execpolicy::lower::places::Host;
use execpolicy::lower::targets::{Finding, Kept};
use execpolicy::policy::model::{Destination, Model, Path, Ruling};
use execpolicy::policy::profile::{Phase, Platform};
use execpolicy::source::SourceMap;

/// How often a target was asked, and how often a gap explains that it answers differently.
#[derive(Debug, Default)]
pub struct Tally {
    pub asked: usize,
    pub excused: usize,
}

/// Compares one answer.
pub fn compare(
    tally: &mut Tally,
    question: &str,
    ruling: &Ruling<'_>,
    got: bool,
    gaps: &[Finding<'_>],
) -> Result<(), String> {
    tally.asked += 1;
    if ruling.allowed == got {
        return Ok(());
    }
    let side = if got { Kept::Weaker } else { Kept::Stricter };
    let named = |gap: &&Finding<'_>| {
        ruling.answer.by.origin() == Some(gap.origin) && (gap.kept == side || gap.kept == Kept::AsPromised)
    };
    if gaps.iter().find(named).is_some() {
        tally.excused += 1;
        return Ok(());
    }
    Err(format!("{question}: the model says {}, by {:?}; the target {got}", ruling.allowed, ruling.answer))
}

/// One operation, as the model and as a target that knows paths see it.
#[derive(Clone, Debug)]
pub enum Operation {
    Read(Path),
    Write(Path),
    Create(Path),
    Remove(Path),
    Rename(Path, Path),
    Link(Path, Path),
    Execute(Path),
    List(Path),
    Stat(Path),
}

impl Operation {
    pub fn any(random: &mut Random) -> Self {
        let (p, q) = (path(random), path(random));
        match random.below(9) {
            0 => Self::Read(p),
            1 => Self::Write(p),
            2 => Self::Create(p),
            3 => Self::Remove(p),
            4 => Self::Rename(p, q),
            5 => Self::Link(p, q),
            6 => Self::Execute(p),
            7 => Self::List(p),
            _ => Self::Stat(p),
        }
    }

    /// Whether it is about something of the session's own: which files those are is a target's matter.
    pub fn own(&self, model: &Model<'_>, host: &Host) -> bool {
        let paths = match self {
            Self::Rename(p, q) | Self::Link(p, q) => vec![p, q],
            Self::Read(p) | Self::Write(p) | Self::Create(p) | Self::Remove(p) => vec![p],
            Self::Execute(p) | Self::List(p) | Self::Stat(p) => vec![p],
        };
        let real =
            paths.into_iter().flat_map(|p| [host.tree.resolve(p), host.tree.resolve_parent(p)]).flatten();
        real.flat_map(|p| [p.parent(), p]).any(|p| model.access(&p).own)
    }

    pub fn ruling<'p>(&self, model: &Model<'p>) -> Ruling<'p> {
        match self {
            Self::Read(p) => model.read(p),
            Self::Write(p) => model.write(p),
            Self::Create(p) => model.create(p),
            Self::Remove(p) => model.remove(p),
            Self::Rename(p, q) => model.rename(p, q),
            Self::Link(p, q) => model.link(p, q),
            Self::Execute(p) => model.execute(p),
            Self::List(p) => model.list(p),
            Self::Stat(p) => model.stat(p),
        }
    }
}

/// What Seatbelt is asked for an operation: the kernel follows links first and asks about what it finds.
fn by_seatbelt(profile: &Profile, operation: &Operation, host: &Host) -> Option<bool> {
    let tree = &host.tree;
    let follow = |path: &Path| tree.resolve(path).map(|path| path.to_string());
    let entry = |path: &Path| tree.resolve_parent(path);
    let one = |name: &str, path: &Path| follow(path).map(|path| profile.path(name, &path));
    let remove = |path: &Path| {
        let path = entry(path)?;
        let all = tree.below(&path).all(|path| profile.path("file-write-unlink", &path.to_string()));
        Some(!path.is_empty() && all && profile.path("file-write-unlink", &path.to_string()))
    };
    let create = |path: &Path| {
        let path = entry(path)?;
        Some(!path.is_empty() && profile.path("file-write-create", &path.to_string()))
    };
    match operation {
        Operation::Read(p) => one("file-read-data", p),
        Operation::Write(p) => one("file-write-data", p),
        Operation::Execute(p) => one("process-exec", p),
        Operation::List(p) => one("file-read-data", p),
        Operation::Stat(p) => one("file-read-metadata", p),
        Operation::Create(p) => create(p),
        Operation::Remove(p) => remove(p),
        Operation::Rename(p, q) => {
            let (old, new) = (entry(p)?, entry(q)?);
            let gone = !old.is_empty() && profile.path("file-write-unlink", &old.to_string());
            let there = if tree.kind(&new).is_some() { remove(q)? } else { true };
            Some(gone && there && create(q)?)
        }
        Operation::Link(p, q) => {
            let old = entry(p)?;
            Some(profile.path("file-link", &old.to_string()) && create(q)?)
        }
    }
}

const SESSION: &str = "/session-of-its-own";

fn load_seatbelt(text: &str, profile: &execpolicy::policy::profile::Resolved, host: &Host) -> Profile {
    let parameters = seatbelt::parameters(profile, host, Some(SESSION));
    Profile::parse(text, &parameters).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

/// Questions about one profile on one host; gives what differs.
fn ask_seatbelt(
    text: &str,
    profile: &execpolicy::policy::profile::Resolved,
    host: &Host,
    gaps: &[Finding<'_>],
    random: &mut Random,
    tally: &mut Tally,
) -> Result<(), String> {
    let loaded = load_seatbelt(text, profile, host);
    let model = Model::new(profile, &host.roots, &host.tree);
    for _ in 0..12 {
        let operation = Operation::any(random);
        let Some(got) = by_seatbelt(&loaded, &operation, host) else { continue };
        let ruling = operation.ruling(&model);
        // The root directory itself, and the links of the system volume, are always shown.
        if got
            && matches!(&operation, Operation::Read(p) | Operation::List(p) | Operation::Stat(p)
            if host.tree.resolve(p).is_some_and(|p| p.is_empty()))
        {
            continue;
        }
        if !got && operation.own(&model, host) {
            tally.asked += 1;
            tally.excused += usize::from(ruling.allowed);
            continue;
        }
        compare(tally, &format!("{operation:?}"), &ruling, got, gaps)?;
    }
    for _ in 0..3 {
        let at = path(random);
        let Some(real) = host.tree.resolve(&at) else { continue };
        let reach = model.connect(&Destination::Socket(at.clone()));
        let subject = Subject::Socket(real.to_string());
        let got = loaded.allowed("network-outbound", &subject)?;
        tally.asked += 1;
        if got != reach.allowed {
            // What is the session's own is elsewhere.
            if !got && model.answer(&at).own {
                tally.excused += 1;
                continue;
            }
            let by = model.answer(&at).by.origin();
            let named = gaps.iter().any(|gap| by == Some(gap.origin) && (gap.kept == Kept::Weaker || !got));
            if !named {
                return Err(format!("connect {at}: the model says {reach:?}, the target {got}"));
            }
            tally.excused += 1;
        }
    }
    for (name, loopback) in [("x.org", false), ("10.1.2.3", false), ("::1", true), ("127.0.0.1", true)] {
        let port = *random.pick(&[22_u16, 80, 443]);
        let reach = model.connect(&Destination::new(name, port));
        let by_name = loopback && model.connect(&Destination::new("localhost", port)).allowed;
        let got = loaded.allowed("network-outbound", &Subject::Remote(loopback, port))?;
        tally.asked += 1;
        if got != (reach.allowed || by_name) {
            let hosts =
                |gap: &Finding<'_>| gap.code.as_str() == "EP0706" && (gap.kept == Kept::Stricter) != got;
            if !gaps.iter().any(hosts) {
                return Err(format!("connect {name}:{port}: the model says {reach:?}, the target {got}"));
            }
            tally.excused += 1;
        }
    }
    Ok(())
}

#[test]
fn seatbelt_agrees_with_the_model() {
    let mut tally = Tally::default();
    each_family(20, 3_000, nothing_more, |family, random| {
        for profile in family.own() {
            let (mut roots, tree) = host(random);
            roots.ignore_case = false;
            let host = Host { roots, tree, surveyed: true };
            let emitted = seatbelt::write(profile, &host);
            let text = String::from_utf8(emitted.bytes).unwrap();
            if let Err(fault) = ask_seatbelt(&text, profile, &host, &emitted.gaps, random, &mut tally) {
                let gaps = execpolicy::emit::gap_lines(&emitted.gaps).join("\n");
                panic!("{fault}\n{}\n{}\n{host:?}\n{text}\n{gaps}\n{fault}", profile.name, family.text);
            }
        }
    });
    assert!(tally.asked >= 20_000, "{tally:?}");
    assert!(tally.excused * 10 < tally.asked, "{tally:?}");
}

/// What is told of the first profile in a text, for a target or (`require`) a platform.
fn told(text: &str, about: &str) -> Vec<Code> {
    use execpolicy::lower::targets::{Target, assess, unmet};
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let file = sources.add("case.sandbox", text);
    let profiles = execpolicy::sandbox::load(&mut sources, &[file], &mut sink);
    assert_eq!(sink.as_slice(), [], "{text}");
    let platform = Target::from_name(about).map_or(Platform::Linux, Target::platform);
    let profile = profiles.get("agent", Phase::Run, platform).unwrap();
    let usual = Host::usual(platform);
    match Target::from_name(about) {
        Some(target) => {
            let open = assess(profile, &usual, target).into_iter().filter(|gap| !gap.accepted);
            open.map(|gap| gap.code).collect()
        }
        None => unmet(profile, &usual, platform).into_iter().map(|_| Code::EP0713).collect(),
    }
}

#[test]
fn every_page_of_a_gap_shows_it_and_a_fix() {
    let mut seen = 0;
    for code in Code::ALL.iter().filter(|code| code.as_str().starts_with("EP07")) {
        let sections = crate::harness::markdown::sections(code.page());
        for (heading, shown) in [("Example", true), ("Fix", false)] {
            let section = sections.iter().find(|section| section.heading == heading).unwrap();
            let [fence] = section.fences.as_slice() else { panic!("{code}: {heading} has one fence") };
            let codes = told(&fence.text, &fence.info[1]);
            assert_eq!(codes.contains(code), shown, "{code}: {heading}: {codes:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 26);
}
