//! The request's side of an exchange: from the input to the service.

use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body;
use tower_service::Service;

use super::closing::Closing;
use super::scratch::Scratch;
use super::{BoxError, Exchanges, MAX_DISCARDED_BODY_BYTES, Step, Turn};
use crate::body::Demand;
use crate::door::{AppRequest, AppResponse};
use crate::error::{Error, Violation};
use crate::proto::{BodyEvent, Framing};

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
    /// Begins an exchange, if a request's head is complete, or ends the last one.
    pub(super) fn receive(
        &mut self,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        if self.transport.core.is_response_sent() {
            return Ok(self.finish());
        }
        let transport = &mut self.transport;
        if transport.input.is_empty() {
            if transport.is_eof() && transport.core.is_idle() {
                self.enter(Step::Closing(Closing::begin()));
                return Ok(Turn::Moved);
            }
            return Ok(Turn::Waits);
        }
        let has_room = transport.core.n_fields_expected() <= scratch.fields.capacity();
        let mut request = R::empty(has_room.then_some(&mut scratch.fields));
        let input = &mut transport.input;
        match transport
            .core
            .receive_head(input, &transport.setup.config, request.head_mut())
        {
            Ok(None) if transport.is_eof() && transport.core.is_idle() => {
                Ok(self.violated(Violation::UnexpectedEof))
            }
            Ok(None) => Ok(Turn::Waits),
            Ok(Some(facts)) => {
                if facts.framing != Framing::None {
                    let (feed, body) = transport.incoming(facts);
                    (self.feed, self.n_discarded) = (feed, 0);
                    request.set_body(body);
                }
                // A request is large: handed to a function of ours it would be copied once more.
                match self.app.poll_ready(cx) {
                    Poll::Ready(Ok(())) => {
                        self.stage.open(&mut scratch.stages);
                        self.stage.set_future(self.app.call(request));
                        self.called(scratch, cx)
                    }
                    Poll::Ready(Err(error)) => Ok(self.service_failed(error.into())),
                    Poll::Pending => {
                        self.step = Step::Received(Box::new(request));
                        Ok(Turn::Waits)
                    }
                }
            }
            Err(violation) => Ok(self.violated(violation)),
        }
    }

    /// Calls the service with the request that waited for it.
    pub(super) fn call_again(
        &mut self,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        match self.app.poll_ready(cx) {
            Poll::Pending => return Ok(Turn::Waits),
            Poll::Ready(Err(error)) => return Ok(self.service_failed(error.into())),
            Poll::Ready(Ok(())) => {}
        }
        if let Step::Received(request) = std::mem::replace(&mut self.step, Step::Idle) {
            self.stage.open(&mut scratch.stages);
            self.stage.set_future(self.app.call(*request));
        }
        self.called(scratch, cx)
    }

    /// Lets the service begin, unless the request's body goes first: it may be there already.
    #[inline(always)]
    fn called(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Result<Turn, Error> {
        if self.feed.is_some() {
            self.step = Step::Called;
            return Ok(Turn::Moved);
        }
        self.poll_service(scratch, cx)
    }

    /// Moves the request's body from the input to the service.
    #[inline(never)]
    pub(super) fn pump_body(&mut self, cx: &Context<'_>) -> Turn {
        let mut moved = Turn::Waits;
        while let Some(feed) = self.feed.as_ref() {
            let transport = &mut self.transport;
            let demand = feed.poll_demand(cx);
            if demand == Demand::Enough {
                break;
            }
            match transport
                .core
                .receive_body(&mut transport.input, &transport.setup.config)
            {
                Ok(Some(BodyEvent::Data(data))) if demand == Demand::Gone => {
                    self.n_discarded += data.len();
                    if self.n_discarded > MAX_DISCARDED_BODY_BYTES {
                        self.feed = None;
                        transport.core.close_after_response();
                    }
                }
                Ok(Some(BodyEvent::Data(data))) => feed.data(data),
                Ok(Some(BodyEvent::End(trailers))) => {
                    if let Some(feed) = self.feed.take() {
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

    /// Tells whether there is a use for more input.
    pub(super) fn wants_input(&self, cx: &Context<'_>) -> bool {
        match (&self.step, &self.feed) {
            (Step::Closing(_) | Step::HandedOver(_), _) => false,
            (Step::Handing(_), None) => false,
            (_, Some(feed)) => feed.poll_demand(cx) != Demand::Enough,
            (_, None) => !self.transport.core.is_receiving_body(),
        }
    }

    /// Reads once.
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        match self.transport.fill(scratch, cx)? {
            Poll::Pending => Ok(Turn::Waits),
            Poll::Ready(Ok(())) => Ok(Turn::Moved),
            Poll::Ready(Err(violation)) => Ok(self.violated(violation)),
        }
    }
}
