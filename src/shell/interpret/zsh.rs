//! In: a script for zsh. Out: why it cannot be read as one for bash, if so.
//! Also which commands, functions and variables mean more in zsh than in bash.
//! Not here: any reading of zsh's own syntax; what has a sign of it is opaque as a whole.

use crate::reason::Reason;
use crate::value::argv::Item;
use alloc::vec::Vec;

/// Why a script for zsh cannot be read as one for bash, if so. The list is of zsh's own syntax
/// (zshexpn(1), zshmisc(1)), found as text, so it also finds some that is harmless.
pub fn zsh_only(text: &[u8]) -> Option<Reason> {
    let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    let starts_word = |byte: u8| {
        text.windows(2)
            .any(|pair| matches!(pair, [before, now] if *now == byte && b" \t\n;&|({`".contains(before)))
            || text.first() == Some(&byte)
    };
    let needles: &[&[u8]] = &[
        b"${(",
        b"${=",
        b"${~",
        b"${^",
        b"$=",
        b"$~",
        b"$^",
        b"$+",
        b"=(",
        b"repeat",
        b"foreach",
        b"always",
        b"nocorrect",
        b"noglob",
        b"zmodload",
        b"autoload",
        b"emulate",
        b"setopt",
        b"alias -g",
        b"alias -s",
        b">!",
        b">>!",
        b">>|",
        b"&|",
        b"&!",
        b"(e:",
        b"(+",
        b"zle",
        b"sched",
        b"<->",
        b"$(<",
        b"${${",
        b"disable",
        b"()",
        b"zargs",
    ];
    // `<1-5>` is a pattern of numbers.
    let numbers = text.windows(2).any(|pair| matches!(pair, [b'<', digit] if digit.is_ascii_digit()));
    // `$#x` is a length, without braces too.
    let length = text.windows(3).any(|three| {
        matches!(three, [b'$', b'#', next] if next.is_ascii_alphanumeric() || b"_@*#?$!{-".contains(next))
    });
    // Before `>`, a number of several digits is a word.
    let descriptor = text.windows(3).any(
        |three| matches!(three, [tens, ones, b'<' | b'>'] if tens.is_ascii_digit() && ones.is_ascii_digit()),
    );
    // A backslash that is the last byte is nothing, and so is one in `$'…'` before a byte that has no meaning there.
    let quoted = text.windows(2).position(|pair| pair == b"$'").and_then(|at| text.get(at..));
    let backslash = text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
        || quoted.is_some_and(|rest| rest.contains(&b'\\'));
    // `$x[1]` and `$x:h`.
    let subscript = text.split(|byte| *byte == b'$').skip(1).any(|behind| {
        let name = behind.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        name > 0 && matches!(behind.get(name), Some(b'[' | b':'))
    });
    (subscript
        || numbers
        || length
        || backslash
        || descriptor
        || starts_word(b'=')
        || starts_word(b'-') && has(b"- ")
        || needles.iter().any(|needle| has(needle)))
    .then_some(Reason::Zsh)
}

/// Commands of zsh that change what names, words or later commands mean (zshbuiltins(1), zshmodules(1)).
const CHANGES: &[&[u8]] = &[
    b"add-zsh-hook",
    b"autoload",
    b"bindkey",
    b"compctl",
    b"disable",
    b"emulate",
    b"enable",
    b"float",
    b"functions",
    b"getln",
    b"integer",
    b"limit",
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
    b"sysopen",
    b"syswrite",
    b"unfunction",
    b"unhash",
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
