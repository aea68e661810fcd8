//! An event source: which answers begin a stream, and when the next request is due.
//!
//! ```text
//!              deadline                  200, text/event-stream
//!   Waiting ─────────────▶ Asking ───────────────────────────────▶ Open
//!      ▲                    │  │ any other answer                  │ │
//!      │     no answer      │  └────────────▶ Closed ◀─────────────│─┘ a limit passed
//!      ├────────────────────┘                                      │
//!      └───────────────────────────────────────────────────────────┘ end, or silence
//! ```

use std::time::{Duration, Instant};

use bytes::Buf;

use super::parser::{MessageEvent, Parser};
use crate::config::Config;
use crate::error::Violation;

/// Where an event source stands. A browser's `readyState` calls the first two CONNECTING.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Time passes until the next request is due.
    Waiting,
    /// A request is to be made, or its answer awaited.
    Asking,
    /// Events come.
    Open,
    /// It is over, and stays so.
    Closed,
}

/// The rules by which the connections of one event source follow each other.
///
/// It begins in [`Phase::Asking`]. After any input, look at [`Source::phase`] and
/// [`Source::poll_deadline`] again: a request or a stream that a phase does not go with is to be
/// dropped.
///
/// # Spec
///
/// WHATWG HTML §9.2.3: 200 with the right type opens, 204 and any other answer ends it for good, no
/// answer and the end of a stream lead to another request. Redirects are followed below, as fetch
/// does.
#[derive(Debug)]
pub struct Source {
    phase: Phase,
    parser: Parser,
    retry: Duration,
    min_retry: Duration,
    max_retry: Duration,
    silence_timeout: Option<Duration>,
    /// Requests in a row that no stream came of.
    n_failed: u32,
    random: u64,
    deadline: Option<Instant>,
}

impl Source {
    /// Begins, with a first request to be made at once.
    ///
    /// `seed` spreads clients that lost a server together: each wait is up to a quarter longer.
    /// With a seed of 0 none is.
    pub fn new(config: &Config, last_event_id: &str, now: Instant, seed: u64) -> Self {
        let mut source = Self {
            phase: Phase::Asking,
            parser: Parser::new(config).with_last_event_id(last_event_id),
            retry: config.retry,
            min_retry: config.min_retry,
            max_retry: config.max_retry,
            silence_timeout: config.silence_timeout,
            n_failed: 0,
            random: seed,
            deadline: None,
        };
        source.listen(now);
        source
    }

    /// Returns where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns when [`Source::handle_timeout`] is to be called.
    pub fn poll_deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns what the next request is to carry as Last-Event-ID, unless it is empty.
    pub fn last_event_id(&self) -> &str {
        self.parser.last_event_id()
    }

    /// Moves on if the deadline has passed: to the next request, or away from a silent server.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        if self.phase == Phase::Waiting {
            self.phase = Phase::Asking;
            self.listen(now);
        } else {
            self.receive_eof(now);
        }
    }

    /// Takes the head of a response, and returns where that leads: [`Phase::Open`], or with 204,
    /// by which a server says that nothing more will come, [`Phase::Closed`].
    ///
    /// # Errors
    ///
    /// It is no event stream; the source is closed.
    pub fn receive_head(
        &mut self,
        status: u16,
        content_type: Option<&[u8]>,
        now: Instant,
    ) -> Result<Phase, Violation> {
        self.close();
        match status {
            200 if content_type.is_some_and(is_event_stream) => {
                self.phase = Phase::Open;
                self.n_failed = 0;
                self.parser.restart();
                self.listen(now);
                Ok(self.phase)
            }
            200 => Err(Violation::ContentType),
            204 => Ok(self.phase),
            status => Err(Violation::Status(status)),
        }
    }

    /// Reads up to the end of the next event; the rest of the input stays. `None` says that the
    /// input is used up.
    ///
    /// # Errors
    ///
    /// A limit was passed; the source is closed, since the next stream would have the same event.
    pub fn receive(
        &mut self,
        input: &mut impl Buf,
        now: Instant,
    ) -> Result<Option<MessageEvent>, Violation> {
        if self.phase != Phase::Open {
            return Ok(None);
        }
        self.listen(now);
        let event = self.parser.receive(input);
        if event.is_err() {
            self.close();
        }
        event
    }

    /// Takes the end of a stream, or the failure of a request: another is due after a while.
    pub fn receive_eof(&mut self, now: Instant) {
        match self.phase {
            Phase::Waiting | Phase::Closed => return,
            Phase::Asking => self.n_failed = self.n_failed.saturating_add(1),
            Phase::Open => {}
        }
        self.phase = Phase::Waiting;
        self.deadline = Some(now + self.wait());
    }

    /// Ends it for good.
    pub fn close(&mut self) {
        self.phase = Phase::Closed;
        self.deadline = None;
    }

    fn listen(&mut self, now: Instant) {
        self.deadline = self.silence_timeout.and_then(|time| now.checked_add(time));
    }

    /// Returns how long to wait for the next request.
    fn wait(&mut self) -> Duration {
        const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
        let asked = self.parser.retry().unwrap_or(self.retry);
        let asked = asked.max(self.min_retry).min(LONGEST);
        // The first failure is no reason to wait longer than the server asks.
        let doubled = asked.saturating_mul(1 << self.n_failed.saturating_sub(1).min(20));
        let wait = doubled.min(self.max_retry.max(asked)).min(LONGEST);
        wait + wait.mul_f64(self.chance() / 4.0)
    }

    /// Returns the next of a row of numbers from 0 to 1: xorshift, which stays at 0 from 0 on.
    fn chance(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        f64::from((self.random >> 32) as u32) / f64::from(u32::MAX)
    }
}

/// Tells whether a media type is that of event streams; parameters change nothing.
fn is_event_stream(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next();
    essence.is_some_and(|essence| {
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(b"text/event-stream")
    })
}
