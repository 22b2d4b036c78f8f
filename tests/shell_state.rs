//! What statements leave behind: every pair of statements that change a variable, and what a command then gets.
//!
//! In: statements. Out: none is missed. Not here: the shells (`shell_real.rs`), expansions (`shell_expansions.rs`).

use execpolicy_shell::Dialect;

use crate::shell_real::{self, Shell};

/// Before what declares; `N` is a name with or without a value.
const DECLARING: &[&str] = &[
    "declare N",
    "declare -a N",
    "declare -A N",
    "declare -i N",
    "declare -l N",
    "declare -u N",
    "declare -n N",
    "declare -r N",
    "declare -x N",
    "declare +x N",
    "declare +i N",
    "declare +a N",
    "declare +n N",
    "declare -g N",
    "typeset N",
    "local N",
    "export N",
    "export -n N",
    "readonly N",
    "readonly -a N",
    "read N <<< 'push --force'",
    "read -r N <<E\npush\nE\n",
    "read -ra N <<< 'push b'",
    "read -d u N <<< push",
    "read -n 4 N <<< pushed",
    "read -N 3 N <<< push",
    "read y N <<< 'a push'",
    "IFS=u read N y <<< 'push'",
    "mapfile N <<< push",
    "mapfile -t N <<< $'a\\npush'",
    "printf -v N push",
    "printf -v N %s%s pu sh",
    "unset N",
    "unset -v N",
    "unset -f N",
    "unset -n N",
    "getopts p: N -ppush",
    "let N",
    "wait -p N",
    "for N in push b; do :; done",
    "for N in push; do break; done",
    "select N in push; do break; done <<< 1",
    "{ N; }",
    "(N)",
    "N :",
    "N eval :",
    "N export z",
    ": | N",
    "N & wait",
    "N || N",
    "! N",
    "if N; then :; fi",
    "while N; do break; done",
    "case N in push) ;; esac",
    "f() { N; }; f",
    "f() { local N; }; f",
    "f() { local x=a; N; }; f",
    "f() { N; }",
    "eval 'N'",
    "eval N",
    "command N",
    "builtin N",
    "command declare N",
    "builtin export N",
    "command eval 'N'",
    "coproc N",
    "trap 'N' EXIT",
    ". /dev/stdin <<< 'N'",
    "exec N",
    "time N",
    "[[ N ]]",
    "(( N ))",
    "test N",
    "alias N",
    "set -- N",
    "set N",
    "shift N",
    "cd N",
    "exec {N}>&2",
    "env N",
    "hash N",
];
/// A name, assigned to or not.
const NAMES: &[&str] = &[
    "x",
    "x=push",
    "x+=sh",
    "x=pu",
    "x=PUSH",
    "x=(push b)",
    "x+=(push)",
    "x=([1]=push)",
    "'x=(push b)'",
    "x[0]=push",
    "x[1]=push",
    "'x[1]=push'",
    "x=$y",
    "x=y",
    "y=x",
    "y=push",
    "y+=sh",
    "y=$x",
    "x=y y=push",
    "x=",
    "x=${y:=push}",
    "x=$((1))",
    "x=1+1",
    "x=$(foo in)",
    "'x=$(foo in)'",
    "x[$(foo in)]=push",
    "'x[$(foo in)]=push'",
    "IFS=u",
    "z=push",
];
const USES: &[&str] =
    &["foo $x", "foo \"$x\" \"$y\"", "foo \"${x[@]}\"", "foo $y${x[1]}", "foo $z $1", "$x foo"];
const BEFORE: &[&str] = &[
    "",
    "x=status",
    "x=pu y=sh",
    "x=(a b)",
    "declare -n x=y",
    "declare -A x",
    "declare -i x",
    "f() { foo \"$@\"; }",
    "set -- push",
];

fn scripts(shell: &Shell) -> Vec<String> {
    let mut scripts = Vec::new();
    for before in BEFORE {
        for statement in DECLARING {
            for name in NAMES {
                for usage in USES {
                    scripts.push(format!("{before}\n{}\n{usage}", statement.replace('N', name)));
                }
            }
        }
    }
    if shell.dialect == Dialect::Zsh {
        scripts.retain(|script| !script.contains(['(', '[']));
    }
    scripts
}

#[test]
fn what_a_statement_leaves_is_covered() {
    shell_real::compare(scripts, 61);
}
