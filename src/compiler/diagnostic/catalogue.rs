//! In: nothing. Out: every [`Code`], once: its number, title, severity and page.
//! Not here: where a code is reported; `grep` for its name.

use super::Severity;
use std::fmt;

macro_rules! catalogue {
    ($($code:ident $severity:ident $adjustable:literal $title:literal;)*) => {
        /// The number of a diagnostic. A number is never given to a second meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $title] $code,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// `EPnnnn`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => stringify!($code),)* }
            }

            /// What it is about, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)* }
            }

            /// How bad it is unless a setting says otherwise.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$code => Severity::$severity,)* }
            }

            /// Whether `[lints]` in `execpolicy.toml` may change its level.
            #[must_use]
            pub const fn adjustable(self) -> bool {
                match self { $(Self::$code => $adjustable,)* }
            }

            /// Its page, the one that `execpolicy explain` prints (Markdown).
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$code => include_str!(concat!("../../../docs/diagnostics/", stringify!($code), ".md")),)*
                }
            }
        }
    };
}

catalogue! {
    // EP01xx: reading and evaluating rule files
    EP0101 Error false "a file cannot be read";
    EP0102 Error false "a file is not UTF-8";
    EP0103 Error false "a file begins with a byte order mark";
    EP0104 Error false "a line is indented with a tab";
    EP0105 Error false "syntax error";
    EP0106 Error false "a bracket or string is never closed";
    EP0107 Error false "unknown name";
    EP0108 Error false "evaluation failed";
    EP0109 Error false "evaluation takes too many steps";
    EP0110 Error false "evaluation takes too much memory";
    EP0111 Error false "calls are nested too deeply";
    EP0112 Error false "evaluation takes too long";
    EP0113 Error false "a loaded file or symbol does not exist";
    EP0114 Error false "a load leaves the policy root";
    EP0115 Error false "files load each other in a circle";
    EP0116 Error false "a loaded file makes rules at its top level";
    EP0117 Error false "a template was not rendered";
    EP0118 Error false "`execpolicy.toml` is not valid";
    EP0119 Error false "`--codex` has no `load`";
    EP0120 Error false "there is nothing to check";
    // EP02xx: the shape of a rule
    EP0201 Error false "unknown argument";
    EP0202 Error false "missing argument";
    EP0203 Error false "an argument has the wrong type";
    EP0204 Error false "an argument is given twice";
    EP0205 Error false "a pattern is empty";
    EP0206 Error false "a list of alternatives is empty";
    EP0207 Error false "a pattern element is not a string";
    EP0208 Error false "unknown decision";
    EP0209 Error false "a justification is blank";
    EP0210 Error false "an example is not a command";
    EP0211 Error false "not a bare program name";
    EP0212 Error false "not an absolute path of that program";
    EP0213 Error false "unknown protocol";
    EP0214 Error false "not a host name";
    // EP03xx: examples
    EP0301 Error false "a `match` example does not match";
    EP0302 Error false "a `not_match` example matches";
    // EP04xx: rules against each other, and against what people mean
    EP0401 Error true "a shell operator is a pattern token";
    EP0402 Warning true "a rule can never add anything";
    EP0403 Warning true "an exception never takes effect";
    EP0404 Warning true "an allow of a shell or wrapper does not allow what it runs";
    EP0405 Warning true "a token is written as if the shell expanded it";
    EP0406 Error true "a token is a placeholder";
    EP0407 Warning true "an alternative is listed twice";
    EP0408 Warning true "alternatives mix a subcommand with its options";
    EP0409 Warning true "an interpreter is allowed with any arguments";
    EP0410 Error false "a command is placed in two profiles";
    EP0411 Warning true "a command runs unconfined";
    EP0412 Warning true "no command has this word";
    // EP05xx: the syntax of sandbox files
    EP0501 Error false "a sandbox file does not read as statements";
    EP0502 Error false "a character has no meaning here";
    EP0503 Error false "an invisible character";
    EP0504 Error false "a quoted text is not well formed";
    EP0505 Error false "unknown statement";
    EP0506 Error false "a list is empty";
    EP0507 Error false "blocks are nested too deeply";
    EP0508 Error false "a brace has no partner";
    EP0509 Error false "a sandbox file is too large, or has too many faults";
    // EP06xx: names and types of sandbox files
    EP0601 Error false "unknown profile";
    EP0602 Error false "a name is defined twice";
    EP0603 Error false "profiles extend each other in a circle";
    EP0604 Error false "unknown `$` name";
    EP0605 Error false "not an absolute path in normal form";
    EP0606 Error false "not a glob";
    EP0607 Error false "a glob cannot grant";
    EP0608 Error false "the wrong kind of thing for this statement";
    EP0609 Error false "unknown set or group";
    EP0610 Error false "statements contradict each other";
    EP0611 Warning true "a statement is repeated";
    EP0612 Warning true "a statement changes nothing";
    EP0613 Error false "there is nothing to unset";
    EP0614 Error false "not a value for this limit";
    EP0615 Error false "unknown word";
    EP0616 Error false "not a network destination";
    EP0617 Error false "not an environment variable";
    EP0618 Error false "the profile cuts off its own shell or libraries";
    EP0619 Warning true "part of a denied directory is open again";
    EP0620 Warning true "no program can start";
    EP0621 Error false "a statement stands in the wrong block";
    // EP07xx: what a target cannot enforce
    EP0701 Warning true "a private directory is not the session's own";
    EP0702 Warning true "a wildcard does not hold for every file that appears later";
    EP0703 Warning true "a protected path that does not exist can be made";
    EP0704 Warning true "nothing can be taken out of what is granted";
    EP0705 Warning true "what is denied can be looked up";
    EP0706 Warning true "destinations cannot be told apart";
    EP0707 Warning true "sockets in the file system cannot be told apart";
    EP0708 Warning true "a limit is not enforced";
    EP0709 Warning true "system calls are not filtered";
    EP0710 Warning true "the environment is not carried in full";
    EP0711 Warning true "the network is not closed in full";
    EP0712 Warning true "the target has no words for a path statement";
    EP0713 Warning true "a requirement cannot be met";
    // EP08xx: compiled policies
    EP0801 Error false "a compiled policy cannot be used";
    EP0802 Error false "a compiled policy is stale";
    EP0803 Error false "a policy cannot be compiled";
    EP0804 Error false "a file cannot be written";
    // EP99xx: faults of ours
    EP9901 Error false "internal error";
}

impl Code {
    /// The code with this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
