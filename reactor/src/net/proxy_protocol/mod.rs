//! The PROXY protocol, versions 1 and 2: a proxy before the server says on each connection whose
//! it is.
//!
//! [`ProxyProtocolLayer`] goes around the service of a listener. It reads the header that a listed
//! proxy sends first, writes the addresses in it into the connection's
//! [`PeerInfo`](crate::PeerInfo), and passes the connection on. Not a byte behind the header is
//! taken, so the stream stays what it was, its [`Direct`](crate::Direct) included.
//!
//! # Spec
//!
//! "The PROXY protocol", versions 1 and 2, as HAProxy publishes it. Left out: checksums (a type of
//! the extensions that a receiver may ignore) and every other extension: they are skipped, but
//! their lengths have to be right. Datagrams are refused.

mod error;
mod header;
mod service;

pub use error::{Error, HeaderError};
pub use service::{ProxyProtocol, ProxyProtocolFuture, ProxyProtocolLayer};
