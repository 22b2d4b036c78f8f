//! The policy compiler: rule files and sandbox files in, one checked artifact out.

pub mod diagnostic;
pub mod loader;
pub mod policy;
pub mod source;
