//! The sets of strings that words and commands can be, and the calculations on them: concatenation, braces, arithmetic.
//! Not here: what is known about a shell, and expansions that need it (`interpret/`).

pub mod argv;
pub mod arithmetic;
pub mod brace;
pub mod field;
mod spelling;
pub mod words;
