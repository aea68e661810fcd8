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

pub mod access_log;
pub mod buffer;
pub mod concurrency;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod optional;
mod or_empty;
pub mod request_id;
pub mod timeout;
pub mod trusted_proxy;

pub use or_empty::OrEmpty;
