//! The limits and timeouts of an HTTP/1 client.

use std::num::NonZeroUsize;
use std::time::Duration;

/// What a server may cost its client. The defaults are safe against any server.
///
/// Every timeout but `connect_timeout` is looked at twice a second, so it acts up to a second late,
/// never early. The length of a response's body is not limited: the caller takes it piece by piece.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Longest status line or header line in bytes, without its end. Default 16 KiB.
    pub max_header_line_bytes: usize,
    /// Most header fields of a response, and of its trailer section. Default 128.
    pub max_headers: usize,
    /// Longest head in bytes, status line and empty line included, and longest trailer section. It
    /// is also the most that a connection holds of a head that is not complete. Default 64 KiB.
    pub max_head_bytes: usize,
    /// Most interim responses before one response. Default 16.
    pub max_interim_responses: u32,
    /// Time that a request with `Expect: 100-continue` waits for leave; then its body is sent all
    /// the same. Default 1 s.
    pub continue_timeout: Duration,
    /// Time from the end of a request, or from an interim response, to the end of the response's
    /// head. Default 60 s.
    pub head_timeout: Duration,
    /// Time without a byte of a response's body while the caller takes what comes. Default 60 s.
    pub body_timeout: Duration,
    /// Time without a byte taken by the server while there is something to write. Default 30 s.
    pub write_stall_timeout: Duration,
    /// Idle time between two requests; then the connection is closed. Default 30 s.
    pub keep_alive_timeout: Duration,
    /// Time in which a pool's connector must connect. Default 10 s.
    pub connect_timeout: Duration,
    /// Connections of a pool to one origin; further requests wait for one of them. Default 64.
    pub max_connections_per_origin: NonZeroUsize,
    /// Connections of a pool to one origin that are kept while idle; those used longest ago are
    /// closed. Default 16.
    pub max_idle_per_origin: usize,
}

impl Default for Config {
    fn default() -> Self {
        const MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");
        Self {
            max_header_line_bytes: 16 << 10,
            max_headers: 128,
            max_head_bytes: 64 << 10,
            max_interim_responses: 16,
            continue_timeout: Duration::from_secs(1),
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            write_stall_timeout: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            max_connections_per_origin: MAX_CONNECTIONS,
            max_idle_per_origin: 16,
        }
    }
}
