//! The back half of the compiler on one screen.
//!
//! In: a [`CheckedPolicy`]. Out: the bytes of an artifact that has been read back and compared
//! with it. Not here: the phases themselves, and files.

use crate::check::CheckedPolicy;
use crate::emit::{self, EmitError};
use crate::lower::{self, Budget};
use crate::verify::{self, Verified};

/// A verified artifact.
#[derive(Clone, Debug)]
pub struct Built {
    /// The file.
    pub bytes: Vec<u8>,
    /// What was compared.
    pub verified: Verified,
}

/// Compiles a policy and validates the translation. The bytes depend on the sources' names and
/// texts and on the compiler's version only, so whether an artifact is stale is a comparison of bytes.
///
/// # Errors
/// [`EmitError::TooLarge`] and [`EmitError::Placement`] for policies beyond the format;
/// [`EmitError::Wrong`] if the finished bytes do not say what the policy says, a fault of ours.
pub fn build(checked: &CheckedPolicy) -> Result<Built, EmitError> {
    build_within(checked, Budget::default())
}

/// [`build`] with a budget of the caller's: how far the automaton may grow beyond its source.
///
/// # Errors
/// As [`build`].
pub fn build_within(checked: &CheckedPolicy, budget: Budget) -> Result<Built, EmitError> {
    let automaton = lower::lower(checked, budget)?;
    let bytes = emit::emit(checked, &automaton)?;
    let verified = verify::verify(checked, &automaton, &bytes).map_err(EmitError::Wrong)?;
    Ok(Built { bytes, verified })
}
