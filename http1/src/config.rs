//! The limits and timeouts of an HTTP/1 server.

use std::num::NonZeroU64;
use std::time::Duration;

/// What a connection may cost. The defaults are safe on the open internet.
///
/// Every timeout is looked at twice a second, so it acts up to a second late, never early.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Longest request line in bytes, without its end; beyond it 414. Default 8 KiB.
    pub max_request_line_bytes: usize,
    /// Longest header line in bytes, without its end; beyond it 431. Default 8 KiB.
    pub max_header_line_bytes: usize,
    /// Most header fields of a request, and of its trailer section; beyond it 431. Default 128.
    pub max_headers: usize,
    /// Longest head in bytes, request line and empty line included, and longest trailer section;
    /// beyond it 431. It is also the most that a connection holds of a head that is not complete.
    /// Default 32 KiB.
    pub max_head_bytes: usize,
    /// Time until the first byte of a connection, and from the first byte of a head to its end:
    /// then the connection is closed, with 408 once bytes came. Default 10 s.
    pub head_timeout: Duration,
    /// Longest request body in bytes; beyond it 413. Default 50 MiB.
    pub max_body_bytes: u64,
    /// Slowest request body in bytes per second, measured over each `body_grace`; below it 408.
    /// Time in which the service does not take the body is not counted. Default 256.
    pub body_min_rate: u32,
    /// The time over which the rate of a request body is measured. Default 10 s.
    pub body_grace: Duration,
    /// Idle time between two requests; then the connection is closed. Default 40 s.
    pub keep_alive_timeout: Duration,
    /// Requests that one connection may send; the last is answered with `Connection: close`.
    /// Default unlimited.
    pub max_requests: Option<NonZeroU64>,
    /// Time without a byte taken by the peer while there is something to write; then the
    /// connection is reset. Also the time that a service may be silent for a peer that has ended
    /// its side of the stream, and may be gone altogether. Default 30 s.
    pub write_stall_timeout: Duration,
    /// Slowest drain of a response in bytes per second, measured over each `drain_grace`; below
    /// it the connection is reset. Default 256.
    pub drain_min_rate: u32,
    /// The time over which the drain rate is measured. Default 30 s.
    pub drain_grace: Duration,
    /// What becomes of a request-target with a fragment. Default refused, with 400.
    pub fragments: Fragments,
}

/// What becomes of a request-target in origin-form with a fragment, as `/a#b`. In any other form it
/// is refused.
///
/// # Spec
///
/// RFC 9112 §3: who gets an invalid request line should answer 400, and should not mend it and go
/// on, since it may be made to get past a filter before the server. A filter that reads `/a#b.png`
/// to its end takes it for an image; the server that leaves the fragment out answers with `/a`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fragments {
    /// The request is answered with 400.
    #[default]
    Refused,
    /// The request is served without its fragment, which is for the client and names no other
    /// resource (RFC 3986 §3.5). Safe only where nothing before the server judges paths.
    LeftOut,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_request_line_bytes: 8 << 10,
            max_header_line_bytes: 8 << 10,
            max_headers: 128,
            max_head_bytes: 32 << 10,
            head_timeout: Duration::from_secs(10),
            max_body_bytes: 50 << 20,
            body_min_rate: 256,
            body_grace: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(40),
            max_requests: None,
            write_stall_timeout: Duration::from_secs(30),
            drain_min_rate: 256,
            drain_grace: Duration::from_secs(30),
            fragments: Fragments::Refused,
        }
    }
}
