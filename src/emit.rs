//! In: what has been checked. Out: bytes and text, one file per section or target.
//! Not here: the container they are put into.

pub mod profiles;
