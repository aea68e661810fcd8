//! The log of requests: one line at the end of each response.
//!
//! [`AccessLogLayer`] wraps the service of a connection and counts what its responses' bodies give
//! out. A finished line goes into its thread's [`Lane`], a bounded buffer; one writer thread
//! empties the lanes a few times a second, so a request never waits for the log's reader. What does
//! not fit is dropped and counted, and so is what the output does not take. Lines of one thread keep
//! their order; those of two threads are together to a batch.
//!
//! What the server refuses by itself never comes as far as the layer: [`Lane::log_refusal`] is for
//! [`Http1::on_refusal`](crate::Http1::on_refusal).

mod line;
mod output;
mod refused;
mod service;
mod stamp;
mod writer;

pub use service::{AccessLogLayer, Entry, Logged};
pub use writer::{AccessLog, Lane};

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The Common Log Format and the milliseconds.
    #[default]
    Common,
    /// As common, with the fields Referer and User-Agent.
    Combined,
    /// One JSON object a line.
    Json,
}
