//! The words that deny a call only with some arguments, and the checks that they stand for.
//!
//! In: such a word and an architecture. Out: for each call it is about, a piece of program that allows the call or refuses it. Not here:
//! linking the pieces (`../seccomp.rs`). `emit/oci.rs` of the compiler says the same of the words that profiles have, by itself
//! and the other way round (what is refused, in another library's words); its tests run both.

use std::collections::BTreeMap;
use std::vec::Vec;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::bpf::{Arch, BuildError, EPERM, Instruction, JMP_JEQ, LD_W_ABS, OFFSET_NR, RET_K};
use super::syscalls;

/// The words with a condition on arguments. A plan's other words are names of calls, which then always fail.
///
/// - `clone:namespaces`, `unshare:namespaces`: with a `CLONE_NEW*` flag.
/// - `personality:unusual`: anything but 0, 8, both with `ADDR_NO_RANDOMIZE`, and the question.
/// - `socket:unusual`: families other than UNIX, INET, INET6, NETLINK_ROUTE; for `socketpair`, other than UNIX.
/// - `ioctl:terminal-input`: `TIOCSTI`, `TIOCLINUX`.
/// - `chmod:setuid`: a mode with S_ISUID or S_ISGID, in every call that takes one; `openat2`, whose mode lies in memory, is ENOSYS.
/// - `prlimit64:others`: setting limits of another process.
/// - `ioctl:file-attributes`: every `ioctl` but those of terminals and of sockets (classes `T` and 0x89): file systems have their own to
///   change flags, projects, labels or subvolumes through a descriptor that was opened for reading, and nobody has a list of them.
/// - `sched:others`: priority, policy, processors of another process or thread, and of a whole user.
/// - `socket:local`: families other than INET, INET6, NETLINK_ROUTE; `socketpair` as below.
/// - `socket:all`: every `socket`; `socketpair` gives connected UNIX streams and packets only (an end of a datagram pair can
///   be sent to any address).
pub const CONDITIONS: [&str; 11] = [
    "chmod:setuid",
    "clone:namespaces",
    "ioctl:file-attributes",
    "ioctl:terminal-input",
    "personality:unusual",
    "prlimit64:others",
    "sched:others",
    "socket:all",
    "socket:local",
    "socket:unusual",
    "unshare:namespaces",
];

/// `CLONE_NEWNS|NEWCGROUP|NEWUTS|NEWIPC|NEWUSER|NEWPID|NEWNET`.
const CLONE_NEW: u64 = 0x7E02_0000;
/// `CLONE_NEWTIME`; in `clone` this bit belongs to the exit signal, so only `unshare` can ask for it.
const CLONE_NEWTIME: u64 = 0x80;
const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541C;
const O_CREAT: u64 = 0o100;
/// `__O_TMPFILE`, the bit that makes `open` read its mode.
const O_TMPFILE: u64 = 0o20_000_000;
const S_ISUID: u64 = 0o4000;
const S_ISGID: u64 = 0o2000;
/// `PER_LINUX` and `PER_LINUX32`, each with and without `ADDR_NO_RANDOMIZE`, and the question "which one is it now".
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x4_0000, 0x4_0008, 0xFFFF_FFFF];
/// The class byte of an `ioctl` number, and the classes of terminals (with `FIONREAD`, `FIONBIO`, `FIOCLEX`) and of sockets.
const IOCTL_CLASS: u64 = 0xFF00;
const HARMLESS_CLASSES: [u64; 2] = [0x5400, 0x8900];
const IOPRIO_WHO_PROCESS: u64 = 1;
/// `SOCK_STREAM` and `SOCK_SEQPACKET` in the bits of a socket's type that are not flags.
const SOCK_TYPE: u64 = 0xF;
const CONNECTED: [u64; 2] = [1, 5];
const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const AF_NETLINK: u64 = 16;
const NETLINK_ROUTE: u64 = 0;

/// Argument number, width, comparison, value.
type Condition = (u8, Len, Op, u64);
type Checks = Vec<(u32, Vec<Instruction>)>;

fn is(argument: u8, value: u64) -> Condition {
    (argument, Len::Dword, Op::Eq, value)
}

fn has(argument: u8, bit: u64) -> Condition {
    (argument, Len::Dword, Op::MaskedEq(bit), bit)
}

fn lacks(argument: u8, bits: u64) -> Condition {
    (argument, Len::Dword, Op::MaskedEq(bits), 0)
}

fn null(argument: u8) -> Condition {
    (argument, Len::Qword, Op::Eq, 0)
}

/// Modes that would set a user or group on execution, wherever a call takes a mode.
fn setuid() -> Vec<(&'static str, bool, Vec<Vec<Condition>>)> {
    let modes = [
        ("chmod", 1),
        ("fchmod", 1),
        ("fchmodat", 2),
        ("fchmodat2", 2),
        ("creat", 1),
        ("mknod", 1),
        ("mknodat", 2),
    ];
    let mode = |(name, mode)| (name, true, Vec::from([Vec::from([lacks(mode, S_ISUID | S_ISGID)])]));
    let mut all: Vec<_> = modes.into_iter().map(mode).collect();
    for (name, flags) in [("open", 1), ("openat", 2)] {
        let mut rules = Vec::new();
        for create in [O_CREAT, O_TMPFILE] {
            for bit in [S_ISUID, S_ISGID] {
                rules.push(Vec::from([has(flags, create), has(flags + 1, bit)]));
            }
        }
        all.push((name, false, rules));
    }
    all
}

/// The argument checks of a word. Arguments are compared by their low 32 bits, as the kernel reads these; pointers by all 64.
pub(super) fn checks(arch: Arch, word: &str) -> Result<Checks, BuildError> {
    let mut found = Vec::new();
    let mut add = |name: &str, listed: bool, rules: Vec<Vec<Condition>>| -> Result<(), BuildError> {
        if let Some(number) = syscalls::number(arch, name) {
            found.push((number, check(arch, number, listed, rules)?));
        }
        Ok(())
    };
    match word {
        "clone:namespaces" => {
            add("clone", true, Vec::from([Vec::from([lacks(0, CLONE_NEW)])]))?;
        }
        "unshare:namespaces" => {
            add("unshare", true, Vec::from([Vec::from([lacks(0, CLONE_NEW | CLONE_NEWTIME)])]))?;
        }
        "personality:unusual" => {
            let rules = PERSONALITIES.iter().map(|&value| Vec::from([is(0, value)])).collect();
            add("personality", true, rules)?;
        }
        "socket:unusual" => {
            let families = [AF_UNIX, AF_INET, AF_INET6].map(|family| Vec::from([is(0, family)]));
            let mut rules = Vec::from(families);
            rules.push(Vec::from([is(0, AF_NETLINK), is(2, NETLINK_ROUTE)]));
            add("socket", true, rules)?;
            add("socketpair", true, Vec::from([Vec::from([is(0, AF_UNIX)])]))?;
        }
        "socket:all" | "socket:local" => {
            let mut rules = Vec::from([AF_INET, AF_INET6].map(|family| Vec::from([is(0, family)])));
            rules.push(Vec::from([is(0, AF_NETLINK), is(2, NETLINK_ROUTE)]));
            if word == "socket:local" {
                add("socket", true, rules)?;
            }
            let pair = |kind| Vec::from([is(0, AF_UNIX), (1, Len::Dword, Op::MaskedEq(SOCK_TYPE), kind)]);
            add("socketpair", true, Vec::from(CONNECTED.map(pair)))?;
        }
        "ioctl:file-attributes" => {
            let class = |class| Vec::from([(1, Len::Dword, Op::MaskedEq(IOCTL_CLASS), class)]);
            add("ioctl", true, Vec::from(HARMLESS_CLASSES.map(class)))?;
        }
        "sched:others" => {
            for name in ["sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"] {
                add(name, true, Vec::from([Vec::from([is(0, 0)])]))?;
            }
            // PRIO_PROCESS is 0.
            add("setpriority", true, Vec::from([Vec::from([is(0, 0), is(1, 0)])]))?;
            add("ioprio_set", true, Vec::from([Vec::from([is(0, IOPRIO_WHO_PROCESS), is(1, 0)])]))?;
        }
        "ioctl:terminal-input" => {
            add("ioctl", false, Vec::from([Vec::from([is(1, TIOCSTI)]), Vec::from([is(1, TIOCLINUX)])]))?;
        }
        "chmod:setuid" => {
            for (name, listed, rules) in setuid() {
                add(name, listed, rules)?;
            }
        }
        // Of the caller itself, or asking only.
        "prlimit64:others" => {
            add("prlimit64", true, Vec::from([Vec::from([is(0, 0)]), Vec::from([null(2)])]))?
        }
        _ => {}
    }
    Ok(found)
}

/// One call's check as `seccompiler` builds it: allowed if some rule matches (`listed`), or refused if some does.
fn check(
    arch: Arch,
    number: u32,
    listed: bool,
    rules: Vec<Vec<Condition>>,
) -> Result<Vec<Instruction>, BuildError> {
    let refuse = SeccompAction::Errno(EPERM);
    let (matched, otherwise) =
        if listed { (SeccompAction::Allow, refuse) } else { (refuse, SeccompAction::Allow) };
    let mut chain = Vec::with_capacity(rules.len());
    for rule in rules {
        let mut conditions = Vec::with_capacity(rule.len());
        for (argument, width, op, value) in rule {
            conditions.push(SeccompCondition::new(argument, width, op, value)?);
        }
        chain.push(SeccompRule::new(conditions)?);
    }
    let filter =
        SeccompFilter::new(BTreeMap::from([(i64::from(number), chain)]), otherwise, matched, arch.target())?;
    let program: BpfProgram = filter.try_into()?;
    let program: Vec<Instruction> =
        program.iter().map(|i| Instruction { code: i.code, jt: i.jt, jf: i.jf, k: i.k }).collect();
    // arch check (3), load the number, compare it; the rules; the default twice (end of chain, end of program).
    match program.as_slice() {
        [_, _, _, load, compare, body @ .., last]
            if load.code == LD_W_ABS
                && load.k == OFFSET_NR
                && compare.code == JMP_JEQ
                && compare.k == number
                && compare.jt == 0
                && body.last() == Some(last)
                && last.code == RET_K =>
        {
            Ok(body.to_vec())
        }
        _ => Err(BuildError::Shape),
    }
}
