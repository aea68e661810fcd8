//! What a connection waits for, and until when.
//!
//! Two waits run side by side: one for the peer to send, one for it to take. Each rate is
//! measured over windows of its grace, so that a burst earns no credit for a later stall.

use std::time::{Duration, Instant};

use crate::config::Config;
use crate::error::Violation;

/// What the reading side waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The first byte of a new connection.
    FirstByte,
    /// The rest of a head.
    Head,
    /// The next request.
    NextRequest,
    /// More of a request body.
    Body,
    /// The service, which may take its time.
    Service,
    /// The service, for a peer that has ended its side and may be gone altogether.
    HalfClosed,
    /// The service, with nothing read meanwhile: whether the peer is still there is to be asked.
    Unwatched,
    /// The peer's end of the stream, after the last response.
    Linger,
}

/// What to do when a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Close without a word: nothing was under way.
    Close,
    /// Answer this and close.
    Refuse(Violation),
    /// Abort: the peer does not take what is written.
    WriteStalled,
    /// Close if the peer has ended its side or is gone; else the same wait begins again.
    Unwatched,
}

/// The two waits of a connection.
#[derive(Debug)]
pub struct Timeouts {
    wait: Wait,
    since: Instant,
    n_received: u64,
    /// Boxed, since few connections ever have it.
    writing: Option<Box<Writing>>,
    is_changed: bool,
}

#[derive(Debug)]
struct Writing {
    window: Instant,
    n_in_window: u64,
    progress: Instant,
}

impl Timeouts {
    /// How long a closing connection waits for the peer to end its side.
    const LINGER: Duration = Duration::from_secs(2);
    /// How long a draining server waits for the next request of a connection.
    const DRAINING_IDLE: Duration = Duration::from_secs(1);

    /// Begins with the wait for a new connection's first byte.
    pub fn new(now: Instant) -> Self {
        Self {
            wait: Wait::FirstByte,
            since: now,
            n_received: 0,
            writing: None,
            is_changed: true,
        }
    }

    /// Returns what the reading side waits for.
    pub fn wait(&self) -> Wait {
        self.wait
    }

    /// Waits for something else from now on; the same wait goes on.
    pub fn wait_for(&mut self, wait: Wait, now: Instant) {
        if self.wait != wait {
            self.begin(wait, now);
        }
    }

    /// Begins a wait anew.
    pub fn begin(&mut self, wait: Wait, now: Instant) {
        self.is_changed |= self.wait != wait || self.since != now;
        self.wait = wait;
        self.since = now;
        self.n_received = 0;
    }

    /// Counts bytes of a request body.
    pub fn received(&mut self, n_bytes: usize) {
        self.n_received += n_bytes as u64;
    }

    /// Notes that output is left which the peer has not taken, and how much it just took.
    pub fn write_pending(&mut self, n_taken: usize, now: Instant) {
        let begun = || {
            Box::new(Writing {
                window: now,
                n_in_window: 0,
                progress: now,
            })
        };
        let writing = self.writing.get_or_insert_with(begun);
        self.is_changed = true;
        writing.n_in_window += n_taken as u64;
        if n_taken > 0 {
            writing.progress = now;
        }
    }

    /// Notes that the peer has taken everything.
    pub fn write_done(&mut self) {
        self.is_changed |= self.writing.is_some();
        self.writing = None;
    }

    /// Tells whether the deadline may be another one than at the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// Returns when [`Timeouts::handle_timeout`] has something to look at. A server that drains
    /// tells since when.
    pub fn poll_deadline(
        &self,
        config: &Config,
        draining_since: Option<Instant>,
    ) -> Option<Instant> {
        let reading = match self.wait {
            Wait::FirstByte | Wait::Head => Some(config.head_timeout),
            Wait::NextRequest => Some(config.keep_alive_timeout),
            Wait::Body => Some(config.body_grace),
            Wait::Service => None,
            Wait::HalfClosed | Wait::Unwatched => Some(config.write_stall_timeout),
            Wait::Linger => Some(Self::LINGER),
        };
        // A time that is too far away to be told is never.
        let reading = reading.and_then(|wait| self.since.checked_add(wait));
        let reading = earlier(reading, self.end_of_draining_idle(draining_since));
        let writing = self.writing.as_ref().and_then(|writing| {
            let stalled = writing.progress.checked_add(config.write_stall_timeout);
            let slow = writing.window.checked_add(config.drain_grace);
            earlier(stalled, slow)
        });
        earlier(reading, writing)
    }

    /// Tells what is over at `now`, and opens the next window of a rate that was kept.
    pub fn handle_timeout(
        &mut self,
        now: Instant,
        config: &Config,
        draining_since: Option<Instant>,
    ) -> Option<Expired> {
        if let Some(writing) = &mut self.writing {
            if now.saturating_duration_since(writing.progress) >= config.write_stall_timeout {
                return Some(Expired::WriteStalled);
            }
            let window = now.saturating_duration_since(writing.window);
            if window >= config.drain_grace {
                if writing.n_in_window < least(config.drain_min_rate, window) {
                    return Some(Expired::WriteStalled);
                }
                (writing.window, writing.n_in_window) = (now, 0);
                self.is_changed = true;
            }
        }
        let waited = now.saturating_duration_since(self.since);
        match self.wait {
            Wait::FirstByte | Wait::NextRequest if self.is_drained(now, draining_since) => {
                Some(Expired::Close)
            }
            Wait::HalfClosed => (waited >= config.write_stall_timeout).then_some(Expired::Close),
            Wait::FirstByte => (waited >= config.head_timeout).then_some(Expired::Close),
            Wait::NextRequest => (waited >= config.keep_alive_timeout).then_some(Expired::Close),
            Wait::Head => {
                (waited >= config.head_timeout).then_some(Expired::Refuse(Violation::HeadTimeout))
            }
            Wait::Body if waited >= config.body_grace => {
                if self.n_received < least(config.body_min_rate, waited) {
                    return Some(Expired::Refuse(Violation::BodyTooSlow));
                }
                self.begin(Wait::Body, now);
                None
            }
            Wait::Unwatched if waited >= config.write_stall_timeout => {
                self.begin(Wait::Unwatched, now);
                Some(Expired::Unwatched)
            }
            Wait::Body | Wait::Service | Wait::Unwatched => None,
            Wait::Linger => (waited >= Self::LINGER).then_some(Expired::Close),
        }
    }

    /// Returns when a draining server has waited long enough for the next request, or the first: the time before
    /// it drained does not count, since a client cannot know what is to come.
    fn end_of_draining_idle(&self, draining_since: Option<Instant>) -> Option<Instant> {
        let is_idle = matches!(self.wait, Wait::FirstByte | Wait::NextRequest);
        let since = draining_since.filter(|_| is_idle)?;
        since.max(self.since).checked_add(Self::DRAINING_IDLE)
    }

    fn is_drained(&self, now: Instant, draining_since: Option<Instant>) -> bool {
        self.end_of_draining_idle(draining_since)
            .is_some_and(|end| now >= end)
    }
}

/// Returns the bytes that a rate makes in a time, whole seconds counted.
fn least(bytes_per_second: u32, time: Duration) -> u64 {
    u64::from(bytes_per_second).saturating_mul(time.as_secs())
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
