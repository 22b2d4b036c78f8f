//! What of a plan cannot be kept without namespaces, by Landlock and seccomp alone.
//!
//! In: a plan and its layout. Out: its [`Obstacle`]s, the calls that are denied in place of namespaces, and what of the host's tree is never
//! granted. Not here: enforcing (`linux/`).
//!
//! Landlock grants a directory with everything below, so it cannot carve out below; it does not know files' attributes, signals
//! before ABI 6, or sockets. What it lacks is denied by the filter where that is exact, else it is an obstacle: some of these a plan can
//! accept as a [`Gap`], the others refuse.

use std::collections::BTreeSet;
use std::fmt;
use std::format;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;

use super::layout::{Kind, Layout};
use super::plan::{Gap, Network, Plan, Promise, Wall};

/// Something of a plan that cannot be kept without namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What, in words: a clause or a path, and why.
    pub what: String,
    /// The gap that a plan can accept to do without; `None` where nothing helps but namespaces or another plan.
    pub gap: Option<Gap>,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.gap {
            None => f.write_str(&self.what),
            Some(gap) => write!(f, "{} (gap `{}`)", self.what, gap.name()),
        }
    }
}

/// The Landlock of Linux 6.12: the first that keeps signals and abstract sockets inside.
pub(crate) const LEAST_ABI: i32 = 6;

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

fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Mask | Kind::Skeleton => 0,
        Kind::Read => 1,
        Kind::Write | Kind::Private => 2,
    }
}

/// Everything that stands against keeping a plan without namespaces, accepted gaps included.
pub(crate) fn obstacles(plan: &Plan, layout: &Layout, landlock: i32) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let mut add = |what: String, gap| found.push(Obstacle { what, gap });
    if plan.landlock == Wall::Off || plan.seccomp == Wall::Off {
        add("Landlock and seccomp are the only walls, and one is switched off".into(), None);
    }
    if landlock < LEAST_ABI {
        let what = format!(
            "signals to other processes need Landlock ABI {LEAST_ABI} (Linux 6.12), here it is {landlock}"
        );
        add(what, None);
    }
    for path in &plan.private {
        add(format!("{} cannot be made private", path.display()), None);
    }
    for missing in plan.missing.iter().filter(|missing| missing.promise == Promise::Prevent) {
        add(format!("{} cannot be kept from being made", missing.path.display()), None);
    }
    if plan.limits.processes.is_some() {
        add("the processes of the sandbox cannot be counted apart from the user's others".into(), None);
    }
    for (at, node) in layout.nodes.iter().enumerate() {
        let shown = node.path.display();
        if node.kind == Kind::Write && (around_withheld(&node.path) || withheld(&node.path)) {
            add(format!("{shown} is writable, and with it what belongs to the machine"), None);
        }
        let above = layout.nodes.get(..at).unwrap_or_default();
        let Some(above) = above.iter().rfind(|other| node.path.starts_with(&other.path)) else { continue };
        if rank(node.kind) < rank(above.kind) {
            add(format!("{shown} is carved out of {}", above.path.display()), None);
        }
    }
    add("what the command leaves running cannot be tied to a namespace".into(), Some(Gap::Survivors));
    add("/proc is the host's".into(), Some(Gap::HostProcesses));
    let root = layout.nodes.first().map(|node| node.kind);
    if root != Some(Kind::Read) {
        add("names and attributes of denied files cannot be hidden".into(), Some(Gap::Metadata));
    }
    if layout.nodes.iter().any(|node| node.kind == Kind::Write) {
        let what = "modes, owners and times cannot be kept outside the writable paths";
        add(what.to_string(), Some(Gap::Attributes));
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
    use super::super::plan::{Access, Limits, Missing, MissingKind};
    use super::*;
    use std::path::PathBuf;

    fn node(path: &str, kind: Kind) -> Node {
        Node { path: path.into(), kind, directory: true, make: false, passing: false }
    }

    fn gaps(layout: &[Node], change: impl Fn(&mut Plan)) -> Option<Vec<Gap>> {
        let mut plan = Plan::nothing("/".into()).allow("/", Access::Read);
        change(&mut plan);
        let layout = Layout { nodes: layout.to_vec(), links: Vec::new() };
        obstacles(&plan, &layout, LEAST_ABI).iter().map(|obstacle| obstacle.gap).collect()
    }

    #[test]
    fn a_plan_that_only_adds_access_downwards_needs_gaps_and_nothing_else() {
        let always = [Gap::Survivors, Gap::HostProcesses];
        assert_eq!(gaps(&[node("/", Kind::Read)], |_| ()).unwrap(), always);
        let writable = [node("/", Kind::Read), node("/w", Kind::Write)];
        assert_eq!(gaps(&writable, |_| ()).unwrap(), [Gap::Survivors, Gap::HostProcesses, Gap::Attributes]);
        let denied = [node("/", Kind::Skeleton), node("/usr", Kind::Read)];
        assert_eq!(gaps(&denied, |_| ()).unwrap(), [Gap::Survivors, Gap::HostProcesses, Gap::Metadata]);
    }

    #[test]
    fn what_no_gap_covers_is_refused() {
        let read = [node("/", Kind::Read)];
        for nodes in [
            &[node("/", Kind::Read), node("/h/.ssh", Kind::Mask)][..],
            &[node("/", Kind::Read), node("/w", Kind::Write), node("/w/.git", Kind::Read)],
            &[node("/", Kind::Write)],
            &[node("/", Kind::Read), node("/sys", Kind::Write)],
        ] {
            assert_eq!(gaps(nodes, |_| ()), None, "{nodes:?}");
        }
        assert_eq!(gaps(&read, |plan| plan.private.push("/tmp".into())), None);
        assert_eq!(gaps(&read, |plan| plan.landlock = Wall::Off), None);
        let limits = Limits { processes: Some(1), ..Limits::default() };
        assert_eq!(gaps(&read, |plan| plan.limits = limits.clone()), None);
        let missing =
            Missing { path: PathBuf::from("/w/x"), kind: MissingKind::Name, promise: Promise::Prevent };
        assert_eq!(gaps(&read, |plan| plan.missing.push(missing.clone())), None);
        let plan = Plan::nothing("/".into());
        let layout = Layout { nodes: read.to_vec(), links: Vec::new() };
        assert!(obstacles(&plan, &layout, 5).iter().any(|obstacle| obstacle.gap.is_none()));
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
