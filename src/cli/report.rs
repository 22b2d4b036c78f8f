//! In: what `check` found, and a format. Out: the report. One file for each format; adding one takes a file here, its name in
//! `args.rs` and its line below. The machine formats have schemas in `docs/schemas/`.
//! Not here: findings (the compiler), and when something is reported (the commands).

#[cfg(target_os = "linux")]
pub mod doctor;
#[cfg(target_os = "linux")]
pub mod enforcement;
pub mod found;
mod github;
pub mod human;
mod json;
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub mod refused;
mod sarif;
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub mod status;
pub mod verdict;

use crate::args::Format;
use crate::output::{Style, stdout};
use found::Found;
use human::Limit;

/// Writes what `check` found to standard output; for people, the findings go to standard error and a summary after them.
pub fn write(found: &Found<'_>, format: Format, style: Style, limit: Limit, quiet: bool) {
    match format {
        Format::Human => {
            human::print(found.diagnostics, found.sources, style, limit);
            if !quiet {
                stdout(&human::summary(found, style));
            }
        }
        Format::Json => stdout(&json::report(found)),
        Format::Sarif => stdout(&sarif::report(found)),
        Format::Github => stdout(&github::report(found)),
    }
}
