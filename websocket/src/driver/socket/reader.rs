//! The half that receives: messages out, and by itself whatever the protocol owes the other end.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use astatine_reactor::handler::Message;
use astatine_reactor::{Deadline, Reached, give_way};
use bytes::BytesMut;
use futures_core::Stream;

use super::ending::Ending;
use super::link::{Closing, Link};
use crate::config::Config;
use crate::driver::compression::{Inflating, message_of};
use crate::error::{Error, Violation};
use crate::proto::{Close, CloseCode, Connection, Event, Expired, Timeouts};

/// Receives the messages of a WebSocket: a [`Stream`].
///
/// While it is polled it does what the protocol asks for: answers pings and the other end's Close
/// frame, asks a silent peer for a sign of life, and ends the connection in good order. Its answers
/// leave whether the [`Writer`](super::Writer) is polled or not; of pings that come faster than
/// answers are taken, the latest is answered (RFC 6455 §5.5.3). Where nobody polls it, nothing is
/// read, which holds the other end back, and nobody is given up.
///
/// The stream ends with `None` when both ends have closed, with one last error where the connection
/// broke, and in both cases once it is over. What comes in behind a Close frame of ours is dropped.
/// On a server that ends, it closes with 1001.
pub struct Reader {
    pub(super) link: Arc<Link>,
    pub(super) core: Connection,
    pub(super) is_server: bool,
    pub(super) inflating: Inflating,
    pub(super) input: BytesMut,
    /// Whether the last read filled its room, so that there is more.
    pub(super) is_behind: bool,
    /// Answers that have no place in the output yet.
    pub(super) owed: Vec<u8>,
    pub(super) timeouts: Timeouts,
    pub(super) deadline: Deadline,
    pub(super) draining: Reached,
    pub(super) config: Arc<Config>,
    pub(super) close: Option<Close>,
    pub(super) phase: Phase,
}

pub(super) enum Phase {
    Open,
    /// Nothing more is received.
    Ending(Ending),
    Over,
}

/// Why no further message comes.
enum Halt {
    /// The other end sent its Close frame, or broke a rule and is told.
    Ended(Option<Error>),
    /// There is nobody to tell.
    Failed(Error),
}

impl From<Violation> for Halt {
    fn from(violation: Violation) -> Self {
        Self::Ended(Some(violation.into()))
    }
}

impl Reader {
    /// Receives the next message; `None` when both ends have closed. Its payload may be a slice of a
    /// block of up to 64 KiB that was read at once: copy what is small and kept.
    ///
    /// # Errors
    ///
    /// The connection broke; it is over.
    ///
    /// # Cancel safety
    ///
    /// No message is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Returns what the other end's Close frame said, once it is there and said anything.
    pub fn close_frame(&self) -> Option<&Close> {
        self.close.as_ref()
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if let Phase::Open = self.phase {
            match ready!(self.poll_message(cx)) {
                Ok(message) => return Poll::Ready(Some(Ok(message))),
                Err(Halt::Failed(error)) => {
                    self.link.abort();
                    self.phase = Phase::Over;
                    return Poll::Ready(Some(Err(error)));
                }
                Err(Halt::Ended(error)) => {
                    let ending = Ending::new(error, self.is_server, self.deadline.now());
                    self.phase = Phase::Ending(ending);
                }
            }
        }
        let Phase::Ending(ending) = &mut self.phase else {
            return Poll::Ready(None);
        };
        let error = ready!(ending.poll(&self.link, &mut self.deadline, &self.config, cx));
        self.link.end();
        self.phase = Phase::Over;
        Poll::Ready(error.map(Err))
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Halt>> {
        if self.core.is_open() && Pin::new(&mut self.draining).poll(cx).is_ready() {
            let closed = self.core.close(CloseCode::GOING_AWAY, "", &mut self.owed);
            closed.expect("it is open, and the reason empty");
        }
        self.follow_close();
        for _ in 0..MAX_READS {
            let received = self.receive();
            self.answer(cx);
            if let Some(received) = received {
                return Poll::Ready(received);
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(0)) => {
                    let ended = self.core.receive_eof().map_err(Halt::from);
                    return Poll::Ready(Err(ended.err().unwrap_or(Halt::Ended(None))));
                }
                // Whoever sends on may still not take our Close frame.
                Poll::Ready(Ok(_)) if !self.core.is_open() => {}
                Poll::Ready(Ok(_)) => self.timeouts.received(self.deadline.now()),
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(Halt::Failed(error.into())));
                }
                Poll::Pending => {
                    self.follow_close();
                    return self.poll_deadline(cx);
                }
            }
        }
        // A peer that sends without end, and no message, must not have the thread for itself.
        give_way(cx);
        self.poll_deadline(cx)
    }

    /// Takes the next message, or the end, off the input.
    fn receive(&mut self) -> Option<Result<Message, Halt>> {
        loop {
            if self.core.is_open() && self.owed.len() > MAX_OWED_BYTES {
                // They are all pongs, of which the next one will do.
                self.owed.clear();
            }
            let (config, owed) = (&*self.config, &mut self.owed);
            let received = match self.core.receive(&mut self.input, config, owed) {
                Ok(received) => received?,
                Err(violation) => return Some(Err(violation.into())),
            };
            match received {
                Event::Message { kind, payload } => return Some(Ok(message_of(kind, payload))),
                Event::Deflated { kind, payload } => {
                    let inflated = self.inflating.inflate(kind, &payload, config);
                    return Some(match inflated {
                        Ok(payload) => Ok(message_of(kind, payload)),
                        Err(violation) => {
                            self.core.fail(violation, owed);
                            Err(violation.into())
                        }
                    });
                }
                Event::Ping(_) | Event::Pong(_) => {}
                Event::Close(close) => {
                    self.close = close;
                    return Some(Err(Halt::Ended(None)));
                }
            }
        }
    }

    /// Sends what is owed, as far as it goes.
    fn answer(&mut self, cx: &Context<'_>) {
        loop {
            if !self.core.is_open() {
                self.link.answer_last(&mut self.owed);
            } else if !self.owed.is_empty() {
                self.link.answer(&mut self.owed);
            }
            if self.link.poll_answers(cx).is_pending() || self.owed.is_empty() {
                return;
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let missing = self.core.payload_missing().min(MAX_ROOM_BYTES);
        if self.input.capacity() - self.input.len() < missing.max(MIN_ROOM_BYTES) {
            let room = if self.is_behind {
                MAX_ROOM_BYTES
            } else {
                ROOM_BYTES
            };
            self.input.reserve(room.max(missing));
        }
        let read = self.link.poll_read(&mut self.input, cx);
        self.is_behind = self.input.len() == self.input.capacity();
        if read.is_pending() && self.input.is_empty() {
            // An idle connection holds no buffer.
            self.input = BytesMut::new();
        }
        read
    }

    /// Learns of a Close frame that the writer has sent.
    fn follow_close(&mut self) {
        let closing = self.link.closing();
        if closing != Closing::No && self.core.is_open() {
            let mut sent = Vec::new();
            let closed = self.core.close(CloseCode::NORMAL, "", &mut sent);
            closed.expect("it is open, and the reason empty");
        }
        if closing == Closing::Written {
            self.timeouts.closing(self.deadline.now());
        }
    }

    /// Asks a silent peer for a sign of life; is ready when it gives none.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Halt>> {
        loop {
            self.deadline.set(self.timeouts.poll_deadline(&self.config));
            ready!(self.deadline.poll_expired(cx));
            let now = self.deadline.now();
            if self.link.take_moved() {
                self.timeouts.received(now);
                continue;
            }
            match self.timeouts.handle_timeout(now, &self.config) {
                None => {}
                Some(Expired::Ping) => {
                    // One that closes already has a time for that.
                    self.core.ping(b"", &mut self.owed).unwrap_or_default();
                    self.answer(cx);
                }
                Some(Expired::Pong | Expired::Close) => {
                    return Poll::Ready(Err(Halt::Failed(Error::TimedOut)));
                }
            }
        }
    }
}

impl Stream for Reader {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let now = self.deadline.now();
        self.timeouts.resume(now);
        let item = self.poll_item(cx);
        if item.is_ready() {
            // Until the caller comes back, nobody reads, and silence says nothing.
            let now = self.deadline.now();
            self.timeouts.pause(now);
        }
        item
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("is_open", &self.core.is_open())
            .finish_non_exhaustive()
    }
}

/// Reads without a message before other tasks have their turn.
const MAX_READS: usize = 64;
/// The most answers that wait for a place in the output.
const MAX_OWED_BYTES: usize = 4 << 10;
/// Room that a read is given, and the least of it that is still used.
const ROOM_BYTES: usize = 4 << 10;
const MIN_ROOM_BYTES: usize = 1 << 10;
/// The most room that is made at a time: a peer that announces much and sends little must not make
/// us set it aside.
const MAX_ROOM_BYTES: usize = 64 << 10;
