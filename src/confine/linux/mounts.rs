//! Puts a layout in place: the file view of the new mount namespace.
//!
//! In: a [`Layout`], inside fresh user and mount namespaces. Out: the view, or the path at which it failed. Not here:
//! Landlock and everything that is not a file.
//!
//! Sources are opened (never through a symlink) and cloned before anything is covered; then the root becomes read-only
//! in one recursive call, and the nodes are attached parents first.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::string::ToString;
use std::vec::Vec;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags};

use super::super::error::{ConfineError, Reason, Step};
use super::super::layout::{Layout, Node, NodeKind};
use super::sys;

/// Devices that every command may use, bound from the host.
pub(super) const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Global knobs in a new /proc that belong to the machine, not to the namespace: read-only, which matters most for root.
const PROC_READ_ONLY: [&str; 7] = ["sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "asound"];

/// Files of /proc and /sys that tell about the kernel or other users: masked.
const KERNEL_MASKED: [&str; 14] = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/kmsg",
    "/proc/kallsyms",
    "/proc/kpagecount",
    "/proc/kpageflags",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/firmware",
    "/sys/kernel/debug",
];

fn at(path: &Path, error: impl Into<io::Error>) -> ConfineError {
    ConfineError::new(Step::Mount, path.display().to_string(), error)
}

/// A view: its root directory.
pub(super) struct View {
    root: OwnedFd,
}

impl View {
    /// Opens a path of the view, following no symlink.
    pub(super) fn open(&self, path: &Path) -> Result<OwnedFd, ConfineError> {
        let relative = path.strip_prefix("/").unwrap_or(path);
        let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
        rustix::fs::openat2(
            &self.root,
            relative,
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::NO_SYMLINKS | ResolveFlags::IN_ROOT,
        )
        .map_err(|e| at(path, e))
    }

    fn attach(&self, tree: &OwnedFd, path: &Path) -> Result<(), ConfineError> {
        let target = self.open(path)?;
        attach(tree, &target).map_err(|e| at(path, e))
    }

    /// Makes a directory or an empty file to mount on, with its parents.
    fn make(&self, path: &Path, directory: bool) -> Result<(), ConfineError> {
        let mut made = PathBuf::from("/");
        for part in path.strip_prefix("/").unwrap_or(path) {
            let parent = self.open(&made)?;
            made.push(part);
            let last = made == path;
            let result = if last && !directory {
                let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                rustix::fs::openat(&parent, part, flags, Mode::from_raw_mode(0o600)).map(drop)
            } else {
                rustix::fs::mkdirat(&parent, part, Mode::from_raw_mode(0o755))
            };
            match result {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                // A parent that exists on the host's read-only tree.
                Err(rustix::io::Errno::ROFS) if self.open(&made).is_ok() => {}
                Err(e) => return Err(at(&made, e)),
            }
        }
        Ok(())
    }
}

/// Clones the tree at an open path, submounts included.
fn clone_tree(source: BorrowedFd<'_>, recursive: bool) -> io::Result<OwnedFd> {
    let mut flags =
        OpenTreeFlags::AT_EMPTY_PATH | OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    Ok(rustix::mount::open_tree(source, c"", flags)?)
}

/// A new file system, detached.
fn new_filesystem(kind: &CStr, options: &[(&CStr, &str)], extra: MountAttrFlags) -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        rustix::mount::fsconfig_set_string(context.as_fd(), *key, *value)?;
    }
    rustix::mount::fsconfig_create(context.as_fd())?;
    Ok(rustix::mount::fsmount(
        context.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_NOSUID | extra,
    )?)
}

fn tmpfs(mode: &str, size: Option<u64>) -> io::Result<OwnedFd> {
    let size = size.map(|bytes| bytes.to_string());
    let mut options = Vec::from([(c"mode", mode)]);
    if let Some(size) = &size {
        options.push((c"size", size));
    }
    new_filesystem(c"tmpfs", &options, MountAttrFlags::MOUNT_ATTR_NODEV)
}

/// The number of the mount that an open path lies on.
pub(super) fn mount_id(fd: &OwnedFd) -> io::Result<u64> {
    let stat = rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
    Ok(stat.stx_mnt_id)
}

/// A mount of the view over something of the host's, which the host can replace.
pub(super) struct Cover {
    pub path: PathBuf,
    /// The mount that is there, or was when this was last looked at.
    pub mount: u64,
    kind: NodeKind,
    masks: Rc<Masks>,
}

impl Cover {
    /// Covers what is at the path now, which is open as `target`. What was partly visible, or private, is denied as a whole.
    pub(super) fn put_over(&mut self, target: &OwnedFd) -> io::Result<()> {
        let tree = match self.kind {
            NodeKind::Read => {
                let tree = clone_tree(target.as_fd(), true)?;
                sys::mount_setattr(tree.as_fd(), true, sys::NOSUID | sys::NODEV | sys::RDONLY)?;
                tree
            }
            NodeKind::Write => {
                let tree = clone_tree(target.as_fd(), true)?;
                sys::mount_setattr(tree.as_fd(), true, sys::NOSUID | sys::NODEV)?;
                tree
            }
            NodeKind::Mask | NodeKind::Skeleton | NodeKind::Private => {
                let mode = rustix::fs::fstat(target)?.st_mode;
                self.masks.one(rustix::fs::FileType::from_raw_mode(mode).is_dir())?
            }
        };
        let mount = mount_id(&tree)?;
        attach(&tree, target)?;
        self.mount = mount;
        Ok(())
    }
}

fn attach(tree: &OwnedFd, target: &OwnedFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(tree, c"", target, c"", flags)?)
}

/// Builds the view. On return the process stands in `/` of it. Gives what the host could take away again.
///
/// The order matters: every source is opened and cloned while each path still shows the host's tree.
pub(super) fn build(layout: &Layout, private_bytes: Option<u64>) -> Result<(View, Vec<Cover>), ConfineError> {
    let slash = Path::new("/");
    let host = View {
        root: rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|e| at(slash, e))?,
    };
    let kind = layout.kind_at(slash).unwrap_or(NodeKind::Skeleton);
    let sources = Sources::take(&host, layout)?;
    let view = root(host, kind)?;
    let mut building = Building { view, empty_root: kind == NodeKind::Skeleton, seal: Vec::new() };
    // First, since /dev/shm serves as the place where masks are made.
    let device_tree = building.devices(&sources.devices)?;
    let masks = Rc::new(Masks::make(&building.view, Path::new(SHM))?);
    let mut covers = Vec::new();
    for (node, tree) in layout.nodes.iter().zip(&sources.trees).filter(|(node, _)| node.path != slash) {
        let mount = building.node(node, tree.as_ref(), private_bytes, &masks)?;
        // What lies in a directory of the sandbox's own, the host does not reach.
        if !node.make {
            let (path, kind) = (node.path.clone(), node.kind);
            covers.push(Cover { path, mount, kind, masks: Rc::clone(&masks) });
        }
    }
    building.links(&layout.links)?;
    building.proc(&sources.proc, &masks)?;
    building.seal(&device_tree, private_bytes)?;
    Ok((building.view, covers))
}

const SHM: &str = "/dev/shm";

/// Things of the host's, cloned before anything is covered.
struct Sources {
    /// For each node of the layout, if it shows something of the host's below the root.
    trees: Vec<Option<OwnedFd>>,
    devices: Vec<(PathBuf, OwnedFd)>,
    /// Made early because the kernel gives a new /proc only where an unmasked one is visible.
    proc: OwnedFd,
}

impl Sources {
    fn take(host: &View, layout: &Layout) -> Result<Sources, ConfineError> {
        let mut trees: Vec<Option<OwnedFd>> = Vec::with_capacity(layout.nodes.len());
        for node in &layout.nodes {
            let below = node.path != Path::new("/");
            let wanted = below && matches!(node.kind, NodeKind::Read | NodeKind::Write);
            trees.push(if wanted { Some(Sources::tree(host, node)?) } else { None });
        }
        let mut devices = Vec::new();
        for name in DEVICES {
            let path = Path::new("/dev").join(name);
            // A missing device is not made up: the program that wants it sees ENOENT.
            let Ok(source) = host.open(&path) else { continue };
            let tree = clone_tree(source.as_fd(), false).map_err(|e| at(&path, e))?;
            sys::mount_setattr(tree.as_fd(), false, sys::NOSUID).map_err(|e| at(&path, e))?;
            devices.push((path, tree));
        }
        let noexec = MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        // hidepid: what may not be traced (process 1, the spawner) does not show at all. Not
        // "invisible", which exempts the group 0.
        let proc = new_filesystem(c"proc", &[(c"hidepid", "ptraceable")], noexec)
            .map_err(|e| at(Path::new("/proc"), e))?;
        Ok(Sources { trees, devices, proc })
    }

    fn tree(host: &View, node: &Node) -> Result<OwnedFd, ConfineError> {
        let source = host.open(&node.path)?;
        let tree = clone_tree(source.as_fd(), true).map_err(|e| at(&node.path, e))?;
        let device = node.path.starts_with("/dev");
        let mut set = sys::NOSUID | if device { 0 } else { sys::NODEV };
        if node.kind == NodeKind::Read {
            set |= sys::RDONLY;
        }
        sys::mount_setattr(tree.as_fd(), true, set).map_err(|e| at(&node.path, e))?;
        Ok(tree)
    }
}

/// The host's root, unchangeable where it is to be; or an empty one, attached for the time being at /proc.
fn root(host: View, kind: NodeKind) -> Result<View, ConfineError> {
    let slash = Path::new("/");
    let mut set = sys::NOSUID | sys::NODEV;
    if kind != NodeKind::Write {
        set |= sys::RDONLY;
    }
    sys::mount_setattr(host.root.as_fd(), true, set).map_err(|e| at(slash, e))?;
    if kind != NodeKind::Skeleton {
        return Ok(host);
    }
    let tree = tmpfs("0755", None).map_err(|e| at(slash, e))?;
    // Any directory serves to attach it; it becomes the root in the end.
    host.attach(&tree, Path::new("/proc"))?;
    Ok(View { root: tree })
}

/// A view in the making.
struct Building {
    view: View,
    /// The root is the sandbox's own.
    empty_root: bool,
    /// Directories that are listed no more when everything is in place.
    seal: Vec<OwnedFd>,
}

impl Building {
    /// /dev, with the devices that every command may use and terminals of its own.
    fn devices(&self, devices: &[(PathBuf, OwnedFd)]) -> Result<OwnedFd, ConfineError> {
        let (view, dev) = (&self.view, Path::new("/dev"));
        if self.empty_root {
            view.make(dev, true)?;
        }
        let options = [(c"mode", "0755"), (c"size", "64k")];
        let tree = new_filesystem(c"tmpfs", &options, MountAttrFlags::empty()).map_err(|e| at(dev, e))?;
        view.attach(&tree, dev)?;
        for (path, device) in devices {
            view.make(path, false)?;
            view.attach(device, path)?;
        }
        for (link, target) in [
            ("ptmx", "pts/ptmx"),
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
        ] {
            rustix::fs::symlinkat(target, &tree, link).map_err(|e| at(&dev.join(link), e))?;
        }
        let pts = Path::new("/dev/pts");
        view.make(pts, true)?;
        view.make(Path::new(SHM), true)?;
        let options = [(c"ptmxmode", "0666"), (c"mode", "0620")];
        let terminals =
            new_filesystem(c"devpts", &options, MountAttrFlags::MOUNT_ATTR_NOEXEC).map_err(|e| at(pts, e))?;
        view.attach(&terminals, pts)?;
        Ok(tree)
    }

    /// One node of the plan; gives its mount.
    fn node(
        &mut self,
        node: &Node,
        tree: Option<&OwnedFd>,
        private_bytes: Option<u64>,
        masks: &Masks,
    ) -> Result<u64, ConfineError> {
        let (view, path) = (&self.view, &node.path);
        if node.make || path.starts_with("/dev") {
            view.make(path, node.directory)?;
        }
        let made = match (node.kind, tree) {
            (NodeKind::Read | NodeKind::Write, Some(tree)) => {
                view.attach(tree, path)?;
                mount_id(tree)
            }
            (NodeKind::Private, _) => {
                let tree = tmpfs("1777", private_bytes).map_err(|e| at(path, e))?;
                view.attach(&tree, path)?;
                mount_id(&tree)
            }
            (NodeKind::Skeleton, _) => {
                let tree = tmpfs("0755", Some(1 << 20)).map_err(|e| at(path, e))?;
                view.attach(&tree, path)?;
                let mount = mount_id(&tree);
                self.seal.push(tree);
                mount
            }
            (NodeKind::Mask, _) => {
                let tree = masks.one(node.directory).map_err(|e| at(path, e))?;
                match view.attach(&tree, path) {
                    Ok(()) => mount_id(&tree),
                    // A socket that is gone: nothing to mask until its server makes it anew.
                    Err(e) if node.passing && e.cause.raw_os_error() == Some(libc::ENOENT) => Ok(0),
                    Err(e) => return Err(e),
                }
            }
            (NodeKind::Read | NodeKind::Write, None) => {
                let path = path.display().to_string();
                return Err(ConfineError::refused(Step::Mount, path, Reason::InvalidMessage));
            }
        };
        made.map_err(|e| at(path, e))
    }

    /// Symlinks in directories of the sandbox's own.
    fn links(&self, links: &[(PathBuf, PathBuf)]) -> Result<(), ConfineError> {
        for (place, target) in links {
            let Some(parent) = place.parent() else { continue };
            self.view.make(parent, true)?;
            let parent = self.view.open(parent)?;
            let name = place.file_name().unwrap_or_default();
            match rustix::fs::symlinkat(target.as_path(), &parent, Path::new(name)) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(e) => return Err(at(place, e)),
            }
        }
        Ok(())
    }

    /// /proc, over whatever is there, and what of it and of /sys belongs to the machine.
    fn proc(&self, proc: &OwnedFd, masks: &Masks) -> Result<(), ConfineError> {
        let (view, place) = (&self.view, Path::new("/proc"));
        if self.empty_root {
            view.make(place, true)?;
        }
        view.attach(proc, place)?;
        for name in PROC_READ_ONLY {
            let path = place.join(name);
            let Ok(source) = view.open(&path) else { continue };
            let tree = clone_tree(source.as_fd(), true).map_err(|e| at(&path, e))?;
            sys::mount_setattr(tree.as_fd(), true, sys::RDONLY | sys::NOSUID).map_err(|e| at(&path, e))?;
            view.attach(&tree, &path)?;
        }
        for name in KERNEL_MASKED {
            let path = Path::new(name);
            let Ok(target) = view.open(path) else { continue };
            let stat = rustix::fs::fstat(&target).map_err(|e| at(path, e))?;
            let directory = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir();
            view.attach(&masks.one(directory).map_err(|e| at(path, e))?, path)?;
        }
        Ok(())
    }

    /// Makes what only held mount points unchangeable and denied directories unlistable, and enters the view.
    fn seal(&self, device_tree: &OwnedFd, private_bytes: Option<u64>) -> Result<(), ConfineError> {
        let (view, slash, shm) = (&self.view, Path::new("/"), Path::new(SHM));
        let shm_tree = tmpfs("1777", private_bytes).map_err(|e| at(shm, e))?;
        view.attach(&shm_tree, shm)?;
        sys::mount_setattr(device_tree.as_fd(), false, sys::RDONLY).map_err(|e| at(Path::new("/dev"), e))?;
        for tree in &self.seal {
            unlistable(tree).map_err(|e| at(slash, e))?;
            sys::mount_setattr(tree.as_fd(), false, sys::RDONLY).map_err(|e| at(slash, e))?;
        }
        rustix::process::fchdir(&view.root).map_err(|e| at(slash, e))?;
        if self.empty_root {
            rustix::process::pivot_root(".", ".").map_err(|e| at(slash, e))?;
            rustix::mount::unmount(".", rustix::mount::UnmountFlags::DETACH).map_err(|e| at(slash, e))?;
            rustix::process::chdir("/").map_err(|e| at(slash, e))?;
            unlistable(&view.root).map_err(|e| at(slash, e))?;
            sys::mount_setattr(view.root.as_fd(), false, sys::RDONLY).map_err(|e| at(slash, e))?;
        }
        Ok(())
    }
}

/// Makes a mount's root directory passable and nothing else.
fn unlistable(tree: &OwnedFd) -> rustix::io::Result<()> {
    rustix::fs::chmodat(tree, c".", Mode::from_raw_mode(0o111), rustix::fs::AtFlags::empty())
}

/// An empty file and an empty directory of mode 0 on a read-only file system, to be bound over what is denied. The file system stays
/// mounted under the later /dev/shm, so that more can be cloned.
struct Masks {
    file: OwnedFd,
    directory: OwnedFd,
}

impl Masks {
    fn make(view: &View, scratch: &Path) -> Result<Masks, ConfineError> {
        let tree = tmpfs("0700", Some(64 << 10)).map_err(|e| at(scratch, e))?;
        view.attach(&tree, scratch)?;
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        rustix::fs::openat(&tree, c"file", flags, Mode::empty()).map_err(|e| at(scratch, e))?;
        rustix::fs::mkdirat(&tree, c"directory", Mode::empty()).map_err(|e| at(scratch, e))?;
        sys::mount_setattr(tree.as_fd(), false, sys::RDONLY | sys::NOSUID | sys::NODEV)
            .map_err(|e| at(scratch, e))?;
        Ok(Masks {
            file: view.open(&scratch.join("file"))?,
            directory: view.open(&scratch.join("directory"))?,
        })
    }

    fn one(&self, directory: bool) -> io::Result<OwnedFd> {
        clone_tree(if directory { self.directory.as_fd() } else { self.file.as_fd() }, false)
    }
}

/// True for paths that hold a NUL byte, which the kernel cannot be told.
pub(super) fn has_nul(path: &Path) -> bool {
    path.as_os_str().as_bytes().contains(&0)
}
