//! From a plan to the list of things to put into the file view, in order.
//!
//! In: a [`Plan`] and the host's file tree (read once, here: symlinks are resolved now and never again). Out: a
//! [`Layout`]. Not here: mounting (`linux/mounts.rs`), and any path of a command or a request.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Component, Path, PathBuf};
use std::string::ToString;
use std::vec::Vec;

use super::error::{ConfineError, Reason, Step};
use super::plan::{Access, Plan};

/// What to put at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// Nothing readable: an empty thing of mode 0.
    Mask,
    /// Denied, but with visible things below: an unlistable directory that holds only these.
    Skeleton,
    /// The host's tree, read-only.
    Read,
    /// The host's tree.
    Write,
    /// An empty directory of its own.
    Private,
}

impl NodeKind {
    /// As it is reported.
    pub(crate) fn word(self) -> &'static str {
        match self {
            NodeKind::Mask => "mask",
            NodeKind::Skeleton => "skeleton",
            NodeKind::Read => "read",
            NodeKind::Write => "write",
            NodeKind::Private => "private",
        }
    }
}

/// One entry of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub path: PathBuf,
    pub kind: NodeKind,
    pub directory: bool,
    /// A private or skeleton directory is around it, so the place to mount on has to be made.
    pub make: bool,
    /// It is a socket of the host's, which may be gone at any time.
    pub passing: bool,
}

/// The view: nodes in the order in which they are mounted, the root first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub nodes: Vec<Node>,
    /// Symlinks (place, target text) to make in skeleton directories so that names spelt through them work.
    pub links: Vec<(PathBuf, PathBuf)>,
}

/// A symlink on the way of a path: where it is and what it says.
type Link = (PathBuf, PathBuf);

fn bad(path: &Path, reason: Reason) -> ConfineError {
    ConfineError::refused(Step::Plan, path.display().to_string(), reason)
}

/// Resolves every symlink of a path, keeping what was crossed.
fn resolve(path: &Path) -> Result<(PathBuf, Vec<Link>), ConfineError> {
    if !path.is_absolute() || path.components().any(|c| c == Component::ParentDir) {
        return Err(bad(path, Reason::NotAbsolute));
    }
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(bad(path, Reason::NulByte));
    }
    let mut links = Vec::new();
    let mut done = PathBuf::from("/");
    let mut todo: Vec<PathBuf> = path.components().rev().map(|c| PathBuf::from(c.as_os_str())).collect();
    while let Some(part) = todo.pop() {
        if part.as_os_str() == ".." {
            done.pop();
            continue;
        }
        let next = done.join(&part);
        let meta = fs::symlink_metadata(&next)
            .map_err(|e| ConfineError::new(Step::Resolve, next.display().to_string(), e))?;
        if !meta.is_symlink() {
            done = next;
            continue;
        }
        // 40 is the kernel's own limit (MAXSYMLINKS).
        if links.len() == 40 {
            return Err(ConfineError::new(
                Step::Resolve,
                path.display().to_string(),
                io::Error::from_raw_os_error(libc::ELOOP),
            ));
        }
        let target = fs::read_link(&next)
            .map_err(|e| ConfineError::new(Step::Resolve, next.display().to_string(), e))?;
        links.push((next, target.clone()));
        if target.is_absolute() {
            done = PathBuf::from("/");
        }
        todo.extend(
            target
                .components()
                .rev()
                .filter(|c| *c != Component::RootDir)
                .map(|c| PathBuf::from(c.as_os_str())),
        );
    }
    Ok((done, links))
}

/// What a path asks for: an access, or a private directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Access(Access),
    Private,
}

impl Wish {
    fn writable(self) -> bool {
        matches!(self, Wish::Private | Wish::Access(Access::Write))
    }
}

/// The wish that holds at a path: that of the nearest written path at or above it.
fn effective(wishes: &BTreeMap<PathBuf, Wish>, path: &Path) -> Wish {
    path.ancestors().find_map(|a| wishes.get(a)).copied().unwrap_or(Wish::Access(Access::Deny))
}

/// Paths that the sandbox makes itself; a plan can neither grant nor replace them.
const OWN: [&str; 4] = ["/proc", "/dev/pts", "/dev/shm", "/dev"];

impl Layout {
    /// Resolves and orders a plan's file view.
    pub(crate) fn of(plan: &Plan) -> Result<Layout, ConfineError> {
        let mut wishes: BTreeMap<PathBuf, Wish> = BTreeMap::new();
        let mut crossed: Vec<(Link, bool)> = Vec::new();
        let mut add = |path: &Path, wish: Wish| -> Result<(), ConfineError> {
            let (resolved, links) = resolve(path)?;
            if resolved.starts_with("/proc") || OWN.iter().any(|own| resolved == Path::new(own)) {
                // `deny /proc/kcore` and the like cost nothing: the sandbox's own /proc masks these.
                return Err(bad(path, Reason::OwnPlace));
            }
            let lowers = wish == Wish::Access(Access::Deny) || wish == Wish::Access(Access::Read);
            crossed.extend(links.into_iter().map(|link| (link, lowers)));
            match (wishes.get(&resolved).copied(), wish) {
                (None, _) => {
                    wishes.insert(resolved, wish);
                }
                (Some(old), new) if old == new => {}
                // Paths that coincide after resolution take the strictest.
                (Some(Wish::Access(old)), Wish::Access(new)) => {
                    wishes.insert(resolved, Wish::Access(old.min(new)));
                }
                (Some(_), _) => return Err(bad(path, Reason::PrivateAndAccess)),
            }
            Ok(())
        };
        for rule in &plan.paths {
            add(&rule.path, Wish::Access(rule.access))?;
        }
        for path in &plan.private {
            add(path, Wish::Private)?;
        }
        crossed.extend(plan.links.iter().map(|link| (link.clone(), false)));
        for ((place, _), lowers) in &crossed {
            let parent = place.parent().unwrap_or(Path::new("/"));
            let around = effective(&wishes, parent);
            // What is granted must not be for a command to say either; a link in a private directory is made anew.
            if around == Wish::Access(Access::Write) || *lowers && around.writable() {
                return Err(bad(place, Reason::ReplaceableLink));
            }
        }
        if effective(&wishes, Path::new("/")) == Wish::Private {
            return Err(bad(Path::new("/"), Reason::PrivateRoot));
        }
        pin(&mut wishes);
        let nodes = nodes(&wishes)?;
        let mut links: Vec<Link> = Vec::new();
        for (link, _) in crossed {
            let parent = link.0.parent().unwrap_or(Path::new("/"));
            let hidden = nodes
                .iter()
                .rfind(|n| parent.starts_with(&n.path))
                .is_some_and(|n| matches!(n.kind, NodeKind::Skeleton | NodeKind::Private));
            if hidden && !links.contains(&link) {
                links.push(link);
            }
        }
        Ok(Layout { nodes, links })
    }
}

/// A mount follows its directory when a parent is renamed, and a new directory can then be made at the old name. So
/// every directory between a writable root and a protected path below it is mounted onto itself: a mount point cannot be
/// renamed. A direct child of a writable root needs none.
fn pin(wishes: &mut BTreeMap<PathBuf, Wish>) {
    let protected: Vec<PathBuf> =
        wishes.iter().filter(|(_, w)| !w.writable()).map(|(path, _)| path.clone()).collect();
    for path in protected {
        for ancestor in path.ancestors().skip(1) {
            if wishes.contains_key(ancestor) || !effective(wishes, ancestor).writable() {
                break;
            }
            let above = effective(wishes, ancestor);
            // In a private directory there is nothing of the host's to be pinned.
            if above == Wish::Private {
                break;
            }
            wishes.insert(ancestor.to_path_buf(), Wish::Access(Access::Write));
        }
    }
}

impl Layout {
    /// The kind of the nearest node at or above a path.
    pub(crate) fn kind_at(&self, path: &Path) -> Option<NodeKind> {
        self.nodes.iter().rfind(|node| path.starts_with(&node.path)).map(|node| node.kind)
    }

    /// A connection to a socket on a read-only mount is not a write to the kernel, so the host's sockets that the view would
    /// show outside its writable trees are masked like denied files: those there are when the sandbox is built.
    pub(crate) fn mask_sockets(&mut self) {
        let Ok(table) = fs::read("/proc/net/unix") else { return };
        for line in table.split(|b| *b == b'\n') {
            let Some(start) = line.iter().position(|b| *b == b'/') else { continue };
            let Some(name) = line.get(start..) else { continue };
            let path = Path::new(std::ffi::OsStr::from_bytes(name));
            let is_socket = fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
            let Ok(path) = fs::canonicalize(path) else { continue };
            let known = self.nodes.iter().any(|node| node.path == path);
            if is_socket
                && !known
                && !OWN.iter().any(|own| path.starts_with(own))
                && self.kind_at(&path) == Some(NodeKind::Read)
            {
                let at = self.nodes.partition_point(|other| other.path < path);
                self.nodes.insert(
                    at,
                    Node { path, kind: NodeKind::Mask, directory: false, make: false, passing: true },
                );
            }
        }
    }

    /// Adds a read-only directory that exists now but did not when the layout was made.
    pub(crate) fn add_read_only(&mut self, path: &Path) {
        let node = Node {
            path: path.to_path_buf(),
            kind: NodeKind::Read,
            directory: true,
            make: false,
            passing: false,
        };
        let at = self.nodes.partition_point(|other| other.path < node.path);
        self.nodes.insert(at, node);
    }
}

fn nodes(wishes: &BTreeMap<PathBuf, Wish>) -> Result<Vec<Node>, ConfineError> {
    let mut nodes: Vec<Node> = Vec::with_capacity(wishes.len() + 1);
    let visible_below = |path: &Path| {
        wishes
            .range(path.to_path_buf()..)
            .any(|(p, w)| p != path && p.starts_with(path) && *w != Wish::Access(Access::Deny))
    };
    let root = effective(wishes, Path::new("/"));
    let kind = match root {
        Wish::Access(Access::Write) => NodeKind::Write,
        Wish::Access(Access::Read) => NodeKind::Read,
        _ => NodeKind::Skeleton,
    };
    nodes.push(Node { path: PathBuf::from("/"), kind, directory: true, make: false, passing: false });
    // `PathBuf` orders by component, so a parent comes before its children.
    for (path, wish) in wishes {
        if path == Path::new("/") {
            continue;
        }
        let parent = nodes.iter().rfind(|n| path.starts_with(&n.path)).map_or(kind, |n| n.kind);
        let meta = fs::symlink_metadata(path)
            .map_err(|e| ConfineError::new(Step::Resolve, path.display().to_string(), e))?;
        let kind = match wish {
            Wish::Access(Access::Deny) if parent == NodeKind::Skeleton => continue,
            Wish::Access(Access::Deny) if meta.is_dir() && visible_below(path) => NodeKind::Skeleton,
            Wish::Access(Access::Deny) => NodeKind::Mask,
            Wish::Access(Access::Read) => NodeKind::Read,
            Wish::Access(Access::Write) => NodeKind::Write,
            Wish::Private if meta.is_dir() => NodeKind::Private,
            Wish::Private => return Err(bad(path, Reason::PrivateFile)),
        };
        // Reading below a readable tree changes nothing. Not so for Write: pins are writes below writes.
        if kind == NodeKind::Read && parent == NodeKind::Read {
            continue;
        }
        let make = matches!(parent, NodeKind::Skeleton | NodeKind::Private);
        if make && kind == NodeKind::Mask {
            continue;
        }
        nodes.push(Node { path: path.clone(), kind, directory: meta.is_dir(), make, passing: false });
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Tree(PathBuf);
    impl Tree {
        fn new(name: &str) -> Tree {
            let path = std::env::temp_dir().join(std::format!("layout-{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("ws/sub/.git")).unwrap();
            fs::create_dir_all(path.join("ws/.git")).unwrap();
            fs::write(path.join("ws/.env"), "x").unwrap();
            Tree(fs::canonicalize(path).unwrap())
        }
        fn plan(&self) -> Plan {
            Plan::nothing("/".into()).allow("/", Access::Read).allow(self.0.join("ws"), Access::Write)
        }
    }
    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
    fn shown(layout: &Layout, below: &Path) -> Vec<(PathBuf, NodeKind)> {
        let within = layout.nodes.iter().filter(|n| n.path.starts_with(below));
        within.map(|n| (n.path.strip_prefix(below).unwrap().to_path_buf(), n.kind)).collect()
    }

    #[test]
    fn a_nested_protected_path_is_pinned_and_a_direct_child_is_not() {
        let tree = Tree::new("pin");
        let plan = tree
            .plan()
            .allow(tree.0.join("ws/.git"), Access::Read)
            .allow(tree.0.join("ws/sub/.git"), Access::Read)
            .allow(tree.0.join("ws/.env"), Access::Deny);
        let layout = Layout::of(&plan).unwrap();
        let expected = [
            ("ws", NodeKind::Write),
            ("ws/.env", NodeKind::Mask),
            ("ws/.git", NodeKind::Read),
            ("ws/sub", NodeKind::Write),
            ("ws/sub/.git", NodeKind::Read),
        ];
        assert_eq!(shown(&layout, &tree.0), expected.map(|(p, k)| (PathBuf::from(p), k)));
    }

    #[test]
    fn a_protected_symlink_in_a_writable_directory_is_refused() {
        let tree = Tree::new("link");
        symlink(".git", tree.0.join("ws/link")).unwrap();
        let refused = Layout::of(&tree.plan().allow(tree.0.join("ws/link"), Access::Read)).unwrap_err();
        assert_eq!(refused.step, Step::Plan);
    }

    #[test]
    fn nothing_is_granted_through_a_symlink_in_a_writable_directory() {
        let tree = Tree::new("grant");
        symlink("/etc", tree.0.join("ws/etc")).unwrap();
        let plan = tree.plan().allow(tree.0.join("ws/etc"), Access::Write);
        assert_eq!(Layout::of(&plan).unwrap_err().step, Step::Plan);
    }

    #[test]
    fn a_denied_root_shows_only_what_is_named() {
        let tree = Tree::new("deny");
        let plan = Plan::nothing("/".into()).allow(tree.0.join("ws"), Access::Write);
        let layout = Layout::of(&plan).unwrap();
        assert_eq!(layout.nodes.first().unwrap().kind, NodeKind::Skeleton);
        assert!(layout.nodes.last().unwrap().make);
        assert_eq!(layout.nodes.len(), 2);
    }

    #[test]
    fn paths_that_coincide_take_the_strictest_and_proc_is_refused() {
        let tree = Tree::new("same");
        symlink(tree.0.join("ws"), tree.0.join("alias")).unwrap();
        let plan = tree.plan().allow(tree.0.join("alias"), Access::Read);
        assert!(shown(&Layout::of(&plan).unwrap(), &tree.0).is_empty());
        assert!(Layout::of(&tree.plan().allow("/proc/sys", Access::Write)).is_err());
        assert!(Layout::of(&tree.plan().allow("relative", Access::Write)).is_err());
        assert!(Layout::of(&tree.plan().allow("/nowhere-at-all", Access::Read)).is_err());
    }
}
