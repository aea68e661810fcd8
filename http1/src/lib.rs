//! HTTP/1.0 and HTTP/1.1: a pure core, a server that answers from any tower service, and a client
//! that is one.
//!
//! It is no router and knows no HTTP/2. Start from `Http1`, the service that a listener is
//! given; `Incoming`, the body of a request; and [`Config`], the limits. The client is in [`client`],
//! with limits of its own.
//!
//! ```no_run
//! use std::convert::Infallible;
//! use astatine_http1::{Http1, Incoming};
//! use astatine_reactor::serve;
//! use http::{Request, Response};
//! use http_body_util::Full;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let app = tower::service_fn(|_request: Request<Incoming>| async {
//!     Ok::<_, Infallible>(Response::new(Full::from("Hello, World!")))
//! });
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! serve(listener, Http1::new(app)).await
//! # }
//! ```
//!
//! # Limits
//!
//! Each is a field of [`Config`], with its default, its unit, and what happens beyond it. What a
//! connection holds at most, beside its future of about half a KiB:
//!
//! | it is | memory |
//! |---|---|
//! | idle | nothing |
//! | sending a head | `max_head_bytes`, and as much room to read more |
//! | waiting for the service | the block of 16 KiB that its request was read into, shared with other requests |
//! | sending a body that the service does not take | 64 KiB in blocks of 64 KiB, each at least an eighth full: 512 KiB |
//! | not taking a response | 64 KiB and the piece of the body under way |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `driver` (default) | `Http1`, `Incoming`: the tokio driver and the tower service; `layer`: tower layers around an app; `client::Pool` and what belongs to it |
//! | `metrics` | `layer::metrics`, a layer that measures requests by the facade of the `metrics` crate |
//!
//! # Specification
//!
//! RFC 9112 (HTTP/1.1), and of RFC 9110 what an origin server and its client need at this level: Host,
//! Expect, Connection, Date, Content-Length, trailers, CONNECT and Upgrade by
//! `astatine_reactor::Handover`. Left out: transfer codings other than chunked (answered with
//! 501), line folding (answered with 400), and HTTP/0.9. What the client leaves out, [`client`] says.

pub mod client;
mod config;
mod error;
pub mod proto;

#[cfg(feature = "driver")]
mod body;
#[cfg(feature = "driver")]
mod door;
#[cfg(feature = "driver")]
mod driver;
#[cfg(feature = "driver")]
pub mod layer;
#[cfg(feature = "driver")]
mod lock;
#[cfg(feature = "driver")]
mod refusal;
#[cfg(feature = "driver")]
mod service;

#[cfg(feature = "driver")]
pub use body::Incoming;
pub use config::{Config, Fragments};
#[cfg(feature = "driver")]
pub use door::{AppRequest, AppResponse};
#[cfg(feature = "driver")]
pub use driver::Serve;
pub use error::{Error, Misuse, Violation};
pub use proto::zero_copy::Head;
#[cfg(feature = "driver")]
pub use refusal::{Reason, Refusal};
#[cfg(feature = "driver")]
pub use service::{Http1, MakeApp, PerConnection, Shared};
