//! In: what is said of targets: the pages of gaps, the table of `docs/semantics.md`, the findings about the runtime's own targets. Out: a
//! failure where it is not so; and where a profile of the library cannot be read back from what is emitted for it.
//! Not here: random profiles (the files beside this one).

use super::filters::Oci;
use super::landlock::Landlock;
use super::seatbelt::SESSION;
use crate::sbpl::Profile;
use execpolicy_compiler::diagnostic::{Code, Diagnostics};
use execpolicy_compiler::emit::{landlock, oci, seatbelt};
use execpolicy_compiler::lower::places::Host;
use execpolicy_compiler::lower::targets::{ClauseKind, Kept, Support, Target, assess, support, unmet};
use execpolicy_compiler::source::SourceMap;
use execpolicy_profile::{Phase, Platform};

/// What is told of the first profile in a text, for a target or (`require`) a platform.
fn told(text: &str, about: &str) -> Vec<Code> {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let file = sources.add("case.sandbox", text);
    let profiles = execpolicy_compiler::sandbox::load(&mut sources, &[file], &mut sink);
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
    const OPEN: &str = "<!-- generated: targets -->\n";
    const CLOSE: &str = "<!-- end -->\n";
    let names: Vec<&str> = Target::ALL.iter().map(|target| target.as_str()).collect();
    let mut table = format!("| clause | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    let mut codes = std::collections::BTreeSet::new();
    for clause in ClauseKind::ALL {
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

/// Every profile of the library and of this page, loaded for macOS: balanced, known operations, every parameter given.
#[test]
fn every_profile_of_the_library_is_read_back() {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let profiles = execpolicy_compiler::sandbox::load(&mut sources, &[], &mut sink);
    for profile in profiles.iter() {
        let host = Host::usual(profile.platform);
        let emitted = seatbelt::write(profile, &host);
        let text = String::from_utf8(emitted.bytes).unwrap();
        let private = seatbelt::has_private(profile).then_some(SESSION);
        Profile::parse(&text, &seatbelt::parameters(profile, &host, private)).unwrap();
        Landlock::parse(&String::from_utf8(landlock::write(profile, &host).bytes).unwrap()).unwrap();
        Oci::parse(&String::from_utf8(oci::write(profile, &host).bytes).unwrap()).unwrap();
        let codex = String::from_utf8(execpolicy_compiler::emit::codex::write(profile, &host).bytes).unwrap();
        codex.parse::<toml::Table>().unwrap_or_else(|fault| panic!("{fault}\n{codex}"));
        let srt = execpolicy_compiler::emit::srt::write(profile, &host).bytes;
        serde_json::from_slice::<serde_json::Value>(&srt).unwrap();
        assert_eq!(emitted.gaps.len(), seatbelt::write(profile, &host).gaps.len());
    }
}

/// What is said of the runtime's own targets is what its lowering does: it refuses a profile where a finding says that no command
/// runs, or a requirement is unmet, and nowhere else.
#[cfg(target_os = "linux")]
#[test]
fn the_runtime_refuses_what_is_said_of_it() {
    use execpolicy_confine::lower::{Host as Here, lower};
    use execpolicy_profile as read;
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
        let profiles = execpolicy_compiler::sandbox::load(&mut sources, &[file], &mut sink);
        assert!(!sink.has_errors(), "{body}");
        let profile = profiles.get("agent", Phase::Run, Platform::Linux).unwrap();
        let usual = Host::usual(Platform::Linux);
        let native = Target::native(Platform::Linux).iter().filter(|target| **target != Target::Landlock);
        let stops = native
            .flat_map(|target| assess(profile, &usual, *target))
            .any(|gap| gap.kept == Kept::Stricter && !gap.accepted);
        let said = stops || !unmet(profile, &usual, Platform::Linux).is_empty();
        let bytes = profiles.encode().unwrap();
        let loaded = read::Profiles::from_bytes(&bytes).unwrap();
        let compiled = loaded.get("agent", Phase::Run, Platform::Linux).unwrap();
        let done = lower(&compiled, &here);
        assert_eq!(done.is_err(), said, "{body}: {:?}", done.err().map(|refusal| refusal.to_string()));
        refused += usize::from(said);
    }
    assert!((8..bodies.len() - 8).contains(&refused), "{refused}");
}
