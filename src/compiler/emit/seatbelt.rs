//! In: a profile and a [`Host`]. Out: a Seatbelt profile (SBPL version 1) and the parameters it is loaded with.
//! Not here: starting `sandbox-exec` (`execpolicy_confine::seatbelt`).
//!
//! Seatbelt decides by the last rule that matches, but a rule about a wildcard operation (`file-read*`) never beats one about an
//! operation below it (`file-read-metadata`), wherever it stands. So that both readings give one answer, every rule about
//! reading names the same list of operations, and so does every rule about writing; what goes beyond that denies a single path.
//! Rules stand from the least specific path to the most specific, wildcards and names after them.

mod base;
mod regex;

use crate::emit::{Emitted, gap_lines, heading, visible};
use crate::lower::places::{Host, Placed, Places, remainders};
use crate::lower::targets::{Target, assess};
use execpolicy_profile::glob::component;
use execpolicy_profile::model::{FileKind, Path};
use execpolicy_profile::{
    Access, Host as Destination, HostRule, Located, NetworkMode, Origin, PathAccess, Profile, Protect, Root,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Everything that `read` grants.
const READ: &str = "file-read* file-read-metadata file-test-existence file-map-executable process-exec*";
/// Everything that `write` grants beyond it.
const WRITE: &str = "file-write* file-write-data file-write-create file-write-unlink file-link";
/// What the way to a granted path needs.
const LOOKUP: &str = "file-read-metadata file-test-existence";
/// The most ports of one destination that are written out one by one.
const MOST_PORTS: u16 = 32;

/// The parameter for a directory of the session's own.
pub const PRIVATE: &str = "PRIVATE";

/// Writes the profile. It is right for hosts on which the roots and places lie to each other as they do on this one.
#[must_use]
pub fn write<'p>(profile: &'p Profile, host: &Host) -> Emitted<'p> {
    let gaps = assess(profile, host, Target::Seatbelt);
    let places = Places::of(profile, host);
    let mut writer = Writer { out: String::new(), profile, host, places };
    writer.head(&gap_lines(&gaps));
    writer.out.push_str(base::RULES);
    writer.literals();
    writer.out.push_str(base::FILES);
    writer.entries();
    writer.lookups();
    writer.caps();
    writer.network();
    writer.services();
    Emitted { bytes: writer.out.into_bytes(), gaps, says_gaps: true }
}

/// The parameters that a profile's text takes, in order: names and values. `private` is a new empty directory, needed only
/// if the profile has private ones.
#[must_use]
pub fn parameters(profile: &Profile, host: &Host, private: Option<&str>) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> =
        ROOTS.iter().map(|(name, root)| ((*name).to_owned(), host.root(*root).to_string())).collect();
    if let Some(private) = private.filter(|_| has_private(profile)) {
        out.push((PRIVATE.to_owned(), private.to_owned()));
    }
    out
}

/// Whether a profile's text asks for [`PRIVATE`].
#[must_use]
pub fn has_private(profile: &Profile) -> bool {
    profile.paths.iter().any(|rule| rule.access == PathAccess::Private)
}

/// The parameters for roots. Of two that stand for one directory the first is written.
const ROOTS: [(&str, Root); 3] =
    [("WORKSPACE", Root::Workspace), ("TMPDIR", Root::Tmpdir), ("HOME", Root::Home)];

struct Writer<'p, 'h> {
    out: String,
    profile: &'p Profile,
    host: &'h Host,
    places: Places<'p>,
}

impl Writer<'_, '_> {
    fn head(&mut self, gaps: &[String]) {
        let _ = writeln!(self.out, "(version 1)\n; {}", heading(self.profile));
        let needed = if has_private(self.profile) { " -D PRIVATE=NEW-EMPTY-DIRECTORY" } else { "" };
        let _ = writeln!(
            self.out,
            "; sandbox-exec -f THIS-FILE -D WORKSPACE=DIR -D TMPDIR=DIR -D HOME=DIR{needed} -- COMMAND\n\
             ; with directories as `pwd -P` prints them. Written for these, and for others that lie so to each other:"
        );
        for (name, value) in parameters(self.profile, self.host, None) {
            let _ = writeln!(self.out, ";   {name}={}", visible(&value));
        }
        if !gaps.is_empty() {
            self.out.push_str("; What it does not enforce exactly:\n");
        }
        for gap in gaps {
            let _ = writeln!(self.out, ";   {gap}");
        }
        self.out.push('\n');
    }

    fn section(&mut self, title: &str) {
        let _ = writeln!(self.out, "\n; -- {title}");
    }

    fn note(&mut self, statement: impl std::fmt::Display, origin: &Origin) {
        let _ = writeln!(self.out, "; {}", visible(&format!("{statement}  {}:{}", origin.file, origin.line)));
    }

    fn rule(&mut self, action: &str, operations: &str, filter: &str) {
        let _ = writeln!(self.out, "({action} {operations} {filter})");
    }

    /// The path statements, the least specific first.
    fn literals(&mut self) {
        self.section("files: of two statements that match, the later is the more specific");
        for placed in self.places.list.clone() {
            self.note(placed.rule, &placed.rule.origin);
            let filter = self.subpath(&placed);
            match placed.rule.access {
                PathAccess::Write => self.rule("allow", &format!("{READ} {WRITE}"), &filter),
                PathAccess::Read => {
                    self.rule("allow", READ, &filter);
                    self.rule("deny", WRITE, &filter);
                }
                PathAccess::Deny | PathAccess::Private => {
                    self.rule("deny", &format!("{READ} {WRITE}"), &filter);
                }
            }
        }
        if has_private(self.profile) {
            self.section("in place of private directories, one of the session's own");
            self.rule("allow", &format!("{READ} {WRITE}"), "(subpath (param \"PRIVATE\"))");
        }
    }

    /// A place and all below it. Where the file system ignores case, a name that does not exist yet could be made in
    /// another case; an existing one always comes as it is spelt on disk.
    fn subpath(&self, placed: &Placed<'_>) -> String {
        let restricts = placed.rule.access != PathAccess::Write;
        if restricts && self.host.roots.ignore_case && self.places.in_writable(&placed.at) {
            let root = self.places.writable.iter().rfind(|root| placed.at.starts_with(root, true));
            if let Some(root) = root {
                let tail = regex::literal(&placed.at.tail(root.len()), true);
                return self.regex(root, &format!("/{tail}(/|$)"));
            }
        }
        format!("(subpath {})", self.expression(&placed.at))
    }

    /// What holds for single entries: a writable directory itself belongs to the directory around it, and what lies around
    /// a restricted path must keep its name.
    fn entries(&mut self) {
        self.section("directories that must stay what they are");
        let mut kept = BTreeSet::new();
        let mut pinned = BTreeSet::new();
        for placed in &self.places.list {
            if placed.rule.access != PathAccess::Write {
                pinned.extend(self.places.ancestors(&placed.at));
            } else if !self.places.in_writable(&placed.at) {
                kept.insert(placed.at.clone());
            }
        }
        for path in self.caught() {
            pinned.extend(self.places.ancestors(&path));
        }
        for path in kept {
            let filter = format!("(literal {})", self.expression(&path));
            self.rule("deny", "file-write-create file-write-unlink", &filter);
        }
        for path in pinned {
            let filter = format!("(literal {})", self.expression(&path));
            self.rule("deny", "file-write-unlink", &filter);
        }
        // A file that stands where a protected name needs a directory says where that is.
        for (path, origin) in self.stand_ins() {
            self.note("protect", &origin);
            let filter = format!("(subpath {})", self.expression(&path));
            self.rule("deny", WRITE, &filter);
        }
    }

    /// Existing files that a wildcard or a name catches.
    fn caught(&self) -> Vec<Path> {
        let fold = self.host.roots.ignore_case;
        let everything = Path::default();
        let known = self.host.tree.below(&everything);
        known
            .filter(|path| {
                let glob = self.places.globs.iter().any(|glob| {
                    path.len() > glob.at.len()
                        && path.starts_with(&glob.at, fold)
                        && execpolicy_profile::glob::matches_exactly(
                            &glob.rule.pattern,
                            path.tail(glob.at.len()).as_bytes(),
                            fold,
                        )
                });
                glob || self.places.protects.iter().any(|rule| self.bears(&rule.name, path))
            })
            .cloned()
            .collect()
    }

    /// Whether a path bears a name, its last component below a writable directory.
    fn bears(&self, name: &str, path: &Path) -> bool {
        let fold = self.host.roots.ignore_case;
        self.places.writable.iter().any(|root| {
            path.len() > root.len()
                && path.starts_with(root, fold)
                && execpolicy_profile::glob::matches_exactly(
                    &format!("**/{name}"),
                    path.to_string().trim_start_matches('/').as_bytes(),
                    fold,
                )
        })
    }

    fn stand_ins(&self) -> Vec<(Path, Origin)> {
        let everything = Path::default();
        let files = self
            .host
            .tree
            .below(&everything)
            .filter(|path| matches!(self.host.tree.kind(path), Some(FileKind::File | FileKind::Link(_))));
        let mut out = Vec::new();
        for path in files {
            for rule in self.places.protects {
                let ends = rule.name.match_indices('/').map(|(at, _)| &rule.name[..at]);
                let mut fronts = ends.filter(|front| !front.ends_with("**"));
                if fronts.any(|front| self.bears(front, path)) {
                    out.push((path.clone(), rule.origin.clone()));
                    break;
                }
            }
        }
        out
    }

    /// Directories on the way to what is granted can be walked through.
    fn lookups(&mut self) {
        let mut ways = BTreeSet::new();
        let granted = |placed: &&Placed<'_>| {
            !placed.link
                && self.places.grant(&placed.at) != PathAccess::Deny
                && placed.rule.access != PathAccess::Deny
                && !self.places.hidden(&placed.at)
        };
        for placed in self.places.list.iter().filter(granted) {
            let above = (0..placed.at.len()).map(|count| placed.at.take(count));
            ways.extend(
                above
                    .filter(|path| matches!(self.places.grant(path), PathAccess::Deny | PathAccess::Private)),
            );
        }
        if !ways.is_empty() {
            self.section("the way to what is granted");
        }
        for path in ways {
            let filter = format!("(literal {})", self.expression(&path));
            self.rule("allow", LOOKUP, &filter);
        }
    }

    /// Wildcards and protected names. They only take away, so their order does not matter.
    fn caps(&mut self) {
        if self.profile.globs.is_empty() && self.profile.protects.is_empty() {
            return;
        }
        self.section("wildcards and protected names: whatever more specific paths say");
        for glob in self.places.globs.clone() {
            let rule = glob.rule;
            self.note(rule, &rule.origin);
            let parts: Vec<&str> = rule.pattern.split('/').collect();
            let filter = self.regex(&glob.at, &regex::below(&parts, self.host.roots.ignore_case));
            let operations =
                if rule.access == Access::Deny { format!("{READ} {WRITE}") } else { WRITE.to_owned() };
            self.rule("deny", &operations, &filter);
        }
        for (statement, origin, filters) in self.protected() {
            self.note(&statement, &origin);
            for filter in filters {
                self.rule("deny", WRITE, &filter);
            }
        }
    }

    fn protected(&self) -> Vec<(String, Origin, Vec<String>)> {
        let fold = self.host.roots.ignore_case;
        let fits = |glob: &str, name: &str| component(glob.as_bytes(), name.as_bytes(), fold);
        let of = |rule: &Located<Protect>| {
            let filters = self.places.writable.iter().flat_map(|root| {
                let ways = remainders(&rule.name, root, fits);
                ways.into_iter()
                    .map(|parts| self.regex(root, &regex::below(&parts, fold)))
                    .collect::<Vec<_>>()
            });
            (rule.to_string(), rule.origin.clone(), filters.collect())
        };
        self.places.protects.iter().map(of).collect()
    }

    fn network(&mut self) {
        let network = &self.profile.network;
        let origin = network.origin.clone().unwrap_or_else(|| self.profile.origin.clone());
        let hosts = &self.profile.hosts;
        let refused = |rule: &&Located<HostRule>| !rule.allow && !matches!(rule.host, Destination::Socket(_));
        self.section("network");
        match network.mode {
            NetworkMode::Off => self.note("network off: no rule allows a connection to an address", &origin),
            NetworkMode::Full => match hosts.iter().find(refused) {
                None => {
                    self.note("network full", &origin);
                    self.out.push_str(base::NETWORK);
                }
                Some(denied) => {
                    let shown = denied.destination();
                    self.note(
                        format!("network full is closed: Seatbelt cannot tell `{shown}` from others"),
                        &denied.origin,
                    );
                }
            },
            NetworkMode::Listed => {
                let doubtful = hosts.iter().filter(refused).any(|rule| is_loopback(&rule.host));
                for rule in hosts.iter().filter(|rule| rule.allow) {
                    let here = matches!(&rule.host, Destination::Name(name) if &**name == "localhost");
                    match ports(rule).filter(|_| here && !doubtful) {
                        Some(ports) => {
                            self.note(rule, &rule.origin);
                            for port in ports {
                                let filter = format!("(remote ip \"localhost:{port}\")");
                                self.rule("allow", "network-outbound", &filter);
                            }
                        }
                        None if matches!(rule.host, Destination::Socket(_)) => {}
                        None => self.note(format!("{rule}: stays closed, see above"), &rule.origin),
                    }
                }
            }
        }
        self.sockets();
    }

    /// Sockets in the file system: wherever the command may write, or with the whole network wherever it may read.
    fn sockets(&mut self) {
        let full = self.profile.network.mode == NetworkMode::Full;
        let open = |access: PathAccess| match access {
            PathAccess::Write => true,
            PathAccess::Read => full,
            PathAccess::Deny | PathAccess::Private => false,
        };
        self.section("sockets in the file system");
        let connect = |filter: &str| format!("(remote unix-socket {filter})");
        for placed in self.places.list.clone() {
            let filter = self.subpath(&placed);
            if open(placed.rule.access) {
                self.rule("allow", "network-outbound", &connect(&filter));
            } else {
                self.rule("deny", "network-outbound", &connect(&filter));
            }
            if placed.rule.access == PathAccess::Write {
                self.rule("allow", "network-bind network-inbound", &format!("(local unix-socket {filter})"));
            }
        }
        if has_private(self.profile) {
            let filter = "(subpath (param \"PRIVATE\"))";
            self.rule("allow", "network-outbound", &connect(filter));
            self.rule("allow", "network-bind network-inbound", &format!("(local unix-socket {filter})"));
        }
        for glob in self.places.globs.clone() {
            if glob.rule.access == Access::Deny || !full {
                let parts: Vec<&str> = glob.rule.pattern.split('/').collect();
                let filter = self.regex(&glob.at, &regex::below(&parts, self.host.roots.ignore_case));
                self.rule("deny", "network-outbound", &connect(&filter));
            }
        }
        if !full {
            for (_, _, filters) in self.protected() {
                for filter in filters {
                    self.rule("deny", "network-outbound", &connect(&filter));
                }
            }
            for (path, _) in self.stand_ins() {
                let filter = connect(&format!("(subpath {})", self.expression(&path)));
                self.rule("deny", "network-outbound", &filter);
            }
        }
        // A destination in the list is one whatever the files around it may be used for; a denial wins over everything.
        let listed = self.profile.network.mode == NetworkMode::Listed;
        let hosts = self.profile.hosts.clone();
        for (allow, word) in [(true, "allow"), (false, "deny")] {
            for rule in hosts.iter().filter(|rule| rule.allow == allow && (listed || !allow)) {
                let Destination::Socket(place) = &rule.host else { continue };
                self.note(rule, &rule.origin);
                let filter = connect(&format!("(subpath {})", self.expression(&self.host.resolve(place))));
                self.rule(word, "network-outbound", &filter);
            }
        }
    }

    fn services(&mut self) {
        if self.profile.mach.is_empty() {
            return;
        }
        self.section("services");
        for service in &self.profile.mach.clone() {
            self.note(service, &service.origin);
            self.rule("allow", "mach-lookup", &format!("(global-name {})", quote(&service.name)));
        }
    }

    /// A path as an expression: below a root by its parameter, so that the text holds for others as well.
    fn expression(&self, path: &Path) -> String {
        match self.below_root(path) {
            Some((name, tail)) if tail.is_empty() => format!("(param \"{name}\")"),
            Some((name, tail)) => {
                format!("(string-append (param \"{name}\") {})", quote(&format!("/{tail}")))
            }
            None => quote(&path.to_string()),
        }
    }

    /// A filter for what an expression catches below a directory.
    fn regex(&self, at: &Path, below: &str) -> String {
        match self.below_root(at) {
            Some((name, tail)) => {
                let tail = if tail.is_empty() { tail } else { format!("/{}", regex::literal(&tail, false)) };
                format!(
                    "(regex (string-append \"^\" (regex-quote (param \"{name}\")) {}))",
                    quote(&format!("{tail}{below}"))
                )
            }
            None if at.is_empty() => format!("(regex {})", quote(&format!("^{below}"))),
            None => {
                let text = regex::literal(&at.to_string(), false);
                format!("(regex {})", quote(&format!("^{text}{below}")))
            }
        }
    }

    /// The root that a path lies below, the nearest one, and the rest of the path.
    fn below_root(&self, path: &Path) -> Option<(&'static str, String)> {
        let roots = ROOTS.iter().map(|(name, root)| (*name, self.host.root(*root)));
        // The file system's root is no name for anything: each path lies below it.
        let around = roots.filter(|(_, root)| !root.is_empty() && path.starts_with(root, false));
        let (name, root) = around.rev().max_by_key(|(_, root)| root.len())?;
        Some((name, path.tail(root.len())))
    }
}

/// The ports of a rule, as Seatbelt writes them; `None` if they are too many to be written out.
fn ports(rule: &HostRule) -> Option<Vec<String>> {
    match (rule.first_port, rule.last_port) {
        (0, u16::MAX) => Some(vec!["*".to_owned()]),
        (first, last) if last - first < MOST_PORTS => {
            Some((first..=last).map(|port| port.to_string()).collect())
        }
        _ => None,
    }
}

/// Whether a destination may be this machine itself.
fn is_loopback(host: &Destination) -> bool {
    match host {
        Destination::Name(name) => &**name == "localhost",
        Destination::Net { address, prefix } => address.is_loopback() || *prefix < 8,
        Destination::Below(_) | Destination::Socket(_) => false,
    }
}

/// A Scheme string.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
