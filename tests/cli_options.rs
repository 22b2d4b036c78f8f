//! In: misspelled options, in every place where one can stand. Out: a failure for each that is taken for a word of the command,
//! or whose message does not name the option that was meant; and files that `compile -o` must not replace.
//! Not here: what the commands do (`suite/cli/`).

use crate::harness::run::PROGRAM;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An empty directory with a policy in it, that goes away.
struct Ground(PathBuf);

impl Ground {
    fn new(name: &str) -> Self {
        let directory =
            std::env::temp_dir().join(format!("execpolicy-options-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let rule = "prefix_rule(pattern = [\"git\", \"push\"], decision = \"forbidden\")\n";
        std::fs::write(directory.join("f.rules"), rule).unwrap();
        Self(directory)
    }

    fn run(&self, words: &[&str]) -> Output {
        Command::new(PROGRAM).args(words).current_dir(&self.0).output().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A misspelled option, and the one that is meant.
type Misspelling = (&'static str, &'static str);

/// The ways to begin: the words of the subcommand, and its options.
const COMMANDS: &[(&[&str], &[Misspelling])] = &[
    (
        &["check", "--rules", "f.rules"],
        &[
            ("--rule", "--rules"),
            ("--prety", "--pretty"),
            ("--exitcode", "--exit-code"),
            ("--polic=x", "--policy"),
        ],
    ),
    (
        &["check"],
        &[
            ("--rulse", "--rules"),
            ("--polcy", "--policy"),
            ("--formt", "--format"),
            ("--deny-warning", "--deny-warnings"),
        ],
    ),
    (&["explain"], &[("--ruls", "--rules"), ("--profil", "--profile"), ("--shel", "--shell")]),
    (&["run"], &[("--profil", "--profile"), ("--aproval", "--approval"), ("--no-hint", "--no-hints")]),
    (&["sandbox"], &[("--prnt", "--print"), ("--profil=x", "--profile"), ("--workspce", "--workspace")]),
];

#[test]
fn a_misspelled_option_is_never_a_word_of_the_command() {
    let ground = Ground::new("misspelled");
    for (begin, options) in COMMANDS {
        for (option, meant) in *options {
            let tails: [&[&str]; 5] = [
                &[option, "x", "--", "touch", "ran"],
                &[option, "touch", "ran"],
                &[option],
                &[option, "--"],
                &["--color=never", option, "--", "touch", "ran"],
            ];
            for tail in tails {
                let words = [*begin, tail].concat();
                let output = ground.run(&words);
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
                assert!(said.contains(meant), "{words:?}: {said}");
                assert!(output.stdout.is_empty(), "{words:?}");
                assert!(!ground.path("ran").exists(), "{words:?}");
            }
        }
        for unknown in ["--xyzzy", "-Z", "-Zx"] {
            let words = [*begin, &[unknown, "--", "touch", "ran"]].concat();
            let output = ground.run(&words);
            assert_eq!(output.status.code(), Some(2), "{words:?}");
        }
    }
}

#[test]
fn what_follows_the_command_is_its_own() {
    let ground = Ground::new("own");
    for option in ["--prety", "--pretty", "--rules", "-Z", "--"] {
        for words in [
            vec!["check", "--rules", "f.rules", "git", "push", option],
            vec!["check", "--rules", "f.rules", "--", "git", "push", option],
        ] {
            let output = ground.run(&words);
            assert_eq!(output.status.code(), Some(0), "{words:?}");
            assert!(String::from_utf8_lossy(&output.stdout).contains("forbidden"), "{words:?}");
        }
        let output = ground.run(&["explain", "--rules", "f.rules", "--", option, "push"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.starts_with(&format!("{option} push: ")), "{said}");
    }
    // A script is the word after `--shell`, whatever it begins with.
    let output = ground.run(&["check", "--rules", "f.rules", "--shell", "--pretty; git push"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("forbidden"));
    // The colour may be said before the command, in two words or in one.
    for colour in [&["--color", "never"][..], &["--color=never"]] {
        let words = [colour, &["check", "--rules", "f.rules", "git", "push"]].concat();
        assert_eq!(ground.run(&words).status.code(), Some(0), "{words:?}");
    }
}

#[test]
#[cfg(unix)]
fn only_regular_files_are_replaced() {
    let ground = Ground::new("output");
    let compile = |output: &Path| ground.run(&["compile", "f.rules", "-q", "-o", output.to_str().unwrap()]);
    let is_artifact = |bytes: &[u8]| execpolicy_runtime::Artifact::from_bytes(bytes).is_ok();

    std::fs::create_dir(ground.path("directory")).unwrap();
    assert!(Command::new("mkfifo").arg(ground.path("fifo")).status().unwrap().success());
    let socket = std::os::unix::net::UnixListener::bind(ground.path("socket")).unwrap();
    for name in ["directory", "fifo", "socket"] {
        std::os::unix::fs::symlink(name, ground.path(&format!("to-{name}"))).unwrap();
        for name in [name.to_owned(), format!("to-{name}")] {
            let before = std::fs::symlink_metadata(ground.path(&name)).unwrap().file_type();
            let output = compile(&ground.path(&name));
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{name}: {said}");
            assert!(said.contains("EP0804") && said.contains("regular file"), "{name}: {said}");
            assert_eq!(std::fs::symlink_metadata(ground.path(&name)).unwrap().file_type(), before, "{name}");
        }
    }
    drop(socket);

    // A link to a file stays a link; one to nothing is not guessed about.
    std::fs::write(ground.path("file"), "old").unwrap();
    for (link, target, status) in [("to-file", "file", 0), ("to-nothing", "nothing", 1)] {
        std::os::unix::fs::symlink(target, ground.path(link)).unwrap();
        assert_eq!(compile(&ground.path(link)).status.code(), Some(status), "{link}");
        assert!(ground.path(link).is_symlink(), "{link}");
        let written = std::fs::read(ground.path(target)).ok();
        assert_eq!(written.is_some_and(|bytes| is_artifact(&bytes)), status == 0, "{link}");
    }

    for standard in ["-", "/dev/stdout"] {
        let output = compile(Path::new(standard));
        assert_eq!(output.status.code(), Some(0), "{standard}");
        assert!(is_artifact(&output.stdout), "{standard}");
    }
    // A device stays what it is.
    assert_eq!(compile(Path::new("/dev/null")).status.code(), Some(1));
    let left: Vec<_> =
        std::fs::read_dir(&ground.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{left:?}");
}
