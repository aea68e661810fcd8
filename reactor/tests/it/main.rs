//! The public face of the crate, clause by clause.

mod running;
mod server;
