//! A piece of a host to attack: files, a repository, secrets, listeners, a process, a key.
//!
//! In: nothing. Out: a [`World`] and its state to compare. Not here: plans.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::probes::{KEPT, Targets, contents, lay, lay_secret};
use execpolicy_confine::{Access, Gap, Missing, MissingKind, Plan, Promise};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

pub struct World {
    pub base: PathBuf,
    pub ws: PathBuf,
    pub outside: PathBuf,
    pub home: PathBuf,
    tmp: PathBuf,
    shm_file: PathBuf,
    shm: (i32, i32),
    abstract_name: String,
    tcp: u16,
    udp: u16,
    hits: Arc<AtomicUsize>,
    victim: Child,
    /// Descriptors without close-on-exec, as a careless agent has them.
    _inherited: Vec<OwnedFd>,
}

/// A file's type, mode, owner, size, time, extended attribute and content.
pub type State = BTreeMap<PathBuf, String>;

impl World {
    pub fn new() -> World {
        let id = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        // Not in /tmp, which the plan makes private.
        let base = PathBuf::from(format!("/var/tmp/execpolicy-confine-{id}"));
        let (ws, outside, home) = (base.join("ws"), base.join("outside"), base.join("home"));
        lay(&base);
        let _ =
            rustix::fs::setxattr(outside.join("file"), "user.keep", b"1", rustix::fs::XattrFlags::empty());
        let tmp = PathBuf::from(format!("/tmp/execpolicy-secret-{id}"));
        lay_secret(&tmp);
        let shm_file = PathBuf::from(format!("/dev/shm/execpolicy-probe-{id}"));
        fs::write(&shm_file, "secret").unwrap();

        let hits = Arc::new(AtomicUsize::new(0));
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let ports = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
        let abstract_name = format!("execpolicy-probe-{id}");
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let listeners = [
            UnixListener::bind(outside.join("sock")),
            UnixListener::bind(tmp.join("sock")),
            UnixListener::bind_addr(&address),
        ];
        let dsock = UnixDatagram::bind(outside.join("dsock")).unwrap();
        let count = |hits: &Arc<AtomicUsize>, mut wait: Box<dyn FnMut() -> bool + Send>| {
            let hits = Arc::clone(hits);
            std::thread::spawn(move || {
                while wait() {
                    hits.fetch_add(1, Ordering::SeqCst);
                }
            });
        };
        count(&hits, Box::new(move || tcp.accept().is_ok()));
        count(&hits, Box::new(move || udp.recv(&mut [0; 16]).is_ok()));
        count(&hits, Box::new(move || dsock.recv(&mut [0; 16]).is_ok()));
        for listener in listeners {
            let listener = listener.unwrap();
            count(&hits, Box::new(move || listener.accept().is_ok()));
        }
        let victim = Command::new("/bin/sh")
            .arg("-c")
            .arg("trap 'echo hit >>\"$0\"' USR1; echo up; while :; do sleep 0.2; done # victim-marker")
            .arg(base.join("victim-hit"))
            .env("VICTIM", "tok-en-value")
            .stdout(Stdio::piped())
            .spawn();
        let mut victim = victim.unwrap();
        victim.stdout.take().unwrap().read_exact(&mut [0; 3]).unwrap();

        let directory = fs::File::open(&outside).unwrap();
        let inherited = [directory.into(), fs::File::open(ws.join(".env")).unwrap().into()];
        for fd in &inherited {
            let fd: &OwnedFd = fd;
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty()).unwrap();
            assert!(fd.as_raw_fd() > 2);
        }
        let shm = share();
        World {
            base,
            ws,
            outside,
            home,
            tmp,
            shm_file,
            shm,
            abstract_name,
            tcp: ports.0,
            udp: ports.1,
            hits,
            victim,
            _inherited: inherited.into(),
        }
    }

    /// The plan of an agent's workspace: everything readable but secrets, the workspace writable but repositories, the rest private.
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::nothing(self.ws.clone())
            .allow("/", Access::Read)
            .allow(&self.ws, Access::Write)
            .allow(self.ws.join(".git"), Access::Read)
            .allow(self.ws.join("sub/.git"), Access::Read)
            .allow(self.ws.join(".env"), Access::Deny)
            .allow(self.ws.join("a/b/.env"), Access::Deny)
            .allow(self.home.join(".ssh"), Access::Deny);
        plan.private = vec!["/tmp".into(), "/run".into()];
        let name = |path: &str, kind| Missing { path: self.ws.join(path), kind, promise: Promise::Detect };
        plan.missing = vec![
            name(".vscode", MissingKind::Name),
            name(".idea", MissingKind::Name),
            name("fresh/.git", MissingKind::GitDirectory),
            name("swap/.git", MissingKind::GitDirectory),
        ];
        if has_attributes(&self.ws) {
            plan.missing.push(Missing { promise: Promise::Prevent, ..name(".agents", MissingKind::Name) });
        }
        plan.limits.processes = Some(400);
        plan.limits.open_files = Some(1024);
        plan.limits.file_size = Some(1 << 34);
        plan.accept.insert(Gap::ProcessLimitOfRoot);
        plan.environment = self.environment();
        plan
    }

    /// A plan that Landlock and seccomp can keep alone: nothing but programs readable, the workspace writable with all that is in it.
    pub fn plain_plan(&self, program: &Path, writable: bool) -> Plan {
        let mut plan = Plan::nothing(self.ws.clone()).allow(program, Access::Read);
        for path in ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"] {
            if Path::new(path).exists() {
                plan = plan.allow(path, Access::Read);
            }
        }
        plan = plan.allow(&self.ws, if writable { Access::Write } else { Access::Read });
        plan.accept = [Gap::Survivors, Gap::HostProcesses, Gap::Metadata].into();
        if writable {
            plan.accept.insert(Gap::Attributes);
        }
        plan.limits.open_files = Some(1024);
        plan.limits.file_size = Some(1 << 34);
        plan.environment = self.environment();
        plan
    }

    /// What the probes are told.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let targets = Targets {
            base: &self.base,
            secret: &self.tmp,
            shm_file: &self.shm_file,
            shm: self.shm,
            tcp: self.tcp,
            udp: self.udp,
            abstract_name: &self.abstract_name,
            victim: self.victim.id(),
        };
        let mut told = targets.environment();
        told.push(("PROBE_DAEMON", daemon_name().into()));
        told.into_iter().map(|(name, value)| (name.into(), value)).collect()
    }

    /// What must not change, as it is now.
    pub fn state(&self) -> State {
        let mut state = State::new();
        for root in KEPT {
            describe(&self.base.join(root), &mut state);
        }
        // The sub-directories are the ones that were there, not others of the same name.
        for directory in ["ws", "ws/sub", "ws/a", "ws/a/b"] {
            let inode = fs::symlink_metadata(self.base.join(directory)).map(|m| m.ino());
            state.insert(self.base.join(directory), format!("{:?}", inode.ok()));
        }
        state
    }

    /// The names and contents outside the workspace.
    pub fn contents(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        contents(&self.base, &["outside", "home"])
    }

    /// Connections and datagrams that reached the host, and signals that reached the victim.
    pub fn reached(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        let hits = self.hits.load(Ordering::SeqCst);
        if hits > 0 {
            found.push(format!("{hits} messages to the host's listeners"));
        }
        if self.base.join("victim-hit").exists() || self.victim.try_wait().is_ok_and(|s| s.is_some()) {
            found.push("a signal to a process of the host".into());
        }
        found
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = fs::remove_dir_all(&self.base);
        let _ = fs::remove_dir_all(&self.tmp);
        let _ = fs::remove_file(&self.shm_file);
        unshare(self.shm.1);
    }
}

/// What daemons of the probes call themselves; at most 15 bytes, and not what those of a suite beside this one do.
pub fn daemon_name() -> String {
    format!("epd{}", std::process::id())
}

/// Whether files here can have extended attributes of a user, which placeholders need (tmpfs has them since Linux 6.6).
pub fn has_attributes(directory: &Path) -> bool {
    let none = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(directory, "user.execpolicy.probe", b"1", none).is_ok()
        && rustix::fs::removexattr(directory, "user.execpolicy.probe").is_ok()
}

fn describe(path: &Path, state: &mut State) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    let mut text = format!(
        "{:o} {}:{} {} {}",
        meta.permissions().mode(),
        meta.uid(),
        meta.gid(),
        meta.nlink(),
        meta.mtime()
    );
    if meta.is_file() {
        let mut value = [0; 8];
        let attribute = rustix::fs::getxattr(path, "user.keep", &mut value).ok();
        text += &format!(" {attribute:?} {:?}", fs::read(path).ok());
    }
    state.insert(path.to_path_buf(), text);
    if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            describe(&entry.unwrap().path(), state);
        }
    }
}

/// A System V segment with a key of its own: (key, id).
fn share() -> (i32, i32) {
    let key = 0x0EC0_0000
        | (std::process::id() as i32 & 0xFFFF) << 4
        | (NUMBER.load(Ordering::Relaxed) as i32 & 15);
    // SAFETY: shmget takes numbers.
    let id = unsafe { libc::shmget(key, 4096, libc::IPC_CREAT | 0o600) };
    (key, id)
}

fn unshare(id: i32) {
    // SAFETY: IPC_RMID takes no memory.
    unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
}

/// Puts a key into this process's session keyring (a new one), as a desktop login does.
pub fn plant_key() {
    // SAFETY: the strings are C strings and the payload is two bytes long.
    unsafe {
        libc::syscall(libc::SYS_keyctl, 1, std::ptr::null::<u8>());
        libc::syscall(
            libc::SYS_add_key,
            c"user".as_ptr(),
            c"execpolicy-probe-key".as_ptr(),
            c"42".as_ptr(),
            2_usize,
            -3,
        );
    }
}
