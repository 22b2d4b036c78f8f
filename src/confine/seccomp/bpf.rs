//! In: nothing. Out: the words of classic BPF as seccomp runs it, the machines it is built for, and why a filter cannot be built.
//! Not here: any filter (`../seccomp.rs`).

use seccompiler::TargetArch;
use std::string::String;

/// A machine the filter can be built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// 64-bit x86; its i386 and x32 interfaces are closed.
    X86_64,
    /// 64-bit Arm, little-endian; its 32-bit interface is closed.
    Aarch64,
}

impl Arch {
    /// The architecture this program was built for; `None` where no filter exists, which refuses to confine.
    pub fn native() -> Option<Arch> {
        if cfg!(target_arch = "x86_64") {
            Some(Arch::X86_64)
        } else if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
            Some(Arch::Aarch64)
        } else {
            None
        }
    }

    /// `AUDIT_ARCH_*` of `linux/audit.h`.
    pub(super) fn audit(self) -> u32 {
        match self {
            Arch::X86_64 => 0xC000_003E,
            Arch::Aarch64 => 0xC000_00B7,
        }
    }

    pub(super) fn target(self) -> TargetArch {
        match self {
            Arch::X86_64 => TargetArch::x86_64,
            Arch::Aarch64 => TargetArch::aarch64,
        }
    }
}

pub const EPERM: u32 = 1;
pub const ENOSYS: u32 = 38;
pub const RET_ALLOW: u32 = 0x7FFF_0000;
pub const RET_KILL_PROCESS: u32 = 0x8000_0000;
pub const RET_ERRNO: u32 = 0x0005_0000;

/// One BPF instruction, laid out as the kernel's `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip if the comparison holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

pub const LD_W_ABS: u16 = 0x20;
pub const JMP_JA: u16 = 0x05;
pub const JMP_JEQ: u16 = 0x15;
pub const JMP_JGE: u16 = 0x35;
pub const RET_K: u16 = 0x06;

pub const OFFSET_NR: u32 = 0;
pub const OFFSET_ARCH: u32 = 4;

/// A filter could not be built; the command does not run.
#[derive(Debug)]
pub enum BuildError {
    /// A word that is neither a call nor a condition.
    Unknown(String),
    /// `seccompiler` refused a rule.
    Rule(seccompiler::BackendError),
    /// `seccompiler` gave a program of another shape than the one the linker knows.
    Shape,
    /// More than the kernel's 4096 instructions.
    TooLong(usize),
}

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BuildError::Unknown(word) => write!(f, "`{word}` is no system call of Linux 6.18"),
            BuildError::Rule(error) => write!(f, "a filter rule was refused: {error}"),
            BuildError::Shape => f.write_str("seccompiler changed the layout of its programs"),
            BuildError::TooLong(length) => {
                write!(f, "the filter has {length} instructions, the kernel takes 4096")
            }
        }
    }
}

impl std::error::Error for BuildError {}

impl From<seccompiler::BackendError> for BuildError {
    fn from(error: seccompiler::BackendError) -> Self {
        BuildError::Rule(error)
    }
}
