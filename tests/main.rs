//! Every test of the package beside the unit tests, in one binary: the compiler is heavy to link.

mod sandbox_grammar;
mod sandbox_model;
mod sandbox_suite;
