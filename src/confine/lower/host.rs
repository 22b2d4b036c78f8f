//! In: a workspace, and the process that runs commands. Out: [`Host`], everything of the host that a profile is bound to.
//! Not here: profiles, and the command: roots never come from it.

use std::ffi::{OsStr, OsString};
use std::format;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use super::refusal::Refusal;
use super::work::shown;
use execpolicy_profile::Root;

/// What `$WORKSPACE`, `~` and `$TMPDIR` are, where the command starts, and what environment there is to pass on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    workspace: PathBuf,
    home: Option<PathBuf>,
    tmpdir: PathBuf,
    cwd: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Host {
    /// This process's own: `HOME`, `TMPDIR` (or `/tmp`) and the rest of its environment, and its working directory.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub fn current(workspace: &Path) -> Result<Host, Refusal> {
        let cwd = std::env::current_dir().map_err(|e| {
            Refusal::of(
                "the working directory",
                None,
                format!("it cannot be found out: {e}"),
                "change to a directory that exists",
            )
        })?;
        Host::new(workspace, &cwd, std::env::vars_os().collect())
    }

    /// Any other: the environment's `HOME` and `TMPDIR` are the roots of these names.
    ///
    /// # Errors
    /// A workspace that is not a directory, cannot be entered or is `/`; a working directory that is not there.
    pub fn new(
        workspace: &Path,
        cwd: &Path,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Host, Refusal> {
        let about = format!("the workspace {}", shown(workspace));
        let refused = |why: String| {
            Refusal::of(about.as_str(), None, why, "name a directory you can read with `--workspace DIR`")
        };
        let resolved =
            std::fs::canonicalize(workspace).map_err(|e| refused(format!("it cannot be used: {e}")))?;
        if !resolved.is_dir() {
            return Err(refused("it is not a directory".to_string()));
        }
        if resolved == Path::new("/") {
            return Err(refused("it is the whole file system".to_string()));
        }
        std::fs::read_dir(&resolved).map_err(|e| refused(format!("it cannot be listed: {e}")))?;
        let cwd = std::fs::canonicalize(cwd).map_err(|e| {
            Refusal::of(
                format!("the working directory {}", shown(cwd)),
                None,
                format!("it cannot be used: {e}"),
                "start the command in a directory that exists",
            )
        })?;
        let variable = |name: &str| {
            let found = environment.iter().rev().find(|(known, _)| known == name);
            found.map(|(_, value)| PathBuf::from(value)).filter(|path| path.is_absolute() && plain(path))
        };
        Ok(Host {
            home: variable("HOME"),
            tmpdir: variable("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp")),
            workspace: resolved,
            cwd,
            environment,
        })
    }

    /// `$WORKSPACE`, without symlinks.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Where the command starts, without symlinks.
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// What a root stands for; `None` for `~` where `HOME` is not set to an absolute path.
    pub fn root(&self, root: Root) -> Option<&Path> {
        match root {
            Root::Absolute => Some(Path::new("/")),
            Root::Workspace => Some(&self.workspace),
            Root::Home => self.home.as_deref(),
            Root::Tmpdir => Some(&self.tmpdir),
        }
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.environment.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

/// Without `..`, which only a file system can take back.
fn plain(path: &Path) -> bool {
    !path.components().any(|part| part == std::path::Component::ParentDir)
}
