//! In: a profile. Out: its system calls as OCI seccomp JSON (runtime-spec 1.1, config-linux § Seccomp), which Docker and Podman load.
//! Not here: the filter that the runtime itself builds (`execpolicy_confine::seccomp`); the two are compared in tests.
//!
//! Calls are allowed unless an entry refuses them. In an entry all conditions must hold, and no two may be about one argument;
//! entries for one call are alternatives. "Anything but these values" is therefore written as the blocks of numbers around them.
//! Numbers that the library below does not know are its matter: runc answers ENOSYS for those newer than the newest that
//! a profile names, and the 32-bit interfaces, which are not listed, kill.

use super::json;
use crate::emit::Emitted;
use crate::lower::places::Host;
use crate::lower::targets::{Target, assess};
use execpolicy_profile::Profile;
use serde_json::{Value, json as value};

const EPERM: u64 = 1;
const ENOSYS: u64 = 38;
/// Calls that fail as if the kernel did not have them: every libc has a way around these (as in the runtime's filter).
const HIDDEN: [&str; 5] = ["clone3", "io_uring_enter", "io_uring_register", "io_uring_setup", "openat2"];
/// `CLONE_NEWTIME` and the other `CLONE_NEW*` (linux/sched.h), one bit each.
const NAMESPACES: [u32; 8] =
    [0x80, 0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
/// `PER_LINUX`, `PER_LINUX32`, both with `ADDR_NO_RANDOMIZE`, and the question (linux/personality.h).
const PERSONALITIES: [u32; 5] = [0, 8, 0x4_0000, 0x4_0008, u32::MAX];
const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const AF_NETLINK: u32 = 16;
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541C;
const O_CREAT: u32 = 0o100;
const O_TMPFILE: u32 = 0o20_000_000;
/// `S_ISUID`, `S_ISGID`.
const SET_ID: [u32; 2] = [0o4000, 0o2000];

/// One condition: the argument's bits under the mask are the value; or with no mask, the argument is not null.
type Condition = (u64, Option<(u32, u32)>);

/// Writes the profile.
#[must_use]
pub fn write<'p>(profile: &'p Profile, host: &Host) -> Emitted<'p> {
    let mut entries = Vec::new();
    for (errno, hidden) in [(EPERM, false), (ENOSYS, true)] {
        let mut names: Vec<&str> = profile.syscalls.iter().map(|rule| &*rule.name).collect();
        if names.contains(&"chmod:setuid") && !names.contains(&"openat2") {
            // Its mode lies in memory, where no filter sees it.
            names.push("openat2");
        }
        names.retain(|name| !name.contains(':') && HIDDEN.contains(name) == hidden);
        if !names.is_empty() {
            entries.push(entry(&names, errno, &[]));
        }
    }
    for rule in profile.syscalls.iter().filter(|rule| rule.name.contains(':')) {
        for (call, conditions) in conditions(&rule.name) {
            entries.push(entry(&[call], EPERM, &conditions));
        }
    }
    let whole = value!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": entries,
    });
    let gaps = assess(profile, host, Target::Oci);
    Emitted { bytes: json(&whole), gaps, says_gaps: false }
}

fn entry(names: &[&str], errno: u64, conditions: &[Condition]) -> Value {
    let mut entry = value!({ "names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": errno });
    if !conditions.is_empty() {
        let argument = |(index, test): &Condition| {
            let (first, second, op) = match test {
                Some((mask, value)) => (*mask, *value, "SCMP_CMP_MASKED_EQ"),
                None => (0, 0, "SCMP_CMP_NE"),
            };
            value!({ "index": index, "value": first, "valueTwo": second, "op": op })
        };
        entry["args"] = conditions.iter().map(argument).collect();
    }
    entry
}

/// When a call with a condition is refused: calls, each with conditions that must all hold.
fn conditions(word: &str) -> Vec<(&'static str, Vec<Condition>)> {
    let has = |index: u64, bit: u32| (index, Some((bit, bit)));
    let is = |index: u64, value: u32| (index, Some((u32::MAX, value)));
    let other = |index: u64, values: &[u32]| {
        let blocks = around(values).into_iter();
        blocks.map(move |block| (index, Some(block))).collect::<Vec<Condition>>()
    };
    let alone = |call: &'static str, conditions: Vec<Condition>| {
        conditions.into_iter().map(move |condition| (call, vec![condition])).collect::<Vec<_>>()
    };
    match word {
        // In clone(2) the lowest of these bits belongs to the signal.
        "clone:namespaces" => alone("clone", NAMESPACES[1..].iter().map(|bit| has(0, *bit)).collect()),
        "unshare:namespaces" => alone("unshare", NAMESPACES.iter().map(|bit| has(0, *bit)).collect()),
        "personality:unusual" => alone("personality", other(0, &PERSONALITIES)),
        "socket:unusual" => {
            let mut out = alone("socket", other(0, &[AF_UNIX, AF_INET, AF_INET6, AF_NETLINK]));
            // NETLINK_ROUTE is protocol 0.
            let routes = other(2, &[0]).into_iter();
            out.extend(routes.map(|protocol| ("socket", vec![is(0, AF_NETLINK), protocol])));
            out.extend(alone("socketpair", other(0, &[AF_UNIX])));
            out
        }
        "ioctl:terminal-input" => alone("ioctl", vec![is(1, TIOCSTI), is(1, TIOCLINUX)]),
        "prlimit64:others" => {
            let pids = other(0, &[0]).into_iter();
            pids.map(|pid| ("prlimit64", vec![pid, (2, None)])).collect()
        }
        "chmod:setuid" => {
            let mut out = Vec::new();
            for (call, mode) in [
                ("chmod", 1),
                ("fchmod", 1),
                ("fchmodat", 2),
                ("fchmodat2", 2),
                ("creat", 1),
                ("mknod", 1),
                ("mknodat", 2),
            ] {
                out.extend(alone(call, SET_ID.iter().map(|bit| has(mode, *bit)).collect()));
            }
            for (call, flags) in [("open", 1), ("openat", 2)] {
                for create in [O_CREAT, O_TMPFILE] {
                    for bit in SET_ID {
                        out.push((call, vec![has(flags, create), has(flags + 1, bit)]));
                    }
                }
            }
            out
        }
        // The front end knows no other condition.
        _ => Vec::new(),
    }
}

/// Every 32-bit number but these, as blocks: mask and value.
fn around(values: &[u32]) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    let mut open = vec![(0_u32, 0_u32)];
    while let Some((mask, value)) = open.pop() {
        if !values.iter().any(|known| known & mask == value) {
            out.push((mask, value));
        } else if mask != u32::MAX {
            let bit = 1 << (31 - mask.leading_ones());
            open.extend([(mask | bit, value), (mask | bit, value | bit)]);
        }
    }
    out.sort_unstable();
    out
}

#[cfg(test)]
mod tests {
    use super::around;

    #[test]
    fn blocks_are_everything_but_the_values() {
        let values = [1, 2, 10, 16, u32::MAX];
        let blocks = around(&values);
        let inside = |n: u32| blocks.iter().filter(|(mask, value)| n & mask == *value).count();
        for n in (0..5_000).chain(u32::MAX - 5_000..=u32::MAX).chain((0..32).map(|bit| 1 << bit)) {
            assert_eq!(inside(n), usize::from(!values.contains(&n)), "{n}");
        }
        assert!(blocks.len() < 100);
    }
}
