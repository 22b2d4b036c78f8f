//! What a sandbox has with namespaces and without.
//!
//! In: a request. Out: a keyring, and status lines. Not here: what is different (`init.rs`, `plain.rs`).

use std::format;

use super::super::error::{ConfineError, Step};
use super::super::message::Request;
use super::super::plan::Promise;
use super::super::status::{Aspect, Enforcement, EnforcementStatus};
use super::sys;

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
    status.push(Aspect::Keyring, "none of the caller's", Enforcement::Prevented, by);
    Ok(())
}

/// The clauses of protected names that do not exist.
pub(super) fn missing_status(request: &Request, status: &mut EnforcementStatus) {
    for missing in &request.missing {
        let path = missing.path.display().to_string();
        match missing.promise {
            Promise::Prevent => {
                status.push(Aspect::Missing, path, Enforcement::Prevented, "a read-only placeholder")
            }
            Promise::Detect => {
                status.push(Aspect::Missing, path, Enforcement::Detected, "looked for at the end")
            }
        }
    }
    let late = &request.late;
    if !late.is_empty() {
        let asked = format!("{} names, {} wildcards", late.protected.len(), late.reported.len());
        status.push(Aspect::LateNames, asked, Enforcement::Detected, "looked for at the end");
    }
}
