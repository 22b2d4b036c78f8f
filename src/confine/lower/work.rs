//! A plan in the making: what each part of `lower` adds to, and what it says about the clauses that it has carried.

use crate::plan::Plan;
use crate::status::Enforcement;
use execpolicy_profile::{Feature, Origin};
use std::string::String;
use std::vec::Vec;

/// A clause of a profile and what carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried<'a> {
    /// The clause, as it would be written.
    pub clause: String,
    /// Its statement; `None` for what every sandbox does.
    pub origin: Option<Origin<&'a str>>,
    /// By which wall: `mounts`, `netns`, `seccomp`, `process`, `landlock`, `sweep`.
    pub wall: &'static str,
    /// How it will hold.
    pub given: Enforcement,
    /// What there is to say about it on this host.
    pub note: Option<String>,
}

/// A plan in the making.
pub struct Work<'a> {
    pub plan: Plan,
    pub carried: Vec<Carried<'a>>,
    pub accepted: Vec<Feature>,
}

impl<'a> Work<'a> {
    pub fn carry(
        &mut self,
        clause: impl Into<String>,
        origin: Origin<&'a str>,
        wall: &'static str,
        given: Enforcement,
    ) {
        let clause = clause.into();
        self.carried.push(Carried { clause, origin: Some(origin), wall, given, note: None });
    }

    pub fn note(&mut self, note: impl Into<String>) {
        if let Some(last) = self.carried.last_mut() {
            last.note = Some(note.into());
        }
    }
}

/// `path` as people see it: what could steer a terminal is replaced.
pub fn shown(path: &std::path::Path) -> String {
    path.display().to_string().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
