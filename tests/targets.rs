//! In: random profiles and hosts, and what is emitted for a target. Out: a failure where an evaluator of the target answers
//! differently from the reference model, outside of the gaps that `lower/targets` names.
//! Not here: real kernels (`confine/`), and the evaluators of formats (`sbpl.rs`, `formats_of_others.rs`).

use crate::others::{CodexFiles, Landlock, Mounts, Oci, Shows, SrtFiles, bpf};
use crate::random::Random;
use crate::sandbox_model::{each_family, host, nothing_more, path};
use crate::sbpl::{Profile, Subject};
use execpolicy::diagnostic::{Code, Diagnostics};
use execpolicy::emit::{bwrap, landlock, oci, seatbelt};
use execpolicy::lower::places::{Host, Places};
use execpolicy::lower::targets::{Finding, Kept};
use execpolicy::policy::model::{By, Destination, Kind, Model, Path, Ruling};
use execpolicy::policy::profile::{Origin, Phase, Platform};
use execpolicy::source::SourceMap;
use execpolicy_runtime::confine::seccomp::{self as seccomp_words, Arch};

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

    /// The statements that grant what it is about, wildcards and names aside.
    pub fn grants<'p>(&self, places: &Places<'p>, host: &Host) -> Vec<&'p Origin> {
        let real = self.paths().into_iter().flat_map(|p| [host.tree.resolve(p), host.tree.resolve_parent(p)]);
        let real = real.flatten().flat_map(|p| [p.parent(), p]);
        real.filter_map(|p| Some(&places.literal(&p)?.rule.origin)).collect()
    }

    fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Rename(p, q) | Self::Link(p, q) => vec![p, q],
            Self::Read(p) | Self::Write(p) | Self::Create(p) | Self::Remove(p) => vec![p],
            Self::Execute(p) | Self::List(p) | Self::Stat(p) => vec![p],
        }
    }

    /// Whether it is about something of the session's own: which files those are is a target's matter.
    pub fn own(&self, model: &Model<'_>, host: &Host) -> bool {
        let paths = self.paths();
        let real =
            paths.into_iter().flat_map(|p| [host.tree.resolve(p), host.tree.resolve_parent(p)]).flatten();
        real.flat_map(|p| [p.parent(), p]).any(|p| model.access(&p).own)
    }

    /// Whether it is about one thing that exists.
    pub fn is_there(&self, host: &Host) -> bool {
        let follow = |p: &Path| host.tree.resolve(p).is_some_and(|p| host.tree.kind(&p).is_some());
        match self {
            Self::Read(p) | Self::Write(p) | Self::Execute(p) | Self::List(p) => follow(p),
            Self::Remove(p) => host.tree.resolve_parent(p).is_some_and(|p| host.tree.kind(&p).is_some()),
            _ => false,
        }
    }

    /// Whether it is about something below a file, where nothing can be.
    pub fn below_a_file(&self, host: &Host) -> bool {
        let is_file = |path: &Path| host.tree.kind(path) == Some(&Kind::File);
        let listed = |p: &Path| host.tree.resolve(p).is_some_and(|p| is_file(&p));
        if matches!(self, Self::List(p) if listed(p)) {
            return true;
        }
        let real = self.paths().into_iter().flat_map(|p| [host.tree.resolve(p), host.tree.resolve_parent(p)]);
        let mut above = real.flatten().flat_map(|p| (0..p.len()).map(move |count| p.take(count)));
        above.any(|p| is_file(&p))
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
    let parameters = seatbelt::parameters(profile, host, Some(SESSION));
    let loaded = Profile::parse(text, &parameters)?;
    // What appears later is covered; only with a directory around it can something come in or get out.
    let still: Vec<Finding<'_>> =
        gaps.iter().filter(|gap| !matches!(gap.code, Code::EP0702 | Code::EP0703)).cloned().collect();
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
        let gaps = if matches!(operation, Operation::Rename(..)) { gaps } else { &still };
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
            let named = still.iter().any(|gap| by == Some(gap.origin) && (gap.kept == Kept::Weaker || !got));
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
    loaded.differs().map_or(Ok(()), Err)
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

/// What Landlock is asked for an operation: rights of a file are its own, making and removing are rights of the directory.
fn by_landlock(loaded: &Landlock, operation: &Operation, host: &Host) -> Option<bool> {
    let tree = &host.tree;
    let follow = |right: &str, path: &Path| Some(loaded.allows(right, &tree.resolve(path)?));
    let entry = |path: &Path| tree.resolve_parent(path).filter(|path| !path.is_empty());
    let remove = |path: &Path| {
        let path = entry(path)?;
        let all = tree.below(&path).all(|path| loaded.allows("remove_file", &path.parent()));
        Some(all && loaded.allows("remove_dir", &path.parent()))
    };
    let create = |path: &Path| Some(loaded.allows("make_reg", &entry(path)?.parent()));
    let both = |p: &Path, q: &Path| {
        let (old, new) = (entry(p)?, entry(q)?);
        let one = old.parent() == new.parent();
        Some(one || loaded.allows("refer", &old.parent()) && loaded.allows("refer", &new.parent()))
    };
    match operation {
        Operation::Read(p) => follow("read_file", p),
        Operation::Write(p) => follow("write_file", p),
        Operation::Execute(p) => follow("execute", p),
        Operation::List(p) => follow("read_dir", p),
        // Not among its rights.
        Operation::Stat(_) => None,
        Operation::Create(p) => create(p),
        Operation::Remove(p) => remove(p),
        Operation::Rename(p, q) => Some(remove(p)? && create(q)? && both(p, q)?),
        Operation::Link(p, q) => {
            // A second name for what is granted by itself, in a directory that is not: the directory decides here.
            let old = entry(p)?;
            let alone = !loaded.allows("make_reg", &old.parent()) && loaded.allows("write_file", &old);
            (!alone).then_some(loaded.allows("write_file", &old) && create(q)? && both(p, q)?)
        }
    }
}

#[test]
fn landlock_agrees_with_the_model() {
    let mut tally = Tally::default();
    each_family(21, 1_500, nothing_more, |family, random| {
        for profile in family.own() {
            let (mut roots, tree) = host(random);
            roots.ignore_case = false;
            let host = Host { roots, tree, surveyed: true };
            let emitted = landlock::write(profile, &host);
            let text = String::from_utf8(emitted.bytes).unwrap();
            let loaded = Landlock::parse(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
            let model = Model::new(profile, &host.roots, &host.tree);
            for _ in 0..12 {
                let operation = Operation::any(random);
                if operation.below_a_file(&host) {
                    continue;
                }
                let Some(got) = by_landlock(&loaded, &operation, &host) else { continue };
                let ruling = operation.ruling(&model);
                let question = format!("{operation:?}");
                if let Err(fault) = compare(&mut tally, &question, &ruling, got, &emitted.gaps) {
                    panic!("{fault}\n{}\n{}\n{host:?}\n{text}", profile.name, family.text);
                }
            }
        }
    });
    assert!(tally.asked >= 10_000, "{tally:?}");
    assert!(tally.excused * 4 < tally.asked, "{tally:?}");
}

/// What the mounts answer. `None`: the file view does not say, or the kernel gives another error than a denial (EXDEV).
fn by_mounts(view: &Mounts, operation: &Operation, host: &Host) -> Option<bool> {
    let tree = &host.tree;
    let at = |path: &Path| view.at(path).1;
    let seen = |shows: Shows| matches!(shows, Shows::Host { .. });
    let writable =
        |shows: Shows| matches!(shows, Shows::Host { writable: true } | Shows::Own { writable: true, .. });
    let entry = |path: &Path| tree.resolve_parent(path).filter(|path| !path.is_empty());
    let create = |path: &Path| {
        let path = entry(path)?;
        Some(writable(at(&path.parent())) && !view.is_point(&path))
    };
    let remove = |path: &Path| {
        let path = entry(path)?;
        Some(writable(at(&path.parent())) && !view.holds_point(&path))
    };
    let across = |p: &Path, q: &Path| Some(view.at(&entry(p)?.parent()).0 != view.at(&entry(q)?.parent()).0);
    match operation {
        Operation::Read(p) | Operation::Execute(p) | Operation::List(p) => {
            let shows = at(&tree.resolve(p)?);
            Some(seen(shows) || matches!(shows, Shows::Own { listed: true, .. }))
        }
        Operation::Write(p) => Some(writable(at(&tree.resolve(p)?))),
        // A name that is covered is still a name.
        Operation::Stat(p) => seen(at(&tree.resolve(p)?)).then_some(true),
        // What is there cannot be made.
        Operation::Create(p) if entry(p).is_some_and(|p| tree.kind(&p).is_some()) => None,
        Operation::Create(p) => create(p),
        Operation::Remove(p) => remove(p),
        Operation::Rename(p, q) if across(p, q)? => None,
        Operation::Rename(p, q) => {
            let (old, new) = (entry(p)?, entry(q)?);
            let there = if tree.kind(&new).is_some() { remove(q)? } else { true };
            Some(writable(at(&old.parent())) && !view.holds_point(&old) && there && create(q)?)
        }
        Operation::Link(p, q) if across(p, q)? => None,
        Operation::Link(p, q) => {
            let old = entry(p)?;
            let inside = writable(at(&old)) && !view.is_point(&old);
            inside.then_some(create(q)?)
        }
    }
}

#[test]
fn bubblewrap_agrees_with_the_model() {
    let mut tally = Tally::default();
    each_family(22, 3_000, nothing_more, |family, random| {
        for profile in family.own() {
            let (mut roots, tree) = host(random);
            roots.ignore_case = false;
            let host = Host { roots, tree, surveyed: true };
            let emitted = match bwrap::write(profile, &host) {
                Ok(emitted) => emitted,
                // The runtime refuses these as well.
                Err(refused) => {
                    let known = ["is not a directory", "the root cannot be private", "could replace"];
                    assert!(known.iter().any(|why| refused.to_string().contains(why)), "{refused}");
                    continue;
                }
            };
            let text = String::from_utf8(emitted.bytes).unwrap();
            let fail = |fault: String| -> ! {
                let gaps = execpolicy::emit::gap_lines(&emitted.gaps).join("\n");
                panic!("{fault}\n{}\n{}\n{host:?}\n{text}\n{gaps}\n{fault}", profile.name, family.text)
            };
            let places = Places::of(profile, &host);
            let view = Mounts::parse(&text, &host.tree).unwrap_or_else(|fault| fail(fault));
            let model = Model::new(profile, &host.roots, &host.tree);
            for _ in 0..12 {
                let operation = Operation::any(random);
                if operation.below_a_file(&host) {
                    continue;
                }
                let Some(got) = by_mounts(&view, &operation, &host) else { continue };
                let ruling = operation.ruling(&model);
                if operation.own(&model, &host) && got != ruling.allowed {
                    tally.asked += 1;
                    tally.excused += 1;
                    continue;
                }
                // A statement about what is not there has nothing to hold on to, and gives nothing.
                let grants = operation.grants(&places, &host);
                let absent =
                    |gap: &Finding<'_>| gap.instead.contains("not exist") && grants.contains(&gap.origin);
                if got != ruling.allowed && emitted.gaps.iter().any(absent) {
                    tally.asked += 1;
                    tally.excused += 1;
                    continue;
                }
                let question = format!("{operation:?}");
                // What is there when the arguments are written is covered, whatever a wildcard or a name promises about the rest.
                let there =
                    operation.is_there(&host) && matches!(ruling.answer.by, By::Glob(_) | By::Protect(_));
                let gaps: Vec<Finding<'_>> = emitted
                    .gaps
                    .iter()
                    .filter(|gap| !there || !matches!(gap.code, Code::EP0702 | Code::EP0703))
                    .cloned()
                    .collect();
                if let Err(fault) = compare(&mut tally, &question, &ruling, got, &gaps) {
                    fail(fault);
                }
            }
            let off = view.arguments.iter().any(|word| word == "--unshare-net");
            let open = model.connect(&Destination::new("elsewhere.example", 9)).allowed;
            // Where single hosts are refused, all are.
            if off == open && profile.network.hosts.is_empty() {
                fail(format!("the network is {open} in the model"));
            }
        }
    });
    assert!(tally.asked >= 10_000, "{tally:?}");
    assert!(tally.excused * 5 < tally.asked, "{tally:?}");
}

/// A profile that denies some calls.
fn denying(words: &[&str]) -> execpolicy::policy::profile::Resolved {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let text = format!(
        "profile agent {{\n read /\n syscalls deny {}\n}}\n",
        words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
    );
    let file = sources.add("case.sandbox", text);
    let profiles = execpolicy::sandbox::load(&mut sources, &[file], &mut sink);
    assert_eq!(sink.as_slice(), []);
    profiles.get("agent", Phase::Run, Platform::Linux).unwrap().clone()
}

#[test]
fn the_filters_agree_with_each_other_and_the_model() {
    const ALLOW: u32 = 0x7FFF_0000;
    let words: Vec<&str> = include_str!("../stdlib/sandbox/syscalls.txt")
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| !word.starts_with('#') && seccomp_words::is_word(word))
        .collect();
    assert!(words.len() > 300);
    let mut random = Random(77);
    let mut asked = 0;
    for (arch, machine) in [(Arch::X86_64, 0xC000_003E), (Arch::Aarch64, 0xC000_00B7)] {
        // The number of a name is where a filter that denies only that one refuses.
        let number = |name: &str| {
            let program = seccomp_words::build(arch, [name]).unwrap().to_bytes();
            (0..500).find(|nr| {
                bpf(&program, machine, *nr, &[0; 6]) & 0x7FFF_0000 == 0x0005_0000 && known(arch, *nr)
            })
        };
        let plain: Vec<&str> = words.iter().copied().filter(|word| !word.contains(':')).collect();
        let numbers: Vec<(&str, u32)> =
            plain.iter().filter_map(|name| Some((*name, number(name)?))).collect();
        assert!(numbers.len() > 280, "{}", numbers.len());
        for _ in 0..40 {
            let mut denied: Vec<&str> = (0..20).map(|_| *random.pick(&words)).collect();
            denied.extend(words.iter().filter(|word| word.contains(':') && random.chance(70)));
            denied.sort_unstable();
            denied.dedup();
            let profile = denying(&denied);
            let usual = Host::usual(Platform::Linux);
            let json = String::from_utf8(oci::write(&profile, &usual).bytes).unwrap();
            let oci = Oci::parse(&json).unwrap_or_else(|fault| panic!("{fault}"));
            let program = execpolicy::emit::seccomp::write(&profile, &usual, arch).unwrap().bytes;
            let model = Model::new(&profile, &usual.roots, &usual.tree);
            for _ in 0..200 {
                let near = [
                    "clone",
                    "socket",
                    "socketpair",
                    "openat",
                    "personality",
                    "ioctl",
                    "prlimit64",
                    "fchmodat",
                ];
                let (name, nr) = match random.chance(50) {
                    true => *random.pick(&numbers),
                    false => {
                        let wanted = *random.pick(&near);
                        *numbers.iter().find(|(name, _)| *name == wanted).unwrap()
                    }
                };
                let interesting = [
                    0,
                    1,
                    2,
                    8,
                    10,
                    16,
                    0o100,
                    0o4755,
                    0o2000,
                    0x5412,
                    0x541C,
                    0x4_0008,
                    0x1000_0000,
                    0xFFFF_FFFF,
                ];
                let args: [u64; 6] = std::array::from_fn(|_| match random.below(3) {
                    0 => *random.pick(&interesting),
                    1 => 1 << random.below(33),
                    _ => random.next(),
                });
                let by_program = bpf(&program, machine, nr, &args);
                let by_oci = oci.answer(name, &args).map_or(ALLOW, |errno| 0x0005_0000 | errno);
                assert_eq!(by_program, by_oci, "{name} {args:x?} of {denied:?} on {arch:?}");
                if model.syscall_denied(name).is_some() {
                    assert_ne!(by_program, ALLOW, "{name}");
                }
                asked += 1;
            }
        }
    }
    assert!(asked >= 10_000);
}

/// Numbers that the architecture gives out (the others are unknown to the filter).
fn known(arch: Arch, nr: u32) -> bool {
    match arch {
        Arch::X86_64 => nr <= 335 || (424..=469).contains(&nr),
        Arch::Aarch64 => nr <= 243 || (260..=294).contains(&nr) || (424..=469).contains(&nr),
    }
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

/// The table of `docs/semantics.md`: what `lower/targets` says, and nothing that was typed by hand.
#[test]
fn the_table_of_the_documentation_is_what_the_code_says() {
    use execpolicy::lower::targets::{Clause, Support, Target, support};
    const OPEN: &str = "<!-- generated: targets -->\n";
    const CLOSE: &str = "<!-- end -->\n";
    let names: Vec<&str> = Target::ALL.iter().map(|target| target.as_str()).collect();
    let mut table = format!("| clause | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    let mut codes = std::collections::BTreeSet::new();
    for clause in Clause::ALL {
        let cells = Target::ALL.map(|target| match support(clause, target) {
            Support::Gap(code) => {
                codes.insert(code);
                format!("[{code}](diagnostics/{code}.md)")
            }
            other => other.cell(),
        });
        table.push_str(&format!("| {} | {} |\n", clause.title(), cells.join(" | ")));
    }
    table.push('\n');
    for code in codes {
        table.push_str(&format!("- {code}: {}\n", code.title()));
    }
    let file = crate::harness::root().join("docs/semantics.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(OPEN).expect("the table has its place");
    let (known, after) = rest.split_once(CLOSE).unwrap();
    if known != table && crate::harness::updating() {
        std::fs::write(&file, format!("{before}{OPEN}{table}{CLOSE}{after}")).unwrap();
    } else {
        assert_eq!(known, table, "UPDATE_EXPECT=1 writes the table");
    }
}

/// Emitters that are broken on purpose: the comparison notices each of them.
#[test]
fn a_broken_emitter_is_caught() {
    type Break = fn(&str) -> String;
    let mutations: &[(&str, Break)] = &[
        ("rules from the most specific to the least", |text| {
            let (head, rest) = text.split_once("; -- files").unwrap();
            let (files, tail) = rest.split_once("\n; -- what stands").unwrap();
            let mut lines: Vec<&str> = files.lines().skip(1).filter(|line| line.starts_with('(')).collect();
            lines.reverse();
            format!("{head}\n{}\n; -- what stands{tail}", lines.join("\n"))
        }),
        ("a subpath is one file", |text| text.replace("(subpath (param", "(literal (param")),
        ("wildcards are forgotten", |text| {
            text.lines()
                .filter(|line| !line.starts_with("(deny file-read*") || !line.contains("(regex"))
                .fold(String::new(), |mut out, line| {
                    out.push_str(line);
                    out.push('\n');
                    out
                })
        }),
        ("names are protected at the top only", |text| text.replace("/([^/]+/)*", "/")),
        ("a wildcard operation instead of a list", |text| {
            text.replace(
                "(deny file-read* file-read-metadata file-test-existence",
                "(deny file-read* file-test-existence",
            )
        }),
        ("directories can be renamed away", |text| {
            text.lines().filter(|line| !line.starts_with("(deny file-write-unlink")).fold(
                String::new(),
                |mut out, line| {
                    out.push_str(line);
                    out.push('\n');
                    out
                },
            )
        }),
        ("write is only content", |text| {
            text.replace(
                "file-write* file-write-data file-write-create file-write-unlink file-link",
                "file-write-data",
            )
        }),
        ("a link may be made to anything", |text| {
            text.replace("(deny file-write*", "(allow file-link)\n(deny file-write*")
        }),
        ("sockets are forgotten", |text| {
            text.replace(
                "(deny network-outbound (remote unix-socket",
                "(allow network-outbound (remote unix-socket",
            )
        }),
    ];
    let mut caught = vec![0; mutations.len()];
    each_family(23, 600, nothing_more, |family, random| {
        for profile in family.own() {
            let (mut roots, tree) = host(random);
            roots.ignore_case = false;
            let host = Host { roots, tree, surveyed: true };
            let emitted = seatbelt::write(profile, &host);
            let text = String::from_utf8(emitted.bytes).unwrap();
            let seed = random.next();
            for ((_, change), count) in mutations.iter().zip(&mut caught) {
                let broken = change(&text);
                let asked = ask_seatbelt(
                    &broken,
                    profile,
                    &host,
                    &emitted.gaps,
                    &mut Random(seed),
                    &mut Tally::default(),
                );
                *count += usize::from(asked.is_err());
            }
        }
    });
    for ((name, _), count) in mutations.iter().zip(caught) {
        assert!(count > 0, "nothing notices that {name}");
    }
}

/// Every profile of the library and of this page, loaded for macOS: balanced, known operations, every parameter given.
#[test]
fn every_profile_of_the_library_is_read_back() {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let profiles = execpolicy::sandbox::load(&mut sources, &[], &mut sink);
    for profile in profiles.iter() {
        let host = Host::usual(profile.platform);
        let emitted = seatbelt::write(profile, &host);
        let text = String::from_utf8(emitted.bytes).unwrap();
        let private = seatbelt::has_private(profile).then_some(SESSION);
        Profile::parse(&text, &seatbelt::parameters(profile, &host, private)).unwrap();
        Landlock::parse(&String::from_utf8(landlock::write(profile, &host).bytes).unwrap()).unwrap();
        Oci::parse(&String::from_utf8(oci::write(profile, &host).bytes).unwrap()).unwrap();
        let codex = String::from_utf8(execpolicy::emit::codex::write(profile, &host).bytes).unwrap();
        codex.parse::<toml::Table>().unwrap_or_else(|fault| panic!("{fault}\n{codex}"));
        let srt = execpolicy::emit::srt::write(profile, &host).bytes;
        serde_json::from_slice::<serde_json::Value>(&srt).unwrap();
        assert_eq!(emitted.gaps.len(), seatbelt::write(profile, &host).gaps.len());
    }
}

/// On macOS a name in another case is the same name, so what does not exist yet is caught in every case; what exists always
/// comes as it is spelt on disk.
#[test]
fn names_in_another_case_are_caught() {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let text = "profile agent {\n read /\n write $WORKSPACE\n read $WORKSPACE/Makefile\n protect .vscode, .git/hooks\n deny $WORKSPACE/**/.env\n}\n";
    let file = sources.add("case.sandbox", text);
    let profiles = execpolicy::sandbox::load(&mut sources, &[file], &mut sink);
    let profile = profiles.get("agent", Phase::Run, Platform::Macos).unwrap();
    let host = Host::usual(Platform::Macos);
    let text = String::from_utf8(seatbelt::write(profile, &host).bytes).unwrap();
    let loaded = load_seatbelt(&text, profile, &host);
    let ws = &host.roots.workspace;
    for path in [".VSCode/tasks.json", "a/.vScode/x", "MAKEFILE", ".Git/HOOKS/x", "a/.ENV", ".v\u{17f}code/x"]
    {
        assert!(!loaded.path("file-write-create", &format!("{ws}/{path}")), "{path}");
    }
    assert!(!loaded.path("file-read-data", &format!("{ws}/a/.Env")));
    for path in ["vscode/x", "a/.vscodex", "Makefiles", ".git/hook"] {
        assert!(loaded.path("file-write-create", &format!("{ws}/{path}")), "{path}");
    }
}

/// What is said of the runtime's own targets is what its lowering does: it refuses a profile where a finding says that no command
/// runs, or a requirement is unmet, and nowhere else.
#[cfg(target_os = "linux")]
#[test]
fn the_runtime_refuses_what_is_said_of_it() {
    use execpolicy::lower::targets::{Target, assess, unmet};
    use execpolicy_runtime::confine::lower::{Host as Here, lower};
    use execpolicy_runtime::profile as read;
    let directory = tempfile::tempdir().unwrap();
    let workspace = directory.path().canonicalize().unwrap();
    let here = Here::new(&workspace, &workspace, vec![("HOME".into(), workspace.clone().into())]).unwrap();
    let bodies = [
        "limit memory 1GiB",
        "limit memory 1GiB\naccept gap limits",
        "limit open-files 100, wall-time 1min",
        "network off",
        "network full",
        "network allow x.org",
        "network allow x.org\naccept gap host-names",
        "network allow localhost:3000",
        "network allow unix:/run/x.sock",
        "network full\nnetwork deny x.org",
        "deny $WORKSPACE/**/x",
        "deny $WORKSPACE/**/x\nrequire late-files",
        "require late-files",
        "write $WORKSPACE\nprotect .vscode\nrequire missing-protected",
        "protect .vscode\nrequire missing-protected",
        "require missing-protected",
        "deny ~/.ssh\nrequire metadata",
        "require metadata",
        "require local-sockets",
        "require second-wall",
        "write $WORKSPACE\nread $WORKSPACE/a\nrequire second-wall",
        "private /tmp\nrequire private-directories",
        "limit open-files 100\nrequire limits",
        "syscalls deny ptrace\nrequire \"syscalls\"",
    ];
    let mut refused = 0;
    for body in bodies {
        let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
        let file = sources.add("case.sandbox", format!("profile agent {{\nread /\n{body}\n}}\n"));
        let profiles = execpolicy::sandbox::load(&mut sources, &[file], &mut sink);
        assert!(!sink.has_errors(), "{body}");
        let profile = profiles.get("agent", Phase::Run, Platform::Linux).unwrap();
        let usual = Host::usual(Platform::Linux);
        let native = Target::native(Platform::Linux).iter().filter(|target| **target != Target::Landlock);
        let stops = native
            .flat_map(|target| assess(profile, &usual, *target))
            .any(|gap| gap.kept == Kept::Stricter && !gap.accepted);
        let said = stops || !unmet(profile, &usual, Platform::Linux).is_empty();
        let bytes = execpolicy::emit::profiles::encode(&profiles).unwrap();
        let loaded = read::Profiles::from_bytes(&bytes).unwrap();
        let compiled = loaded.get("agent", Phase::Run, Platform::Linux).unwrap();
        let done = lower(&compiled, &here);
        assert_eq!(done.is_err(), said, "{body}: {:?}", done.err().map(|refusal| refusal.to_string()));
        refused += usize::from(said);
    }
    assert!((8..bodies.len() - 8).contains(&refused), "{refused}");
}

/// Reading and writing under sandbox-runtime and Codex, as far as their settings say.
#[test]
fn settings_of_other_tools_agree_with_the_model() {
    let mut tallies = [Tally::default(), Tally::default()];
    each_family(24, 1_500, nothing_more, |family, random| {
        for profile in family.own() {
            let (mut roots, tree) = host(random);
            roots.ignore_case = false;
            let host = Host { roots, tree, surveyed: true };
            let model = Model::new(profile, &host.roots, &host.tree);
            let srt = execpolicy::emit::srt::write(profile, &host);
            let codex = execpolicy::emit::codex::write(profile, &host);
            let texts = [&srt, &codex].map(|emitted| String::from_utf8(emitted.bytes.clone()).unwrap());
            let by_srt = SrtFiles::parse(&texts[0]).unwrap();
            let (workspace, home) = (&host.roots.workspace, &host.roots.home);
            let by_codex = CodexFiles::parse(&texts[1], workspace.trim_end_matches('/'), home).unwrap();
            for _ in 0..12 {
                let asked = path(random);
                let Some(real) = host.tree.resolve(&asked) else { continue };
                let writes = random.chance(50);
                let operation =
                    if writes { Operation::Write(asked.clone()) } else { Operation::Read(asked.clone()) };
                let ruling = operation.ruling(&model);
                let answers = if writes {
                    [by_srt.writes(&real), by_codex.access(&real) == 2]
                } else {
                    [by_srt.reads(&real), by_codex.access(&real) >= 1]
                };
                let gaps = [&srt.gaps, &codex.gaps];
                for (at, got) in answers.into_iter().enumerate() {
                    // The host's directory is closed where one of the session's own should be.
                    if !got && operation.own(&model, &host) {
                        tallies[at].asked += 1;
                        tallies[at].excused += usize::from(ruling.allowed);
                        continue;
                    }
                    let question = format!("{operation:?}");
                    if let Err(fault) = compare(&mut tallies[at], &question, &ruling, got, gaps[at]) {
                        panic!(
                            "{fault}\n{}\n{}\n{host:?}\n{}\n{fault}",
                            profile.name, family.text, texts[at]
                        );
                    }
                }
            }
        }
    });
    for tally in tallies {
        assert!(tally.asked >= 10_000, "{tally:?}");
        assert!(tally.excused * 5 < tally.asked, "{tally:?}");
    }
}
