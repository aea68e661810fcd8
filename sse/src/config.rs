//! The limits of both ends of an event stream.

use std::time::Duration;

/// What a stream may cost, and how a client comes back to it. The defaults are safe on the open
/// internet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Server: most bytes that wait in one [`EventBody`](crate::EventBody) for a peer that takes
    /// them slowly, each event with a small charge for its place; beyond it `Full`. An event that
    /// is longer by itself has the queue for itself. Default 1 MiB.
    pub max_queue_bytes: u32,
    /// Server: time without an event after which a comment is sent, so that no proxy takes the
    /// connection for dead and a peer that is gone is noticed. It acts up to a second late, never
    /// early. Default 40 s.
    pub keep_alive: Option<Duration>,
    /// Client: longest line in bytes, without its end; beyond it
    /// [`LineTooLong`](crate::Violation::LineTooLong). Default 1 MiB and 64 bytes: an event may be
    /// one line, with the name of its field.
    pub max_line_bytes: usize,
    /// Client: most bytes of one event, which are its data, type and id together; beyond it
    /// [`EventTooLong`](crate::Violation::EventTooLong). A stream holds at most this, one line,
    /// and as much again while its buffers grow. Default 1 MiB.
    pub max_event_bytes: usize,
    /// Client: time from the end of a connection to the next request, until the server says
    /// otherwise. Default 3 s.
    pub retry: Duration,
    /// Client: least time between two requests, whatever the server asks for. Default 100 ms.
    pub min_retry: Duration,
    /// Client: the time that waiting grows to, doubled with each request that fails. A server
    /// that asks for more is given it, up to a day. Default 60 s.
    pub max_retry: Duration,
    /// Client: time without a byte, comments included, after which the connection is taken for
    /// dead and made anew. To be longer than the server's keep-alive. Default off.
    pub silence_timeout: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_queue_bytes: 1 << 20,
            keep_alive: Some(Duration::from_secs(40)),
            max_line_bytes: (1 << 20) + 64,
            max_event_bytes: 1 << 20,
            retry: Duration::from_secs(3),
            min_retry: Duration::from_millis(100),
            max_retry: Duration::from_secs(60),
            silence_timeout: None,
        }
    }
}
