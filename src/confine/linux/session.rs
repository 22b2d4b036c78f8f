//! Sessions: one sandbox, many commands.
//!
//! In: a prepared sandbox, then commands with their descriptors. Out: how each ended. Not here: the inside (`spawner.rs`).
//!
//! A session is one trust domain: its commands share files, the network and the process namespace. It ends when this
//! value is dropped, when this process dies or when the helper dies, and with it every command.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Child;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::super::error::{ConfineError, Step};
use super::super::message::{Event, Finding, Life, Order, Outcome};
use super::super::status::EnforcementStatus;
use super::{Sandbox, Standard, channel, nonsense, sys};

/// A sandbox that is built once and runs commands on request.
#[derive(Debug)]
pub struct Session {
    control: OwnedFd,
    helper: Child,
    socket: OwnedFd,
    status: EnforcementStatus,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// Some thread is receiving; the others wait for it to file what it gets.
    receiving: bool,
    started: BTreeMap<u64, Result<i32, ConfineError>>,
    exited: BTreeMap<u64, Outcome>,
    over: bool,
}

/// A command of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCommand {
    id: u64,
    /// Its process number inside the sandbox.
    pub pid: i32,
}

fn over() -> ConfineError {
    ConfineError::refused(Step::Session, "", "the session has ended")
}

impl Session {
    /// Builds the sandbox. When this returns, it is in place as the status says.
    pub fn start(sandbox: &Sandbox) -> Result<Session, ConfineError> {
        let failed = |e| ConfineError::new(Step::Session, "", e);
        let (ours, theirs) = channel::pair().map_err(failed)?;
        let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty())
            .map_err(|e| failed(e.into()))?;
        let mut request = sandbox.request.clone();
        request.life = Life::Session;
        let null = null.as_fd();
        let (control, mut helper) = sandbox.helper.start(&request, &[null, null, null, theirs.as_fd()])?;
        drop(theirs);
        let first = channel::receive(&control).map_err(failed).and_then(|message| {
            let (bytes, _) = message.ok_or_else(over)?;
            match Event::decode(&bytes) {
                Some(Event::Ready(status)) => Ok(status),
                Some(Event::Failed(failure)) => Err(sandbox.explain(failure)),
                _ => Err(nonsense()),
            }
        });
        match first {
            Ok(status) => Ok(Session {
                control,
                helper,
                socket: ours,
                status,
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
            Err(failure) => {
                drop(control);
                let _ = helper.wait();
                Err(failure)
            }
        }
    }

    /// What was asked beside what is in place.
    pub fn status(&self) -> &EnforcementStatus {
        &self.status
    }

    /// Starts a command with this environment and no other, in a directory of the sandbox's view. The descriptors stay the
    /// caller's; the command gets copies.
    pub fn spawn(
        &self,
        argv: &[OsString],
        environment: &[(OsString, OsString)],
        cwd: &Path,
        standard: Standard<'_>,
    ) -> Result<SessionCommand, ConfineError> {
        let id = {
            let mut state = self.lock();
            state.next += 1;
            state.next
        };
        let order = Order::Spawn {
            id,
            sent: sys::monotonic(),
            argv: argv.to_vec(),
            environment: environment.to_vec(),
            cwd: cwd.to_path_buf(),
        };
        channel::send(&self.socket, &order.encode(), &standard).map_err(|_| over())?;
        let pid = self.until(|state| state.started.remove(&id))??;
        Ok(SessionCommand { id, pid })
    }

    /// Waits for a command. Its background processes may go on; they end with the session or with
    /// [`kill_all`](Session::kill_all).
    pub fn wait(&self, command: SessionCommand) -> Result<Outcome, ConfineError> {
        self.until(|state| state.exited.remove(&command.id))
    }

    /// Sends a signal to a command's process group.
    pub fn signal(&self, command: SessionCommand, signal: i32) -> Result<(), ConfineError> {
        self.order(&Order::SignalOne(command.id, signal))
    }

    /// Kills every process of the session but the session's own.
    pub fn kill_all(&self) -> Result<(), ConfineError> {
        self.order(&Order::KillAll)
    }

    /// Ends the session; when this returns, no process of it is alive. Gives what was found at protected names.
    pub fn end(self) -> Result<Vec<Finding>, ConfineError> {
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        loop {
            let message =
                channel::receive(&self.control).map_err(|e| ConfineError::new(Step::Session, "", e))?;
            let (bytes, _) = message.ok_or_else(over)?;
            match Event::decode(&bytes) {
                Some(Event::Ended(_, findings)) => return Ok(findings),
                Some(Event::Failed(failure)) => return Err(failure),
                _ => {}
            }
        }
    }

    fn order(&self, order: &Order) -> Result<(), ConfineError> {
        channel::send(&self.socket, &order.encode(), &[]).map_err(|_| over())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `found` gives something. One thread receives at a time and files what it gets for all.
    fn until<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> Result<T, ConfineError> {
        let mut state = self.lock();
        loop {
            if let Some(value) = found(&mut state) {
                return Ok(value);
            }
            if state.over {
                return Err(over());
            }
            if state.receiving {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.receiving = true;
            drop(state);
            let message = channel::receive(&self.socket);
            state = self.lock();
            state.receiving = false;
            match message.ok().flatten().and_then(|(bytes, _)| Event::decode(&bytes)) {
                Some(Event::Spawned(id, pid, ended)) => {
                    state.started.insert(id, Ok(pid));
                    state.exited.extend(ended.map(|outcome| (id, outcome)));
                }
                Some(Event::NotSpawned(id, failure)) => {
                    state.started.insert(id, Err(failure));
                }
                Some(Event::Exited(id, outcome)) => {
                    state.exited.insert(id, outcome);
                }
                _ => state.over = true,
            }
            self.changed.notify_all();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closing either end ends the sandbox; waiting leaves no zombie.
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        let _ = rustix::net::shutdown(&self.control, rustix::net::Shutdown::Both);
        let _ = self.helper.wait();
    }
}
