//! In: nothing. Out: how far a rule file may go, once; `docs/language/rules.md` shows the same numbers, and a test compares them.
//! Not here: what enforces them (`scan.rs`, `evaluate.rs`, the command line's evaluating process).

/// How deep brackets may nest.
pub const MAX_BRACKETS: usize = 100;

/// How many operators, calls and subscripts one expression may chain, and `elif`s a file may hold:
/// each of them is one more frame of recursion in the parser's tree.
pub const MAX_CHAIN: usize = 250;

/// How deep files may load each other.
pub const MAX_LOADS: usize = 64;

/// Loop rounds and calls an evaluation may take: far more than any policy needs, seconds of work.
pub const MAX_STEPS: u64 = 20_000_000;

/// Bytes the Starlark heap may take.
pub const MAX_HEAP: usize = 256 << 20;

/// Bytes of address space the evaluating process may have: the heap, the syntax trees, the program.
pub const MAX_PROCESS_MEMORY: u64 = 1 << 30;

/// Seconds of processor time the evaluating process may take.
pub const MAX_PROCESS_SECONDS: u64 = 5;
