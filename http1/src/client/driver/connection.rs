//! The handle of one connection, and the future of one answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use astatine_reactor::Io;
use http::{Request, Response};
use tower_service::Service;

use super::Driver;
use super::slot::{Job, Slot, Unanswered};
use crate::body::Incoming;
use crate::client::Config;
use crate::error::{Error, Misuse};

/// Makes a client of a connected stream: the handle that takes requests, and the driver that the
/// caller spawns, or polls beside.
///
/// Nothing is sent yet: HTTP/1 begins with the first request.
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub fn handshake<B>(io: Box<dyn Io>, config: Config) -> (Connection<B>, Driver<B>) {
    let slot = Slot::new();
    let driver = Driver::new(Arc::clone(&slot), io, config);
    (Connection { slot }, driver)
}

/// Takes one request after the other to a server.
///
/// It is ready when a request can be sent at once: the response before has been read to its end.
/// An error of [`Service::poll_ready`] means that the connection has ended. Dropping it lets the
/// exchange under way finish, then closes the connection.
///
/// The URI gives the request-target in origin-form, and Host where the request has none; a user's
/// name and password in it are not sent. Content-Length and Transfer-Encoding follow from the body;
/// where the request has one of them, it must agree. With `Expect: 100-continue` the body waits for
/// leave. A request of HTTP/1.0 is sent as one, any other as HTTP/1.1. Interim responses are passed
/// over.
///
/// # Spec
///
/// RFC 9112 §3.2.1 (origin-form), §9.3 (persistence); absolute-form, which a proxy is asked in,
/// and pipelining are not offered.
pub struct Connection<B> {
    slot: Arc<Slot<B>>,
}

impl<B> Connection<B> {
    /// Tells whether a request can be sent at once.
    pub fn is_ready(&self) -> bool {
        self.slot.is_free()
    }

    /// Tells whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.slot.is_closed()
    }

    /// Takes a request out of its place and sends it, or leaves it there if it cannot.
    pub(super) fn send(&self, job: &mut Option<Job<B>>) -> Option<Answer<B>> {
        let answer = || Answer(State::Waiting(Arc::clone(&self.slot)));
        self.slot.put(job).then(answer)
    }
}

impl<B> Service<Request<B>> for Connection<B> {
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = Answer<B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.slot.poll_free(cx)
    }

    fn call(&mut self, request: Request<B>) -> Answer<B> {
        let mut job = Some(Job {
            request,
            lease: None,
        });
        self.send(&mut job).unwrap_or_else(|| {
            Answer(State::Refused(if self.is_closed() {
                Error::Disconnected
            } else {
                Misuse::NotReady.into()
            }))
        })
    }
}

impl<B> Drop for Connection<B> {
    fn drop(&mut self) {
        self.slot.drop_handle();
    }
}

impl<B> fmt::Debug for Connection<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("is_ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}

/// The response to one request; made by calling a [`Connection`].
///
/// It completes with the response's head. The body comes as it is read: a body that is not polled
/// holds the server back, and keeps the connection busy. Dropping the body before its end lets a
/// short rest be discarded, and closes the connection before a long one.
///
/// # Errors
///
/// [`Error::Misuse`] where the request cannot be sent, which leaves the connection as it was before
/// the first byte; any other error ends it.
///
/// # Cancel safety
///
/// Dropped before the request was taken, it has no effect; dropped later, it ends the connection,
/// since nobody would read the response.
#[must_use = "futures do nothing unless polled"]
pub struct Answer<B>(State<B>);

enum State<B> {
    Waiting(Arc<Slot<B>>),
    Refused(Error),
    Done,
}

impl<B> Answer<B> {
    /// As polling, with the request where it can be sent again.
    pub(super) fn poll_answer(
        &mut self,
        cx: &Context<'_>,
    ) -> Poll<Result<Response<Incoming>, Unanswered<B>>> {
        let answer = match std::mem::replace(&mut self.0, State::Done) {
            State::Waiting(slot) => {
                let answer = slot.poll_answer(cx);
                if answer.is_pending() {
                    self.0 = State::Waiting(slot);
                }
                ready!(answer)
            }
            State::Refused(error) => Err(Unanswered {
                error,
                request: None,
                is_sent: false,
            }),
            State::Done => return Poll::Pending,
        };
        Poll::Ready(answer)
    }
}

impl<B> Future for Answer<B> {
    type Output = Result<Response<Incoming>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_answer(cx).map_err(|unanswered| unanswered.error)
    }
}

impl<B> Drop for Answer<B> {
    fn drop(&mut self) {
        if let State::Waiting(slot) = &self.0 {
            slot.drop_asker();
        }
    }
}

impl<B> fmt::Debug for Answer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}
