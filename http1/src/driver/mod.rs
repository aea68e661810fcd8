//! One connection as one future: the stream, the machine, the service and the deadline.
//!
//! A turn reads once, answers every request that is complete, and writes once. Buffers are the
//! thread's; what is left in them at the end of a turn is the connection's.
//!
//! What runs for every request is inlined by force: it is called from one place each, and the calls
//! were 4 % of a plain request's instructions.

mod closing;
mod date;
mod file;
pub(crate) mod output;
mod request;
mod response;
pub(crate) mod scratch;
mod stage;
mod transport;

use std::error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use astatine_reactor::{Connection, FileRegion, Handover, give_way};
use bytes::Bytes;
use http_body::Body;
use tower_service::Service;

use self::closing::Closing;
use self::file::FileTransfer;
use self::scratch::Scratch;
use self::stage::Stage;
use self::transport::Transport;
use crate::body::{Demand, Feed};
use crate::door::{AppRequest, AppResponse};
use crate::error::{Error, Violation};
use crate::proto::{Expired, Wait};
use crate::refusal::{Reason, Refusal};
use crate::service::Setup;

type BoxError = Box<dyn error::Error + Send + Sync>;

/// Serves one connection; made by calling [`Http1`](crate::Http1).
///
/// It completes when the connection has ended: with `Ok` in good order, also behind a refusal or an
/// idle time; with an error where an exchange broke off.
///
/// # Cancel safety
///
/// Dropping it closes the connection where it is.
#[must_use = "futures do nothing unless polled"]
pub struct Serve<S, R, F, B>(Protocol<S, R, F, B>);

/// What has the stream. Each lies elsewhere, so that the next one does not keep the room of HTTP.
enum Protocol<S, R, F, B> {
    Http(Box<Exchanges<S, R, F, B>>),
    Next(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// The exchanges of a connection, one after the other.
struct Exchanges<S, R, F, B> {
    transport: Transport,
    app: S,
    feed: Option<Feed>,
    n_discarded: usize,
    step: Step<R>,
    stage: Stage<F, B>,
}

/// How far the exchange under way has come on the service's side.
enum Step<R> {
    /// No request, or only the rest of its body.
    Idle,
    /// A request, for which the service is not ready yet.
    Received(Box<R>),
    /// The service works.
    Called,
    /// The response's body is being sent; it may be the file's, until its first frame has told.
    Sending(Option<FileRegion>),
    /// A file is being sent. The body stays until the last byte has left, as with any other.
    SendingFile(Box<FileTransfer>),
    /// The head of a switch to another protocol is being sent.
    Handing(Handover),
    /// Another protocol is given the stream.
    HandedOver(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// The last response is written.
    Closing(Closing),
}

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
const MAX_DISCARDED_BODY_BYTES: usize = 256 << 10;
/// Rounds, each of a read or of answers, before other connections have their turn.
const MAX_ROUNDS: usize = 8;

impl Turn {
    fn or(self, other: Self) -> Self {
        if self == Self::Waits { other } else { self }
    }
}

impl<S, R, B> Exchanges<S, R, S::Future, B>
where
    S: Service<R>,
    S::Response: AppResponse<Body = B>,
    R: AppRequest,
    S::Future: 'static,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<BoxError>,
{
    fn new(connection: Connection, app: S, setup: Arc<Setup>) -> Self {
        let refused = connection.peer.refused;
        let transport = Transport::new(connection, setup);
        let mut serve = Self {
            transport,
            app,
            feed: None,
            n_discarded: 0,
            step: Step::Idle,
            stage: Stage::new(),
        };
        if let Some(limit) = refused {
            serve.refuse(Reason::Connections(limit));
        }
        serve
    }

    /// Serves exchanges until the connection has ended, or another protocol is given the stream.
    #[inline(always)]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut scratch = Scratch::take();
        self.transport.borrow(&mut scratch);
        let ended = self.turn(&mut scratch, cx);
        if ended.is_ready() {
            self.stage.clear();
        }
        self.transport.give_back(&mut scratch);
        if !matches!(
            self.step,
            Step::Called | Step::Sending(_) | Step::SendingFile(_)
        ) {
            self.stage.give_back(&mut scratch.stages);
        }
        scratch.put_back();
        ended
    }

    /// Makes everything move that can.
    fn turn(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        for _ in 0..MAX_ROUNDS {
            let turn = if self.is_between() && self.transport.output.is_empty() {
                self.rest(scratch, cx)?
            } else {
                self.go(scratch, cx)?
            };
            match turn {
                Turn::Moved => {}
                Turn::Waits => return Poll::Pending,
                Turn::Ended => return Poll::Ready(Ok(())),
            }
        }
        give_way(cx);
        Poll::Pending
    }

    /// Waits for the next request: nothing else can move.
    #[inline(always)]
    fn rest(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Result<Turn, Error> {
        match self.fill(scratch, cx)? {
            Turn::Waits => {
                let wait = self.transport.wait_between();
                self.check_deadline(wait, cx)
            }
            turn => Ok(turn),
        }
    }

    /// Runs exchanges, writes, and reads only if that got nowhere.
    #[inline(always)]
    fn go(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let mut turn = match self.exchange(scratch, cx) {
            Ok(turn) => turn,
            Err(error) => self.broken(error)?,
        };
        if turn == Turn::Ended {
            return Ok(turn);
        }
        turn = turn.or(self.transport.flush(cx)?);
        if turn == Turn::Waits && self.wants_input(cx) && self.transport.can_fill() {
            turn = self.fill(scratch, cx)?;
        }
        if turn == Turn::Waits {
            let wait = self.wait(cx);
            turn = self.check_deadline(wait, cx)?;
        }
        Ok(turn)
    }

    /// Tells whether there is no exchange, and no input for the next one.
    fn is_between(&self) -> bool {
        let transport = &self.transport;
        transport.input.is_empty()
            && matches!(self.step, Step::Idle)
            && transport.core.is_idle()
            && !transport.is_eof()
    }

    /// Runs exchanges as far as they go without the stream.
    #[inline(always)]
    fn exchange(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let mut moved = Turn::Waits;
        loop {
            if self.feed.is_some() {
                moved = moved.or(self.pump_body(cx));
            }
            if self.transport.output.len() >= MAX_OUTPUT_BYTES {
                return Ok(moved);
            }
            let turn = match self.step {
                Step::Idle => self.receive(scratch, cx)?,
                _ => self.go_on(scratch, cx)?,
            };
            match turn {
                // What has left by itself, as a file does, counts in the turn, too.
                Turn::Moved if self.is_between() || self.transport.output.is_empty() => {
                    return Ok(Turn::Moved);
                }
                Turn::Moved => moved = Turn::Moved,
                Turn::Waits => return Ok(moved),
                Turn::Ended => return Ok(Turn::Ended),
            }
        }
    }

    /// Goes on with an exchange that was not done at once.
    // Never inlined: what most requests pass by would take registers from what they need.
    #[inline(never)]
    fn go_on(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Result<Turn, Error> {
        match &mut self.step {
            Step::Idle => Ok(Turn::Waits),
            Step::Received(_) => self.call_again(scratch, cx),
            Step::Called => self.poll_service(scratch, cx),
            Step::Sending(region) => {
                let region = region.take();
                self.send_body(region, cx)
            }
            Step::SendingFile(_) => self.send_file_on(cx),
            Step::Handing(_) => Ok(self.hand_over()),
            Step::HandedOver(_) => Ok(Turn::Ended),
            Step::Closing(closing) => closing.turn(&mut self.transport, scratch, cx),
        }
    }

    /// Goes on to a step in which the service has no part.
    #[inline(always)]
    fn enter(&mut self, next: Step<R>) {
        self.stage.clear();
        self.step = next;
    }

    /// Leaves the service's side of an exchange that is answered.
    #[inline(always)]
    fn leave(&mut self) {
        self.stage.clear();
        // An answer that was there at once has passed no steps.
        if !matches!(self.step, Step::Idle) {
            self.step = Step::Idle;
        }
    }

    /// Acts on what is over of a wait.
    #[inline(always)]
    fn check_deadline(&mut self, wait: Wait, cx: &mut Context<'_>) -> Result<Turn, Error> {
        match self.transport.check_deadline(wait, cx) {
            None => Ok(Turn::Waits),
            Some(Expired::Close) => Ok(Turn::Ended),
            Some(Expired::Refuse(violation)) => Ok(self.violated(violation)),
            Some(Expired::Unwatched) if self.transport.has_peer_ended(cx) => {
                self.transport.abort();
                Ok(Turn::Ended)
            }
            Some(Expired::Unwatched) => Ok(Turn::Waits),
            Some(Expired::WriteStalled) => {
                // What the peer does not take would stay in the kernel for minutes.
                self.transport.abort();
                Err(Error::WriteStalled)
            }
        }
    }

    /// Says what is waited for. While something is left to write, nothing but a body is read, so
    /// only the timers of writing may run.
    fn wait(&self, cx: &Context<'_>) -> Wait {
        let transport = &self.transport;
        let wants_body = self.feed.as_ref().is_some_and(|feed| {
            !transport.awaits_continue() && feed.poll_demand(cx) != Demand::Enough
        });
        match &self.step {
            _ if wants_body => Wait::Body,
            _ if !transport.output.is_empty() => Wait::Service,
            Step::Closing(_) => Wait::Linger,
            Step::Idle if transport.core.is_idle() => transport.wait_between(),
            _ if transport.is_eof() => Wait::HalfClosed,
            _ if !(self.wants_input(cx) && transport.has_room()) => Wait::Unwatched,
            _ => Wait::Service,
        }
    }

    /// Answers a violation, if no answer has begun, and ends the connection.
    #[cold]
    fn violated(&mut self, violation: Violation) -> Turn {
        tracing::debug!(%violation, "request refused");
        if let Some(feed) = self.feed.take() {
            feed.fail(violation.into());
        }
        self.refuse(Reason::Violation(violation))
    }

    /// Answers for a service that gave no response, and ends the connection. A violation is one that
    /// the service found in a head.
    #[cold]
    fn service_failed(&mut self, error: BoxError) -> Turn {
        self.feed = None;
        if let Some(&violation) = error.downcast_ref::<Violation>() {
            return self.violated(violation);
        }
        tracing::debug!(error = &*error as &dyn error::Error, "service failed");
        self.refuse(Reason::ServiceFailed)
    }

    /// Ends a connection on which a response broke off, once what was written before has left.
    #[cold]
    fn broken(&mut self, error: Error) -> Result<Turn, Error> {
        if self.transport.output.is_empty() || matches!(error, Error::Io(_)) {
            return Err(error);
        }
        self.feed = None;
        self.enter(Step::Closing(Closing::break_off(error)));
        Ok(Turn::Moved)
    }

    fn refuse(&mut self, reason: Reason) -> Turn {
        if let (Some(hook), Some(peer)) = (&self.transport.setup.on_refusal, self.transport.peer())
        {
            hook(&Refusal { reason, peer });
        }
        self.transport.refuse(reason.status());
        let closing = if self.transport.core.is_body_until_close() {
            // Half a response must not end as a whole one does.
            Closing::break_off(Error::Disconnected)
        } else {
            Closing::begin()
        };
        self.enter(Step::Closing(closing));
        Turn::Moved
    }
}

impl<S, R, B> Serve<S, R, S::Future, B>
where
    S: Service<R>,
    S::Response: AppResponse<Body = B>,
    R: AppRequest,
    S::Future: 'static,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(connection: Connection, app: S, setup: Arc<Setup>) -> Self {
        Self(Protocol::Http(Box::new(Exchanges::new(
            connection, app, setup,
        ))))
    }
}

impl<S, R, B> Future for Serve<S, R, S::Future, B>
where
    S: Service<R>,
    S::Response: AppResponse<Body = B>,
    R: AppRequest,
    S::Future: 'static,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                Protocol::Http(exchanges) => {
                    ready!(exchanges.poll(cx))?;
                    match std::mem::replace(&mut exchanges.step, Step::Idle) {
                        Step::HandedOver(next) => self.0 = Protocol::Next(next),
                        _ => return Poll::Ready(Ok(())),
                    }
                }
                Protocol::Next(next) => return next.as_mut().poll(cx).map(Ok),
            }
        }
    }
}
