//! The end of a connection on which both have closed, or one broke a rule.

use std::mem;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use astatine_reactor::Deadline;
use bytes::BytesMut;

use super::link::Link;
use super::writable::Half;
use crate::config::Config;
use crate::error::Error;

/// Writes what waits, and leaves the other end its time: closing a socket with unread input would
/// take from it what it has not read.
pub(super) struct Ending {
    error: Option<Error>,
    stage: Stage,
    since: Instant,
    is_server: bool,
}

#[derive(Clone, Copy)]
enum Stage {
    /// Writing what waits.
    Flushing,
    /// Ending our side of the stream.
    Shutting,
    /// Waiting for the other end to end its side.
    Lingering { n_discarded: usize },
}

impl Ending {
    pub(super) fn new(error: Option<Error>, is_server: bool, now: Instant) -> Self {
        Self {
            error,
            stage: Stage::Flushing,
            since: now,
            is_server,
        }
    }

    /// Returns what the connection broke over when it is over.
    pub(super) fn poll(
        &mut self,
        link: &Link,
        deadline: &mut Deadline,
        config: &Config,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Error>> {
        if self.poll_stages(link, cx).is_pending() {
            deadline.set(self.since.checked_add(config.close_timeout));
            ready!(deadline.poll_expired(cx));
        }
        Poll::Ready(mem::take(&mut self.error))
    }

    fn poll_stages(&mut self, link: &Link, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.stage = match self.stage {
                Stage::Flushing => match ready!(link.poll_flush(Half::Reader, cx)) {
                    Ok(()) if self.is_server => Stage::Shutting,
                    // The server ends the stream first (RFC 6455 §7.1.1).
                    Ok(()) => Stage::Lingering { n_discarded: 0 },
                    Err(_) => return Poll::Ready(()),
                },
                Stage::Shutting => match ready!(link.poll_shutdown(cx)) {
                    Ok(()) => Stage::Lingering { n_discarded: 0 },
                    Err(_) => return Poll::Ready(()),
                },
                Stage::Lingering { n_discarded } => {
                    let mut discarded = BytesMut::with_capacity(DISCARD_BYTES);
                    match ready!(link.poll_read(&mut discarded, cx)) {
                        Ok(n @ 1..) if n_discarded + n <= MAX_DISCARDED_BYTES => Stage::Lingering {
                            n_discarded: n_discarded + n,
                        },
                        Ok(_) | Err(_) => return Poll::Ready(()),
                    }
                }
            };
        }
    }
}

/// How much is read at a time of what nobody wants.
const DISCARD_BYTES: usize = 4 << 10;
/// A connection that closes takes this much before it is cut off.
const MAX_DISCARDED_BYTES: usize = 256 << 10;
