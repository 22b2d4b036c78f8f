//! The policy compiler: rule files and sandbox files in, one checked artifact out.

pub mod diagnostic;
pub mod emit;
pub mod loader;
pub mod policy;
pub mod sandbox;
pub mod source;
