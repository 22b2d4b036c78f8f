//! In: the words of the command line. Out: [`Cli`]. The only file that names clap.

use super::exit::Exit;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use execpolicy_compiler::diagnostic::text::nearest;
use std::ffi::OsString;
use std::path::PathBuf;

/// A policy compiler and checker for the commands of AI agents.
#[derive(Debug, Parser)]
#[command(name = "execpolicy", version, max_term_width = 100, propagate_version = false)]
#[command(after_help = "\
Examples:
  execpolicy check                              check the policy of this directory (execpolicy.toml)
  execpolicy check ~/.codex/rules               check every rule file below a directory
  execpolicy check --rules my.rules -- git push decide one command, as JSON
  execpolicy explain --rules my.rules -- git push   say which rule decided, and which almost did
  execpolicy explain EP0301                     explain a diagnostic
  execpolicy run -- make test                   decide a command, confine it, run it

Options stand before the command: its first word is the first one that is no option, and what follows is the command's own.
`--` says where it begins.

Exit status: 0 good, 1 findings or a policy that cannot be used, 2 wrong usage. `run` and `sandbox` end as the command does.")]
pub struct Cli {
    /// When to use colour; `auto` means: on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub color: When,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check rule and sandbox files; or, with --rules, decide one command
    ///
    /// Reads every file, reports every fault, and tries every example. A directory stands for all
    /// `*.rules` and `*.sandbox` files below it, hidden ones too, in byte order. Without arguments, the policy
    /// whose `execpolicy.toml` lies in this directory or one above it is checked.
    #[command(after_help = CHECK_HELP)]
    Check(CheckFiles),
    /// Decide one command
    #[command(name = CHECK_COMMAND, hide = true, display_name = "execpolicy check", bin_name = "execpolicy check", override_usage = "execpolicy check (--rules <PATH>… | --policy <FILE>) [OPTIONS] ([--] <CMD>… | --shell <SCRIPT>)")]
    CheckCommand(CheckCommand),
    /// Explain a diagnostic, why a command gets its verdict, or what a profile allows
    ///
    /// `explain EP0301` prints the page of a diagnostic. `explain [--rules FILE…] -- CMD…` says what
    /// the policy decides about a command, which rule (file and line) decided, and which rules
    /// almost matched. Without --rules it asks the policy of this directory, or else the embedded
    /// default policy. `explain --profile NAME PATH…` says what a sandbox profile makes of a path, a
    /// destination or an environment variable, and which statement decides.
    Explain(Explain),
    /// Compile a policy into one file that the runtime loads
    ///
    /// Checks the policy, compiles it, reads the result back and compares every example and every
    /// edge with the sources before the file is written. The same sources give the same bytes.
    Compile(Compile),
    /// Show what a compiled policy holds
    Dump {
        /// The compiled policy.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Decide a command, confine it, run it
    ///
    /// The policy decides whether the command may run and in which profile; the kernel keeps it, and everything it
    /// starts, to that profile. Without --rules or --policy it asks the policy of this directory, or
    /// else the embedded default, and confines by `workspace-write` (`read-only` where the directory is not
    /// under version control).
    #[command(after_help = RUN_HELP)]
    Run(Run),
    /// Run a command in a sandbox profile, whatever the rules say; or show what the profile becomes here
    #[command(after_help = SANDBOX_HELP)]
    Sandbox(Sandbox),
    /// Say what this host enforces, profile by profile and clause by clause, and what to change
    Doctor(Doctor),
    /// Print a completion script for a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

const RUN_HELP: &str = "\
Exit status: the command's own, or 128 + the signal that ended it, or 124 if its time was over. 126 if it was not run (the
reason is on standard error, and as JSON on --status-fd), 127 if the program does not exist.";

const SANDBOX_HELP: &str = "\
Without --profile the default of the sandbox files is used, else `workspace-write`. The exit status is that of `run`.";

const CHECK_HELP: &str = "\
To decide one command, name the rule files with --rules, or a compiled policy with --policy:
  execpolicy check (--rules FILE… | --policy FILE.epc) [--codex] [--pretty] [--details] [--resolve-host-executables]
                   [--exit-code] ([--] CMD… | --shell SCRIPT)
prints Codex's JSON, and for scripts and commands that run others their segments. `execpolicy check --rules --help` shows the options of that form.";

/// The hidden name of the second form of `check`.
const CHECK_COMMAND: &str = "check-command";

/// The version that `--codex` stands for.
const CODEX: &str = "0.169";

/// Options of `check FILES…`.
#[derive(Debug, Args)]
pub struct CheckFiles {
    /// Rule and sandbox files, and directories of them.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Check as Codex 0.169 does: its dialect and matching, no findings of our own.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = CODEX, value_name = "VERSION", value_parser = [CODEX])]
    pub codex: Option<String>,
    /// How findings are printed: for people, or as a result on standard output.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Let warnings fail the check.
    #[arg(long)]
    pub deny_warnings: bool,
    /// Print every finding, not only the first hundred.
    #[arg(long)]
    pub all: bool,
    /// Print nothing but findings.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options of `check --rules FILE… -- CMD…`.
#[derive(Debug, Args)]
pub struct CheckCommand {
    /// A rule file or a directory of them; may be given several times, the order counts.
    #[arg(long, short, value_name = "PATH", required_unless_present = "policy")]
    pub rules: Vec<PathBuf>,
    /// A compiled policy (`execpolicy compile`), in place of rule files.
    #[arg(long, value_name = "FILE", conflicts_with = "rules")]
    pub policy: Option<PathBuf>,
    /// Decide as `codex execpolicy check` 0.169 does, byte for byte.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = CODEX, value_name = "VERSION", value_parser = [CODEX])]
    pub codex: Option<String>,
    /// Indent the JSON.
    #[arg(long)]
    pub pretty: bool,
    /// With --codex: if no rule matches the first word as written, look under its base name.
    /// Without --codex this is part of what every rule means.
    #[arg(long)]
    pub resolve_host_executables: bool,
    /// Add the file and line of each rule to the JSON, and where the command runs.
    #[arg(long, conflicts_with = "codex")]
    pub details: bool,
    /// End with the verdict: 0 allow, 3 forbidden, 4 prompt, 5 unmatched.
    #[arg(long)]
    pub exit_code: bool,
    #[command(flatten)]
    pub script: Script,
    /// The command; its own options may follow it.
    #[arg(id = "CMD", value_name = "CMD", required_unless_present = "shell", trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// A script in place of a command.
#[derive(Debug, Args)]
pub struct Script {
    /// A script in place of a command: every command that it can run is decided. `-` reads it from
    /// standard input.
    #[arg(long, value_name = "SCRIPT", allow_hyphen_values = true, conflicts_with_all = ["codex", "CMD"])]
    pub shell: Option<OsString>,
    /// The shell that would read the script; bash if none is named.
    #[arg(long, value_enum, requires = "shell")]
    pub dialect: Option<Dialect>,
}

/// Shells whose scripts can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// bash 5.2.
    #[default]
    Bash,
    /// A POSIX shell, which may be bash under another name.
    Sh,
    /// zsh, as far as it is like bash.
    Zsh,
}

/// Options of `compile`.
#[derive(Debug, Args)]
pub struct Compile {
    /// Rule files, and directories of them; without any, the policy root of this directory.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The file to write; a regular file in its place is replaced. `-` is standard output.
    #[arg(long, short, value_name = "FILE", default_value = "policy.epc")]
    pub output: PathBuf,
    /// Write nothing; end with 1 if the file is not what would be written.
    #[arg(long)]
    pub check: bool,
    /// Print nothing but findings.
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub emit: Emit,
}

/// Options of `compile` about other tools.
#[derive(Debug, Args)]
pub struct Emit {
    /// Also write a profile for another tool: seatbelt, landlock, seccomp, oci-seccomp, bwrap, srt or codex.
    #[arg(long, value_name = "FORMAT=FILE", value_delimiter = ',')]
    pub emit: Vec<String>,
    /// Show which target enforces which clause of a profile, and write nothing.
    #[arg(long)]
    pub explain_targets: bool,
    /// Refuse to write what does not enforce the profile exactly, unless the profile accepts the gap.
    #[arg(long)]
    pub deny_gaps: bool,
    /// Which profile; without it, the default one.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// What `$WORKSPACE` stands for in what is written; without it, this directory.
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// What `~` stands for; without it, $HOME.
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// What `$TMPDIR` stands for; without it, $TMPDIR or /tmp.
    #[arg(long, value_name = "DIR")]
    pub tmpdir: Option<PathBuf>,
    /// For which machine `seccomp` is written; without it, this one.
    #[arg(long, value_enum, value_name = "ARCH")]
    pub arch: Option<Machine>,
}

/// Machines that a filter can be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Machine {
    #[value(name = "x86_64")]
    X86_64,
    Aarch64,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    pub sources: PolicySources,
    /// Say what this sandbox profile allows; with nothing else, show the profile.
    #[arg(long, short, value_name = "NAME", conflicts_with_all = ["codex", "shell"])]
    pub profile: Option<String>,
    /// With --profile: what `$WORKSPACE` is; without it, the working directory.
    #[arg(long, value_name = "DIR", requires = "profile")]
    pub workspace: Option<PathBuf>,
    /// With --profile: as it holds in `phase setup`.
    #[arg(long, requires = "profile")]
    pub setup: bool,
    /// With --profile: as it holds on this system; without it, the one this runs on.
    #[arg(long, value_enum, value_name = "SYSTEM", requires = "profile")]
    pub on: Option<System>,
    /// Explain what `codex execpolicy check` 0.169 decides.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = CODEX, value_name = "VERSION", value_parser = [CODEX])]
    pub codex: Option<String>,
    #[command(flatten)]
    pub script: Script,
    /// The number of a diagnostic (EPnnnn), or a command after `--`; with --profile, paths, destinations
    /// (`HOST:PORT`) and environment variables.
    #[arg(
        id = "CMD",
        value_name = "CODE|CMD|THING",
        required_unless_present_any = ["shell", "profile"],
        trailing_var_arg = true
    )]
    pub what: Vec<OsString>,
}

/// Systems that a profile is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum System {
    Linux,
    Macos,
}

/// A policy: its files, or what was compiled from them.
#[derive(Debug, Args)]
pub struct PolicySources {
    /// Rule and sandbox files, and directories of them; may be given several times, the order counts.
    #[arg(long, short, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// Sandbox files: the same as naming them with --rules.
    #[arg(long, value_name = "PATH")]
    pub sandbox: Vec<PathBuf>,
    /// A compiled policy (`execpolicy compile`), in place of files.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rules", "sandbox"])]
    pub policy: Option<PathBuf>,
}

impl PolicySources {
    /// The files, those of `--rules` first.
    pub fn named(&self) -> Vec<PathBuf> {
        self.rules.iter().chain(&self.sandbox).cloned().collect()
    }
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub sources: PolicySources,
    /// Who is asked about commands that the policy neither allows nor forbids.
    #[arg(long, value_enum, default_value_t = Approval::Ask, value_name = "MODE")]
    pub approval: Approval,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub watch: Watch,
    /// The command; its own options may follow it.
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// Options of `sandbox`.
#[derive(Debug, Args)]
pub struct Sandbox {
    /// Sandbox files, and directories of them; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub sandbox: Vec<PathBuf>,
    /// A compiled policy, in place of files.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub policy: Option<PathBuf>,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub watch: Watch,
    /// Show what the profile becomes on this host; run nothing.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub print: Option<Print>,
    /// The command; its own options may follow it.
    #[arg(value_name = "CMD", required_unless_present = "print", trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// In which profile and where.
#[derive(Debug, Args)]
pub struct Place {
    /// The sandbox profile; without it, the one that the policy places the command in.
    #[arg(long, short, value_name = "NAME")]
    pub profile: Option<String>,
    /// What `$WORKSPACE` is; without it, the working directory.
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
}

/// What is reported, and how.
#[derive(Debug, Args)]
pub struct Watch {
    /// Write one line of JSON for each thing that happens (refused, started, ended) to this open descriptor.
    #[arg(long, value_name = "N")]
    pub status_fd: Option<i32>,
    /// When a command fails, do not say what the profile may have kept from it.
    #[arg(long)]
    pub no_hints: bool,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Sandbox files, and directories of them, whose profiles are looked at as well.
    #[arg(long, value_name = "PATH")]
    pub sandbox: Vec<PathBuf>,
    /// A compiled policy whose profiles are looked at as well.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub policy: Option<PathBuf>,
    /// Only this profile.
    #[arg(long, short, value_name = "NAME")]
    pub profile: Option<String>,
    /// What `$WORKSPACE` is; without it, the working directory.
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Approval {
    /// Ask on the terminal about commands to be prompted; what no rule is about runs confined.
    Ask,
    /// Ask also about what no rule is about.
    AskUnmatched,
    /// Ask nobody: what would be prompted is not run.
    Never,
    /// Somebody has already agreed: what would be prompted runs. Never what is forbidden.
    Granted,
}

/// What `sandbox --print` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Print {
    /// Every clause with its statement and the wall that carries it.
    Plan,
    /// The second wall: paths and rights.
    Landlock,
    /// The denied system calls, and the program made of them.
    Seccomp,
    /// The file view, in the order in which it is mounted.
    Mounts,
    /// The environment of the command.
    Env,
}

/// Output formats of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text with the source, on standard error.
    Human,
    /// One JSON object on standard output.
    Json,
    /// SARIF 2.1.0 on standard output, for code scanning.
    Sarif,
    /// GitHub workflow commands on standard output.
    Github,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}

/// Reads the words of the command line.
///
/// Options come before the command: the first word that is no option begins the command, and whatever follows is the
/// command's own. So a misspelled option in front of it is an error, never a word of the command.
///
/// # Errors
/// What clap says; its own text goes to standard output or error.
pub fn parse(mut args: Vec<OsString>) -> Result<Cli, clap::Error> {
    split_check(&mut args);
    Cli::try_parse_from(args)
}

/// `check` has two forms with different operands. The one that decides a command is known by an option of its own
/// before any `--`, or by a misspelling of one; it gets its own name here, so that each has its own options.
fn split_check(args: &mut [OsString]) {
    let mut words = args.iter().enumerate().skip(1);
    let at = loop {
        match words.next() {
            Some((_, word)) if word == "--color" => drop(words.next()),
            Some((_, word)) if word.to_string_lossy().starts_with("--color=") => {}
            Some((at, word)) if word == "check" => break at,
            _ => return,
        }
    };
    let cli = Cli::command();
    let options = |name: &str| -> Vec<String> {
        let command = cli.find_subcommand(name);
        let options = command.into_iter().flat_map(clap::Command::get_arguments);
        options.filter_map(|option| option.get_long().map(str::to_owned)).collect()
    };
    let (files, decides) = (options("check"), options(CHECK_COMMAND));
    let own = |word: &OsString| {
        let word = word.to_string_lossy();
        let Some(name) = word.strip_prefix("--") else { return word.starts_with("-r") };
        let name = name.split_once('=').map_or(name, |(name, _)| name);
        let known = files.iter().chain(&decides).map(String::as_str);
        // What is near to nothing is left to clap, which knows both for what they are not.
        let meant = if files.iter().any(|known| known == name) { Some(name) } else { nearest(name, known) };
        meant.is_some_and(|meant| {
            decides.iter().any(|known| known == meant) && files.iter().all(|known| known != meant)
        })
    };
    if args[at + 1..].iter().take_while(|word| *word != "--").any(own) {
        args[at] = CHECK_COMMAND.into();
    }
}

/// Writes a completion script to standard output.
pub fn completions(shell: clap_complete::Shell) -> Exit {
    clap_complete::generate(shell, &mut Cli::command(), "execpolicy", &mut std::io::stdout());
    Exit::Good
}
