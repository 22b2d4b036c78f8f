//! Ways in which a forbidden command ran past the reader of scripts, by kind; most were found by people who attacked it, and tried in the
//! shells. The grids (`shell_evaluations.rs`, `shell_exports.rs`, `shell_lexing.rs`) hold what is around them.
//!
//! In: scripts, each for a shell. Out: what must not be allowed is not. Not here: published attacks (`shell_attacks.rs`).

use crate::shell_policy::policy;
use execpolicy_runtime::Conclusion;
use execpolicy_runtime::Decision::{Allow, Forbidden};

/// Allows of everything that the scripts name, and one forbid.
fn decided(argv: &[&str]) -> Conclusion {
    let allowed = "git status;echo;cat;npm;ls;foo x;sed;debconf;python3;perl;node;ruby;env;true;bash;sh;zsh;exec;read;printf;test;[;unset"
        .split(';')
        .map(|words| (Allow, words));
    let rules: Vec<_> = allowed.chain([(Forbidden, "foo push")]).collect();
    policy(&rules).decide(argv, None).conclusion
}

/// Scripts, each behind the shell that reads it, that run `foo push` or open a way to it: at least asked about.
fn asked(shell: &str, scripts: &[&str]) {
    for script in scripts {
        let found = decided(&[shell, "-c", script]);
        assert!(found >= Conclusion::Prompt, "{shell}: {script}: {found:?}");
    }
}

/// Scripts of which nothing may be allowed.
fn not_allowed(shell: &str, scripts: &[&str]) {
    for script in scripts {
        assert_ne!(decided(&[shell, "-c", script]), Conclusion::Allow, "{shell}: {script}");
    }
}

/// Scripts that must stay allowed, so that the answer is not to ask about everything.
fn allowed(shell: &str, scripts: &[&str]) {
    for script in scripts {
        assert_eq!(decided(&[shell, "-c", script]), Conclusion::Allow, "{shell}: {script}");
    }
}

#[test]
fn subscripts_are_evaluated_wherever_they_stand() {
    let scripts = [
        "echo ${#PATH[$(foo push)]}",
        "echo \"${#PATH[`foo push`]}\"",
        "x='a[$(foo push)]'; echo ${#BASH_VERSINFO[x]}",
        "y=${#PATH[$(foo push)]}",
        "cat <<E\n${#PATH[$(foo push)]}\nE\n",
        "x='a[$(foo push)]'; exec {arr[x]}>&1",
        "x='a[$(foo push)]'; echo ok {arr[x]}>&2",
        "unset 'a[$(foo push)]'",
        "printf -v 'a[$(foo push)]' x",
        "read 'a[$(foo push)]' < f",
        "test -v 'a[$(foo push)]'",
    ];
    asked("bash", &scripts);
    asked("zsh", &scripts);
    allowed("bash", &["arr=(a b); echo ${#arr[@]} ${#arr[1]} ${arr[0]}"]);
    asked(
        "zsh",
        &["x='path[$(foo push)]'; echo $*[x]", "x='path[$(foo push)]'; echo $#[x]", "echo $@[x] $x[1]"],
    );
}

#[test]
fn integer_variables_evaluate_what_they_get() {
    for name in ["RANDOM", "SRANDOM", "OPTIND", "SECONDS", "HISTCMD", "BASHPID"] {
        for script in [
            "(N='a[$(foo push)]'); git status",
            "for N in 'a[$(foo push)]'; do git status; done",
            "export N='a[$(foo push)]'",
            "read N < f; git status",
            "printf -v N %s x",
            "N+='a[$(foo push)]'",
            "N[0]='a[$(foo push)]'",
            ": ${N:='a[$(foo push)]'}",
            "getopts a: N",
        ] {
            asked("bash", &[&script.replace('N', name)]);
        }
    }
    for name in [
        "LINES",
        "COLUMNS",
        "SHLVL",
        "SAVEHIST",
        "HISTSIZE",
        "FUNCNEST",
        "LISTMAX",
        "MAILCHECK",
        "UID",
        "KEYTIMEOUT",
        "ERRNO",
    ] {
        asked(
            "zsh",
            &[
                &format!("{name}='path[$(foo push)]' git status"),
                &format!("{name}='path[$(foo push)]'; git status"),
            ],
        );
    }
    asked(
        "zsh",
        &[
            "typeset -F x; x='path[$(foo push)]'",
            "typeset -E x=1",
            "integer x=y",
            "float x=y",
            "local -F x",
            "declare -i x=y",
        ],
    );
    asked(
        "bash",
        &[
            "env REPORTTIME='path[$(foo push)]' zsh -c 'git status'",
            "REPORTTIME='path[$(foo push)]' zsh -c 'git status'",
        ],
    );
    // A number is none to evaluate; a name of the script's own is not evaluated.
    allowed("bash", &["i='a[b]'; echo $i"]);
    not_allowed("bash", &["OPTIND=1; git status"]);
    assert_eq!(decided(&["bash", "-c", "OPTIND=1; foo y"]), Conclusion::Unmatched);
}

#[test]
fn what_is_expanded_twice_is_read_twice() {
    let scripts = [
        "echo a >& '$(foo push)'",
        "x='$(foo push)'; echo a >& $x",
        "echo a 1>&'`foo push`'",
        "{ echo a; } >& '$(foo push)'",
        "exec >& \"$x\"",
    ];
    asked("bash", &scripts);
    asked("sh", &scripts);
    asked(
        "bash",
        &["PS4='$(foo push)'; set -x; :", "x='$(foo push)'; echo ${x@P}", "mapfile -C 'foo push' -c 1 a < f"],
    );
    allowed(
        "bash",
        &["echo a >&2", "echo a 2>&1", "{ echo a; } 3>&1 >&3 3>&-", "for fd in 1 2; do echo a >&$fd; done"],
    );
}

#[test]
fn a_word_that_may_be_negative_names_a_file() {
    not_allowed(
        "bash",
        &[
            "git status >& '-5'",
            "git status >& $((0-5))",
            "for x in -3; do git status >&$x; done",
            "git status >& ''",
        ],
    );
    not_allowed("zsh", &["git status >&5-", "git status >& -5"]);
}

#[test]
fn every_way_to_export_is_one() {
    for declare in [
        "declare -x",
        "declare -rx",
        "declare -gx",
        "typeset -xr",
        "local -x",
        "readonly -x",
        "export --",
        "declare -r -x",
    ] {
        for script in [
            "D npm_config_script_shell=./evil; npm test",
            "npm_config_script_shell=./evil; D npm_config_script_shell; npm test",
        ] {
            not_allowed("bash", &[&script.replace('D', declare)]);
            not_allowed("zsh", &[&script.replace('D', declare)]);
        }
    }
    not_allowed(
        "bash",
        &[
            "set -a; x=1; npm test",
            "set -ea; x=1; npm test",
            "set -o allexport; x=1; npm test",
            "bash -ac 'x=1; npm test'",
            "bash -a -c 'x=1; npm test'",
            "sh -eac 'x=1; npm test'",
        ],
    );
    asked(
        "bash",
        &[
            "ls() { foo \"$1\"; }; ls x; declare -fx ls; bash -c 'ls push'",
            "ls() { foo x; }; typeset -xf ls; ls",
        ],
    );
    allowed("bash", &["x=1; npm test", "declare -r x=1; npm test", "declare +x x=1; npm test"]);
}

#[test]
fn names_in_lower_case_that_programs_read_are_not_safe() {
    for name in [
        "npm_config_script_shell",
        "http_proxy",
        "cargo_home",
        "pip_index_url",
        "git_dir",
        "COLUMNS",
        "LINES",
        "DEBIAN_FRONTEND",
    ] {
        not_allowed(
            "bash",
            &[
                &format!("{name}=x; npm test"),
                &format!("{name}=x npm test"),
                &format!("export {name}=x; npm test"),
            ],
        );
    }
    allowed("bash", &["CI=1 npm test", "NO_COLOR=1 npm test", "msg=x; npm test", "LC_ALL=C npm test"]);
}

#[test]
fn a_script_in_an_open_file_is_not_a_file() {
    for shell in ["bash", "sh", "zsh", "dash", "busybox sh", "bash -e", "bash --"] {
        for file in [
            "/dev/stdin",
            "/dev/fd/0",
            "/proc/self/fd/0",
            "//dev/./stdin",
            "/dev/fd/3",
            "/proc/1/fd/0",
            "/dev/../dev/stdin",
            "/proc/self/fd/../fd/0",
        ] {
            asked(
                "bash",
                &[
                    &format!("{shell} {file} <<'E'\nfoo push\nE"),
                    &format!("echo 'foo push' | {shell} {file}"),
                ],
            );
        }
    }
    for program in ["python3", "perl", "node", "ruby"] {
        asked(
            "bash",
            &[
                &format!("{program} /dev/stdin <<'E'\nx\nE"),
                &format!("{program} - <<< x"),
                &format!("{program} <(echo x)"),
            ],
        );
    }
    asked("bash", &["bash <(echo foo push)", "cd /dev && bash stdin", "cd /dev/fd && sh 0"]);
    assert_eq!(decided(&["bash", "-c", "bash build.sh"]), Conclusion::Allow);
}

#[test]
fn another_locale_has_other_characters() {
    let scripts = [
        "LC_ALL=zh_CN.GBK bash -c 'echo x'",
        "LANG=ja_JP.SJIS; echo x",
        "export LC_CTYPE=zh_TW.Big5; echo x",
        "env LC_ALL=zh_CN.GB18030 bash -c 'echo x'",
        "LC_ALL=$x; echo x",
        "read LANG < f",
        "LC_ALL=/tmp/evil.UTF-8 echo x",
        "env LOCPATH=/tmp LC_ALL=en_US.UTF-8 bash -c 'echo x'",
    ];
    asked("bash", &scripts);
    asked("zsh", &scripts);
    asked("sh", &scripts);
    for value in ["C", "POSIX", "C.UTF-8", "en_US.utf8", "de_DE.UTF-8@euro", "''"] {
        allowed("bash", &[&format!("LC_ALL={value} echo x"), &format!("export LANG={value}; echo x")]);
    }
}

#[test]
fn what_zsh_may_read_in_its_own_way_is_asked_about() {
    asked(
        "zsh",
        &[
            "rep\\\neat 1 foo push",
            "push=1; x=status; : ${x::=push}; foo $x",
            "x='path[$(foo push)]'; bye $x",
            "x==foo; $x push",
            "[[ -t 'path[$(foo push)]' ]]",
            "foreach x (push) foo $x; end",
            "echo *(e:'foo push':)",
            "noglob foo push",
            "{ echo a } always { foo push }",
            "echo ${(e)x}",
        ],
    );
    allowed(
        "zsh",
        &[
            "git status && echo \"$x\" 'a b' | cat",
            "for x in a b; do echo $x; done",
            "if [[ -n $x ]]; then git status; fi",
        ],
    );
}

#[test]
fn what_some_shells_read_otherwise_is_asked_about() {
    asked("sh", &["echo $[1]", "echo -t [[ && ]]; git status"]);
    for shell in ["ksh", "mksh", "lksh", "oksh", "loksh", "rksh", "ksh93", "pdksh"] {
        assert!(decided(&[shell, "-c", "git status"]) >= Conclusion::Prompt, "{shell}");
        assert!(decided(&[shell, "build.sh"]) >= Conclusion::Prompt, "{shell}");
    }
}
