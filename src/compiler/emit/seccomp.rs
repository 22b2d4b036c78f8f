//! In: a profile and a machine. Out: the classic BPF program that `bwrap --seccomp FD` and `prctl(2)` load: 8 bytes an instruction.
//! Not here: building it; the runtime's builder is asked, so that what is emitted is what the runtime enforces.

use crate::emit::Emitted;
use crate::lower::places::Host;
use crate::lower::targets::{Target, assess};
use execpolicy_confine::seccomp::{Arch, BuildError, build};
use execpolicy_profile::Profile;

/// Writes the program.
///
/// # Errors
/// [`BuildError`] for a word that the builder does not know, or a filter that is longer than the kernel takes.
pub fn write<'p>(profile: &'p Profile, host: &Host, arch: Arch) -> Result<Emitted<'p>, BuildError> {
    let program = build(arch, profile.syscalls.iter().map(|rule| &*rule.name))?;
    Ok(Emitted { bytes: program.to_bytes(), gaps: assess(profile, host, Target::Seccomp), says_gaps: false })
}
