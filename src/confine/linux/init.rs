//! Process 1 of a sandbox: builds it, starts the command and outlives it.
//!
//! In: a request, in a process just cloned into new namespaces. Out: events to the helper; never returns. Not here: anything
//! outside the namespaces (`helper.rs`).
//!
//! It was exec'd (as the helper) with an empty environment and nothing but the request in memory, is not dumpable, keeps its
//! capabilities in the user namespace and stands outside the command's Landlock domain. When it ends, the kernel
//! kills every process of the sandbox.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::string::ToString;
use std::time::{Duration, Instant};
use std::vec::Vec;
use std::{format, fs};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::DumpableBehavior;

use super::super::error::{ConfineError, Step};
use super::super::message::{Event, Footing, Life, Order, Outcome, Request};
use super::super::plan::{Network, Promise, Wall};
use super::super::seccomp::Group;
use super::super::status::{EnforcementStatus, Given};
use super::command::Command;
use super::sys::Starter;
use super::walls::{Walls, network_status};
use super::watch::Watch;
use super::{channel, mounts, plain, spawner, sys};

/// The ids outside, read before the clone: inside they are unmapped at first.
#[derive(Clone, Copy)]
pub(super) struct Ids {
    pub user: u32,
    pub group: u32,
}

/// What process 1 holds on to.
pub(super) struct Init {
    pub request: Request,
    /// With namespaces or without; never `Either`.
    pub footing: Footing,
    pub ids: Ids,
    pub helper: OwnedFd,
    pub stdio: [OwnedFd; 3],
    pub session: Option<OwnedFd>,
}

/// How long a command runs before its protected names are watched; then they are looked at once, so nothing is missed for longer.
const UNWATCHED: Duration = Duration::from_millis(20);
/// How often the names are looked at where not all of them can be watched.
const LOOK_EACH: Duration = Duration::from_secs(1);

impl Init {
    /// Runs the sandbox to its end.
    pub(super) fn run(self) -> ! {
        if let Err(failure) = self.build_and_serve() {
            // If the helper is gone as well there is nobody to tell; nothing has been run.
            let _ = channel::send(&self.helper, &Event::Failed(failure).encode(), &[]);
        }
        sys::exit(125)
    }

    fn build_and_serve(&self) -> Result<(), ConfineError> {
        let mut status = EnforcementStatus::default();
        let plain = self.footing == Footing::Plain;
        let (walls, mut watch) = if plain {
            plain::enter(&self.request, &mut status)?;
            (Walls::build_plain(&self.request, &mut status)?, None)
        } else {
            let watch = self.enter(&mut status)?;
            (Walls::build(&self.request, &mut status)?, Some(watch))
        };
        self.limits_status(&mut status)?;
        let deadline = self.request.limits.wall_time.and_then(|limit| Instant::now().checked_add(limit));
        let signals = sys::signal_descriptor(&[libc::SIGCHLD])
            .map_err(|e| ConfineError::new(Step::Helper, "signalfd", e))?;
        // A spawner asks before each command where not every name can be watched.
        let mut questions = None;
        let main = match &self.request.life {
            Life::OneShot(argv) => {
                let command = Command::new(argv, &self.request.environment, &self.request.cwd)?;
                plain::visible(plain, &self.request, &self.request.cwd)?;
                if let Some(watch) = &watch {
                    watch.status(&mut status);
                }
                command.launch(&self.stdio, &self.request.limits, &walls, Starter::Privileged)?
            }
            Life::Session => {
                let socket = self
                    .session
                    .as_ref()
                    .ok_or_else(|| ConfineError::refused(Step::Session, "", "no session socket"))?;
                let mut ask = None;
                if let Some(watch) = &mut watch {
                    // At once: the spawner has to know.
                    watch.arm()?;
                    if !watch.complete() {
                        let (ours, theirs) =
                            channel::pair().map_err(|e| ConfineError::new(Step::Session, "socketpair", e))?;
                        (questions, ask) = (Some(ours), Some(theirs));
                    }
                    watch.status(&mut status);
                }
                spawner::start(socket, ask.as_ref(), &self.request, walls)?
            }
        };
        self.tell(&Event::Ready(status))?;
        let outcome = self.watch(main, &signals, deadline, watch.as_mut(), questions.as_ref())?;
        let findings = watch.map(|watch| watch.findings()).unwrap_or_default();
        self.tell(&Event::Ended(outcome, findings))?;
        sys::exit(0)
    }

    fn tell(&self, event: &Event) -> Result<(), ConfineError> {
        channel::send(&self.helper, &event.encode(), &[]).map_err(|e| ConfineError::new(Step::Helper, "", e))
    }

    /// Identity, keyring, files, network.
    fn enter(&self, status: &mut EnforcementStatus) -> Result<Watch, ConfineError> {
        let ids = self.ids;
        for (file, text) in [
            ("setgroups", "deny".to_string()),
            ("uid_map", format!("{0} {0} 1", ids.user)),
            ("gid_map", format!("{0} {0} 1", ids.group)),
        ] {
            let path = Path::new("/proc/self").join(file);
            fs::write(&path, text)
                .map_err(|e| ConfineError::new(Step::IdMap, path.display().to_string(), e))?;
        }
        // After the maps: a change of credentials clears it. If the helper died before, its end of the socket is closed,
        // which the watch sees.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
            .map_err(|e| ConfineError::new(Step::Helper, "PR_SET_PDEATHSIG", e))?;
        let filtered = Group::Keyring.words().iter().all(|word| self.request.syscalls.contains(*word));
        new_keyring(filtered && self.request.seccomp != Wall::Off, status)?;
        let (view, covers) = mounts::build(&self.request.layout, self.request.limits.private_bytes)?;
        let watch = Watch::new(view, covers);
        let asked = format!("{} places", self.request.layout.nodes.len());
        status.push("files", asked, Given::Prevented, "mount namespace");
        status.push(
            "unix-sockets",
            "none of the host's outside writable trees",
            Given::PreventedAtStart,
            "masked; abstract ones by the network namespace or Landlock",
        );
        missing_status(&self.request, status);
        if self.request.network == Network::Off {
            sys::loopback_up().map_err(|e| ConfineError::new(Step::Loopback, "lo", e))?;
        }
        network_status(self.request.network, status);
        status.push("environment", "the listed variables", Given::Prevented, "execve");
        status.push("privileges", "none", Given::Prevented, "user namespace, no capabilities, no_new_privs");
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(|e| ConfineError::new(Step::Privileges, "PR_SET_DUMPABLE", e))?;
        Ok(watch)
    }

    fn limits_status(&self, status: &mut EnforcementStatus) -> Result<(), ConfineError> {
        let limits = &self.request.limits;
        if let Some(processes) = limits.processes {
            // copy_process() exempts the global root user from RLIMIT_NPROC, in any namespace.
            let given = if self.ids.user == 0 { Given::Absent } else { Given::Prevented };
            status.push("limit processes", processes.to_string(), given, "RLIMIT_NPROC");
        }
        for (clause, value, by) in limits.of_each_process() {
            status.push(clause, value, Given::Prevented, by);
        }
        Ok(())
    }

    /// Reaps, forwards signals, keeps the time; ends with the command's outcome.
    fn watch(
        &self,
        main: i32,
        signals: &OwnedFd,
        deadline: Option<Instant>,
        mut watch: Option<&mut Watch>,
        questions: Option<&OwnedFd>,
    ) -> Result<Outcome, ConfineError> {
        // A command that ends soon does not pay for the watch.
        let mut next_look = Instant::now().checked_add(UNWATCHED);
        loop {
            while let Some((pid, wait_status)) = sys::reap() {
                if pid == main {
                    return Ok(Outcome::from_wait(wait_status));
                }
            }
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(Outcome::TimedOut);
            }
            if let Some(watch) = &mut watch
                && next_look.is_some_and(|time| time <= Instant::now())
            {
                watch.arm()?;
                next_look = if watch.complete() { None } else { Instant::now().checked_add(LOOK_EACH) };
            }
            let look = next_look.filter(|_| watch.is_some());
            let look = look.map(|time| time.saturating_duration_since(Instant::now()));
            let left = left.into_iter().chain(look).min();
            let names = watch.as_deref().and_then(Watch::descriptor);
            let polled =
                [Some(self.helper.as_fd()), Some(signals.as_fd()), names, questions.map(AsFd::as_fd)];
            let [helper, child, names, question] =
                wait_any(polled, left).map_err(|e| ConfineError::new(Step::Helper, "poll", e))?;
            if child {
                drain(signals);
            }
            if let Some(watch) = &mut watch {
                if names {
                    watch.notice()?;
                }
                if question && let Some(questions) = questions {
                    let answer = |e| ConfineError::new(Step::Session, "question", e);
                    if channel::receive(questions).map_err(answer)?.is_some() {
                        watch.look()?;
                        channel::send(questions, &[], &[]).map_err(answer)?;
                    }
                }
            }
            if helper {
                match channel::receive(&self.helper) {
                    Ok(Some((bytes, _))) => {
                        if let Some(Order::Signal(signal)) = Order::decode(&bytes) {
                            // The command leads its own process group; it may have ended just now.
                            let _ = sys::kill(-main, signal);
                        }
                    }
                    // The helper is gone: so is the sandbox.
                    Ok(None) | Err(_) => {
                        if self.footing == Footing::Plain {
                            // No namespace ends with this process, so it ends what is left first.
                            let _ = sys::end_descendants();
                        }
                        sys::exit(125)
                    }
                }
            }
        }
    }
}

/// Puts the process into a new session keyring.
///
/// `denied`: the command's filter will deny every call that reaches keys.
pub(super) fn new_keyring(denied: bool, status: &mut EnforcementStatus) -> Result<(), ConfineError> {
    let by = match sys::join_session_keyring() {
        Ok(()) => "a new session keyring",
        Err(e) if e.raw_os_error() == Some(libc::ENOSYS) => "the kernel has no keys",
        // A container's filter denies this: then the caller's keyring stays, and what is denied to the command is every call that
        // reaches it.
        Err(e) if e.raw_os_error() == Some(libc::EPERM) && denied => "seccomp: no call that reaches keys",
        Err(e) => return Err(ConfineError::new(Step::Keyring, "", e)),
    };
    status.push("keyring", "none of the caller's", Given::Prevented, by);
    Ok(())
}

/// The clauses of protected names that do not exist.
pub(super) fn missing_status(request: &Request, status: &mut EnforcementStatus) {
    for missing in &request.missing {
        let path = missing.path.display().to_string();
        match missing.promise {
            Promise::Prevent => status.push("missing", path, Given::Prevented, "a read-only placeholder"),
            Promise::Detect => status.push("missing", path, Given::Detected, "looked for at the end"),
        }
    }
    let late = &request.late;
    if !late.is_empty() {
        let asked = format!("{} names, {} wildcards", late.protected.len(), late.reported.len());
        status.push("late-names", asked, Given::Detected, "looked for at the end");
    }
}

/// Empties a signal descriptor; which children ended is asked of the kernel, since signals merge.
pub(super) fn drain(signals: &OwnedFd) {
    // One record: only SIGCHLD is read here, and a signal that is pending twice is pending once.
    let _ = rustix::io::read(signals, &mut [0_u8; 128]);
}

/// Waits until one of two descriptors has something (or is closed), or the time is over.
pub(super) fn wait(
    a: BorrowedFd<'_>,
    b: BorrowedFd<'_>,
    time: Option<Duration>,
) -> Result<(bool, bool), rustix::io::Errno> {
    wait_any([Some(a), Some(b)], time).map(|[a, b]| (a, b))
}

/// The same for several, of which some may be absent.
pub(super) fn wait_any<const N: usize>(
    fds: [Option<BorrowedFd<'_>>; N],
    time: Option<Duration>,
) -> Result<[bool; N], rustix::io::Errno> {
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().flatten().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    let time = time.map(|t| Timespec { tv_sec: t.as_secs() as i64, tv_nsec: i64::from(t.subsec_nanos()) });
    match poll(&mut polled, time.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(e) => return Err(e),
    }
    let mut results = polled.iter().map(|p| !p.revents().is_empty());
    Ok(fds.map(|fd| fd.is_some() && results.next().unwrap_or(false)))
}

impl Init {
    /// Every descriptor that process 1 needs.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let mut all = Vec::from([self.helper.as_fd()]);
        all.extend(self.stdio.iter().map(AsFd::as_fd));
        all.extend(self.session.iter().map(AsFd::as_fd));
        all
    }
}
