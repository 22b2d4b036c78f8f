//! In: arguments. Out: an exit status. The rim: the only code that reads files, prints or starts
//! processes. One file for each command.

mod args;
mod check;
mod compile;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod contain;
mod decide;
#[cfg(target_os = "linux")]
mod doctor;
mod emit;
mod evaluator;
mod exit;
mod explain;
mod explain_profile;
mod explain_script;
mod files;
#[cfg(target_os = "linux")]
mod hint;
mod output;
mod placement;
mod policy;
mod report;
#[cfg(any(target_os = "linux", target_os = "macos"))]
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod run;
#[cfg(target_os = "linux")]
mod sandbox;
mod survey;
mod write;

use args::Command;
use exit::Exit;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The helper that builds sandboxes is this program, started again: there this does not return.
    #[cfg(target_os = "linux")]
    execpolicy_confine::init();
    let args: Vec<OsString> = std::env::args_os().collect();
    if args.get(1).is_some_and(|word| word == evaluator::COMMAND) {
        return evaluator::child(args.get(2).is_some_and(|word| word == "--trace"));
    }
    let cli = match args::parse(args) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Good };
            // A closed standard output is not worth a message.
            let _ = error.print();
            return ExitCode::from(code.code());
        }
    };
    let outcome = output::with_style(cli.color, |style| match cli.command {
        Command::Check(arguments) => check::run(&arguments, style),
        Command::CheckCommand(arguments) => decide::run(&arguments, style),
        Command::Compile(arguments) => compile::run(&arguments, style),
        Command::Dump { file } => compile::dump(&file, style),
        Command::Explain(arguments) => explain::run(&arguments, style),
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        Command::Run(arguments) => run::run(&arguments, style),
        #[cfg(target_os = "linux")]
        Command::Sandbox(arguments) => sandbox::run(&arguments, style),
        #[cfg(target_os = "linux")]
        Command::Doctor(arguments) => doctor::run(&arguments, style),
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        Command::Run(_) => {
            output::stderr(
                "execpolicy: this version confines commands on Linux and macOS only; nothing was run\n",
            );
            Exit::Command(126)
        }
        #[cfg(not(target_os = "linux"))]
        Command::Sandbox(_) | Command::Doctor(_) => {
            output::stderr("execpolicy: this command is available on Linux only; nothing was run\n");
            Exit::Command(126)
        }
        Command::Completions { shell } => args::completions(shell),
    });
    ExitCode::from(outcome.code())
}
