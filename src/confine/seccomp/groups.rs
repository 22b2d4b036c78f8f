//! The groups of calls that a plan denies, all of them if it says nothing else.
//!
//! In: nothing. Out: [`Group`], each with the words it stands for. Not here: what a word means (`conditions.rs`, `syscalls.rs`), and the
//! sets of the sandbox language (`stdlib/sandbox/syscalls.set`).

use std::collections::BTreeSet;
use std::string::String;

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
