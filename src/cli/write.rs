//! In: the name of a file to write, and its bytes. Out: the file, whole or not at all; or standard output.
//! Not here: what is written.

use std::fs::{File, Metadata};
use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};

/// Whether a name stands for standard output.
pub fn is_standard_output(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// Writes a file whole or not at all: a neighbor is written, flushed to disk and renamed over it. Only a regular file is
/// replaced, never a directory, device, pipe or socket. A link to a file is followed, so that it stays one.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_standard_output(path) {
        let mut out = std::io::stdout().lock();
        return out.write_all(bytes).and_then(|()| out.flush());
    }
    let target = target(path)?;
    let directory = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(PathBuf::from("."), Path::to_path_buf);
    let name = target.file_name().ok_or_else(|| Error::other("it has no file name"))?;
    let mut neighbor = std::ffi::OsString::from(".");
    neighbor.push(name);
    neighbor.push(format!(".{}.new", std::process::id()));
    let neighbor = directory.join(neighbor);
    let written = File::create_new(&neighbor).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| std::fs::rename(&neighbor, &target));
    if placed.is_err() {
        // Nothing is left behind; that it cannot be removed would change nothing about the error.
        let _ = std::fs::remove_file(&neighbor);
        return placed;
    }
    File::open(&directory)?.sync_all()
}

/// The place that a name stands for, if a file may be put there.
fn target(path: &Path) -> Result<PathBuf> {
    let Ok(found) = path.symlink_metadata() else { return Ok(path.to_path_buf()) };
    if !found.is_symlink() {
        return replaceable(&found).map(|()| path.to_path_buf());
    }
    let target =
        path.canonicalize().map_err(|_| Error::other("it is a link to a file that does not exist"))?;
    replaceable(&target.symlink_metadata()?).map(|()| target)
}

fn replaceable(found: &Metadata) -> Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let what = if found.is_dir() { "a directory" } else { "a device, pipe or socket" };
    Err(Error::other(format!("it is {what}, and only a regular file is replaced")))
}
