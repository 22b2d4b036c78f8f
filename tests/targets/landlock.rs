//! In: what is emitted for Landlock. Out: a failure where it is not what landlockconfig's schema has, or where its union of rights up the
//! tree answers differently from the model.
//! The names of rights are the schema's, written out here and not taken from the emitter, so that a name that is wrong there is noticed.

use super::operation::Operation;
use super::{Tally, each_emission};
use execpolicy_compiler::emit::landlock;
use execpolicy_compiler::lower::places::Host;
use execpolicy_profile::model::Path;
use serde::Deserialize;

/// landlockconfig's JSON, by its published schema: names, which lists may be empty, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Landlock {
    pub abi: u64,
    pub ruleset: Vec<Ruleset>,
    pub path_beneath: Vec<PathBeneath>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Ruleset {
    #[serde(default)]
    pub handled_access_fs: Vec<String>,
    #[serde(default)]
    pub handled_access_net: Vec<String>,
    #[serde(default)]
    pub scoped: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PathBeneath {
    pub allowed_access: Vec<String>,
    pub parent: Vec<String>,
}

/// The schema's names for rights on files.
const RIGHTS: &[&str] = &[
    "abi.all",
    "abi.read_execute",
    "abi.read_write",
    "execute",
    "write_file",
    "read_file",
    "read_dir",
    "remove_dir",
    "remove_file",
    "make_char",
    "make_dir",
    "make_reg",
    "make_sock",
    "make_fifo",
    "make_block",
    "make_sym",
    "refer",
    "truncate",
    "ioctl_dev",
];

impl Landlock {
    /// Reads a configuration as the schema has it: no list is empty, every word is known, every path absolute.
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let known = |list: &[String], words: &[&str]| {
            !list.is_empty() && list.iter().all(|word| words.contains(&word.as_str()))
        };
        if !(1..=7).contains(&whole.abi) || whole.ruleset.is_empty() || whole.path_beneath.is_empty() {
            return Err("an empty part, or an unknown ABI".to_owned());
        }
        for set in &whole.ruleset {
            let net = set.handled_access_net.is_empty()
                || known(&set.handled_access_net, &["abi.all", "bind_tcp", "connect_tcp"]);
            let scope = known(&set.scoped, &["abi.all", "abstract_unix_socket", "signal"]);
            if !known(&set.handled_access_fs, RIGHTS) || !net || !scope {
                return Err(format!("{set:?}"));
            }
        }
        for rule in &whole.path_beneath {
            let paths = !rule.parent.is_empty() && rule.parent.iter().all(|path| path.starts_with('/'));
            if !known(&rule.allowed_access, RIGHTS) || !paths {
                return Err(format!("{rule:?}"));
            }
        }
        Ok(whole)
    }

    /// Whether a right holds for a path: some rule grants it there or above.
    pub fn allows(&self, right: &str, path: &Path) -> bool {
        self.path_beneath.iter().any(|rule| {
            rule.allowed_access.iter().any(|known| known == right)
                && rule.parent.iter().any(|parent| path.starts_with(&Path::parse(parent), false))
        })
    }
}

/// What Landlock is asked for an operation: rights of a file are its own, making and removing are rights of the directory.
fn answer(loaded: &Landlock, operation: &Operation, host: &Host) -> Option<bool> {
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
    each_emission(
        21,
        1_500,
        |profile, host| Some(landlock::write(profile, host)),
        |emission, random| {
            let loaded = Landlock::parse(&emission.text)?;
            let model = emission.model();
            for _ in 0..12 {
                let operation = Operation::any(random);
                if operation.below_a_file(emission.host) {
                    continue;
                }
                let Some(got) = answer(&loaded, &operation, emission.host) else { continue };
                tally.compare(&operation, &operation.ruling(&model), got, &emission.gaps)?;
            }
            Ok(())
        },
    );
    tally.is_worth(10_000, 4);
}
