//! Protected names, ready to be asked about every file of a tree.
//!
//! In: names in the syntax of `profile::glob`. Out: which of them a path bears. Not here: walking trees, and what is done about
//! a path that bears one.
//!
//! A tree has many files and a profile many names, so names are found by their last component first.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use execpolicy_profile::glob;

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

    /// The first name that an absolute path bears, by its number; `name` is its last component. That this lies
    /// below a writable directory is for the caller to know.
    pub(crate) fn find(&self, path: &Path, name: &[u8], directory: bool) -> Option<usize> {
        let bears = |entry: &&Entry<'a>| {
            !(entry.front && directory) && bears(entry.pattern, path.as_os_str().as_bytes())
        };
        let exact = self.exact.get(name).into_iter().flatten().filter(bears).map(|entry| entry.number);
        let wild = self.wild.iter().filter(|(last, _)| glob::component(last.as_bytes(), name, false));
        let wild = wild.map(|(_, entry)| entry).filter(bears).map(|entry| entry.number);
        exact.chain(wild).min()
    }
}

/// Globs below directories, ready to be asked about every file of a tree.
#[derive(Clone, Debug)]
pub(crate) struct Globs<'a> {
    /// The last component, whether it has a wildcard, the directory, and the whole.
    all: Vec<(&'a str, bool, &'a Path, &'a str)>,
}

impl<'a> Globs<'a> {
    pub(crate) fn new(globs: impl IntoIterator<Item = (&'a Path, &'a str)>) -> Globs<'a> {
        let one = |(below, pattern)| {
            let last = last(pattern);
            (last, glob::is_wild(last), below, pattern)
        };
        Globs { all: globs.into_iter().map(one).collect() }
    }

    /// The globs that match exactly this absolute path, by their numbers; `name` is its last component.
    pub(crate) fn find<'p>(&'p self, path: &'p Path, name: &'p [u8]) -> impl Iterator<Item = usize> + 'p {
        let matches = move |(last, wild, below, pattern): &(&str, bool, &Path, &str)| {
            let named =
                if *wild { glob::component(last.as_bytes(), name, false) } else { last.as_bytes() == name };
            named
                && path
                    .strip_prefix(below)
                    .is_ok_and(|rest| glob::matches_exactly(pattern, rest.as_os_str().as_bytes(), false))
        };
        self.all.iter().enumerate().filter(move |(_, one)| matches(one)).map(|(number, _)| number)
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
        let find = |path: &str, directory| {
            let path = Path::new(path);
            names.find(path, path.file_name().unwrap().as_bytes(), directory)
        };
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
