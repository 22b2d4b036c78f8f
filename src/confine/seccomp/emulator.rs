//! Classic BPF as seccomp runs it, for tests.
//!
//! In: a program and a call. Out: what it returns, and in how many steps. Not here: anything that ships.

use super::bpf::Instruction;

/// One system call as `struct seccomp_data` shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub nr: u32,
    pub arch: u32,
    pub args: [u64; 6],
}

impl Call {
    /// The 32-bit word at a byte offset; the kernel accepts no other offsets than multiples of 4 below 64.
    fn word(&self, offset: u32) -> u32 {
        assert!(offset.is_multiple_of(4) && offset < 64, "load outside seccomp_data: {offset}");
        match offset {
            0 => self.nr,
            4 => self.arch,
            8 | 12 => 0,
            _ => {
                let arg = self.args[(offset as usize - 16) / 8];
                if offset.is_multiple_of(8) { arg as u32 } else { (arg >> 32) as u32 }
            }
        }
    }
}

/// Runs the program; panics on anything the kernel's checker would refuse.
pub(super) fn run(program: &[Instruction], call: &Call) -> (u32, usize) {
    let (mut pc, mut acc, mut steps) = (0_usize, 0_u32, 0);
    loop {
        let i = program[pc];
        pc += 1;
        steps += 1;
        let taken = match i.code {
            0x20 => {
                acc = call.word(i.k);
                continue;
            }
            0x06 => return (i.k, steps),
            0x05 => {
                pc += i.k as usize;
                continue;
            }
            0x54 => {
                acc &= i.k;
                continue;
            }
            0x15 => acc == i.k,
            0x25 => acc > i.k,
            0x35 => acc >= i.k,
            0x45 => acc & i.k != 0,
            code => panic!("unknown instruction {code:#x}"),
        };
        pc += usize::from(if taken { i.jt } else { i.jf });
    }
}
