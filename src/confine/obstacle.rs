//! What stands against keeping a plan without namespaces.
//!
//! In: nothing. Out: [`Obstacle`], with a stable code, and a sentence for people. Not here: finding them (`plain.rs`).

use std::fmt;
use std::path::PathBuf;

use super::plan::Gap;

/// Something of a plan that cannot be kept without namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Landlock or the filter, which would be all there is, is switched off.
    SwitchedOff,
    /// Landlock is older than the first ABI that keeps signals inside; this is its number.
    OldLandlock(i32),
    /// A directory is to be private.
    Private(PathBuf),
    /// A name is to be kept from being made.
    Preventable(PathBuf),
    /// The processes of the sandbox are to be counted.
    ProcessLimit,
    /// A writable path has in it what belongs to the machine.
    WritableMachine(PathBuf),
    /// Access to the first path is taken away below the second, which has more.
    CarvedOut(PathBuf, PathBuf),
    /// What the command leaves running cannot be tied to a namespace.
    Survivors,
    /// /proc is the host's.
    HostProcesses,
    /// Names and attributes of denied files are seen.
    Metadata,
    /// Modes, owners and times can be changed outside the writable paths.
    Attributes,
}

impl Obstacle {
    /// The gap that a plan can accept to do without; `None` where nothing helps but namespaces or another plan.
    pub fn gap(&self) -> Option<Gap> {
        match self {
            Obstacle::Survivors => Some(Gap::Survivors),
            Obstacle::HostProcesses => Some(Gap::HostProcesses),
            Obstacle::Metadata => Some(Gap::Metadata),
            Obstacle::Attributes => Some(Gap::Attributes),
            _ => None,
        }
    }

    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Obstacle::SwitchedOff => "switched-off",
            Obstacle::OldLandlock(_) => "old-landlock",
            Obstacle::Private(_) => "private",
            Obstacle::Preventable(_) => "preventable",
            Obstacle::ProcessLimit => "process-limit",
            Obstacle::WritableMachine(_) => "writable-machine",
            Obstacle::CarvedOut(..) => "carved-out",
            Obstacle::Survivors => "survivors",
            Obstacle::HostProcesses => "host-processes",
            Obstacle::Metadata => "metadata",
            Obstacle::Attributes => "attributes",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::SwitchedOff => {
                f.write_str("Landlock and seccomp are the only walls, and one is switched off")
            }
            Obstacle::OldLandlock(abi) => write!(
                f,
                "signals to other processes need Landlock ABI {LEAST_ABI} (Linux 6.12), here it is {abi}"
            ),
            Obstacle::Private(path) => write!(f, "{} cannot be made private", path.display()),
            Obstacle::Preventable(path) => write!(f, "{} cannot be kept from being made", path.display()),
            Obstacle::ProcessLimit => {
                f.write_str("the processes of the sandbox cannot be counted apart from the user's others")
            }
            Obstacle::WritableMachine(path) => {
                write!(f, "{} is writable, and with it what belongs to the machine", path.display())
            }
            Obstacle::CarvedOut(path, from) => {
                write!(f, "{} is carved out of {}", path.display(), from.display())
            }
            Obstacle::Survivors => {
                f.write_str("what the command leaves running cannot be tied to a namespace")
            }
            Obstacle::HostProcesses => f.write_str("/proc is the host's"),
            Obstacle::Metadata => f.write_str("names and attributes of denied files cannot be hidden"),
            Obstacle::Attributes => {
                f.write_str("modes, owners and times cannot be kept outside the writable paths")
            }
        }?;
        self.gap().map_or(Ok(()), |gap| write!(f, " (gap `{}`)", gap.code()))
    }
}

/// The Landlock of Linux 6.12: the first that keeps signals and abstract sockets inside.
pub(crate) const LEAST_ABI: i32 = 6;
