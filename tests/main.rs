//! The one integration binary: the compiler is heavy to link.

mod shell_attacks;
mod shell_policy;
mod shell_robust;
mod shell_soundness;
mod shell_spellings;
