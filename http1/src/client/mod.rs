//! The client: connections that answer `http::Request`s with `http::Response`s, and a pool of them.
//!
//! It follows no redirect, keeps no cookie, knows no proxy and speaks no TLS: those are layers and
//! connectors around it. Start from `Pool`, or from `handshake` for one connection; both are tower
//! services. A response that switches protocols has the stream in its extensions, as `Upgraded`.
//!
//! ```no_run
//! use astatine_http1::client::{Config, Pool};
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::{BodyExt, Empty};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::new(Config::default());
//! let request = Request::get("http://localhost:3000/").body(Empty::<Bytes>::new())?;
//! let response = pool.oneshot(request).await?;
//! assert!(response.status().is_success());
//! let body = response.into_body().collect().await?.to_bytes();
//! # drop(body);
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! Each is a field of [`Config`]. What a connection holds at most, beside its driver of less than a
//! KiB and the body that it sends:
//!
//! | it is | memory |
//! |---|---|
//! | idle | nothing |
//! | receiving a head | `max_head_bytes`, and as much room to read more |
//! | receiving a body that the caller does not take | 128 KiB |
//! | sending to a server that does not take it | 64 KiB and the piece of the body under way |
//!
//! # Specification
//!
//! RFC 9112 as a client: §3 (requests), §4 and §5 (responses, by the server's strict reader), §6.3
//! (framing; two statements of a length are refused), §7.1 (chunked, trailers), §9.3 (persistence),
//! §9.3.1 (retries), §9.5 (early responses). Of RFC 9110: §7.8 and §9.3.6 (Upgrade, CONNECT), §10.1.1
//! (Expect), §15.2 (interim responses). Left out: pipelining, absolute-form, transfer codings other
//! than chunked, and handing interim responses on.

mod config;
#[cfg(feature = "driver")]
mod driver;

pub use config::Config;
#[cfg(feature = "driver")]
pub use driver::{
    Answer, Connection, Driver, Origin, Pool, TcpConnector, UnixConnector, Upgraded, handshake,
};
