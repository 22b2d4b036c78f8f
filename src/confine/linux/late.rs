//! Looks, when everything in a sandbox has ended, for protected names that appeared at any depth.
//!
//! In: what to look for, and the view the command had. Out: findings; what bears a protected name is moved aside. Not
//! here: names whose exact place was known before (`quarantine.rs`).
//!
//! The walk goes where the command could write: it passes over every other place of the view. It follows no
//! symlink, and it ends after a bounded number of files, which is a finding too.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::vec::Vec;

use rustix::fs::FileType;

use super::super::ended::{Finding, FindingReason};
use super::super::layout::{Layout, NodeKind};
use super::super::names::{Globs, Names};
use super::super::plan::Late;
use super::placeholder::is_empty_placeholder;
use super::quarantine::{Place, SUFFIX, open_directory};

/// Entries that are looked at: as many as a plan is made from.
const MOST_ENTRIES: usize = 1_000_000;
/// Findings that are told; whatever bears a protected name is moved all the same.
const MOST_TOLD: usize = 1000;

/// Looks through every root.
pub(super) fn sweep(late: &Late, layout: &Layout) -> Vec<Finding> {
    let mut findings = Vec::new();
    if late.is_empty() {
        return findings;
    }
    let mut walk = Walk {
        globs: Globs::new(late.reported.iter().map(|(below, glob)| (below.as_path(), glob.as_str()))),
        nodes: layout.nodes.iter().map(|node| (node.path.as_os_str().as_bytes(), node.kind)).collect(),
        names: Names::new(late.protected.iter().map(|name| name.as_str())),
        git: late.protected.iter().any(|name| name == ".git" || name.starts_with(".git/")),
        left: MOST_ENTRIES,
    };
    for root in &late.roots {
        match open_directory(root) {
            Ok(directory) => {
                walk.through(&mut Place { directory, path: root.clone(), findings: &mut findings });
            }
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {}
            Err(e) => findings.push(Finding::left(root, FindingReason::Unopened(e.raw_os_error()))),
        }
    }
    if walk.left == 0 {
        let root = late.roots.first().cloned().unwrap_or_default();
        findings.push(Finding::left(root, FindingReason::TooManyFiles(MOST_ENTRIES as u64)));
    }
    if findings.len() > MOST_TOLD {
        let more = findings.len() - MOST_TOLD;
        findings.truncate(MOST_TOLD);
        findings.push(Finding::left("", FindingReason::FurtherFindings(more as u64)));
    }
    findings
}

struct Walk<'a> {
    globs: Globs<'a>,
    /// By path, as bytes, which compare faster.
    nodes: BTreeMap<&'a [u8], NodeKind>,
    names: Names<'a>,
    git: bool,
    left: usize,
}

impl Walk<'_> {
    fn through(&mut self, place: &mut Place<'_>) {
        let names = match place.names() {
            Ok(names) => names,
            Err(e) => {
                let path = place.path.clone();
                let why = FindingReason::Unlisted(e.raw_os_error().unwrap_or(libc::EIO));
                place.findings.push(Finding::left(path, why));
                return;
            }
        };
        for name in names {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            self.one(place, &name);
        }
    }

    fn one(&mut self, place: &mut Place<'_>, name: &OsString) {
        let path = place.path.join(name);
        let Some(kind) = place.kind(name) else { return };
        let directory = kind == FileType::Directory;
        // Another run's, which removes it.
        if directory && is_empty_placeholder(&path) {
            return;
        }
        // A node was there before the command, and is what it was.
        let node = self.nodes.get(path.as_os_str().as_bytes()).copied();
        if node.is_some_and(|kind| kind != NodeKind::Write) {
            return;
        }
        // What was moved aside before stays where it is; what is in it counts.
        let aside = name.to_string_lossy().contains(SUFFIX);
        if node.is_none() && !aside {
            if self.git && name == OsStr::new(".git") {
                place.git(name);
                return;
            }
            if self.names.find(&path, name.as_bytes(), directory).is_some() {
                place.forbid(name, FindingReason::ProtectedName);
                return;
            }
            if self.globs.find(&path, name.as_bytes()).next().is_some() {
                place.findings.push(Finding::left(path, FindingReason::Wildcard));
                return;
            }
        }
        if directory && let Some(mut inside) = place.enter(name) {
            self.through(&mut inside);
        }
    }
}
