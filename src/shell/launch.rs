//! In: the words of a program that runs others. Out: its segment, and those of what it runs: always
//! (`wrapper.rs`), by some of its options (`options.rs`), by a script (`shell.rs`), or by a program in a language of its
//! own (`language.rs`).
//! Not here: which programs do so (`tools/`, `stdlib/tools`).

mod cluster;
mod language;
mod options;
pub mod shell;
mod value;
mod wrapper;
