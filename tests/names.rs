//! In: programs, and every way to spell them. Out: a failure for each spelling that walks past a guard or widens an allow, in the
//! plain decision, with scripts, and in the reference.
//! Not here: random policies (`differential.rs`), and what shells and carriers run (`shell_*.rs`).

use crate::generate;
use execpolicy_compiler::artifact::build;
use execpolicy_compiler::check::CheckedPolicy;
use execpolicy_compiler::policy::matches;
use execpolicy_compiler::policy::scripts::decide_command;
use execpolicy_runtime::script::{Decider, judge};
use execpolicy_runtime::{Artifact, Conclusion, Context, Decision};
use execpolicy_shell::names::GNU;
use execpolicy_shell::{Dialect, Limits};

/// Programs, short and long, and whether GNU has a `g` for them.
const PROGRAMS: &[&str] =
    &["git", "rm", "python", "grep", "tar", "docker", "terraform-provider", "base64", "c++filt"];

/// Makes another spelling of a name.
type Respell = fn(&str) -> String;

/// Other spellings of the same name.
const SPELLINGS: &[(&str, Respell)] = &[
    ("itself", |name| name.to_owned()),
    (".exe", |name| format!("{name}.exe")),
    (".cmd", |name| format!("{name}.cmd")),
    (".bat", |name| format!("{name}.bat")),
    (".com", |name| format!("{name}.com")),
    (".ps1", |name| format!("{name}.ps1")),
    ("major", |name| {
        if name.ends_with(|c: char| c.is_ascii_digit()) { name.to_owned() } else { format!("{name}3") }
    }),
    ("minor", |name| {
        if name.ends_with(|c: char| c.is_ascii_digit()) { name.to_owned() } else { format!("{name}3.11") }
    }),
    ("dash", |name| {
        if name.ends_with(|c: char| c.is_ascii_digit()) { name.to_owned() } else { format!("{name}-2.47.1") }
    }),
    ("both", |name| {
        if name.ends_with(|c: char| c.is_ascii_digit()) { name.to_owned() } else { format!("{name}-2.exe") }
    }),
    ("g", |name| if GNU.contains(&name) { format!("g{name}") } else { name.to_owned() }),
    ("g version", |name| {
        if GNU.contains(&name) && !name.ends_with('4') { format!("g{name}-1.35") } else { name.to_owned() }
    }),
];

const PLACES: &[&str] = &[
    "",
    "./",
    "/usr/bin/",
    "/tmp/x/",
    "../",
    "~/bin/",
    "C:\\Program Files\\x\\",
    "C:/x/",
    "c:",
    "\\\\server\\share\\",
    ".\\",
    "x\\y/",
];

const CASES: &[fn(&str) -> String] = &[str::to_owned, str::to_ascii_uppercase, |word| {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}];

fn spelled() -> impl Iterator<Item = (&'static str, String)> {
    PROGRAMS.iter().flat_map(|program| {
        SPELLINGS.iter().flat_map(move |(_, spell)| {
            PLACES.iter().flat_map(move |place| {
                CASES.iter().map(move |case| (*program, format!("{place}{}", case(&spell(program)))))
            })
        })
    })
}

/// What the plain decision, the one that takes commands apart, and the reference say; all the same.
struct Deciders<'a> {
    checked: &'a CheckedPolicy,
    policy: Artifact<'a>,
    decider: Decider<'a>,
}

impl Deciders<'_> {
    fn decide(&self, argv: &[&str]) -> Conclusion {
        let mut scratch = self.policy.scratch();
        let context = Context::default();
        let capacity = scratch.capacity();
        let plain = self.policy.decide(argv, &context, &mut scratch).conclusion;
        assert_eq!(scratch.capacity(), capacity, "{argv:?} allocates");
        let ruled = self.decider.decide(argv, &context, &mut scratch).conclusion();
        let reference = matches::decide(self.checked.policy(), argv, &context).conclusion;
        assert_eq!((plain, ruled), (reference, reference), "{argv:?}");
        reference
    }
}

fn with<T>(rules: &[(Decision, Vec<Vec<String>>)], what: impl FnOnce(&Deciders<'_>) -> T) -> T {
    let checked = generate::literal(rules);
    let bytes = build(&checked).unwrap().bytes;
    let policy = Artifact::from_bytes(&bytes).unwrap();
    let decider = Decider::new(Artifact::from_bytes(&bytes).unwrap()).unwrap();
    what(&Deciders { checked: &checked, policy, decider })
}

fn rule(decision: Decision, words: &[&str]) -> (Decision, Vec<Vec<String>>) {
    (decision, words.iter().map(|word| vec![(*word).to_owned()]).collect())
}

#[test]
fn a_guard_sees_every_spelling_and_an_allow_only_its_own() {
    let mut tried = 0;
    for (decision, conclusion) in [
        (Decision::Forbidden, Conclusion::Forbidden),
        (Decision::Prompt, Conclusion::Prompt),
        (Decision::Allow, Conclusion::Allow),
    ] {
        let rules: Vec<_> = PROGRAMS.iter().map(|program| rule(decision, &[program, "x"])).collect();
        with(&rules, |deciders| {
            for (program, word) in spelled() {
                let wanted = match decision {
                    Decision::Allow if word != program && word != format!("/usr/bin/{program}") => {
                        Conclusion::Unmatched
                    }
                    _ => conclusion,
                };
                assert_eq!(deciders.decide(&[&word, "x", "y"]), wanted, "{word}");
                assert_eq!(deciders.decide(&[&word, "y"]), Conclusion::Unmatched, "{word}");
                tried += 2;
            }
        });
    }
    assert!(tried > 6_000, "{tried}");
}

#[test]
fn a_guard_may_be_spelled_in_any_way_itself() {
    for (program, word) in spelled() {
        with(&[rule(Decision::Forbidden, &[&word, "x"])], |deciders| {
            for other in [program, &word, &format!("{program}.exe")] {
                assert_eq!(deciders.decide(&[other, "x"]), Conclusion::Forbidden, "{word}: {other}");
            }
        });
    }
}

#[test]
fn other_tools_stay_other_tools() {
    with(
        &[
            rule(Decision::Forbidden, &["git"]),
            rule(Decision::Forbidden, &["base64"]),
            rule(Decision::Forbidden, &["rep"]),
        ],
        |deciders| {
            for word in [
                "gitk",
                "git-lfs",
                "git.sh",
                "git.exe.txt",
                "agit",
                "base32",
                "gbase32",
                "grep",
                "git-x",
                "it",
                "g",
                "gi",
            ] {
                assert_eq!(deciders.decide(&[word]), Conclusion::Unmatched, "{word}");
            }
        },
    );
}

#[test]
fn words_that_are_known_in_part_can_be_every_spelling() {
    with(&[rule(Decision::Forbidden, &["git", "push"])], |deciders| {
        for script in [
            "git.e$x push",
            "gi$x.exe push",
            "\"$d\\\\git.exe\" push",
            "git-$v push",
            "git$((n)) push",
            "$d/git.cmd push",
            "git-2.4? push",
            "'C:\\x\\g'$x push",
            "git.?xe push",
        ] {
            let found = deciders.decider.decide_script(script.as_bytes(), Dialect::Bash, None).conclusion;
            assert!(found >= Conclusion::Prompt, "{script}: {found:?}");
            let reference = judge(
                deciders.checked.policy(),
                execpolicy_shell::analyse(
                    script.as_bytes(),
                    Dialect::Bash,
                    None,
                    &deciders.checked.policy().tools.facts(),
                    &Limits::default(),
                ),
            );
            assert_eq!(found, reference.conclusion, "{script}");
        }
    });
}

#[test]
fn shells_and_carriers_are_known_by_every_spelling() {
    with(&[rule(Decision::Forbidden, &["git", "push"])], |deciders| {
        let decide = |argv: &[&str]| {
            let mut scratch = deciders.policy.scratch();
            let found = deciders.decider.decide(argv, &Context::default(), &mut scratch).conclusion();
            let reference = decide_command(deciders.checked.policy(), argv, None).conclusion;
            assert_eq!(found, reference, "{argv:?}");
            found
        };
        for shell in [
            "bash.exe",
            "BASH",
            "bash-5.2",
            "C:\\Program Files\\Git\\bin\\bash.exe",
            "sh.EXE",
            "zsh-5.9",
            "/bin/Bash5.2",
        ] {
            assert_eq!(decide(&[shell, "-lc", "git push"]), Conclusion::Forbidden, "{shell}");
            assert_eq!(decide(&[shell, "-lc", "GIT.exe push"]), Conclusion::Forbidden, "{shell}");
        }
        for carrier in
            ["env", "genv", "env.exe", "ENV", "nice", "gnice-9.5", "C:\\x\\env.exe", "timeout", "nohup.exe"]
        {
            let argv: &[&str] = if carrier == "timeout" {
                &[carrier, "5", "git.cmd", "push"]
            } else {
                &[carrier, "git.cmd", "push"]
            };
            assert_eq!(decide(argv), Conclusion::Forbidden, "{carrier}");
        }
        for hidden in ["powershell.exe", "PowerShell", "pwsh-7.4", "pwsh.exe"] {
            assert!(decide(&[hidden, "-Command", "git push"]) >= Conclusion::Prompt, "{hidden}");
        }
    });
}
