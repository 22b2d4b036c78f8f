//! A command in the form `execve` takes.
//!
//! In: argv, environment, working directory. Out: C strings and the paths to try. Not here: starting it (`sys.rs`).

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::vec::Vec;

use super::super::error::{ConfineError, Reason, Step};
use super::super::plan::Limits;
use super::restrictions::Restrictions;
use super::sys::{self, Starter};

/// One command, ready to be launched.
pub(super) struct Command {
    programs: Vec<CString>,
    argv: Vec<CString>,
    environment: Vec<CString>,
    cwd: CString,
}

fn c_string(bytes: &[u8]) -> Result<CString, ConfineError> {
    CString::new(bytes).map_err(|_| ConfineError::refused(Step::Exec, "", Reason::NulByte))
}

impl Command {
    pub(super) fn new(
        argv: &[OsString],
        environment: &[(OsString, OsString)],
        cwd: &Path,
    ) -> Result<Command, ConfineError> {
        let program = argv.first().filter(|p| !p.is_empty());
        let program = program.ok_or_else(|| ConfineError::refused(Step::Exec, "", Reason::EmptyCommand))?;
        let mut pairs = Vec::with_capacity(environment.len());
        for (name, value) in environment {
            let name = name.as_bytes();
            if name.is_empty() || name.contains(&b'=') {
                return Err(ConfineError::refused(Step::Exec, "", Reason::VariableName));
            }
            pairs.push(c_string(&[name, b"=", value.as_bytes()].concat())?);
        }
        let path =
            environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
        Ok(Command {
            programs: candidates(program, path)?,
            argv: argv.iter().map(|word| c_string(word.as_bytes())).collect::<Result<_, _>>()?,
            environment: pairs,
            cwd: c_string(cwd.as_os_str().as_bytes())?,
        })
    }

    /// Starts it behind the restrictions.
    pub(super) fn launch(
        &self,
        stdio: &[OwnedFd; 3],
        limits: &Limits,
        restrictions: &Restrictions,
        starter: Starter,
    ) -> Result<i32, ConfineError> {
        let [input, output, error] = stdio;
        let launch = sys::Launch {
            programs: &self.programs,
            argv: &self.argv,
            environment: &self.environment,
            cwd: &self.cwd,
            stdio: [input.as_fd(), output.as_fd(), error.as_fd()],
            limits,
            starter,
            die_with_parent: restrictions.plain,
            landlock: restrictions.landlock.as_ref().map(AsFd::as_fd),
            filter: restrictions.filter.as_deref().filter(|_| starter == Starter::Privileged),
        };
        sys::launch(&launch).map_err(|(step, source)| self.failure(step, source))
    }

    fn failure(&self, step: Step, source: io::Error) -> ConfineError {
        let on = match step {
            Step::WorkingDirectory => Some(&self.cwd),
            Step::Exec => self.argv.first(),
            _ => None,
        };
        let detail = on.map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        ConfineError::new(step, detail, source)
    }
}

/// The paths that `execvp` would try: the word itself if it has a slash, else each absolute directory of PATH. Relative
/// directories of PATH (and empty ones, which mean the working directory) are passed over: what a command is
/// must not depend on where it runs.
fn candidates(program: &OsStr, path: Option<&OsStr>) -> Result<Vec<CString>, ConfineError> {
    let word = program.as_bytes();
    if word.contains(&b'/') {
        return Ok(Vec::from([c_string(word)?]));
    }
    let path = path.map_or(b"/usr/local/bin:/usr/bin:/bin".as_slice(), OsStr::as_bytes);
    path.split(|b| *b == b':')
        .filter(|directory| directory.starts_with(b"/"))
        .map(|directory| c_string(&[directory, b"/", word].concat()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_search_takes_absolute_directories_only() {
        let found = candidates(OsStr::new("ls"), Some(OsStr::new(":.:bin:/usr/bin:/bin"))).unwrap();
        assert_eq!(found, [c"/usr/bin/ls".to_owned(), c"/bin/ls".to_owned()]);
        assert_eq!(candidates(OsStr::new("./ls"), None).unwrap(), [c"./ls".to_owned()]);
    }

    #[test]
    fn an_empty_command_and_odd_names_are_refused() {
        let new = |argv: &[&str], name: &str| {
            let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
            Command::new(&argv, &[(name.into(), "v".into())], Path::new("/"))
        };
        assert!(new(&["a"], "A").is_ok());
        for (argv, name) in [(&[][..], "A"), (&[""], "A"), (&["a\0"], "A"), (&["a"], ""), (&["a"], "A=B")] {
            assert!(new(argv, name).is_err());
        }
    }
}
