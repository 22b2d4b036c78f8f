//! In: the words of a program that runs others. Out: its segment, and those of what it runs: always
//! (`wrapper.rs`), by some of its options (`options.rs`), or by a script (`shell.rs`).
//! Not here: which programs do so (`tools/`, `stdlib/tools`).

mod cluster;
mod options;
pub mod shell;
mod value;
mod wrapper;
