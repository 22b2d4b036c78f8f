//! What could not be tried here, and what does not come to an end.
//!
//! In: names and reasons. Out: lines for people and for `tests/run`, or the end of the run. Not here: any test.

use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

/// Says that one part of a test cannot run here, while the rest does: `tests/run` lists it in parentheses and counts the test as passed.
pub fn skip_part(test: &str, part: &str, why: &str) {
    record(&format!("({test}, {part}: {why})"));
}

/// Says it to people and to `tests/run`.
pub fn record(line: &str) {
    let line = line.replace('\n', " ");
    eprintln!("{SKIPPED}{line}");
    list(&line);
}

/// How a line for people begins.
pub const SKIPPED: &str = "SKIPPED ";
/// The variable that names the file of `tests/run`.
pub const SKIPS: &str = "EXECPOLICY_SKIPS";

/// Hands a line to `tests/run`, if that is who runs this.
pub fn list(line: &str) {
    if let Some(path) = std::env::var_os(SKIPS) {
        let file = std::fs::File::options().append(true).create(true).open(&path);
        // One write, so that lines of tests that run side by side do not mix.
        let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Ends the whole run if it is not dropped in time. A test that takes long is none the worse for it on a machine that others use; one that
/// never ends is.
pub struct Watchdog {
    _held: Sender<()>,
}

impl Watchdog {
    /// Longer than any honest test takes.
    const TIME: Duration = Duration::from_secs(300);

    pub fn new(what: &str) -> Watchdog {
        let (held, dropped) = mpsc::channel::<()>();
        let what = what.to_owned();
        std::thread::spawn(move || {
            if dropped.recv_timeout(Watchdog::TIME) == Err(RecvTimeoutError::Timeout) {
                eprintln!("no end after {:?}: {what}", Watchdog::TIME);
                std::process::abort();
            }
        });
        Watchdog { _held: held }
    }
}
