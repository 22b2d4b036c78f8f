//! Puts protection back that the host takes away by replacing the thing under it.
//!
//! In: the mounts that a view was built of. Out: the same mounts over what the host has put at their paths since, and a list of these. Not
//! here: building the view (`mounts.rs`), what the command does (it cannot move a mount).
//!
//! A mount covers a directory entry, not a name: when the host renames another file over a masked one (as editors save) or renames the
//! directory around it away, the kernel drops or moves the mount, in every namespace, and the name shows what the host put there. Process 1
//! watches the directories on the way to each covered name; when such a name appears, it looks whether each still shows its own mount
//! and covers what does not. In between, for a moment, the new thing is open. If it cannot be covered, the sandbox ends.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::format;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::super::ended::{Finding, FindingReason};
use super::super::error::{ConfineError, Step};
use super::super::status::{Aspect, Enforcement, EnforcementStatus};
use super::mounts::{Cover, View, mount_id};

/// The mounts of a view and the watch over their paths.
pub(super) struct Watch {
    view: View,
    covers: Vec<Cover>,
    notify: Option<OwnedFd>,
    /// What each watched directory is looked at for.
    names: BTreeMap<PathBuf, BTreeSet<OsString>>,
    watched: BTreeMap<i32, PathBuf>,
    complete: bool,
    put_back: BTreeMap<PathBuf, usize>,
}

impl Watch {
    /// Holds the mounts; nothing is watched yet.
    pub(super) fn new(view: View, covers: Vec<Cover>) -> Watch {
        let mut names: BTreeMap<PathBuf, BTreeSet<OsString>> = BTreeMap::new();
        for cover in &covers {
            for place in cover.path.ancestors() {
                if let (Some(parent), Some(name)) = (place.parent(), place.file_name()) {
                    names.entry(parent.to_path_buf()).or_default().insert(name.to_owned());
                }
            }
        }
        let put_back = BTreeMap::new();
        Watch { view, covers, notify: None, names, watched: BTreeMap::new(), complete: false, put_back }
    }

    /// Starts watching, if it has not, and looks.
    pub(super) fn arm(&mut self) -> Result<(), ConfineError> {
        if self.covers.is_empty() {
            self.complete = true;
            return Ok(());
        }
        if self.notify.is_none() {
            self.notify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        }
        self.look()
    }

    /// Whether every directory on the way to a covered name is watched.
    pub(super) fn complete(&self) -> bool {
        self.complete
    }

    /// Readable when a name has appeared.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.notify.as_ref().map(AsFd::as_fd)
    }

    /// Reads what has appeared and looks if that concerns a mount.
    pub(super) fn notice(&mut self) -> Result<(), ConfineError> {
        let mut concerns = false;
        if let Some(notify) = &self.notify {
            let mut space = [MaybeUninit::uninit(); 4096];
            let mut reader = inotify::Reader::new(notify, &mut space);
            loop {
                match reader.next() {
                    Ok(event) => {
                        let lost = event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                        let looked_for = self.watched.get(&event.wd()).and_then(|d| self.names.get(d));
                        concerns |= lost || name.zip(looked_for).is_some_and(|(n, set)| set.contains(n));
                    }
                    Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => {}
                    Err(e) => return Err(ConfineError::new(Step::Mount, "inotify", e)),
                }
            }
        }
        if concerns { self.look() } else { Ok(()) }
    }

    /// Watches what is there now, then covers what has lost its mount.
    pub(super) fn look(&mut self) -> Result<(), ConfineError> {
        // First the watch: what appears after the look is then noticed.
        self.complete = self.watch_directories();
        for cover in &mut self.covers {
            let target = match self.view.open(&cover.path) {
                Ok(target) => target,
                // Nothing is there; if something appears, it will be covered.
                Err(e) if matches!(e.cause.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => continue,
                Err(e) => return Err(ConfineError { detail: replaced(&cover.path), ..e }),
            };
            if mount_id(&target).map_err(|e| uncoverable(&cover.path, e))? == cover.mount {
                continue;
            }
            match cover.put_over(&target) {
                Ok(()) => *self.put_back.entry(cover.path.clone()).or_default() += 1,
                // Gone again in this moment.
                Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ESTALE)) => {}
                Err(e) => return Err(uncoverable(&cover.path, e)),
            }
        }
        Ok(())
    }

    fn watch_directories(&mut self) -> bool {
        let Some(notify) = &self.notify else { return false };
        let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW;
        let mut complete = true;
        for directory in self.names.keys() {
            match inotify::add_watch(notify, directory, flags) {
                // The number is that of the directory's inode: the same one again changes nothing.
                Ok(number) => {
                    self.watched.insert(number, directory.clone());
                }
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(_) => complete = false,
            }
        }
        complete
    }

    /// The clause of the status.
    pub(super) fn status(&self, status: &mut EnforcementStatus) {
        let (given, by) = if self.covers.is_empty() {
            (Enforcement::Prevented, "there is nothing that the host could replace")
        } else if self.notify.is_some() && !self.complete {
            let by = "mounts; not every name can be watched: looked at each second and before each command";
            (Enforcement::PreventedAtStart, by)
        } else {
            (Enforcement::PreventedAtStart, "mounts; covered again as soon as inotify tells")
        };
        status.push(Aspect::ReplacedFiles, "stay covered when the host replaces them", given, by);
    }

    /// What was put back, for the report.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let found = self.put_back.iter();
        found.map(|(path, times)| Finding::left(path, FindingReason::Replaced(*times as u64))).collect()
    }
}

fn uncoverable(path: &Path, e: io::Error) -> ConfineError {
    ConfineError::new(Step::Mount, replaced(path), e)
}

fn replaced(path: &Path) -> String {
    format!("{} was replaced on the host and cannot be protected again", path.display())
}
