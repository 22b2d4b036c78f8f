//! Confinement on macOS: a command under `/usr/bin/sandbox-exec`.
//!
//! In: the text of a Seatbelt profile with its parameters (the compiler writes both), an argv, the environment that the
//! profile leaves. Out: a [`Command`] that is ready to be started, or a [`Refused`]. Not here: the profile's text, and Linux (`confine`).
//!
//! Nothing here is about the machine that it is compiled on, so that it is tried everywhere; only macOS has the program.

use std::ffi::OsString;
use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::string::String;
use std::sync::atomic::{AtomicU32, Ordering};
use std::vec::Vec;

/// Why no command is made: nothing may run that is not under its profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What it is about: the profile, the command, the name of a parameter.
    pub subject: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.why)
    }
}

impl std::error::Error for Refused {}

/// The one program that is asked; never looked up on PATH.
pub const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// The longest profile that is handed over as an argument, in bytes; the kernel takes a megabyte of arguments and environment.
pub const LONGEST: usize = 512 << 10;

/// The arguments for [`PROGRAM`]: the profile, each parameter, and the command behind `--`, so that no word of it is an option.
///
/// # Errors
/// [`Refused`]: a profile that is empty, too long or has a NUL byte, a parameter that is not a name and an absolute path
/// in normal form, an empty command. A parameter that is missing would be no path, and what is said about it would not hold.
pub fn arguments(
    profile: &str,
    parameters: &[(String, String)],
    argv: &[OsString],
) -> Result<Vec<OsString>, Refused> {
    let refuse = |subject: &str, why: &'static str| Err(Refused { subject: String::from(subject), why });
    if !profile.starts_with("(version 1)") || profile.contains('\0') {
        return refuse("the profile", "it is no Seatbelt profile of version 1");
    }
    if profile.len() > LONGEST {
        return refuse("the profile", "it is too long to be handed over");
    }
    if argv.is_empty() || argv.iter().any(|word| word.as_bytes().contains(&0)) {
        return refuse("the command", "it is empty, or holds a NUL byte");
    }
    let mut out: Vec<OsString> = Vec::from([OsString::from("-p"), OsString::from(profile)]);
    for (name, value) in parameters {
        let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        let normal = value == "/"
            || value.starts_with('/')
                && !value.contains('\0')
                && value.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
        if !named || !normal {
            return refuse(name, "a parameter is a name in capitals and an absolute path in normal form");
        }
        out.push(OsString::from("-D"));
        out.push(OsString::from(std::format!("{name}={value}")));
    }
    for asked in asked(profile) {
        if !parameters.iter().any(|(name, _)| name == asked) {
            return refuse(asked, "the profile asks for this parameter and it is not given");
        }
    }
    out.push(OsString::from("--"));
    out.extend(argv.iter().cloned());
    Ok(out)
}

/// The parameters that a profile's text names.
fn asked(profile: &str) -> impl Iterator<Item = &str> {
    let rules = profile.lines().filter(|line| !line.trim_start().starts_with(';'));
    rules.flat_map(|line| line.split("(param \"").skip(1).filter_map(|rest| rest.split('"').next()))
}

/// A command under a profile, with exactly this environment; standard input, output and error are the caller's unless changed.
///
/// # Errors
/// As [`arguments`].
pub fn command(
    profile: &str,
    parameters: &[(String, String)],
    argv: &[OsString],
    environment: &[(OsString, OsString)],
    cwd: &Path,
) -> Result<Command, Refused> {
    let mut command = Command::new(PROGRAM);
    command.args(arguments(profile, parameters, argv)?).env_clear().current_dir(cwd);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// An empty directory of a session's own, in place of what a profile calls private: it is the parameter `PRIVATE`, and the
/// command's `TMPDIR`. It is removed with all that is in it when this value goes.
#[derive(Debug)]
pub struct Private(PathBuf);

impl Private {
    /// Makes it, for nobody but this user, in a directory that exists.
    ///
    /// # Errors
    /// What the file system says.
    pub fn new(within: &Path) -> io::Result<Private> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let within = within.canonicalize()?;
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = within.join(std::format!("execpolicy-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Private(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean up: it lies among temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    const TEXT: &str = "(version 1)\n(deny default)\n; (param \"IN_A_COMMENT\")\n(allow file-read* (subpath (param \"WORKSPACE\")))\n";

    fn given(name: &str, value: &str) -> Vec<(String, String)> {
        Vec::from([(String::from(name), String::from(value))])
    }

    #[test]
    fn a_command_is_behind_the_profile_and_its_parameters() {
        let argv: Vec<OsString> = ["-p", "(version 1)", "--"].map(OsString::from).into();
        let words = arguments(TEXT, &given("WORKSPACE", "/Users/me/a b"), &argv).unwrap();
        let expected = ["-p", TEXT, "-D", "WORKSPACE=/Users/me/a b", "--", "-p", "(version 1)", "--"];
        assert_eq!(words, expected.map(OsString::from));
        let command =
            command(TEXT, &given("WORKSPACE", "/w"), &argv, &[("A".into(), "1".into())], Path::new("/w"));
        let command = command.unwrap();
        assert_eq!(command.get_program(), PROGRAM);
        assert_eq!(command.get_envs().collect::<Vec<_>>(), [(OsStr::new("A"), Some(OsStr::new("1")))]);
    }

    #[test]
    fn what_would_not_hold_is_refused() {
        let argv = [OsString::from("ls")];
        for (profile, name, value) in [
            ("(allow default)", "WORKSPACE", "/w"),
            (TEXT, "HOME", "/w"),
            (TEXT, "WORKSPACE", "w"),
            (TEXT, "WORKSPACE", "/w/../x"),
            (TEXT, "WORKSPACE", "/w/"),
            (TEXT, "workspace", "/w"),
        ] {
            assert!(arguments(profile, &given(name, value), &argv).is_err(), "{profile} {name}={value}");
        }
        assert!(arguments(TEXT, &given("WORKSPACE", "/w"), &[]).is_err());
        assert!(arguments(TEXT, &[], &argv).is_err());
        assert!(arguments(TEXT, &given("WORKSPACE", "/"), &argv).is_ok());
    }

    #[test]
    fn a_private_directory_is_new_and_goes_away() {
        let (one, two) =
            (Private::new(&std::env::temp_dir()).unwrap(), Private::new(&std::env::temp_dir()).unwrap());
        assert_ne!(one.path(), two.path());
        let path = one.path().to_path_buf();
        assert!(path.is_dir());
        std::fs::write(path.join("x"), "").unwrap();
        drop(one);
        assert!(!path.exists());
    }
}
