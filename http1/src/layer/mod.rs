//! Tower layers that a server wants around its app.
//!
//! Each is of use without the others, generic in the bodies that pass through it, and boxes
//! nothing for a request. Those that need to know the peer are made for each connection, in the
//! function of [`Http1::per_connection`](crate::Http1::per_connection).

pub mod access_log;
pub mod request_id;
pub mod trusted_proxy;
