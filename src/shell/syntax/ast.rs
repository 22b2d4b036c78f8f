//! In: nothing. Out: the syntax tree of a script, as the parser builds it.
//! Not here: what it means (`interpret/`).

use crate::reason::Reason;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::OnceCell;

/// A range of bytes in the script that was parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    pub start: usize,
    pub end: usize,
}

/// Why and where reading stopped. What was read before it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    pub at: Range,
    pub why: Reason,
}

/// Commands in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub struct List {
    pub entries: Vec<Entry>,
    /// Set if the text after the entries could not be read.
    pub unread: Option<Unread>,
}

impl List {
    /// One command.
    pub fn of(command: Command) -> Self {
        let entry = Entry { join: Join::Then, background: false, pipeline: vec![command] };
        Self { entries: vec![entry], unread: None }
    }
}

/// One pipeline of a list and how it is joined to the one before it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub join: Join,
    /// Runs in the background, in a shell of its own.
    pub background: bool,
    pub pipeline: Vec<Command>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Runs after the one before it.
    Then,
    /// Runs if the one before it went well.
    And,
    /// Runs if the one before it failed.
    Or,
}

/// A command with its redirections.
#[derive(Clone, Debug)]
pub struct Command {
    pub at: Range,
    pub kind: Kind,
    pub redirections: Vec<Redirection>,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Simple {
        assignments: Vec<Assignment>,
        words: Vec<Argument>,
    },
    Subshell(List),
    Group(List),
    /// Conditions and bodies in order; the last may be the `else` part.
    If {
        arms: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    While {
        condition: List,
        body: List,
    },
    /// `for` and `select`; without words it goes over the positional parameters.
    For {
        /// Whether it is a `select`, where a choice that is none gives nothing.
        select: bool,
        name: Vec<u8>,
        words: Option<Vec<Word>>,
        body: List,
    },
    ForArithmetic {
        parts: Vec<Word>,
        body: List,
    },
    Case {
        word: Word,
        arms: Vec<(Vec<Word>, List)>,
    },
    Function {
        /// Whether it begins with `function`, which is a command in some shells.
        keyword: bool,
        name: Vec<u8>,
        body: Rc<Command>,
    },
    /// `[[ … ]]`; `arithmetic` if an operator makes its operands be evaluated as arithmetic.
    Test {
        words: Vec<Word>,
        arithmetic: bool,
        operators: bool,
    },
    Arithmetic(Word),
    Coprocess(Box<Command>),
}

/// An argument of a simple command; declaration commands take assignments as arguments.
#[derive(Clone, Debug)]
pub enum Argument {
    Word(Word),
    Assignment(Assignment),
}

#[derive(Clone, Debug)]
pub struct Assignment {
    pub name: Vec<u8>,
    pub subscript: Option<Word>,
    pub append: bool,
    pub value: Assigned,
}

#[derive(Clone, Debug)]
pub enum Assigned {
    Word(Word),
    /// `(a b c)`.
    Array(Vec<Word>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Read,
    Write,
    Clobber,
    Append,
    ReadWrite,
    /// `>&` and `<&`.
    DuplicateOut,
    DuplicateIn,
    /// `&>` and `&>>`.
    Both,
    BothAppend,
    /// `<<` and `<<<`: the text is in the word.
    Text,
}

#[derive(Clone, Debug)]
pub struct Redirection {
    pub operator: Operator,
    /// The variable of `{name}>file`.
    pub variable: Option<Vec<u8>>,
    /// The text of a here-document, once the lines after the command have been read.
    pub here: Option<Rc<OnceCell<Word>>>,
    pub target: Word,
}

/// A word before expansion.
#[derive(Clone, Debug, Default)]
pub struct Word {
    pub at: Range,
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug)]
pub enum Part {
    /// Unquoted text.
    Plain(Vec<u8>),
    /// Quoted text, perhaps empty.
    Quoted(Vec<u8>),
    /// Text whose meaning depends on the shell or its locale: the bytes, or something else.
    Perhaps(Vec<u8>),
    Parameter {
        parameter: Box<Parameter>,
        quoted: bool,
    },
    Command {
        body: Rc<List>,
        quoted: bool,
    },
    Arithmetic {
        text: Word,
        quoted: bool,
    },
    /// `<(…)`, `>(…)`.
    Process(Rc<List>),
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: Vec<u8>,
    /// `${!name}`.
    pub indirect: bool,
    /// `${#name}`.
    pub length: bool,
    pub subscript: Option<Word>,
    pub operation: Operation,
}

/// What is done if a parameter is unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// `-`: the word is used.
    Use,
    /// `=`: the word is assigned, too.
    Assign,
    /// `?`: the shell fails.
    Fail,
    /// `+`: nothing is used, and the word otherwise.
    Alternative,
}

#[derive(Clone, Debug)]
pub enum Operation {
    None,
    /// `colon` if an empty value counts as unset.
    Default {
        kind: Fallback,
        colon: bool,
        word: Word,
    },
    /// Removal, replacement and case: a string made of the value and perhaps the words.
    Edit(Vec<Word>),
    /// `${x:offset:length}`: arithmetic.
    Slice(Word),
    /// `${x@P}` and its like.
    Transform(u8),
}
