//! Protected names, ready to be asked about every file of a tree.
//!
//! In: names in the syntax of `profile::glob`. Out: which of them a path bears. Not here: walking trees, and what is done about
//! a path that bears one.
//!
//! A tree has many files and a profile many names, so names are found by their last component first.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::profile::glob;

/// One name, or the front of one.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    /// Which of the names.
    number: usize,
    pattern: &'a str,
    /// `.git` of `.git/hooks`: counts only for what is not a directory, since that says where the hooks are.
    front: bool,
}

/// Names by their last component.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names<'a> {
    exact: BTreeMap<&'a [u8], Vec<Entry<'a>>>,
    wild: Vec<(&'a str, Entry<'a>)>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(names: impl IntoIterator<Item = &'a str>) -> Names<'a> {
        let mut all = Names::default();
        for (number, name) in names.into_iter().enumerate() {
            all.add(Entry { number, pattern: name, front: false });
            for (at, _) in name.match_indices('/') {
                let front = name.get(..at).unwrap_or_default();
                if last(front) != "**" {
                    all.add(Entry { number, pattern: front, front: true });
                }
            }
        }
        all
    }

    fn add(&mut self, entry: Entry<'a>) {
        let last = last(entry.pattern);
        if glob::is_wild(last) {
            self.wild.push((last, entry));
        } else {
            self.exact.entry(last.as_bytes()).or_default().push(entry);
        }
    }

    /// The first name that an absolute path bears, by its number. That its last component lies below a writable
    /// directory is for the caller to know.
    pub(crate) fn find(&self, path: &Path, directory: bool) -> Option<usize> {
        let name = path.file_name()?.as_bytes();
        let bears = |entry: &&Entry<'a>| {
            !(entry.front && directory) && bears(entry.pattern, path.as_os_str().as_bytes())
        };
        let exact = self.exact.get(name).into_iter().flatten().filter(bears).map(|entry| entry.number);
        let wild = self.wild.iter().filter(|(last, _)| glob::component(last.as_bytes(), name, false));
        let wild = wild.map(|(_, entry)| entry).filter(bears).map(|entry| entry.number);
        exact.chain(wild).min()
    }
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Whether the last components of a path are the name.
fn bears(name: &str, path: &[u8]) -> bool {
    let starts = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1);
    starts.filter_map(|at| path.get(at..)).any(|tail| glob::matches_exactly(name, tail, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_borne_at_any_depth_and_a_front_of_it_by_what_is_no_directory() {
        let names = Names::new([".vscode", ".git/hooks", "*.epc", ".git/modules/**/config"]);
        let find = |path: &str, directory| names.find(Path::new(path), directory);
        assert_eq!(find("/w/a/.vscode", true), Some(0));
        assert_eq!(find("/w/.vscode/x", false), None);
        assert_eq!(find("/w/a/.git/hooks", true), Some(1));
        assert_eq!(find("/w/hooks", true), None);
        assert_eq!(find("/w/.git", true), None);
        assert_eq!(find("/w/.git", false), Some(1));
        assert_eq!(find("/w/p.epc", false), Some(2));
        assert_eq!(find("/w/.git/modules/a/b/config", false), Some(3));
    }
}
