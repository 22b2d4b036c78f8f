//! The system calls that no safe crate offers, each behind a safe function. The only `unsafe` of the package.
//!
//! In: checked values. Out: what the kernel answered. Not here: any decision.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use std::vec::Vec;

use super::super::error::Step;
use super::super::plan::Limits;
use super::super::seccomp::Instruction;

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// `CLONE_NEW*` of everything a full sandbox has of its own except the network.
pub(super) const NAMESPACES: c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;
pub(super) const NEW_NETWORK: c_int = libc::CLONE_NEWNET;

/// Forks, the child in new namespaces. `None` in the child. Only for single-threaded programs, which the helper is.
pub(super) fn fork(namespaces: c_int) -> io::Result<Option<i32>> {
    let flags = c_long::from(namespaces | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with a null stack this is fork: the child gets a copy of everything. The caller is a
    // freshly exec'd, single-threaded process, so no lock can be held by a thread that the child lacks.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone, flags, 0_usize, 0_usize, 0_usize, 0_usize) })?;
    Ok((pid != 0).then_some(pid as i32))
}

#[repr(C)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

/// `MOUNT_ATTR_*` of `linux/mount.h`.
pub(super) const RDONLY: u64 = 1;
pub(super) const NOSUID: u64 = 2;
pub(super) const NODEV: u64 = 4;

/// `mount_setattr(fd, "", AT_EMPTY_PATH)`: sets attributes and cuts propagation, so that mounts the host makes later do
/// not appear inside.
pub(super) fn mount_setattr(mount: BorrowedFd<'_>, recursive: bool, set: u64) -> io::Result<()> {
    let attr = MountAttr { attr_set: set, attr_clr: 0, propagation: libc::MS_PRIVATE, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the descriptor is open, the path is an empty C string, `attr` lives across the call and its size is given.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    })?;
    Ok(())
}

/// `keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)`: a new, empty session keyring.
pub(super) fn join_session_keyring() -> io::Result<()> {
    const JOIN_SESSION_KEYRING: c_int = 1;
    // SAFETY: a null name asks for an anonymous keyring; no memory is passed.
    check(unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, 0_usize) })?;
    Ok(())
}

/// Closes every descriptor from `first` to `last`.
pub(super) fn close_range(first: u32, last: u32) -> io::Result<()> {
    // SAFETY: callers pass ranges of descriptors that no live value owns.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0_u32) })?;
    Ok(())
}

/// Closes all descriptors above 2 except those given.
pub(super) fn close_all_but(keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut keep: Vec<u32> = keep.iter().map(|fd| fd.as_raw_fd() as u32).collect();
    keep.sort_unstable();
    let mut first = 3;
    for fd in keep {
        if fd > first {
            close_range(first, fd - 1)?;
        }
        first = first.max(fd + 1);
    }
    close_range(first, u32::MAX)
}

/// The Landlock ABI of the kernel; 0 where there is none.
pub(super) fn landlock_abi() -> i32 {
    const CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: a null attribute with size 0 and the version flag is the documented query.
    let abi = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::null::<c_void>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    if abi < 0 { 0 } else { abi as i32 }
}

/// Brings the loopback interface of the present network namespace up.
pub(super) fn loopback_up() -> io::Result<()> {
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: `ifreq` is plain data for which all zeroes is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, which lives across the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) };
    check(result.into())?;
    Ok(())
}

/// Gives every signal its default meaning. Rust ignores SIGPIPE, the caller may ignore others, and an ignored signal stays
/// ignored in every process started from here.
pub(super) fn default_signals() {
    // SAFETY: `sigaction` is plain data for which all zeroes is a value; each call reads it during the call.
    unsafe {
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        for signal in 1..=64 {
            // 9, 19 and the two of libc's own refuse; nothing can have ignored these.
            libc::sigaction(signal, &default, ptr::null_mut());
        }
    }
}

/// Blocks every signal and gives a descriptor from which those in `wanted` are read.
pub(super) fn signal_descriptor(wanted: &[c_int]) -> io::Result<OwnedFd> {
    // SAFETY: the sets are initialised by sigemptyset/sigfillset before any other use; signalfd returns a new descriptor
    // that nothing else owns.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        check(libc::sigprocmask(libc::SIG_BLOCK, &all, ptr::null_mut()).into())?;
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in wanted {
            libc::sigaddset(&mut set, *signal);
        }
        let fd = check(libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK).into())?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// The signals waiting in such a descriptor.
pub(super) fn read_signals(signals: &OwnedFd) -> io::Result<Vec<c_int>> {
    let mut found = Vec::new();
    let mut buffer = [0_u8; size_of::<libc::signalfd_siginfo>()];
    loop {
        match rustix::io::read(signals, &mut buffer) {
            // The number is the first field, ssi_signo.
            Ok(n) if n == buffer.len() => {
                found.extend(buffer.first_chunk().map(|number| c_int::from_ne_bytes(*number)));
            }
            Ok(_) | Err(rustix::io::Errno::AGAIN) => return Ok(found),
            Err(e) => return Err(e.into()),
        }
    }
}

/// Sends a signal; `pid` as in kill(2), so -1 is every process of the namespace but pid 1 and the caller.
pub(super) fn kill(pid: i32, signal: c_int) -> io::Result<()> {
    // SAFETY: kill takes two numbers.
    check(unsafe { libc::kill(pid, signal) }.into())?;
    Ok(())
}

/// A child that has ended: its pid and wait status. `None` when there is none (now).
pub(super) fn reap() -> Option<(i32, c_int)> {
    let mut status = 0;
    // SAFETY: `status` lives across the call.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG | libc::__WALL) };
    (pid > 0).then_some((pid, status))
}

/// Makes orphaned descendants this process's children (`PR_SET_CHILD_SUBREAPER`), and makes sure that they can be listed.
pub(super) fn adopt_orphans() -> io::Result<()> {
    // SAFETY: prctl with this option takes numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }.into())?;
    children().map(drop)
}

/// The children of this process, which has one thread.
fn children() -> io::Result<Vec<i32>> {
    let text = std::fs::read_to_string("/proc/thread-self/children")?;
    Ok(text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect())
}

/// Kills every descendant of this process, which adopts orphans, and calls `ended` for each that it reaps. On return there is none: whoever
/// has an ancestor here has one that is a child here, and the kernel said that there is no child.
pub(super) fn end_all(mut ended: impl FnMut(i32, c_int)) -> io::Result<()> {
    loop {
        let found = children()?;
        for pid in &found {
            // Not yet reaped, so the number is still the child's.
            let _ = kill(*pid, libc::SIGKILL);
        }
        let mut status = 0;
        let flags = libc::__WALL | if found.is_empty() { libc::WNOHANG } else { 0 };
        // SAFETY: `status` lives across the call.
        match unsafe { libc::waitpid(-1, &mut status, flags) } {
            // One that came after the list was made.
            0 => std::thread::sleep(Duration::from_micros(50)),
            pid if pid > 0 => ended(pid, status),
            _ => match errno() {
                libc::ECHILD => return Ok(()),
                libc::EINTR => {}
                e => return Err(io::Error::from_raw_os_error(e)),
            },
        }
        while let Some((pid, status)) = reap() {
            ended(pid, status);
        }
    }
}

/// [`end_all`] where nobody asks how they ended.
pub(super) fn end_descendants() -> io::Result<()> {
    end_all(|_, _| ())
}

/// Waits for one child.
pub(super) fn wait_for(pid: i32) -> io::Result<c_int> {
    let mut status = 0;
    loop {
        // SAFETY: `status` lives across the call.
        match check(unsafe { libc::waitpid(pid, &mut status, 0) }.into()) {
            Ok(_) => return Ok(status),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Ends the process at once; no destructor, no flush.
pub(super) fn exit(code: c_int) -> ! {
    // SAFETY: _exit takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Gives up every capability for good and sets `no_new_privs`. Makes no allocation, so it may run after vfork.
fn drop_privileges() -> Result<(), c_int> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: c_int,
    }
    const CAPABILITY_VERSION_3: u32 = 0x2008_0522;
    // SAFETY: prctl with these options takes numbers only; capset reads a header and two data blocks of three words,
    // which live across the call.
    unsafe {
        for capability in 0..64 {
            if libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 {
                match errno() {
                    // The first number past the last capability; or, outside a user namespace of its own, no right to drop
                    // them: then the emptied sets and `no_new_privs` keep the bound from ever mattering.
                    libc::EINVAL | libc::EPERM => break,
                    e => return Err(e),
                }
            }
        }
        if libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 {
            return Err(errno());
        }
        let header = Header { version: CAPABILITY_VERSION_3, pid: 0 };
        let none = [0_u32; 6];
        if libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) != 0 {
            return Err(errno());
        }
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return Err(errno());
        }
    }
    Ok(())
}

/// [`drop_privileges`] for the calling process.
pub(super) fn drop_own_privileges() -> io::Result<()> {
    drop_privileges().map_err(io::Error::from_raw_os_error)
}

#[repr(C)]
struct FilterProgram {
    len: u16,
    filter: *const Instruction,
}

/// Installs a filter on the calling thread. Makes no allocation, so it may run after vfork.
fn install_filter(filter: &[Instruction]) -> Result<(), c_int> {
    let Ok(len) = u16::try_from(filter.len()) else { return Err(libc::EINVAL) };
    let program = FilterProgram { len, filter: filter.as_ptr() };
    // SAFETY: `Instruction` is laid out as `struct sock_filter`; the kernel copies `len` of them during the call.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    if result == 0 { Ok(()) } else { Err(errno()) }
}

/// [`install_filter`] for the calling process.
pub(super) fn install_own_filter(filter: &[Instruction]) -> io::Result<()> {
    install_filter(filter).map_err(io::Error::from_raw_os_error)
}

fn errno() -> c_int {
    // SAFETY: the address of the calling thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}

/// What starts a command, and with it what is left to do before the exec.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Starter {
    /// Has dropped nothing: the command drops its capabilities, sets `no_new_privs`, installs the filter and leaves the caller's session.
    Privileged,
    /// Has done all that itself. If it [is patient](set_patient), the command is not to be.
    Spawner { patient: bool },
}

/// A command about to be started, in the form in which the kernel takes it.
pub(super) struct Launch<'a> {
    /// Paths to try in turn, as PATH search does.
    pub programs: &'a [CString],
    pub argv: &'a [CString],
    pub environment: &'a [CString],
    pub cwd: &'a CStr,
    /// Become descriptors 0, 1, 2. Each must be above 2.
    pub stdio: [BorrowedFd<'a>; 3],
    /// Limits, soft and hard.
    pub limits: &'a Limits,
    pub starter: Starter,
    /// Ask the kernel to kill it when its parent ends; where no process namespace does.
    pub die_with_parent: bool,
    pub landlock: Option<BorrowedFd<'a>>,
    pub filter: Option<&'a [Instruction]>,
}

/// What the child tells its parent through their shared memory.
struct Shared<'a> {
    launch: &'a Launch<'a>,
    programs: &'a [*const c_char],
    argv: *const *const c_char,
    environment: *const *const c_char,
    step: AtomicI32,
    errno: AtomicI32,
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
}

/// Starts a command by vfork: the child shares this process's memory until it has exec'd. Gives its pid, or the step
/// that failed.
pub(super) fn launch(launch: &Launch<'_>) -> Result<i32, (Step, io::Error)> {
    const STACK: usize = 64 * 1024;
    let programs: Vec<_> = launch.programs.iter().map(|s| s.as_ptr()).collect();
    let (argv, environment) = (pointers(launch.argv), pointers(launch.environment));
    let mut shared = Shared {
        launch,
        programs: &programs,
        argv: argv.as_ptr(),
        environment: environment.as_ptr(),
        step: AtomicI32::new(-1),
        errno: AtomicI32::new(0),
    };
    // 16-byte elements: the ABI wants the stack so aligned.
    let mut stack: Vec<u128> = Vec::with_capacity(STACK / 16);
    // SAFETY: the stack is memory of our own of STACK bytes, used from its end downwards; CLONE_VFORK suspends this thread
    // until the child has exec'd or ended, so `shared`, the stack and all they point to outlive the child's use of them.
    // `child` makes system calls only: no allocation, no lock.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK / 16).cast::<c_void>();
        libc::clone(child, top, libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD, (&raw mut shared).cast())
    };
    if pid < 0 {
        return Err((Step::Exec, io::Error::last_os_error()));
    }
    match shared.step.load(Ordering::Acquire) {
        -1 => Ok(pid),
        step => {
            let _ = wait_for(pid);
            let step = Step::from_number(step as u8);
            Err((step, io::Error::from_raw_os_error(shared.errno.load(Ordering::Acquire))))
        }
    }
}

/// The time since some moment, the same for every process of the machine (`CLOCK_MONOTONIC`).
pub(super) fn monotonic() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(time).unwrap_or_default()
}

/// Whether the calling process, when woken, lets whoever runs go on for the rest of its turn (`SCHED_BATCH`) or may take its place
/// (`SCHED_OTHER`); see sched(7). False where it has another policy, which stays, or the kernel refuses. Makes no allocation, so it may run after
/// vfork.
pub(super) fn set_patient(patient: bool) -> bool {
    let (from, to) = (libc::SCHED_OTHER, libc::SCHED_BATCH);
    let (from, to) = if patient { (from, to) } else { (to, from) };
    // The whole of `struct sched_param`.
    let priority: c_int = 0;
    // SAFETY: 0 is the calling process; the second call reads an `int` that lives across it. By number, since musl refuses both.
    unsafe {
        libc::syscall(libc::SYS_sched_getscheduler, 0) == c_long::from(from)
            && libc::syscall(libc::SYS_sched_setscheduler, 0, to, &raw const priority) == 0
    }
}

extern "C" fn child(shared: *mut c_void) -> c_int {
    // SAFETY: `launch` passes a pointer to a `Shared` that outlives this child (see there); the parent is suspended, so
    // there is no other access.
    let shared = unsafe { &*shared.cast::<Shared<'_>>() };
    let (step, errno) = match child_steps(shared) {
        Ok(never) => match never {},
        Err(failure) => failure,
    };
    shared.errno.store(errno, Ordering::Release);
    shared.step.store(step.number().into(), Ordering::Release);
    exit(127)
}

enum Never {}

/// The limits of a plan for each RLIMIT_* that it may set. No core files, ever: they would be written by the kernel.
const fn rlimits(limits: &Limits) -> [(u32, Option<u64>); 6] {
    [
        (libc::RLIMIT_CORE, Some(0)),
        (libc::RLIMIT_NPROC, limits.processes),
        (libc::RLIMIT_NOFILE, limits.open_files),
        (libc::RLIMIT_AS, limits.memory_per_process),
        (libc::RLIMIT_FSIZE, limits.file_size),
        (libc::RLIMIT_CPU, limits.cpu_seconds),
    ]
}

/// What happened at which step; in a child that must not allocate.
type Fault = (Step, c_int);

/// `result`, unless it is that of a call that failed.
fn step(step: Step, result: c_long) -> Result<(), Fault> {
    if result < 0 { Err((step, errno())) } else { Ok(()) }
}

fn child_steps(shared: &Shared<'_>) -> Result<Never, Fault> {
    let launch = shared.launch;
    stand_apart(launch)?;
    take_descriptors(launch)?;
    set_limits(launch)?;
    if launch.starter == (Starter::Spawner { patient: true }) && !set_patient(false) {
        return Err((Step::Privileges, errno()));
    }
    if launch.starter == Starter::Privileged {
        drop_privileges().map_err(|e| (Step::Privileges, e))?;
    }
    // SAFETY: the path is a C string that outlives the child. Without the capabilities that would open a denied directory.
    step(Step::WorkingDirectory, unsafe { libc::chdir(launch.cwd.as_ptr()) }.into())?;
    if let Some(ruleset) = launch.landlock {
        // SAFETY: the call takes an open descriptor and a number.
        let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) };
        step(Step::Landlock, result)?;
    }
    if let Some(filter) = launch.filter {
        install_filter(filter).map_err(|e| (Step::Seccomp, e))?;
    }
    Err((Step::Exec, exec(shared)))
}

/// Leaves the starter's process group or session, and ends with the starter where nothing else sees to that.
fn stand_apart(launch: &Launch<'_>) -> Result<(), Fault> {
    // A group of its own, for signals. A spawner has left the caller's terminal already: a session for each command would
    // only cost (the kernel makes a scheduling group for each).
    let fresh = launch.starter == Starter::Privileged;
    // SAFETY: both take numbers or nothing.
    step(Step::Privileges, unsafe { if fresh { libc::setsid() } else { libc::setpgid(0, 0) } }.into())?;
    if launch.die_with_parent {
        // SAFETY: prctl with this option takes numbers only.
        let result = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) };
        step(Step::Privileges, result.into())?;
    }
    Ok(())
}

/// Makes the caller's descriptors 0, 1 and 2, and lets no other pass the exec.
fn take_descriptors(launch: &Launch<'_>) -> Result<(), Fault> {
    for (fd, target) in launch.stdio.iter().zip(0..) {
        // SAFETY: dup2 takes numbers.
        step(Step::Descriptors, unsafe { libc::dup2(fd.as_raw_fd(), target) }.into())?;
    }
    // SAFETY: close_range takes numbers. Closing on exec, not now: the ruleset's descriptor is still needed.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    step(Step::Descriptors, result)
}

/// Resource limits, the mask of new files, and a signal mask that holds nothing back.
fn set_limits(launch: &Launch<'_>) -> Result<(), Fault> {
    for (resource, value) in rlimits(launch.limits) {
        let Some(value) = value else { continue };
        let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
        // SAFETY: `limit` lives across the call, which reads it; nothing is asked for in return.
        let result = unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, &raw const limit, 0_usize) };
        step(Step::Limits, result)?;
    }
    if let Some(mask) = launch.limits.umask {
        // SAFETY: umask takes a number and cannot fail.
        unsafe { libc::umask(mask.into()) };
    }
    // SAFETY: an all-zero set is a valid value to be emptied; sigprocmask reads it and changes the child alone.
    let result = unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut())
    };
    step(Step::Exec, result.into())
}

/// Tries each program. Returns only if none can be executed, and then why.
fn exec(shared: &Shared<'_>) -> c_int {
    let mut last = libc::ENOENT;
    for program in shared.programs {
        // SAFETY: the strings end in NUL and the lists in null, and all outlive the child.
        unsafe { libc::execve(*program, shared.argv, shared.environment) };
        match errno() {
            // As execvp: a directory of PATH that does not have it is passed over, a refusal is remembered.
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => last = libc::EACCES,
            e => return e,
        }
    }
    last
}

/// A descriptor of this process by its number, as one of our own that no child inherits.
///
/// For numbers that come from a command line (`--status-fd 3`): the number itself stays whoever's it is.
pub fn duplicate(number: c_int) -> io::Result<OwnedFd> {
    // SAFETY: fcntl takes numbers; a number that is not open is EBADF. What it returns is new and nobody else's.
    unsafe {
        let new = libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3);
        if new < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(new)) }
    }
}
