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

use rustix::process::DumpableBehavior;

use super::super::codec::Wire;
use super::super::ended::ExitOutcome;
use super::super::error::{ConfineError, Reason, Step};
use super::super::message::{Event, Isolation, Order, Request, RunMode};
use super::super::plan::{Network, Requirement};
use super::super::seccomp::Group;
use super::super::status::{Aspect, Enforcement, EnforcementStatus};
use super::command::Command;
use super::poll::{drain, wait_any};
use super::restrictions::Restrictions;
use super::shared::{missing_status, new_keyring};
use super::sys::Starter;
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
    pub isolation: Isolation,
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
        let plain = self.isolation == Isolation::LandlockOnly;
        let (restrictions, mut watch) = if plain {
            plain::enter(&self.request, &mut status)?;
            (Restrictions::build_plain(&self.request, &mut status)?, None)
        } else {
            let watch = self.enter(&mut status)?;
            (Restrictions::build(&self.request, &mut status)?, Some(watch))
        };
        self.limits_status(&mut status)?;
        let deadline = self.request.limits.wall_time.and_then(|limit| Instant::now().checked_add(limit));
        let signals = sys::signal_descriptor(&[libc::SIGCHLD])
            .map_err(|e| ConfineError::new(Step::Helper, "signalfd", e))?;
        // A spawner asks before each command where not every name can be watched.
        let mut questions = None;
        let main = match &self.request.mode {
            RunMode::OneShot(argv) => {
                let command = Command::new(argv, &self.request.environment, &self.request.cwd)?;
                plain::visible(plain, &self.request, &self.request.cwd)?;
                if let Some(watch) = &watch {
                    watch.status(&mut status);
                }
                command.launch(&self.stdio, &self.request.limits, &restrictions, Starter::Privileged)?
            }
            RunMode::Session => {
                let socket = self
                    .session
                    .as_ref()
                    .ok_or_else(|| ConfineError::refused(Step::Session, "", Reason::InvalidMessage))?;
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
                spawner::start(socket, ask.as_ref(), &self.request, restrictions)?
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
        new_keyring(filtered && self.request.seccomp != Requirement::Off, status)?;
        let (view, covers) = mounts::build(&self.request.layout, self.request.limits.private_bytes)?;
        let watch = Watch::new(view, covers);
        let asked = format!("{} places", self.request.layout.nodes.len());
        status.push(Aspect::Files, asked, Enforcement::Prevented, "mount namespace");
        status.push(
            Aspect::UnixSockets,
            "none of the host's outside writable trees",
            Enforcement::PreventedAtStart,
            "masked; abstract ones by the network namespace or Landlock",
        );
        missing_status(&self.request, status);
        if self.request.network == Network::Off {
            sys::loopback_up().map_err(|e| ConfineError::new(Step::Loopback, "lo", e))?;
        }
        network_status(self.request.network, status);
        status.push(Aspect::Environment, "the listed variables", Enforcement::Prevented, "execve");
        status.push(
            Aspect::Privileges,
            "none",
            Enforcement::Prevented,
            "user namespace, no capabilities, no_new_privs",
        );
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(|e| ConfineError::new(Step::Privileges, "PR_SET_DUMPABLE", e))?;
        Ok(watch)
    }

    fn limits_status(&self, status: &mut EnforcementStatus) -> Result<(), ConfineError> {
        let limits = &self.request.limits;
        if let Some(processes) = limits.processes {
            // copy_process() exempts the global root user from RLIMIT_NPROC, in any namespace.
            let given = if self.ids.user == 0 { Enforcement::Absent } else { Enforcement::Prevented };
            status.push(Aspect::Processes, processes.to_string(), given, "RLIMIT_NPROC");
        }
        for (aspect, value, by) in limits.of_each_process() {
            status.push(aspect, value, Enforcement::Prevented, by);
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
    ) -> Result<ExitOutcome, ConfineError> {
        // A command that ends soon does not pay for the watch.
        let mut next_look = Instant::now().checked_add(UNWATCHED);
        loop {
            while let Some((pid, wait_status)) = sys::reap() {
                if pid == main {
                    return Ok(ExitOutcome::from_wait(wait_status));
                }
            }
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(ExitOutcome::TimedOut);
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
                        if self.isolation == Isolation::LandlockOnly {
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

/// The clause of the network.
fn network_status(network: Network, status: &mut EnforcementStatus) {
    match network {
        Network::Off => status.push(
            Aspect::Network,
            "off",
            Enforcement::Prevented,
            "network namespace with loopback only",
        ),
        Network::Full => status.push(Aspect::Network, "full", Enforcement::Prevented, "the host's network"),
    }
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
