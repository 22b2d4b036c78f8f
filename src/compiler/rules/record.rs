//! In: nothing. Out: what evaluating a rule file yields: [`Call`]s of the built-in functions with
//! plain values, or an [`EvalError`]. These types cross the pipe to the limited evaluator process.
//! Not here: what a call means (`bind.rs`).

use serde::{Deserialize, Serialize};

/// A range of bytes in one of the modules of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The module's position in [`Request::modules`].
    pub module: u32,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// One of the built-in functions that state something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Builtin {
    /// `prefix_rule(pattern, decision?, match?, not_match?, justification?)`
    PrefixRule,
    /// `host_executable(name, paths)`
    HostExecutable,
    /// `network_rule(host, protocol, decision, justification?)`
    NetworkRule,
    /// `sandbox_rule(pattern, profile, match?, not_match?)`: an addition, not known to Codex
    SandboxRule,
}

impl Builtin {
    /// Every built-in function.
    pub const ALL: [Self; 4] = [Self::PrefixRule, Self::HostExecutable, Self::NetworkRule, Self::SandboxRule];

    /// Whether Codex has it.
    #[must_use]
    pub const fn in_codex(self) -> bool {
        !matches!(self, Self::SandboxRule)
    }

    /// The name in rule files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PrefixRule => "prefix_rule",
            Self::HostExecutable => "host_executable",
            Self::NetworkRule => "network_rule",
            Self::SandboxRule => "sandbox_rule",
        }
    }

    /// The function with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.name() == name)
    }

    /// The parameters in positional order, and how many of them are required (the first ones).
    #[must_use]
    pub const fn parameters(self) -> (&'static [&'static str], usize) {
        match self {
            Self::PrefixRule => (&["pattern", "decision", "match", "not_match", "justification"], 1),
            Self::HostExecutable => (&["name", "paths"], 2),
            Self::NetworkRule => (&["host", "protocol", "decision", "justification"], 3),
            Self::SandboxRule => (&["pattern", "profile", "match", "not_match"], 2),
        }
    }
}

/// A Starlark value, as far as a rule can use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// A string.
    Str(String),
    /// A list.
    List(Vec<Node>),
    /// Anything else: the name of its type.
    Other(String),
}

impl Value {
    /// The value's type in a sentence: "a list", "`None`", "a value of type dict".
    #[must_use]
    pub fn described(&self) -> String {
        match self.type_name() {
            "string" => "a string".to_owned(),
            "list" => "a list".to_owned(),
            "tuple" => "a tuple".to_owned(),
            "int" => "a number".to_owned(),
            "NoneType" => "`None`".to_owned(),
            other => format!("a value of type {other}"),
        }
    }

    /// The Starlark name of the value's type.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Str(_) => "string",
            Self::List(_) => "list",
            Self::Other(name) => name,
        }
    }
}

/// A value and, where it was written as a literal, its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// The literal or, failing that, the argument's expression; `None` if neither is known.
    pub place: Option<Place>,
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// The keyword, if one was given.
    pub name: Option<String>,
    /// Where the keyword stands.
    pub name_place: Option<Place>,
    /// The value.
    pub node: Node,
}

/// One function on the way to a call or an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The function that was called.
    pub name: String,
    /// Where it was called.
    pub place: Option<Place>,
}

/// One call of a built-in function, in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The function.
    pub builtin: Builtin,
    /// Its arguments as given.
    pub arguments: Vec<Argument>,
    /// The call expression.
    pub place: Place,
    /// The functions around it, innermost first; empty for a call at the top level of a file.
    pub frames: Vec<Frame>,
    /// The loaded module whose top level made the call; `None` if the evaluated file made it.
    pub made_by_loaded: Option<u32>,
}

/// Why an evaluation ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvalErrorKind {
    /// The text is not Starlark.
    Syntax,
    /// A name has no meaning.
    Name,
    /// Too many loop rounds and calls.
    Steps,
    /// Too much memory.
    Memory,
    /// Too deep a recursion.
    Depth,
    /// Too much processor time.
    Time,
    /// A loaded file has no such symbol, or could not be found.
    Load,
    /// Anything else: a wrong type, a missing key, `fail()`.
    Other,
    /// The evaluator itself failed.
    Internal,
}

/// Why an evaluation ended early, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvalError {
    /// The kind.
    pub kind: EvalErrorKind,
    /// Starlark's message.
    pub message: String,
    /// The expression that failed, if it is known.
    pub place: Option<Place>,
    /// The functions around it, innermost first.
    pub frames: Vec<Frame>,
}

/// One text of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// Its name, unique in the request.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What each `load` path in it stands for: a position in [`Request::modules`].
    pub loads: Vec<(String, u32)>,
}

/// What to evaluate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Every module needed, loaded ones before the ones that load them; the last is evaluated.
    pub modules: Vec<Module>,
    /// Only the functions that Codex has are defined.
    pub codex: bool,
}

/// What came of it. Calls made before an error are kept: their faults are reported as well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The calls, in order.
    pub calls: Vec<Call>,
    /// Why it ended early, if it did.
    pub error: Option<EvalError>,
}

/// Evaluates rule files. The compiler does not care where: the CLI does it in a process whose
/// memory and time the kernel bounds; [`super::evaluate::InProcess`] does it right here.
pub trait Evaluate {
    /// Runs the last module of the request.
    fn evaluate(&self, request: Request) -> Outcome;
}
