//! Enforcement on Linux: starting, watching and ending sandboxes.
//!
//! In: a prepared sandbox, a command, descriptors. Out: a running, confined command. Not here: what the plan means
//! (`plan.rs`, `layout.rs`).

mod capture;
mod channel;
mod command;
mod filter;
mod helper;
mod init;
mod landlock;
mod late;
mod mounts;
mod paths;
mod placeholder;
mod plain;
mod poll;
mod quarantine;
mod restrictions;
mod session;
mod shared;
mod spawner;
mod sys;
mod tree;
mod watch;

use std::collections::BTreeSet;
use std::format;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::string::{String, ToString};
use std::time::Duration;
use std::vec::Vec;

use super::codec::Wire;
use super::command::{Captured, Command};
use super::ended::{ExitOutcome, Finding};
use super::error::{ConfineError, Reason, Step};
use super::layout::{Layout, NodeKind};
use super::message::{Event, Isolation, Order, Request, RunMode};
use super::obstacle::{LEAST_ABI, Obstacle};
use super::plain::obstacles;
use super::plan::{Access, Gap, MissingKind, Network, Plan, Promise, Requirement, VariableRule};
use super::status::EnforcementStatus;

use capture::Capture;
pub use helper::init;
pub(super) use placeholder::is_empty_placeholder;
pub use placeholder::is_placeholder;
pub use session::{Session, SessionChild};
pub use sys::duplicate;

/// The program that becomes the helper. It is never looked up on PATH.
#[derive(Clone, Debug)]
pub struct Helper {
    program: PathBuf,
}

impl Helper {
    /// This program itself, started again. Its `main` must have called [`init`] first; otherwise this is an error, since
    /// the program would run again instead of confining.
    pub fn current() -> Result<Helper, ConfineError> {
        if !helper::is_initialised() {
            return Err(ConfineError::refused(Step::Helper, "", Reason::NotInitialized));
        }
        Ok(Helper { program: PathBuf::from("/proc/self/exe") })
    }

    /// Another program whose `main` calls [`init`] first, from the same version of this package.
    pub fn at(path: &Path) -> Result<Helper, ConfineError> {
        if !path.is_absolute() {
            return Err(ConfineError::refused(Step::Helper, path.display().to_string(), Reason::NotAbsolute));
        }
        Ok(Helper { program: path.to_path_buf() })
    }

    /// Starts it and hands it the request.
    fn start(&self, request: &Request, fds: &[BorrowedFd<'_>]) -> Result<(OwnedFd, Child), ConfineError> {
        let failed = |e: io::Error| ConfineError::new(Step::Helper, self.program.display().to_string(), e);
        let (ours, theirs) = channel::pair().map_err(failed)?;
        let child = std::process::Command::new(&self.program)
            .arg0(helper::MARKER)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut started = Started { child: Some(child) };
        channel::send(&ours, &request.encode(), fds).map_err(failed)?;
        let child = started.child.take().ok_or_else(|| failed(io::Error::other("no child")))?;
        Ok((ours, child))
    }
}

/// Waits for a helper that could not be told what to do: its socket is closed, so it ends.
struct Started {
    child: Option<Child>,
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A plan that has been checked and resolved against this host, ready to be started any number of times.
#[derive(Clone, Debug)]
pub struct Sandbox {
    request: Request,
    helper: Helper,
    obstacles: Vec<Obstacle>,
    accepted: BTreeSet<Gap>,
    variables: Vec<VariableRule>,
}

/// Descriptors that become a command's standard input, output and error.
pub type Standard<'a> = [BorrowedFd<'a>; 3];

/// This program's own standard input, output and error.
pub fn inherited() -> Standard<'static> {
    [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()]
}

impl Sandbox {
    /// Resolves the plan's paths, once, and refuses what cannot be enforced exactly.
    pub fn prepare(plan: &Plan, helper: Helper) -> Result<Sandbox, ConfineError> {
        if plan.limits.processes.is_some()
            && rustix::process::geteuid().is_root()
            && !plan.accept.contains(&Gap::ProcessLimitOfRoot)
        {
            return Err(ConfineError::refused(Step::Limits, "processes", Reason::RootProcesses));
        }
        if plan.network == Network::Full
            && plan.landlock != Requirement::Off
            && sys::landlock_abi() < LEAST_ABI
        {
            return Err(ConfineError::refused(Step::Landlock, "network full", Reason::AbstractSockets));
        }
        for missing in &plan.missing {
            if !missing.path.is_absolute() || mounts::has_nul(&missing.path) {
                return Err(ConfineError::refused(
                    Step::Plan,
                    missing.path.display().to_string(),
                    Reason::NotAbsolute,
                ));
            }
        }
        let layout = Layout::of(plan)?;
        for missing in plan.missing.iter().filter(|missing| missing.promise == Promise::Prevent) {
            // Deeper down, a parent could be renamed and the name made anew.
            let parent = missing.path.parent().unwrap_or(Path::new("/"));
            let at_root = layout.nodes.iter().any(|node| node.path == parent && node.kind == NodeKind::Write);
            if !at_root || missing.kind == MissingKind::GitDirectory {
                return Err(ConfineError::refused(
                    Step::Plan,
                    missing.path.display().to_string(),
                    Reason::NotPreventable,
                ));
            }
        }
        let obstacles = obstacles(plan, &layout, sys::landlock_abi());
        let mut sandbox = Sandbox {
            request: Request::new(plan, layout),
            helper,
            obstacles,
            accepted: plan.accept.clone(),
            variables: plan.variables.clone(),
        };
        // An acceptance that nothing needs opens nothing.
        let needed = |gap| sandbox.obstacles.iter().any(|obstacle| obstacle.gap() == Some(gap));
        sandbox.request.attributes_open &= needed(Gap::Attributes);
        if sandbox.unmet().next().is_none() {
            sandbox.request.isolation = Isolation::Either;
        }
        Ok(sandbox)
    }

    /// What stands against keeping this plan by Landlock and seccomp alone, accepted gaps included. Where every obstacle is an
    /// accepted gap, a host without user namespaces runs it so, and the status says it; otherwise such a host refuses.
    pub fn obstacles(&self) -> &[Obstacle] {
        &self.obstacles
    }

    fn unmet(&self) -> impl Iterator<Item = &Obstacle> {
        self.obstacles
            .iter()
            .filter(|obstacle| obstacle.gap().is_none_or(|gap| !self.accepted.contains(&gap)))
    }

    /// The same sandbox by Landlock and seccomp alone, also where namespaces are permitted.
    pub fn without_namespaces(mut self) -> Result<Sandbox, ConfineError> {
        let unmet: Vec<Obstacle> = self.unmet().cloned().collect();
        if unmet.is_empty() {
            self.request.isolation = Isolation::LandlockOnly;
            return Ok(self);
        }
        let detail = "a sandbox without namespaces";
        Err(ConfineError::refused(Step::Plan, detail, Reason::NeedsNamespaces(unmet)))
    }

    /// A refusal of the host's, with what the plan would have to give up to do without.
    fn explain(&self, mut failure: ConfineError) -> ConfineError {
        if failure.lacks_namespaces() && self.request.isolation == Isolation::Namespaces {
            const TOLD: usize = 6;
            let unmet: Vec<String> = self.unmet().map(ToString::to_string).collect();
            let more = match unmet.len().saturating_sub(TOLD) {
                0 => String::new(),
                more => format!(", and {more} more reasons"),
            };
            failure.detail = format!(
                "{}; Landlock and seccomp alone cannot keep this plan: {}{more}",
                failure.detail,
                unmet.get(..TOLD).unwrap_or(&unmet).join(", ")
            );
        }
        failure
    }

    /// The view: each place where it changes, and what is there (`read`, `write`, `private`, `mask`, `skeleton`: a denied
    /// directory that shows what is granted below it).
    pub fn places(&self) -> impl Iterator<Item = (&Path, &'static str)> {
        self.request.layout.nodes.iter().map(|node| (node.path.as_path(), node.kind.word()))
    }

    /// Runs one command in a sandbox of its own. When this returns, the command has been exec'd behind everything that the
    /// status says.
    pub fn run(&self, command: &Command, standard: Standard<'_>) -> Result<Running, ConfineError> {
        let mut request = self.request.clone();
        request.mode = RunMode::OneShot(command.argv().to_vec());
        request.environment = command.environment(&request.environment, &self.variables)?;
        request.cwd = command.directory(&request.cwd);
        let limits = [request.limits.wall_time, command.longest()];
        request.limits.wall_time = limits.into_iter().flatten().min();
        let (control, child) = self.helper.start(&request, &standard)?;
        let status = EnforcementStatus::default();
        let mut running = Running { control, helper: child, status, capture: None, ended: None };
        match running.next()? {
            Event::Ready(status) => {
                running.status = status;
                Ok(running)
            }
            Event::Failed(failure) => Err(self.explain(failure)),
            _ => Err(nonsense()),
        }
    }

    /// As [`run`](Sandbox::run), without input, and with the output read into memory: [`Running::wait_with_output`] has it.
    pub fn run_captured(&self, command: &Command) -> Result<Running, ConfineError> {
        let (capture, [input, output, error]) = Capture::start(command.kept())?;
        let mut running = self.run(command, [input.as_fd(), output.as_fd(), error.as_fd()])?;
        running.capture = Some(capture);
        Ok(running)
    }

    /// Runs one command to its end, without input, and captures its output.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use execpolicy_confine::{Command, ConfineError, ExitOutcome, Sandbox};
    ///
    /// fn version(sandbox: &Sandbox) -> Result<Option<String>, ConfineError> {
    ///     let command = Command::new(["git", "--version"]).time_limit(Duration::from_secs(5));
    ///     let output = sandbox.output(&command)?;
    ///     Ok((output.outcome == ExitOutcome::Code(0)).then(|| output.stdout.text()))
    /// }
    /// ```
    pub fn output(&self, command: &Command) -> Result<Output, ConfineError> {
        self.run_captured(command)?.wait_with_output()
    }
}

/// Finds out what this host can enforce by doing it: a whole sandbox is built once (everything readable, private /tmp, no
/// network, both walls, a spawner) and ended. The answer is the status, or the step that failed.
pub fn detect(helper: &Helper) -> Result<EnforcementStatus, ConfineError> {
    let mut plan = Plan::nothing(PathBuf::from("/")).allow("/", Access::Read);
    plan.private.push(PathBuf::from("/tmp"));
    let session = Session::start(&Sandbox::prepare(&plan, helper.clone())?)?;
    let status = session.status().clone();
    session.end()?;
    Ok(status)
}

/// The same for a sandbox without namespaces: built once for a plan that lets everything be read and nothing be written.
pub fn detect_without_namespaces(helper: &Helper) -> Result<EnforcementStatus, ConfineError> {
    let mut plan = Plan::nothing(PathBuf::from("/")).allow("/", Access::Read);
    plan.accept = Gap::ALL.into();
    let sandbox = Sandbox::prepare(&plan, helper.clone())?.without_namespaces()?;
    let session = Session::start(&sandbox)?;
    let status = session.status().clone();
    session.end()?;
    Ok(status)
}

/// Whether a message has come, or the other end is closed.
fn readable(socket: &OwnedFd) -> Result<bool, ConfineError> {
    let [found] = poll::wait_any([Some(socket.as_fd())], Some(Duration::ZERO))
        .map_err(|e| ConfineError::new(Step::Session, "poll", e))?;
    Ok(found)
}

fn nonsense() -> ConfineError {
    ConfineError::refused(Step::Helper, "", Reason::InvalidMessage)
}

/// A confined command. Dropping it ends the command and everything it started.
#[derive(Debug)]
pub struct Running {
    control: OwnedFd,
    helper: Child,
    status: EnforcementStatus,
    capture: Option<Capture>,
    ended: Option<Ended>,
}

/// The end of a command, with what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub outcome: ExitOutcome,
    /// Its standard output.
    pub stdout: Captured,
    /// Its standard error.
    pub stderr: Captured,
    /// What it left at protected names. A session looks for that at its own end ([`Session::end`]), so here it has none.
    pub findings: Vec<Finding>,
}

impl Output {
    /// With the streams of a capture, which are empty if there was none.
    fn new(ended: Ended, capture: Option<Capture>) -> Result<Output, ConfineError> {
        let [stdout, stderr] = capture.map(Capture::finish).transpose()?.unwrap_or_default();
        Ok(Output { outcome: ended.outcome, stdout, stderr, findings: ended.findings })
    }
}

/// The end of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub outcome: ExitOutcome,
    /// What it left at protected names.
    pub findings: Vec<Finding>,
}

impl Running {
    /// What was asked beside what is in place.
    pub fn status(&self) -> &EnforcementStatus {
        &self.status
    }

    /// Sends a signal to the command's process group.
    pub fn signal(&self, signal: i32) -> Result<(), ConfineError> {
        channel::send(&self.control, &Order::Signal(signal).encode(), &[])
            .map_err(|e| ConfineError::new(Step::Session, "", e))
    }

    /// Waits for the command. When this returns, nothing that it started is alive.
    pub fn wait(mut self) -> Result<Ended, ConfineError> {
        self.ended()
    }

    /// The same, with the output of a command that was started by [`Sandbox::run_captured`].
    pub fn wait_with_output(mut self) -> Result<Output, ConfineError> {
        Output::new(self.ended()?, self.capture.take())
    }

    /// The end of the command if it has ended, at once.
    pub fn try_wait(&mut self) -> Result<Option<Ended>, ConfineError> {
        if self.ended.is_none() && !readable(&self.control)? {
            return Ok(None);
        }
        self.ended().map(Some)
    }

    /// As [`wait`](Running::wait), for a program that does nothing else: the signals a terminal or a supervisor sends to
    /// this process are passed to the command. Blocks these signals in the calling thread; call it in `main`, with no other
    /// thread.
    pub fn wait_forwarding_signals(mut self) -> Result<Ended, ConfineError> {
        const FORWARDED: [i32; 8] = [
            libc::SIGHUP,
            libc::SIGINT,
            libc::SIGQUIT,
            libc::SIGTERM,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGWINCH,
            libc::SIGCONT,
        ];
        let failed = |e: io::Error| ConfineError::new(Step::Session, "signals", e);
        let signals = sys::signal_descriptor(&FORWARDED).map_err(failed)?;
        loop {
            let (event, signalled) =
                poll::wait(self.control.as_fd(), signals.as_fd(), None).map_err(|e| failed(e.into()))?;
            if signalled {
                for signal in sys::read_signals(&signals).map_err(failed)? {
                    self.signal(signal)?;
                }
            }
            if event {
                return self.ended();
            }
        }
    }

    fn ended(&mut self) -> Result<Ended, ConfineError> {
        if let Some(ended) = &self.ended {
            return Ok(ended.clone());
        }
        let event = self.next()?;
        let _ = self.helper.wait();
        match event {
            Event::Ended(outcome, findings) => Ok(self.ended.insert(Ended { outcome, findings }).clone()),
            Event::Failed(failure) => Err(failure),
            _ => Err(nonsense()),
        }
    }

    fn next(&mut self) -> Result<Event, ConfineError> {
        let received = channel::receive(&self.control).map_err(|e| ConfineError::new(Step::Helper, "", e))?;
        let (bytes, _) =
            received.ok_or_else(|| ConfineError::refused(Step::Helper, "", Reason::HelperEnded))?;
        Event::decode(&bytes).ok_or_else(nonsense)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An end of file ends the helper and with it the sandbox; waiting leaves no zombie.
        let _ = rustix::net::shutdown(&self.control, rustix::net::Shutdown::Both);
        let _ = self.helper.wait();
    }
}
