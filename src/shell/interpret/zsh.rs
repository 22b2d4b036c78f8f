//! In: the name of a command, function or variable. Out: whether it means more in zsh than in bash.
//! Not here: the syntax of zsh; what may be of it is opaque as a whole (`syntax/zsh.rs`).

use crate::value::argv::Item;
use alloc::vec::Vec;

/// Commands of zsh that change what names, words or later commands mean (zshbuiltins(1), zshmodules(1)).
const CHANGES: &[&[u8]] = &[
    b"add-zsh-hook",
    b"autoload",
    b"bindkey",
    b"bye",
    b"clone",
    b"comparguments",
    b"compadd",
    b"compcall",
    b"compctl",
    b"disable",
    b"echotc",
    b"echoti",
    b"emulate",
    b"enable",
    b"float",
    b"functions",
    b"getln",
    b"integer",
    b"limit",
    b"log",
    b"noglob",
    b"nocorrect",
    b"pcre_match",
    b"private",
    b"pushln",
    b"r",
    b"rehash",
    b"sched",
    b"setopt",
    b"strftime",
    b"sysread",
    b"sysseek",
    b"sysopen",
    b"syswrite",
    b"unfunction",
    b"ttyctl",
    b"ulimit",
    b"unhash",
    b"unlimit",
    b"unsetopt",
    b"vared",
    b"zcompile",
    b"zcurses",
    b"zformat",
    b"zftp",
    b"zgetattr",
    b"zle",
    b"zmodload",
    b"zparseopts",
    b"zprof",
    b"zpty",
    b"zregexparse",
    b"zselect",
    b"zsocket",
    b"zstat",
    b"zstyle",
    b"zsystem",
    b"ztcp",
];

/// Whether this command of zsh may change the shell in a way that the walk does not know.
pub fn changes_the_shell(name: &[u8], arguments: &[Item]) -> bool {
    // An option with other letters than these.
    let option = |item: &Item, harmless: &[u8]| match item.as_known() {
        Some([b'-' | b'+', letters @ ..]) => letters.iter().any(|letter| !harmless.contains(letter)),
        Some(_) => false,
        None => true,
    };
    match name {
        b"print" => arguments.iter().any(|item| match item.as_known() {
            Some(_) => option(item, b"-nrlNRu0123456789"),
            None => item.many || [b"-z", b"-v", b"-s", b"-S"].iter().any(|word| item.words.could_be(*word)),
        }),
        // `read 'x?prompt'` reads into `x`.
        b"read" => arguments
            .iter()
            .any(|item| option(item, b"-rs") || item.as_known().is_some_and(|word| word.contains(&b'?'))),
        b"alias" => arguments.iter().any(|item| option(item, b"-")),
        // What is to be a number is arithmetic, which can assign: `shift x=1`.
        b"shift" | b"return" | b"exit" | b"break" | b"continue" => !arguments.iter().all(is_number),
        b"test" | b"[" => arguments.windows(2).any(
            |pair| matches!(pair, [option, operand] if option.words.could_be(b"-t") && !is_number(operand)),
        ),
        b"printf" => {
            let format = arguments.first().and_then(Item::as_known);
            !format.is_some_and(prints_text) && !arguments.iter().skip(1).all(is_number)
        }
        _ => CHANGES.contains(&name),
    }
}

fn is_number(item: &Item) -> bool {
    item.as_known().is_some_and(|word| word.iter().all(u8::is_ascii_digit))
}

/// Whether a format of `printf` takes its arguments for text.
fn prints_text(format: &[u8]) -> bool {
    let mut conversions = format.split(|byte| *byte == b'%').skip(1);
    !format.starts_with(b"-")
        && conversions.all(|rest| matches!(rest.first(), None | Some(b's' | b'b' | b'q' | b'c')))
}

/// Whether zsh calls a function of this name by itself (zshmisc(1), "Special Functions").
pub fn is_hook(name: &[u8]) -> bool {
    name.starts_with(b"TRAP")
        || name.starts_with(b"zsh_")
        || matches!(
            name,
            b"chpwd"
                | b"precmd"
                | b"preexec"
                | b"periodic"
                | b"zshaddhistory"
                | b"zshexit"
                | b"command_not_found_handler"
        )
}

/// Whether a variable of zsh is tied to another part of the shell: functions, aliases, options, hooks,
/// parameters (zshparam(1), zshmodules(1) on `zsh/parameter`).
pub fn is_special(name: &[u8]) -> bool {
    name.ends_with(b"_functions")
        || name.starts_with(b"dis_")
        || matches!(
            name,
            b"aliases"
                | b"argv"
                | b"ARGC"
                | b"commands"
                | b"dirstack"
                | b"functions"
                | b"galiases"
                | b"HISTCHARS"
                | b"histchars"
                | b"MATCH"
                | b"match"
                | b"modules"
                | b"nameddirs"
                | b"options"
                | b"parameters"
                | b"pipestatus"
                | b"PROMPT"
                | b"PROMPT2"
                | b"PROMPT3"
                | b"PROMPT4"
                | b"prompt"
                | b"reply"
                | b"RPROMPT"
                | b"saliases"
                | b"SPROMPT"
                | b"status"
                | b"widgets"
                | b"ZSH_EVAL_CONTEXT"
                | b"zsh_eval_context"
        )
}

/// The variable that changes with this one (zshparam(1)).
pub fn tied(name: &[u8]) -> Option<Vec<u8>> {
    let other = if name.first()?.is_ascii_lowercase() {
        name.to_ascii_uppercase()
    } else {
        name.to_ascii_lowercase()
    };
    let known = [
        &b"path"[..],
        b"cdpath",
        b"fpath",
        b"manpath",
        b"mailpath",
        b"psvar",
        b"module_path",
        b"watch",
        b"fignore",
    ];
    (known.contains(&name) || known.contains(&other.as_slice())).then_some(other)
}
