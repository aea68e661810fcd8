//! When a peer is asked whether it is there, and when it is given up.
//!
//! Whatever comes in shows that the peer lives. After an interval without it, a ping is due; after
//! one more, the peer is taken for dead.

use std::time::{Duration, Instant};

use crate::config::Config;

/// What to do when a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Send a ping, see [`Connection::ping`](super::Connection::ping): nothing came for an
    /// interval.
    Ping,
    /// Abort: nothing came since the ping either.
    Pong,
    /// Abort: the peer did not answer our Close frame, or did not end the stream behind its own.
    Close,
}

/// The wait of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    wait: Wait,
    since: Instant,
    paused: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// For anything at all.
    Receive,
    /// For anything, with a ping sent.
    Pong,
    /// For the end.
    Close,
}

impl Timeouts {
    /// Begins with a connection that has just been opened.
    pub fn new(now: Instant) -> Self {
        Self {
            wait: Wait::Receive,
            since: now,
            paused: None,
        }
    }

    /// Notes that the peer sent something, be it part of a frame.
    pub fn received(&mut self, now: Instant) {
        if self.wait != Wait::Close {
            (self.wait, self.since) = (Wait::Receive, now);
        }
    }

    /// Stands still from now on, since nobody reads, or the peer is busy taking what we write.
    pub fn pause(&mut self, now: Instant) {
        self.paused.get_or_insert(now);
    }

    /// Goes on from where it stood still.
    pub fn resume(&mut self, now: Instant) {
        if let Some(paused) = self.paused.take() {
            self.since += now.saturating_duration_since(paused.max(self.since));
        }
    }

    /// Waits for the end from now on: a Close frame was sent.
    pub fn closing(&mut self, now: Instant) {
        if self.wait != Wait::Close {
            (self.wait, self.since, self.paused) = (Wait::Close, now, None);
        }
    }

    /// Returns when [`Timeouts::handle_timeout`] has something to look at.
    pub fn poll_deadline(&self, config: &Config) -> Option<Instant> {
        if self.paused.is_some() {
            return None;
        }
        // A time that is too far away to be told is never.
        self.since.checked_add(self.allowed(config))
    }

    /// Tells what is over at `now`. Behind [`Expired::Ping`] the wait for an
    /// answer has begun when the ping was due, so that an interval's end is not put off by looking late.
    pub fn handle_timeout(&mut self, now: Instant, config: &Config) -> Option<Expired> {
        let waited = now.saturating_duration_since(self.since);
        if self.paused.is_some() || waited < self.allowed(config) {
            return None;
        }
        match self.wait {
            Wait::Receive => {
                // It may be told late. Who looks late is not why the peer has less time than half.
                let (due, half) = (config.ping_interval, config.ping_interval / 2);
                self.since += due.max(waited.saturating_sub(half));
                self.wait = Wait::Pong;
                Some(Expired::Ping)
            }
            Wait::Pong => Some(Expired::Pong),
            Wait::Close => Some(Expired::Close),
        }
    }

    fn allowed(&self, config: &Config) -> Duration {
        match self.wait {
            Wait::Receive | Wait::Pong => config.ping_interval,
            Wait::Close => config.close_timeout,
        }
    }
}
