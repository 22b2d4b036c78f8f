//! The one integration binary. How to add a case: `tests/README.md`.

mod boundary;
#[cfg(target_os = "linux")]
mod bwrap;
mod codex;
mod confine_model;
mod differential;
mod formats;
mod generate;
mod generate_profiles;
mod harness;
mod hostile;
mod limits;
mod pages;
mod random;
mod reproducible;
mod rules_front_end;
mod run_programs;
mod sandbox_grammar;
mod sandbox_model;
mod sandbox_suite;
mod sbpl;
mod shell_attacks;
mod shell_expansions;
mod shell_lexing;
mod shell_policy;
mod shell_program;
mod shell_real;
mod shell_reasons;
mod shell_robust;
mod shell_soundness;
mod shell_spellings;
mod shell_state;
mod shell_table;
mod shell_wrappers;
mod suite;
mod targets;
