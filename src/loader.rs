//! In: the names of sources. Out: their bytes, or why not. The outside world, as one trait.
//! Not here: any file system. `cli/files.rs` reads real files, `stdlib.rs` the embedded ones,
//! tests a map.

use std::sync::Arc;

/// The name of a source as the compiler knows it: a `/`-separated path relative to the policy
/// root (or as given on the command line when there is no root), or `@stdlib//…`.
pub type SourceName = Arc<str>;

/// Why a source could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadFault {
    /// There is no such file.
    NotFound,
    /// It is a directory.
    IsDirectory,
    /// It lies outside the policy root, by `..` or through a symbolic link; the text says how.
    OutsideRoot(String),
    /// It is larger than the limit, given in bytes.
    TooLarge(u64),
    /// Anything else the system said, in its words.
    Io(String),
}

/// The outside world: the compiler reads everything through this and nothing else.
pub trait Loader {
    /// The bytes of a source.
    ///
    /// # Errors
    /// A [`LoadFault`]; the compiler turns it into a diagnostic at the place that asked.
    fn read(&self, name: &str) -> Result<Vec<u8>, LoadFault>;

    /// Names that `load` could have meant, for "did you mean"; may be empty.
    fn candidates(&self, _wanted: &str) -> Vec<String> {
        Vec::new()
    }
}
