//! In: the bytes of an artifact. Out: [`Policy`], which owns them and decides: what an agent keeps.
//! Not here: deciding without allocation ([`Artifact`] and [`Decider`], which this gives), and what is in an answer (`answer.rs`).
#![forbid(unsafe_code)]

use crate::Context;
use crate::answer::Answer;
use crate::artifact::{Artifact, Layout};
use crate::script::{Decider, Prepared};
use crate::wire::LoadError;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use execpolicy_shell::Dialect;

/// A compiled policy that owns its bytes. A clone is another handle on the same policy; threads can share it.
///
/// ```no_run
/// use execpolicy_runtime::{Conclusion, Policy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::from_bytes(std::fs::read("policy.epc")?)?;
/// let answer = policy.decide(&["git", "push", "--force"]);
/// if answer.conclusion != Conclusion::Allow {
///     println!("{answer}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Policy(Arc<Owned>);

/// The bytes are checked once; `layout` is what was found out, so that a view of them costs no more than its slices.
struct Owned {
    bytes: Vec<u8>,
    /// The text section. To see the bytes as text again would mean to check them again.
    text: Box<str>,
    layout: Layout,
    prepared: Prepared,
}

impl Policy {
    /// Reads an artifact, and the facts about tools that it carries.
    ///
    /// # Errors
    /// [`LoadError`], with the section and the byte. A policy that does not load allows nothing.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, LoadError> {
        let bytes = bytes.into();
        let (artifact, layout) = Artifact::open(&bytes)?;
        let prepared = Prepared::of(&artifact)?;
        let text = artifact.strings().text().into();
        Ok(Self(Arc::new(Owned { bytes, text, layout, prepared })))
    }

    /// The bytes of the artifact.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The artifact: what it says, and the decision of one plain command without allocation.
    #[must_use]
    pub fn artifact(&self) -> Artifact<'_> {
        Artifact::view(&self.0.bytes, &self.0.text, &self.0.layout)
    }

    /// What decides commands with everything that they run, and allocates nothing for a plain one. It costs less than a
    /// microsecond; keep it to decide many.
    #[must_use]
    pub fn decider(&self) -> Decider<'_> {
        Decider::open(self.artifact(), self.0.prepared.clone())
    }

    /// Decides one command with everything that it runs. Cannot fail; an empty argv is unmatched.
    #[must_use]
    pub fn decide<T: AsRef<[u8]>>(&self, argv: &[T]) -> Answer {
        self.decide_in(argv, &Context::default())
    }

    /// Decides one command, with what the caller knows beside its argv.
    #[must_use]
    pub fn decide_in<T: AsRef<[u8]>>(&self, argv: &[T], context: &Context<'_>) -> Answer {
        let decider = self.decider();
        let mut scratch = decider.policy().scratch();
        Answer::about(&decider, &decider.decide(argv, context, &mut scratch), argv)
    }

    /// Decides a script as a shell would read it, in a working directory if one is known.
    #[must_use]
    pub fn decide_script(&self, script: impl AsRef<[u8]>, dialect: Dialect, cwd: Option<&[u8]>) -> Answer {
        let decider = self.decider();
        Answer::about_script(&decider, &decider.decide_script(script.as_ref(), dialect, cwd))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(&self.artifact()).finish()
    }
}
