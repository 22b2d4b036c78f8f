//! In: nothing. Out: the rules that every Seatbelt profile begins with, each with its reason.
//! Not here: anything that a profile says.
//!
//! Facts: Apple's own profiles in /System/Library/Sandbox/Profiles, Chromium's and Codex's lists, and their bug trackers.
//! Nothing here opens a file of anybody's.

/// What a shell, git, node, python and clang need before the first statement of a profile.
pub(super) const RULES: &str = r#"(deny default)

; -- what every program needs
; children run under the same profile
(allow process-fork)
; signals and questions about processes, within the sandbox only
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
; new terminals (openpty): script(1), expect(1)
(allow pseudo-tty)
; the machine's make and load: os.cpus() of node, multiprocessing of python, -j of make, uname(1)
(allow sysctl-read
  (sysctl-name-prefix "hw.")
  (sysctl-name-prefix "machdep.cpu.")
  (sysctl-name "kern.argmax") (sysctl-name "kern.hostname") (sysctl-name "kern.maxfilesperproc")
  (sysctl-name "kern.maxproc") (sysctl-name "kern.osproductversion") (sysctl-name "kern.osrelease")
  (sysctl-name "kern.ostype") (sysctl-name "kern.osvariant_status") (sysctl-name "kern.osversion")
  (sysctl-name "kern.secure_kernel") (sysctl-name "kern.usrstack64") (sysctl-name "kern.version")
  (sysctl-name-prefix "kern.proc.pgrp.") (sysctl-name-prefix "kern.proc.pid.")
  (sysctl-name "sysctl.proc_cputype") (sysctl-name "vm.loadavg") (sysctl-name-prefix "net.routetable."))
; who the user is: getpwuid(3), so ~ in shells, git's author
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))
; preferences that every Foundation program reads as it starts, xcrun among them
(allow mach-lookup (global-name "com.apple.cfprefsd.daemon") (global-name "com.apple.cfprefsd.agent"))
(allow ipc-posix-shm-read* (ipc-posix-name-prefix "apple.cfprefs."))
(allow user-preference-read)
; semaphores of python's multiprocessing
(allow ipc-posix-sem)
"#;

/// What is no file of anybody's, but stands among files. It is said after the path statements: on Linux, too, /dev is the
/// sandbox's own whatever a profile says.
pub(super) const FILES: &str = r#"
; -- what stands among files and is none
; dyld opens the root directory, and getcwd(3) walks up to it
(allow file-read* file-read-metadata file-test-existence (literal "/"))
; /tmp, /var and /etc are links on the system volume: whoever follows one has to look at it
(allow file-read-metadata file-test-existence (literal "/tmp") (literal "/var") (literal "/etc") (literal "/private"))
; devices that hold no data of anybody's
(allow file-read* file-read-metadata file-test-existence file-write-data
  (literal "/dev/null") (literal "/dev/zero") (literal "/dev/random") (literal "/dev/urandom")
  (literal "/dev/dtracehelper") (subpath "/dev/fd") (literal "/dev/stdin") (literal "/dev/stdout") (literal "/dev/stderr"))
(allow file-ioctl (literal "/dev/dtracehelper"))
; the terminal that the command was started on, and new ones
(allow file-read* file-read-metadata file-test-existence file-write-data file-ioctl
  (literal "/dev/tty") (literal "/dev/ptmx") (regex "^/dev/ttys[0-9]+$"))
"#;

/// What programs need to use the network, beside the network.
pub(super) const NETWORK: &str = r#"(allow network-outbound (remote ip "*:*"))
(allow network-inbound (local ip "*:*"))
(allow network-bind (local ip "*:*"))
; names are looked up by a service behind a socket, configuration and certificates by services
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
(allow system-socket)
(allow mach-lookup
  (global-name "com.apple.SystemConfiguration.configd") (global-name "com.apple.SystemConfiguration.DNSConfiguration")
  (global-name "com.apple.SecurityServer") (global-name "com.apple.networkd") (global-name "com.apple.ocspd")
  (global-name "com.apple.trustd.agent") (global-name "com.apple.system.opendirectoryd.membership")
  (global-name "com.apple.bsd.dirhelper"))
"#;
