//! The end of a connection in good order: what waits is written, the other end has its time, and
//! none of it lasts for ever.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::drive::Engine;
use super::{Event, Protocol, Reason};
use crate::Io;

/// How a connection ends in good order.
pub(super) enum Ending {
    /// This side begins, with a code and a text for the protocol.
    Begin(Reason, Option<u16>, String),
    /// The other end has begun; the protocol has answered.
    Answered(Reason),
    /// The connection has ended, in good order or not.
    Over(Reason),
}

impl Ending {
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Begin(reason, ..) | Self::Answered(reason) | Self::Over(reason) => reason.clone(),
        }
    }
}

/// How far an end in good order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stretch {
    /// Writing what is left.
    Flushing { awaits_answer: bool },
    /// Waiting for the other end's part.
    Awaiting,
    /// Ending this side of the stream.
    Shutting,
    /// Waiting for the other end to close the stream.
    Lingering { n_discarded: usize },
    /// Nothing.
    Over,
}

impl<P: Protocol> Engine<P> {
    pub(super) fn begin_end(&mut self, ending: Ending) {
        // The end may last, and the room is the thread's.
        self.keep_input();
        let awaits_answer = match ending {
            Ending::Over(_) => {
                self.stretch = Stretch::Over;
                return;
            }
            Ending::Answered(_) => false,
            Ending::Begin(_, code, text) => {
                // The protocol takes no message behind its end.
                let protocol = &mut self.protocol;
                self.outbox
                    .encode(|message, output| protocol.encode(message, output));
                let mut output = Vec::new();
                let awaits_answer = self.protocol.close(code, &text, &mut output);
                self.outbox.push(&output);
                awaits_answer
            }
        };
        self.stretch = Stretch::Flushing { awaits_answer };
        self.pace.begin_end(self.deadline.now());
    }

    /// Ends in good order, as far as the other end lets us; an error is a worse reason.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Reason>> {
        loop {
            if self.stretch != Stretch::Over && self.outbox.poll_aborted(cx).is_ready() {
                self.io.abort();
                return Poll::Ready(Ok(()));
            }
            let moved = match self.stretch {
                Stretch::Flushing { awaits_answer } => self.poll_flushing(awaits_answer, cx),
                Stretch::Awaiting => self.poll_awaiting(cx),
                Stretch::Shutting => self.poll_shutdown(cx),
                Stretch::Lingering { n_discarded } => self.poll_lingering(n_discarded, cx),
                Stretch::Over => Poll::Ready(Ok(None)),
            };
            match moved {
                Poll::Ready(Ok(Some(next))) => {
                    self.stretch = next;
                    self.pace.begin_end(self.deadline.now());
                }
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(worse)) => return Poll::Ready(Err(worse)),
                Poll::Pending => {
                    let is_flushing = matches!(self.stretch, Stretch::Flushing { .. });
                    ready!(self.poll_end_over(is_flushing, cx));
                    self.io.abort();
                    return Poll::Ready(if is_flushing {
                        Err(Reason::SlowConsumer)
                    } else {
                        Ok(())
                    });
                }
            }
        }
    }

    /// Completes when a stretch of the end has taken too long.
    fn poll_end_over(&mut self, is_flushing: bool, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.deadline.set(self.pace.end_deadline(is_flushing));
            ready!(self.deadline.poll_expired(cx));
            if self.pace.is_end_over(is_flushing, self.deadline.now()) {
                return Poll::Ready(());
            }
        }
    }

    fn poll_flushing(
        &mut self,
        awaits_answer: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Stretch>, Reason>> {
        ready!(self.poll_flush(cx))?;
        Poll::Ready(Ok(Some(if awaits_answer && !self.is_eof {
            Stretch::Awaiting
        } else {
            Stretch::Shutting
        })))
    }

    /// Waits for the protocol's answer to the end; messages that come before it are dropped.
    fn poll_awaiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Stretch>, Reason>> {
        loop {
            if self.is_turn_over() {
                return self.poll_yield(cx);
            }
            match self.receive() {
                Some(Event::Message(_)) => {}
                Some(Event::Closed(_)) => break,
                None => match ready!(self.poll_read(cx)) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => self.n_steps += 1,
                },
            }
        }
        Poll::Ready(Ok(Some(Stretch::Shutting)))
    }

    /// Ends this side of the stream, and leaves the other end its time.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Stretch>, Reason>> {
        let ended = ready!(Pin::new(&mut *self.io).poll_shutdown(cx));
        let next = Stretch::Lingering { n_discarded: 0 };
        Poll::Ready(Ok((ended.is_ok() && !self.is_eof).then_some(next)))
    }

    fn poll_lingering(
        &mut self,
        n_discarded: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Stretch>, Reason>> {
        let mut n_discarded = n_discarded;
        loop {
            self.input.clear();
            let read = self.poll_read(cx);
            self.stretch = Stretch::Lingering { n_discarded };
            match ready!(read) {
                Ok(0) | Err(_) => return Poll::Ready(Ok(None)),
                Ok(n) => n_discarded += n,
            }
            if n_discarded > MAX_DISCARDED_BYTES {
                return Poll::Ready(Ok(None));
            }
        }
    }
}

/// A connection that closes takes this much before it is cut off.
const MAX_DISCARDED_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use bytes::Bytes;
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;
    use crate::handler::{HandlerConfig, RawProtocol};
    use crate::{Connection, Foreign, PeerInfo, Shutdown};

    #[tokio::test]
    async fn a_connection_that_ends_does_not_keep_the_room_of_its_thread() {
        let (mut far, near) = duplex(16);
        let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
        let config = HandlerConfig::default();
        let mut engine = Engine::new(connection, Bytes::new(), RawProtocol, config);
        far.write_all(b"a").await.unwrap();
        poll_fn(|cx| engine.poll_read(cx)).await.unwrap();
        engine.begin_end(Ending::Begin(Reason::Local, None, String::new()));
        assert_eq!(engine.input, "a");
        assert!(engine.input.capacity() < 1024);
    }
}
