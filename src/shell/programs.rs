//! In: nothing. Out: the built-in facts about programs that every decision needs: where the
//! system keeps its programs, and which programs run others ([`PROGRAMS`], made of the facts about tools).
//! Not here: what they run (`launch/`, by the facts themselves).

mod table;

pub use table::PROGRAMS;

use crate::names::{component, spellings};
use crate::reason::Reason;

/// Directories whose programs belong to the system: a bare-name allow covers the program there.
pub const SYSTEM_DIRECTORIES: &[&str] = &[
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
    "/run/current-system/sw/bin",
];

/// Why a command cannot be judged by its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Opaque {
    /// A shell that reads a script from an argument or from standard input.
    Shell = 0,
    /// A program that runs a command named in its arguments.
    Wrapper = 1,
}

impl Opaque {
    /// The same as a reason of an analysis.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Shell => Reason::HiddenScript,
            Self::Wrapper => Reason::HiddenCommand,
        }
    }

    /// A stable name for programs ([`Reason::code`]).
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.reason().code()
    }

    /// What a person reads: the part of a sentence that follows the program's name ([`Reason::sentence`]).
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        self.reason().sentence()
    }
}

/// When a program of [`PROGRAMS`] runs something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// A shell: with `-c`, with `-s`, or with no script file (it then reads standard input).
    Script,
    /// A shell whose arguments are not read: whatever they are.
    Shell,
    /// Whatever its arguments are.
    Always,
    /// When it has an argument; alone it only prints something, or fails.
    WithArguments,
    /// When one of its arguments is one of these words.
    WithWord(&'static [&'static str]),
    /// When an option of one dash has one of these letters, or an argument begins with one of
    /// these words: `fd -Hx rm` is `fd -H -x rm`.
    WithOption {
        /// Options of one letter.
        letters: &'static [u8],
        /// Longer ones, with their dashes.
        words: &'static [&'static str],
    },
}

/// Whether an argv runs something that its own words do not show, whatever the spelling of the program: `/bin/sudo` and
/// `SUDO.EXE` are `sudo`. Allocates nothing; linear in the argv.
pub fn opaque<T: AsRef<[u8]>>(argv: &[T]) -> Option<Opaque> {
    let (program, arguments) = argv.split_first()?;
    let name = component(program.as_ref());
    if [&b"ld-linux"[..], b"ld-musl"]
        .iter()
        .any(|loader| name.get(..loader.len()).is_some_and(|start| start.eq_ignore_ascii_case(loader)))
    {
        return Some(Opaque::Wrapper);
    }
    let runs = spellings(program.as_ref()).find_map(lookup)?;
    let hidden = match runs {
        Runs::Script => return reads_script(arguments).then_some(Opaque::Shell),
        Runs::Shell => return Some(Opaque::Shell),
        Runs::Always => true,
        Runs::WithArguments => !arguments.is_empty(),
        Runs::WithWord(words) => {
            arguments.iter().any(|argument| words.iter().any(|word| argument.as_ref() == word.as_bytes()))
        }
        Runs::WithOption { letters, words } => arguments.iter().map(AsRef::as_ref).any(|argument| {
            words.iter().any(|word| argument.starts_with(word.as_bytes()))
                || matches!(argument, [b'-', first, ..] if *first != b'-')
                    && argument.iter().any(|byte| letters.contains(byte))
        }),
    };
    hidden.then_some(Opaque::Wrapper)
}

/// A program of [`PROGRAMS`] by its name, ASCII case aside.
fn lookup(name: &[u8]) -> Option<Runs> {
    let folded = || name.iter().map(u8::to_ascii_lowercase);
    let at = PROGRAMS.binary_search_by(|(known, _)| known.bytes().cmp(folded())).ok()?;
    PROGRAMS.get(at).map(|(_, runs)| *runs)
}

/// The last component of a path, trailing slashes and `/.` aside; the whole word if there is no slash. For what a guard sees
/// there is [`crate::names::tool_name`].
#[must_use]
pub fn base_name(word: &[u8]) -> &[u8] {
    let mut rest = word;
    loop {
        match rest {
            [before @ .., b'/', b'.'] | [before @ .., b'/'] if !before.is_empty() => rest = before,
            _ => break,
        }
    }
    match rest.iter().rposition(|&byte| byte == b'/') {
        Some(at) => rest.get(at + 1..).unwrap_or(rest),
        None => rest,
    }
}

/// Whether a shell with these arguments takes its script from `-c` or standard input. The first
/// word that is no option is a script file; until then every cluster with a `c` or an `s` counts
/// (POSIX `sh`, bash: `-o` and `-O` take a value, as do `--rcfile` and `--init-file`).
fn reads_script<T: AsRef<[u8]>>(arguments: &[T]) -> bool {
    let mut words = arguments.iter().map(AsRef::as_ref);
    while let Some(word) = words.next() {
        match word {
            b"--" => return words.next().is_none(),
            b"-" => return words.next().is_none(),
            b"--rcfile" | b"--init-file" => {
                words.next();
            }
            b"--version" | b"--help" => return false,
            [b'-', b'-', name @ ..] => {
                // fish and others spell it out: --command, --command=…
                if name.starts_with(b"c") {
                    return true;
                }
            }
            [b'-' | b'+', cluster @ ..] if !cluster.is_empty() => {
                if cluster.iter().any(|byte| matches!(byte, b'c' | b's' | b'C')) {
                    return true;
                }
                if matches!(cluster.last(), Some(b'o' | b'O')) {
                    words.next();
                }
            }
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::facts::{Inner, Shell, Tool, ToolFacts};
    use std::prelude::rust_2024::*;

    /// What the facts about a tool come to if its options are not read.
    fn runs(tool: &Tool) -> String {
        let words = |words: &[Vec<u8>]| {
            let quoted = words.iter().map(|word| format!("{:?}", String::from_utf8_lossy(word)));
            quoted.collect::<Vec<_>>().join(", ")
        };
        if let Some(shell) = tool.shell {
            (if shell == Shell::Other { "Runs::Shell" } else { "Runs::Script" }).to_owned()
        } else if !tool.only_with.is_empty() {
            format!("Runs::WithWord(&[{}])", words(&tool.only_with))
        } else if tool.inner != Inner::None {
            (if tool.alone { "Runs::WithArguments" } else { "Runs::Always" }).to_owned()
        } else {
            let (short, long): (Vec<_>, Vec<_>) =
                tool.clauses.iter().cloned().partition(|word| word.len() == 2);
            let letters: String = short.iter().map(|word| char::from(word[1])).collect();
            format!("Runs::WithOption {{ letters: b{letters:?}, words: &[{}] }}", words(&long))
        }
    }

    #[test]
    fn the_table_is_made_of_the_facts_about_tools() {
        let facts = include_str!("../../stdlib/tools/wrappers.tools");
        let facts = ToolFacts::parse(facts).unwrap();
        let mut table = "//! Programs that run others, sorted by name. Written by a test of `programs.rs` from \
                         `stdlib/tools/wrappers.tools`;\n//! edit that, and run `UPDATE_EXPECT=1 cargo test -p \
                         execpolicy-shell`. Not here: what they run.\n\n\
                         use super::Runs;\n\n\
                         /// Programs that run others, sorted by name, so that a program is found by binary search.\n\
                         #[rustfmt::skip]\n\
                         pub const PROGRAMS: &[(&str, Runs)] = &[\n"
            .to_owned();
        for (name, tool) in facts.all().filter(|(_, tool)| tool.names_a_command()) {
            table += &format!("    ({:?}, {}),\n", String::from_utf8_lossy(name), runs(tool));
        }
        table += "];\n";
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/table.rs"), &table).unwrap();
        } else {
            assert_eq!(include_str!("programs/table.rs"), table, "run with UPDATE_EXPECT=1");
        }
    }

    #[test]
    fn programs_are_sorted() {
        assert!(PROGRAMS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn shells_with_a_file_are_known() {
        let opaque_words = |line: &str| opaque(&line.split(' ').collect::<Vec<_>>());
        for line in [
            "bash",
            "bash -c x",
            "/bin/sh -ec x",
            "bash --norc -c x",
            "bash -o pipefail -c x",
            "zsh -s",
            "bash-5.2 -c x",
            "/opt/ZSH5.9 -c x",
            "bash +o posix -xc y",
            "sh -",
        ] {
            assert_eq!(opaque_words(line), Some(Opaque::Shell), "{line}");
        }
        for line in [
            "bash build.sh -c x",
            "bash -e build.sh",
            "bash --version",
            "bash -- build.sh",
            "git push",
            "env",
            "find . -name x",
        ] {
            assert_eq!(opaque_words(line), None, "{line}");
        }
        for line in [
            "fd -Hxrm",
            "perf stat ls",
            "env FOO=1 git",
            "/usr/bin/sudo ls",
            "find . -execdir rm",
            "fd -xrm",
            "/lib64/ld-linux-x86-64.so.2 git",
        ] {
            assert_eq!(opaque_words(line), Some(Opaque::Wrapper), "{line}");
        }
    }
}
