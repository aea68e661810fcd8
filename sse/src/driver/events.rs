//! The end of an event stream at which events are sent.

use std::sync::Arc;

use super::queue::Queue;
use crate::error::SendError;
use crate::proto::event::Encoded;

/// Sends events into an [`EventBody`](crate::EventBody). Clones send into the same.
///
/// The body ends when the last clone is dropped, after what was sent before.
#[derive(Debug)]
pub struct Events(Arc<Queue>);

impl Events {
    /// Takes the queue of a new body, which counts one sender.
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }

    /// Sends an event if there is room.
    ///
    /// # Errors
    ///
    /// `Full`: the peer takes events more slowly than they come. `Closed`: it is gone, or the
    /// stream was closed.
    pub fn try_send(&self, event: impl Into<Encoded>) -> Result<(), SendError> {
        self.0.try_push(event.into().into())
    }

    /// Sends an event, waiting for room in the order of calls.
    ///
    /// # Errors
    ///
    /// `Closed`: the peer is gone, or the stream was closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it completes, nothing was sent.
    pub async fn send(&self, event: impl Into<Encoded>) -> Result<(), SendError> {
        self.0.push_when_free(event.into().into()).await
    }

    /// Ends the stream after what was sent, for all clones.
    pub fn close(&self) {
        self.0.close();
    }

    /// Tells whether no event will be taken any more.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits until no event will be taken any more: the server has dropped the body, because the
    /// peer is gone, or the stream was closed.
    ///
    /// # Cancel safety
    ///
    /// It holds no state; dropping it is safe.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    /// Returns how many bytes the server has not taken.
    pub fn n_pending_bytes(&self) -> usize {
        self.0.n_bytes()
    }
}

impl Clone for Events {
    fn clone(&self) -> Self {
        self.0.add_sender();
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.0.remove_sender();
    }
}
