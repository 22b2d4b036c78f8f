//! What a shell evaluates: every variable that it knows with every way to set one, and every place where a name, a subscript or a
//! word is evaluated, perhaps a second time.
//!
//! In: what is in the lists, and the names of `stdlib/shells/variables.txt`. Out: none is missed. Not here: the shells
//! (`shell_real.rs`), what a statement leaves behind (`shell_state.rs`).

use crate::shell_real::{self, Shell};

/// Other names that shells know (bash(1), zshparam(1), mksh(1)), and one that none knows.
const OTHER_NAMES: &[&str] = &[
    "x",
    "arr",
    "BASH_ARGV0",
    "BASH_COMPAT",
    "BASH_LINENO",
    "BASH_XTRACEFD",
    "BASH_REMATCH",
    "CHILD_MAX",
    "COMP_CWORD",
    "COMP_POINT",
    "DIRSTACK",
    "EXECSHELL",
    "FCEDIT",
    "FIGNORE",
    "GLOBIGNORE",
    "HISTFILE",
    "HISTFILESIZE",
    "HISTIGNORE",
    "HISTTIMEFORMAT",
    "HOSTFILE",
    "IFS",
    "IGNOREEOF",
    "INPUTRC",
    "MAIL",
    "MAPFILE",
    "OPTERR",
    "PROMPT_DIRTRIM",
    "PS3",
    "READLINE_POINT",
    "TIMEFORMAT",
    "TIMEFMT",
    "TMPPREFIX",
    "WATCHFMT",
    "WORDCHARS",
    "ZLE_SPACE_SUFFIX_CHARS",
    "PROMPT",
    "RPROMPT",
    "SPROMPT",
    "POSTEDIT",
];
/// Ways to set the variable `N` to `V`, which is quoted.
const SETTING: &[&str] = &[
    "N=V",
    "N+=V",
    "N[0]=V",
    "N=(V)",
    "N=([1]=V)",
    "N+=(V)",
    "export N=V",
    "export \"N=\"V",
    "readonly N=V",
    "declare N=V",
    "declare -g N=V",
    "typeset N; N=V",
    "unset N; N=V",
    "unset N; N=V; foo $((N))",
    "f() { local N=V; }; f",
    "f() { local N; N=V; }; f",
    "for N in V; do :; done",
    "for N in 1 V; do :; done",
    "select N in V; do break; done <<< 1",
    "case a in a) N=V ;; esac",
    "N=V true",
    "N=V eval :",
    "N=V f; f() { :; }; N=V f",
    "N=V foo in",
    "N=V /bin/true",
    "z=V; N=$z",
    "z=V; N+=$z",
    "z=V; : ${N:=$z}",
    "z=V; unset N; : ${N=$z}",
    "z=V; read N <<< $z",
    "z=V; read -r N <<E\n$z\nE\n",
    "z=V; read -ra N <<< \"$z\"",
    "z=V; mapfile -t N <<< \"$z\"",
    "z=V; printf -v N %s \"$z\"",
    "printf -v N %s V",
    "printf -v 'N[0]' %s V",
    "getopts a: N -aV",
    "getopts \"$z\" N -z",
    "declare -n r=N; r=V",
    "declare -i N; N=V",
    "declare -i N=V",
    "declare -ai N=(V)",
    "declare -u N=V",
    "typeset -F N=V",
    "typeset -E N; N=V",
    "integer N=V",
    "float N; N=V",
    "(N=V)",
    "(N=V) | foo in",
    "{ N=V; } 2>&1",
    "N=V; cd /; cd -; set -x; :; set +x",
    "N=V; /bin/true; jobs; wait",
    "N=V; foo $((N + 1))",
    "N=V; foo $((N[0]))",
    "N=V; [[ N -eq 1 ]]",
    "N=V; (( N ))",
    "N=V; let N",
    "N=V; foo ${y:N}",
    "N=V; foo ${y:0:N}",
    "N=V; : $((N = 1))",
    ": $((N = 1)); N=V; foo $N",
    ": $((N++)); N=V",
    "env N=V true",
    "env N=V /bin/bash -c :",
    "env N=V sh -c 'foo in $N'",
];
/// Values that run `foo` if they are evaluated: as arithmetic (`path` is an array of zsh), or expanded again.
const VALUES: &[&str] = &[
    "'a[$(foo in)0]'",
    "'path[$(foo in)0]'",
    "'$(foo in)'",
    "'`foo in`'",
    "'1 + a[$(foo in)]'",
    "12",
    "-1",
    "$((1))",
];

/// Places for the word `W`, which is a subscript, an expression or a name.
const PLACES: &[&str] = &[
    "foo ${x[W]}",
    "foo \"${x[W]}\"",
    "foo ${#x[W]}",
    "foo \"${#x[W]}\"",
    "foo ${#BASH_VERSINFO[W]}",
    "foo ${#PATH[W]}",
    "foo ${#path[W]} ${#u[W]}",
    "foo ${!x[W]}",
    "foo ${x[W]:-y}",
    "foo ${x[W]:+y}",
    "foo ${x[W]:=y}",
    "foo ${x[W]#p}",
    "foo ${x[W]/p/q}",
    "foo ${x[W]^}",
    "foo ${x[W]@Q}",
    "foo ${x[W]:1}",
    "foo ${x:W}",
    "foo ${x:W:1}",
    "foo ${x:0:W}",
    "foo ${@:W}",
    "foo ${@:1:W}",
    "foo ${arr[@]:W}",
    "foo ${x:-${#y[W]}}",
    "foo $((x[W]))",
    "foo $((W))",
    "foo $(( W + 1 ))",
    "foo $[W]",
    "foo $x[W] $@[W] $*[W] $#[W] $?[W] $1[W]",
    "foo \"$x[W]\"",
    "foo ${x::=W}",
    "foo <<E\n${#x[W]}\nE\n",
    "cat_() { :; }; cat_ <<E\n${x[W]} $((W))\nE\n",
    "foo `foo ${#x[W]}`",
    "y=${#x[W]}",
    "arr=(${#x[W]})",
    "x[W]=1",
    "x[W]+=1",
    "x=([W]=1)",
    "declare x[W]=1",
    "declare -a 'x[W]=1'",
    "export 'x[W]=1'",
    "export x[W]",
    "local x[W]",
    "typeset x[W]=1",
    "readonly x[W]=1",
    "unset x[W]",
    "unset 'x[W]'",
    "arr=(1); unset 'arr[W]'",
    "read x[W] <<< 1",
    "read 'x[W]' <<< 1",
    "mapfile 'x[W]' <<< 1",
    "printf -v x[W] 1",
    "printf -v 'x[W]' 1",
    "printf '%d' W",
    "printf '%*d' W 1",
    "getopts a 'x[W]' -a",
    "test -v x[W]",
    "[ -v 'x[W]' ]",
    "[ W -eq 1 ]",
    "[ 1 -lt 'W' ]",
    "test -t W",
    "[[ -v x[W] ]]",
    "[[ -v 'x[W]' ]]",
    "[[ W -eq 1 ]]",
    "[[ 1 -gt W ]]",
    "[[ -n ${x[W]} ]]",
    "[[ -t W ]]",
    "[[ a == W ]]",
    "[[ a =~ W ]]",
    "(( W ))",
    "(( x[W] ))",
    "(( y = W ))",
    "let W",
    "let 'y = W'",
    "for ((W; 0; )); do :; done",
    "for ((y = 0; W; )); do break; done",
    "case W in x[W]) ;; esac",
    "exec {x[W]}>&2",
    "foo in {x[W]}>&2",
    "{ :; } {x[W]}>/dev/null",
    "{ :; } {x}>/dev/null",
    "foo in >& W",
    "foo in 1>& W",
    "foo in 2>& W",
    "foo in 3>& W",
    "foo in <& W",
    "foo in &> W",
    "foo in > W",
    "{ :; } >& W",
    "(:) >& W",
    "exec >& W",
    "if :; then :; fi >& W",
    "y=W; foo in >& $y",
    "y=W; foo in >& \"$y\"",
    "f() { foo in >& \"$1\"; }; f W",
    "for y in W; do foo in >& $y; done",
    "exit W",
    "f() { return W; }; f",
    "shift W",
    "for y in a; do break W; done",
    "while :; do continue W; break; done",
    "bye W",
    "logout W",
    "wait W",
    "wait -p W",
    "kill -l W",
    "ulimit -n W",
    "umask W",
    "cd +W",
    "pushd +W",
    "dirs +W",
    "read -t W y <<< 1",
    "read -n W y <<< 1",
    "mapfile -n W y <<< 1",
    "mapfile -C W -c 1 y <<< 1",
    "repeat W :",
    "trap W EXIT",
    "trap : W",
    "PS4=W; set -x; :; set +x",
    "PS4='W'; set -x; :; set +x",
    "PROMPT_COMMAND=W",
    "y='W'; foo ${y@P}",
    "y='W'; foo \"${y@E}${y@A}\"",
    "declare -n y=W; foo $y",
    "declare -n y=x[W]; foo $y",
    "y=W; foo ${!y}",
    "y=x[W]; foo ${!y}",
    "y=W; foo $((y))",
    "y=W; z=y; foo $((z))",
    "y=W; foo ${x[y]}",
    "eval W",
    "eval foo W",
    "coproc W { :; }",
    "set -A y W",
    "hash W",
    "history W",
    "echo {1..W}",
    "time W",
    "env W",
    "env x=W sh -c 'foo $((x))'",
    "export x=W; sh -c 'foo $((x))'",
];
/// What stands there: names of variables whose values run `foo`, and what runs it.
const WORDS: &[&str] = &[
    "e",
    "$e",
    "'$e'",
    "\"$e\"",
    "$(foo in)",
    "'$(foo in)'",
    "`foo in`",
    "'`foo in`'",
    "s",
    "$s",
    "1",
    "y",
    "@",
];
const PROLOGUE: &str = "e='path[$(foo in)0]'; s='$(foo in)'; x=push";

fn names() -> Vec<&'static str> {
    let library = include_str!("../stdlib/shells/variables.txt").lines().flat_map(|line| {
        let statement = line.split('#').next().unwrap_or_default();
        statement.split_whitespace().skip(1)
    });
    let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let mut names: Vec<&str> = library.filter(plain).chain(OTHER_NAMES.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn settings(_: &Shell) -> Vec<String> {
    let mut scripts = Vec::new();
    for name in names() {
        for setting in SETTING {
            for value in VALUES {
                // Not one after the other: a name can hold the mark of the value.
                let parts: Vec<String> = setting.split('V').map(|part| part.replace('N', name)).collect();
                let script = parts.join(value);
                scripts.push(format!("{script}\nfoo end"));
            }
        }
    }
    scripts
}

fn places(shell: &Shell) -> Vec<String> {
    let mut scripts = Vec::new();
    for place in PLACES {
        for word in WORDS {
            scripts.push(format!("{PROLOGUE}\n{}\nfoo end", place.replace('W', word)));
        }
    }
    if shell.name == "mksh" {
        // It evaluates what `[` compares; no shell that is usually `sh` does (docs/scripts.md).
        scripts.retain(|script| !script.contains("\n[ "));
    }
    scripts
}

#[test]
fn every_variable_that_evaluates_is_covered() {
    shell_real::compare(settings, 89);
}

#[test]
fn every_place_that_evaluates_is_covered() {
    shell_real::compare(places, 3);
}
