//! In: a compiled policy and a command that may run others, or a script. Out: what the policy says about all of it.
//! [`Decider::decide`] is the one function for agents; [`decide`] is the same for rules that are stored otherwise.
//!
//! Not here: how a script is read (`execpolicy_shell`), and the decision of one plain command (`crate::decide`).
//! The meaning in words: `docs/scripts.md`.

mod decide;
mod decider;
mod place;
mod rules;

use decide::settle;
pub use decide::{ArgvRules, Found, Part, ScriptVerdict, decide, judge};
pub(crate) use decider::Prepared;
pub use decider::{Decided, Decider};
pub use rules::{RuleRef, TableRules};
