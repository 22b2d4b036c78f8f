//! The system calls the filter speaks of, with their numbers on both architectures.
//!
//! In: nothing. Out: [`SYSCALLS`], one row a call, and the ranges of numbers that exist. Not here:
//! what is done with them (`../seccomp.rs`).
//!
//! Numbers: the kernel's `arch/x86/entry/syscalls/syscall_64.tbl` and `scripts/syscall.tbl`. From 424 on
//! both architectures share them.

use super::Arch;

/// A named system call: name, x86_64 number, aarch64 number.
pub(super) type Row = (&'static str, Option<u32>, Option<u32>);

const fn both(name: &'static str, x86_64: u32, aarch64: u32) -> Row {
    (name, Some(x86_64), Some(aarch64))
}
const fn same(name: &'static str, number: u32) -> Row {
    (name, Some(number), Some(number))
}
const fn x86(name: &'static str, number: u32) -> Row {
    (name, Some(number), None)
}

/// Every call that some clause names.
pub(super) const SYSCALLS: &[Row] = &[
    both("acct", 163, 89),
    both("add_key", 248, 217),
    both("adjtimex", 159, 171),
    both("bpf", 321, 280),
    x86("chmod", 90),
    both("chroot", 161, 51),
    both("clock_adjtime", 305, 266),
    both("clock_settime", 227, 112),
    both("clone", 56, 220),
    same("clone3", 435),
    x86("creat", 85),
    x86("create_module", 174),
    both("delete_module", 176, 106),
    both("fanotify_init", 300, 262),
    both("fanotify_mark", 301, 263),
    both("fchmod", 91, 52),
    both("fchmodat", 268, 53),
    same("fchmodat2", 452),
    both("finit_module", 313, 273),
    same("fsconfig", 431),
    same("fsmount", 432),
    same("fsopen", 430),
    same("fspick", 433),
    x86("get_kernel_syms", 177),
    both("init_module", 175, 105),
    same("io_uring_enter", 426),
    same("io_uring_register", 427),
    same("io_uring_setup", 425),
    both("ioctl", 16, 29),
    x86("ioperm", 173),
    x86("iopl", 172),
    both("kcmp", 312, 272),
    both("kexec_file_load", 320, 294),
    both("kexec_load", 246, 104),
    both("keyctl", 250, 219),
    both("lookup_dcookie", 212, 18),
    same("lsm_set_self_attr", 460),
    both("migrate_pages", 256, 238),
    x86("mknod", 133),
    both("mknodat", 259, 33),
    x86("modify_ldt", 154),
    both("mount", 165, 40),
    same("mount_setattr", 442),
    same("move_mount", 429),
    both("move_pages", 279, 239),
    both("nfsservctl", 180, 42),
    x86("open", 2),
    both("open_by_handle_at", 304, 265),
    same("open_tree", 428),
    same("open_tree_attr", 467),
    both("openat", 257, 56),
    same("openat2", 437),
    both("perf_event_open", 298, 241),
    both("personality", 135, 92),
    same("pidfd_getfd", 438),
    both("pivot_root", 155, 41),
    same("process_madvise", 440),
    both("prlimit64", 302, 261),
    both("process_vm_readv", 310, 270),
    both("process_vm_writev", 311, 271),
    both("ptrace", 101, 117),
    x86("query_module", 178),
    both("quotactl", 179, 60),
    same("quotactl_fd", 443),
    both("reboot", 169, 142),
    both("request_key", 249, 218),
    both("setdomainname", 171, 162),
    both("sethostname", 170, 161),
    both("setns", 308, 268),
    both("settimeofday", 164, 170),
    both("socket", 41, 198),
    both("socketpair", 53, 199),
    both("swapoff", 168, 225),
    both("swapon", 167, 224),
    x86("_sysctl", 156),
    x86("sysfs", 139),
    both("syslog", 103, 116),
    both("umount2", 166, 39),
    both("unshare", 272, 97),
    x86("uselib", 134),
    both("userfaultfd", 323, 282),
    x86("ustat", 136),
    both("vhangup", 153, 58),
];

/// The number of a named call; `None` where the architecture does not have it.
pub(super) fn number(arch: Arch, name: &str) -> Option<u32> {
    let row = SYSCALLS.iter().find(|row| row.0 == name)?;
    match arch {
        Arch::X86_64 => row.1,
        Arch::Aarch64 => row.2,
    }
}

/// The numbers that Linux 6.18 gives out, as inclusive ranges in ascending order; everything else is
/// unknown, x32 numbers (bit 30) among it. The gaps: 335 (`uretprobe`) ends the old x86_64 numbers, 294 the
/// generic ones (244 to 259 are kept for architectures), and 387/403 to 423 belong to 32-bit time.
pub(super) fn known(arch: Arch) -> &'static [(u32, u32)] {
    match arch {
        Arch::X86_64 => &[(0, 335), (424, 469)],
        Arch::Aarch64 => &[(0, 243), (260, 294), (424, 469)],
    }
}
