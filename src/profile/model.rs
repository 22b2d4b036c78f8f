//! In: a [`Profile`](crate::Profile), what its roots stand for, and which files there are. Out: [`Model`], which says for every
//! operation whether the profile allows it, and by which statement.
//! Not here: any kernel, and any attempt to be fast. The files in `model/` are what a profile *means*; every
//! enforcer is compared with them.

mod access;
mod bind;
mod environment;
mod explain;
mod network;
mod operations;
mod order;
pub mod tree;

pub use access::{Answer, By, Model, Roots};
pub use explain::{Explanation, Question, explain};
pub use network::{Destination, Reach};
pub use operations::Permission;
pub use order::narrower;
pub use tree::{FileKind, Path, Tree};
