//! The times of a connection: how long nothing may come in, and how slowly the other end may take
//! what is written.

use std::time::{Duration, Instant};

use super::{Answer, Budget};

/// Limits and times of a connection with a [`Handler`](super::Handler).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandlerConfig {
    /// How long nothing may come in, or without a ping of the protocol move at all, before
    /// [`Handler::ping`](super::Handler::ping), and then again before the end. Default 40 s.
    pub timeout: Option<Duration>,
    /// How many bytes may wait to be written, and as many again that the protocol answers by itself.
    /// Default 1 MiB.
    pub outbox_bytes: usize,
    /// What all outboxes with this budget may hold together, this one among them. Default: the
    /// budget of the process, a quarter of its memory.
    pub budget: Budget,
    /// How many payloads of [`Trigger`](super::Trigger)s may wait for the handler. Default 256.
    pub max_triggered: usize,
    /// How long the other end may take no byte of what is written. Default 30 s.
    pub write_stall_timeout: Duration,
    /// How long it may take less than [`HandlerConfig::drain_min_rate`]. Default 30 s.
    pub drain_grace: Duration,
    /// In bytes a second. Default 256.
    pub drain_min_rate: u32,
    /// How long the other end may take for its part in the end. Default 5 s.
    pub close_timeout: Duration,
}

impl Default for HandlerConfig {
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_secs(40)),
            outbox_bytes: 1 << 20,
            budget: Budget::of_process(),
            max_triggered: 256,
            write_stall_timeout: Duration::from_secs(30),
            drain_grace: Duration::from_secs(30),
            drain_min_rate: 256,
            close_timeout: Duration::from_secs(5),
        }
    }
}

/// What is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    Ping,
    TimedOut,
    /// A ping that the other end has to answer.
    Unanswered,
    Stalled,
}

#[derive(Debug)]
pub(super) struct Pace {
    write_stall_timeout: Duration,
    drain_grace: Duration,
    drain_min_rate: u32,
    close_timeout: Duration,
    timeout: Option<Duration>,
    since: Instant,
    /// When the other end took something last.
    taken: Instant,
    /// What the ping that was sent last has led one to expect.
    expects: Option<Answer>,
    /// Boxed, since few connections ever have it.
    writing: Option<Box<Writing>>,
    ending_since: Instant,
    /// Whether [`Pace::deadline`] may have moved.
    has_moved: bool,
}

/// Output that the other end has not taken.
#[derive(Debug)]
struct Writing {
    progress: Instant,
    window: Instant,
    n_in_window: u64,
}

impl Pace {
    pub(super) fn new(config: &HandlerConfig, now: Instant) -> Self {
        Self {
            write_stall_timeout: config.write_stall_timeout,
            drain_grace: config.drain_grace,
            drain_min_rate: config.drain_min_rate,
            close_timeout: config.close_timeout,
            timeout: config.timeout,
            since: now,
            taken: now,
            expects: None,
            writing: None,
            ending_since: now,
            has_moved: true,
        }
    }

    pub(super) fn set_timeout(&mut self, timeout: Option<Duration>, now: Instant) {
        self.timeout = timeout;
        self.expects = None;
        self.suspend(now);
    }

    /// Notes that something came in.
    #[inline]
    pub(super) fn received(&mut self, now: Instant) {
        self.expects = None;
        if self.since != now {
            self.suspend(now);
        }
    }

    /// Lets the time for the other end stand still: nothing is read.
    pub(super) fn suspend(&mut self, now: Instant) {
        self.since = now;
        self.has_moved = true;
    }

    /// Notes that nothing came in for the timeout, and tells whether the handler hears of it:
    /// without a ping of its own, a protocol is as busy while something is taken.
    pub(super) fn pinged(&mut self, answer: Answer, now: Instant) -> bool {
        let timeout = self.timeout.unwrap_or_default();
        if answer == Answer::NoPing && now.saturating_duration_since(self.taken) < timeout {
            self.suspend(self.taken);
            return false;
        }
        self.suspend(now);
        self.expects = (answer != Answer::NotAwaited).then_some(answer);
        true
    }

    /// Notes what the other end took, and whether it has taken all.
    #[inline]
    pub(super) fn written(&mut self, n_taken: usize, is_done: bool, now: Instant) {
        if n_taken > 0 {
            self.taken = now;
        }
        match self.expects {
            Some(Answer::NoPing) if n_taken > 0 => self.received(now),
            // The ping may stand behind what is still being taken.
            Some(Answer::Awaited) if n_taken > 0 && self.writing.is_some() => self.suspend(now),
            _ => {}
        }
        if !is_done {
            self.written_in_part(n_taken, now);
        } else if self.writing.is_some() {
            self.writing = None;
            self.has_moved = true;
        }
    }

    fn written_in_part(&mut self, n_taken: usize, now: Instant) {
        self.has_moved = true;
        let begun = || {
            Box::new(Writing {
                progress: now,
                window: now,
                n_in_window: 0,
            })
        };
        let writing = self.writing.get_or_insert_with(begun);
        writing.n_in_window += n_taken as u64;
        if n_taken > 0 {
            writing.progress = now;
        }
    }

    pub(super) fn begin_end(&mut self, now: Instant) {
        self.ending_since = now;
    }

    /// Returns when an end in good order has taken too long.
    pub(super) fn end_deadline(&self, is_flushing: bool) -> Option<Instant> {
        if is_flushing {
            return self.writing_deadline();
        }
        self.ending_since.checked_add(self.close_timeout)
    }

    /// Tells whether an end in good order has taken too long.
    pub(super) fn is_end_over(&mut self, is_flushing: bool, now: Instant) -> bool {
        !is_flushing || self.is_stalled(now)
    }

    /// Returns [`Pace::deadline`] if it may have moved since this was asked.
    #[inline]
    pub(super) fn take_moved(&mut self) -> Option<Option<Instant>> {
        std::mem::take(&mut self.has_moved).then(|| self.deadline())
    }

    /// Returns when there is something to look at.
    fn deadline(&self) -> Option<Instant> {
        let reading = self.timeout.and_then(|wait| self.since.checked_add(wait));
        match (reading, self.writing_deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    pub(super) fn writing_deadline(&self) -> Option<Instant> {
        let writing = self.writing.as_ref()?;
        let stalled = writing.progress.checked_add(self.write_stall_timeout);
        let slow = writing.window.checked_add(self.drain_grace);
        stalled.into_iter().chain(slow).min()
    }

    /// Tells whether the other end takes too little, and opens the next window where it does not.
    pub(super) fn is_stalled(&mut self, now: Instant) -> bool {
        let Some(writing) = &mut self.writing else {
            return false;
        };
        if now.saturating_duration_since(writing.progress) >= self.write_stall_timeout {
            return true;
        }
        let window = now.saturating_duration_since(writing.window);
        if window < self.drain_grace {
            return false;
        }
        let least = u64::from(self.drain_min_rate).saturating_mul(window.as_secs());
        let is_slow = writing.n_in_window < least;
        self.has_moved = true;
        (writing.window, writing.n_in_window) = (now, 0);
        is_slow
    }

    /// Tells what is over at `now`.
    pub(super) fn expired(&mut self, now: Instant) -> Option<Expired> {
        if self.is_stalled(now) {
            return Some(Expired::Stalled);
        }
        let timeout = self.timeout?;
        if now.saturating_duration_since(self.since) < timeout {
            return None;
        }
        Some(match self.expects {
            None => Expired::Ping,
            Some(Answer::Awaited) => Expired::Unanswered,
            Some(_) => Expired::TimedOut,
        })
    }
}
