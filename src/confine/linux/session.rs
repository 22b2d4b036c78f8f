//! Sessions: one sandbox, many commands.
//!
//! In: a prepared sandbox, then commands with their descriptors. Out: how each ended. Not here: the inside (`spawner.rs`).
//!
//! A session is one trust domain: its commands share files, the network and the process namespace. It ends when this
//! value is dropped, when this process dies or when the helper dies, and with it every command.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::super::codec::Wire;
use super::super::command::Command;
use super::super::ended::{ExitOutcome, Finding};
use super::super::error::{ConfineError, Reason, Step};
use super::super::message::{Event, Order, RunMode, Spawn};
use super::super::status::EnforcementStatus;
use super::capture::Capture;
use super::{Ended, Output, Sandbox, Standard, channel, nonsense, readable, sys};

/// A sandbox that is built once and runs commands on request.
#[derive(Debug)]
pub struct Session {
    control: OwnedFd,
    helper: Child,
    status: EnforcementStatus,
    sandbox: Sandbox,
    spawner: Arc<Spawner>,
}

/// The connection to the spawner, which the session and its commands share.
#[derive(Debug)]
struct Spawner {
    socket: OwnedFd,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// Some thread is receiving; the others wait for it to file what it gets.
    receiving: bool,
    started: BTreeMap<u64, Result<i32, ConfineError>>,
    exited: BTreeMap<u64, ExitOutcome>,
    /// Nobody will ask how these ended.
    dropped: BTreeSet<u64>,
    over: bool,
}

/// A running command of a session. Dropping it does not end the command.
#[derive(Debug)]
pub struct SessionChild {
    spawner: Arc<Spawner>,
    id: u64,
    pid: i32,
    outcome: Option<ExitOutcome>,
    capture: Option<Capture>,
}

fn over() -> ConfineError {
    ConfineError::refused(Step::Session, "", Reason::SessionEnded)
}

impl Session {
    /// Builds the sandbox. When this returns, it is in place as the status says.
    pub fn start(sandbox: &Sandbox) -> Result<Session, ConfineError> {
        let failed = |e| ConfineError::new(Step::Session, "", e);
        let (ours, theirs) = channel::pair().map_err(failed)?;
        let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty())
            .map_err(|e| failed(e.into()))?;
        let mut request = sandbox.request.clone();
        request.mode = RunMode::Session;
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
                status,
                sandbox: sandbox.clone(),
                spawner: Arc::new(Spawner { socket: ours, state: Mutex::default(), changed: Condvar::new() }),
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

    /// Starts a command. The descriptors stay the caller's; the command gets copies.
    ///
    /// ```no_run
    /// use std::thread::sleep;
    /// use std::time::Duration;
    /// use execpolicy_confine::{Command, ConfineError, ExitOutcome, Session, inherited};
    ///
    /// fn build(session: &Session) -> Result<ExitOutcome, ConfineError> {
    ///     let mut child = session.spawn(&Command::new(["make"]), inherited())?;
    ///     loop {
    ///         if let Some(outcome) = child.try_wait()? {
    ///             return Ok(outcome);
    ///         }
    ///         sleep(Duration::from_millis(100)); // or something useful
    ///     }
    /// }
    /// ```
    pub fn spawn(&self, command: &Command, standard: Standard<'_>) -> Result<SessionChild, ConfineError> {
        let request = &self.sandbox.request;
        let environment = command.environment(&request.environment, &self.sandbox.variables)?;
        let id = {
            let mut state = self.spawner.lock();
            state.next += 1;
            state.next
        };
        let order = Order::Spawn(Spawn {
            id,
            sent: sys::monotonic(),
            argv: command.argv().to_vec(),
            environment,
            cwd: command.directory(&request.cwd),
            limit: command.longest(),
        });
        channel::send(&self.spawner.socket, &order.encode(), &standard).map_err(|_| over())?;
        let pid = self.spawner.until(|state| state.started.remove(&id))??;
        Ok(SessionChild { spawner: Arc::clone(&self.spawner), id, pid, outcome: None, capture: None })
    }

    /// As [`spawn`](Session::spawn), without input, and with the output read into memory:
    /// [`SessionChild::wait_with_output`] has it.
    pub fn spawn_captured(&self, command: &Command) -> Result<SessionChild, ConfineError> {
        let (capture, [input, output, error]) = Capture::start(command.kept())?;
        let mut child = self.spawn(command, [input.as_fd(), output.as_fd(), error.as_fd()])?;
        child.capture = Some(capture);
        Ok(child)
    }

    /// Runs a command to its end, without input, and captures its output. What the command leaves in the background may go on,
    /// and its later output is lost.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use execpolicy_confine::{Command, ConfineError, ExitOutcome, Session};
    ///
    /// fn test(session: &Session) -> Result<String, ConfineError> {
    ///     let command = Command::new(["cargo", "test"]).time_limit(Duration::from_secs(300));
    ///     let output = session.output(&command)?;
    ///     Ok(match output.outcome {
    ///         ExitOutcome::Code(0) => output.stdout.text(),
    ///         ExitOutcome::TimedOut => "took more than five minutes".into(),
    ///         _ => output.stderr.text(),
    ///     })
    /// }
    /// ```
    pub fn output(&self, command: &Command) -> Result<Output, ConfineError> {
        self.spawn_captured(command)?.wait_with_output()
    }

    /// Kills every process of the session but the session's own.
    pub fn kill_all(&self) -> Result<(), ConfineError> {
        self.spawner.order(&Order::KillAll)
    }

    /// Ends the session; when this returns, no process of it is alive. Gives what was found at protected names.
    pub fn end(self) -> Result<Vec<Finding>, ConfineError> {
        let _ = rustix::net::shutdown(&self.spawner.socket, rustix::net::Shutdown::Both);
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
}

impl SessionChild {
    /// Its process number inside the sandbox.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Waits for the command. Its background processes may go on; they end with the session or with
    /// [`kill_all`](Session::kill_all).
    pub fn wait(&mut self) -> Result<ExitOutcome, ConfineError> {
        if let Some(outcome) = self.outcome {
            return Ok(outcome);
        }
        let outcome = self.spawner.until(|state| state.exited.remove(&self.id))?;
        self.outcome = Some(outcome);
        Ok(outcome)
    }

    /// How the command ended, if it has, at once.
    pub fn try_wait(&mut self) -> Result<Option<ExitOutcome>, ConfineError> {
        if self.outcome.is_none() {
            self.outcome = self.spawner.now(|state| state.exited.remove(&self.id))?;
        }
        Ok(self.outcome)
    }

    /// Waits for a command that was started by [`Session::spawn_captured`], and gives its output.
    pub fn wait_with_output(mut self) -> Result<Output, ConfineError> {
        let outcome = self.wait()?;
        Output::new(Ended { outcome, findings: Vec::new() }, self.capture.take())
    }

    /// Sends a signal to the command's process group.
    pub fn signal(&self, signal: i32) -> Result<(), ConfineError> {
        self.spawner.order(&Order::SignalOne(self.id, signal))
    }

    /// Kills the command, its process group and all its descendants.
    pub fn kill(&self) -> Result<(), ConfineError> {
        self.spawner.order(&Order::KillOne(self.id))
    }
}

impl Drop for SessionChild {
    fn drop(&mut self) {
        if self.outcome.is_none() {
            let mut state = self.spawner.lock();
            if state.exited.remove(&self.id).is_none() {
                state.dropped.insert(self.id);
            }
        }
    }
}

impl Spawner {
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
            state = if state.receiving {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.receive(state)
            };
        }
    }

    /// What `found` gives of all that has come so far. If another thread is receiving, it files what comes.
    fn now<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> Result<Option<T>, ConfineError> {
        let mut state = self.lock();
        loop {
            if let Some(value) = found(&mut state) {
                return Ok(Some(value));
            }
            if state.over {
                return Err(over());
            }
            if state.receiving || !readable(&self.socket)? {
                return Ok(None);
            }
            state = self.receive(state);
        }
    }

    /// Receives one message, without holding the lock meanwhile, and files it.
    fn receive<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.receiving = true;
        drop(state);
        let message = channel::receive(&self.socket);
        let mut state = self.lock();
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
                if !state.dropped.remove(&id) {
                    state.exited.insert(id, outcome);
                }
            }
            _ => state.over = true,
        }
        self.changed.notify_all();
        state
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closing either end ends the sandbox; waiting leaves no zombie.
        let _ = rustix::net::shutdown(&self.spawner.socket, rustix::net::Shutdown::Both);
        let _ = rustix::net::shutdown(&self.control, rustix::net::Shutdown::Both);
        let _ = self.helper.wait();
    }
}
