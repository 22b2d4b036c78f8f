//! In: the bytes of a script. Out: its syntax tree. Hostile input: nesting and work are bounded, and what is not
//! understood stops the reading for a reason. Not here: what the tree means (`interpret/`).

pub mod ast;
mod compound;
mod expansion;
mod here;
pub mod list;
pub mod reader;
mod simple;
mod word;
pub mod zsh;
