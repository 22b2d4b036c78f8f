//! The policy compiler: rule files and sandbox files in, one checked artifact out.

pub mod check;
pub mod cli;
pub mod compile;
pub mod diagnostic;
pub mod loader;
pub mod policy;
pub mod rules;
pub mod source;
pub mod stdlib;
pub mod suggest;
