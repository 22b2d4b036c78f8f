//! A sandbox without namespaces: what process 1 does instead of building a view.
//!
//! In: a request whose plan Landlock and seccomp can express. Out: the Landlock rules over the host's own tree, and the status lines that say
//! what is different. Not here: which plans these are and what the filter denies (`../plain.rs`).

use std::format;
use std::fs;
use std::path::Path;
use std::string::ToString;

use landlock::{ABI, Access as _, AccessFs, BitFlags, RulesetCreated};
use rustix::process::DumpableBehavior;

use super::super::error::{ConfineError, Step};
use super::super::layout::NodeKind;
use super::super::message::Request;
use super::super::plain::{around_withheld, withheld};
use super::super::plan::Network;
use super::super::status::{Aspect, Enforcement, EnforcementStatus};
use super::landlock::{Failure, Rules};
use super::mounts::DEVICES;
use super::shared::{missing_status, new_keyring};
use super::sys;

/// Everything but the walls: orphans, keyring, the status.
pub(super) fn enter(request: &Request, status: &mut EnforcementStatus) -> Result<(), ConfineError> {
    sys::adopt_orphans().map_err(|e| {
        ConfineError::new(Step::Helper, "PR_SET_CHILD_SUBREAPER, /proc/thread-self/children", e)
    })?;
    status.push(
        Aspect::Namespaces,
        "user, mount, process, network, IPC",
        Enforcement::Absent,
        request.why_plain.as_str(),
    );
    new_keyring(true, status)?;
    let asked = format!("{} places", request.layout.nodes.len());
    status.push(Aspect::Files, asked, Enforcement::Prevented, "Landlock, on the host's own tree");
    let mut gap = |aspect: Aspect, asked: &str, closed_by: Option<&str>| {
        let given = if closed_by.is_some() { Enforcement::Prevented } else { Enforcement::Absent };
        status.push(aspect, asked, given, closed_by.unwrap_or("an accepted gap"));
    };
    let closed = (!request.attributes_open).then_some("seccomp: no call that changes them");
    gap(Aspect::Attributes, "unchanged outside writable paths", closed);
    let all_readable = request.layout.nodes.first().is_some_and(|root| root.kind == NodeKind::Read);
    gap(Aspect::Metadata, "none of denied files", all_readable.then_some("nothing is denied"));
    gap(Aspect::HostProcesses, "unseen", None);
    gap(Aspect::Survivors, "none, also when helper and supervisor are both killed", None);
    status.push(
        Aspect::UnixSockets,
        "none of the host's",
        Enforcement::Prevented,
        "seccomp: no UNIX sockets but pairs",
    );
    missing_status(request, status);
    match request.network {
        Network::Off => {
            status.push(
                Aspect::Network,
                "off",
                Enforcement::Prevented,
                "seccomp: no sockets at all, loopback included",
            );
        }
        Network::Full => status.push(Aspect::Network, "full", Enforcement::Prevented, "the host's network"),
    }
    status.push(Aspect::Environment, "the listed variables", Enforcement::Prevented, "execve");
    status.push(Aspect::Privileges, "none", Enforcement::Prevented, "no capabilities, no_new_privs");
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| ConfineError::new(Step::Privileges, "PR_SET_DUMPABLE", e))
}

/// Refuses a working directory that the view would not have shown: nothing else keeps a process from standing there.
pub(super) fn visible(plain: bool, request: &Request, cwd: &Path) -> Result<(), ConfineError> {
    if !plain {
        return Ok(());
    }
    let failed = |e| ConfineError::new(Step::WorkingDirectory, cwd.display().to_string(), e);
    let place = fs::canonicalize(cwd).map_err(failed)?;
    match request.layout.kind_at(&place) {
        Some(NodeKind::Read | NodeKind::Write) => Ok(()),
        _ => Err(failed(rustix::io::Errno::ACCESS.into())),
    }
}

/// The rules: what the plan grants, without what belongs to the machine.
pub(super) fn ruleset(request: &Request, abi: ABI) -> Result<RulesetCreated, Failure> {
    let all = AccessFs::from_all(abi);
    let read = AccessFs::from_read(abi);
    let mut rules = Rules::new(abi)?;
    for node in &request.layout.nodes {
        match node.kind {
            NodeKind::Read => grant(&mut rules, &node.path, read)?,
            NodeKind::Write => grant(&mut rules, &node.path, all)?,
            NodeKind::Mask | NodeKind::Skeleton => {}
            NodeKind::Private => return Err(format!("{} is private", node.path.display()).into()),
        }
    }
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    for name in DEVICES {
        let path = Path::new("/dev").join(name);
        if path.exists() {
            rules.add(&path, device)?;
        }
    }
    rules.add(Path::new("/proc"), read)?;
    Ok(rules.ruleset)
}

/// Grants a tree; where something below it is withheld, its parts one by one, so that the directory itself is not listed and what is
/// made in it later is not granted.
fn grant(rules: &mut Rules, path: &Path, access: BitFlags<AccessFs>) -> Result<(), Failure> {
    if withheld(path) {
        return Ok(());
    }
    if !around_withheld(path) {
        return rules.add(path, access);
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A symlink grants nothing; what it leads to is granted, or not, by its own name.
        if !entry.file_type()?.is_symlink() {
            grant(rules, &entry.path(), access)?;
        }
    }
    Ok(())
}
