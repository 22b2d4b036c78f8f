//! What is known about programs that run other programs: the facts (`facts.rs`), and the languages that some of them
//! read (`sed.rs`, `awk.rs`). Not here: how a command line is read by the facts (`launch/`).

pub mod awk;
pub mod effects;
pub mod facts;
pub mod sed;
