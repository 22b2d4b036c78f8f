//! The second wall and the system-call filter, made ready before a command exists.
//!
//! In: a request, inside the finished view. Out: a Landlock ruleset and a filter to be applied to each command, and the status
//! lines that say what they are. Not here: applying them (`sys.rs`).

use std::collections::BTreeSet;
use std::format;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, Scope,
};
use rustix::fs::OFlags;

use super::super::error::{ConfineError, Step};
use super::super::layout::Kind;
use super::super::message::Request;
use super::super::plain as plan_words;
use super::super::plan::{Network, Wall};
use super::super::seccomp::{self, Arch, Instruction};
use super::super::status::{EnforcementStatus, Given};
use super::mounts::DEVICES;
use super::paths::open_without_links;
use super::{plain, sys};

/// What each command is put behind.
pub(super) struct Walls {
    pub landlock: Option<OwnedFd>,
    pub filter: Option<Vec<Instruction>>,
    /// There are no namespaces.
    pub plain: bool,
}

impl Walls {
    pub(super) fn build(request: &Request, status: &mut EnforcementStatus) -> Result<Walls, ConfineError> {
        let landlock = landlock_wall(request, status, &ruleset)?;
        Ok(Walls { landlock, filter: filter(&request.syscalls, request.seccomp, status)?, plain: false })
    }

    /// The walls of a sandbox without namespaces: both are required, and carry what namespaces would.
    pub(super) fn build_plain(
        request: &Request,
        status: &mut EnforcementStatus,
    ) -> Result<Walls, ConfineError> {
        let landlock = landlock_wall(request, status, &plain::ruleset)?;
        let words = request.syscalls.iter().cloned();
        let words = words.chain(plan_words::denied(request.network, request.attributes_open)).collect();
        Ok(Walls { landlock, filter: filter(&words, Wall::Required, status)?, plain: true })
    }
}

fn filter(
    words: &BTreeSet<String>,
    wall: Wall,
    status: &mut EnforcementStatus,
) -> Result<Option<Vec<Instruction>>, ConfineError> {
    let words: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
    let asked = format!("deny {}", words.join(", "));
    if wall == Wall::Off {
        status.push("seccomp", asked, Given::SwitchedOff, "");
        return Ok(None);
    }
    let arch = Arch::native().ok_or_else(|| {
        ConfineError::refused(Step::Seccomp, "", "no filter is known for this architecture")
    })?;
    let program =
        seccomp::build(arch, words).map_err(|e| ConfineError::new(Step::Seccomp, "", io::Error::other(e)))?;
    let by = format!("seccomp, {} instructions for {arch:?}", program.instructions().len());
    status.push("seccomp", asked, Given::Prevented, by);
    Ok(Some(program.instructions().to_vec()))
}

fn landlock_wall(
    request: &Request,
    status: &mut EnforcementStatus,
    ruleset: &dyn Fn(&Request, ABI) -> Result<RulesetCreated, Failure>,
) -> Result<Option<OwnedFd>, ConfineError> {
    let asked = "file access by subtree, abstract sockets and signals kept inside";
    let number = sys::landlock_abi();
    match request.landlock {
        Wall::Off => {
            status.push("landlock", asked, Given::SwitchedOff, "");
            return Ok(None);
        }
        Wall::WhereAvailable if number == 0 => {
            status.push("landlock", asked, Given::Absent, "the kernel has no Landlock");
            return Ok(None);
        }
        Wall::Required if number == 0 => {
            return Err(ConfineError::new(Step::Landlock, "", io::Error::from_raw_os_error(libc::ENOSYS)));
        }
        Wall::WhereAvailable | Wall::Required => {}
    }
    let abi = ABI::from(number);
    let ruleset =
        ruleset(request, abi).map_err(|e| ConfineError::new(Step::Landlock, "", io::Error::other(e)))?;
    let fd: Option<OwnedFd> = ruleset.into();
    let fd = fd.ok_or_else(|| ConfineError::refused(Step::Landlock, "", "the kernel gave no ruleset"))?;
    let scopes = if abi >= ABI::V6 { "with scopes" } else { "without scopes" };
    status.push("landlock", asked, Given::Prevented, format!("Landlock ABI {number}, {scopes}"));
    Ok(Some(fd))
}

pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

fn ruleset(request: &Request, abi: ABI) -> Result<RulesetCreated, Failure> {
    let all = AccessFs::from_all(abi);
    let read = AccessFs::from_read(abi);
    let mut rules = Rules::new(abi)?;
    for node in &request.layout.nodes {
        let access = match node.kind {
            Kind::Read => read,
            Kind::Write | Kind::Private => all,
            Kind::Mask | Kind::Skeleton => continue,
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

/// The clause of the network.
pub(super) fn network_status(network: Network, status: &mut EnforcementStatus) {
    match network {
        Network::Off => {
            status.push("network", "off", Given::Prevented, "network namespace with loopback only")
        }
        Network::Full => status.push("network", "full", Given::Prevented, "the host's network"),
    }
}
