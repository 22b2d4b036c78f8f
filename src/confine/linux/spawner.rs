//! The spawner of a session: starts commands on request.
//!
//! In: orders over the session's socket. Out: running commands and events about them. Not here: building the sandbox.
//!
//! It runs below process 1 without capabilities and behind the filter, which its commands inherit; each command enters a Landlock
//! domain of its own on the way, so it can neither signal nor trace the spawner. Its end is the session's end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;
use std::vec::Vec;

use rustix::process::DumpableBehavior;

use super::super::codec::Wire;
use super::super::ended::ExitOutcome;
use super::super::error::{ConfineError, Reason, Step};
use super::super::message::{Event, Order, Request, Spawn};
use super::command::Command;
use super::poll::{drain, wait};
use super::restrictions::Restrictions;
use super::sys::Starter;
use super::{channel, plain, sys, tree};

/// Forks the spawner and gives its pid.
///
/// `ask` leads to process 1, which looks whether every mount is in place before it answers.
pub(super) fn start(
    socket: &OwnedFd,
    ask: Option<&OwnedFd>,
    request: &Request,
    restrictions: Restrictions,
) -> Result<i32, ConfineError> {
    let (ready, tell) = channel::pair().map_err(|e| ConfineError::new(Step::Session, "socketpair", e))?;
    match sys::fork(0).map_err(|e| ConfineError::new(Step::Session, "fork", e))? {
        Some(pid) => {
            drop(tell);
            // One message means that it is restricted and serves.
            match channel::receive(&ready) {
                Ok(Some((bytes, _))) if bytes.is_empty() => Ok(pid),
                Ok(Some((bytes, _))) => match Event::decode(&bytes) {
                    Some(Event::Failed(failure)) => Err(failure),
                    _ => Err(ConfineError::refused(Step::Session, "", Reason::InvalidMessage)),
                },
                _ => Err(ConfineError::refused(Step::Session, "", Reason::HelperEnded)),
            }
        }
        None => {
            drop(ready);
            match restrict(socket, &tell, ask, &restrictions) {
                Ok(signals) => {
                    let _ = channel::send(&tell, &[], &[]);
                    drop(tell);
                    let mut spawner = Spawner {
                        socket,
                        ask,
                        signals: &signals,
                        request,
                        restrictions: &restrictions,
                        running: BTreeMap::new(),
                        patient: false,
                        soon: false,
                    };
                    let Err(Over) = spawner.serve();
                }
                Err(failure) => {
                    let _ = channel::send(&tell, &Event::Failed(failure).encode(), &[]);
                }
            }
            sys::exit(0)
        }
    }
}

/// Gives up everything that commands must not inherit.
fn restrict(
    socket: &OwnedFd,
    tell: &OwnedFd,
    ask: Option<&OwnedFd>,
    restrictions: &Restrictions,
) -> Result<OwnedFd, ConfineError> {
    let mut keep = Vec::from([socket.as_fd(), tell.as_fd()]);
    keep.extend(ask.map(AsFd::as_fd));
    keep.extend(restrictions.landlock.iter().map(AsFd::as_fd));
    sys::close_all_but(&keep).map_err(|e| ConfineError::new(Step::Descriptors, "close_range", e))?;
    let signals = sys::signal_descriptor(&[libc::SIGCHLD])
        .map_err(|e| ConfineError::new(Step::Session, "signalfd", e))?;
    if restrictions.plain {
        sys::adopt_orphans().map_err(|e| ConfineError::new(Step::Session, "PR_SET_CHILD_SUBREAPER", e))?;
    }
    sys::drop_own_privileges().map_err(|e| ConfineError::new(Step::Privileges, "", e))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| ConfineError::new(Step::Privileges, "PR_SET_DUMPABLE", e))?;
    if let Some(filter) = &restrictions.filter {
        sys::install_own_filter(filter).map_err(|e| ConfineError::new(Step::Seccomp, "", e))?;
    }
    Ok(signals)
}

struct Spawner<'a> {
    socket: &'a OwnedFd,
    ask: Option<&'a OwnedFd>,
    signals: &'a OwnedFd,
    request: &'a Request,
    restrictions: &'a Restrictions,
    running: BTreeMap<i32, Running>,
    /// The kernel has been told to let this process [wait for its turn](sys::set_patient).
    patient: bool,
    /// The last command that ended had done so soon after its order.
    soon: bool,
}

/// No short command takes longer where a processor is free, and less than a time slice of the kernel's.
const SOON: Duration = Duration::from_millis(1);

/// A command that has not been reaped, by its process number.
struct Running {
    /// The caller's number of the command.
    id: u64,
    /// When its order was sent.
    sent: Duration,
    /// When it is killed.
    deadline: Option<Duration>,
    /// The deadline has passed and it was.
    killed: bool,
}

impl Running {
    /// How it ended. One that ended by itself just before it was killed has kept its time.
    fn outcome(&self, status: i32) -> ExitOutcome {
        match ExitOutcome::from_wait(status) {
            ExitOutcome::Signal(libc::SIGKILL) if self.killed => ExitOutcome::TimedOut,
            outcome => outcome,
        }
    }
}

/// There is nobody left to tell: the session ends.
struct Over;

impl Spawner<'_> {
    /// Serves until the caller is gone, or sends what cannot be read.
    fn serve(&mut self) -> Result<Infallible, Over> {
        loop {
            // With nothing to be reaped, orders are all that can come.
            if self.restrictions.plain || !self.running.is_empty() {
                let (orders, ended) =
                    wait(self.socket.as_fd(), self.signals.as_fd(), self.left()).map_err(|_| Over)?;
                if ended {
                    drain(self.signals);
                }
                let ended = self.reap();
                self.tell_ended(ended)?;
                self.end_late();
                if !orders {
                    continue;
                }
            }
            self.be_patient(self.soon && self.running.is_empty());
            let Ok(Some((bytes, fds))) = channel::receive(self.socket) else { return Err(Over) };
            match Order::decode(&bytes) {
                Some(Order::Spawn(Spawn { id, sent, argv, environment, cwd, limit })) => {
                    let started = Command::new(&argv, &environment, &cwd)
                        .and_then(|command| self.launch(&command, &cwd, fds));
                    match started {
                        Ok(pid) => {
                            let deadline = limit.map(|limit| sys::monotonic().saturating_add(limit));
                            self.tell_started(pid, Running { id, sent, deadline, killed: false })?;
                        }
                        Err(failure) => self.tell(&Event::NotSpawned(id, failure))?,
                    }
                }
                Some(Order::SignalOne(id, signal)) => {
                    if let Some((pid, _)) = self.running.iter().find(|(_, running)| running.id == id) {
                        let _ = sys::kill(-*pid, signal);
                    }
                }
                Some(Order::KillOne(id)) => {
                    if let Some((pid, _)) = self.running.iter().find(|(_, running)| running.id == id) {
                        tree::kill(*pid);
                    }
                }
                Some(Order::KillAll) => self.kill_all()?,
                Some(Order::Signal(_)) | None => return Err(Over),
            }
        }
    }

    /// The time until the next deadline.
    fn left(&self) -> Option<Duration> {
        let next = self.running.values().filter_map(|running| running.deadline).min()?;
        Some(next.saturating_sub(sys::monotonic()))
    }

    /// Kills what has had its time.
    fn end_late(&mut self) {
        if self.running.values().all(|running| running.deadline.is_none()) {
            return;
        }
        let now = sys::monotonic();
        for (pid, running) in &mut self.running {
            if running.deadline.is_some_and(|deadline| deadline <= now) {
                tree::kill(*pid);
                running.deadline = None;
                running.killed = true;
            }
        }
    }

    fn launch(&self, command: &Command, cwd: &Path, fds: Vec<OwnedFd>) -> Result<i32, ConfineError> {
        plain::visible(self.restrictions.plain, self.request, cwd)?;
        if let Some(ask) = self.ask {
            mounts_are_in_place(ask)?;
        }
        let stdio = <[OwnedFd; 3]>::try_from(fds)
            .map_err(|_| ConfineError::refused(Step::Descriptors, "", Reason::InvalidMessage))?;
        command.launch(
            &stdio,
            &self.request.limits,
            self.restrictions,
            Starter::Spawner { patient: self.patient },
        )
    }

    /// A short command has ended by now: one message says that it started and how it ended.
    fn tell_started(&mut self, pid: i32, running: Running) -> Result<(), Over> {
        let id = running.id;
        self.running.insert(pid, running);
        let (own, others): (Vec<_>, Vec<_>) = self.reap().into_iter().partition(|(ended, _)| *ended == id);
        let outcome = own.into_iter().next().map(|(_, outcome)| outcome);
        self.tell(&Event::Spawned(id, pid, outcome))?;
        self.tell_ended(others)
    }

    /// Whoever wakes this process mostly is about to sleep: the caller waits for its answer, a short command ends. Taking their place at once
    /// makes the kernel look for another processor for the command and wake it, which costs more than all that is done here
    /// (docs/performance.md). So it waits for its turn while commands come one by one and are short. A longer one would hold up the answer,
    /// and the starts of others with it, for a time slice (a few ms), and so would whatever else keeps the processors busy; there it takes
    /// its place at once.
    fn be_patient(&mut self, patient: bool) {
        if patient != self.patient && sys::set_patient(patient) {
            self.patient = patient;
        }
    }

    fn kill_all(&mut self) -> Result<(), Over> {
        if !self.restrictions.plain {
            // Every process of the namespace but process 1 and this one.
            let _ = sys::kill(-1, libc::SIGKILL);
            return Ok(());
        }
        // Without a namespace that would be every process of the user: only what descends from here.
        let mut ended = Vec::new();
        let running = &mut self.running;
        let all = sys::end_all(|pid, status| {
            ended.extend(running.remove(&pid).map(|command| (command.id, command.outcome(status))));
        });
        self.tell_ended(ended)?;
        all.map_err(|_| Over)
    }

    /// The commands that have ended, and how. Orphans come here only where there is no process 1 to take them.
    fn reap(&mut self) -> Vec<(u64, ExitOutcome)> {
        let mut ended = Vec::new();
        while self.restrictions.plain || !self.running.is_empty() {
            let Some((pid, status)) = sys::reap() else { break };
            if let Some(command) = self.running.remove(&pid) {
                self.soon = sys::monotonic().saturating_sub(command.sent) < SOON;
                ended.push((command.id, command.outcome(status)));
            }
        }
        ended
    }

    fn tell_ended(&self, ended: Vec<(u64, ExitOutcome)>) -> Result<(), Over> {
        ended.into_iter().try_for_each(|(id, outcome)| self.tell(&Event::Exited(id, outcome)))
    }

    fn tell(&self, event: &Event) -> Result<(), Over> {
        channel::send(self.socket, &event.encode(), &[]).map_err(|_| Over)
    }
}

/// Asks process 1 to look, and waits for its answer.
fn mounts_are_in_place(ask: &OwnedFd) -> Result<(), ConfineError> {
    let failed = |e| ConfineError::new(Step::Mount, "looking at the mounts", e);
    channel::send(ask, &[], &[]).map_err(failed)?;
    match channel::receive(ask).map_err(failed)? {
        Some(_) => Ok(()),
        None => Err(ConfineError::refused(Step::Mount, "", Reason::HelperEnded)),
    }
}
