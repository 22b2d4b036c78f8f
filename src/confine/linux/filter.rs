//! The system-call filter, made ready before a command exists.
//!
//! In: words, and whether there has to be a filter. Out: the program, and the status line that says what it is. Not here: what the
//! words mean (`../seccomp.rs`), installing it (`sys.rs`).

use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::super::error::{ConfineError, Reason, Step};
use super::super::plan::Requirement;
use super::super::seccomp::{self, Arch, Instruction};
use super::super::status::{Aspect, Enforcement, EnforcementStatus};

/// The program that denies these words; `None` if there is to be none.
pub(super) fn build(
    words: &BTreeSet<String>,
    requirement: Requirement,
    status: &mut EnforcementStatus,
) -> Result<Option<Vec<Instruction>>, ConfineError> {
    let words: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
    let asked = format!("deny {}", words.join(", "));
    if requirement == Requirement::Off {
        status.push(Aspect::Seccomp, asked, Enforcement::SwitchedOff, "");
        return Ok(None);
    }
    let arch = Arch::native()
        .ok_or_else(|| ConfineError::refused(Step::Seccomp, "", Reason::UnknownArchitecture))?;
    let program = seccomp::build(arch, words)
        .map_err(|e| ConfineError::refused(Step::Seccomp, e.to_string(), Reason::Filter))?;
    let by = format!("seccomp, {} instructions for {arch:?}", program.instructions().len());
    status.push(Aspect::Seccomp, asked, Enforcement::Prevented, by);
    Ok(Some(program.instructions().to_vec()))
}
