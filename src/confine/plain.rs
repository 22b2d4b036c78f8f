//! What of a plan cannot be kept without namespaces, by Landlock and seccomp alone.
//!
//! In: a plan and its layout. Out: its [`Obstacle`]s, the calls that are denied in place of namespaces, and what of the host's tree is never
//! granted. Not here: enforcing (`linux/`).
//!
//! Landlock grants a directory with everything below, so it cannot carve out below; it does not know files' attributes, signals
//! before ABI 6, or sockets. What it lacks is denied by the filter where that is exact, else it is an obstacle: some of these a plan can
//! accept as a [`Gap`], the others refuse.

use std::collections::BTreeSet;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use super::layout::{Layout, NodeKind};
use super::obstacle::{LEAST_ABI, Obstacle};
use super::plan::{Network, Plan, Promise, Requirement};

/// Places that in namespaces are the sandbox's own or masked, and without them are never granted as a part of what is above. (A named
/// device below /dev is the plan's business.)
const WITHHELD: [&str; 6] =
    ["/dev", "/proc", "/sys/firmware", "/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/security"];

/// Whether a place is withheld.
pub(crate) fn withheld(path: &Path) -> bool {
    WITHHELD.iter().any(|place| path == Path::new(place))
}

/// Whether something below a place is withheld.
pub(crate) fn around_withheld(path: &Path) -> bool {
    WITHHELD.iter().any(|place| path != Path::new(place) && Path::new(place).starts_with(path))
}

fn rank(kind: NodeKind) -> u8 {
    match kind {
        NodeKind::Mask | NodeKind::Skeleton => 0,
        NodeKind::Read => 1,
        NodeKind::Write | NodeKind::Private => 2,
    }
}

/// Everything that stands against keeping a plan without namespaces, accepted gaps included.
pub(crate) fn obstacles(plan: &Plan, layout: &Layout, landlock: i32) -> Vec<Obstacle> {
    let mut found = Vec::new();
    if plan.landlock == Requirement::Off || plan.seccomp == Requirement::Off {
        found.push(Obstacle::SwitchedOff);
    }
    if landlock < LEAST_ABI {
        found.push(Obstacle::OldLandlock(landlock));
    }
    found.extend(plan.private.iter().cloned().map(Obstacle::Private));
    let prevented = plan.missing.iter().filter(|missing| missing.promise == Promise::Prevent);
    found.extend(prevented.map(|missing| Obstacle::Preventable(missing.path.clone())));
    if plan.limits.processes.is_some() {
        found.push(Obstacle::ProcessLimit);
    }
    for (at, node) in layout.nodes.iter().enumerate() {
        if node.kind == NodeKind::Write && (around_withheld(&node.path) || withheld(&node.path)) {
            found.push(Obstacle::WritableMachine(node.path.clone()));
        }
        let above = layout.nodes.get(..at).unwrap_or_default();
        let Some(above) = above.iter().rfind(|other| node.path.starts_with(&other.path)) else { continue };
        if rank(node.kind) < rank(above.kind) {
            found.push(Obstacle::CarvedOut(node.path.clone(), above.path.clone()));
        }
    }
    found.extend([Obstacle::Survivors, Obstacle::HostProcesses]);
    let root = layout.nodes.first().map(|node| node.kind);
    if root != Some(NodeKind::Read) {
        found.push(Obstacle::Metadata);
    }
    if layout.nodes.iter().any(|node| node.kind == NodeKind::Write) {
        found.push(Obstacle::Attributes);
    }
    found
}

/// The system calls denied in place of namespaces, beside the plan's own.
pub(crate) fn denied(network: Network, attributes_open: bool) -> BTreeSet<String> {
    let always = [
        // Other ways to make sockets and files than those that the rest of the filter looks at.
        "io_uring_enter",
        "io_uring_register",
        "io_uring_setup",
        // The caller's keys.
        "add_key",
        "keyctl",
        "request_key",
        // Other processes, in ways of which Landlock does not know.
        "prlimit64:others",
        "sched:others",
        "migrate_pages",
        "move_pages",
        // The caller's terminal, and the host's shared memory and queues.
        "ioctl:terminal-input",
        "mq_getsetattr",
        "mq_notify",
        "mq_open",
        "mq_timedreceive",
        "mq_timedsend",
        "mq_unlink",
        "msgctl",
        "msgget",
        "msgrcv",
        "msgsnd",
        "semctl",
        "semget",
        "semop",
        "semtimedop",
        "shmat",
        "shmctl",
        "shmdt",
        "shmget",
        match network {
            Network::Off => "socket:all",
            Network::Full => "socket:local",
        },
    ];
    let attributes = [
        "chmod",
        "chown",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "fchown",
        "fchownat",
        "file_setattr",
        "fremovexattr",
        "fsetxattr",
        "futimesat",
        "ioctl:file-attributes",
        "lchown",
        "lremovexattr",
        "lsetxattr",
        "removexattr",
        "removexattrat",
        "setxattr",
        "setxattrat",
        "utime",
        "utimensat",
        "utimes",
    ];
    let attributes = attributes.into_iter().filter(|_| !attributes_open);
    always.into_iter().chain(attributes).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::super::layout::Node;
    use super::super::plan::{Access, Gap, Limits, Missing, MissingKind};
    use super::*;
    use std::path::PathBuf;

    fn node(path: &str, kind: NodeKind) -> Node {
        Node { path: path.into(), kind, directory: true, make: false, passing: false }
    }

    fn gaps(layout: &[Node], change: impl Fn(&mut Plan)) -> Option<Vec<Gap>> {
        let mut plan = Plan::nothing("/".into()).allow("/", Access::Read);
        change(&mut plan);
        let layout = Layout { nodes: layout.to_vec(), links: Vec::new() };
        obstacles(&plan, &layout, LEAST_ABI).iter().map(Obstacle::gap).collect()
    }

    #[test]
    fn a_plan_that_only_adds_access_downwards_needs_gaps_and_nothing_else() {
        let always = [Gap::Survivors, Gap::HostProcesses];
        assert_eq!(gaps(&[node("/", NodeKind::Read)], |_| ()).unwrap(), always);
        let writable = [node("/", NodeKind::Read), node("/w", NodeKind::Write)];
        assert_eq!(gaps(&writable, |_| ()).unwrap(), [Gap::Survivors, Gap::HostProcesses, Gap::Attributes]);
        let denied = [node("/", NodeKind::Skeleton), node("/usr", NodeKind::Read)];
        assert_eq!(gaps(&denied, |_| ()).unwrap(), [Gap::Survivors, Gap::HostProcesses, Gap::Metadata]);
    }

    #[test]
    fn what_no_gap_covers_is_refused() {
        let read = [node("/", NodeKind::Read)];
        for nodes in [
            &[node("/", NodeKind::Read), node("/h/.ssh", NodeKind::Mask)][..],
            &[node("/", NodeKind::Read), node("/w", NodeKind::Write), node("/w/.git", NodeKind::Read)],
            &[node("/", NodeKind::Write)],
            &[node("/", NodeKind::Read), node("/sys", NodeKind::Write)],
        ] {
            assert_eq!(gaps(nodes, |_| ()), None, "{nodes:?}");
        }
        assert_eq!(gaps(&read, |plan| plan.private.push("/tmp".into())), None);
        assert_eq!(gaps(&read, |plan| plan.landlock = Requirement::Off), None);
        let limits = Limits { processes: Some(1), ..Limits::default() };
        assert_eq!(gaps(&read, |plan| plan.limits = limits.clone()), None);
        let missing =
            Missing { path: PathBuf::from("/w/x"), kind: MissingKind::Name, promise: Promise::Prevent };
        assert_eq!(gaps(&read, |plan| plan.missing.push(missing.clone())), None);
        let plan = Plan::nothing("/".into());
        let layout = Layout { nodes: read.to_vec(), links: Vec::new() };
        assert!(obstacles(&plan, &layout, 5).iter().any(|obstacle| obstacle.gap().is_none()));
    }

    #[test]
    fn every_denied_word_is_known_to_the_filter() {
        for network in [Network::Off, Network::Full] {
            let words = denied(network, false);
            assert!(words.iter().all(|word| super::super::seccomp::is_word(word)), "{words:?}");
            assert!(denied(network, true).len() < words.len());
        }
    }
}
