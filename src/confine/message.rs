//! What our processes say to each other.
//!
//! In: a [`Request`] from the caller, [`Event`]s from the helper, [`Order`]s to it. Out: bytes, and back. Not here:
//! sockets (`linux/channel.rs`), how values become bytes (`codec.rs`). The command inside a sandbox has none of these descriptors.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use super::codec::{Reader, Wire, Writer, wire_enum, wire_struct};
use super::ended::{ExitOutcome, Finding};
use super::error::ConfineError;
use super::layout::{Layout, Node, NodeKind};
use super::plan::{Gap, Late, Limits, Missing, MissingKind, Network, Plan, Promise, Requirement};
use super::status::{ClauseStatus, EnforcementStatus};

/// What the helper is asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunMode {
    /// One command, given here.
    OneShot(Vec<OsString>),
    /// A spawner that starts commands on request.
    Session,
}

impl Wire for RunMode {
    fn write(&self, w: &mut Writer) {
        match self {
            RunMode::OneShot(argv) => {
                w.u8(1);
                argv.write(w);
            }
            RunMode::Session => w.u8(2),
        }
    }

    fn read(r: &mut Reader<'_>) -> Option<RunMode> {
        match r.u8()? {
            1 => Some(RunMode::OneShot(Vec::read(r)?)),
            2 => Some(RunMode::Session),
            _ => None,
        }
    }
}

/// What keeps a sandbox apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// Namespaces, Landlock and seccomp.
    Namespaces,
    /// The same, or where namespaces are not permitted, Landlock and seccomp alone.
    Either,
    /// Landlock and seccomp alone.
    LandlockOnly,
}

/// Everything the helper needs; the same bytes serve every start of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub layout: Layout,
    pub missing: Vec<Missing>,
    pub late: Late,
    pub network: Network,
    pub environment: Vec<(OsString, OsString)>,
    pub limits: Limits,
    pub syscalls: BTreeSet<String>,
    pub cwd: PathBuf,
    pub landlock: Requirement,
    pub seccomp: Requirement,
    pub isolation: Isolation,
    /// The plan accepts that attributes of files can be changed; matters without namespaces only.
    pub attributes_open: bool,
    /// Why there are no namespaces, for the status; the helper writes it.
    pub why_plain: String,
    pub mode: RunMode,
}

wire_struct!(Request {
    layout,
    missing,
    late,
    network,
    environment,
    limits,
    syscalls,
    cwd,
    landlock,
    seccomp,
    isolation,
    attributes_open,
    why_plain,
    mode,
});
wire_struct!(Layout { nodes, links });
wire_struct!(Node { path, kind, directory, make, passing });
wire_struct!(Missing { path, kind, promise });
wire_struct!(Late { roots, protected, reported });
wire_struct!(Limits {
    processes,
    open_files,
    memory_per_process,
    file_size,
    cpu_seconds,
    umask,
    wall_time,
    private_bytes,
});
wire_enum!(NodeKind { Mask = 0, Skeleton = 1, Read = 2, Write = 3, Private = 4 });
wire_enum!(MissingKind { GitDirectory = 0, Name = 1 });
wire_enum!(Promise { Prevent = 0, Detect = 1 });
wire_enum!(Network { Off = 0, Full = 1 });
wire_enum!(Requirement { Required = 0, WhereAvailable = 1, Off = 2 });
wire_enum!(Isolation { Namespaces = 0, Either = 1, LandlockOnly = 2 });
wire_struct!(EnforcementStatus { clauses });
wire_struct!(ClauseStatus { clause, asked, given, by });

impl Request {
    pub(crate) fn new(plan: &Plan, layout: Layout) -> Request {
        Request {
            layout,
            missing: plan.missing.clone(),
            late: plan.late.clone(),
            network: plan.network,
            environment: plan.environment.clone(),
            limits: plan.limits.clone(),
            syscalls: plan.syscalls.clone(),
            cwd: plan.cwd.clone(),
            landlock: plan.landlock,
            seccomp: plan.seccomp,
            isolation: Isolation::Namespaces,
            attributes_open: plan.accept.contains(&Gap::Attributes),
            why_plain: String::from("not asked for"),
            mode: RunMode::Session,
        }
    }
}

/// From the helper.
#[derive(Debug)]
pub(crate) enum Event {
    /// Everything is in place; in one-shot mode the command has been exec'd.
    Ready(EnforcementStatus),
    /// Nothing was run.
    Failed(ConfineError),
    /// The command has ended and so has everything it started.
    Ended(ExitOutcome, Vec<Finding>),
    /// Session: the command of this id runs; or it has ended already, in this way, which saves a message.
    Spawned(u64, i32, Option<ExitOutcome>),
    /// Session: it could not be started.
    NotSpawned(u64, ConfineError),
    /// Session: it has ended.
    Exited(u64, ExitOutcome),
}

impl Wire for Event {
    fn write(&self, w: &mut Writer) {
        match self {
            Event::Ready(status) => {
                w.u8(1);
                status.write(w);
            }
            Event::Failed(failure) => {
                w.u8(2);
                failure.write(w);
            }
            Event::Ended(outcome, findings) => {
                w.u8(3);
                outcome.write(w);
                findings.write(w);
            }
            Event::Spawned(id, pid, ended) => {
                w.u8(4);
                id.write(w);
                pid.write(w);
                ended.write(w);
            }
            Event::NotSpawned(id, failure) => {
                w.u8(5);
                id.write(w);
                failure.write(w);
            }
            Event::Exited(id, outcome) => {
                w.u8(6);
                id.write(w);
                outcome.write(w);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Option<Event> {
        Some(match r.u8()? {
            1 => Event::Ready(Wire::read(r)?),
            2 => Event::Failed(Wire::read(r)?),
            3 => Event::Ended(Wire::read(r)?, Wire::read(r)?),
            4 => Event::Spawned(Wire::read(r)?, Wire::read(r)?, Wire::read(r)?),
            5 => Event::NotSpawned(Wire::read(r)?, Wire::read(r)?),
            6 => Event::Exited(Wire::read(r)?, Wire::read(r)?),
            _ => return None,
        })
    }
}

/// A command that a session is to start; its three descriptors come with the message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spawn {
    pub id: u64,
    /// When this was sent, by the monotonic clock.
    pub sent: Duration,
    pub argv: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    pub cwd: PathBuf,
    pub limit: Option<Duration>,
}

wire_struct!(Spawn { id, sent, argv, environment, cwd, limit });

/// To the helper or the spawner.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Send a signal to the command's process group.
    Signal(i32),
    /// Session: start a command.
    Spawn(Spawn),
    /// Session: send a signal to the process group of one command.
    SignalOne(u64, i32),
    /// Session: kill one command with everything that belongs to it.
    KillOne(u64),
    /// Session: end every command.
    KillAll,
}

impl Wire for Order {
    fn write(&self, w: &mut Writer) {
        match self {
            Order::Signal(signal) => {
                w.u8(1);
                signal.write(w);
            }
            Order::Spawn(spawn) => {
                w.u8(2);
                spawn.write(w);
            }
            Order::SignalOne(id, signal) => {
                w.u8(3);
                id.write(w);
                signal.write(w);
            }
            Order::KillOne(id) => {
                w.u8(4);
                id.write(w);
            }
            Order::KillAll => w.u8(5),
        }
    }

    fn read(r: &mut Reader<'_>) -> Option<Order> {
        Some(match r.u8()? {
            1 => Order::Signal(Wire::read(r)?),
            2 => Order::Spawn(Wire::read(r)?),
            3 => Order::SignalOne(Wire::read(r)?, Wire::read(r)?),
            4 => Order::KillOne(Wire::read(r)?),
            5 => Order::KillAll,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Reason, Step};
    use crate::status::{Aspect, Enforcement};
    use std::io;

    #[test]
    fn a_request_comes_back_whole_and_no_cut_of_it_is_read() {
        let mut plan = Plan::nothing("/tmp".into());
        plan.environment = Vec::from([("PATH".into(), "/bin".into())]);
        plan.limits.wall_time = Some(Duration::from_secs(3));
        plan.missing = Vec::from([Missing {
            path: "/w/.git".into(),
            kind: MissingKind::GitDirectory,
            promise: Promise::Detect,
        }]);
        let node =
            Node { path: "/".into(), kind: NodeKind::Read, directory: true, make: false, passing: false };
        let layout =
            Layout { nodes: Vec::from([node]), links: Vec::from([("/lib".into(), "usr/lib".into())]) };
        let mut request = Request::new(&plan, layout);
        request.mode = RunMode::OneShot(Vec::from(["true".into()]));
        let bytes = request.encode();
        assert_eq!(Request::decode(&bytes), Some(request));
        for cut in 0..bytes.len() {
            assert!(Request::decode(&bytes[..cut]).is_none());
        }
    }

    #[test]
    fn events_and_orders_come_back() {
        let events = [
            Event::Failed(ConfineError::new(Step::Mount, "/x", io::Error::from_raw_os_error(1))),
            Event::Failed(ConfineError::new(Step::Landlock, "", io::Error::other("text"))),
            Event::NotSpawned(3, ConfineError::refused(Step::Exec, "", Reason::EmptyCommand)),
            Event::Ended(ExitOutcome::Signal(9), Vec::new()),
            Event::Exited(7, ExitOutcome::Code(-1)),
            Event::Ready(EnforcementStatus {
                clauses: Aspect::ALL
                    .map(|clause| ClauseStatus {
                        clause,
                        asked: "a".into(),
                        given: Enforcement::Absent,
                        by: "b".into(),
                    })
                    .into(),
            }),
            Event::Spawned(8, 4, None),
            Event::Spawned(9, 5, Some(ExitOutcome::Signal(9))),
        ];
        for event in events {
            let bytes = event.encode();
            assert_eq!(Event::decode(&bytes).unwrap().encode(), bytes);
            assert!(Event::decode(&bytes[1..]).is_none_or(|e| e.encode() != bytes));
        }
        let order = Order::Spawn(Spawn {
            id: 1,
            sent: Duration::from_nanos(5),
            argv: Vec::new(),
            environment: Vec::new(),
            cwd: "/".into(),
            limit: Some(Duration::from_secs(1)),
        });
        assert_eq!(Order::decode(&order.encode()), Some(order));
    }
}
