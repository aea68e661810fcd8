//! One connection as one future: the stream, the machine, the exchange under way and the deadline.
//!
//! A turn reads once, takes a request if there is none, sends of it what there is, and hands on what
//! came of the response. Buffers are the thread's; what is left in them at the end of a turn is the
//! connection's.

mod connection;
mod connector;
mod home;
mod origin;
mod pool;
mod request;
mod response;
mod slot;
mod transport;
mod upgraded;

use std::error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_reactor::{Io, give_way};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;

use self::slot::{Slot, Unanswered};
use self::transport::Transport;
use crate::body::{Demand, Feed, Incoming};
use crate::client::Config;
use crate::driver::scratch::Scratch;
use crate::error::Error;
use crate::proto::client::{self as proto, Expired, Wait};

pub use self::connection::{Answer, Connection, handshake};
pub use self::connector::{TcpConnector, UnixConnector};
pub use self::origin::Origin;
pub use self::pool::Pool;
pub use self::upgraded::Upgraded;

/// Moves the bytes of one connection; made by [`handshake`].
///
/// It completes when the connection has ended. What went wrong is told to the exchange that it
/// concerns: to the answer's future, or to the response's body.
///
/// # Cancel safety
///
/// Dropping it closes the connection where it is.
#[must_use = "a connection does nothing unless its driver is polled"]
pub struct Driver<B> {
    slot: Arc<Slot<B>>,
    transport: Transport,
    core: proto::Connection,
    config: Config,
    /// The request, until its body begins or its response comes: it could be sent once more.
    unsent: Option<Request<B>>,
    /// The body that is being sent.
    body: Pin<Box<Option<B>>>,
    /// Whether any byte of the request has left.
    is_sent: bool,
    is_answer_owed: bool,
    /// A response that switches protocols waits here for its request to be sent.
    switch: Option<Response<Incoming>>,
    feed: Option<Feed>,
    n_discarded: usize,
    is_eof: bool,
    /// Why nothing more can be written; what the server has said before may still be read.
    write_error: Option<io::Error>,
}

pub(super) type BoxError = Box<dyn error::Error + Send + Sync>;

// Only a body is ever pinned, and that has its own box.
impl<B> Unpin for Driver<B> {}

/// Whether a part of the turn got somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Something has changed: the other parts may go on.
    Moved,
    /// Everything waits.
    Waits,
    /// The connection has ended.
    Ended,
}

/// Output beyond this is written before more is made.
const MAX_OUTPUT_BYTES: usize = 64 << 10;
/// A body that nobody reads is discarded up to this length, to keep the connection.
const MAX_DISCARDED_BODY_BYTES: usize = 64 << 10;
/// Rounds of writing and reading before other connections have their turn.
const MAX_ROUNDS: usize = 16;

impl Turn {
    fn or(self, other: Self) -> Self {
        if self == Self::Waits { other } else { self }
    }
}

impl<B> Driver<B> {
    fn new(slot: Arc<Slot<B>>, io: Box<dyn Io>, config: Config) -> Self {
        Self {
            slot,
            transport: Transport::new(io),
            core: proto::Connection::new(),
            config,
            unsent: None,
            body: Box::pin(None),
            is_sent: false,
            is_answer_owed: false,
            switch: None,
            feed: None,
            n_discarded: 0,
            is_eof: false,
            write_error: None,
        }
    }
}

impl<B> Driver<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Makes everything move that can.
    fn turn(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Result<Turn, Error> {
        for _ in 0..MAX_ROUNDS {
            let mut turn = self.fill(scratch, cx)?;
            if turn != Turn::Ended && self.core.is_idle() {
                turn = self.begin().or(turn);
            }
            if turn != Turn::Ended && !self.core.is_idle() {
                turn = self.exchange(cx)?.or(turn);
            }
            if turn == Turn::Waits {
                turn = self.check_deadline(cx)?;
            }
            if turn != Turn::Moved {
                return Ok(turn);
            }
        }
        give_way(cx);
        Ok(Turn::Waits)
    }

    /// Runs the exchange under way as far as it goes without another read.
    fn exchange(&mut self, cx: &mut Context<'_>) -> Result<Turn, Error> {
        if self.is_answer_owed && self.slot.is_asker_gone() {
            return Ok(Turn::Ended);
        }
        let sent = self.send_body(cx)?;
        let flushed = self.flush(cx);
        let received = self.receive(cx)?;
        if received == Turn::Ended {
            return Ok(Turn::Ended);
        }
        if self.core.is_request_sent() && self.body.is_some() {
            self.stop_sending();
        }
        Ok(self.finish_exchange()?.or(sent).or(flushed).or(received))
    }

    /// Lets the next exchange begin, or ends the connection, once both sides of this one are done.
    fn finish_exchange(&mut self) -> Result<Turn, Error> {
        if !self.core.is_done() || !self.transport.output.is_empty() {
            return Ok(Turn::Waits);
        }
        if let Some(response) = self.switch.take() {
            if let Some(error) = self.write_error.take() {
                // The server would take the next protocol for the rest of the request.
                return Err(error.into());
            }
            self.hand_over(response);
            return Ok(Turn::Ended);
        }
        let is_usable =
            !self.is_eof && self.write_error.is_none() && self.transport.input.is_empty();
        if is_usable && self.core.next_exchange() {
            self.transport.begin_idle();
            self.slot.rest();
            Ok(Turn::Moved)
        } else {
            Ok(Turn::Ended)
        }
    }

    /// Says what is waited for, and acts on what is over.
    fn check_deadline(&mut self, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let wait = self.wait(cx);
        match self.transport.check_deadline(wait, &self.config, cx) {
            None => Ok(Turn::Waits),
            Some(Expired::Close) => Ok(Turn::Ended),
            Some(Expired::Continue) => {
                self.core.continue_anyway();
                Ok(Turn::Moved)
            }
            Some(Expired::Break(violation)) => Err(violation.into()),
            Some(Expired::WriteStalled) if self.is_answer_owed => Err(Error::WriteStalled),
            Some(Expired::WriteStalled) => {
                // A server that has answered need not take the rest.
                self.core.stop_sending();
                self.stop_sending();
                Ok(Turn::Moved)
            }
        }
    }

    fn wait(&self, cx: &Context<'_>) -> Wait {
        let wants_body = |feed: &Feed| feed.poll_demand(cx) != Demand::Enough;
        if self.core.is_idle() {
            Wait::NextRequest
        } else if !self.transport.output.is_empty() {
            Wait::Caller
        } else if self.core.awaits_leave() {
            Wait::Continue
        } else if self.core.is_response_owed() && self.core.is_request_sent() {
            Wait::Head
        } else if self.feed.as_ref().is_some_and(wants_body) {
            Wait::Body
        } else {
            Wait::Caller
        }
    }

    /// Tells what went wrong to whom it concerns.
    fn break_off(&mut self, error: Error) {
        tracing::debug!(error = &error as &dyn error::Error, "connection broke off");
        if let Some(feed) = self.feed.take() {
            feed.fail(error);
        } else if self.is_answer_owed {
            let is_lost = matches!(error, Error::Disconnected | Error::Io(_));
            let is_unanswered = self.core.is_unanswered(&self.transport.input);
            self.slot.answer(Err(Unanswered {
                error,
                request: self.unsent.take().filter(|_| is_lost && is_unanswered),
                is_sent: self.is_sent,
            }));
        }
    }
}

impl<B> Future for Driver<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.slot.register_driver(cx);
        let mut scratch = Scratch::take();
        self.transport.borrow(&mut scratch);
        let turn = self.turn(&mut scratch, cx);
        self.transport.give_back(&mut scratch);
        scratch.put_back();
        match turn {
            Ok(Turn::Moved | Turn::Waits) => return Poll::Pending,
            Ok(Turn::Ended) => self.transport.end(cx),
            Err(error) => self.break_off(error),
        }
        self.transport.close();
        self.slot.close();
        Poll::Ready(())
    }
}

impl<B> Drop for Driver<B> {
    fn drop(&mut self) {
        self.slot.close();
    }
}

impl<B> fmt::Debug for Driver<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driver")
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[test]
    fn a_driver_is_small() {
        assert!(size_of::<Driver<Full<Bytes>>>() < 1024);
    }
}
