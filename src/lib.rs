//! The policy compiler: rule files and sandbox files in, one checked artifact out.

pub mod artifact;
pub mod check;
pub mod diagnostic;
pub mod dump;
pub mod emit;
pub mod loader;
pub mod lower;
pub mod policy;
pub mod source;
pub mod verify;
