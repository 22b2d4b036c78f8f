//! Markdown to cases, and cases to results.

mod limits;
pub mod markdown;
pub mod run;

pub use limits::{SKIPPED, SKIPS, Watchdog, skip_part};

use std::path::{Path, PathBuf};

/// Says that a whole test cannot run on this machine. The test returns then; the test library counts it as passed, `tests/run` does not.
pub fn skip(test: &str, why: &str) {
    limits::record(&format!("{test}: {why}"));
}

/// The repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Every file below a directory with this ending, sorted.
pub fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in
            std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Whether expectations are rewritten instead of compared.
pub fn updating() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1")
}
