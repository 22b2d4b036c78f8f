//! Looks, when everything in a sandbox has ended, for protected names that appeared, and moves them aside.
//!
//! In: the names that did not exist when the plan was made. Out: what was found and where it is now. Not here: prevention
//! (`placeholder.rs`), and names at any depth (`late.rs`).
//!
//! The command may have left anything: parents are opened without following symlinks, nothing is opened for reading but
//! regular files of a bounded size, and moving is a rename inside one directory.

use std::ffi::{OsStr, OsString};
use std::format;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags};

use super::super::ended::{Finding, FindingReason};
use super::super::plan::{Missing, MissingKind, Promise};
use super::paths::open_without_links;

/// The ending of a quarantined name.
pub(super) const SUFFIX: &str = ".execpolicy-quarantine";
/// A configuration file longer than this is not read but moved.
const LONGEST_CONFIG: u64 = 1 << 20;
/// Repositories inside a repository (`modules/…`) are looked at down to this depth; deeper ones are moved.
const DEEPEST: usize = 12;

/// Looks at every name.
pub(super) fn sweep(missing: &[Missing]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in missing.iter().filter(|name| name.promise == Promise::Detect) {
        let (Some(parent), Some(last)) = (name.path.parent(), name.path.file_name()) else { continue };
        match open_directory(parent) {
            Ok(directory) => {
                let mut place = Place { directory, path: parent.to_path_buf(), findings: &mut findings };
                match name.kind {
                    MissingKind::Name => place.forbid(last, FindingReason::ProtectedName),
                    MissingKind::GitDirectory => place.git(last),
                }
            }
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {}
            Err(e) => {
                findings.push(Finding::left(&name.path, FindingReason::AroundUnopened(e.raw_os_error())))
            }
        }
    }
    findings
}

pub(super) fn open_directory(path: &Path) -> rustix::io::Result<OwnedFd> {
    open_without_links(path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// A directory that is being looked through.
pub(super) struct Place<'a> {
    pub directory: OwnedFd,
    pub path: PathBuf,
    pub findings: &'a mut Vec<Finding>,
}

impl Place<'_> {
    pub(super) fn kind(&self, name: &OsStr) -> Option<FileType> {
        let stat = rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(stat.st_mode))
    }

    /// Moves a name aside, if it is there.
    pub(super) fn forbid(&mut self, name: &OsStr, why: FindingReason) {
        if self.kind(name).is_none() {
            return;
        }
        let mut failure = rustix::io::Errno::EXIST;
        for n in 0..1000 {
            let mut moved: OsString = name.to_os_string();
            moved.push(SUFFIX);
            if n > 0 {
                moved.push(format!("-{n}"));
            }
            let renamed = rustix::fs::renameat_with(
                &self.directory,
                name,
                &self.directory,
                &moved,
                RenameFlags::NOREPLACE,
            );
            match renamed {
                Ok(()) => {
                    let quarantined = Some(self.path.join(&moved));
                    self.findings.push(Finding { quarantined, ..Finding::left(self.path.join(name), why) });
                    return;
                }
                Err(rustix::io::Errno::EXIST) => {}
                Err(e) => {
                    failure = e;
                    break;
                }
            }
        }
        let unmoved = Some(failure.raw_os_error());
        self.findings.push(Finding { unmoved, ..Finding::left(self.path.join(name), why) });
    }

    pub(super) fn enter(&mut self, name: &OsStr) -> Option<Place<'_>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(&self.directory, name, flags, Mode::empty()).ok()?;
        Some(Place { directory, path: self.path.join(name), findings: &mut *self.findings })
    }

    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name.to_vec()));
            }
        }
        names.sort();
        Ok(names)
    }

    /// A `.git` that appeared: a real directory may stay, its executing parts may not.
    pub(super) fn git(&mut self, name: &OsStr) {
        match self.kind(name) {
            None => {}
            Some(FileType::Directory) => {
                let fine = self.enter(name).is_some_and(|mut inside| inside.repository(0));
                if !fine {
                    self.forbid(name, FindingReason::UnreadableRepository);
                }
            }
            Some(_) => self.forbid(name, FindingReason::ForeignRepository),
        }
    }

    /// Looks through a repository's own directory; false if it cannot be done.
    fn repository(&mut self, depth: usize) -> bool {
        if depth > DEEPEST {
            return false;
        }
        let Ok(names) = self.names() else { return false };
        for name in names {
            let bytes = name.as_bytes();
            if bytes.ends_with(SUFFIX.as_bytes()) {
                continue;
            }
            let kind = self.kind(&name);
            // File systems that ignore case find these by other spellings too.
            let lower = bytes.to_ascii_lowercase();
            match lower.as_slice() {
                b"hooks" => match kind {
                    Some(FileType::Directory) => {
                        let Some(true) = self.enter(&name).map(|mut hooks| hooks.hooks()) else {
                            return false;
                        };
                    }
                    _ => self.forbid(&name, FindingReason::ForeignHooks),
                },
                b"config" | b"config.worktree" if kind != Some(FileType::Directory) => {
                    if let Some(why) = self.executing_config(&name) {
                        self.forbid(&name, why);
                    }
                }
                // Points git at other directories with configuration and hooks of their own.
                b"commondir" if depth == 0 => self.forbid(&name, FindingReason::ForeignCommonDirectory),
                b"objects" | b"refs" | b"logs" => {}
                _ if kind == Some(FileType::Directory) => {
                    let Some(true) = self.enter(&name).map(|mut inside| inside.repository(depth + 1)) else {
                        return false;
                    };
                }
                _ => {}
            }
        }
        true
    }

    fn hooks(&mut self) -> bool {
        let Ok(names) = self.names() else { return false };
        for name in names {
            let bytes = name.as_bytes();
            if !bytes.ends_with(b".sample") && !String::from_utf8_lossy(bytes).contains(SUFFIX) {
                self.forbid(&name, FindingReason::Hook);
            }
        }
        true
    }

    /// Why a configuration file may run code; `None` if every line of it is known to be harmless.
    fn executing_config(&self, name: &OsStr) -> Option<FindingReason> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let text = rustix::fs::openat(&self.directory, name, flags, Mode::empty())
            .map_err(|e| unreadable(&e.into()))
            .and_then(read_regular);
        match text {
            Ok(text) => suspicious(&text).map(FindingReason::ExecutingConfig),
            Err(why) => Some(why),
        }
    }
}

fn unreadable(error: &io::Error) -> FindingReason {
    FindingReason::UnreadableConfig(error.raw_os_error().unwrap_or(libc::EIO))
}

fn read_regular(file: OwnedFd) -> Result<Vec<u8>, FindingReason> {
    let stat = rustix::fs::fstat(file.as_fd()).map_err(|e| unreadable(&e.into()))?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(FindingReason::ForeignConfig);
    }
    let mut text = Vec::new();
    File::from(file).take(LONGEST_CONFIG + 1).read_to_end(&mut text).map_err(|e| unreadable(&e))?;
    if text.len() as u64 > LONGEST_CONFIG {
        return Err(FindingReason::LongConfig);
    }
    Ok(text)
}

/// Keys that `git init`, `git clone`, `git remote add` and everyday work write and that run nothing: section (of
/// `[section "name"]`) and key, lower case. Everything else is suspicious, so that a key of a later git is too.
const HARMLESS: [(&str, &str); 33] = [
    ("core", "repositoryformatversion"),
    ("core", "filemode"),
    ("core", "bare"),
    ("core", "logallrefupdates"),
    ("core", "ignorecase"),
    ("core", "precomposeunicode"),
    ("core", "symlinks"),
    ("core", "autocrlf"),
    ("core", "eol"),
    ("core", "sparsecheckout"),
    ("core", "sparsecheckoutcone"),
    ("extensions", "objectformat"),
    ("extensions", "refstorage"),
    ("extensions", "partialclone"),
    ("extensions", "worktreeconfig"),
    ("init", "defaultbranch"),
    ("remote", "fetch"),
    ("remote", "tagopt"),
    ("remote", "mirror"),
    ("remote", "promisor"),
    ("remote", "partialclonefilter"),
    ("branch", "remote"),
    ("branch", "merge"),
    ("branch", "rebase"),
    ("user", "name"),
    ("user", "email"),
    ("submodule", "active"),
    ("pull", "rebase"),
    ("pull", "ff"),
    ("push", "default"),
    ("push", "autosetupremote"),
    ("index", "version"),
    ("commit", "gpgsign"),
];

/// Keys that hold a place to fetch from: harmless unless the place is a program (`ext::…`) or an option.
const PLACES: [(&str, &str); 3] = [("remote", "url"), ("remote", "pushurl"), ("submodule", "url")];

/// The first key of a git configuration that is not known to be harmless.
fn suspicious(text: &[u8]) -> Option<String> {
    let mut section = String::new();
    for line in text.split(|b| *b == b'\n') {
        let line = String::from_utf8_lossy(line);
        let mut line = line.trim();
        if let Some(rest) = line.strip_prefix('[') {
            let Some((header, after)) = rest.rsplit_once(']') else { return Some(line.to_string()) };
            let end =
                header.find(|c: char| c.is_whitespace() || c == '.' || c == '"').unwrap_or(header.len());
            section = header.get(..end).unwrap_or_default().to_ascii_lowercase();
            line = after.trim();
        }
        if line.is_empty() || line.starts_with('#') || line.starts_with(';') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        let is = |list: &[(&str, &str)]| list.iter().any(|(s, k)| *s == section && *k == key);
        // A backslash or quote can hide what the value is or go on in the next line.
        let plain = !value.contains(['\\', '"']);
        let place = is(&PLACES) && !value.contains("::") && !value.starts_with('-');
        if !(plain && (is(&HARMLESS) || place)) {
            return Some(format!("{section}.{key}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_itself_writes_is_harmless() {
        let cloned = b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n\
            [remote \"origin\"]\n\turl = https://example.org/a.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n\
            [branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n";
        assert_eq!(suspicious(cloned), None);
    }

    #[test]
    fn what_runs_code_is_found_in_every_spelling() {
        for text in [
            "[core]\nfsmonitor = ./x",
            "[core] fsmonitor=x",
            "[CORE]\n\tFsMonitor = x",
            "[core]\nhooksPath=/tmp",
            "[core]\n[alias]\nst = !sh",
            "[include]\npath = /tmp/x",
            "[includeIf \"gitdir:/\"]\npath = x",
            "[filter \"x\"]\nclean = sh",
            "[filter.x]\nclean = sh",
            "[remote \"o\"]\nurl = ext::sh -c x",
            "[remote \"o\"]\nvcs = x",
            "[remote \"]\"]\nuploadpack = x",
            "[credential]\nhelper = !x",
            "[user]\nname = a\\\n[core]\nfsmonitor = x",
            "[core",
            "fsmonitor",
            "[core]\nsshCommand",
        ] {
            assert!(suspicious(text.as_bytes()).is_some(), "{text}");
        }
    }
}
