//! In: the names of sources. Out: their bytes, or why not. The outside world, as one trait.
//! Not here: any file system. `cli/files.rs` reads real files, `stdlib.rs` the embedded ones,
//! tests a map.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of a source as the compiler knows it: a `/`-separated path relative to the policy
/// root, without `.` and `..`, or `@stdlib//…`. It is what provenance records.
pub type SourceName = Arc<str>;

/// How the names of the embedded standard library begin.
pub const STDLIB: &str = "@stdlib//";

/// Bytes a source may have: five times the largest real rule file seen.
pub const MAX_SOURCE: u64 = 16 << 20;

/// Why a source could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadFault {
    /// There is no such file.
    NotFound,
    /// It is a directory.
    IsDirectory,
    /// It lies outside the policy root; the text says how it got there.
    OutsideRoot(String),
    /// It is larger than [`MAX_SOURCE`]; the number is its size in bytes.
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

    /// What people call the source: the path as they typed it. The name itself if not overridden.
    fn display(&self, name: &str) -> String {
        name.to_owned()
    }

    /// Names that `load` could have meant, for "did you mean"; may be empty.
    fn candidates(&self, _wanted: &str) -> Vec<String> {
        Vec::new()
    }
}

/// Sources in memory, by name: for tests and for embedding.
impl Loader for BTreeMap<String, Vec<u8>> {
    fn read(&self, name: &str) -> Result<Vec<u8>, LoadFault> {
        self.get(name).cloned().ok_or(LoadFault::NotFound)
    }

    fn candidates(&self, _wanted: &str) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

/// The name that `load(request)` in the source `from` stands for.
///
/// # Errors
/// [`LoadFault::OutsideRoot`] if the path is absolute or climbs above the root.
pub fn join(from: &str, request: &str) -> Result<String, LoadFault> {
    if let Some(path) = request.strip_prefix(STDLIB) {
        return normal("", path).map(|path| format!("{STDLIB}{path}"));
    }
    if request.starts_with('/') {
        return Err(LoadFault::OutsideRoot("it is an absolute path".to_owned()));
    }
    let (library, from) = from.strip_prefix(STDLIB).map_or(("", from), |path| (STDLIB, path));
    let directory = from.rsplit_once('/').map_or("", |(directory, _)| directory);
    normal(directory, request).map(|path| format!("{library}{path}"))
}

fn normal(directory: &str, path: &str) -> Result<String, LoadFault> {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(LoadFault::OutsideRoot("`..` climbs above it".to_owned()));
                }
            }
            _ => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_stay_inside() {
        assert_eq!(join("a/b.rules", "c.rules").unwrap(), "a/c.rules");
        assert_eq!(join("a/b.rules", "../c.rules").unwrap(), "c.rules");
        assert_eq!(join("a/b.rules", "@stdlib//git.rules").unwrap(), "@stdlib//git.rules");
        assert_eq!(join("@stdlib//git.rules", "./core.rules").unwrap(), "@stdlib//core.rules");
        for request in ["../../c.rules", "/etc/c.rules", "@stdlib//../x"] {
            assert!(matches!(join("a/b.rules", request), Err(LoadFault::OutsideRoot(_))), "{request}");
        }
        assert!(join("@stdlib//git.rules", "../x.rules").is_err());
    }
}
