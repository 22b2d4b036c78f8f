//! The program `execpolicy`: hands its arguments to the library's command line and ends with the status that returns.

use std::process::ExitCode;

fn main() -> ExitCode {
    execpolicy::cli::main(std::env::args_os().collect())
}
