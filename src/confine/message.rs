//! What our processes say to each other.
//!
//! In: a [`Request`] from the caller, [`Event`]s from the helper, [`Order`]s to it. Out: bytes, and back. Not here:
//! sockets (`linux/channel.rs`). The command inside a sandbox has none of these descriptors.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::time::Duration;
use std::vec::Vec;

use super::codec::{Reader, Writer};
use super::error::{ConfineError, Step};
use super::layout::{Kind, Layout, Node};
use super::plan::{Gap, Late, Limits, Missing, MissingKind, Network, Plan, Promise, Wall};
use super::status::{ClauseStatus, EnforcementStatus, Given};

/// What the helper is asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// One command, given here.
    OneShot(Vec<OsString>),
    /// A spawner that starts commands on request.
    Session,
}

/// What a sandbox stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Footing {
    /// Namespaces, Landlock and seccomp.
    Namespaces,
    /// The same, or where namespaces are not permitted, Landlock and seccomp alone.
    Either,
    /// Landlock and seccomp alone.
    Plain,
}

const FOOTINGS: [Footing; 3] = [Footing::Namespaces, Footing::Either, Footing::Plain];

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
    pub landlock: Wall,
    pub seccomp: Wall,
    pub footing: Footing,
    /// The plan accepts that attributes of files can be changed; matters without namespaces only.
    pub attributes_open: bool,
    /// Why there are no namespaces, for the status; written by the helper, not part of the message.
    pub why_plain: String,
    pub life: Life,
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn os(w: &mut Writer, value: &OsString) {
    w.path(Path::new(value));
}

fn wall(code: u8) -> Option<Wall> {
    [Wall::Required, Wall::WhereAvailable, Wall::Off].get(usize::from(code)).copied()
}

const KINDS: [Kind; 5] = [Kind::Mask, Kind::Skeleton, Kind::Read, Kind::Write, Kind::Private];
const GIVEN: [Given; 5] =
    [Given::Prevented, Given::PreventedAtStart, Given::Detected, Given::Absent, Given::SwitchedOff];

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
            footing: Footing::Namespaces,
            attributes_open: plan.accept.contains(&Gap::Attributes),
            why_plain: String::from("not asked for"),
            life: Life::Session,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.list(&self.layout.nodes, |w, node| {
            w.path(&node.path);
            w.u8(KINDS.iter().position(|k| *k == node.kind).unwrap_or(0) as u8);
            w.u8(u8::from(node.directory));
            w.u8(u8::from(node.make));
        });
        w.list(&self.layout.links, |w, (place, target)| {
            w.path(place);
            w.path(target);
        });
        w.list(&self.missing, |w, missing| {
            w.path(&missing.path);
            w.u8(u8::from(missing.kind == MissingKind::GitDirectory));
            w.u8(u8::from(missing.promise == Promise::Prevent));
        });
        w.list(&self.late.roots, |w, root| w.path(root));
        w.list(&self.late.protected, |w, name| w.bytes(name.as_bytes()));
        w.list(&self.late.reported, |w, (below, glob)| {
            w.path(below);
            w.bytes(glob.as_bytes());
        });
        w.u8(u8::from(self.network == Network::Full));
        w.list(&self.environment, |w, (name, value)| {
            os(w, name);
            os(w, value);
        });
        self.limits.write(&mut w);
        let words: Vec<&String> = self.syscalls.iter().collect();
        w.list(&words, |w, word| w.bytes(word.as_bytes()));
        w.path(&self.cwd);
        w.u8(self.landlock as u8);
        w.u8(self.seccomp as u8);
        w.u8(FOOTINGS.iter().position(|footing| *footing == self.footing).unwrap_or(0) as u8);
        w.u8(u8::from(self.attributes_open));
        match &self.life {
            Life::OneShot(argv) => {
                w.u8(1);
                w.list(argv, os);
            }
            Life::Session => w.u8(2),
        }
        w.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Request> {
        let mut r = Reader::new(bytes);
        let nodes = r.list(|r| {
            let path = r.path()?;
            let kind = *KINDS.get(usize::from(r.u8()?))?;
            Some(Node { path, kind, directory: r.u8()? == 1, make: r.u8()? == 1, passing: false })
        })?;
        let links = r.list(|r| Some((r.path()?, r.path()?)))?;
        let missing = r.list(|r| {
            let path = r.path()?;
            let kind = if r.u8()? == 1 { MissingKind::GitDirectory } else { MissingKind::Name };
            let promise = if r.u8()? == 1 { Promise::Prevent } else { Promise::Detect };
            Some(Missing { path, kind, promise })
        })?;
        let late = Late {
            roots: r.list(Reader::path)?,
            protected: r.list(Reader::string)?,
            reported: r.list(|r| Some((r.path()?, r.string()?)))?,
        };
        let network = if r.u8()? == 1 { Network::Full } else { Network::Off };
        let environment = r.list(|r| Some((r.os_string()?, r.os_string()?)))?;
        let limits = Limits::read(&mut r)?;
        let syscalls = r.list(Reader::string)?.into_iter().collect();
        let cwd = r.path()?;
        let (landlock, seccomp) = (wall(r.u8()?)?, wall(r.u8()?)?);
        let footing = *FOOTINGS.get(usize::from(r.u8()?))?;
        let attributes_open = r.u8()? == 1;
        let life = match r.u8()? {
            1 => Life::OneShot(r.list(Reader::os_string)?),
            2 => Life::Session,
            _ => return None,
        };
        let layout = Layout { nodes, links };
        r.end(Request {
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
            footing,
            attributes_open,
            why_plain: String::from("not asked for"),
            life,
        })
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// The wall-time limit of the plan, or its own time limit, ended it.
    TimedOut,
}

impl Outcome {
    /// The status a shell shows: the code, 128 + signal, or 124 as `timeout` gives.
    pub fn shell_status(self) -> i32 {
        match self {
            Outcome::Code(code) => code,
            Outcome::Signal(signal) => 128 + signal,
            Outcome::TimedOut => 124,
        }
    }

    pub(crate) fn from_wait(status: i32) -> Outcome {
        if libc::WIFSIGNALED(status) {
            Outcome::Signal(libc::WTERMSIG(status))
        } else {
            Outcome::Code(libc::WEXITSTATUS(status))
        }
    }

    fn encode(self, w: &mut Writer) {
        let (kind, value) = match self {
            Outcome::Code(code) => (0, code),
            Outcome::Signal(signal) => (1, signal),
            Outcome::TimedOut => (2, 0),
        };
        w.u8(kind);
        w.i32(value);
    }

    fn decode(r: &mut Reader<'_>) -> Option<Outcome> {
        match (r.u8()?, r.i32()?) {
            (0, code) => Some(Outcome::Code(code)),
            (1, signal) => Some(Outcome::Signal(signal)),
            (2, _) => Some(Outcome::TimedOut),
            _ => None,
        }
    }
}

/// Something that a command made where the plan protects a name, and where it was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What appeared.
    pub path: PathBuf,
    /// Where it is now; `None` if it could not be moved, which `why` explains.
    pub quarantined: Option<PathBuf>,
    /// Why it is not allowed to be there.
    pub why: String,
}

/// From the helper.
#[derive(Debug)]
pub(crate) enum Event {
    /// Everything is in place; in a one-shot life the command has been exec'd.
    Ready(EnforcementStatus),
    /// Nothing was run.
    Failed(ConfineError),
    /// The command has ended and so has everything it started.
    Ended(Outcome, Vec<Finding>),
    /// Session: the command of this id runs; or it has ended already, in this way, which saves a message.
    Spawned(u64, i32, Option<Outcome>),
    /// Session: it could not be started.
    NotSpawned(u64, ConfineError),
    /// Session: it has ended.
    Exited(u64, Outcome),
}

fn error(w: &mut Writer, error: &ConfineError) {
    w.u8(error.step.code());
    w.i32(error.source.raw_os_error().unwrap_or(0));
    w.bytes(error.source.to_string().as_bytes());
    w.bytes(error.detail.as_bytes());
}

fn read_error(r: &mut Reader<'_>) -> Option<ConfineError> {
    let step = Step::from_code(r.u8()?);
    let errno = r.i32()?;
    let text = r.string()?;
    let source = if errno == 0 { io::Error::other(text) } else { io::Error::from_raw_os_error(errno) };
    Some(ConfineError { step, detail: r.string()?, source })
}

impl Event {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Event::Ready(status) => {
                w.u8(1);
                w.list(&status.clauses, |w, clause| {
                    w.bytes(clause.clause.as_bytes());
                    w.bytes(clause.asked.as_bytes());
                    w.u8(GIVEN.iter().position(|g| *g == clause.given).unwrap_or(2) as u8);
                    w.bytes(clause.by.as_bytes());
                });
            }
            Event::Failed(failure) => {
                w.u8(2);
                error(&mut w, failure);
            }
            Event::Ended(outcome, findings) => {
                w.u8(3);
                outcome.encode(&mut w);
                w.list(findings, |w, finding| {
                    w.path(&finding.path);
                    w.u8(u8::from(finding.quarantined.is_some()));
                    w.path(finding.quarantined.as_deref().unwrap_or(Path::new("")));
                    w.bytes(finding.why.as_bytes());
                });
            }
            Event::Spawned(id, pid, ended) => {
                w.u8(4);
                w.u64(*id);
                w.i32(*pid);
                w.u8(u8::from(ended.is_some()));
                if let Some(outcome) = ended {
                    outcome.encode(&mut w);
                }
            }
            Event::NotSpawned(id, failure) => {
                w.u8(5);
                w.u64(*id);
                error(&mut w, failure);
            }
            Event::Exited(id, outcome) => {
                w.u8(6);
                w.u64(*id);
                outcome.encode(&mut w);
            }
        }
        w.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Event> {
        let mut r = Reader::new(bytes);
        let event = match r.u8()? {
            1 => {
                let clauses = r.list(|r| {
                    let (clause, asked) = (r.string()?, r.string()?);
                    let given = *GIVEN.get(usize::from(r.u8()?))?;
                    Some(ClauseStatus { clause, asked, given, by: r.string()? })
                })?;
                Event::Ready(EnforcementStatus { clauses })
            }
            2 => Event::Failed(read_error(&mut r)?),
            3 => {
                let outcome = Outcome::decode(&mut r)?;
                let findings = r.list(|r| {
                    let (path, moved, place) = (r.path()?, r.u8()? == 1, r.path()?);
                    Some(Finding { path, quarantined: moved.then_some(place), why: r.string()? })
                })?;
                Event::Ended(outcome, findings)
            }
            4 => {
                let (id, pid, ended) = (r.u64()?, r.i32()?, r.u8()? == 1);
                Event::Spawned(id, pid, if ended { Some(Outcome::decode(&mut r)?) } else { None })
            }
            5 => Event::NotSpawned(r.u64()?, read_error(&mut r)?),
            6 => Event::Exited(r.u64()?, Outcome::decode(&mut r)?),
            _ => return None,
        };
        r.end(event)
    }
}

/// To the helper or the spawner.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Send a signal to the command's process group.
    Signal(i32),
    /// Session: start a command; its three descriptors come with the message. `sent` is a time of the monotonic clock.
    Spawn {
        id: u64,
        sent: Duration,
        argv: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
        cwd: PathBuf,
        limit: Option<Duration>,
    },
    /// Session: send a signal to the process group of one command.
    SignalOne(u64, i32),
    /// Session: kill one command with everything that belongs to it.
    KillOne(u64),
    /// Session: end every command.
    KillAll,
}

impl Order {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Order::Signal(signal) => {
                w.u8(1);
                w.i32(*signal);
            }
            Order::Spawn { id, sent, argv, environment, cwd, limit } => {
                w.u8(2);
                w.u64(*id);
                w.u64(nanoseconds(*sent));
                w.list(argv, os);
                w.list(environment, |w, (name, value)| {
                    os(w, name);
                    os(w, value);
                });
                w.path(cwd);
                w.option(limit.map(nanoseconds));
            }
            Order::SignalOne(id, signal) => {
                w.u8(3);
                w.u64(*id);
                w.i32(*signal);
            }
            Order::KillAll => w.u8(4),
            Order::KillOne(id) => {
                w.u8(5);
                w.u64(*id);
            }
        }
        w.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Order> {
        let mut r = Reader::new(bytes);
        let order = match r.u8()? {
            1 => Order::Signal(r.i32()?),
            2 => Order::Spawn {
                id: r.u64()?,
                sent: Duration::from_nanos(r.u64()?),
                argv: r.list(Reader::os_string)?,
                environment: r.list(|r| Some((r.os_string()?, r.os_string()?)))?,
                cwd: r.path()?,
                limit: r.option()?.map(Duration::from_nanos),
            },
            3 => Order::SignalOne(r.u64()?, r.i32()?),
            4 => Order::KillAll,
            5 => Order::KillOne(r.u64()?),
            _ => return None,
        };
        r.end(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let node = Node { path: "/".into(), kind: Kind::Read, directory: true, make: false, passing: false };
        let layout =
            Layout { nodes: Vec::from([node]), links: Vec::from([("/lib".into(), "usr/lib".into())]) };
        let mut request = Request::new(&plan, layout);
        request.life = Life::OneShot(Vec::from(["true".into()]));
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
            Event::Ended(Outcome::Signal(9), Vec::new()),
            Event::Exited(7, Outcome::Code(-1)),
            Event::Spawned(8, 4, None),
            Event::Spawned(9, 5, Some(Outcome::Signal(9))),
        ];
        for event in events {
            let bytes = event.encode();
            assert_eq!(Event::decode(&bytes).unwrap().encode(), bytes);
            assert!(Event::decode(&bytes[1..]).is_none_or(|e| e.encode() != bytes));
        }
        let order = Order::Spawn {
            id: 1,
            sent: Duration::from_nanos(5),
            argv: Vec::new(),
            environment: Vec::new(),
            cwd: "/".into(),
            limit: Some(Duration::from_secs(1)),
        };
        assert_eq!(Order::decode(&order.encode()), Some(order));
    }
}
