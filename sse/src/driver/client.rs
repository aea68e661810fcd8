//! An event source over any tower service that answers HTTP requests.

use std::error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_core::Stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower_service::Service;

use super::last_event_id::LAST_EVENT_ID;
use crate::config::Config;
use crate::error::Error;
use crate::proto::parser::MessageEvent;
use crate::proto::{Phase, Source};

pin_project! {
    /// The events of a server, over as many connections as that takes: a [`Stream`].
    ///
    /// What it gives as an error it has dealt with by itself, unless [`Error::is_final`]; the
    /// stream ends when the source is closed, by a final error, by [`EventSource::close`], or by
    /// a server that answers 204.
    ///
    /// The service follows redirects or does not; here a redirect is an answer like any other, and
    /// ends the source. Cookies, authorisation and TLS are the service's as well.
    ///
    /// It is to be polled within a tokio runtime that has its timer on.
    ///
    /// # Cancel safety
    ///
    /// No event is lost when a future that waits for the next one is dropped. Dropping the source
    /// drops its request or its stream, which closes the connection.
    pub struct EventSource<S, B, R>
    where
        S: Service<Request<B>>,
        R: Body,
    {
        service: S,
        request: Request<B>,
        source: Source,
        // What came of the stream and was not read.
        input: Option<R::Data>,
        #[pin]
        exchange: Exchange<S::Future, R>,
        // It may be set to an earlier time than the source's deadline, never to a later one.
        #[pin]
        timer: Option<Sleep>,
    }
}

pin_project! {
    #[project = ExchangeProjection]
    enum Exchange<F, R> {
        None,
        Request { #[pin] answer: F },
        Stream { #[pin] body: R },
    }
}

type Item = Result<MessageEvent, Error>;

impl<S, B, R> EventSource<S, B, R>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<Box<dyn error::Error + Send + Sync>>,
    B: Clone,
    R: Body,
    R::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    /// Makes a source; its first request is made when it is polled.
    ///
    /// Each request is a copy of `request`, any body included, with Accept and Cache-Control added
    /// where it has none. Where it has Last-Event-ID, the source goes on from there.
    pub fn new(service: S, request: Request<B>, config: &Config) -> Self {
        let last_event_id = request.headers().get(LAST_EVENT_ID);
        let last_event_id = last_event_id
            .and_then(|id| std::str::from_utf8(id.as_bytes()).ok())
            .unwrap_or_default();
        // Its keys are the only randomness that the standard library gives.
        let seed = RandomState::new().hash_one(());
        Self {
            source: Source::new(config, last_event_id, now(), seed),
            service,
            request,
            input: None,
            exchange: Exchange::None,
            timer: None,
        }
    }

    /// Returns where it stands.
    pub fn phase(&self) -> Phase {
        self.source.phase()
    }

    /// Returns the id of the last event that had one; empty if none had.
    pub fn last_event_id(&self) -> &str {
        self.source.last_event_id()
    }

    /// Ends it for good, and closes its connection.
    pub fn close(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.source.close();
        *this.input = None;
        this.exchange.set(Exchange::None);
        this.timer.set(None);
    }

    /// Goes on with the request or the stream that the phase goes with.
    fn poll_exchange(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Item> {
        loop {
            let step = match self.source.phase() {
                Phase::Waiting | Phase::Closed => return Poll::Pending,
                Phase::Asking => ready!(self.as_mut().poll_answer(cx)),
                Phase::Open => ready!(self.as_mut().poll_stream(cx)),
            };
            let Some(item) = step else { continue };
            if item.is_err() {
                let mut this = self.as_mut().project();
                *this.input = None;
                this.exchange.set(Exchange::None);
            }
            return Poll::Ready(item);
        }
    }

    fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let mut this = self.project();
        if let ExchangeProjection::Request { answer } = this.exchange.as_mut().project() {
            let answer = ready!(answer.poll(cx));
            return Poll::Ready(match answer {
                Err(error) => {
                    this.source.receive_eof(now());
                    Some(Err(Error::Request(error.into())))
                }
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    let content_type = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
                    let status = head.status.as_u16();
                    this.exchange.set(Exchange::Stream { body });
                    let phase = this.source.receive_head(status, content_type, now());
                    phase.err().map(|violation| Err(violation.into()))
                }
            });
        }
        if let Err(error) = ready!(this.service.poll_ready(cx)) {
            this.source.close();
            return Poll::Ready(Some(Err(Error::Service(error.into()))));
        }
        let request = next_request(this.request, this.source.last_event_id());
        let answer = this.service.call(request);
        this.exchange.set(Exchange::Request { answer });
        Poll::Ready(None)
    }

    fn poll_stream(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let mut this = self.project();
        if let Some(input) = this.input {
            match this.source.receive(input, now()) {
                Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                Ok(None) => *this.input = None,
                Err(violation) => return Poll::Ready(Some(Err(violation.into()))),
            }
        }
        let ExchangeProjection::Stream { body } = this.exchange.as_mut().project() else {
            unreachable!("an open source has a stream");
        };
        let error = match ready!(body.poll_frame(cx)) {
            Some(Ok(frame)) => {
                // Trailers say nothing.
                *this.input = frame.into_data().ok();
                return Poll::Ready(None);
            }
            Some(Err(error)) => Error::Body(error.into()),
            None => Error::Ended,
        };
        this.source.receive_eof(now());
        Poll::Ready(Some(Err(error)))
    }

    /// Ready when the source's deadline has passed.
    fn poll_deadline(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(deadline) = this.source.poll_deadline() else {
            this.timer.set(None);
            return Poll::Pending;
        };
        let deadline = tokio::time::Instant::from_std(deadline);
        let is_late = |timer: &Sleep| timer.deadline() > deadline;
        if this
            .timer
            .as_ref()
            .as_pin_ref()
            .is_none_or(|timer| is_late(&timer))
        {
            this.timer.set(Some(tokio::time::sleep_until(deadline)));
        }
        loop {
            let mut timer = this.timer.as_mut().as_pin_mut().expect("it was set");
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            timer.reset(deadline);
        }
    }
}

impl<S, B, R> Stream for EventSource<S, B, R>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<Box<dyn error::Error + Send + Sync>>,
    B: Clone,
    R: Body,
    R::Error: Into<Box<dyn error::Error + Send + Sync>>,
{
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        loop {
            // First what has come: a caller that polls late must not take it for silence.
            if let Poll::Ready(item) = self.as_mut().poll_exchange(cx) {
                return Poll::Ready(Some(item));
            }
            if self.source.phase() == Phase::Closed {
                self.as_mut().close();
                return Poll::Ready(None);
            }
            ready!(self.as_mut().poll_deadline(cx));
            let mut this = self.as_mut().project();
            let was_waiting = this.source.phase() == Phase::Waiting;
            this.source.handle_timeout(now());
            if !was_waiting && this.source.phase() == Phase::Waiting {
                *this.input = None;
                this.exchange.set(Exchange::None);
                return Poll::Ready(Some(Err(Error::Silent)));
            }
        }
    }
}

impl<S, B, R> fmt::Debug for EventSource<S, B, R>
where
    S: Service<Request<B>>,
    R: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Returns a copy of the request that goes on behind the last event.
///
/// # Spec
///
/// WHATWG HTML §9.2.2 and §9.2.3. An id that no header can carry is left out: one with a control
/// character, which a server of ours does not send.
fn next_request<B: Clone>(request: &Request<B>, last_event_id: &str) -> Request<B> {
    let mut request = request.clone();
    let headers = request.headers_mut();
    for (name, value) in [(ACCEPT, "text/event-stream"), (CACHE_CONTROL, "no-cache")] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    match HeaderValue::from_bytes(last_event_id.as_bytes()) {
        Ok(id) if !id.is_empty() => headers.insert(LAST_EVENT_ID, id),
        _ => headers.remove(LAST_EVENT_ID),
    };
    request
}

/// The runtime's clock, so that tests may pause it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
