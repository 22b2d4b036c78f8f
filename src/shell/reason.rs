//! Why something cannot be judged, and why no allow counts: each reason with a stable code and a sentence.
//! Not here: where a reason is given (`syntax/`, `interpret/`, `builtins/`, `launch/`).

/// Defines an enum whose variants have a code for programs and a sentence for people, each written once.
macro_rules! reasons {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $code:literal: $sentence:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("\"It ", $sentence, ".\"")] $variant,)*
        }

        impl $name {
            /// Every reason, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// A stable name for programs, in kebab case.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What a person reads: the part of a sentence that follows "it".
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.sentence())
            }
        }
    };
}

reasons! {
/// Why a part of a script, or what it runs, cannot be known.
Reason {
    // Of the syntax.
    Incomplete = "incomplete": "is incomplete",
    NotUnderstood = "not-understood": "uses syntax that is not understood",
    UnterminatedQuote = "unterminated-quote": "has an unterminated quote",
    UnterminatedBackquote = "unterminated-backquote": "has an unterminated backquote",
    UnterminatedHereDocument = "unterminated-here-document": "has an unterminated here-document",
    HereDocumentDelimiter = "here-document-delimiter": "has a here-document whose delimiter is not plain text",
    HereDocumentEnd = "here-document-end": "has a here-document that shells end at different lines",
    Expansion = "expansion": "has an expansion that is not understood",
    TrailingBackslash = "trailing-backslash": "ends in a backslash, which shells read differently",
    Escape = "escape": "has an escape sequence that shells read differently",
    Locale = "locale": "sets a locale in which bytes can be other characters",
    ExpandedTwice = "expanded-twice": "redirects to a word that a shell expands twice",
    LocaleEscape = "locale-escape": "has an escape sequence that depends on the locale",
    DollarQuote = "dollar-quote": "has a quoted string that shells read differently",
    TranslatedExpansion = "translated-expansion": "has an expansion inside a translated string",
    OutputInReplacement = "output-in-replacement": "replaces part of a command's output, which shells do differently",
    Descriptor = "descriptor": "redirects a file descriptor in a way that shells read differently",
    ClosedDescriptor = "closed-descriptor": "has text directly after a closed file descriptor, which shells read differently",
    TimeKeyword = "time-keyword": "uses `time`, which is a program in some shells",
    FunctionKeyword = "function-keyword": "uses `function`, which is not a keyword in every shell",
    DoubleBracket = "double-bracket": "uses `[[`, which is not a keyword in every shell",
    DoubleParenthesis = "double-parenthesis": "uses `((`, which is not arithmetic in every shell",
    PlusAssignment = "plus-assignment": "uses `+=`, which is not an assignment in every shell",
    AndRedirection = "and-redirection": "uses `&>`, which ends the command in some shells",
    Zsh = "zsh": "may mean something else in zsh",
    ZshHook = "zsh-hook": "defines a function that zsh calls by itself",
    ZshVariable = "zsh-variable": "sets a variable that changes zsh itself",
    // Of the limits.
    ScriptLength = "script-length": "is longer than the limit",
    Depth = "depth": "is nested too deeply",
    ReadingTime = "reading-time": "takes too long to read",
    CommandCount = "command-count": "runs more commands than the limit",
    FunctionCount = "function-count": "defines more functions than the limit",
    FunctionDepth = "function-depth": "calls functions recursively or too deeply",
    ClauseCount = "clause-count": "has more commands in its arguments than the limit",
    OptionCount = "option-count": "has more options than the limit",
    RuleSteps = "rule-steps": "could be too many different commands to check every rule",
    TrapDepth = "trap-depth": "sets a trap at the nesting limit",
    // Of the text.
    ZeroByte = "zero-byte": "contains a zero byte",
    NotUtf8 = "not-utf8": "is not valid UTF-8",
    // Of what is known about the shell.
    Alias = "alias": "has a name that may be an alias",
    KeywordAlias = "keyword-alias": "defines an alias for a word of the shell's grammar",
    ShellOption = "shell-option": "changes how the shell reads what follows",
    Builtin = "builtin": "is a shell builtin that is not analyzed",
    Source = "source": "runs a file in the current shell",
    UnknownEval = "unknown-eval": "evaluates text that is not known in advance",
    UnknownTrap = "unknown-trap": "sets a trap that is not known in advance",
    Trap = "trap": "sets a trap that can change what later commands mean",
    Arithmetic = "arithmetic": "evaluates a value as arithmetic, which can run commands in it",
    Prompt = "prompt-expansion": "expands a value as a prompt, which can run commands in it",
    Indirect = "indirect-expansion": "uses the value of a variable as the name of another",
    ArrayText = "array-text": "assigns text to an array, which the shell reads as a list of words",
    UnknownUnset = "unknown-unset": "unsets a name that is not known in advance",
    UnknownAssignment = "unknown-assignment": "assigns to a name that is not known in advance",
    UnknownDeclaration = "unknown-declaration": "declares a name that is not known in advance",
    UnknownRead = "unknown-read": "reads into a variable that is not known in advance",
    Attribute = "variable-attribute": "declares a variable that changes the values assigned to it",
    ExportedFunction = "exported-function": "exports a function to other shells",
    Callback = "callback": "runs a callback",
    CodeVariable = "code-variable": "sets a variable whose value a shell runs",
    // Of programs that run others.
    UnknownProgram = "unknown-program": "runs a program whose name is not known in advance",
    Modifier = "modifier": "may be an option or a modifier of the command after it",
    UnknownOption = "unknown-option": "has an option that is not known",
    WrapperOption = "wrapper-option": "has an option that is not known for this wrapper",
    WrapperWord = "wrapper-word": "has a word that may be an option of the wrapper or a command",
    OptionValue = "option-value": "has an option whose value is not known in advance",
    LateAssignment = "late-assignment": "sets variables after the end of its options",
    SplitText = "split-text": "splits text into words in a way that is not analyzed",
    Code = "code": "runs code that is not analyzed",
    ProgramText = "program-text": "runs a program text that may run commands or write files",
    InterpreterInput = "interpreter-input": "is an interpreter that may read its program from standard input",
    HiddenCommand = "hidden-command": "runs another command that its own name does not show",
    Command = "inner-command": "runs another command that is not analyzed",
    NoCommand = "no-command": "is given no command, and may start a shell or read commands from standard input",
    CommandLine = "command-line": "runs a command line that a shell may read",
    // Of shells.
    OtherShell = "other-shell": "is a shell whose scripts are not analyzed",
    HiddenScript = "hidden-script": "runs a script whose commands are not analyzed",
    ShellInput = "shell-input": "is a shell that reads its commands from standard input",
    InteractiveShell = "interactive-shell": "is an interactive shell, which may define aliases",
    ShellWord = "shell-word": "is a shell with an unknown word before its script",
    ShellReading = "shell-reading": "is a shell with an option that changes how it reads",
    ShellUnknownOption = "shell-unknown-option": "is a shell with an option that is not known",
    ShellVariable = "shell-variable": "is a shell with a variable set whose value it runs",
    UnknownScript = "unknown-script": "runs a script that is not known in advance",
}}

reasons! {
/// Why no allow counts for a segment.
AllowBlocker {
    Effects = "redirection": "opens a file by redirection",
    Environment = "environment": "runs with a variable that can change what it does",
    Wrapper = "wrapper": "runs through a wrapper that changes more than scheduling",
    Carrier = "carrier": "starts another command",
    ProgramFile = "program-file": "opens a file that only its program text or an option names",
    Option = "possible-option": "has a word that could be an option that runs a program",
}}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::rust_2024::*;

    #[test]
    fn every_code_is_unique_kebab_case_and_every_sentence_follows_it() {
        let reasons = Reason::ALL.iter().map(|reason| (reason.code(), reason.sentence()));
        let blockers = AllowBlocker::ALL.iter().map(|blocker| (blocker.code(), blocker.sentence()));
        for all in [reasons.collect::<Vec<_>>(), blockers.collect()] {
            for (at, (code, sentence)) in all.iter().enumerate() {
                let kebab = |part: &str| {
                    !part.is_empty()
                        && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                };
                assert!(code.split('-').all(kebab), "{code}");
                assert!(
                    !sentence.ends_with('.')
                        && sentence.starts_with(|first: char| first.is_ascii_lowercase())
                );
                assert!(all[..at].iter().all(|(other, text)| other != code && text != sentence), "{code}");
            }
        }
    }
}
