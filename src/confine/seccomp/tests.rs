//! The filter against its clauses, call by call, in an emulator and once in the kernel's own words.

use super::emulator::{Call, run};
use super::*;
use std::collections::BTreeSet;

const ALLOW: u32 = RET_ALLOW;
const NO: u32 = RET_ERRNO | EPERM;
const UNKNOWN: u32 = RET_ERRNO | ENOSYS;

fn all() -> BTreeSet<Group> {
    Group::ALL.into_iter().collect()
}

fn words(groups: &BTreeSet<Group>) -> impl Iterator<Item = &'static str> {
    groups.iter().flat_map(|group| group.words()).copied()
}

#[test]
fn a_call_denied_by_name_is_refused_and_an_unknown_word_is_no_program() {
    let program = build(Arch::X86_64, ["getppid", "clone", "clone:namespaces"]).unwrap();
    for (nr, expected) in [(110, NO), (56, NO), (39, ALLOW)] {
        let call = Call { nr, arch: Arch::X86_64.audit(), args: [0; 6] };
        assert_eq!(run(program.instructions(), &call).0, expected);
    }
    assert!(matches!(build(Arch::X86_64, ["fork bomb"]), Err(BuildError::Unknown(_))));
    assert!(Group::all_words().iter().all(|word| is_word(word)));
}

/// The name of each number.
fn names(arch: Arch) -> &'static [Option<&'static str>] {
    static NAMES: [std::sync::OnceLock<Vec<Option<&'static str>>>; 2] =
        [const { std::sync::OnceLock::new() }; 2];
    NAMES[usize::from(arch == Arch::X86_64)].get_or_init(|| {
        let mut names = std::vec![None; 470];
        for (name, ..) in syscalls::SYSCALLS {
            if let Some(number) = syscalls::number(arch, name) {
                names[number as usize] = Some(*name);
            }
        }
        names
    })
}

/// The clause list in plain words: what each named call gets. Written apart from the builder on purpose.
fn expected(arch: Arch, groups: &BTreeSet<Group>, nr: u32, args: &[u64; 6]) -> u32 {
    let known = match arch {
        Arch::X86_64 => nr <= 335 || (424..470).contains(&nr),
        Arch::Aarch64 => nr <= 243 || (260..295).contains(&nr) || (424..470).contains(&nr),
    };
    if !known {
        return UNKNOWN;
    }
    let Some(name) = names(arch).get(nr as usize).copied().flatten() else { return ALLOW };
    let low = args.map(|arg| arg as u32);
    let on = |group| groups.contains(&group);
    let suid = |mode: u32| if mode & 0o6000 != 0 { NO } else { ALLOW };
    let (group, result) = match name {
        "ptrace" | "kcmp" | "perf_event_open" | "pidfd_getfd" | "process_madvise" | "process_vm_readv"
        | "process_vm_writev" => (Group::Debug, NO),
        "mount" | "umount2" | "pivot_root" | "chroot" | "open_tree" | "open_tree_attr" | "move_mount"
        | "fsopen" | "fsconfig" | "fsmount" | "fspick" | "mount_setattr" | "open_by_handle_at"
        | "fanotify_init" | "fanotify_mark" => (Group::Mount, NO),
        "prlimit64" => (Group::Debug, if low[0] == 0 || args[2] == 0 { ALLOW } else { NO }),
        "keyctl" | "add_key" | "request_key" => (Group::Keyring, NO),
        "setns" => (Group::Namespaces, NO),
        "clone3" => (Group::Namespaces, UNKNOWN),
        "clone" => (Group::Namespaces, if low[0] & 0x7E02_0000 != 0 { NO } else { ALLOW }),
        "unshare" => (Group::Namespaces, if low[0] & 0x7E02_0080 != 0 { NO } else { ALLOW }),
        "bpf" | "userfaultfd" | "modify_ldt" | "move_pages" | "migrate_pages" => (Group::Exploit, NO),
        "io_uring_setup" | "io_uring_enter" | "io_uring_register" => (Group::Exploit, UNKNOWN),
        "personality" => {
            let fine = [0, 8, 0x40000, 0x40008, u32::MAX].contains(&low[0]);
            (Group::Exploit, if fine { ALLOW } else { NO })
        }
        "socket" => {
            let fine = matches!(low[0], 1 | 2 | 10) || low[0] == 16 && low[2] == 0;
            (Group::Sockets, if fine { ALLOW } else { NO })
        }
        "socketpair" => (Group::Sockets, if low[0] == 1 { ALLOW } else { NO }),
        "ioctl" => (Group::Terminal, if matches!(low[1], 0x5412 | 0x541C) { NO } else { ALLOW }),
        "chmod" | "fchmod" | "creat" | "mknod" => (Group::Setuid, suid(low[1])),
        "fchmodat" | "fchmodat2" | "mknodat" => (Group::Setuid, suid(low[2])),
        "open" | "openat" => {
            let at = usize::from(name == "openat") + 1;
            let creates = low[at] & (0o100 | 0o20_000_000) != 0;
            (Group::Setuid, if creates { suid(low[at + 1]) } else { ALLOW })
        }
        "openat2" => (Group::Setuid, UNKNOWN),
        name if Group::Kernel.words().contains(&name) => (Group::Kernel, NO),
        _ => return ALLOW,
    };
    if on(group) { result } else { ALLOW }
}

/// Values that some clause compares with, their neighbours, and the same with the high half set.
fn arguments() -> Vec<u64> {
    let mut values = Vec::new();
    for base in [
        0,
        1,
        2,
        3,
        8,
        9,
        10,
        16,
        17,
        40,
        0x80,
        0x100,
        0o100,
        0o644,
        0o755,
        0o1777,
        0o2000,
        0o4000,
        0o4755,
        0o6777,
        0x541B,
        0x5412,
        0x5413,
        0x541C,
        0x20000,
        0x40000,
        0x40008,
        0x40009,
        0x0200_0000,
        0x0400_0000,
        0x0800_0000,
        0x1000_0000,
        0x2000_0000,
        0x4000_0000,
        0x7E02_0000,
        0x0041_0000,
        0x0041_0002,
        0o102,
        0xFFFF_FFFF,
        0x0100_0011,
    ] {
        values.push(base);
        values.push(base | 0x1_0000_0000);
        values.push(base | 0xFFFF_FFFF_0000_0000);
    }
    values
}

fn compare(arch: Arch, groups: &BTreeSet<Group>, numbers: impl Iterator<Item = u32>, deep: bool) {
    let program = build(arch, words(groups)).unwrap();
    let values = arguments();
    for nr in numbers {
        let check = |args: [u64; 6]| {
            let (got, _) = run(program.instructions(), &Call { nr, arch: arch.audit(), args });
            assert_eq!(got, expected(arch, groups, nr, &args), "{arch:?} nr {nr} args {args:x?}");
        };
        check([0; 6]);
        check([u64::MAX; 6]);
        if !deep {
            continue;
        }
        for &a in &values {
            check([a; 6]);
            for position in 0..6 {
                let mut args = [0; 6];
                args[position] = a;
                check(args);
            }
        }
    }
}

#[test]
fn every_number_and_the_argument_values_that_matter_get_what_the_clauses_say() {
    for arch in [Arch::X86_64, Arch::Aarch64] {
        compare(arch, &all(), 0..1100, true);
        // x32, negative numbers and every power of two.
        compare(arch, &all(), (0..600).map(|n| 0x4000_0000 | n), false);
        compare(arch, &all(), (0..600).map(|n| u32::MAX - n), false);
        compare(arch, &all(), (0..32).map(|n| 1 << n), false);
    }
}

#[test]
fn pairs_of_arguments_are_checked_together() {
    let values = arguments();
    for arch in [Arch::X86_64, Arch::Aarch64] {
        let program = build(arch, words(&all())).unwrap();
        for name in ["socket", "open", "openat", "ioctl", "mknodat", "fchmodat", "prlimit64"] {
            let Some(nr) = syscalls::number(arch, name) else { continue };
            for &a in &values {
                for &b in &values {
                    for (i, j) in [(0, 1), (0, 2), (1, 2), (2, 3)] {
                        let mut args = [0; 6];
                        args[i] = a;
                        args[j] = b;
                        let (got, _) = run(program.instructions(), &Call { nr, arch: arch.audit(), args });
                        assert_eq!(got, expected(arch, &all(), nr, &args), "{name} {args:x?}");
                    }
                }
            }
        }
    }
}

#[test]
fn each_group_alone_and_each_group_missing_is_exact() {
    for arch in [Arch::X86_64, Arch::Aarch64] {
        compare(arch, &BTreeSet::new(), 0..500, true);
        for group in Group::ALL {
            compare(arch, &BTreeSet::from([group]), 0..500, true);
            let mut rest = all();
            rest.remove(&group);
            compare(arch, &rest, 0..500, true);
        }
    }
}

#[test]
fn a_foreign_architecture_kills_the_process() {
    let i386 = 0x4000_0003;
    let arm = 0x4000_0028;
    for (arch, other) in [(Arch::X86_64, Arch::Aarch64), (Arch::Aarch64, Arch::X86_64)] {
        let program = build(arch, words(&all())).unwrap();
        for foreign in [i386, arm, other.audit(), 0, u32::MAX] {
            for nr in [0, 1, 11, 20, 120, u32::MAX] {
                let (got, _) = run(program.instructions(), &Call { nr, arch: foreign, args: [0; 6] });
                assert_eq!(got, RET_KILL_PROCESS);
            }
        }
    }
}

/// The conditions of a sandbox without namespaces, beside every group: where two words check one call, the stricter holds.
#[test]
fn the_words_of_a_sandbox_without_namespaces_are_exact_beside_all_others() {
    let added = |word: &str, name: &str, low: [u32; 6]| match (word, name) {
        ("ioctl:file-attributes", "ioctl") => [0x54, 0x89].contains(&(low[1] >> 8 & 0xFF)),
        ("sched:others", "sched_setaffinity" | "sched_setattr" | "sched_setparam" | "sched_setscheduler") => {
            low[0] == 0
        }
        ("sched:others", "setpriority") => low[0] == 0 && low[1] == 0,
        ("sched:others", "ioprio_set") => low[0] == 1 && low[1] == 0,
        ("socket:all", "socket") => false,
        ("socket:local", "socket") => matches!(low[0], 2 | 10) || low[0] == 16 && low[2] == 0,
        ("socket:all" | "socket:local", "socketpair") => low[0] == 1 && matches!(low[1] & 0xF, 1 | 5),
        _ => true,
    };
    let mut values = arguments();
    values.extend([0x8905, 5, 0x80001, 0x80002, 0x4008_6602, 0x401C_5820, 0x4004_9409, 0x5401, 0x4004_7211]);
    for arch in [Arch::X86_64, Arch::Aarch64] {
        for word in ["ioctl:file-attributes", "sched:others", "socket:all", "socket:local"] {
            for groups in [all(), BTreeSet::new()] {
                let program = build(arch, words(&groups).chain([word])).unwrap();
                for nr in 0..500 {
                    let name = names(arch).get(nr as usize).copied().flatten().unwrap_or_default();
                    for &a in &values {
                        for &b in &values {
                            let args = [a, b, 0, 0, 0, 0];
                            let (got, _) =
                                run(program.instructions(), &Call { nr, arch: arch.audit(), args });
                            let plain = expected(arch, &groups, nr, &args);
                            let allowed = added(word, name, args.map(|arg| arg as u32));
                            let wanted = if plain == ALLOW && !allowed { NO } else { plain };
                            assert_eq!(got, wanted, "{arch:?} {word} {name} {args:x?}");
                        }
                        if !["ioctl", "socket", "socketpair", "setpriority", "ioprio_set"].contains(&name) {
                            break;
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_program_is_small_and_shallow() {
    for arch in [Arch::X86_64, Arch::Aarch64] {
        let program = build(arch, words(&all())).unwrap();
        assert!(program.instructions().len() < 400, "{}", program.instructions().len());
        let steps: usize = (0..470)
            .map(|nr| run(program.instructions(), &Call { nr, arch: arch.audit(), args: [0; 6] }).1)
            .sum();
        assert!(steps / 470 < 18, "mean {} steps", steps / 470);
    }
}

#[test]
fn the_numbers_of_this_machine_agree_with_libc() {
    let Some(arch) = Arch::native() else { return };
    for (name, number) in [
        ("ptrace", libc::SYS_ptrace),
        ("mount", libc::SYS_mount),
        ("umount2", libc::SYS_umount2),
        ("keyctl", libc::SYS_keyctl),
        ("clone", libc::SYS_clone),
        ("clone3", libc::SYS_clone3),
        ("unshare", libc::SYS_unshare),
        ("setns", libc::SYS_setns),
        ("socket", libc::SYS_socket),
        ("socketpair", libc::SYS_socketpair),
        ("ioctl", libc::SYS_ioctl),
        ("personality", libc::SYS_personality),
        ("fchmod", libc::SYS_fchmod),
        ("fchmodat", libc::SYS_fchmodat),
        ("openat", libc::SYS_openat),
        ("openat2", libc::SYS_openat2),
        ("mknodat", libc::SYS_mknodat),
        ("bpf", libc::SYS_bpf),
        ("userfaultfd", libc::SYS_userfaultfd),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("process_vm_readv", libc::SYS_process_vm_readv),
        ("kexec_load", libc::SYS_kexec_load),
        ("reboot", libc::SYS_reboot),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("move_pages", libc::SYS_move_pages),
        ("finit_module", libc::SYS_finit_module),
        ("syslog", libc::SYS_syslog),
    ] {
        assert_eq!(syscalls::number(arch, name).map(i64::from), Some(number), "{name}");
    }
}
