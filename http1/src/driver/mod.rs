//! One connection as one future: the stream, the machine, the service and the deadline.
//!
//! A turn reads once, answers every request that is complete, and writes once. Buffers are the
//! thread's; what is left in them at the end of a turn is the connection's.

mod closing;
mod date;
mod file;
mod output;
mod scratch;
mod transport;

use std::error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_reactor::{Connection, FileRegion, Handover, Refused};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use self::closing::Closing;
use self::file::FileTransfer;
use self::scratch::Scratch;
use self::transport::Transport;
use crate::body::{Demand, Feed, Incoming};
use crate::config::Config;
use crate::error::{Error, Misuse, Violation};
use crate::proto::{BodyEvent, Expired, Transfer, Wait};

type BoxError = Box<dyn error::Error + Send + Sync>;

pin_project! {
    /// Serves one connection; made by calling [`Http1`](crate::Http1).
    ///
    /// It completes when the connection has ended: with `Ok` when it ended between two exchanges.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes the connection where it is.
    #[must_use = "futures do nothing unless polled"]
    pub struct Serve<S, F, B> {
        transport: Transport,
        app: S,
        feed: Option<Feed>,
        n_discarded: usize,
        #[pin]
        step: Step<F, B>,
    }
}

pin_project! {
    /// How far the exchange under way has come on the service's side.
    #[project = StepProj]
    #[project_replace = StepTaken]
    enum Step<F, B> {
        /// No request.
        Idle,
        /// A request, for which the service is not ready yet.
        Received { request: Box<Request<Incoming>> },
        /// The service works.
        Called { #[pin] future: F },
        /// The response's body is being sent. The body lives until its last byte has left, also
        /// where the bytes come from a file.
        Sending {
            #[pin] body: B,
            region: Option<FileRegion>,
            file: Option<Box<FileTransfer>>,
        },
        /// The head of a switch to another protocol is being sent.
        Handing { handover: Handover },
        /// Another protocol has the stream.
        HandedOver { future: Pin<Box<dyn Future<Output = ()> + Send>> },
        /// The last response is written.
        Closing { closing: Closing },
    }
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
/// Rounds of reading and answering before other connections have their turn.
const MAX_ROUNDS: usize = 16;

impl Turn {
    fn or(self, other: Self) -> Self {
        if self == Self::Waits { other } else { self }
    }
}

impl<S, B> Serve<S, S::Future, B>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(connection: Connection, app: S, config: Arc<Config>) -> Self {
        let mut transport = Transport::new(connection.io, &connection.shutdown, config);
        let step = match connection.peer.refused {
            None => Step::Idle,
            Some(refused) => {
                transport.refuse(match refused {
                    Refused::PerAddress => StatusCode::TOO_MANY_REQUESTS,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                });
                Step::Closing {
                    closing: Closing::begin(true),
                }
            }
        };
        Self {
            transport,
            app,
            feed: None,
            n_discarded: 0,
            step,
        }
    }

    /// Makes everything move that can.
    fn turn(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        for _ in 0..MAX_ROUNDS {
            let mut turn = Turn::Waits;
            if !self.rests() {
                turn = self.as_mut().exchange(cx)?;
                if turn == Turn::Ended {
                    return Poll::Ready(Ok(()));
                }
                if self.transport.is_handed_over() {
                    return Poll::Pending;
                }
                turn = turn.or(self.as_mut().project().transport.flush(cx)?);
            }
            if turn == Turn::Waits || self.rests() {
                turn = self.as_mut().fill(cx)?;
            }
            if turn == Turn::Waits {
                turn = self.as_mut().check_deadline(cx)?;
            }
            match turn {
                Turn::Moved => {}
                Turn::Waits => return Poll::Pending,
                Turn::Ended => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Tells whether nothing can move before the next byte comes in.
    fn rests(&self) -> bool {
        let transport = &self.transport;
        matches!(self.step, Step::Idle)
            && transport.input.is_empty()
            && transport.output.is_empty()
            && transport.core.is_idle()
    }

    /// Runs exchanges as far as they go without the stream.
    fn exchange(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let mut moved = Turn::Waits;
        loop {
            moved = moved.or(self.as_mut().pump_body(cx));
            let this = self.as_mut().project();
            if this.transport.output.len() >= MAX_OUTPUT_BYTES {
                return Ok(moved);
            }
            let turn = match this.step.project() {
                StepProj::Idle => self.as_mut().receive(cx),
                StepProj::Received { .. } => self.as_mut().call_again(cx),
                StepProj::Called { future } => match future.poll(cx) {
                    Poll::Ready(Ok(response)) => self.as_mut().respond(response, cx)?,
                    Poll::Ready(Err(error)) => self.as_mut().service_failed(error.into()),
                    Poll::Pending => Turn::Waits,
                },
                StepProj::Sending { .. } => self.as_mut().send_body(cx)?,
                StepProj::Handing { .. } => self.as_mut().hand_over(),
                StepProj::HandedOver { future } => match future.as_mut().poll(cx) {
                    Poll::Ready(()) => Turn::Ended,
                    Poll::Pending => Turn::Waits,
                },
                StepProj::Closing { closing } => closing.turn(this.transport, cx)?,
            };
            match turn {
                Turn::Moved => moved = Turn::Moved,
                Turn::Waits => return Ok(moved),
                Turn::Ended => return Ok(Turn::Ended),
            }
        }
    }

    /// Begins an exchange, if a request's head is complete, or ends the last one.
    fn receive(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        if self.transport.core.is_response_sent() {
            return self.finish();
        }
        let this = self.as_mut().project();
        let transport = this.transport;
        if transport.input.is_empty() {
            return Turn::Waits;
        }
        let mut request = Request::new(Incoming::default());
        let input = &mut transport.input;
        match transport
            .core
            .receive_head(input, &transport.config, &mut request)
        {
            Ok(None) => Turn::Waits,
            Ok(Some(facts)) => {
                let (feed, body) = transport.incoming(facts);
                (*this.feed, *this.n_discarded) = (feed, 0);
                *request.body_mut() = body;
                self.call(request, cx)
            }
            Err(violation) => self.violated(violation),
        }
    }

    /// Calls the service, or keeps the request until it is ready.
    fn call(mut self: Pin<&mut Self>, request: Request<Incoming>, cx: &mut Context<'_>) -> Turn {
        let mut this = self.as_mut().project();
        match this.app.poll_ready(cx) {
            Poll::Pending => {
                let request = Box::new(request);
                this.step.set(Step::Received { request });
                Turn::Waits
            }
            Poll::Ready(Err(error)) => self.service_failed(error.into()),
            Poll::Ready(Ok(())) => {
                this.step.set(Step::Called {
                    future: this.app.call(request),
                });
                Turn::Moved
            }
        }
    }

    /// Calls the service with the request that waited for it.
    fn call_again(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        match self.as_mut().project().step.project_replace(Step::Idle) {
            StepTaken::Received { request } => self.call(*request, cx),
            _ => Turn::Waits,
        }
    }

    /// Writes the head of the service's response.
    fn respond(
        mut self: Pin<&mut Self>,
        response: Response<B>,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        let mut this = self.as_mut().project();
        let transport = this.transport;
        if let Some(handover) = response.extensions().get::<Handover>() {
            let handover = handover.clone();
            transport.send_handover_head(&response);
            this.step.set(Step::Handing { handover });
            return Ok(Turn::Moved);
        }
        // A client that still waits for leave to send its body may send it or not: what comes
        // next cannot be told apart.
        let is_body_too_long_to_discard = this.feed.as_ref().is_some_and(Feed::is_reader_gone)
            && transport
                .core
                .body_left()
                .is_some_and(|n| n > MAX_DISCARDED_BODY_BYTES as u64);
        if transport.is_draining() || transport.awaits_continue() || is_body_too_long_to_discard {
            transport.core.close_after_response();
        }
        let exact_len = response.body().size_hint().exact();
        match transport.send_head(&response, exact_len) {
            Transfer::None | Transfer::Length(0) => {
                this.step.set(Step::Idle);
                Ok(self.finish())
            }
            Transfer::Length(_) | Transfer::Chunked | Transfer::UntilClose => {
                let region = response.extensions().get::<FileRegion>().cloned();
                let body = response.into_body();
                this.step.set(Step::Sending {
                    body,
                    region,
                    file: None,
                });
                self.send_body(cx)
            }
        }
    }

    /// Sends what the response's body has ready.
    fn send_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let mut this = self.as_mut().project();
        let transport = this.transport;
        let StepProj::Sending { body, region, file } = this.step.as_mut().project() else {
            return Ok(Turn::Waits);
        };
        if let Some(sending) = file {
            if transport.send_file(sending, cx)?.is_pending() {
                return Ok(Turn::Waits);
            }
            transport.send_end(None)?;
        } else {
            match body.poll_frame(cx) {
                Poll::Pending => return Ok(Turn::Waits),
                Poll::Ready(None) => transport.send_end(None)?,
                Poll::Ready(Some(Err(error))) => return Err(body_failed(error.into())),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        *file = transport.send_frame(data, region.as_ref())?;
                        if file.is_some() || !transport.core.is_body_sent() {
                            return Ok(Turn::Moved);
                        }
                        transport.send_end(None)?;
                    }
                    Err(frame) => transport.send_end(frame.trailers_ref())?,
                },
            }
        }
        this.step.set(Step::Idle);
        Ok(self.finish())
    }

    /// Ends an exchange whose response is written.
    fn finish(self: Pin<&mut Self>) -> Turn {
        let mut this = self.project();
        let transport = this.transport;
        if transport.core.is_receiving_body() {
            // The rest of the body is still wanted, or short enough to be discarded.
            if this.feed.is_some() {
                return Turn::Waits;
            }
            this.step.set(Step::Closing {
                closing: Closing::begin(true),
            });
        } else if transport.core.next_exchange() {
            transport.begin_idle();
        } else {
            let lingers = !transport.input.is_empty();
            this.step.set(Step::Closing {
                closing: Closing::begin(lingers),
            });
        }
        Turn::Moved
    }

    /// Moves the request's body from the input to the service.
    fn pump_body(mut self: Pin<&mut Self>, cx: &Context<'_>) -> Turn {
        let this = self.as_mut().project();
        let mut moved = Turn::Waits;
        while let Some(feed) = this.feed.as_ref() {
            let transport = &mut *this.transport;
            let demand = feed.poll_demand(cx);
            if demand == Demand::Enough {
                break;
            }
            match transport
                .core
                .receive_body(&mut transport.input, &transport.config)
            {
                Ok(Some(BodyEvent::Data(data))) if demand == Demand::Gone => {
                    *this.n_discarded += data.len();
                    if *this.n_discarded > MAX_DISCARDED_BODY_BYTES {
                        *this.feed = None;
                        transport.core.close_after_response();
                    }
                }
                Ok(Some(BodyEvent::Data(data))) => feed.data(data),
                Ok(Some(BodyEvent::End(trailers))) => {
                    if let Some(feed) = this.feed.take() {
                        feed.end(trailers);
                    }
                }
                Ok(None) => {
                    if demand == (Demand::More { is_waiting: true }) && transport.send_continue() {
                        return Turn::Moved;
                    }
                    break;
                }
                Err(violation) => return self.violated(violation),
            }
            moved = Turn::Moved;
        }
        moved
    }

    /// Gives the stream to the next protocol, once the head is written.
    fn hand_over(self: Pin<&mut Self>) -> Turn {
        let mut this = self.project();
        if !this.transport.output.is_empty() {
            return Turn::Waits;
        }
        let StepProj::Handing { handover } = this.step.as_mut().project() else {
            return Turn::Waits;
        };
        let Some(takeover) = handover.take() else {
            return Turn::Ended;
        };
        let Some((io, unread)) = this.transport.hand_over() else {
            return Turn::Ended;
        };
        this.step.set(Step::HandedOver {
            future: takeover(io, unread),
        });
        Turn::Moved
    }

    /// Reads, where there is a use for more.
    fn fill(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let this = self.as_ref().get_ref();
        let is_wanted = match (&this.step, &this.feed) {
            (Step::Closing { .. } | Step::Handing { .. } | Step::HandedOver { .. }, _) => false,
            (_, Some(feed)) => feed.poll_demand(cx) != Demand::Enough,
            (_, None) => !this.transport.core.is_receiving_body(),
        };
        if !is_wanted {
            return Ok(Turn::Waits);
        }
        let mut this = self.as_mut().project();
        match this.transport.fill(cx)? {
            Poll::Pending => Ok(Turn::Waits),
            Poll::Ready(Ok(())) if this.transport.is_eof() && this.transport.core.is_idle() => {
                this.step.set(Step::Closing {
                    closing: Closing::begin(false),
                });
                Ok(Turn::Moved)
            }
            Poll::Ready(Ok(())) => Ok(Turn::Moved),
            Poll::Ready(Err(violation)) => Ok(self.violated(violation)),
        }
    }

    /// Says what is waited for, and acts on what is over.
    fn check_deadline(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let wait = self.wait(cx);
        match self.as_mut().project().transport.check_deadline(wait, cx) {
            None => Ok(Turn::Waits),
            Some(Expired::Close) => Ok(Turn::Ended),
            Some(Expired::Refuse(violation)) => Ok(self.violated(violation)),
            Some(Expired::WriteStalled) => Err(Error::WriteStalled),
        }
    }

    fn wait(&self, cx: &Context<'_>) -> Wait {
        let transport = &self.transport;
        let wants_body = self.feed.as_ref().is_some_and(|feed| {
            !transport.awaits_continue() && feed.poll_demand(cx) != Demand::Enough
        });
        match &self.step {
            Step::Closing { .. } if transport.output.is_empty() => Wait::Linger,
            Step::Idle if transport.core.is_idle() && !transport.input.is_empty() => Wait::Head,
            Step::Idle if transport.core.is_idle() && transport.core.has_served() => {
                Wait::NextRequest
            }
            Step::Idle if transport.core.is_idle() => Wait::FirstByte,
            _ if wants_body => Wait::Body,
            _ if transport.is_eof() => Wait::HalfClosed,
            _ => Wait::Service,
        }
    }

    /// Answers a violation, if no answer has begun, and ends the connection.
    fn violated(self: Pin<&mut Self>, violation: Violation) -> Turn {
        let this = self.project();
        tracing::debug!(%violation, "request refused");
        if let Some(feed) = this.feed.take() {
            feed.fail(violation.into());
        }
        refuse(this.transport, this.step, violation.status())
    }

    /// Answers for a service that gave no response, and ends the connection.
    fn service_failed(self: Pin<&mut Self>, error: BoxError) -> Turn {
        let this = self.project();
        tracing::debug!(error = &*error as &dyn error::Error, "service failed");
        *this.feed = None;
        refuse(this.transport, this.step, StatusCode::INTERNAL_SERVER_ERROR)
    }
}

fn refuse<F, B>(
    transport: &mut Transport,
    mut step: Pin<&mut Step<F, B>>,
    status: StatusCode,
) -> Turn {
    transport.refuse(status);
    step.set(Step::Closing {
        closing: Closing::begin(true),
    });
    Turn::Moved
}

fn body_failed(error: BoxError) -> Error {
    tracing::debug!(error = &*error as &dyn error::Error, "response body failed");
    Misuse::BodyFailed.into()
}

impl<S, B> Future for Serve<S, S::Future, B>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut scratch = Scratch::take();
        self.as_mut().project().transport.borrow(&mut scratch);
        let ended = self.as_mut().turn(cx);
        self.project().transport.give_back(&mut scratch);
        scratch.put_back();
        ended
    }
}
