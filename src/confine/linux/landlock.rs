//! Landlock, the second wall: made ready before a command exists.
//!
//! In: a request, inside the finished view. Out: a ruleset to be applied to each command, and the status line that says what it
//! is. Not here: applying it (`sys.rs`), the rules of a sandbox without namespaces (`plain.rs`).

use std::format;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, Scope,
};
use rustix::fs::OFlags;

use super::super::error::{ConfineError, Step};
use super::super::layout::NodeKind;
use super::super::message::Request;
use super::super::plan::Requirement;
use super::super::status::{Aspect, Enforcement, EnforcementStatus};
use super::mounts::DEVICES;
use super::paths::open_without_links;
use super::sys;

/// Makes a ruleset out of `rules`; `None` if there is to be none.
pub(super) fn build(
    request: &Request,
    status: &mut EnforcementStatus,
    rules: &dyn Fn(&Request, ABI) -> Result<RulesetCreated, Failure>,
) -> Result<Option<OwnedFd>, ConfineError> {
    let asked = "file access by subtree, abstract sockets and signals kept inside";
    let number = sys::landlock_abi();
    match request.landlock {
        Requirement::Off => {
            status.push(Aspect::Landlock, asked, Enforcement::SwitchedOff, "");
            return Ok(None);
        }
        Requirement::WhereAvailable if number == 0 => {
            status.push(Aspect::Landlock, asked, Enforcement::Absent, "the kernel has no Landlock");
            return Ok(None);
        }
        Requirement::Required if number == 0 => {
            return Err(ConfineError::new(Step::Landlock, "", io::Error::from_raw_os_error(libc::ENOSYS)));
        }
        Requirement::WhereAvailable | Requirement::Required => {}
    }
    let abi = ABI::from(number);
    let ruleset =
        rules(request, abi).map_err(|e| ConfineError::new(Step::Landlock, "", io::Error::other(e)))?;
    let fd: Option<OwnedFd> = ruleset.into();
    let fd =
        fd.ok_or_else(|| ConfineError::new(Step::Landlock, "", io::Error::from_raw_os_error(libc::ENOSYS)))?;
    let scopes = if abi >= ABI::V6 { "with scopes" } else { "without scopes" };
    status.push(Aspect::Landlock, asked, Enforcement::Prevented, format!("Landlock ABI {number}, {scopes}"));
    Ok(Some(fd))
}

pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The rules over a finished view.
pub(super) fn over_view(request: &Request, abi: ABI) -> Result<RulesetCreated, Failure> {
    let all = AccessFs::from_all(abi);
    let read = AccessFs::from_read(abi);
    let mut rules = Rules::new(abi)?;
    for node in &request.layout.nodes {
        let access = match node.kind {
            NodeKind::Read => read,
            NodeKind::Write | NodeKind::Private => all,
            NodeKind::Mask | NodeKind::Skeleton => continue,
        };
        rules.add(&node.path, access)?;
    }
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    rules.add(Path::new("/dev"), AccessFs::ReadDir.into())?;
    for name in DEVICES {
        let path = Path::new("/dev").join(name);
        if path.exists() {
            rules.add(&path, device)?;
        }
    }
    rules.add(Path::new("/dev/pts"), device | AccessFs::ReadDir)?;
    rules.add(Path::new("/dev/shm"), all)?;
    rules.add(Path::new("/proc"), read | AccessFs::WriteFile | AccessFs::Truncate)?;
    Ok(rules.ruleset)
}

pub(super) struct Rules {
    pub ruleset: RulesetCreated,
    handled: BitFlags<AccessFs>,
    file: BitFlags<AccessFs>,
}

impl Rules {
    /// No access at all, and signals and abstract sockets kept inside where the kernel can.
    pub(super) fn new(abi: ABI) -> Result<Rules, Failure> {
        let all = AccessFs::from_all(abi);
        let mut ruleset =
            Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(all)?;
        if abi >= ABI::V6 {
            ruleset = ruleset.scope(Scope::from_all(abi))?;
        }
        Ok(Rules { ruleset: ruleset.create()?, handled: all, file: AccessFs::from_file(abi) })
    }

    /// Grants access at a path and below; a symlink anywhere in it is an error.
    pub(super) fn add(&mut self, path: &Path, access: BitFlags<AccessFs>) -> Result<(), Failure> {
        let fd = open_without_links(path, OFlags::PATH)?;
        let stat = rustix::fs::fstat(&fd)?;
        let directory = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir();
        // A right that the ruleset does not handle, or that a file cannot have, is EINVAL.
        let access = access & self.handled & if directory { BitFlags::all() } else { self.file };
        if !access.is_empty() {
            (&mut self.ruleset).add_rule(PathBeneath::new(fd, access))?;
        }
        Ok(())
    }
}
