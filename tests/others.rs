//! In: what is emitted for other tools. Out: what their mechanisms make of it, by small evaluators: Landlock's union up the tree, a
//! table of mounts, OCI's conditions, classic BPF; and strict readers of the formats.
//! Not here: comparing with the reference model (`targets.rs`), and the tools themselves.

use execpolicy::policy::model::{Kind, Path, Tree};
use execpolicy_runtime::profile::glob;
use serde::Deserialize;

/// landlockconfig's JSON, by its published schema: names, which lists may be empty, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Landlock {
    pub abi: u64,
    pub ruleset: Vec<Ruleset>,
    pub path_beneath: Vec<PathBeneath>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Ruleset {
    #[serde(default)]
    pub handled_access_fs: Vec<String>,
    #[serde(default)]
    pub handled_access_net: Vec<String>,
    #[serde(default)]
    pub scoped: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PathBeneath {
    pub allowed_access: Vec<String>,
    pub parent: Vec<String>,
}

/// The schema's names for rights on files.
const RIGHTS: &[&str] = &[
    "abi.all",
    "abi.read_execute",
    "abi.read_write",
    "execute",
    "write_file",
    "read_file",
    "read_dir",
    "remove_dir",
    "remove_file",
    "make_char",
    "make_dir",
    "make_reg",
    "make_sock",
    "make_fifo",
    "make_block",
    "make_sym",
    "refer",
    "truncate",
    "ioctl_dev",
];

impl Landlock {
    /// Reads a configuration as the schema has it: no list is empty, every word is known, every path absolute.
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let known = |list: &[String], words: &[&str]| {
            !list.is_empty() && list.iter().all(|word| words.contains(&word.as_str()))
        };
        if !(1..=7).contains(&whole.abi) || whole.ruleset.is_empty() || whole.path_beneath.is_empty() {
            return Err("an empty part, or an unknown ABI".to_owned());
        }
        for set in &whole.ruleset {
            let net = set.handled_access_net.is_empty()
                || known(&set.handled_access_net, &["abi.all", "bind_tcp", "connect_tcp"]);
            let scope = known(&set.scoped, &["abi.all", "abstract_unix_socket", "signal"]);
            if !known(&set.handled_access_fs, RIGHTS) || !net || !scope {
                return Err(format!("{set:?}"));
            }
        }
        for rule in &whole.path_beneath {
            let paths = !rule.parent.is_empty() && rule.parent.iter().all(|path| path.starts_with('/'));
            if !known(&rule.allowed_access, RIGHTS) || !paths {
                return Err(format!("{rule:?}"));
            }
        }
        Ok(whole)
    }

    /// Whether a right holds for a path: some rule grants it there or above.
    pub fn allows(&self, right: &str, path: &Path) -> bool {
        self.path_beneath.iter().any(|rule| {
            rule.allowed_access.iter().any(|known| known == right)
                && rule.parent.iter().any(|parent| path.starts_with(&Path::parse(parent), false))
        })
    }
}

/// What a mount shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The host's files.
    Host { writable: bool },
    /// A file system of its own: may it be listed, may it be changed?
    Own { listed: bool, writable: bool },
    /// A device that cannot be opened.
    Nothing,
}

/// The view that arguments of bubblewrap make.
#[derive(Debug)]
pub struct Mounts {
    table: Vec<(Path, Shows)>,
    pub arguments: Vec<String>,
}

impl Mounts {
    /// Reads arguments, one on a line; whatever is not known is an error. `tree`: what the host has to be mounted.
    pub fn parse(text: &str, tree: &Tree) -> Result<Self, String> {
        let arguments: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut out = Self { table: Vec::new(), arguments: arguments.clone() };
        let mut words = arguments.iter();
        let mut mode = 0o755;
        while let Some(option) = words.next() {
            let mut next = || words.next().cloned().ok_or(format!("{option} of nothing"));
            match option.as_str() {
                "--die-with-parent"
                | "--new-session"
                | "--unshare-user"
                | "--unshare-pid"
                | "--unshare-ipc"
                | "--unshare-uts"
                | "--unshare-cgroup-try"
                | "--unshare-net"
                | "--clearenv" => {}
                "--cap-drop" | "--dev" | "--proc" => {
                    next()?;
                }
                "--setenv" | "--ro-bind-try" => {
                    next()?;
                    next()?;
                }
                "--perms" => mode = u32::from_str_radix(&next()?, 8).map_err(|error| error.to_string())?,
                "--tmpfs" => {
                    let shows = Shows::Own { listed: mode & 0o400 != 0, writable: true };
                    out.mount(&next()?, shows, tree, true)?;
                    mode = 0o755;
                }
                "--bind" | "--ro-bind" => {
                    let (from, to) = (next()?, next()?);
                    let shows = match (from.as_str(), from == to) {
                        (_, true) => Shows::Host { writable: option == "--bind" },
                        ("/dev/null", false) => Shows::Nothing,
                        _ => return Err(format!("{from} is shown at {to}")),
                    };
                    out.mount(&to, shows, tree, false)?;
                }
                "--remount-ro" => {
                    let at = Path::parse(&next()?);
                    let entry = out.table.iter_mut().find(|(path, _)| *path == at);
                    match entry {
                        Some((_, Shows::Own { writable, .. })) => *writable = false,
                        _ => return Err(format!("{at} is no file system of its own")),
                    }
                }
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(out)
    }

    /// A mount hides everything that was mounted below it before.
    fn mount(&mut self, at: &str, shows: Shows, tree: &Tree, directory: bool) -> Result<(), String> {
        let at = Path::parse(at);
        let kind = tree.kind(&at);
        let there = at.is_empty() || matches!(kind, Some(Kind::Directory | Kind::File));
        // bubblewrap makes missing mount points, on the host's file system too where that is writable.
        if !there || directory && kind == Some(&Kind::File) {
            return Err(format!("nothing can be mounted at {at}: {kind:?}"));
        }
        self.table.retain(|(path, _)| !path.starts_with(&at, false));
        self.table.push((at, shows));
        Ok(())
    }

    /// The mount that a path lies in, and what it shows.
    pub fn at(&self, path: &Path) -> (Path, Shows) {
        let around = self.table.iter().filter(|(at, _)| path.starts_with(at, false));
        around.max_by_key(|(at, _)| at.len()).cloned().unwrap_or((Path::default(), Shows::Nothing))
    }

    /// Whether a path is a mount point: it can be neither removed nor renamed.
    pub fn is_point(&self, path: &Path) -> bool {
        self.table.iter().any(|(at, _)| at == path)
    }

    /// Whether there is a mount point at a path or below it.
    pub fn holds_point(&self, path: &Path) -> bool {
        self.table.iter().any(|(at, _)| at.starts_with(path, false))
    }
}

/// OCI seccomp, by the runtime specification: nothing that is not in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Oci {
    pub default_action: String,
    pub architectures: Vec<String>,
    pub syscalls: Vec<OciCall>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OciCall {
    pub names: Vec<String>,
    pub action: String,
    pub errno_ret: u32,
    #[serde(default)]
    pub args: Vec<OciArgument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OciArgument {
    pub index: usize,
    pub value: u64,
    pub value_two: u64,
    pub op: String,
}

impl Oci {
    /// Reads a profile as libseccomp and its users do: known words, at most one condition on an argument in an entry.
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if whole.default_action != "SCMP_ACT_ALLOW"
            || whole.architectures != ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]
        {
            return Err("another default, or other machines".to_owned());
        }
        for call in &whole.syscalls {
            let mut seen = Vec::new();
            for argument in &call.args {
                let known = matches!(argument.op.as_str(), "SCMP_CMP_MASKED_EQ" | "SCMP_CMP_NE");
                if !known || argument.index > 5 || seen.contains(&argument.index) {
                    return Err(format!("{call:?}"));
                }
                seen.push(argument.index);
            }
            if call.action != "SCMP_ACT_ERRNO" || call.names.is_empty() {
                return Err(format!("{call:?}"));
            }
        }
        Ok(whole)
    }

    /// The error that a call gets; `None` if it is allowed.
    pub fn answer(&self, name: &str, args: &[u64; 6]) -> Option<u32> {
        let holds = |argument: &OciArgument| match argument.op.as_str() {
            "SCMP_CMP_MASKED_EQ" => args[argument.index] & argument.value == argument.value_two,
            _ => args[argument.index] != argument.value,
        };
        let fits =
            |call: &&OciCall| call.names.iter().any(|known| known == name) && call.args.iter().all(holds);
        self.syscalls.iter().find(fits).map(|call| call.errno_ret)
    }
}

/// Runs a seccomp program from its bytes: what the kernel's interpreter returns for a call.
pub fn bpf(bytes: &[u8], machine: u32, nr: u32, args: &[u64; 6]) -> u32 {
    assert!(bytes.len().is_multiple_of(8) && bytes.len() / 8 <= 4096);
    let code: Vec<(u16, usize, usize, u32)> = bytes
        .chunks(8)
        .map(|i| {
            let k = u32::from_le_bytes([i[4], i[5], i[6], i[7]]);
            (u16::from_le_bytes([i[0], i[1]]), usize::from(i[2]), usize::from(i[3]), k)
        })
        .collect();
    let word = |at: u32| match at {
        0 => nr,
        4 => machine,
        8 | 12 => 0,
        at => {
            let arg = args[(at as usize - 16) / 8];
            if at.is_multiple_of(8) { arg as u32 } else { (arg >> 32) as u32 }
        }
    };
    let (mut at, mut acc) = (0, 0_u32);
    loop {
        let (operation, jt, jf, k) = code[at];
        at += 1;
        let taken = match operation {
            0x20 => {
                acc = word(k);
                continue;
            }
            0x54 => {
                acc &= k;
                continue;
            }
            0x05 => {
                at += k as usize;
                continue;
            }
            0x06 => return k,
            0x15 => acc == k,
            0x25 => acc > k,
            0x35 => acc >= k,
            0x45 => acc & k != 0,
            other => panic!("unknown instruction {other:#x}"),
        };
        at += if taken { jt } else { jf };
    }
}

/// Files as settings of sandbox-runtime say: everything can be read but what is denied, where the more specific of an allowance and a
/// denial counts; nothing can be written but what is allowed and not denied.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SrtFiles {
    pub deny_read: Vec<String>,
    pub allow_read: Vec<String>,
    pub allow_write: Vec<String>,
    pub deny_write: Vec<String>,
}

impl SrtFiles {
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        serde_json::from_value(whole["filesystem"].clone()).map_err(|error| error.to_string())
    }

    pub fn reads(&self, path: &Path) -> bool {
        let denied = self.deny_read.iter().filter_map(|text| depth(text, path)).max();
        let allowed = self.allow_read.iter().filter_map(|text| depth(text, path)).max();
        denied.is_none_or(|denied| allowed.is_some_and(|allowed| allowed >= denied))
    }

    pub fn writes(&self, path: &Path) -> bool {
        let any = |list: &[String]| list.iter().any(|text| depth(text, path).is_some());
        any(&self.allow_write) && !any(&self.deny_write)
    }
}

/// How deep what a path or pattern matches lies, if it matches a path or something above it.
fn depth(text: &str, path: &Path) -> Option<usize> {
    let pattern = text.trim_start_matches('/');
    (0..=path.len()).find(|count| {
        let here = path.take(*count).to_string();
        let here = here.trim_start_matches('/');
        if pattern.is_empty() {
            here.is_empty()
        } else {
            glob::matches_exactly(pattern, here.as_bytes(), false)
        }
    })
}

/// File access of a Codex permission profile: the deepest path counts, wildcards deny.
#[derive(Debug)]
pub struct CodexFiles {
    /// Paths and patterns with `deny` (0), `read` (1), `write` (2).
    entries: Vec<(String, u8)>,
}

impl CodexFiles {
    pub fn parse(text: &str, workspace: &str, home: &str) -> Result<Self, String> {
        let whole: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let name = whole["default_permissions"].as_str().ok_or("no default")?;
        let files = whole["permissions"][name]["filesystem"].as_table().ok_or("no file access")?;
        let mut entries = Vec::new();
        let mut add = |path: String, access: &toml::Value| {
            let access = match access.as_str() {
                Some("deny") => 0,
                Some("read") => 1,
                Some("write") => 2,
                other => return Err(format!("{other:?} is no access")),
            };
            entries.push((path, access));
            Ok(())
        };
        for (key, value) in files {
            match (key.as_str(), value) {
                ("glob_scan_max_depth", _) => {}
                (":root", access) => add("/".to_owned(), access)?,
                (":workspace_roots", toml::Value::Table(inner)) => {
                    for (key, access) in inner {
                        let tail = if key == "." { String::new() } else { format!("/{key}") };
                        add(format!("{workspace}{tail}"), access)?;
                    }
                }
                (key, access) => match key.strip_prefix("~/") {
                    Some(tail) => add(format!("{home}/{tail}"), access)?,
                    None if key.starts_with('/') => add(key.to_owned(), access)?,
                    None => return Err(format!("unknown path {key}")),
                },
            }
        }
        Ok(Self { entries })
    }

    /// 0, 1 or 2.
    pub fn access(&self, path: &Path) -> u8 {
        let wild = |text: &str| text.contains(['*', '?', '[']);
        if self.entries.iter().any(|(text, access)| wild(text) && *access == 0 && depth(text, path).is_some())
        {
            return 0;
        }
        let plain = self.entries.iter().filter(|(text, _)| !wild(text));
        let around = plain.filter_map(|(text, access)| Some((depth(text, path)?, *access)));
        // Of two entries for one path: deny, write, read.
        around
            .max_by_key(|(depth, access)| (*depth, [2, 0, 1][usize::from(*access)]))
            .map_or(0, |(_, access)| access)
    }
}
