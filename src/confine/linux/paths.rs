//! Opening a path of the host's without following any symlink.
//!
//! In: an absolute path. Out: the thing at it, or `ELOOP`. Not here: the sandbox's own view (`mounts.rs`).

use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Opens it with `flags`. Where `openat2` is hidden by a filter, as in a sandbox of our own, each part is opened and looked at in turn.
pub(super) fn open_without_links(path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    match rustix::fs::openat2(rustix::fs::CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Err(Errno::NOSYS | Errno::PERM) => part_by_part(path, flags),
        opened => opened,
    }
}

fn part_by_part(path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let mut parts = path.components().filter(|part| *part != Component::RootDir).peekable();
    if parts.peek().is_none() {
        return rustix::fs::open(path, flags, Mode::empty());
    }
    let mut at = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else { return Err(Errno::INVAL) };
        let found =
            rustix::fs::openat(&at, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        if FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode).is_symlink() {
            return Err(Errno::LOOP);
        }
        if parts.peek().is_none() && !flags.contains(OFlags::PATH) {
            return rustix::fs::openat(&at, name, flags | OFlags::NOFOLLOW, Mode::empty());
        }
        at = found;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn both_ways_open_the_same_and_refuse_every_symlink() {
        let base = std::env::temp_dir().join(std::format!("paths-{}", std::process::id()));
        fs::create_dir_all(base.join("a/b")).unwrap();
        fs::write(base.join("a/b/f"), "x").unwrap();
        std::os::unix::fs::symlink("a", base.join("l")).unwrap();
        let base = fs::canonicalize(base).unwrap();
        for ways in [open_without_links, part_by_part] {
            for flags in [OFlags::PATH, OFlags::RDONLY] {
                let open = |path: &str| ways(&base.join(path), flags).err();
                assert_eq!(open("a/b/f"), None);
                assert_eq!(open("a/b"), None);
                assert_eq!(open("l"), Some(Errno::LOOP));
                assert_eq!(open("l/b"), Some(Errno::LOOP));
                assert_eq!(open("a/none"), Some(Errno::NOENT));
                assert!(ways(Path::new("/"), flags).is_ok());
            }
        }
        fs::remove_dir_all(base).unwrap();
    }
}
