//! The one integration binary: everything that looks at the whole, from outside.

mod differential;
mod formats;
mod generate;
mod hostile;
mod reproducible;
