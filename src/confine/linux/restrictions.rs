//! What each command enters on its way: a Landlock domain and a system-call filter.
//!
//! In: a request. Out: [`Restrictions`]. Not here: how either is made (`landlock.rs`, `filter.rs`) or applied (`sys.rs`).

use std::os::fd::OwnedFd;
use std::vec::Vec;

use super::super::error::ConfineError;
use super::super::message::Request;
use super::super::plain::denied;
use super::super::plan::Requirement;
use super::super::seccomp::Instruction;
use super::super::status::EnforcementStatus;
use super::{filter, landlock, plain};

/// What each command is put behind.
pub(super) struct Restrictions {
    pub landlock: Option<OwnedFd>,
    pub filter: Option<Vec<Instruction>>,
    /// There are no namespaces.
    pub plain: bool,
}

impl Restrictions {
    /// Beside namespaces.
    pub(super) fn build(
        request: &Request,
        status: &mut EnforcementStatus,
    ) -> Result<Restrictions, ConfineError> {
        let landlock = landlock::build(request, status, &landlock::over_view)?;
        let filter = filter::build(&request.syscalls, request.seccomp, status)?;
        Ok(Restrictions { landlock, filter, plain: false })
    }

    /// Without namespaces: both are required, and carry what namespaces would.
    pub(super) fn build_plain(
        request: &Request,
        status: &mut EnforcementStatus,
    ) -> Result<Restrictions, ConfineError> {
        let landlock = landlock::build(request, status, &plain::ruleset)?;
        let words = request.syscalls.iter().cloned();
        let words = words.chain(denied(request.network, request.attributes_open)).collect();
        let filter = filter::build(&words, Requirement::Required, status)?;
        Ok(Restrictions { landlock, filter, plain: true })
    }
}
