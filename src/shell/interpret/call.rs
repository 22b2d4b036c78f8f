//! How a command is called: where it stands, with which effects on files and which environment, and what its name can
//! mean. Not here: what is called (`invoke.rs`).

use crate::segment::{Effect, Environment, Span};
use crate::syntax::ast::Assignment;
use alloc::vec::Vec;

/// How a command is called.
#[derive(Clone)]
pub struct Call {
    pub span: Span,
    pub effects: Vec<Effect>,
    pub environment: Vec<Environment>,
    /// Assignments among the arguments of a declaration command.
    pub declared: Vec<Assignment>,
    /// By a program, so that functions and the shell's own commands are not meant.
    pub program_only: bool,
    /// By `command` or `builtin`, so that functions are not meant.
    pub no_functions: bool,
}

impl Call {
    pub fn new(span: Span) -> Self {
        Self {
            span,
            effects: Vec::new(),
            environment: Vec::new(),
            declared: Vec::new(),
            program_only: false,
            no_functions: false,
        }
    }
}
