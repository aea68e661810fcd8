//! Streams that behave badly on purpose, and a handler that tells how it was called, for the tests of
//! protocols.
//!
//! A pipe in memory is `tokio::io::duplex` in a [`Foreign`](crate::Foreign); [`Faulty`] in between
//! makes it a bad one, and [`faulty_io`] does so to a connection that is there already. A [`Flood`] is
//! never dry.

mod fate;
mod faults;
mod faulty;
mod faulty_io;
mod flood;
mod noting;

pub use faults::{Cut, Faults};
pub use faulty::Faulty;
pub use faulty_io::faulty_io;
pub use flood::Flood;
pub use noting::{Call, Calls, Noting, noting};
