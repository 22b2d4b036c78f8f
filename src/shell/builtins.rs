//! In: a command's words. Out: what the shell's own command of that name does to the shell, and its segments.
//! Not here: programs (`launch/`).

mod command;
mod declare;
mod precommand;
mod read;
mod set;
mod trap;
