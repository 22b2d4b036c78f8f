//! The policy compiler: rule files and sandbox files in, one checked artifact out.

pub mod artifact;
pub mod check;
pub mod compile;
pub mod diagnostic;
pub mod dump;
pub mod emit;
pub mod loader;
pub mod lower;
pub mod policy;
pub mod read;
pub mod rules;
pub mod sandbox;
pub mod source;
pub mod stdlib;
pub mod verify;
