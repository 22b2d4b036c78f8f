//! The program `execpolicy`: hands its arguments to the library's command line and ends with the status that returns.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The helper that builds sandboxes is this program, started again: there this does not return.
    #[cfg(target_os = "linux")]
    execpolicy_runtime::confine::init();
    execpolicy::cli::main(std::env::args_os().collect())
}
