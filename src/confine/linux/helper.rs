//! The helper process: outside the sandbox, between the caller and process 1.
//!
//! In: a request over standard input. Out: events over the same socket; its exit ends the sandbox. Not here: the
//! sandbox's inside (`init.rs`).
//!
//! It is exec'd, never forked, from the caller: a clean environment, one thread, none of the caller's memory.

use std::ffi::OsStr;
use std::format;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec::Vec;

use rustix::process::{Pid, PidfdFlags};

use super::super::codec::Wire;
use super::super::ended::{ExitOutcome, Finding};
use super::super::error::{ConfineError, Reason, Step};
use super::super::message::{Event, Isolation, Order, Request};
use super::super::plan::Network;
use super::init::{Ids, Init};
use super::placeholder::Placeholders;
use super::poll::wait;
use super::{channel, late, quarantine, sys};

/// The first word of the helper's command line. It has the protocol's version, so that two builds never talk.
pub(super) const MARKER: &str = concat!("execpolicy-confine-helper/", env!("CARGO_PKG_VERSION"));

static INITIALISED: AtomicBool = AtomicBool::new(false);

/// To be called first in `main` of every program that confines commands with [`Helper::current`](super::super::Helper::current): in the
/// helper process, which is the same program started again, it does not return.
pub fn init() {
    INITIALISED.store(true, Ordering::Release);
    let mut words = std::env::args_os();
    if words.next().as_deref() == Some(OsStr::new(MARKER)) && words.next().is_none() {
        run()
    }
}

pub(super) fn is_initialised() -> bool {
    INITIALISED.load(Ordering::Acquire)
}

fn run() -> ! {
    let Ok(control) = take_control() else { sys::exit(125) };
    if let Err(failure) = serve(&control) {
        let _ = channel::send(&control, &Event::Failed(failure).encode(), &[]);
    }
    sys::exit(0)
}

/// Moves the socket away from descriptor 0 and closes everything the caller may have leaked.
fn take_control() -> std::io::Result<OwnedFd> {
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    sys::close_all_but(&[control.as_fd()])?;
    let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    sys::default_signals();
    // A session of its own: the terminal's signals reach the caller alone, who passes them on.
    rustix::process::setsid()?;
    Ok(control)
}

fn helper_error(detail: &str) -> impl Fn(std::io::Error) -> ConfineError + '_ {
    move |e| ConfineError::new(Step::Helper, detail, e)
}

fn serve(control: &OwnedFd) -> Result<(), ConfineError> {
    let refused = || ConfineError::refused(Step::Helper, "", Reason::InvalidMessage);
    let Some((bytes, fds)) = channel::receive(control).map_err(helper_error("receive"))? else {
        return Ok(());
    };
    let mut request = Request::decode(&bytes).ok_or_else(refused)?;
    // Here, where the host's table of sockets is seen. (Without namespaces no socket can be connected to.)
    request.layout.mask_sockets();
    let mut fds = fds.into_iter();
    let (Some(input), Some(output), Some(error)) = (fds.next(), fds.next(), fds.next()) else {
        return Err(refused());
    };
    let mut outside = Some(Outside { stdio: [input, output, error], session: fds.next() });
    drop(fds);
    let missing = request.missing.clone();
    let placeholders = Placeholders::make(&mut request)?;
    let first = if request.isolation == Isolation::LandlockOnly {
        Isolation::LandlockOnly
    } else {
        Isolation::Namespaces
    };
    let mut result = attempt(control, &request, first, &mut outside, &placeholders);
    if let Err(failure) = &result
        && request.isolation == Isolation::Either
        && failure.lacks_namespaces()
        // Nothing has run yet: nothing is ever started twice.
        && outside.is_some()
    {
        request.why_plain = format!("{} ({}): {}", failure.step.code(), failure.detail, failure.cause);
        result = attempt(control, &request, Isolation::LandlockOnly, &mut outside, &placeholders);
    }
    placeholders.remove();
    let mut findings = quarantine::sweep(&missing);
    findings.extend(late::sweep(&request.late, &request.layout));
    let event = match result? {
        Some((outcome, found)) => {
            findings.extend(found);
            Event::Ended(outcome, findings)
        }
        None => Event::Failed(ConfineError::refused(Step::Session, "", Reason::HelperEnded)),
    };
    channel::send(control, &event.encode(), &[]).map_err(helper_error("send"))
}

/// What came with the request, held until a sandbox stands.
struct Outside {
    stdio: [OwnedFd; 3],
    session: Option<OwnedFd>,
}

/// How a sandbox ended, with what it found itself; `None` if it had nothing to tell.
type End = Option<(ExitOutcome, Vec<Finding>)>;

/// Builds a sandbox on one isolation and stays with it to its end.
fn attempt(
    control: &OwnedFd,
    request: &Request,
    isolation: Isolation,
    outside: &mut Option<Outside>,
    placeholders: &Placeholders,
) -> Result<End, ConfineError> {
    let (ours, theirs) = channel::pair().map_err(helper_error("socketpair"))?;
    let ids = Ids { user: rustix::process::geteuid().as_raw(), group: rustix::process::getegid().as_raw() };
    let namespaces = match (isolation, request.network) {
        (Isolation::LandlockOnly, _) => {
            // Whatever loses its parent comes to this process, so that it can be ended.
            sys::adopt_orphans().map_err(helper_error("PR_SET_CHILD_SUBREAPER"))?;
            0
        }
        (_, Network::Off) => sys::NAMESPACES | sys::NEW_NETWORK,
        (_, Network::Full) => sys::NAMESPACES,
    };
    let pid = match sys::fork(namespaces) {
        Ok(Some(pid)) => pid,
        Ok(None) => {
            let Some(Outside { stdio, session }) = outside.take() else { sys::exit(125) };
            let init = Init { request: request.clone(), isolation, ids, helper: theirs, stdio, session };
            if sys::close_all_but(&init.descriptors()).is_err() {
                sys::exit(125);
            }
            init.run()
        }
        Err(e) => return Err(ConfineError::new(Step::Namespaces, "clone", e)),
    };
    drop(theirs);
    if request.isolation != Isolation::Either {
        *outside = None;
    }
    placeholders.guard(pid);
    let result = relay(control, &ours, pid, outside);
    // Ends process 1, if it has not ended, and with it everything in the sandbox; waiting for it waits for all of them.
    let _ = sys::kill(pid, libc::SIGKILL);
    sys::wait_for(pid).map_err(helper_error("wait"))?;
    if isolation == Isolation::LandlockOnly {
        sys::end_descendants().map_err(helper_error("ending what is left"))?;
    }
    result
}

/// Passes orders in and events out until the sandbox ends; gives its outcome, or `None` if it had none to tell.
fn relay(
    control: &OwnedFd,
    inside: &OwnedFd,
    pid: i32,
    outside: &mut Option<Outside>,
) -> Result<End, ConfineError> {
    let process =
        Pid::from_raw(pid).ok_or_else(|| ConfineError::refused(Step::Helper, "", Reason::InvalidMessage))?;
    // Held so that the number cannot be given to another process before it is waited for.
    let _pidfd = rustix::process::pidfd_open(process, PidfdFlags::empty())
        .map_err(|e| ConfineError::new(Step::Helper, "pidfd_open", e))?;
    loop {
        let (orders, events) = wait(control.as_fd(), inside.as_fd(), None)
            .map_err(|e| ConfineError::new(Step::Helper, "poll", e))?;
        if events {
            match channel::receive(inside).map_err(helper_error("receive"))? {
                None => return Ok(None),
                Some((bytes, _)) => match Event::decode(&bytes) {
                    Some(Event::Ended(outcome, found)) => return Ok(Some((outcome, found))),
                    Some(Event::Failed(failure)) => return Err(failure),
                    Some(event) => {
                        // It stands: the command's ends of pipes must not stay open here.
                        *outside = None;
                        channel::send(control, &event.encode(), &[]).map_err(helper_error("send"))?;
                    }
                    None => return Ok(None),
                },
            }
        }
        if orders {
            match channel::receive(control).map_err(helper_error("receive"))? {
                // The caller is gone: so is the sandbox.
                None => return Ok(None),
                Some((bytes, _)) => {
                    if Order::decode(&bytes).is_some() {
                        channel::send(inside, &bytes, &[]).map_err(helper_error("send"))?;
                    }
                }
            }
        }
    }
}
