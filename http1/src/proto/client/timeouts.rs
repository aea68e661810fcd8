//! What a client's connection waits for, and until when: the server's bytes on one side, its
//! readiness to take ours on the other.

use std::time::Instant;

use crate::client::Config;
use crate::error::Violation;

/// What the reading side waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The next request.
    NextRequest,
    /// Leave to send the request's body.
    Continue,
    /// The response's head.
    Head,
    /// More of the response's body.
    Body,
    /// The caller, who may take their time.
    Caller,
}

/// What to do when a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Close: nothing was under way.
    Close,
    /// Send the body without leave.
    Continue,
    /// Give the exchange up.
    Break(Violation),
    /// Give the exchange up: the server does not take what is written.
    WriteStalled,
}

/// The two waits of a client's connection.
#[derive(Debug)]
pub struct Timeouts {
    wait: Wait,
    since: Instant,
    /// When the server last took something, while there is more.
    writing: Option<Instant>,
    is_changed: bool,
}

impl Timeouts {
    /// Begins with the wait for a request.
    pub fn new(now: Instant) -> Self {
        Self {
            wait: Wait::NextRequest,
            since: now,
            writing: None,
            is_changed: true,
        }
    }

    /// Waits for something else from now on; the same wait goes on.
    pub fn wait_for(&mut self, wait: Wait, now: Instant) {
        if self.wait != wait {
            self.begin(wait, now);
        }
    }

    /// Notes that what was waited for has come in part: the wait begins anew.
    pub fn progress(&mut self, now: Instant) {
        self.begin(self.wait, now);
    }

    /// Notes that output is left which the server has not taken, and how much it just took.
    pub fn write_pending(&mut self, n_taken: usize, now: Instant) {
        if self.writing.is_none() || n_taken > 0 {
            self.writing = Some(now);
            self.is_changed = true;
        }
    }

    /// Notes that the server has taken everything.
    pub fn write_done(&mut self) {
        self.is_changed |= self.writing.take().is_some();
    }

    /// Tells whether the deadline may be another one than at the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// Returns when [`Timeouts::handle_timeout`] has something to look at.
    pub fn poll_deadline(&self, config: &Config) -> Option<Instant> {
        // A time that is too far away to be told is never.
        let reading = match self.wait {
            Wait::NextRequest => self.since.checked_add(config.keep_alive_timeout),
            Wait::Continue => self.since.checked_add(config.continue_timeout),
            Wait::Head => self.since.checked_add(config.head_timeout),
            Wait::Body => self.since.checked_add(config.body_timeout),
            Wait::Caller => None,
        };
        let writing = self
            .writing
            .and_then(|since| since.checked_add(config.write_stall_timeout));
        match (reading, writing) {
            (Some(reading), Some(writing)) => Some(reading.min(writing)),
            (reading, writing) => reading.or(writing),
        }
    }

    /// Tells what is over at `now`.
    pub fn handle_timeout(&self, now: Instant, config: &Config) -> Option<Expired> {
        if let Some(since) = self.writing {
            if now.saturating_duration_since(since) >= config.write_stall_timeout {
                return Some(Expired::WriteStalled);
            }
        }
        let waited = now.saturating_duration_since(self.since);
        match self.wait {
            Wait::NextRequest if waited >= config.keep_alive_timeout => Some(Expired::Close),
            Wait::Continue if waited >= config.continue_timeout => Some(Expired::Continue),
            Wait::Head if waited >= config.head_timeout => {
                Some(Expired::Break(Violation::HeadTimeout))
            }
            Wait::Body if waited >= config.body_timeout => {
                Some(Expired::Break(Violation::BodyTooSlow))
            }
            Wait::NextRequest | Wait::Continue | Wait::Head | Wait::Body | Wait::Caller => None,
        }
    }

    /// Begins a wait anew.
    pub fn begin(&mut self, wait: Wait, now: Instant) {
        self.is_changed |= self.wait != wait || self.since != now;
        (self.wait, self.since) = (wait, now);
    }
}
