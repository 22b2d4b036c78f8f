//! In: a profile on a host. Out: the same for Landlock, as JSON of landlockconfig (the kernel maintainers' format).
//! Not here: Landlock as the second wall of the runtime (`execpolicy_confine`), which knows the finished view.
//!
//! Landlock grants and never takes away: a right holds for a path if a rule grants it there or anywhere above. So a rule stands
//! for each path statement that grants, and every statement that takes something away is a gap.

use super::json;
use crate::emit::Emitted;
use crate::lower::places::{Host, Places};
use crate::lower::targets::{Target, assess};
use execpolicy_profile::model::FileKind;
use execpolicy_profile::{NetworkMode, PathAccess, Profile};
use serde_json::{Value, json as value};

/// The ABI that is declared: scopes are from 6, and nothing newer is used.
pub const ABI: u64 = 6;

/// Rights of reading (landlock(7)).
const READ: [&str; 3] = ["execute", "read_file", "read_dir"];
/// Every right on files of ABI 6.
const ALL: [&str; 16] = [
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
/// Of these, what a file that is no directory can have; the kernel refuses the others.
const FILE: [&str; 5] = ["execute", "write_file", "read_file", "truncate", "ioctl_dev"];
/// Devices that every program needs, and that the runtime's own view has as well.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Writes the configuration. It names directories, so it is for this host.
#[must_use]
pub fn write<'p>(profile: &'p Profile, host: &Host) -> Emitted<'p> {
    let places = Places::of(profile, host);
    let mut rules = Vec::new();
    for placed in &places.list {
        let rights: &[&str] = match placed.rule.access {
            PathAccess::Read => &READ,
            PathAccess::Write | PathAccess::Private => &ALL,
            PathAccess::Deny => continue,
        };
        // Of two statements at one place the stricter counts, and a link is not what it leads to.
        if placed.link || places.grant(&placed.at) != placed.rule.access {
            continue;
        }
        let file = matches!(host.tree.kind(&placed.at), Some(FileKind::File | FileKind::Link(_)));
        let rights = rights.iter().filter(|right| !file || FILE.contains(right));
        rules.push(rule(rights.copied(), [placed.at.to_string()]));
    }
    rules.push(rule(["read_file", "write_file"].into_iter(), DEVICES.map(str::to_owned)));
    let mut handled = value!({ "handledAccessFs": ["abi.all"] });
    if profile.network.mode != NetworkMode::Full {
        handled["handledAccessNet"] = value!(["abi.all"]);
    }
    handled["scoped"] = value!(["abi.all"]);
    let whole = value!({ "abi": ABI, "ruleset": [handled], "pathBeneath": rules });
    let gaps = assess(profile, host, Target::Landlock);
    Emitted { bytes: json(&whole), gaps, says_gaps: false }
}

fn rule(rights: impl Iterator<Item = &'static str>, parents: impl IntoIterator<Item = String>) -> Value {
    value!({
        "allowedAccess": rights.collect::<Vec<_>>(),
        "parent": parents.into_iter().collect::<Vec<_>>(),
    })
}
