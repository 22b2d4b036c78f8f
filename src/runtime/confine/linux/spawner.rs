//! The spawner of a session: starts commands on request.
//!
//! In: orders over the session's socket. Out: running commands and events about them. Not here: building the sandbox.
//!
//! It runs below process 1 without capabilities and behind the filter, which its commands inherit; each command enters a Landlock
//! domain of its own on the way, so it can neither signal nor trace the spawner. Its end is the session's end.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::vec::Vec;

use rustix::process::DumpableBehavior;

use super::super::error::{ConfineError, Step};
use super::super::message::{Event, Order, Outcome, Request};
use super::command::{Command, rlimits};
use super::init::{drain, wait};
use super::walls::Walls;
use super::{channel, plain, sys};

/// Forks the spawner and gives its pid.
///
/// `ask` leads to process 1, which looks whether every mount is in place before it answers.
pub(super) fn start(
    socket: &OwnedFd,
    ask: Option<&OwnedFd>,
    request: &Request,
    walls: Walls,
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
                    _ => Err(ConfineError::refused(Step::Session, "", "the spawner answered nonsense")),
                },
                _ => Err(ConfineError::refused(Step::Session, "", "the spawner ended at once")),
            }
        }
        None => {
            drop(ready);
            match restrict(socket, &tell, ask, &walls) {
                Ok(signals) => {
                    let _ = channel::send(&tell, &[], &[]);
                    drop(tell);
                    serve(socket, ask, &signals, request, &walls)
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
    walls: &Walls,
) -> Result<OwnedFd, ConfineError> {
    let mut keep = Vec::from([socket.as_fd(), tell.as_fd()]);
    keep.extend(ask.map(AsFd::as_fd));
    keep.extend(walls.landlock.iter().map(AsFd::as_fd));
    sys::close_all_but(&keep).map_err(|e| ConfineError::new(Step::Descriptors, "close_range", e))?;
    let signals = sys::signal_descriptor(&[libc::SIGCHLD])
        .map_err(|e| ConfineError::new(Step::Session, "signalfd", e))?;
    if walls.plain {
        sys::adopt_orphans().map_err(|e| ConfineError::new(Step::Session, "PR_SET_CHILD_SUBREAPER", e))?;
    }
    sys::drop_own_privileges().map_err(|e| ConfineError::new(Step::Privileges, "", e))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| ConfineError::new(Step::Privileges, "PR_SET_DUMPABLE", e))?;
    if let Some(filter) = &walls.filter {
        sys::install_own_filter(filter).map_err(|e| ConfineError::new(Step::Seccomp, "", e))?;
    }
    Ok(signals)
}

fn serve(socket: &OwnedFd, ask: Option<&OwnedFd>, signals: &OwnedFd, request: &Request, walls: &Walls) {
    let limits = rlimits(&request.limits);
    let mut running: BTreeMap<i32, u64> = BTreeMap::new();
    let tell = |event: &Event| channel::send(socket, &event.encode(), &[]).is_ok();
    loop {
        let Ok((orders, ended)) = wait(socket.as_fd(), signals.as_fd(), None) else { return };
        if ended {
            drain(signals);
        }
        if !told_ended(&mut running, walls.plain, tell) {
            return;
        }
        if !orders {
            continue;
        }
        // The caller is gone, or sends what cannot be read: the session ends.
        let Ok(Some((bytes, fds))) = channel::receive(socket) else { return };
        match Order::decode(&bytes) {
            Some(Order::Spawn { id, argv, environment, cwd }) => {
                let started = Command::new(&argv, &environment, &cwd).and_then(|command| {
                    plain::visible(walls.plain, request, &cwd)?;
                    if let Some(ask) = ask {
                        mounts_are_in_place(ask)?;
                    }
                    let stdio = <[OwnedFd; 3]>::try_from(fds).map_err(|_| {
                        ConfineError::refused(Step::Descriptors, "", "a command takes three descriptors")
                    })?;
                    command.launch(&stdio, &limits, walls, false)
                });
                let event = match started {
                    Ok(pid) => {
                        running.insert(pid, id);
                        Event::Spawned(id, pid)
                    }
                    Err(failure) => Event::NotSpawned(id, failure),
                };
                // A short command has ended before a poll could say so.
                if !tell(&event) || !told_ended(&mut running, walls.plain, tell) {
                    return;
                }
            }
            Some(Order::SignalOne(id, signal)) => {
                if let Some((pid, _)) = running.iter().find(|(_, running)| **running == id) {
                    let _ = sys::kill(-*pid, signal);
                }
            }
            // Every process of the namespace but process 1 and this one.
            Some(Order::KillAll) if !walls.plain => {
                let _ = sys::kill(-1, libc::SIGKILL);
            }
            // Without a namespace that would be every process of the user: only what descends from here.
            Some(Order::KillAll) => {
                let mut told = true;
                let ended = sys::end_all(|pid, status| {
                    if let Some(id) = running.remove(&pid) {
                        told &= tell(&Event::Exited(id, Outcome::from_wait(status)));
                    }
                });
                if ended.is_err() || !told {
                    return;
                }
            }
            Some(Order::Signal(_)) | None => return,
        }
    }
}

/// Reaps and tells; false when there is nobody to tell. Orphans come here only where there is no process 1 to take them.
fn told_ended(running: &mut BTreeMap<i32, u64>, orphans: bool, tell: impl Fn(&Event) -> bool) -> bool {
    while orphans || !running.is_empty() {
        let Some((pid, status)) = sys::reap() else { break };
        if let Some(id) = running.remove(&pid)
            && !tell(&Event::Exited(id, Outcome::from_wait(status)))
        {
            return false;
        }
    }
    true
}

/// Asks process 1 to look, and waits for its answer.
fn mounts_are_in_place(ask: &OwnedFd) -> Result<(), ConfineError> {
    let failed = |e| ConfineError::new(Step::Mount, "looking at the mounts", e);
    channel::send(ask, &[], &[]).map_err(failed)?;
    match channel::receive(ask).map_err(failed)? {
        Some(_) => Ok(()),
        None => Err(ConfineError::refused(Step::Mount, "", "process 1 does not answer")),
    }
}
