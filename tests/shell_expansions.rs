//! Parameter expansions, all of a grid: every parameter with every operator, alone and beside text, in real shells.
//!
//! In: what is in the lists. Out: none is missed. Not here: the shells (`shell_real.rs`), whole scripts (`shell_soundness.rs`).

use execpolicy_shell::Dialect;

use crate::shell_real::{self, Shell};

const PROLOGUE: &str = "x=push; y=; n=x; unset u v w";
// In zsh these have other meanings, so that whatever follows is asked about.
const POSITIONAL: &str = "; set -- push 'a b'";
const ARRAYS: &str = "; arr=(push 'b c')";

/// Before the name, in braces.
pub const BEFORE: &[&str] = &["", "!", "#"];
const BEFORE_ZSH: &[&str] =
    &["=", "~", "^", "+", "(U)", "(P)", "(e)", "(s:u:)", "(j:u:)", "(k)", "(q)", "(Q)", "(%)", "(f)"];
pub const NAMES: &[&str] = &[
    "#", "?", "!", "$", "-", "0", "1", "2", "3", "10", "@", "*", "_", "x", "y", "n", "u", "LINENO", "OPTIND",
    "PPID", "IFS", "PATH", "HOME",
];
const SUBSCRIPTED: &[&str] =
    &["arr", "arr[0]", "arr[1]", "arr[-1]", "arr[@]", "arr[*]", "x[0]", "x[@]", "u[@]", "u[0]"];
pub const OPERATORS: &[&str] = &[
    "",
    "-push",
    ":-push",
    "+push",
    ":+push",
    "=push",
    ":=push",
    "?push",
    ":?push",
    "-",
    ":-",
    "+",
    ":+",
    "-$x",
    ":-$(foo in)",
    ":+$(foo in)",
    "+$(foo in)",
    "-$(foo in)",
    ":-\"$@\"",
    ":-$@",
    "+\"$@\"",
    ":-x\"${u:-\"$@\"}\"",
    ":-${arr[@]}",
    "=\"$@\"",
    "#\"$@\"",
    "/p/\"$@\"",
    ":$#",
    "@",
    "*",
    ":+$*",
    ":-'a b'",
    ":+\"a b\"",
    ":-a push",
    ":-${u:-push}",
    "#*",
    "##*",
    "%*",
    "%%*",
    "#p",
    "%h",
    "#[0-9]",
    "%%[0-9]*",
    "#$(foo in)",
    "%%\"$(foo in)\"",
    "/*/push",
    "//?/p",
    "//*/push",
    "/#/push",
    "/%/push",
    "/[0-9]*/push",
    "/x/$(foo in)",
    "/$(foo in)/x",
    "//u/U",
    ":0",
    ":1",
    ":0:0",
    ":0:1",
    ": -2",
    ":$(foo in)",
    ":u",
    "^",
    "^^",
    ",",
    ",,",
    "~",
    "~~",
    "^^[a-p]",
    "@Q",
    "@E",
    "@P",
    "@A",
    "@U",
    "@u",
    "@L",
    "@a",
    "@K",
    "@k",
    ":h",
    ":t",
    ":l",
    ":u:l",
    ":#p*",
    ":|arr",
    "##$x",
];
/// Where the expansion stands; `W` is the expansion.
const FRAMES: &[&str] = &[
    "foo W",
    "foo \"W\"",
    "foo Wpush",
    "foo puWsh",
    "foo \"W\"push",
    "foo \"puWsh\"",
    "v=W; foo $v",
    "v=W; foo \"${v}push\"",
    "for v in W; do foo $v; done",
    "set -- W; foo \"$@\"",
    "W foo push",
    "foo $((W))",
    "foo push >/dev/null <<E\nW\nE\n:",
];

fn scripts(shell: &Shell) -> Vec<String> {
    let arrays = shell.dialect == Dialect::Bash;
    let zsh = shell.dialect == Dialect::Zsh;
    let before = BEFORE.iter().chain(BEFORE_ZSH.iter().filter(|_| zsh));
    let prologue = match shell.dialect {
        Dialect::Bash => format!("{PROLOGUE}{POSITIONAL}{ARRAYS}"),
        Dialect::Posix => format!("{PROLOGUE}{POSITIONAL}"),
        Dialect::Zsh => PROLOGUE.to_owned(),
    };
    let mut scripts = Vec::new();
    for before in before {
        // zsh's IFS holds a NUL, which ends a word of the log.
        let names = NAMES.iter().filter(|name| !(zsh && **name == "IFS"));
        for name in names.chain(SUBSCRIPTED.iter().filter(|_| arrays)) {
            for operator in OPERATORS {
                for frame in FRAMES {
                    let word = format!("${{{before}{name}{operator}}}");
                    scripts.push(format!("{prologue}\n{}", frame.replace('W', &word)));
                }
            }
        }
    }
    for name in
        ["$#", "$#x", "$#?", "$?", "$!", "$$", "$-", "$0", "$1", "$@", "$*", "$_", "$x", "$u", "$y", "$n"]
    {
        scripts.extend(FRAMES.iter().map(|frame| format!("{prologue}\n{}", frame.replace('W', name))));
    }
    scripts
}

#[test]
fn every_expansion_of_a_parameter_is_covered() {
    shell_real::compare(scripts, 41);
}
