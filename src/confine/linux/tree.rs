//! Kills one command of a session with everything that belongs to it.
//!
//! In: the number of a child that has not been reaped. Out: nothing of its group and none of its descendants runs. Not
//! here: the end of everything at once (`sys::end_all`), and processes that left the group and whose parent has ended:
//! nothing says whose they were.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::vec::Vec;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::sys;

/// How often it is looked again for what was started meanwhile. A stopped process starts nothing, so more than a few
/// rounds means a command that makes processes faster than they can be listed.
const ROUNDS: usize = 64;

/// A process as `/proc` tells it.
#[derive(PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    group: i32,
}

/// Kills a command's process group and its descendants. They are stopped first, so that none starts another one while
/// the rest are looked for.
pub(super) fn kill(root: i32) {
    let mut stopped: BTreeMap<i32, OwnedFd> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let before = stopped.len();
        for process in processes() {
            let ours = process.pid == root || process.group == root || stopped.contains_key(&process.parent);
            if ours && !stopped.contains_key(&process.pid) {
                stopped.extend(stop(&process).map(|held| (process.pid, held)));
            }
        }
        if stopped.len() == before {
            break;
        }
    }
    for held in stopped.values() {
        let _ = pidfd_send_signal(held, Signal::KILL);
    }
    // Also where /proc cannot be read.
    let _ = sys::kill(-root, libc::SIGKILL);
}

/// Stops a process, unless its number has been given to another one since it was listed.
fn stop(process: &Process) -> Option<OwnedFd> {
    let held = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    if read(process.pid)? != *process {
        return None;
    }
    pidfd_send_signal(&held, Signal::STOP).ok()?;
    Some(held)
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn read(pid: i32) -> Option<Process> {
    let bytes = fs::read(std::format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; what follows its last one does not.
    let after = bytes.rsplit(|byte| *byte == b')').next()?;
    let mut fields = std::str::from_utf8(after).ok()?.split_ascii_whitespace().skip(1);
    let mut next = || fields.next()?.parse().ok();
    Some(Process { pid, parent: next()?, group: next()? })
}
