//! In: a seed. Out: random profiles that extend each other, and hosts, over small alphabets, so that they meet often.
//! Not here: any comparison; policies of rules (`generate.rs`).

use crate::random::Random;
use execpolicy_compiler::diagnostic::{Diagnostics, Severity};
use execpolicy_compiler::policy::profile::Profiles;
use execpolicy_compiler::sandbox;
use execpolicy_compiler::source::{SourceMap, Span};
use execpolicy_profile::model::{FileKind, Path, Roots, Tree};
use execpolicy_profile::{Phase, Platform, Profile};
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub const PLACES: &[&str] = &[
    "/",
    "/a",
    "/a/b",
    "/a/b/c",
    "/d",
    "/h/w",
    "$WORKSPACE",
    "$WORKSPACE/a",
    "$WORKSPACE/a/b",
    "$WORKSPACE/g",
    "~",
    "~/a",
    "~/w",
    "$TMPDIR",
    "$TMPDIR/a",
];
pub const GLOBS: &[&str] =
    &["$WORKSPACE/**/s", "/a/*/c", "~/**/[a-c]", "/**/z", "$TMPDIR/?", "$WORKSPACE/**/b/s*"];
pub const NAMES: &[&str] = &["g/h", "v", "*.k", "b/c", "g/**/i"];
pub const HOSTS: &[&str] = &[
    "x.org",
    "x.org:443",
    "*.x.org",
    "*.y.x.org:80-90",
    "10.0.0.0/8",
    "10.1.2.3:22",
    "[::1]:80",
    "unix:/a/b",
    "unix:$WORKSPACE/a",
];
const VARIABLES: &[&str] = &["A", "B", "A_TOKEN", "*_TOKEN", "A*", "LC_*", "*"];
const CALLS: &[&str] = &["ptrace", "mount", "@mount", "@debug", "keyctl"];
const HOST_DIRS: &[&str] = &["/w", "/h", "/h/w", "/a", "/a/b", "/t", "/h/w/g", "/"];

/// One body: the statements by what they are about, so that none contradicts another.
fn body(random: &mut Random) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for _ in 0..random.below(7) {
        let (key, text) = match random.below(12) {
            0..5 => {
                let place = *random.pick(PLACES);
                let verb = *random.pick(&["write", "read", "deny", "private"]);
                let verb = if place == "/" && verb == "deny" { "read" } else { verb };
                (place, format!("{verb} {place}"))
            }
            5 => {
                let glob = *random.pick(GLOBS);
                (glob, format!("{} {glob}", random.pick(&["deny", "deny", "read"])))
            }
            6 => {
                let name = *random.pick(NAMES);
                (name, format!("protect {name}"))
            }
            7 => ("network", format!("network {}", random.pick(&["off", "full"]))),
            8 => {
                let host = *random.pick(HOSTS);
                let verb = if random.chance(60) { "allow" } else { "deny" };
                if verb == "allow" && out.contains_key("network") {
                    continue;
                }
                let key = if verb == "allow" { "network" } else { host };
                (key, format!("network {verb} {host}"))
            }
            9 => {
                let name = *random.pick(VARIABLES);
                let verb = *random.pick(&["pass", "deny", "set"]);
                let verb = if name.contains('*') && verb == "set" { "pass" } else { verb };
                let value = if verb == "set" { " = \"1\"" } else { "" };
                (name, format!("env {verb} {name}{value}"))
            }
            10 => {
                let calls = *random.pick(CALLS);
                (calls, format!("syscalls {} {calls}", random.pick(&["deny", "deny", "allow"])))
            }
            _ => {
                let kind = *random.pick(&["processes", "open-files"]);
                (kind, format!("limit {kind} {}", 1 + random.below(3)))
            }
        };
        out.insert(key.to_owned(), text);
    }
    // Two hosts may still be one destination both allowed and denied; leave that to the suite.
    let allowed = out.get("network").and_then(|text| text.strip_prefix("network allow ")).map(str::to_owned);
    if let Some(host) = allowed {
        out.remove(&host);
    }
    out
}

/// Three profiles: each extends the one before, and may take back something of it.
fn source(random: &mut Random, id: usize) -> String {
    let mut text = String::new();
    let mut parent: BTreeMap<String, String> = BTreeMap::new();
    for (at, name) in NAMES_OF_THREE.into_iter().enumerate() {
        let mut statements = body(random);
        let extends =
            if at == 0 { String::new() } else { format!("extends {}-{id} ", NAMES_OF_THREE[at - 1]) };
        let _ = writeln!(text, "profile {name}-{id} {extends}{{");
        let mut inherited: Vec<(String, String)> = parent.clone().into_iter().collect();
        inherited.retain(|(_, text)| !text.contains("network") && !text.contains('@'));
        if !inherited.is_empty() && random.chance(40) {
            let (key, taken) = random.pick(&inherited).clone();
            let words = if taken.starts_with("limit") { 2 } else { 3 };
            let plain: Vec<&str> = taken.split_whitespace().take(words).collect();
            let _ = writeln!(text, "unset {}", plain.join(" "));
            parent.remove(&key);
        }
        for statement in statements.values() {
            let _ = writeln!(text, "{statement}");
        }
        if random.chance(20) {
            let inner = body(random).values().next().cloned().unwrap_or_default();
            let _ = writeln!(text, "on linux {{\n{inner}\n}}");
            // What a block changes is not tracked: nothing is taken back below it.
            parent.clear();
            statements.clear();
        }
        text.push_str("}\n");
        parent.append(&mut statements);
    }
    text
}

const NAMES_OF_THREE: [&str; 3] = ["one", "two", "three"];

pub fn load(text: &str) -> (Profiles, Diagnostics) {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let file = sources.add("random.sandbox", text);
    let profiles = sandbox::load(&mut sources, &[file], &mut sink);
    (profiles, sink)
}

/// Three profiles that extend each other, and whatever a test has added to them.
pub struct Family<'p> {
    id: usize,
    /// Which families were compiled together with it.
    pub batch: usize,
    pub text: &'p str,
    /// What the test has added, as it noted it.
    pub added: &'p str,
    pub profiles: &'p Profiles,
}

impl<'p> Family<'p> {
    pub fn get(&self, name: &str) -> &'p Profile {
        self.profiles.get(&format!("{name}-{}", self.id), Phase::Run, Platform::Linux).unwrap()
    }

    pub fn own(&self) -> [&'p Profile; 3] {
        NAMES_OF_THREE.map(|name| self.get(name))
    }
}

pub fn host(random: &mut Random) -> (Roots, Tree) {
    let roots = Roots {
        workspace: (*random.pick(HOST_DIRS)).to_owned(),
        home: (*random.pick(HOST_DIRS)).to_owned(),
        tmpdir: (*random.pick(HOST_DIRS)).to_owned(),
        ignore_case: random.chance(20),
    };
    let mut tree = Tree::new();
    for _ in 0..random.below(8) {
        let at = path(random);
        if at.is_empty()
            || (1..at.len()).any(|n| !matches!(tree.kind(&at.take(n)), None | Some(FileKind::Directory)))
        {
            continue;
        }
        let kind = match random.below(5) {
            0 => FileKind::Link(path(random).to_string()),
            1 => FileKind::Link("../b".to_owned()),
            2 => FileKind::Directory,
            _ => FileKind::File,
        };
        if tree.below(&at).count() == 0 {
            tree.add(&at, kind);
        }
    }
    (roots, tree)
}

pub fn path(random: &mut Random) -> Path {
    let mut out = Path::parse(random.word(HOST_DIRS));
    for _ in 0..random.below(4) {
        let part = random.word(&["a", "b", "c", "g", "h", "i", "s", "v", "z", "x.k", "A", "w"]);
        out = out.join(part);
    }
    out
}

/// How many families are compiled together: the standard library is then compiled once for all of them.
const TOGETHER: usize = 50;

/// Calls `test` with random families that are without errors until there were enough. `more` adds profiles to each family:
/// their text, and a note for the test.
pub fn each_family(
    offset: u64,
    enough: usize,
    more: impl Fn(&mut Random, usize) -> (String, String),
    mut test: impl FnMut(&Family<'_>, &mut Random),
) {
    let (mut tested, mut tried) = (0, 0);
    while tested < enough {
        let mut random = Random((offset << 32) + tried as u64);
        let (batch, mut text, mut families) = (tried, String::new(), Vec::new());
        for id in 0..TOGETHER {
            let start = text.len();
            text.push_str(&source(&mut random, id));
            let (added, note) = more(&mut random, id);
            text.push_str(&added);
            families.push((id, start..text.len(), note));
        }
        let (profiles, sink) = load(&text);
        let errors = || sink.as_slice().iter().filter(|d| d.severity == Severity::Error);
        for (id, range, added) in families {
            tried += 1;
            let inside = |span: Span| range.contains(&(span.start as usize));
            if errors().any(|d| d.span.is_none_or(inside)) {
                continue;
            }
            tested += 3;
            test(&Family { id, batch, text: &text[range], added: &added, profiles: &profiles }, &mut random);
        }
        assert!(tried < enough, "too many random sources have errors: {:?}", errors().next());
    }
}

pub fn nothing_more(_: &mut Random, _: usize) -> (String, String) {
    (String::new(), String::new())
}
