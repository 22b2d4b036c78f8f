//! Waiting for descriptors.
//!
//! In: descriptors and a time. Out: which of them have something, or are closed. Not here: what is read from them.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;
use std::vec::Vec;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

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
