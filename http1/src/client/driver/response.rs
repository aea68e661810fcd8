//! The response's side of an exchange: from the stream to the caller.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::Body;

use super::upgraded::Upgraded;
use super::{BoxError, Driver, MAX_DISCARDED_BODY_BYTES, Turn};
use crate::body::{Demand, Incoming};
use crate::driver::scratch::Scratch;
use crate::error::Error;
use crate::proto::client::ResponseFacts;
use crate::proto::{BodyEvent, Transfer};

impl<B> Driver<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Reads, where there is a use for more: also while the request is being sent, and between two
    /// exchanges, since the server may answer or close at any time.
    pub(super) fn fill(
        &mut self,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        let is_wanted = match &self.feed {
            _ if self.is_eof || self.switch.is_some() => false,
            Some(feed) => feed.poll_demand(cx) != Demand::Enough,
            None => self.core.is_response_owed() || self.transport.input.is_empty(),
        };
        if !is_wanted {
            return Ok(Turn::Waits);
        }
        match self.transport.poll_fill(self.core.body_left(), scratch, cx) {
            Poll::Pending => Ok(Turn::Waits),
            Poll::Ready(Ok(0)) => self.end_input(None),
            Poll::Ready(Err(error)) => self.end_input(Some(error)),
            Poll::Ready(Ok(_)) => {
                if self.feed.is_some() {
                    self.transport.progress();
                }
                Ok(Turn::Moved)
            }
        }
    }

    /// Notes that nothing more comes, in good order or by an error.
    fn end_input(&mut self, read_error: Option<io::Error>) -> Result<Turn, Error> {
        self.is_eof = true;
        if self.core.is_idle() {
            return Ok(Turn::Ended);
        }
        let is_unanswered = self.core.is_unanswered(&self.transport.input);
        if self.is_answer_owed || read_error.is_some() {
            // What could not be written tells more than what could not be read.
            if let Some(error) = self.write_error.take().or(read_error) {
                return Err(error.into());
            }
        }
        if is_unanswered {
            return Err(Error::Disconnected);
        }
        self.core.receive_eof()?;
        Ok(Turn::Moved)
    }

    /// Hands on what came of the response.
    pub(super) fn receive(&mut self, cx: &Context<'_>) -> Result<Turn, Error> {
        let mut turn = Turn::Waits;
        if self.core.is_response_owed() {
            let mut response = Response::new(Incoming::default());
            let n_interim = self.core.n_interim();
            let input = &mut self.transport.input;
            let facts = self.core.receive_head(input, &self.config, &mut response)?;
            if n_interim != self.core.n_interim() {
                self.transport.progress();
                turn = Turn::Moved;
            }
            if let Some(facts) = facts {
                self.respond(response, facts);
                turn = Turn::Moved;
            }
        }
        Ok(self.pump_body(cx)?.or(turn))
    }

    /// Answers with the final response, unless the stream goes with it.
    fn respond(&mut self, mut response: Response<Incoming>, facts: ResponseFacts) {
        if facts.is_switch {
            self.switch = Some(response);
            return;
        }
        let len = match facts.transfer {
            Transfer::None | Transfer::Length(0) => return self.answer(response),
            Transfer::Length(len) => Some(len),
            Transfer::Chunked | Transfer::UntilClose => None,
        };
        let input = &mut self.transport.input;
        *response.body_mut() = if let Some(body) = self.core.receive_whole_body(input) {
            Incoming::whole(body)
        } else {
            let (feed, body) = Incoming::stream(len);
            (self.feed, self.n_discarded) = (Some(feed), 0);
            body
        };
        self.answer(response);
    }

    fn answer(&mut self, response: Response<Incoming>) {
        self.is_answer_owed = false;
        if !self.core.is_sending_body() {
            self.unsent = None;
        }
        self.slot.answer(Ok(response));
    }

    /// Gives the stream to the caller, once the request is sent.
    pub(super) fn hand_over(&mut self, mut response: Response<Incoming>) {
        if let Some((io, unread)) = self.transport.hand_over() {
            let upgraded = Upgraded::new(io, unread);
            response.extensions_mut().insert(upgraded);
        }
        self.answer(response);
    }

    /// Moves the response's body from the input to the caller.
    fn pump_body(&mut self, cx: &Context<'_>) -> Result<Turn, Error> {
        let mut turn = Turn::Waits;
        while let Some(feed) = self.feed.as_ref() {
            let demand = feed.poll_demand(cx);
            if demand == Demand::Enough {
                break;
            }
            let input = &mut self.transport.input;
            match self.core.receive_body(input, &self.config)? {
                Some(BodyEvent::Data(data)) if demand == Demand::Gone => {
                    self.n_discarded += data.len();
                    if self.n_discarded > MAX_DISCARDED_BODY_BYTES {
                        return Ok(Turn::Ended);
                    }
                }
                Some(BodyEvent::Data(data)) => feed.data(data),
                Some(BodyEvent::End(trailers)) => {
                    if let Some(feed) = self.feed.take() {
                        feed.end(trailers);
                    }
                }
                // A rest that is long, or whose length nobody knows, is not waited for.
                None if demand == Demand::Gone && !self.is_rest_short() => return Ok(Turn::Ended),
                None => break,
            }
            turn = Turn::Moved;
        }
        Ok(turn)
    }

    fn is_rest_short(&self) -> bool {
        let left = self.core.body_left();
        left.is_some_and(|left| left <= MAX_DISCARDED_BODY_BYTES as u64)
    }
}
