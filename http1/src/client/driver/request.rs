//! The request's side of an exchange: from the slot to the stream.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};

use super::slot::Unanswered;
use super::{BoxError, Driver, MAX_OUTPUT_BYTES, Turn};
use crate::error::{Error, Misuse};
use crate::proto::Chunk;

impl<B> Driver<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Takes the next request and writes its head, or ends a connection that nobody needs.
    pub(super) fn begin(&mut self) -> Turn {
        if self.is_eof || !self.transport.input.is_empty() {
            // What comes unasked is no answer, but many servers' way to say that they close.
            return Turn::Ended;
        }
        let Some(request) = self.slot.take_request() else {
            return if self.slot.is_handle_gone() {
                Turn::Ended
            } else {
                Turn::Waits
            };
        };
        let output = self.transport.output.buffer();
        match self.core.send_head(&request, exact_len(&request), output) {
            Ok(()) => {
                self.unsent = Some(request);
                self.is_sent = false;
                self.is_answer_owed = true;
            }
            Err(misuse) => {
                self.slot.answer(Err(Unanswered {
                    error: misuse.into(),
                    request: None,
                    is_sent: false,
                }));
                self.slot.rest();
            }
        }
        Turn::Moved
    }

    /// Sends what the request's body has ready.
    pub(super) fn send_body(&mut self, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let mut turn = Turn::Waits;
        while self.core.is_sending_body() && self.transport.output.len() < MAX_OUTPUT_BYTES {
            if let Some(request) = self.unsent.take() {
                self.body.set(Some(request.into_body()));
            }
            let frame = match self
                .body
                .as_mut()
                .as_pin_mut()
                .map(|body| body.poll_frame(cx))
            {
                Some(Poll::Pending) => return Ok(turn),
                Some(Poll::Ready(Some(Ok(frame)))) => Some(frame),
                Some(Poll::Ready(Some(Err(error)))) => return Err(body_failed(error.into())),
                Some(Poll::Ready(None)) | None => None,
            };
            self.send_frame(frame)?;
            turn = Turn::Moved;
        }
        Ok(turn)
    }

    /// Writes a frame, or the end, of the request's body.
    fn send_frame(&mut self, frame: Option<Frame<Bytes>>) -> Result<(), Misuse> {
        let output = &mut self.transport.output;
        let trailers = match frame.map(Frame::into_data) {
            Some(Ok(data)) if data.is_empty() => return Ok(()),
            Some(Ok(data)) => {
                let chunk = self.core.send_data(data.len(), output.buffer())?;
                output.push(data);
                if chunk == Chunk::Chunked {
                    output.buffer().extend_from_slice(b"\r\n");
                }
                if !self.core.is_body_sent() {
                    return Ok(());
                }
                None
            }
            Some(Err(frame)) => frame.into_trailers().ok(),
            None => None,
        };
        self.core.send_end(trailers.as_ref(), output.buffer())?;
        self.body.set(None);
        Ok(())
    }

    /// Writes what the stream takes. A failure is told only if no response comes: a server may have
    /// answered, and closed, before it took the whole request (RFC 9112 §9.5).
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> Turn {
        if self.transport.output.is_empty() {
            return Turn::Waits;
        }
        let (n_taken, flushed) = self.transport.flush(cx);
        self.is_sent |= n_taken > 0;
        match flushed {
            Poll::Pending => Turn::Waits,
            Poll::Ready(Ok(())) => Turn::Moved,
            Poll::Ready(Err(error)) => {
                self.write_error = Some(error);
                self.core.stop_sending();
                self.stop_sending();
                Turn::Moved
            }
        }
    }

    /// Lets go of what the server does not take.
    pub(super) fn stop_sending(&mut self) {
        self.transport.clear_output();
        self.body.set(None);
    }
}

fn exact_len<B: Body>(request: &Request<B>) -> Option<u64> {
    let body = request.body();
    if body.is_end_stream() {
        Some(0)
    } else {
        body.size_hint().exact()
    }
}

fn body_failed(error: BoxError) -> Error {
    tracing::debug!(
        error = &*error as &dyn std::error::Error,
        "request body failed"
    );
    Misuse::BodyFailed.into()
}
