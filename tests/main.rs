//! The one integration binary. How to add a case: `tests/README.md`.

mod boundary;
mod codex;
mod harness;
mod pages;
mod rules_front_end;
mod suite;
