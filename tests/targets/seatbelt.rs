//! In: what is emitted for macOS. Out: a failure where Seatbelt, as `sbpl.rs` reads it, answers differently from the model; or where an
//! emitter that is broken on purpose goes unnoticed.
//! Not here: how a profile is read (`sbpl.rs`).

use super::operation::Operation;
use super::{Emission, Tally, each_emission};
use crate::generate_profiles::path;
use crate::random::Random;
use crate::sbpl::{Profile as Seatbelt, Subject};
use execpolicy_compiler::diagnostic::{Code, Diagnostics};
use execpolicy_compiler::emit::{Emitted, seatbelt};
use execpolicy_compiler::lower::places::Host;
use execpolicy_compiler::lower::targets::{Finding, Kept};
use execpolicy_compiler::source::SourceMap;
use execpolicy_profile::model::{Destination, Path};
use execpolicy_profile::{Phase, Platform, Profile};

/// The directory of the session's own.
pub const SESSION: &str = "/session-of-its-own";

fn write<'p>(profile: &'p Profile, host: &Host) -> Option<Emitted<'p>> {
    Some(seatbelt::write(profile, host))
}

fn load(text: &str, profile: &Profile, host: &Host) -> Result<Seatbelt, String> {
    Seatbelt::parse(text, &seatbelt::parameters(profile, host, Some(SESSION)))
}

/// What Seatbelt is asked for an operation: the kernel follows links first and asks about what it finds.
fn answer(profile: &Seatbelt, operation: &Operation, host: &Host) -> Option<bool> {
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

/// Questions about one profile on one host, as `text` has it; gives what differs.
fn ask(text: &str, emission: &Emission<'_>, random: &mut Random, tally: &mut Tally) -> Result<(), String> {
    let (host, gaps) = (emission.host, &emission.gaps);
    let loaded = load(text, emission.profile, host)?;
    // What appears later is covered; only with a directory around it can something come in or get out.
    let still: Vec<Finding<'_>> =
        gaps.iter().filter(|gap| !matches!(gap.code, Code::EP0702 | Code::EP0703)).cloned().collect();
    let model = emission.model();
    for _ in 0..12 {
        let operation = Operation::any(random);
        let Some(got) = answer(&loaded, &operation, host) else { continue };
        let ruling = operation.ruling(&model);
        // The root directory itself, and the links of the system volume, are always shown.
        if got
            && matches!(&operation, Operation::Read(p) | Operation::List(p) | Operation::Stat(p)
            if host.tree.resolve(p).is_some_and(|p| p.is_empty()))
        {
            continue;
        }
        if !got && operation.own(&model, host) {
            tally.excuse(ruling.allowed);
            continue;
        }
        let gaps = if matches!(operation, Operation::Rename(..)) { gaps } else { &still };
        tally.compare(&operation, &ruling, got, gaps)?;
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
    each_emission(20, 3_000, write, |emission, random| ask(&emission.text, emission, random, &mut tally));
    tally.is_worth(20_000, 10);
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
    each_emission(23, 600, write, |emission, random| {
        let seed = random.next();
        for ((_, change), count) in mutations.iter().zip(&mut caught) {
            let broken = change(&emission.text);
            let asked = ask(&broken, emission, &mut Random(seed), &mut Tally::default());
            *count += usize::from(asked.is_err());
        }
        Ok(())
    });
    for ((name, _), count) in mutations.iter().zip(caught) {
        assert!(count > 0, "nothing notices that {name}");
    }
}

/// On macOS a name in another case is the same name, so what does not exist yet is caught in every case; what exists always
/// comes as it is spelt on disk.
#[test]
fn names_in_another_case_are_caught() {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let text = "profile agent {\n read /\n write $WORKSPACE\n read $WORKSPACE/Makefile\n protect .vscode, .git/hooks\n deny $WORKSPACE/**/.env\n}\n";
    let file = sources.add("case.sandbox", text);
    let profiles = execpolicy_compiler::sandbox::load(&mut sources, &[file], &mut sink);
    let profile = profiles.get("agent", Phase::Run, Platform::Macos).unwrap();
    let host = Host::usual(Platform::Macos);
    let text = String::from_utf8(seatbelt::write(profile, &host).bytes).unwrap();
    let loaded = load(&text, profile, &host).unwrap();
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
