//! In: nothing. Out: the closed sets of words a profile is made of, each with its spelling and its byte.
//! Not here: the clauses that use them (`profile.rs`).

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $byte:literal $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vmeta])* $variant = $byte,)*
        }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// How it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The inverse of [`Self::as_str`].
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }

            /// The inverse of `self as u8`.
            #[must_use]
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// For which operating system a profile has been flattened.
    Platform {
        /// Statements of `on linux { … }` included.
        Linux = 0 "linux",
        /// Statements of `on macos { … }` included.
        Macos = 1 "macos",
    }
}

words! {
    /// For which part of a session's life a profile has been flattened.
    Phase {
        /// The commands of the agent.
        Run = 0 "run",
        /// Preparation before them (dependencies are fetched, caches filled): statements of `phase setup { … }` apply on top.
        Setup = 1 "setup",
    }
}

words! {
    /// What may be done with a path. `Write` includes `Read`.
    Access {
        /// Neither read nor written.
        Deny = 0 "deny",
        /// Read, listed, executed.
        Read = 1 "read",
        /// And written, created, removed, renamed.
        Write = 2 "write",
    }
}

words! {
    /// What a path statement grants. The order is how much of the *host's* files it exposes, least first;
    /// of two statements that coincide after resolution the lesser counts.
    PathAccess {
        /// Nothing.
        Deny = 0 "deny",
        /// An empty writable directory of the session's own: nothing of the host's, gone afterwards.
        Private = 1 "private",
        /// The host's files, read-only.
        Read = 2 "read",
        /// The host's files.
        Write = 3 "write",
    }
}

impl PathAccess {
    /// The access a command has there, whoever owns the files.
    #[must_use]
    pub const fn access(self) -> Access {
        match self {
            Self::Deny => Access::Deny,
            Self::Read => Access::Read,
            Self::Private | Self::Write => Access::Write,
        }
    }
}

words! {
    /// What a path begins with. The runtime binds the three that are not absolute once, before the command
    /// starts, and never from the command or the request.
    Root {
        /// The file system's root.
        Absolute = 0 "/",
        /// The directory the session works in.
        Workspace = 1 "$WORKSPACE",
        /// The home directory of the user.
        Home = 2 "~",
        /// The directory for temporary files.
        Tmpdir = 3 "$TMPDIR",
    }
}

words! {
    /// How a restriction on what does not exist yet is kept.
    Promise {
        /// It cannot happen.
        Prevent = 0 "prevent",
        /// It can happen, is found, made harmless and reported.
        Detect = 1 "detect",
    }
}

words! {
    /// Which destinations a command may connect to.
    NetworkMode {
        /// None.
        Off = 0 "off",
        /// Those a rule allows and none denies.
        Listed = 1 "allow",
        /// All that no rule denies.
        Full = 2 "full",
    }
}

words! {
    /// What a limit is about.
    LimitKind {
        /// Processes and threads of the whole tree, a count.
        Processes = 0 "processes",
        /// Memory of the whole tree, in bytes (a delegated cgroup, or refused).
        Memory = 1 "memory",
        /// Address space of each process, in bytes (`RLIMIT_AS`).
        MemoryPerProcess = 2 "memory-per-process",
        /// The size of a file that is written, in bytes (`RLIMIT_FSIZE`).
        FileSize = 3 "file-size",
        /// Open descriptors of each process, a count (`RLIMIT_NOFILE`).
        OpenFiles = 4 "open-files",
        /// Processor time of each process, in milliseconds (`RLIMIT_CPU`; rounded up to a second).
        CpuTime = 5 "cpu-time",
        /// Time from start to end of the command, in milliseconds.
        WallTime = 6 "wall-time",
    }
}

impl LimitKind {
    /// The units of its values and how much each is, the largest first; a count has none.
    #[must_use]
    pub const fn units(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Processes | Self::OpenFiles => &[("", 1)],
            Self::Memory | Self::MemoryPerProcess | Self::FileSize => &[
                ("TiB", 1 << 40),
                ("TB", 1_000_000_000_000),
                ("GiB", 1 << 30),
                ("GB", 1_000_000_000),
                ("MiB", 1 << 20),
                ("MB", 1_000_000),
                ("KiB", 1 << 10),
                ("kB", 1_000),
                ("B", 1),
            ],
            Self::CpuTime | Self::WallTime => &[("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)],
        }
    }
}

words! {
    /// Whether a feature must hold or may fall short.
    Stance {
        /// Refuse to run where it cannot be enforced in full, prevention included.
        Require = 0 "require",
        /// Run even where it cannot be enforced; the status says so.
        Accept = 1 "accept gap",
    }
}

words! {
    /// What a host may be unable to enforce. Without a statement each is enforced as the profile says, or the
    /// command is refused; `late-files` and `missing-protected` may be detected instead of prevented.
    Feature {
        /// Deny-globs hold for files that appear after the start, too.
        LateFiles = 0 "late-files",
        /// Protected names that do not exist yet cannot be created.
        MissingProtected = 1 "missing-protected",
        /// `private` directories are empty and the session's own.
        PrivateDirectories = 2 "private-directories",
        /// What is denied cannot be looked up either (size, owner, existence).
        Metadata = 3 "metadata",
        /// Destinations are told apart by name and port.
        HostNames = 4 "host-names",
        /// Sockets in the file system are reached only where the profile says.
        LocalSockets = 5 "local-sockets",
        /// Every `limit`.
        Limits = 6 "limits",
        /// Every `syscalls deny`.
        Syscalls = 7 "syscalls",
        /// A second, independent mechanism holds the file rules (Landlock beside the mounts).
        SecondWall = 8 "second-wall",
    }
}
