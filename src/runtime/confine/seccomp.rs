//! The system-call filter: which calls a confined command may not make.
//!
//! In: the words a plan denies and an architecture. Out: one classic-BPF program ([`Program`]). Not here:
//! installing it (`linux/`), paths and addresses (mounts, Landlock and the network namespace carry those).
//!
//! The shape: a foreign architecture kills the process; a number outside the known ranges (x32 and calls newer than
//! this file included) is ENOSYS, which keeps a deny-list honest on later kernels; the named calls get their
//! errno or an argument check; the rest is allowed. `seccompiler` builds each argument check. It has one action per
//! filter, compares numbers one by one and lets unknown ones through, so the checks are linked here by a binary search
//! over the numbers: a short path per call, which is what installing costs (the kernel walks the filter
//! once for each number).

mod syscalls;

#[cfg(test)]
mod emulator;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::string::String;
use std::vec::Vec;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

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
    fn audit(self) -> u32 {
        match self {
            Arch::X86_64 => 0xC000_003E,
            Arch::Aarch64 => 0xC000_00B7,
        }
    }

    fn target(self) -> TargetArch {
        match self {
            Arch::X86_64 => TargetArch::x86_64,
            Arch::Aarch64 => TargetArch::aarch64,
        }
    }
}

/// A group of calls that a plan denies together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Looking into other processes: `ptrace`, `process_vm_*`, `pidfd_getfd`, `kcmp`, `process_madvise`,
    /// `perf_event_open`; and setting limits of another (`prlimit64`, which no capability guards among processes of one user).
    Debug,
    /// Changing the file tree: `mount` and its kin, `chroot`, `pivot_root`, `open_by_handle_at`, fanotify.
    Mount,
    /// `keyctl`, `add_key`, `request_key`.
    Keyring,
    /// New namespaces by `clone`, `unshare`, `setns`; `clone3` is ENOSYS because its flags lie in memory.
    Namespaces,
    /// The machine as a whole: modules, kexec, reboot, swap, clocks, quotas, host name, I/O ports, the kernel log.
    Kernel,
    /// Interfaces that were the road of many kernel exploits: `bpf`, `userfaultfd`, io_uring, `modify_ldt`, odd personalities.
    Exploit,
    /// Socket families other than UNIX, INET, INET6 and NETLINK_ROUTE (vsock reaches the hypervisor).
    Sockets,
    /// Typing into a terminal: `TIOCSTI`, `TIOCLINUX`.
    Terminal,
    /// Making a file set-user-ID or set-group-ID, by any call that takes a mode (`openat2`, whose mode lies in memory, is ENOSYS).
    Setuid,
}

impl Group {
    /// Every group, in order.
    pub const ALL: [Group; 9] = [
        Group::Debug,
        Group::Mount,
        Group::Keyring,
        Group::Namespaces,
        Group::Kernel,
        Group::Exploit,
        Group::Sockets,
        Group::Terminal,
        Group::Setuid,
    ];

    /// The name used in a status report and in an encoded plan.
    pub fn name(self) -> &'static str {
        match self {
            Group::Debug => "debug",
            Group::Mount => "mount",
            Group::Keyring => "keyring",
            Group::Namespaces => "namespaces",
            Group::Kernel => "kernel",
            Group::Exploit => "exploit",
            Group::Sockets => "sockets",
            Group::Terminal => "terminal",
            Group::Setuid => "setuid",
        }
    }

    /// The words of the calls it denies.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Group::Debug => &[
                "kcmp",
                "perf_event_open",
                "pidfd_getfd",
                "prlimit64:others",
                "process_madvise",
                "process_vm_readv",
                "process_vm_writev",
                "ptrace",
            ],
            Group::Mount => &[
                "chroot",
                "fanotify_init",
                "fanotify_mark",
                "fsconfig",
                "fsmount",
                "fsopen",
                "fspick",
                "mount",
                "mount_setattr",
                "move_mount",
                "open_by_handle_at",
                "open_tree",
                "open_tree_attr",
                "pivot_root",
                "umount2",
            ],
            Group::Keyring => &["add_key", "keyctl", "request_key"],
            Group::Namespaces => &["clone3", "clone:namespaces", "setns", "unshare:namespaces"],
            Group::Kernel => &[
                "_sysctl",
                "acct",
                "adjtimex",
                "clock_adjtime",
                "clock_settime",
                "create_module",
                "delete_module",
                "finit_module",
                "get_kernel_syms",
                "init_module",
                "ioperm",
                "iopl",
                "kexec_file_load",
                "kexec_load",
                "lookup_dcookie",
                "lsm_set_self_attr",
                "nfsservctl",
                "query_module",
                "quotactl",
                "quotactl_fd",
                "reboot",
                "setdomainname",
                "sethostname",
                "settimeofday",
                "swapoff",
                "swapon",
                "sysfs",
                "syslog",
                "uselib",
                "ustat",
                "vhangup",
            ],
            Group::Exploit => &[
                "bpf",
                "io_uring_enter",
                "io_uring_register",
                "io_uring_setup",
                "migrate_pages",
                "modify_ldt",
                "move_pages",
                "personality:unusual",
                "userfaultfd",
            ],
            Group::Sockets => &["socket:unusual"],
            Group::Terminal => &["ioctl:terminal-input"],
            Group::Setuid => &["chmod:setuid"],
        }
    }

    /// The words of every group: the filter of a plan that says nothing else.
    pub fn all_words() -> BTreeSet<String> {
        Group::ALL.into_iter().flat_map(Group::words).map(|word| String::from(*word)).collect()
    }
}

/// Calls that fail as if the kernel did not have them, because every libc has a way around these.
const HIDDEN: [&str; 5] = ["clone3", "io_uring_enter", "io_uring_register", "io_uring_setup", "openat2"];

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

/// Whether a word can be denied.
pub fn is_word(word: &str) -> bool {
    CONDITIONS.contains(&word) || syscalls::exists(word)
}

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
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

const RET_ALLOW: u32 = 0x7FFF_0000;
const RET_KILL_PROCESS: u32 = 0x8000_0000;
const RET_ERRNO: u32 = 0x0005_0000;

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

const LD_W_ABS: u16 = 0x20;
const JMP_JA: u16 = 0x05;
const JMP_JEQ: u16 = 0x15;
const JMP_JGE: u16 = 0x35;
const RET_K: u16 = 0x06;

const OFFSET_NR: u32 = 0;
const OFFSET_ARCH: u32 = 4;

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
        for (number, body) in checks(arch, word)? {
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

/// Argument number, width, comparison, value.
type Condition = (u8, Len, Op, u64);
type Checks = Vec<(u32, Vec<Instruction>)>;

/// The argument checks of a word. Arguments are compared by their low 32 bits, as the kernel reads these; pointers by all 64.
fn checks(arch: Arch, word: &str) -> Result<Checks, BuildError> {
    let mut found = Vec::new();
    let mut add = |name: &str, listed: bool, rules: Vec<Vec<Condition>>| -> Result<(), BuildError> {
        if let Some(number) = syscalls::number(arch, name) {
            found.push((number, check(arch, number, listed, rules)?));
        }
        Ok(())
    };
    let is = |argument, value| (argument, Len::Dword, Op::Eq, value);
    let has = |argument, bit| (argument, Len::Dword, Op::MaskedEq(bit), bit);
    let lacks = |argument, bits| (argument, Len::Dword, Op::MaskedEq(bits), 0);
    let null = |argument| (argument, Len::Qword, Op::Eq, 0);
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
            for (name, mode) in [
                ("chmod", 1),
                ("fchmod", 1),
                ("fchmodat", 2),
                ("fchmodat2", 2),
                ("creat", 1),
                ("mknod", 1),
                ("mknodat", 2),
            ] {
                add(name, true, Vec::from([Vec::from([lacks(mode, S_ISUID | S_ISGID)])]))?;
            }
            for (name, flags) in [("open", 1), ("openat", 2)] {
                let mut rules = Vec::new();
                for create in [O_CREAT, O_TMPFILE] {
                    for bit in [S_ISUID, S_ISGID] {
                        rules.push(Vec::from([has(flags, create), has(flags + 1, bit)]));
                    }
                }
                add(name, false, rules)?;
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
