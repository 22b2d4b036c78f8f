//! Placeholders: empty directories on the host where a protected name is missing, for the time of a run.
//!
//! In: the missing names whose creation is to be prevented. Out: the directories, locked and marked, and their removal. Not
//! here: making them read-only inside (they become nodes of the layout).
//!
//! Nothing may be left, also when everything is killed: a guard process waits for the helper's end (of which the kernel tells it
//! by closing a socket), then for the sandbox's, and removes them. Several runs can share one: each holds a shared lock, and the last
//! to leave removes it. A mark (an extended attribute) tells a placeholder from a directory of the user's; if even the
//! guard is killed, the next run that protects the name finds the mark and takes it over.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::string::ToString;
use std::time::Duration;
use std::vec::Vec;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use super::super::error::{ConfineError, Step};
use super::super::message::Request;
use super::super::plan::Promise;
use super::quarantine::open_directory;
use super::{channel, poll, sys};

const MARK: &str = "user.execpolicy.placeholder";

/// Whether a path is a placeholder that an earlier run could not remove or another run holds: to a plan, a name that
/// does not exist.
pub fn is_placeholder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
        && rustix::fs::lgetxattr(path, MARK, &mut [0_u8; 8]).is_ok()
}

/// Whether a path is a placeholder with nothing in it. A command can mark a directory of its own; what is in it counts then.
pub(crate) fn is_empty_placeholder(path: &Path) -> bool {
    is_placeholder(path) && std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// One placeholder: its parent, its name, itself (which carries the lock).
struct Placeholder {
    parent: OwnedFd,
    name: OsString,
    directory: OwnedFd,
}

/// The placeholders of a run and their guard.
pub(super) struct Placeholders {
    guard: Option<(OwnedFd, i32)>,
}

impl Placeholders {
    /// Makes what the request wants prevented, and adds it to the layout.
    pub(super) fn make(request: &mut Request) -> Result<Placeholders, ConfineError> {
        let wanted: Vec<PathBuf> = request
            .missing
            .iter()
            .filter(|missing| missing.promise == Promise::Prevent)
            .map(|missing| missing.path.clone())
            .collect();
        if wanted.is_empty() {
            return Ok(Placeholders { guard: None });
        }
        // The guard is there before the first directory is, and makes it: nothing is there that it does not know of.
        let failed = |e| ConfineError::new(Step::Helper, "guard", e);
        let (ours, theirs) = channel::pair().map_err(failed)?;
        let pid = match sys::fork(0).map_err(failed)? {
            None => {
                if sys::close_all_but(&[theirs.as_fd()]).is_ok() {
                    guard(&theirs);
                }
                sys::exit(0)
            }
            Some(pid) => pid,
        };
        drop(theirs);
        let placeholders = Placeholders { guard: Some((ours, pid)) };
        for path in wanted {
            match placeholders.one(&path) {
                Ok(()) => {}
                Err(e) => {
                    let failure = ConfineError::new(Step::Mount, path.display().to_string(), e);
                    placeholders.remove();
                    return Err(failure);
                }
            }
            if request.layout.kind_at(&path).is_some() {
                request.layout.add_read_only(&path);
            }
        }
        Ok(placeholders)
    }

    /// Has the guard make or join one. Not made here: if this process were killed right after, nobody would know of it.
    fn one(&self, path: &Path) -> io::Result<()> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        };
        let parent = open_directory(parent)?;
        let Some((socket, _)) = &self.guard else { return Ok(()) };
        channel::send(socket, name.as_encoded_bytes(), &[parent.as_fd()])?;
        let answer = channel::receive(socket)?.and_then(|(bytes, _)| bytes.try_into().ok());
        match answer.map(i32::from_ne_bytes) {
            Some(0) => Ok(()),
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => Err(io::Error::from_raw_os_error(libc::ESRCH)),
        }
    }

    /// Tells the guard whom to wait for if this process dies.
    pub(super) fn guard(&self, pid: i32) {
        if let (Some((socket, _)), Some(pid)) = (&self.guard, Pid::from_raw(pid))
            && let Ok(pidfd) = rustix::process::pidfd_open(pid, PidfdFlags::empty())
        {
            let _ = channel::send(socket, &[], &[pidfd.as_fd()]);
        }
    }

    /// Has them removed; returns when that is done.
    pub(super) fn remove(self) {
        if let Some((socket, pid)) = self.guard {
            drop(socket);
            let _ = sys::wait_for(pid);
        }
    }
}

/// A locked, marked, empty directory; `None` if there is one that is not ours.
fn make_or_join(parent: &OwnedFd, name: &OsStr) -> io::Result<Option<OwnedFd>> {
    // Another run may remove it between our look and our lock; then we look again.
    let mut looks = 0;
    for _ in 0..100 {
        let made = match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(e) => return Err(e.into()),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => continue,
            Err(e) => return Err(e.into()),
        };
        rustix::fs::flock(&directory, FlockOperation::LockShared)?;
        if made && let Err(e) = rustix::fs::fsetxattr(&directory, MARK, b"1", XattrFlags::empty()) {
            rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?;
            return Err(e.into());
        }
        if same(parent, name, &directory) {
            if rustix::fs::fgetxattr(&directory, MARK, &mut [0_u8; 8]).is_ok() {
                return Ok(Some(directory));
            }
            // It may have been made this instant and not be marked yet.
            looks += 1;
            if looks == 5 {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    Err(io::Error::from_raw_os_error(libc::EBUSY))
}

fn same(parent: &OwnedFd, name: &OsStr, directory: &OwnedFd) -> bool {
    let there = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    let held = rustix::fs::fstat(directory);
    matches!((there, held), (Ok(a), Ok(b)) if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}

/// The guard process: collects, waits for the helper's end and the sandbox's, removes.
fn guard(socket: &OwnedFd) {
    let mut held = Vec::new();
    let mut sandbox = None;
    while let Ok(Some((name, fds))) = channel::receive(socket) {
        let fd = fds.into_iter().next();
        if name.is_empty() {
            sandbox = fd;
            continue;
        }
        let Some(parent) = fd else { continue };
        let name: OsString = std::os::unix::ffi::OsStringExt::from_vec(name);
        let answer = match make_or_join(&parent, &name) {
            Ok(Some(directory)) => {
                held.push(Placeholder { parent, name, directory });
                0
            }
            // Somebody has made a real one since: it is protected as it is, and nobody's to remove.
            Ok(None) => 0,
            Err(e) => e.raw_os_error().unwrap_or(libc::EIO),
        };
        // If the helper has been killed meanwhile, the next message is its end.
        let _ = channel::send(socket, &answer.to_ne_bytes(), &[]);
    }
    if let Some(pidfd) = sandbox {
        // Readable when the process has ended. It does: the kernel kills it when the helper dies.
        let _ = poll::wait(pidfd.as_fd(), pidfd.as_fd(), None);
    }
    for Placeholder { parent, name, directory } in &held {
        let alone = rustix::fs::flock(directory, FlockOperation::NonBlockingLockExclusive).is_ok();
        if alone
            && same(parent, name, directory)
            && rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR).is_err()
        {
            // Somebody on the host has put something into it: it is theirs now.
            let _ = rustix::fs::fremovexattr(directory, MARK);
        }
    }
}
