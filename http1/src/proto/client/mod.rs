//! The client's side of the pure core: requests in, bytes out; bytes in, responses out.

mod connection;
mod framing;
mod head;
mod request;
mod state;
mod timeouts;

#[cfg(test)]
mod tests;

pub use connection::{Connection, ResponseFacts};
pub use timeouts::{Expired, Timeouts, Wait};
