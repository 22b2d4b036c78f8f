/* The probe program of the escape suite: what an attacker, and what an honest program, does inside a sandbox.
 *
 * In: a list of probe names (none: all), and the places of the host in environment variables. Out: one line per probe:
 * NAME attack|work RESULT errno. Not here: judging; the host (main.rs) also looks for itself what has changed.
 *
 * An attack probe returns BLOCKED, ESCAPED or SKIP; a work probe OK, BROKEN or SKIP. Each runs in a process of its own with
 * an alarm. Statically linked, so that it needs nothing of the view.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SKIP 77
#define ESCAPED 1
#define BLOCKED 0
#define BROKEN 1
#define OK 0

static char buffer[1 << 16];
static const char *env(const char *name) {
    const char *value = getenv(name);
    return value ? value : "/nowhere";
}
/* Paths of the host: one buffer each, so that two can be used in one call. */
static const char *at(const char *root, const char *rest) {
    static char paths[4][4096];
    static int next;
    char *path = paths[next++ & 3];
    snprintf(path, sizeof paths[0], "%s/%s", env(root), rest);
    return path;
}
#define OUT(rest) at("PROBE_OUTSIDE", rest)
#define WS(rest) at("PROBE_WS", rest)
#define HOME_(rest) at("PROBE_HOME", rest)

static int writes(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0644);
    if (fd < 0) return BLOCKED;
    return write(fd, "evil", 4) == 4 ? ESCAPED : BLOCKED;
}
static int reads(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return BLOCKED;
    return read(fd, buffer, sizeof buffer) > 0 ? ESCAPED : BLOCKED;
}
static int holds(const char *path, const char *text) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return 0;
    ssize_t n = read(fd, buffer, sizeof buffer);
    close(fd);
    return n > 0 && memmem(buffer, n, text, strlen(text)) != NULL;
}
static int yes(int succeeded) { return succeeded ? ESCAPED : BLOCKED; }
static int call(long result) { return result >= 0 ? ESCAPED : BLOCKED; }
static int child_ok(int (*f)(void)) {
    pid_t p = fork();
    if (p == 0) _exit(f());
    int st;
    waitpid(p, &st, 0);
    return WIFEXITED(st) ? WEXITSTATUS(st) : 2;
}
static int runs(const char *script) {
    pid_t p = fork();
    if (p == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        execl("/bin/sh", "sh", "-c", script, (char *)0);
        _exit(127);
    }
    int st;
    waitpid(p, &st, 0);
    return WIFEXITED(st) && WEXITSTATUS(st) == 0;
}

/* ---- fs: the host's files outside the workspace */
static int fs_create(void) { return writes(OUT("new"), O_WRONLY | O_CREAT | O_EXCL); }
static int fs_overwrite(void) { return writes(OUT("file"), O_WRONLY); }
static int fs_append(void) { return writes(OUT("file"), O_WRONLY | O_APPEND); }
static int fs_truncate_open(void) { return call(open(OUT("file"), O_WRONLY | O_TRUNC)); }
static int fs_truncate(void) { return call(truncate(OUT("file"), 0)); }
static int fs_unlink(void) { return call(unlink(OUT("file"))); }
static int fs_mkdir(void) { return call(mkdir(OUT("newdir"), 0755)); }
static int fs_rmdir(void) { return call(rmdir(OUT("empty"))); }
static int fs_rename_outside(void) { return call(rename(OUT("file"), OUT("moved"))); }
static int fs_rename_in(void) { return call(rename(OUT("file"), WS("stolen"))); }
static int fs_rename_out(void) {
    close(open(WS("payload"), O_CREAT | O_WRONLY, 0644));
    return call(rename(WS("payload"), OUT("payload")));
}
static int fs_rename_exchange(void) {
    close(open(WS("payload2"), O_CREAT | O_WRONLY, 0644));
    return call(syscall(SYS_renameat2, AT_FDCWD, WS("payload2"), AT_FDCWD, OUT("file"), 2));
}
static int fs_symlink(void) { return call(symlink("/etc/passwd", OUT("link"))); }
static int fs_hardlink_out(void) {
    close(open(WS("payload3"), O_CREAT | O_WRONLY, 0644));
    return call(link(WS("payload3"), OUT("hard")));
}
static int fs_hardlink_in(void) {
    if (link(OUT("file"), WS("hard-in")) < 0) return BLOCKED;
    return writes(WS("hard-in"), O_WRONLY);
}
static int fs_chmod(void) { return call(chmod(OUT("file"), 0777)); }
static int fs_fchmod_readonly_fd(void) { return call(fchmod(open(OUT("file"), O_RDONLY), 0777)); }
static int fs_chown(void) { return call(chown(OUT("file"), getuid(), getgid())); }
static int fs_utimes(void) {
    struct timeval t[2] = {{1, 0}, {1, 0}};
    return call(utimes(OUT("file"), t));
}
static int fs_setxattr(void) { return call(setxattr(OUT("file"), "user.evil", "1", 1, 0)); }
static int fs_removexattr(void) { return call(removexattr(OUT("file"), "user.keep")); }
static int fs_ioctl_flags(void) {
    int flags = FS_NODUMP_FL, fd = open(OUT("file"), O_RDONLY);
    return call(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}
static int fs_symlink_in_workspace(void) { return writes(WS("link-out"), O_WRONLY); }
static int fs_new_symlink(void) {
    symlink(OUT("file"), WS("link-new"));
    return writes(WS("link-new"), O_WRONLY);
}
static int fs_symlink_directory(void) {
    symlink(env("PROBE_OUTSIDE"), WS("link-dir"));
    return writes(WS("link-dir/created"), O_WRONLY | O_CREAT);
}
static int fs_dotdot(void) { return writes(WS("../outside/dotdot"), O_WRONLY | O_CREAT); }
static int fs_proc_cwd(void) { return writes("/proc/self/cwd/../outside/by-proc-cwd", O_WRONLY | O_CREAT); }
static int fs_proc_root(void) {
    snprintf(buffer, sizeof buffer, "/proc/self/root%s", OUT("by-proc-root"));
    return writes(buffer, O_WRONLY | O_CREAT);
}
static int fs_home(void) { return writes(HOME_(".bashrc"), O_WRONLY | O_APPEND); }
static int fs_etc(void) { return writes("/etc/execpolicy-probe", O_WRONLY | O_CREAT); }
static int fs_usr(void) { return writes("/usr/bin/execpolicy-probe", O_WRONLY | O_CREAT); }
static int fs_mkfifo(void) { return call(mkfifo(OUT("fifo"), 0644)); }
static int fs_mknod_device(void) { return call(mknod(WS("disk"), S_IFBLK | 0600, makedev(254, 0))); }
static int fs_tmpfile(void) { return call(open(env("PROBE_OUTSIDE"), O_TMPFILE | O_RDWR, 0600)); }
static int fs_bind_socket(void) {
    struct sockaddr_un u = {AF_UNIX};
    snprintf(u.sun_path, sizeof u.sun_path, "%s", OUT("newsock"));
    return call(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&u, sizeof u));
}
static int fs_fallocate(void) {
    int fd = open(OUT("file"), O_RDWR);
    return fd < 0 ? BLOCKED : call(fallocate(fd, 0, 0, 4096));
}
static int fs_reopen_writable(void) {
    int fd = open(OUT("file"), O_RDONLY);
    snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", fd);
    return writes(buffer, O_WRONLY);
}
static int fs_openat2(void) {
    struct { uint64_t flags, mode, resolve; } how = {O_WRONLY | O_CREAT, 0644, 0};
    return call(syscall(437, AT_FDCWD, OUT("openat2"), &how, sizeof how));
}
static int fs_creat(void) { return call(creat(OUT("creat"), 0644)); }
static int fs_move_workspace(void) { return call(rename(env("PROBE_WS"), OUT("ws"))); }
static int fs_open_by_handle(void) {
    struct { struct file_handle h; char space[128]; } handle = {{128, 0}};
    int mount;
    if (name_to_handle_at(AT_FDCWD, env("PROBE_OUTSIDE"), &handle.h, &mount, 0) < 0) return SKIP;
    int fd = open_by_handle_at(open(env("PROBE_WS"), O_RDONLY), &handle.h, O_RDONLY);
    return fd < 0 ? BLOCKED : call(openat(fd, "by-handle", O_CREAT | O_WRONLY, 0644));
}

/* ---- git: readable, not writable, in the workspace's root and below it */
static int git_config(void) { return writes(WS(".git/config"), O_WRONLY | O_APPEND); }
static int git_hook(void) { return writes(WS(".git/hooks/post-checkout"), O_WRONLY | O_CREAT); }
static int git_unlink(void) { return call(unlink(WS(".git/config"))); }
static int git_rename(void) { return call(rename(WS(".git"), WS("git-moved"))); }
static int git_rename_over(void) {
    mkdir(WS("git-new"), 0755);
    return call(rename(WS("git-new"), WS(".git")));
}
static int git_exchange(void) {
    mkdir(WS("git-new2"), 0755);
    return call(syscall(SYS_renameat2, AT_FDCWD, WS("git-new2"), AT_FDCWD, WS(".git"), 2));
}
static int git_rmdir(void) { return call(rmdir(WS(".git/empty"))); }
static int git_chmod(void) { return call(chmod(WS(".git/config"), 0777)); }
static int git_hardlink(void) {
    if (link(WS(".git/config"), WS("config-link")) < 0) return BLOCKED;
    return writes(WS("config-link"), O_WRONLY);
}
static int git_symlink_path(void) {
    symlink(".git", WS("git-link"));
    return writes(WS("git-link/config"), O_WRONLY);
}
static int git_umount(void) { return call(umount2(WS(".git"), MNT_DETACH)); }
static int git_remount(void) { return call(mount(0, WS(".git"), 0, MS_REMOUNT | MS_BIND, 0)); }
static int git_mount_setattr(void) {
    uint64_t attr[4] = {0, 1, 0, 0};
    return call(syscall(442, AT_FDCWD, WS(".git"), 0, attr, sizeof attr));
}
static int git_nested_config(void) { return writes(WS("sub/.git/config"), O_WRONLY | O_APPEND); }
static int git_nested_hook(void) { return writes(WS("sub/.git/hooks/evil"), O_WRONLY | O_CREAT); }
static int git_nested_parent_swap(void) {
    if (rename(WS("sub"), WS("sub-moved")) < 0) return BLOCKED;
    mkdir(WS("sub"), 0755);
    mkdir(WS("sub/.git"), 0755);
    return writes(WS("sub/.git/config"), O_WRONLY | O_CREAT);
}
static int git_nested_parent_exchange(void) {
    mkdir(WS("fake"), 0755);
    return call(syscall(SYS_renameat2, AT_FDCWD, WS("fake"), AT_FDCWD, WS("sub"), 2));
}
static int git_deep_parent_swap(void) { return call(rename(WS("a/b"), WS("a/c"))); }
static int git_deep_grandparent_swap(void) { return call(rename(WS("a"), WS("c"))); }
static int git_open_tree(void) {
    int fd = syscall(428, AT_FDCWD, env("PROBE_WS"), 1);
    return fd < 0 ? BLOCKED : call(openat(fd, ".git/evil", O_CREAT | O_WRONLY, 0644));
}

/* ---- secret: neither read nor written */
static int secret_env_file(void) { return reads(WS(".env")); }
static int secret_ssh(void) { return reads(HOME_(".ssh/id_rsa")); }
static int secret_ssh_list(void) { return yes(opendir(HOME_(".ssh")) != NULL); }
static int secret_ssh_stat(void) {
    struct stat s;
    return yes(stat(HOME_(".ssh/id_rsa"), &s) == 0);
}
static int secret_env_write(void) { return writes(WS(".env"), O_WRONLY); }
static int secret_env_chmod(void) { return call(chmod(WS(".env"), 0644)); }
static int secret_ssh_chmod(void) { return call(chmod(HOME_(".ssh"), 0755)); }
static int secret_env_unlink(void) { return call(unlink(WS(".env"))); }
static int secret_env_rename(void) { return call(rename(WS(".env"), WS("env"))); }
static int secret_env_link(void) {
    if (link(WS(".env"), WS("env-link")) < 0) return BLOCKED;
    return reads(WS("env-link"));
}
static int secret_env_symlink(void) {
    symlink(".env", WS("env-sym"));
    return reads(WS("env-sym"));
}
static int secret_env_exec(void) { return yes(runs("cat \"$PROBE_WS/.env\" | grep -q .")); }
static int secret_umount(void) { return call(umount2(WS(".env"), MNT_DETACH)); }
static int secret_tmp(void) { return reads(env("PROBE_TMP_SECRET")); }
/* Whether a directory shows a name with this text in it. */
static int lists(const char *directory, const char *text) {
    DIR *d = opendir(directory);
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (strstr(e->d_name, text)) return ESCAPED;
    return BLOCKED;
}
static int secret_tmp_list(void) { return lists("/tmp", "execpolicy-secret"); }
static int secret_run(void) {
    DIR *d = opendir("/run");
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.') return ESCAPED;
    return BLOCKED;
}
static int secret_copy_range(void) {
    int in = open(WS(".env"), O_RDONLY), out = open(WS("copy"), O_CREAT | O_WRONLY, 0644);
    return yes(in >= 0 && copy_file_range(in, 0, out, 0, 100, 0) > 0);
}
static int secret_deep(void) { return reads(WS("a/b/.env")); }

/* ---- env */
static int env_variable(void) { return yes(getenv("PROBE_SECRET_TOKEN") != NULL); }
static int env_own_environ(void) { return yes(holds("/proc/self/environ", "tok-en-value")); }
static int env_proc_1(void) { return yes(holds("/proc/1/environ", "tok-en-value")); }
static int env_proc_1_any(void) { return reads("/proc/1/environ"); }
/* The file of any process whose number could be that of the victim or of somebody near, listed in /proc or not. */
static int scan(const char *file, const char *text) {
    char p[64];
    int victim = atoi(env("PROBE_VICTIM"));
    for (int i = 1; i < victim + 1000; i++) {
        if (i == 2000 && victim > 3000) i = victim - 1000;
        snprintf(p, sizeof p, "/proc/%d/%s", i, file);
        if (holds(p, text)) return ESCAPED;
    }
    return BLOCKED;
}
static int env_scan(void) { return scan("environ", "tok-en-value"); }
static int env_parent(void) {
    char p[64];
    snprintf(p, sizeof p, "/proc/%d/environ", getppid());
    return yes(holds(p, "tok-en-value"));
}
static int env_cmdline_1(void) { return yes(holds("/proc/1/cmdline", "tok-en-value")); }
static int env_agent_sockets(void) { return yes(getenv("SSH_AUTH_SOCK") || getenv("DBUS_SESSION_BUS_ADDRESS")); }

/* ---- fd */
static int fd_inherited(void) {
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0) return ESCAPED;
    return BLOCKED;
}
static int fd_directory(void) {
    for (int fd = 3; fd < 1024; fd++)
        if (openat(fd, "by-inherited-fd", O_CREAT | O_WRONLY, 0644) >= 0) return ESCAPED;
    return BLOCKED;
}
static int fd_of_init(void) { return call(open("/proc/1/fd/0", O_RDONLY)); }
static int fd_list_init(void) { return yes(opendir("/proc/1/fd") != NULL); }
static int fd_pidfd_getfd(void) {
    int p = syscall(SYS_pidfd_open, 1, 0);
    return p < 0 ? BLOCKED : call(syscall(438, p, 0, 0));
}

/* ---- proc: other processes */
static int proc_see_host(void) {
    int n = 0;
    DIR *d = opendir("/proc");
    struct dirent *e;
    while (d && (e = readdir(d))) n += e->d_name[0] >= '1' && e->d_name[0] <= '9';
    return yes(n > 8);
}
static int proc_victim_cmdline(void) { return scan("cmdline", "victim-marker"); }
static int proc_kill_victim(void) { return call(kill(atoi(env("PROBE_VICTIM")), SIGUSR1)); }
static int proc_kill_all(void) {
    /* In a process of its own session; the host counts what its victim received. */
    signal(SIGUSR1, SIG_IGN);
    pid_t probe = getppid();
    (void)probe;
    kill(-1, 0);
    return yes(kill(atoi(env("PROBE_VICTIM")), 0) == 0);
}
static int proc_sigqueue_victim(void) {
    union sigval v = {0};
    return call(sigqueue(atoi(env("PROBE_VICTIM")), SIGUSR1, v));
}
static int proc_ptrace_victim(void) { return call(ptrace(PTRACE_SEIZE, atoi(env("PROBE_VICTIM")), 0, 0)); }
static int proc_ptrace_init(void) { return call(ptrace(PTRACE_SEIZE, 1, 0, 0)); }
static int proc_ptrace_parent(void) { return call(ptrace(PTRACE_SEIZE, getppid(), 0, 0)); }
static int proc_vm_read_init(void) {
    struct iovec l = {buffer, 8}, r = {(void *)0x400000, 8};
    return call(process_vm_readv(1, &l, 1, &r, 1, 0));
}
static int proc_vm_write_init(void) {
    struct iovec l = {buffer, 8}, r = {(void *)0x400000, 8};
    return call(process_vm_writev(1, &l, 1, &r, 1, 0));
}
static int proc_mem_init(void) { return call(open("/proc/1/mem", O_RDWR)); }
static int proc_maps_init(void) { return reads("/proc/1/maps"); }
static int proc_root_init(void) { return call(open("/proc/1/root/etc", O_RDONLY)); }
static int proc_cwd_init(void) { return call(open("/proc/1/cwd", O_RDONLY)); }
static int proc_exe_init(void) { return call(open("/proc/1/exe", O_WRONLY)); }
static int proc_kill_init(void) {
    kill(1, SIGKILL);
    kill(1, SIGSTOP);
    kill(1, SIGSEGV);
    usleep(20000);
    return BLOCKED; /* if it had worked, this line would not be printed */
}
static int proc_prlimit_init(void) {
    struct rlimit r = {1024, 1024}; /* what it has */
    return call(prlimit(1, RLIMIT_NOFILE, &r, 0));
}
static int proc_prlimit_parent(void) {
    struct rlimit r = {1024, 1024};
    return call(prlimit(getppid(), RLIMIT_NOFILE, &r, 0));
}
static int proc_see_init(void) { return call(access("/proc/1/stat", F_OK)); }
static int proc_oom_init(void) { return writes("/proc/1/oom_score_adj", O_WRONLY); }
static int proc_sched_victim(void) {
    struct sched_param p = {0};
    return call(sched_setscheduler(atoi(env("PROBE_VICTIM")), SCHED_IDLE, &p));
}
static int proc_pidfd_victim(void) { return call(syscall(SYS_pidfd_open, atoi(env("PROBE_VICTIM")), 0)); }
static int proc_core_pattern(void) {
    /* Opening is enough; nothing is written to the machine. */
    return call(open("/proc/sys/kernel/core_pattern", O_WRONLY));
}
static int proc_sys_any(void) { return call(open("/proc/sys/vm/drop_caches", O_WRONLY)); }
static int proc_sys_hostname(void) { return call(open("/proc/sys/kernel/hostname", O_WRONLY)); }
static int proc_sysrq(void) { return call(open("/proc/sysrq-trigger", O_WRONLY)); }
static int proc_sys_chmod(void) { return call(chmod("/proc/sys/kernel/core_pattern", 0666)); }
static int proc_kcore(void) { return reads("/proc/kcore"); }
static int proc_kallsyms(void) { return reads("/proc/kallsyms"); }
static int proc_keys(void) { return reads("/proc/keys"); }
static int proc_timer_list(void) { return reads("/proc/timer_list"); }
static int proc_uid_map(void) { return writes("/proc/self/uid_map", O_WRONLY); }
static int sysfs_write(void) { return call(open("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY)); }
static int sysfs_cgroup(void) { return call(mkdir("/sys/fs/cgroup/execpolicy-probe", 0755)); }
static int sysfs_cgroup_unified(void) { return call(mkdir("/sys/fs/cgroup/unified/execpolicy-probe", 0755)); }

/* ---- net */
static struct sockaddr_in host(int port) {
    struct sockaddr_in a = {AF_INET, htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}
static int net_tcp_localhost(void) {
    struct sockaddr_in a = host(atoi(env("PROBE_TCP")));
    return call(connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a));
}
static int net_tcp6_localhost(void) {
    struct sockaddr_in6 a = {AF_INET6, htons(atoi(env("PROBE_TCP")))};
    a.sin6_addr = in6addr_loopback;
    return call(connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&a, sizeof a));
}
static int net_tcp_mapped(void) {
    struct sockaddr_in6 a = {AF_INET6, htons(atoi(env("PROBE_TCP")))};
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
    return call(connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&a, sizeof a));
}
static int net_tcp_remote(void) {
    struct sockaddr_in a = {AF_INET, htons(80)};
    inet_pton(AF_INET, "192.0.2.1", &a.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    return yes(connect(s, (void *)&a, sizeof a) == 0 || errno == EINPROGRESS);
}
static int net_fastopen(void) {
    struct sockaddr_in a = host(atoi(env("PROBE_TCP")));
    return yes(sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, 0x20000000, (void *)&a, sizeof a) > 0);
}
static int net_mptcp(void) {
    struct sockaddr_in a = host(atoi(env("PROBE_TCP")));
    int s = socket(AF_INET, SOCK_STREAM, 262);
    return s < 0 ? BLOCKED : call(connect(s, (void *)&a, sizeof a));
}
static int net_udp_localhost(void) {
    struct sockaddr_in a = host(atoi(env("PROBE_UDP")));
    /* Into an own namespace this goes nowhere; the host counts what arrives. */
    sendto(socket(AF_INET, SOCK_DGRAM, 0), "evil", 4, 0, (void *)&a, sizeof a);
    return BLOCKED;
}
static int net_udp_remote(void) {
    struct sockaddr_in a = {AF_INET, htons(53)};
    inet_pton(AF_INET, "192.0.2.1", &a.sin_addr);
    return yes(sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (void *)&a, sizeof a) > 0);
}
static int net_raw(void) { return call(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
static int net_packet(void) { return call(socket(AF_PACKET, SOCK_RAW, 0)); }
static int net_ping(void) {
    struct sockaddr_in a = {AF_INET};
    inet_pton(AF_INET, "192.0.2.1", &a.sin_addr);
    int s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    return s < 0 ? BLOCKED : yes(sendto(s, "\10\0\0\0\0\0\0\0", 8, 0, (void *)&a, sizeof a) > 0);
}
static int net_vsock(void) { return call(socket(40, SOCK_STREAM, 0)); }
static int net_alg(void) { return call(socket(38, SOCK_SEQPACKET, 0)); }
static int net_xdp(void) { return call(socket(44, SOCK_RAW, 0)); }
static int net_netfilter(void) { return call(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)); }
static int net_sock_diag(void) { return call(socket(AF_NETLINK, SOCK_RAW, 4)); }
static int net_uevent(void) { return call(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)); }
static int net_audit(void) { return call(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)); }
static int net_bluetooth(void) { return call(socket(AF_BLUETOOTH, SOCK_RAW, 1)); }
static int net_can(void) { return call(socket(AF_CAN, SOCK_RAW, 1)); }
static int net_tipc(void) { return call(socket(30, SOCK_SEQPACKET, 0)); }
static int net_high_bits(void) { return call(syscall(SYS_socket, 0x100000028ULL, SOCK_STREAM, 0)); }
static int net_interfaces(void) {
    struct if_nameindex *i = if_nameindex();
    for (; i && i->if_index; i++)
        if (strcmp(i->if_name, "lo")) {
            /* tunnels that the kernel makes in every namespace carry nothing */
            int s = socket(AF_INET, SOCK_DGRAM, 0);
            struct ifreq r;
            memset(&r, 0, sizeof r);
            strcpy(r.ifr_name, i->if_name);
            if (ioctl(s, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP) return ESCAPED;
        }
    return BLOCKED;
}
static int net_add_interface(void) {
    struct ifreq r;
    memset(&r, 0, sizeof r);
    strcpy(r.ifr_name, "lo");
    r.ifr_flags = 0;
    return call(ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &r));
}
static int net_tun(void) { return call(open("/dev/net/tun", O_RDWR)); }
static int net_socketpair_family(void) {
    int s[2];
    return call(socketpair(AF_INET, SOCK_STREAM, 0, s));
}

/* ---- unix */
static int unix_path(void) {
    struct sockaddr_un u = {AF_UNIX};
    snprintf(u.sun_path, sizeof u.sun_path, "%s", OUT("sock"));
    return call(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&u, sizeof u));
}
static int unix_path_symlink(void) {
    symlink(OUT("sock"), WS("sock-link"));
    struct sockaddr_un u = {AF_UNIX};
    snprintf(u.sun_path, sizeof u.sun_path, "%s", WS("sock-link"));
    return call(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&u, sizeof u));
}
static int unix_datagram(void) {
    struct sockaddr_un u = {AF_UNIX};
    snprintf(u.sun_path, sizeof u.sun_path, "%s", OUT("dsock"));
    return yes(sendto(socket(AF_UNIX, SOCK_DGRAM, 0), "evil", 4, 0, (void *)&u, sizeof u) > 0);
}
static int unix_datagram_pair(void) {
    int s[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    struct sockaddr_un u = {AF_UNIX};
    snprintf(u.sun_path, sizeof u.sun_path, "%s", OUT("dsock"));
    return yes(sendto(s[0], "evil", 4, 0, (void *)&u, sizeof u) > 0);
}
static int unix_abstract(void) {
    struct sockaddr_un u = {AF_UNIX};
    const char *name = env("PROBE_ABSTRACT");
    strcpy(u.sun_path + 1, name);
    return call(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&u, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
}
static int unix_tmp_socket(void) {
    struct sockaddr_un u = {AF_UNIX};
    snprintf(u.sun_path, sizeof u.sun_path, "%s", env("PROBE_TMP_SOCKET"));
    return call(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&u, sizeof u));
}

/* ---- sys */
static int sys_unshare_user(void) { return call(unshare(CLONE_NEWUSER)); }
static int sys_unshare_mount(void) { return call(unshare(CLONE_NEWNS)); }
static int sys_unshare_net(void) { return call(unshare(CLONE_NEWNET)); }
static int sys_unshare_time(void) { return call(unshare(0x80)); }
static int sys_clone_user(void) {
    long p = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (p == 0) _exit(0);
    return call(p);
}
static int sys_clone3_user(void) {
    uint64_t args[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
    long p = syscall(435, args, sizeof args);
    if (p == 0) _exit(0);
    return call(p);
}
static int sys_setns(void) { return call(setns(open("/proc/self/ns/mnt", O_RDONLY), 0)); }
static int sys_setns_init(void) { return call(setns(open("/proc/1/ns/mnt", O_RDONLY), 0)); }
static int sys_mount_tmpfs(void) { return call(mount("tmpfs", "/mnt", "tmpfs", 0, 0)); }
static int sys_mount_bind(void) { return call(mount(env("PROBE_OUTSIDE"), env("PROBE_WS"), 0, MS_BIND, 0)); }
static int sys_remount_root(void) { return call(mount(0, "/", 0, MS_REMOUNT | MS_BIND, 0)); }
static int sys_umount_proc(void) { return call(umount2("/proc/sys", MNT_DETACH)); }
static int sys_fsopen(void) { return call(syscall(430, "tmpfs", 0)); }
static int sys_pivot_root(void) { return call(syscall(SYS_pivot_root, "/tmp", "/tmp")); }
static int sys_chroot(void) { return call(chroot("/tmp")); }
static int sys_bpf(void) { return call(syscall(SYS_bpf, 0, buffer, 72)); }
static int sys_perf(void) {
    char attr[128] = {0};
    attr[4] = 112;
    return call(syscall(SYS_perf_event_open, attr, 0, -1, -1, 0));
}
static int sys_userfaultfd(void) { return call(syscall(SYS_userfaultfd, 1)); }
static int sys_io_uring(void) {
    char params[120] = {0};
    return call(syscall(425, 4, params));
}
static int sys_keyctl_read(void) {
    long key = syscall(SYS_keyctl, 10, -3, "user", "execpolicy-probe-key", 0);
    return key > 0 ? ESCAPED : BLOCKED;
}
static int sys_add_key(void) { return call(syscall(SYS_add_key, "user", "x", "y", 1, -3)); }
static int sys_request_key(void) { return call(syscall(SYS_request_key, "user", "execpolicy-probe-key", 0, 0)); }
static int sys_module(void) { return call(syscall(SYS_finit_module, 0, "", 0)); }
static int sys_kexec(void) { return yes(syscall(SYS_kexec_load, 0, 0, 0, 0) == 0); }
static int sys_reboot(void) { return yes(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0) == 0); }
static int sys_swapon(void) { return call(swapoff("/nowhere")); }
static int sys_sethostname(void) { return call(sethostname("evil", 4)); }
static int sys_settime(void) { return call(syscall(SYS_clock_settime, CLOCK_REALTIME, 0)); }
static int sys_syslog(void) { return call(syscall(SYS_syslog, 3, buffer, 100)); }
static int sys_personality(void) { return call(personality(0x0400000)); }
static int sys_fanotify(void) { return call(syscall(SYS_fanotify_init, 0x200, 0)); }
static int sys_quotactl(void) { return yes(syscall(SYS_quotactl, 0, 0, 0, 0) == 0); }
static int sys_seccomp_gone(void) {
#ifdef __x86_64__
    /* x32 */
    return yes(syscall(0x40000000 | SYS_getpid) > 0);
#else
    return SKIP;
#endif
}
static int sys_unknown_number(void) {
    return syscall(1000, 0, 0, 0) < 0 && errno == ENOSYS ? BLOCKED : ESCAPED;
}
static int sys_i386(void) {
#ifdef __x86_64__
    pid_t p = fork();
    if (p == 0) {
        long r;
        __asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
        _exit(r > 0 ? 42 : 0);
    }
    int st;
    waitpid(p, &st, 0);
    return yes(WIFEXITED(st) && WEXITSTATUS(st) == 42);
#else
    return SKIP;
#endif
}
static int sys_acct(void) { return yes(acct("/nowhere") == 0 || errno == ENOENT); }
static int sys_iopl(void) {
#ifdef __x86_64__
    return call(syscall(SYS_iopl, 3));
#else
    return SKIP;
#endif
}
static int sys_process_madvise(void) { return yes(syscall(440, -1, 0, 0, 0, 0) >= 0 || errno == EBADF); }
static int sys_kcmp(void) { return call(syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 1)); }

/* ---- priv */
static int priv_setuid_root(void) { return yes(getuid() != 0 && setuid(0) == 0); }
static int priv_setgroups(void) {
    gid_t g = 0;
    return yes(setgroups(1, &g) == 0);
}
static int priv_suid_chmod(void) {
    close(open(WS("suid"), O_CREAT | O_WRONLY, 0755));
    return call(chmod(WS("suid"), 04755));
}
static int priv_suid_fchmodat2(void) {
    close(open(WS("suid2"), O_CREAT | O_WRONLY, 0755));
    return call(syscall(452, AT_FDCWD, WS("suid2"), 02755, 0));
}
static int priv_suid_create(void) { return call(open(WS("suid3"), O_CREAT | O_WRONLY, 04755)); }
static int priv_suid_mknod(void) { return call(mknod(WS("suid4"), S_IFREG | 04755, 0)); }
static int priv_suid_tmpfile(void) { return call(open(env("PROBE_WS"), O_TMPFILE | O_WRONLY, 04755)); }
static int priv_capabilities(void) {
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, buffer, sizeof buffer - 1);
    buffer[n > 0 ? n : 0] = 0;
    char *p = buffer;
    for (const char **k = (const char *[]){"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", 0}; *k; k++) {
        char *line = strstr(p, *k);
        if (!line || strtoull(line + 7, 0, 16)) return ESCAPED;
    }
    return yes(!strstr(buffer, "NoNewPrivs:\t1"));
}
static int priv_capset(void) {
    uint32_t h[2] = {0x20080522, 0}, d[6] = {~0u, ~0u, 0, ~0u, ~0u, 0};
    return call(syscall(SYS_capset, h, d));
}
static int priv_renice(void) { return yes(setpriority(PRIO_PROCESS, 0, -5) == 0); }
static int priv_raise_limit(void) {
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_max += 1000;
    return yes(r.rlim_max > 1000 && setrlimit(RLIMIT_NOFILE, &r) == 0);
}

/* ---- dev */
static int dev_block(void) {
    DIR *d = opendir("/dev");
    struct dirent *e;
    while (d && (e = readdir(d))) {
        struct stat s;
        if (fstatat(dirfd(d), e->d_name, &s, 0) == 0 && S_ISBLK(s.st_mode)) return ESCAPED;
    }
    return BLOCKED;
}
static int dev_mem(void) { return call(open("/dev/mem", O_RDONLY)); }
static int dev_kmsg(void) { return call(open("/dev/kmsg", O_RDONLY | O_NONBLOCK)); }
static int dev_create(void) { return call(open("/dev/evil", O_CREAT | O_WRONLY, 0644)); }
static int dev_replace_null(void) { return call(unlink("/dev/null")); }
static int dev_fuse(void) { return call(open("/dev/fuse", O_RDWR)); }
static int dev_kvm(void) { return call(open("/dev/kvm", O_RDWR)); }

/* ---- tty */
static int tty_controlling(void) { return call(open("/dev/tty", O_RDWR)); }
static int tty_sti(void) {
    int m = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(m);
    unlockpt(m);
    char c = 'x', name[64];
    ptsname_r(m, name, sizeof name);
    int s = open(name, O_RDWR | O_NOCTTY);
    return s < 0 ? SKIP : call(ioctl(s, TIOCSTI, &c));
}
static int tty_sti_high_bits(void) {
    int m = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(m);
    unlockpt(m);
    char c = 'x', name[64];
    ptsname_r(m, name, sizeof name);
    int s = open(name, O_RDWR | O_NOCTTY);
    return s < 0 ? SKIP : call(syscall(SYS_ioctl, s, 0x100005412ULL, &c));
}
static int tty_linux(void) {
    char c = 2;
    return call(ioctl(0, 0x541C, &c));
}
static int tty_host_pts(void) {
    DIR *d = opendir("/dev/pts");
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (e->d_name[0] >= '0' && e->d_name[0] <= '9') return ESCAPED;
    return BLOCKED;
}
static int tty_console(void) { return call(open("/dev/console", O_RDWR | O_NOCTTY)); }

/* ---- ipc */
static int ipc_shm(void) {
    int id = shmget(atoi(env("PROBE_SHM")), 0, 0);
    return call(id);
}
static int ipc_shm_id(void) {
    void *p = shmat(atoi(env("PROBE_SHM_ID")), 0, 0);
    return yes(p != (void *)-1);
}
static int ipc_posix_shm(void) { return reads(at("PROBE_DEVSHM", "")); }
static int ipc_posix_shm_list(void) { return lists("/dev/shm", "execpolicy-probe"); }

/* ---- limit */
static int limit_core(void) {
    struct rlimit r;
    getrlimit(RLIMIT_CORE, &r);
    return yes(r.rlim_max != 0);
}
static int limit_files(void) {
    int n = 0;
    while (n < 5000 && dup(0) >= 0) n++;
    return yes(n >= 1024);
}
static int limit_file_size(void) {
    signal(SIGXFSZ, SIG_IGN);
    int fd = open(WS("big"), O_CREAT | O_WRONLY, 0644);
    return yes(ftruncate(fd, 1L << 40) == 0);
}
static int limit_processes(void) {
    if (getuid() == 0) return SKIP; /* the kernel exempts root; the plan had to accept that */
    int n = 0;
    static pid_t pids[600];
    for (; n < 600; n++) {
        pid_t p = fork();
        if (p < 0) break;
        if (p == 0) {
            pause();
            _exit(0);
        }
        pids[n] = p;
    }
    for (int i = 0; i < n; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], 0, 0);
    }
    return yes(n >= 600);
}

/* ---- daemon, missing: the host looks afterwards */
static int daemon_survives(void) {
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            prctl(PR_SET_NAME, env("PROBE_DAEMON"));
            close(0), close(1), close(2);
            for (int i = 0; i < 300; i++) {
                writes(WS("daemon-alive"), O_WRONLY | O_CREAT | O_APPEND);
                usleep(100000);
            }
        }
        _exit(0);
    }
    return BLOCKED;
}
static int daemon_clear_pdeathsig(void) {
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, 0);
        setsid();
        prctl(PR_SET_NAME, env("PROBE_DAEMON"));
        close(0), close(1), close(2);
        sleep(30);
        _exit(0);
    }
    return BLOCKED;
}
static int missing_name(void) {
    mkdir(WS(".vscode"), 0755);
    writes(WS(".vscode/tasks.json"), O_WRONLY | O_CREAT);
    return BLOCKED;
}
static int missing_git_hook(void) {
    mkdir(WS("fresh"), 0755);
    mkdir(WS("fresh/.git"), 0755);
    mkdir(WS("fresh/.git/hooks"), 0755);
    writes(WS("fresh/.git/hooks/post-checkout"), O_WRONLY | O_CREAT);
    int fd = open(WS("fresh/.git/config"), O_CREAT | O_WRONLY, 0644);
    const char *text = "[core]\n\tfsmonitor = ./evil\n";
    return write(fd, text, strlen(text)) > 0 ? BLOCKED : SKIP;
}
static int missing_symlink(void) {
    symlink(env("PROBE_OUTSIDE"), WS(".idea"));
    return BLOCKED;
}
static int missing_parent_symlink(void) {
    rmdir(WS("swap"));
    symlink(env("PROBE_OUTSIDE"), WS("swap"));
    return BLOCKED;
}

/* ==== what must work ==== */
static int work_create(void) { return !writes(WS("w1"), O_CREAT | O_WRONLY); }
static int work_read_back(void) { return writes(WS("w2"), O_CREAT | O_WRONLY) && holds(WS("w2"), "evil") ? OK : BROKEN; }
static int work_rename(void) { return close(creat(WS("w3"), 0644)) || rename(WS("w3"), WS("w4")); }
static int work_rename_over(void) { return close(creat(WS("w5"), 0644)) || close(creat(WS("w6"), 0644)) || rename(WS("w5"), WS("w6")); }
static int work_unlink(void) { return close(creat(WS("w7"), 0644)) || unlink(WS("w7")); }
static int work_mkdir(void) { return mkdir(WS("wd"), 0755) || rmdir(WS("wd")); }
static int work_hardlink(void) { return close(creat(WS("w8"), 0644)) || link(WS("w8"), WS("w9")); }
static int work_symlink(void) { return symlink("file.txt", WS("ws-link")) || !holds(WS("ws-link"), "hello"); }
static int work_chmod(void) { return close(creat(WS("w10"), 0644)) || chmod(WS("w10"), 0755); }
static int work_sticky_mode(void) { return mkdir(WS("wsticky"), 0755) || chmod(WS("wsticky"), 01777); }
static int work_utimes(void) { return close(creat(WS("w11"), 0644)) || utimes(WS("w11"), 0); }
static int work_xattr(void) { return close(creat(WS("w12"), 0644)) || (setxattr(WS("w12"), "user.a", "b", 1, 0) && errno != ENOTSUP); }
static int work_tmpfile(void) { return open(env("PROBE_WS"), O_TMPFILE | O_RDWR, 0600) < 0; }
static int work_mmap_shared(void) {
    int fd = open(WS("w13"), O_CREAT | O_RDWR, 0644);
    if (ftruncate(fd, 4096)) return BROKEN;
    char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p == MAP_FAILED || (p[0] = 1) != 1;
}
static int work_flock(void) { return flock(open(WS("w14"), O_CREAT | O_RDWR, 0644), LOCK_EX); }
static int work_fcntl_lock(void) {
    struct flock l = {F_WRLCK};
    return fcntl(open(WS("w15"), O_CREAT | O_RDWR, 0644), F_SETLK, &l) < 0;
}
static int work_copy_range(void) {
    int in = open(WS("file.txt"), O_RDONLY), out = open(WS("w16"), O_CREAT | O_WRONLY, 0644);
    return copy_file_range(in, 0, out, 0, 5, 0) != 5;
}
static int work_sendfile(void) {
    int in = open(WS("file.txt"), O_RDONLY), out = open(WS("w17"), O_CREAT | O_WRONLY, 0644);
    return sendfile(out, in, 0, 5) != 5;
}
static int work_fallocate(void) { return posix_fallocate(open(WS("w18"), O_CREAT | O_RDWR, 0644), 0, 100); }
static int work_statfs(void) {
    struct statfs s;
    return statfs(env("PROBE_WS"), &s);
}
static int work_subdirectory(void) { return !writes(WS("sub/file"), O_CREAT | O_WRONLY); }
static int work_git_read(void) { return !holds(WS(".git/config"), "core"); }
static int work_git_list(void) { return opendir(WS(".git")) == NULL; }
static int work_secret_name_visible(void) {
    struct stat s;
    return stat(WS(".env"), &s);
}
static int work_tmp(void) { return !writes("/tmp/mine", O_CREAT | O_WRONLY); }
static int work_tmp_exec(void) { return !runs("cp /bin/true /tmp/t && /tmp/t"); }
static int work_run(void) { return !writes("/run/mine", O_CREAT | O_WRONLY); }
static int work_dev_null(void) { return !writes("/dev/null", O_WRONLY); }
static int work_dev_zero(void) { return !reads("/dev/zero"); }
static int work_dev_urandom(void) { return !reads("/dev/urandom"); }
static int work_dev_full(void) { return !(writes("/dev/full", O_WRONLY) == BLOCKED && errno == ENOSPC); }
static int work_dev_shm(void) { return shm_open("/execpolicy-work", O_CREAT | O_RDWR, 0600) < 0; }
static int work_dev_fd(void) { return open("/dev/fd/0", O_RDONLY) < 0 && access("/dev/fd/1", F_OK); }
static int work_pty(void) {
    int m = posix_openpt(O_RDWR | O_NOCTTY);
    if (m < 0 || grantpt(m) || unlockpt(m)) return BROKEN;
    char name[64];
    if (ptsname_r(m, name, sizeof name)) return BROKEN;
    int s = open(name, O_RDWR | O_NOCTTY);
    struct winsize w = {24, 80};
    return s < 0 || ioctl(s, TIOCSWINSZ, &w) || !isatty(s);
}
static int pty_child(void) {
    setsid();
    int m = posix_openpt(O_RDWR | O_NOCTTY);
    char name[64];
    if (m < 0 || grantpt(m) || unlockpt(m) || ptsname_r(m, name, sizeof name)) return BROKEN;
    int s = open(name, O_RDWR);
    return s < 0 || ioctl(s, TIOCSCTTY, 0) || open("/dev/tty", O_RDWR) < 0;
}
static int work_pty_controlling(void) { return child_ok(pty_child); }
static int work_etc(void) { return !reads("/etc/passwd"); }
static int work_list_root(void) { return opendir("/") == NULL; }
static int work_exec(void) { return !runs("true"); }
static int work_shell_pipe(void) { return !runs("echo a | cat | grep -q a"); }
static int work_background_job(void) { return !runs("sleep 0.05 & wait"); }
static int work_here_document(void) { return !runs("cat <<X >/dev/null\nx\nX"); }
static int work_exit_status(void) { return !runs("sh -c 'exit 3'; [ $? = 3 ]"); }
static int work_socketpair(void) {
    int s[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, s);
}
static int local_server(int family, int type, void *address, socklen_t length) {
    int s = socket(family, type, 0);
    if (s < 0 || bind(s, address, length)) return BROKEN;
    getsockname(s, address, &length);
    if (type == SOCK_STREAM) {
        if (listen(s, 1)) return BROKEN;
        int c = socket(family, type, 0);
        return connect(c, address, length) || accept(s, 0, 0) < 0;
    }
    int c = socket(family, type, 0);
    return sendto(c, "x", 1, 0, address, length) != 1 || recv(s, buffer, 1, 0) != 1;
}
static int work_unix_workspace(void) {
    struct sockaddr_un u = {AF_UNIX};
    snprintf(u.sun_path, sizeof u.sun_path, "%s", WS("s1"));
    return local_server(AF_UNIX, SOCK_STREAM, &u, sizeof u);
}
static int work_unix_tmp(void) {
    struct sockaddr_un u = {AF_UNIX, "/tmp/s2"};
    return local_server(AF_UNIX, SOCK_DGRAM, &u, sizeof u);
}
static int work_tcp(void) {
    struct sockaddr_in a = host(0);
    return local_server(AF_INET, SOCK_STREAM, &a, sizeof a);
}
static int work_udp(void) {
    struct sockaddr_in a = host(0);
    return local_server(AF_INET, SOCK_DGRAM, &a, sizeof a);
}
static int work_tcp6(void) {
    struct sockaddr_in6 a = {AF_INET6};
    a.sin6_addr = in6addr_loopback;
    return local_server(AF_INET6, SOCK_STREAM, &a, sizeof a);
}
static int work_netlink_route(void) { return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0; }
static void *thread(void *p) { return p; }
static int work_thread(void) {
    pthread_t t;
    return pthread_create(&t, 0, thread, 0) || pthread_join(t, 0);
}
static int work_fork_many(void) {
    for (int i = 0; i < 50; i++) {
        pid_t p = fork();
        if (p < 0) return BROKEN;
        if (p == 0) _exit(0);
        waitpid(p, 0, 0);
    }
    return OK;
}
static int work_vfork(void) {
    pid_t p = vfork();
    if (p == 0) _exit(0);
    return p < 0;
}
static int work_kill_child(void) {
    pid_t p = fork();
    if (p == 0) {
        pause();
        _exit(0);
    }
    return kill(p, SIGKILL) || waitpid(p, 0, 0) != p;
}
static int work_memfd(void) { return memfd_create("x", 0) < 0; }
static int work_eventfd(void) { return eventfd(0, 0) < 0; }
static int work_timerfd(void) { return timerfd_create(CLOCK_MONOTONIC, 0) < 0; }
static int work_epoll(void) { return epoll_create1(0) < 0; }
static int work_signalfd(void) {
    sigset_t s;
    sigemptyset(&s);
    return signalfd(-1, &s, 0) < 0;
}
static int work_inotify(void) { return inotify_add_watch(inotify_init(), env("PROBE_WS"), IN_CREATE) < 0; }
static int work_getrandom(void) { return syscall(SYS_getrandom, buffer, 8, 0) != 8; }
static int work_jit(void) {
    return mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}
static int work_sysv_shm(void) { return shmget(IPC_PRIVATE, 4096, 0600) < 0; }
static int work_sysv_sem(void) { return semget(IPC_PRIVATE, 1, 0600) < 0; }
static int work_proc_self(void) { return !reads("/proc/self/status"); }
static int work_proc_cpuinfo(void) { return !reads("/proc/cpuinfo"); }
static int work_proc_sys_read(void) { return !reads("/proc/sys/kernel/osrelease"); }
static int work_comm(void) { return !writes("/proc/self/comm", O_WRONLY); }
static int work_personality_query(void) { return personality(0xffffffff) < 0; }
static int work_no_random(void) { return personality(0x40000) < 0; }
static int work_unshare_files(void) { return unshare(CLONE_FILES); }
static int work_nice(void) { return setpriority(PRIO_PROCESS, 0, 19); }
static int work_lower_limit(void) {
    struct rlimit r = {100, 100};
    return setrlimit(RLIMIT_NOFILE, &r);
}
static int work_own_prlimit(void) {
    struct rlimit r;
    return prlimit(0, RLIMIT_NOFILE, 0, &r) || prlimit(0, RLIMIT_NOFILE, &r, 0) || prlimit(getppid(), RLIMIT_NOFILE, 0, &r);
}
static int work_proc_own_processes(void) {
    char p[64];
    snprintf(p, sizeof p, "/proc/%d/stat", getppid());
    return access(p, R_OK);
}
static int work_cwd(void) { return !getcwd(buffer, sizeof buffer) || strcmp(buffer, env("PROBE_WS")); }
static int work_environment(void) { return !getenv("PATH"); }
static int work_stdout(void) { return write(1, "", 0) < 0; }
static int work_uid(void) { return getuid() != (uid_t)atoi(env("PROBE_UID")); }
static int work_owner(void) {
    struct stat s;
    return close(creat(WS("w19"), 0644)) || stat(WS("w19"), &s) || s.st_uid != getuid();
}
static int work_ignored_signals(void) {
    struct sigaction a;
    return sigaction(SIGPIPE, 0, &a) || a.sa_handler != SIG_DFL;
}
static int work_signal_mask(void) {
    sigset_t s;
    sigprocmask(0, 0, &s);
    for (int i = 1; i < 64; i++)
        if (sigismember(&s, i) == 1) return BROKEN;
    return OK;
}
static int work_seccomp_nested(void) {
    struct sock_filter f[] = {BPF_STMT(BPF_RET | BPF_K, 0x7fff0000)};
    struct sock_fprog p = {1, f};
    return prctl(PR_SET_SECCOMP, 2, &p);
}
static int work_landlock_nested(void) {
    uint64_t attr[1] = {2};
    int fd = syscall(444, attr, sizeof attr, 0);
    if (fd < 0) return SKIP;
    return syscall(446, fd, 0) ? BROKEN : OK;
}

struct probe {
    const char *name;
    int (*run)(void);
};
#define P(f) {#f, f}
static const struct probe probes[] = {
    P(fs_create), P(fs_overwrite), P(fs_append), P(fs_truncate_open), P(fs_truncate), P(fs_unlink), P(fs_mkdir),
    P(fs_rmdir), P(fs_rename_outside), P(fs_rename_in), P(fs_rename_out), P(fs_rename_exchange), P(fs_symlink),
    P(fs_hardlink_out), P(fs_hardlink_in), P(fs_chmod), P(fs_fchmod_readonly_fd), P(fs_chown), P(fs_utimes),
    P(fs_setxattr), P(fs_removexattr), P(fs_ioctl_flags), P(fs_symlink_in_workspace), P(fs_new_symlink),
    P(fs_symlink_directory), P(fs_dotdot), P(fs_proc_cwd), P(fs_proc_root), P(fs_home), P(fs_etc), P(fs_usr),
    P(fs_mkfifo), P(fs_mknod_device), P(fs_tmpfile), P(fs_bind_socket), P(fs_fallocate), P(fs_reopen_writable),
    P(fs_openat2), P(fs_creat), P(fs_move_workspace), P(fs_open_by_handle), P(git_config), P(git_hook), P(git_unlink),
    P(git_rename), P(git_rename_over), P(git_exchange), P(git_rmdir), P(git_chmod), P(git_hardlink),
    P(git_symlink_path), P(git_umount), P(git_remount), P(git_mount_setattr), P(git_nested_config),
    P(git_nested_hook), P(git_nested_parent_swap), P(git_nested_parent_exchange), P(git_deep_parent_swap),
    P(git_deep_grandparent_swap), P(git_open_tree), P(secret_env_file), P(secret_ssh), P(secret_ssh_list),
    P(secret_ssh_stat), P(secret_env_write), P(secret_env_chmod), P(secret_ssh_chmod), P(secret_env_unlink),
    P(secret_env_rename), P(secret_env_link), P(secret_env_symlink), P(secret_env_exec), P(secret_umount),
    P(secret_tmp), P(secret_tmp_list), P(secret_run), P(secret_copy_range), P(secret_deep), P(env_variable),
    P(env_own_environ), P(env_proc_1), P(env_proc_1_any), P(env_scan), P(env_parent), P(env_cmdline_1),
    P(env_agent_sockets), P(fd_inherited), P(fd_directory), P(fd_of_init), P(fd_list_init), P(fd_pidfd_getfd),
    P(proc_see_host), P(proc_victim_cmdline), P(proc_kill_victim), P(proc_kill_all), P(proc_sigqueue_victim),
    P(proc_ptrace_victim), P(proc_ptrace_init), P(proc_ptrace_parent), P(proc_vm_read_init), P(proc_vm_write_init),
    P(proc_mem_init), P(proc_maps_init), P(proc_root_init), P(proc_cwd_init), P(proc_exe_init), P(proc_kill_init),
    P(proc_prlimit_init), P(proc_prlimit_parent), P(proc_see_init), P(proc_oom_init), P(proc_sched_victim), P(proc_pidfd_victim), P(proc_core_pattern),
    P(proc_sys_any), P(proc_sys_hostname), P(proc_sysrq), P(proc_sys_chmod), P(proc_kcore), P(proc_kallsyms),
    P(proc_keys), P(proc_timer_list), P(proc_uid_map), P(sysfs_write), P(sysfs_cgroup), P(sysfs_cgroup_unified),
    P(net_tcp_localhost), P(net_tcp6_localhost), P(net_tcp_mapped), P(net_tcp_remote), P(net_fastopen), P(net_mptcp),
    P(net_udp_localhost), P(net_udp_remote), P(net_raw), P(net_packet), P(net_ping), P(net_vsock), P(net_alg),
    P(net_xdp), P(net_netfilter), P(net_sock_diag), P(net_uevent), P(net_audit), P(net_bluetooth), P(net_can),
    P(net_tipc), P(net_high_bits), P(net_interfaces), P(net_add_interface), P(net_tun), P(net_socketpair_family),
    P(unix_path), P(unix_path_symlink), P(unix_datagram), P(unix_datagram_pair), P(unix_abstract),
    P(unix_tmp_socket), P(sys_unshare_user), P(sys_unshare_mount), P(sys_unshare_net), P(sys_unshare_time),
    P(sys_clone_user), P(sys_clone3_user), P(sys_setns), P(sys_setns_init), P(sys_mount_tmpfs), P(sys_mount_bind),
    P(sys_remount_root), P(sys_umount_proc), P(sys_fsopen), P(sys_pivot_root), P(sys_chroot), P(sys_bpf), P(sys_perf),
    P(sys_userfaultfd), P(sys_io_uring), P(sys_keyctl_read), P(sys_add_key), P(sys_request_key), P(sys_module),
    P(sys_kexec), P(sys_reboot), P(sys_swapon), P(sys_sethostname), P(sys_settime), P(sys_syslog), P(sys_personality),
    P(sys_fanotify), P(sys_quotactl), P(sys_seccomp_gone), P(sys_unknown_number), P(sys_i386), P(sys_acct),
    P(sys_iopl), P(sys_process_madvise), P(sys_kcmp), P(priv_setuid_root), P(priv_setgroups), P(priv_suid_chmod),
    P(priv_suid_fchmodat2), P(priv_suid_create), P(priv_suid_mknod), P(priv_suid_tmpfile), P(priv_capabilities),
    P(priv_capset), P(priv_renice), P(priv_raise_limit), P(dev_block), P(dev_mem), P(dev_kmsg), P(dev_create),
    P(dev_replace_null), P(dev_fuse), P(dev_kvm), P(tty_controlling), P(tty_sti), P(tty_sti_high_bits), P(tty_linux),
    P(tty_host_pts), P(tty_console), P(ipc_shm), P(ipc_shm_id), P(ipc_posix_shm), P(ipc_posix_shm_list),
    P(limit_core), P(limit_files), P(limit_file_size), P(limit_processes), P(missing_name), P(missing_git_hook),
    P(missing_symlink), P(missing_parent_symlink), P(daemon_survives), P(daemon_clear_pdeathsig),

    P(work_create), P(work_read_back), P(work_rename), P(work_rename_over), P(work_unlink), P(work_mkdir),
    P(work_hardlink), P(work_symlink), P(work_chmod), P(work_sticky_mode), P(work_utimes), P(work_xattr),
    P(work_tmpfile), P(work_mmap_shared), P(work_flock), P(work_fcntl_lock), P(work_copy_range), P(work_sendfile),
    P(work_fallocate), P(work_statfs), P(work_subdirectory), P(work_git_read), P(work_git_list),
    P(work_secret_name_visible), P(work_tmp), P(work_tmp_exec), P(work_run), P(work_dev_null), P(work_dev_zero),
    P(work_dev_urandom), P(work_dev_full), P(work_dev_shm), P(work_dev_fd), P(work_pty), P(work_pty_controlling),
    P(work_etc), P(work_list_root), P(work_exec), P(work_shell_pipe), P(work_background_job), P(work_here_document),
    P(work_exit_status), P(work_socketpair), P(work_unix_workspace), P(work_unix_tmp), P(work_tcp), P(work_udp),
    P(work_tcp6), P(work_netlink_route), P(work_thread), P(work_fork_many), P(work_vfork), P(work_kill_child),
    P(work_memfd), P(work_eventfd), P(work_timerfd), P(work_epoll), P(work_signalfd), P(work_inotify),
    P(work_getrandom), P(work_jit), P(work_sysv_shm), P(work_sysv_sem), P(work_proc_self), P(work_proc_cpuinfo),
    P(work_proc_sys_read), P(work_comm), P(work_personality_query), P(work_no_random), P(work_unshare_files),
    P(work_nice), P(work_lower_limit), P(work_own_prlimit), P(work_proc_own_processes), P(work_cwd), P(work_environment), P(work_stdout), P(work_uid), P(work_owner),
    P(work_ignored_signals), P(work_signal_mask), P(work_seccomp_nested), P(work_landlock_nested),
};

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        int wanted = argc < 2;
        for (int a = 1; a < argc; a++) wanted |= !strcmp(argv[a], probes[i].name);
        if (!wanted) continue;
        int result[2];
        if (pipe2(result, O_CLOEXEC)) return 2;
        pid_t p = fork();
        if (p == 0) {
            /* Leave no descriptor that fd_inherited would find. */
            close(result[0]);
            int report = dup2(result[1], 2);
            close(result[1]);
            fcntl(report, F_SETFD, FD_CLOEXEC);
            alarm(8);
            errno = 0;
            int r[2] = {probes[i].run(), errno};
            if (write(report, r, sizeof r) != sizeof r) _exit(1);
            _exit(0);
        }
        close(result[1]);
        int r[2] = {-1, 0}, st;
        if (read(result[0], r, sizeof r) != sizeof r) r[0] = -1;
        close(result[0]);
        waitpid(p, &st, 0);
        int work = !strncmp(probes[i].name, "work_", 5);
        const char *word = r[0] == SKIP  ? "SKIP"
                           : r[0] == 0   ? (work ? "OK" : "BLOCKED")
                           : r[0] == -1  ? (work ? "BROKEN" : WIFSIGNALED(st) && WTERMSIG(st) == SIGSYS ? "BLOCKED" : "DIED")
                           : work        ? "BROKEN"
                                         : "ESCAPED";
        printf("%s %s %s %d\n", probes[i].name, work ? "work" : "attack", word, r[0] == -1 ? st : r[1]);
        fflush(stdout);
    }
    return 0;
}
