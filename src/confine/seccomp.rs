//! The system-call filter: which calls a confined command may not make.
//!
//! In: the words a plan denies and an architecture. Out: one classic-BPF program ([`Program`]). Here: the program as a whole; which
//! words there are is in `groups.rs`, `syscalls.rs` and `conditions.rs`. Not here: installing it (`linux/`), paths and addresses (mounts,
//! Landlock and the network namespace carry those).
//!
//! The shape: a foreign architecture kills the process; a number outside the known ranges (x32 and calls newer than
//! this file included) is ENOSYS, which keeps a deny-list honest on later kernels; the named calls get their
//! errno or an argument check; the rest is allowed. `seccompiler` builds each argument check. It has one action per
//! filter, compares numbers one by one and lets unknown ones through, so the checks are linked here by a binary search
//! over the numbers: a short path per call, which is what installing costs (the kernel walks the filter
//! once for each number).

mod bpf;
mod conditions;
mod groups;
mod syscalls;

#[cfg(test)]
mod emulator;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

pub use bpf::{Arch, BuildError, Instruction};
pub use conditions::CONDITIONS;
pub use groups::Group;

use bpf::{
    ENOSYS, EPERM, JMP_JA, JMP_JEQ, JMP_JGE, LD_W_ABS, OFFSET_ARCH, OFFSET_NR, RET_ALLOW, RET_ERRNO, RET_K,
    RET_KILL_PROCESS,
};

/// Calls that fail as if the kernel did not have them, because every libc has a way around these.
const HIDDEN: [&str; 5] = ["clone3", "io_uring_enter", "io_uring_register", "io_uring_setup", "openat2"];

/// Whether a word can be denied.
pub fn is_word(word: &str) -> bool {
    CONDITIONS.contains(&word) || syscalls::exists(word)
}

/// A finished filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    instructions: Vec<Instruction>,
}

impl Program {
    /// The instructions, at most 4096 of them.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// The bytes that `bwrap --seccomp` and `prctl` take: 8 a piece, in the byte order of the machine it was built for
    /// (both are little-endian).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.instructions.len() * 8);
        for i in &self.instructions {
            bytes.extend_from_slice(&i.code.to_le_bytes());
            bytes.extend_from_slice(&[i.jt, i.jf]);
            bytes.extend_from_slice(&i.k.to_le_bytes());
        }
        bytes
    }
}

/// What happens to one number.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    Return(u32),
    Check(Vec<Instruction>),
}

/// Builds the filter that denies `words` on `arch`.
pub fn build<'a>(arch: Arch, words: impl IntoIterator<Item = &'a str>) -> Result<Program, BuildError> {
    let mut actions: BTreeMap<u32, Action> = BTreeMap::new();
    let mut refuse = Vec::new();
    for word in words {
        match word {
            "chmod:setuid" => refuse.push("openat2"),
            "socket:all" => refuse.push("socket"),
            word if CONDITIONS.contains(&word) => {}
            word if syscalls::exists(word) => refuse.push(word),
            word => return Err(BuildError::Unknown(String::from(word))),
        }
        for (number, body) in conditions::checks(arch, word)? {
            // Two words may check one call: then both must allow it.
            let body = match actions.remove(&number) {
                Some(Action::Check(first)) => both(first, body),
                _ => body,
            };
            actions.insert(number, Action::Check(body));
        }
    }
    // After the checks: a call that always fails needs none.
    for name in refuse {
        let errno = if HIDDEN.contains(&name) { ENOSYS } else { EPERM };
        actions
            .extend(syscalls::number(arch, name).map(|number| (number, Action::Return(RET_ERRNO | errno))));
    }
    let segments = segments(arch, actions);
    let mut instructions = Vec::from([
        Instruction { code: LD_W_ABS, jt: 0, jf: 0, k: OFFSET_ARCH },
        Instruction { code: JMP_JEQ, jt: 1, jf: 0, k: arch.audit() },
        ret(RET_KILL_PROCESS),
        Instruction { code: LD_W_ABS, jt: 0, jf: 0, k: OFFSET_NR },
    ]);
    instructions.extend(search(&segments));
    if instructions.len() > 4096 {
        return Err(BuildError::TooLong(instructions.len()));
    }
    Ok(Program { instructions })
}

/// The first check, and where it allows, the second. A check loads what it compares, so nothing carries over.
fn both(first: Vec<Instruction>, second: Vec<Instruction>) -> Vec<Instruction> {
    let length = first.len();
    let jump = |at: usize| Instruction { code: JMP_JA, jt: 0, jf: 0, k: (length - at - 1) as u32 };
    let linked = first.into_iter().enumerate().map(|(at, i)| if i == ret(RET_ALLOW) { jump(at) } else { i });
    linked.chain(second).collect()
}

fn ret(k: u32) -> Instruction {
    Instruction { code: RET_K, jt: 0, jf: 0, k }
}

/// Cuts the 32-bit numbers into runs with one action: (first number, action), ascending, the first at 0.
fn segments(arch: Arch, actions: BTreeMap<u32, Action>) -> Vec<(u32, Action)> {
    let unknown = Action::Return(RET_ERRNO | ENOSYS);
    let mut points: BTreeMap<u32, Action> = BTreeMap::from([(0, unknown.clone())]);
    for &(first, last) in syscalls::known(arch) {
        points.insert(first, Action::Return(RET_ALLOW));
        points.insert(last + 1, unknown.clone());
    }
    let is_known = |n: u32| syscalls::known(arch).iter().any(|&(first, last)| (first..=last).contains(&n));
    for (number, action) in actions {
        let next = number + 1;
        let after = if is_known(next) { Action::Return(RET_ALLOW) } else { unknown.clone() };
        points.insert(number, action);
        // Ascending order: a later call at `next` replaces this.
        points.insert(next, after);
    }
    let mut runs: Vec<(u32, Action)> = Vec::with_capacity(points.len());
    for (start, action) in points {
        if runs.last().is_none_or(|(_, last)| *last != action) {
            runs.push((start, action));
        }
    }
    runs
}

/// A balanced search tree over the runs; the accumulator holds the number and every leaf returns.
fn search(runs: &[(u32, Action)]) -> Vec<Instruction> {
    let (left, right) = match runs {
        [] => return Vec::from([ret(RET_KILL_PROCESS)]),
        [(_, Action::Return(value))] => return Vec::from([ret(*value)]),
        [(_, Action::Check(body))] => return body.clone(),
        runs => runs.split_at(runs.len() / 2),
    };
    let pivot = right.first().map_or(0, |(start, _)| *start);
    let (left, right) = (search(left), search(right));
    let mut tree = Vec::with_capacity(left.len() + right.len() + 2);
    match u8::try_from(left.len()) {
        Ok(jt) => tree.push(Instruction { code: JMP_JGE, jt, jf: 0, k: pivot }),
        // A conditional jump reaches 255 instructions; JA reaches all of them.
        Err(_) => {
            tree.push(Instruction { code: JMP_JGE, jt: 0, jf: 1, k: pivot });
            tree.push(Instruction { code: JMP_JA, jt: 0, jf: 0, k: left.len() as u32 });
        }
    }
    tree.extend(left);
    tree.extend(right);
    tree
}
