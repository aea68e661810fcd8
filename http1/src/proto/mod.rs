//! The pure core: bytes and times in, events, bytes and deadlines out.
//!
//! Nothing here knows a socket, a clock or a thread; the driver owns the buffers and tells the
//! time.

mod body;
mod chunked;
pub mod client;
mod connection;
mod field_line;
mod framing;
mod head;
mod names;
mod octet;
mod request_line;
mod response;
mod state;
mod target;
mod timeouts;
mod value;
pub(crate) mod zero_copy;

#[cfg(test)]
mod tests;

pub use body::{BodyEvent, Chunk};
pub use connection::Connection;
pub use framing::Framing;
pub use head::{HeadFacts, RequestHead};
pub use response::{DATE_FIELD_LEN, DateField, Transfer};
pub use timeouts::{Expired, Timeouts, Wait};
