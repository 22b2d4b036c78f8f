//! In: a syntax tree. Out: the segments of every command in it, found by walking through it as a shell would.
//! Not here: the shell's own commands (`builtins/`), and programs that run others (`launch/`).

pub mod call;
mod compound;
mod expand;
mod function;
mod invoke;
mod parameter;
pub mod scope;
mod simple;
pub mod state;
pub mod variables;
pub mod walk;
pub mod zsh;
