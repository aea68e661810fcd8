//! Tower layers that a server wants around its app.
//!
//! Each is of use without the others, generic in the bodies that pass through it, and boxes
//! nothing for a request. Those that need to know the peer are made for each connection, in the
//! function of [`Http1::per_connection`](crate::Http1::per_connection). From the outside to the
//! inside they stand well in the order of this table, so that the log knows the client and sees
//! what the others refuse.
//!
//! | layer | does |
//! |---|---|
//! | [`RequestIdLayer`](request_id::RequestIdLayer) | names each request |
//! | [`TrustedProxyLayer`](trusted_proxy::TrustedProxyLayer) | reads what trusted proxies say of the client |
//! | [`AccessLogLayer`](access_log::AccessLogLayer) | logs each response |
//! | `MetricsLayer`, with the feature `metrics` | counts and measures requests |
//! | [`TimeoutLayer`](timeout::TimeoutLayer) | answers for a service that takes too long |
//! | [`ConcurrencyLimitLayer`](concurrency::ConcurrencyLimitLayer) | bounds the requests at a time |
//! | [`BufferLayer`](buffer::BufferLayer) | has the request's body whole before its service is called |
//!
//! [`Optional`](optional::Optional) leaves a layer out where an option says so.
//!
//! ```no_run
//! use std::convert::Infallible;
//! use std::io;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use astatine_http1::layer::access_log::{AccessLog, AccessLogLayer, Format};
//! use astatine_http1::layer::timeout::TimeoutLayer;
//! use astatine_http1::layer::trusted_proxy::{Field, TrustedProxyLayer};
//! use astatine_http1::{Http1, Incoming};
//! use astatine_reactor::{Bind, Config, Network, PeerInfo, Server};
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, service_fn};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = |_request: Request<Incoming>| async {
//!     Ok::<_, Infallible>(Response::new(Full::from("Hello, World!")))
//! };
//! let proxies: Arc<[Network]> = Arc::new(["10.0.0.0/8".parse()?]);
//! let log = AccessLog::start(Format::Combined, io::stdout())?;
//! let lanes = log.clone();
//! let make_service = move || {
//!     let (lane, proxies) = (lanes.lane(), Arc::clone(&proxies));
//!     Http1::per_connection(move |peer: &PeerInfo| {
//!         let app = TimeoutLayer::new(Duration::from_secs(5)).layer(service_fn(app));
//!         let app = AccessLogLayer::new(&lane, peer).layer(app);
//!         TrustedProxyLayer::new(Field::XForwarded, Arc::clone(&proxies), peer).layer(app)
//!     })
//! };
//! Server::new(Config::default()).listen(Bind::Port(3000), make_service).run()?;
//! log.close();
//! # Ok(())
//! # }
//! ```

pub mod access_log;
pub mod buffer;
pub mod concurrency;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod observed;
pub mod optional;
mod or_empty;
pub mod request_id;
pub mod timeout;
pub mod trusted_proxy;

pub use or_empty::OrEmpty;
