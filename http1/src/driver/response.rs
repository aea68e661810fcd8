//! The response's side of an exchange: from the service to the output.

use std::error;
use std::task::{Context, Poll};

use astatine_reactor::{FieldLines, FileRegion, Handover};
use bytes::Bytes;
use http_body::Body;
use tower_service::Service;

use super::closing::Closing;
use super::file::FileTransfer;
use super::scratch::Scratch;
use super::{BoxError, Exchanges, MAX_DISCARDED_BODY_BYTES, Step, Turn};
use crate::body::Feed;
use crate::door::{AppRequest, AppResponse};
use crate::error::{Error, Misuse};
use crate::proto::Transfer;

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
    /// Lets the service work on its response. No step is noted on the way of one that is there at
    /// once, whole.
    #[inline(always)]
    pub(super) fn poll_service(
        &mut self,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        match self.stage.poll_future(cx) {
            Poll::Ready(Ok(response)) => self.respond(response, scratch, cx),
            Poll::Ready(Err(error)) => Ok(self.service_failed(error.into())),
            Poll::Pending => {
                self.step = Step::Called;
                Ok(Turn::Waits)
            }
        }
    }

    /// Writes the head of the service's response, and what its body has ready.
    // A response is large, as a request is.
    #[inline(always)]
    pub(super) fn respond(
        &mut self,
        response: S::Response,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        let (head, lines, region, body) = response.into_parts();
        let lines = lines.as_ref().map_or(&b""[..], FieldLines::as_bytes);
        if let Some(handover) = head.extensions.get::<Handover>() {
            if head.status.is_informational() && !self.transport.core.takes_interim() {
                return Ok(self.service_failed("HTTP/1.0 has no switch of protocols".into()));
            }
            let handover = handover.clone();
            // The next protocol begins behind the request's body, so that has to come.
            self.transport.send_continue();
            self.transport.send_handover_head(&head, lines);
            self.enter(Step::Handing(handover));
            return Ok(Turn::Moved);
        }
        if head.status.is_informational() {
            return Ok(self.service_failed("an interim status is no response".into()));
        }
        let is_gone = self.feed.as_ref().is_none_or(Feed::is_reader_gone);
        let transport = &mut self.transport;
        if !is_gone {
            // The body is still wanted, perhaps by the response's own: now or never.
            transport.send_continue();
        }
        let left = transport.core.body_left().unwrap_or_default();
        let is_too_long_to_discard = is_gone && left > MAX_DISCARDED_BODY_BYTES as u64;
        // A client that waits for leave to send its body may send it or not: what comes next
        // cannot be told apart.
        if transport.is_shutting_down() || transport.awaits_continue() || is_too_long_to_discard {
            transport.core.close_after_response();
        }
        let transfer = transport.send_head(&head, lines, body.size_hint().exact());
        // Not asked in there: what may be dropped is moved once more on its way.
        if scratch.lacks_fields(&head.headers) {
            scratch.keep_fields(head.headers);
        }
        match transfer {
            Transfer::None | Transfer::Length(0) => {
                self.leave();
                Ok(self.finish())
            }
            Transfer::Length(_) | Transfer::Chunked | Transfer::UntilClose => {
                self.stage.set_body(body);
                if region.is_none() && head.extensions.is_empty() {
                    return self.send_body(None, cx);
                }
                let region = region.or_else(|| head.extensions.get::<FileRegion>().cloned());
                self.send_body_beside(region, cx)
            }
        }
    }

    /// As [`Exchanges::send_body`], apart from the way of most bodies.
    #[inline(never)]
    fn send_body_beside(
        &mut self,
        region: Option<FileRegion>,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        self.send_body(region, cx)
    }

    /// Sends what the response's body has ready.
    #[inline(always)]
    pub(super) fn send_body(
        &mut self,
        mut region: Option<FileRegion>,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        let transport = &mut self.transport;
        match self.stage.poll_frame(cx) {
            Poll::Pending => {
                self.step = Step::Sending(region);
                return Ok(Turn::Waits);
            }
            Poll::Ready(None) => transport.send_end(None)?,
            Poll::Ready(Some(Err(error))) => return Err(body_failed(error.into())),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => {
                    if let Some(file) = transport.send_frame(data, &mut region)? {
                        return self.send_file(file, cx);
                    }
                    if !transport.core.is_body_sent() {
                        self.step = Step::Sending(region);
                        return Ok(Turn::Moved);
                    }
                    transport.send_end(None)?;
                }
                Err(frame) => transport.send_end(frame.trailers_ref())?,
            },
        }
        self.leave();
        Ok(self.finish())
    }

    /// Sends what the socket takes of a response's file. A step is noted for the rest alone.
    fn send_file(&mut self, mut file: FileTransfer, cx: &mut Context<'_>) -> Result<Turn, Error> {
        if self.transport.send_file(&mut file, cx)?.is_pending() {
            self.step = Step::SendingFile(Box::new(file));
            return Ok(Turn::Waits);
        }
        self.end_file()
    }

    /// Goes on with a file.
    pub(super) fn send_file_on(&mut self, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let Step::SendingFile(file) = &mut self.step else {
            return Ok(Turn::Waits);
        };
        if self.transport.send_file(file, cx)?.is_pending() {
            return Ok(Turn::Waits);
        }
        self.end_file()
    }

    fn end_file(&mut self) -> Result<Turn, Error> {
        self.transport.send_end(None)?;
        self.leave();
        Ok(self.finish())
    }

    /// Ends an exchange whose response is written.
    #[inline(always)]
    pub(super) fn finish(&mut self) -> Turn {
        let transport = &mut self.transport;
        if transport.core.is_receiving_body() {
            let is_gone = self.feed.as_ref().is_none_or(Feed::is_reader_gone);
            if !is_gone || self.feed.is_some() && transport.core.is_persistent() {
                // The rest of the body is still wanted, or short enough to be discarded.
                return Turn::Waits;
            }
            self.feed = None;
            self.enter(Step::Closing(Closing::begin()));
        } else if transport.core.next_exchange() {
            transport.begin_idle();
        } else {
            self.enter(Step::Closing(Closing::begin()));
        }
        Turn::Moved
    }

    /// Gives the stream to the next protocol, once the head is written.
    pub(super) fn hand_over(&mut self) -> Turn {
        if !self.transport.output.is_empty() {
            return Turn::Waits;
        }
        if self.transport.core.is_receiving_body() {
            // The next protocol begins behind the request; a body that is too long to be discarded
            // ends the connection, and so does one that only the next protocol would read.
            let is_stuck = self.feed.as_ref().is_none_or(Feed::is_enough);
            return if is_stuck { Turn::Ended } else { Turn::Waits };
        }
        let Step::Handing(handover) = &self.step else {
            return Turn::Waits;
        };
        let Some(takeover) = handover.take() else {
            return Turn::Ended;
        };
        let Some((connection, unread)) = self.transport.hand_over() else {
            return Turn::Ended;
        };
        self.enter(Step::HandedOver(takeover(connection, unread)));
        Turn::Moved
    }
}

fn body_failed(error: BoxError) -> Error {
    tracing::debug!(error = &*error as &dyn error::Error, "response body failed");
    Misuse::BodyFailed.into()
}
