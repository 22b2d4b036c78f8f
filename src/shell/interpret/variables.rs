//! In: the name of a variable. Out: what the shells and programs do with it: set it, run its value, or only print
//! by it. Not here: its value (`state.rs`), and what zsh alone knows (`zsh.rs`).

/// Variables that a shell sets itself.
pub const DYNAMIC: &[&[u8]] = &[
    b"RANDOM",
    b"SRANDOM",
    b"SECONDS",
    b"LINENO",
    b"EPOCHSECONDS",
    b"EPOCHREALTIME",
    b"BASHPID",
    b"HISTCMD",
    b"BASH_COMMAND",
    b"_",
    b"FUNCNAME",
    b"DIRSTACK",
    b"GROUPS",
    b"PIPESTATUS",
    b"PWD",
    b"OLDPWD",
    b"OPTARG",
    b"OPTIND",
    b"UID",
    b"EUID",
    b"PPID",
    b"BASH_SUBSHELL",
    b"BASH_ARGV0",
    b"REPLY",
    b"MAPFILE",
    b"COPROC",
];

/// Variables whose value the shell runs, or that change what a name runs.
const RUNS_CODE: &[&[u8]] = &[
    b"PS0",
    b"PS1",
    b"PS2",
    b"PS4",
    b"PROMPT_COMMAND",
    b"BASH_ENV",
    b"ENV",
    b"SHELLOPTS",
    b"BASHOPTS",
    b"BASH_CMDS",
    b"BASH_ALIASES",
    b"EXECIGNORE",
    b"BASH_LOADABLES_PATH",
    b"MAILPATH",
    // Of zsh: the command of a redirection without one, and where its start files are.
    b"NULLCMD",
    b"READNULLCMD",
    b"ZDOTDIR",
];

/// Variables that change a program's words and colours, not what it does.
const SAFE: &[&[u8]] = &[
    b"CI",
    b"CLICOLOR",
    b"CLICOLOR_FORCE",
    b"COLORTERM",
    b"COLUMNS",
    b"DEBIAN_FRONTEND",
    b"FORCE_COLOR",
    b"LANG",
    b"LANGUAGE",
    b"LINES",
    b"NO_COLOR",
    b"RUST_BACKTRACE",
    b"TERM",
    b"TZ",
];

/// Whether setting this variable leaves what programs do unchanged. `LC_*` is on the list. A plain
/// assignment (not exported) to a lower-case name is safe too: names with lower-case letters are
/// reserved for applications (POSIX, Base Definitions, 8.1), except the proxies' and zsh's tied arrays.
pub fn is_safe(name: &[u8], exported: bool) -> bool {
    if SAFE.contains(&name) || name.starts_with(b"LC_") {
        return true;
    }
    let lower = name.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_');
    !exported
        && lower
        && !name.ends_with(b"_proxy")
        && !matches!(name, b"path" | b"fpath" | b"cdpath" | b"module_path" | b"mailpath" | b"manpath")
}

/// Whether the shell itself runs the value of this variable.
pub fn runs_code(name: &[u8]) -> bool {
    RUNS_CODE.contains(&name) || name.starts_with(b"BASH_FUNC_")
}
