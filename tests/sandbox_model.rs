//! In: random profiles, hosts and operations. Out: a failure, with its seed, where a law of the reference model, of
//! the artifact or of the comparison does not hold.
//! Not here: how they are made (`generate_profiles.rs`), and cases with names (`suite/sandbox`).

use crate::generate_profiles::{GLOBS, HOSTS, NAMES, PLACES, each_family, host, load, nothing_more, path};
use crate::random::Random;
use execpolicy_compiler::policy::profile::Profiles;
use execpolicy_profile as read;
use execpolicy_profile::model::{Destination, FileKind, Model, Path, Roots, Tree, narrower};
use execpolicy_profile::{
    Access, Clause, GlobRule, Located, PathAccess, PathRule, Phase, Place, Platform, Profile, Promise,
    Protect, Root,
};
use std::fmt::Write as _;

/// Everything a model answers, for a few random questions.
fn answers(model: &Model<'_>, random: &mut Random) -> Vec<(String, bool)> {
    let mut out = Vec::new();
    let (p, q) = (path(random), path(random));
    out.push((format!("read {p}"), model.read(&p).allowed));
    out.push((format!("write {p}"), model.write(&p).allowed));
    out.push((format!("create {p}"), model.create(&p).allowed));
    out.push((format!("remove {p}"), model.remove(&p).allowed));
    out.push((format!("rename {p} {q}"), model.rename(&p, &q).allowed));
    out.push((format!("link {p} {q}"), model.link(&p, &q).allowed));
    out.push((format!("stat {p}"), model.stat(&p).allowed));
    for host in ["x.org", "y.x.org", "z.y.x.org", "10.1.2.3", "10.9.9.9", "::1", "elsewhere.net"] {
        let port = *random.pick(&[22, 80, 85, 443]);
        out.push((format!("connect {host}:{port}"), model.connect(&Destination::new(host, port)).allowed));
    }
    out.push((format!("connect unix:{p}"), model.connect(&Destination::Socket(p)).allowed));
    for name in ["A", "a", "B", "A_TOKEN", "B_TOKEN", "LC_ALL", "C"] {
        out.push((format!("env {name}"), model.env(name).0 != read::Variable::Absent));
    }
    for call in ["ptrace", "mount", "keyctl"] {
        out.push((format!("call {call}"), model.syscall_denied(call).is_none()));
    }
    out
}

pub const PROFILES: usize = 12_000;

/// The literal part of the rule, said once more: walk up from the path; the first directory that any statement stands at decides, and of
/// several there the one that shows the least of the host.
fn literal(profile: &Profile, roots: &Roots, tree: &Tree, path: &Path) -> Option<PathAccess> {
    (0..=path.len()).rev().find_map(|count| {
        let here = path.take(count);
        let stands_here = |rule: &&Located<PathRule>| {
            let written = roots.bind(&rule.place);
            let target = tree.resolve(&written).unwrap_or_else(|| written.clone());
            let link = tree.resolve_parent(&written).unwrap_or_else(|| written.clone());
            let same =
                |other: &Path| other.len() == here.len() && other.starts_with(&here, roots.ignore_case);
            same(&target) || (same(&link) && matches!(rule.access, PathAccess::Deny | PathAccess::Read))
        };
        profile.paths.iter().filter(stands_here).map(|rule| rule.access).min()
    })
}

#[test]
fn the_laws_of_the_model_hold() {
    each_family(1, PROFILES, nothing_more, |family, random| {
        let text = family.text;
        for profile in family.own() {
            let (roots, tree) = host(random);
            let model = Model::new(profile, &roots, &tree);
            let mut bare = profile.clone();
            bare.globs.clear();
            bare.protects.clear();
            let uncapped = Model::new(&bare, &roots, &tree);
            for _ in 0..6 {
                let (p, q) = (path(random), path(random));
                let fail = |law: &str| panic!("{law}: {p} {q} {roots:?} {tree:?}\n{}\n{text}", profile.name);
                let real = tree.resolve(&p);
                let answer = model.answer(&p);
                if let Some(real) = &real {
                    let expected =
                        literal(profile, &roots, &tree, real).map_or(Access::Deny, PathAccess::access);
                    if uncapped.access(real).access != expected {
                        fail("the most specific statement decides");
                    }
                    if model.access(real).access > expected {
                        fail("a cap never grants");
                    }
                    let below = real.join("deeper");
                    let denied_by_cap = model.access(real).access == Access::Deny && expected != Access::Deny;
                    if denied_by_cap
                        && model.access(&below).access != Access::Deny
                        && literal(profile, &roots, &tree, &below) == literal(profile, &roots, &tree, real)
                    {
                        fail("a cap holds for everything below");
                    }
                }
                if model.write(&p).allowed && !(model.read(&p).allowed && model.stat(&p).allowed) {
                    fail("who may write may read, and who may read may ask");
                }
                if model.read(&p).allowed != (answer.access >= Access::Read) && real.is_some() {
                    fail("reading is reading where the path leads");
                }
                if model.remove(&p).allowed {
                    let at = tree.resolve_parent(&p).unwrap();
                    if !model.create(&p).allowed
                        || tree.below(&at).any(|q| model.access(q).access != Access::Write)
                    {
                        fail("removing asks for everything below");
                    }
                }
                if model.rename(&p, &q).allowed {
                    let (from, to) = (tree.resolve_parent(&p).unwrap(), tree.resolve_parent(&q).unwrap());
                    for moved in tree.below(&from) {
                        let new = to.join(&moved.tail(from.len()));
                        if model.access(moved).access != Access::Write
                            || model.access(&new).access != Access::Write
                        {
                            fail("renaming moves nothing into or out of a restriction");
                        }
                    }
                }
                if model.link(&p, &q).allowed
                    && !(model.create(&q).allowed
                        && model.access(&tree.resolve_parent(&p).unwrap()).access == Access::Write)
                {
                    fail("a second name has no more access than the first");
                }
                if answer.access != Access::Deny && answer.by.origin().is_none() {
                    fail("nothing is granted without a statement");
                }
            }
        }
    });
}

#[test]
fn one_more_cap_never_allows_more() {
    let more = |random: &mut Random, id: usize| {
        let added = match random.below(3) {
            0 => format!("deny {}", random.pick(GLOBS)),
            1 => format!("protect {}", random.pick(NAMES)),
            _ => format!("network deny {}", random.pick(HOSTS)),
        };
        (format!("profile four-{id} extends three-{id} {{\n{added}\n}}\n"), added)
    };
    each_family(2, PROFILES / 3, more, |family, random| {
        // A child replaces what its parent says about the same thing; only a new statement can be a law.
        let (before, after) = (family.get("three"), family.get("four"));
        let replaces = after.globs.len() == before.globs.len()
            && after.protects.len() == before.protects.len()
            && after.hosts.len() == before.hosts.len();
        if replaces {
            return;
        }
        let (roots, tree) = host(random);
        let seed = random.next();
        let wide = answers(&Model::new(before, &roots, &tree), &mut Random(seed));
        let narrow = answers(&Model::new(after, &roots, &tree), &mut Random(seed));
        for (wide, narrow) in wide.iter().zip(&narrow) {
            let text = family.text;
            assert!(wide.1 || !narrow.1, "`{}` allows {}: {roots:?} {tree:?}\n{text}", family.added, wide.0);
        }
    });
}

#[test]
fn extends_and_unset_are_inverse() {
    let more = |random: &mut Random, id: usize| {
        let place = *random.pick(PLACES);
        let said = format!("{} {place}", random.pick(&["write", "read", "private"]));
        let text = format!(
            "profile same-{id} extends three-{id} {{ }}\nprofile more-{id} extends three-{id} {{\n{said}\n}}\n\
             profile back-{id} extends more-{id} {{\nunset {said}\n}}\n"
        );
        (text, place.to_owned())
    };
    each_family(3, PROFILES / 3, more, |family, _| {
        let (three, text) = (family.get("three"), family.text);
        let stands =
            |profile: &Profile| profile.paths.iter().any(|rule| rule.place.to_string() == family.added);
        let get = |name: &str| {
            let mut profile = family.get(name).clone();
            profile.name.clone_from(&three.name);
            profile.origin = three.origin.clone();
            profile
        };
        assert_eq!(&get("same"), three, "an empty child is its parent:\n{text}");
        assert!(stands(&get("more")));
        if stands(three) {
            assert!(!stands(&get("back")), "what replaced a statement is taken back with it:\n{text}");
        } else {
            assert_eq!(&get("back"), three, "unset is the inverse of adding:\n{text}");
        }
    });
}

#[test]
fn the_artifact_means_what_the_source_means() {
    let mut last: Option<(usize, Profiles)> = None;
    each_family(4, PROFILES, nothing_more, |family, random| {
        let profiles = family.profiles;
        // Families that were compiled together are in one artifact.
        if last.as_ref().is_none_or(|(batch, _)| *batch != family.batch) {
            let bytes = profiles.encode().unwrap();
            assert_eq!(bytes, profiles.encode().unwrap(), "the same input gives the same bytes");
            let loaded = read::Profiles::from_bytes(&bytes).unwrap();
            last = Some((family.batch, Profiles::from(loaded)));
        }
        let (_, again) = last.as_ref().unwrap();
        for a in family.own() {
            let b = again.get(&a.name, a.phase, a.platform).unwrap();
            assert_eq!(a, b, "{}", family.text);
            let (roots, tree) = host(random);
            let seed = random.next();
            let from_source = answers(&Model::new(a, &roots, &tree), &mut Random(seed));
            let from_bytes = answers(&Model::new(b, &roots, &tree), &mut Random(seed));
            assert_eq!(from_source, from_bytes, "{}", family.text);
        }
    });
}

/// The text of a clause is the statement that says it: written into a profile of its own, it says the same.
#[test]
fn the_text_of_a_clause_reads_back_as_the_clause() {
    let odd = "profile odd {\nread \"/a b\", \"/x*y\", \"/back\\\\slash\", \"/quo\\\"te\", \"~/,\"\ndeny /srv/[a-c]*/**/x\n\
        protect \"read\", \"a *b\", \"w?\", v[0-9], \"#x\", \"@y\"\n\
        network allow [2001:db8::/32]:443, ::1, 10.1.2.3:22-80, 10.0.0.0/8, \"unix:/run/a b\", unix:~/s, *.x.org:1\n\
        env pass LC_*, \"A#B\"\nenv deny \"{x}\"\nenv set CI = \"a \\\"b\\\\\", EMPTY = \"\"\n\
        limit memory 100MB, file-size 5GiB, wall-time 90s, cpu-time 1500ms, processes 7, memory-per-process 1025B\n\
        syscalls deny ptrace, clone:namespaces\nrequire \"syscalls\", metadata\naccept gap late-files\n\
        on macos {\nmach-lookup \"com.example.a\"\n}\n}\n";
    let same = |profile: &Profile, text: &str| {
        let mut again = String::from("profile again {\n");
        for (clause, _) in profile.clauses() {
            let _ = match clause {
                Clause::Mach(_) => writeln!(again, "on macos {{\n{clause}\n}}"),
                // What a network with nothing said about it comes to is said in one statement only.
                Clause::Network(_) if profile.network.origin.is_none() => Ok(()),
                // A destination that is allowed makes a list, and one that is denied does not.
                clause => writeln!(again, "{clause}"),
            };
        }
        again.push_str("}\n");
        let (profiles, sink) = load(&again);
        let back = profiles.get("again", profile.phase, profile.platform);
        let back = back.unwrap_or_else(|| panic!("{again}\n{:?}", sink.as_slice()));
        // The promise about a name that a set brought is the set's.
        let plain = |clause: Clause| match clause {
            Clause::Protect(rule) => Clause::Protect(Protect { missing: Promise::Prevent, ..rule }),
            other => other,
        };
        let said = |profile: &Profile| profile.clauses().map(|(clause, _)| plain(clause)).collect::<Vec<_>>();
        assert_eq!(said(back), said(profile), "{again}\n{text}\n{:?}", sink.as_slice());
    };
    let (profiles, sink) = load(odd);
    assert!(!sink.has_errors(), "{:?}", sink.as_slice());
    for profile in profiles.iter() {
        same(profile, odd);
    }
    each_family(12, 300, nothing_more, |family, _| {
        family.own().into_iter().for_each(|p| same(p, family.text))
    });
}

#[test]
fn narrower_is_sound() {
    let mut comparable = 0;
    each_family(5, PROFILES, nothing_more, |family, random| {
        let (all, text) = (family.own(), family.text);
        for a in &all {
            for b in &all {
                let (narrow, wide) = match narrower(a, b) {
                    Some(true) => (a, b),
                    Some(false) => (b, a),
                    None => continue,
                };
                if a.name == b.name {
                    continue;
                }
                comparable += 1;
                let (roots, tree) = host(random);
                let (narrow_model, wide_model) =
                    (Model::new(narrow, &roots, &tree), Model::new(wide, &roots, &tree));
                let (mut narrow_says, mut wide_says) = (Vec::new(), Vec::new());
                for _ in 0..6 {
                    let seed = random.next();
                    narrow_says.extend(answers(&narrow_model, &mut Random(seed)));
                    wide_says.extend(answers(&wide_model, &mut Random(seed)));
                }
                for (small, large) in narrow_says.iter().zip(&wide_says) {
                    assert!(
                        large.1 || !small.1,
                        "`{}` is said to be narrower than `{}`, but allows {}: {roots:?} {tree:?}\n{text}",
                        narrow.name,
                        wide.name,
                        small.0
                    );
                }
            }
        }
    });
    assert!(comparable > 1_000, "only {comparable} pairs were comparable");
}

/// `workspace-commit` on a host with these files: directories end in `/`, links are `NAME -> TEXT`.
fn commit_model(files: &[&str], ask: impl Fn(&Model<'_>)) {
    let (profiles, _) = load("");
    let profile = profiles.get("workspace-commit", Phase::Run, Platform::Linux).unwrap();
    let roots =
        Roots { workspace: "/w".into(), home: "/h".into(), tmpdir: "/tmp".into(), ignore_case: false };
    let mut tree = Tree::new();
    for file in files {
        let (path, kind) = match (file.split_once(" -> "), file.strip_suffix('/')) {
            (Some((path, text)), _) => (path, FileKind::Link(text.to_owned())),
            (None, Some(path)) => (path, FileKind::Directory),
            (None, None) => (*file, FileKind::File),
        };
        tree.add(&Path::parse(path), kind);
    }
    ask(&Model::new(profile, &roots, &tree));
}

#[test]
fn a_git_that_is_a_file_or_a_link_is_protected_itself() {
    let git = Path::parse("/w/sub/.git");
    for (files, writable) in [
        (&["/w/sub/.git/"][..], true),
        (&["/w/sub/.git"], false),
        (&["/w/sub/.git -> /w/x"], false),
        (&[], true),
    ] {
        commit_model(files, |model| {
            assert_eq!(model.create(&git).allowed, writable, "{files:?}");
            assert_eq!(model.remove(&git).allowed, writable, "{files:?}");
        });
    }
}

#[test]
fn an_ancestor_of_a_protected_file_cannot_be_moved_away() {
    let (from, to) = (Path::parse("/w/sub"), Path::parse("/w/other"));
    commit_model(&["/w/sub/.git/hooks/", "/w/sub/a"], |model| {
        assert!(!model.rename(&from, &to).allowed);
        assert!(!model.remove(&Path::parse("/w/sub/.git")).allowed);
        assert!(model.rename(&Path::parse("/w/sub/a"), &to).allowed);
        assert!(!model.link(&Path::parse("/w/sub/.git/hooks"), &to).allowed);
    });
    commit_model(&["/w/sub/a"], |model| assert!(model.rename(&from, &to).allowed));
}

#[test]
fn what_is_missing_is_prevented_only_where_a_placeholder_is_harmless() {
    commit_model(&["/w/repo/.git/hooks/"], |model| {
        let promise = |path: &str| {
            let answer = model.access(&Path::parse(path));
            assert_eq!(answer.access, Access::Read, "{path}");
            answer.promise
        };
        assert_eq!(promise("/w/repo/.git/hooks/pre-commit"), Promise::Prevent);
        assert_eq!(promise("/w/.vscode/tasks.json"), Promise::Prevent);
        assert_eq!(promise("/w/deeper/.vscode"), Promise::Detect);
        assert_eq!(promise("/w/.git/hooks"), Promise::Detect);
    });
}

#[test]
fn a_link_gives_no_more_access_than_where_it_leads() {
    commit_model(
        &["/w/out -> /h/notes", "/w/key -> ../h/.ssh/id", "/w/a -> /w/b", "/w/b -> /w/a"],
        |model| {
            let path = Path::parse;
            assert!(model.read(&path("/w/out")).allowed && !model.write(&path("/w/out")).allowed);
            assert!(!model.read(&path("/w/key")).allowed);
            assert!(model.remove(&path("/w/key")).allowed, "the link itself is the workspace's own");
            assert!(!model.read(&path("/w/a")).allowed, "a circle leads nowhere");
        },
    );
}

#[test]
fn the_library_is_ordered() {
    let (profiles, _) =
        load("profile mine extends workspace-write {\ndeny ~/private\nlimit processes 10\n}\n");
    for platform in [Platform::Linux, Platform::Macos] {
        let get = |name: &str| profiles.get(name, Phase::Run, platform).unwrap();
        let full = get("danger-full-access");
        for name in ["read-only", "workspace-write", "workspace-commit", "mine"] {
            assert_eq!(narrower(get(name), get(name)), Some(true), "{name}");
        }
        assert_eq!(narrower(get("workspace-write"), get("workspace-commit")), Some(true));
        assert_eq!(narrower(get("workspace-commit"), get("workspace-write")), Some(false));
        assert_eq!(narrower(get("mine"), get("workspace-write")), Some(true));
        assert_eq!(narrower(get("read-only"), full), Some(true));
        assert_eq!(narrower(full, get("workspace-write")), Some(false));
        // What the one protects the other does not write: but `read-only` has no writable roots, so that is known.
        assert_eq!(narrower(get("read-only"), get("workspace-write")), Some(true));
    }
}

#[test]
fn the_runtime_matches_globs_as_the_model_does() {
    let (mut hits, mut random) = (0, Random(6 << 32));
    let (profiles, sink) = load("profile one {\nwrite /\n}\n");
    assert!(!sink.has_errors());
    let plain = profiles.get("one", Phase::Run, Platform::Linux).unwrap().clone();
    for _ in 0..20_000 {
        let part = |random: &mut Random| {
            let mut out = String::new();
            for _ in 0..1 + random.below(4) {
                let piece = random.word(&["a", "b", "*", "?", "[ab]", "[!a]", "[b-é]", "é", "A"]);
                out.push_str(piece);
            }
            out.replace("**", "*")
        };
        let mut glob: Vec<String> = Vec::new();
        for _ in 0..1 + random.below(3) {
            glob.push(if random.chance(25) { "**".to_owned() } else { part(&mut random) });
        }
        glob.push(part(&mut random));
        let glob = glob.join("/");
        let mut components: Vec<String> = Vec::new();
        for _ in 0..1 + random.below(4) {
            let length = 1 + random.below(3);
            components.push((0..length).map(|_| *random.pick(&["a", "b", "é", "A"])).collect());
        }
        let path = components.join("/");
        let fold = random.chance(30);
        let mut profile = plain.clone();
        let place = Place::new(Root::Absolute, "");
        let origin = profile.origin.clone();
        let clause = GlobRule { place, pattern: glob.as_str().into(), access: Access::Deny };
        profile.globs.push(Located { clause, origin });
        let roots =
            Roots { workspace: "/w".into(), home: "/h".into(), tmpdir: "/t".into(), ignore_case: fold };
        let model = Model::new(&profile, &roots, &Tree::new());
        let expected = model.access(&Path::parse(&path)).access == Access::Deny;
        hits += usize::from(expected);
        let got = read::glob::matches(&glob, path.as_bytes(), fold);
        assert_eq!(got, expected, "`{glob}` `{path}` {fold}");
    }
    assert!(hits > 500, "only {hits} of the globs matched");
}

#[test]
fn the_runtime_decides_as_the_model_does() {
    let mut decoded: Option<(usize, Vec<u8>)> = None;
    each_family(8, PROFILES / 3, nothing_more, |family, random| {
        if decoded.as_ref().is_none_or(|(batch, _)| *batch != family.batch) {
            decoded = Some((family.batch, family.profiles.encode().unwrap()));
        }
        let bytes = &decoded.as_ref().unwrap().1;
        let profiles = read::Profiles::from_bytes(bytes).unwrap();
        let expected = family.get("three");
        let profile = profiles.get::<&str>(&expected.name, Phase::Run, Platform::Linux).unwrap();
        let (roots, tree) = host(random);
        let model = Model::new(expected, &roots, &tree);
        for name in ["A", "a", "B", "A_TOKEN", "B_TOKEN", "b_token", "LC_ALL", "AB", "C", ""] {
            let want = model.env(name).0;
            assert_eq!(profile.variable(name.as_bytes()), want, "{name}\n{}", family.text);
        }
        // Every protected name below a root that is nothing but writable.
        let mut open = expected.clone();
        open.globs.clear();
        open.paths.retain(|rule| rule.access == PathAccess::Write);
        let model = Model::new(&open, &roots, &Tree::new());
        let p = path(random);
        let Some(root) = open
            .paths
            .iter()
            .map(|rule| roots.bind(&rule.place))
            .filter(|at| p.starts_with(at, roots.ignore_case))
            .min_by_key(Path::len)
        else {
            return;
        };
        let named = (root.len() + 1..=p.len()).any(|count| {
            let here = p.take(count).to_string();
            profile.protects.iter().any(|protect| protect.names(here.as_bytes(), roots.ignore_case))
        });
        assert_eq!(model.access(&p).access == Access::Read, named, "{p} {roots:?}\n{}", family.text);
    });
}

#[test]
fn damaged_bytes_are_refused_or_read_without_a_panic() {
    let (profiles, _) = load(
        "profile one extends workspace-commit {\nnetwork allow x.org:443, 10.0.0.0/8\nlimit processes 3\n}\n",
    );
    let bytes = profiles.encode().unwrap();
    let good = |bytes: &[u8]| read::Profiles::from_bytes(bytes).map(Profiles::from).is_ok();
    assert!(good(&bytes));
    for length in 0..bytes.len() {
        if length < 2_000 || length % 97 == 0 {
            assert!(!good(&bytes[..length]), "{length} of {} bytes are read", bytes.len());
        }
    }
    let mut random = Random(7 << 32);
    for _ in 0..4_000 {
        let mut damaged = bytes.clone();
        for _ in 0..1 + random.below(4) {
            let at = random.below(damaged.len());
            damaged[at] = random.next() as u8;
        }
        let _ = good(&damaged);
    }
    for _ in 0..2_000 {
        let noise: Vec<u8> = (0..random.below(400)).map(|_| random.next() as u8).collect();
        assert!(!good(&noise));
    }
}
