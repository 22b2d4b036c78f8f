//! In: a bound view and a host. Out: the repository that the workspace is a worktree of, if the profile lets the
//! workspace's own repository be written. Not here: what of it stays protected (`view.rs`: protected names hold there too).
//!
//! `git commit` in a worktree writes into the repository it belongs to, which lies somewhere else. The workspace's `.git` file
//! names it, and a command may once have written that file, so it is believed only if the repository names the
//! workspace as well, which no command could have written.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::host::Host;
use super::view::{Said, View};
use execpolicy_profile::{Access, PathAccess, PathRule, Root};

/// The statement that makes the workspace writable, and the repository's directory.
pub(super) fn worktree<'a>(view: &View<'a>, host: &Host) -> Option<(Said<'a, PathRule<&'a str>>, PathBuf)> {
    let rule = view.bound.iter().map(|bound| bound.rule).find(|rule| {
        rule.access == PathAccess::Write && rule.place.root == Root::Workspace && rule.place.rest.is_empty()
    })?;
    if view.protects.iter().any(|rule| rule.name == ".git") {
        return None;
    }
    let file = host.workspace().join(".git");
    let gitdir = pointer(&file, b"gitdir:", host.workspace())?;
    let common = pointer(&gitdir.join("commondir"), b"", &gitdir)?;
    let named =
        gitdir.strip_prefix(common.join("worktrees")).is_ok_and(|rest| rest.components().count() == 1);
    let back = pointer(&gitdir.join("gitdir"), b"", &gitdir)?;
    // Protected names begin with `.git`; in a directory of another name nothing would bear one.
    let protected = common.file_name().is_some_and(|name| name == ".git");
    let answer = view.access(&common);
    let whole = common.is_dir() && answer.access == Access::Read && !answer.own;
    (named && protected && whole && back == file).then_some((rule, common))
}

/// The path that a small file holds, without links.
fn pointer(file: &Path, label: &[u8], around: &Path) -> Option<PathBuf> {
    let meta = fs::symlink_metadata(file).ok()?;
    if !meta.is_file() || meta.len() > 8192 {
        return None;
    }
    let text = fs::read(file).ok()?;
    let path = text.strip_prefix(label)?.trim_ascii();
    let path = around.join(Path::new(std::ffi::OsStr::from_bytes(path)));
    // A back link names the file `.git` itself; only what is around it is resolved.
    let parent = fs::canonicalize(path.parent()?).ok()?;
    match path.components().next_back()? {
        std::path::Component::Normal(name) => {
            let whole = parent.join(name);
            if whole.is_symlink() { None } else { Some(whole) }
        }
        _ => fs::canonicalize(&path).ok(),
    }
}
