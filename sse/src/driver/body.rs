//! An event stream as the body of a response, for any server.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use astatine_reactor::{Deadline, Phase, Reached, Shutdown};
use bytes::Bytes;
use http_body::{Body, Frame};

use super::events::Events;
use super::queue::Queue;
use crate::config::Config;
use crate::proto::event::Encoded;

/// The body of a response that is an event stream; each frame is one event.
///
/// Dropping it closes its [`Events`]. A server drops it when it finds the peer gone, which for a
/// peer that went silently is when the next bytes are not taken: the keep-alive is there for that
/// too.
///
/// With [`Config::keep_alive`], it is to be polled within a tokio runtime that has its timer on.
#[derive(Debug)]
pub struct EventBody {
    queue: Arc<Queue>,
    keep_alive: Option<Duration>,
    /// Made at the first poll that finds nothing, on the thread that polls.
    deadline: Option<Deadline>,
    draining: Option<Reached>,
}

impl EventBody {
    /// Makes a body, and the handle that sends into it.
    pub fn new(config: &Config) -> (Events, Self) {
        let queue = Arc::new(Queue::new(config.max_queue_bytes));
        let events = Events::new(Arc::clone(&queue));
        let body = Self {
            queue,
            keep_alive: config.keep_alive,
            deadline: None,
            draining: None,
        };
        (events, body)
    }

    /// Lets the stream end, after what was sent, when the server begins to drain. Without it, a
    /// server that waits for its responses to end waits for this one until it cuts it off.
    #[must_use]
    pub fn with_shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.draining = Some(shutdown.reached(Phase::Draining));
        self
    }

    fn poll_draining(&mut self, cx: &mut Context<'_>) {
        if let Some(draining) = &mut self.draining {
            if Pin::new(draining).poll(cx).is_ready() {
                self.draining = None;
                self.queue.close();
            }
        }
    }

    /// Completes when a comment is due.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(interval) = self.keep_alive else {
            return Poll::Pending;
        };
        let deadline = self.deadline.get_or_insert_with(|| {
            let deadline = Deadline::new();
            deadline.set(deadline.now().checked_add(interval));
            deadline
        });
        ready!(deadline.poll_expired(cx));
        self.put_off();
        Poll::Ready(())
    }

    fn put_off(&self) {
        if let (Some(deadline), Some(interval)) = (&self.deadline, self.keep_alive) {
            deadline.set(deadline.now().checked_add(interval));
        }
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        this.poll_draining(cx);
        let bytes = match this.queue.poll_pop(cx) {
            Poll::Ready(Some(event)) => {
                this.put_off();
                event
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {
                ready!(this.poll_silence(cx));
                Encoded::keep_alive().into()
            }
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.queue.is_finished()
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}
