//! How a protocol hands its stream to the next one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use pin_project_lite::pin_project;

use crate::Connection;
use crate::lock::lock;

/// The next protocol of a connection, put into a response's extensions.
///
/// The HTTP driver writes the response's head, then runs the next protocol in the same task with
/// the connection, as a listener would have given it, and the bytes that were read but not
/// consumed. A shutdown is the next protocol's to see from then on. The cell gives its content out
/// once; clones share it.
#[derive(Clone)]
pub struct Handover(Arc<Mutex<Option<Takeover>>>);

/// The function that takes the connection over, as [`Handover::take`] returns it.
pub type Takeover =
    Box<dyn FnOnce(Connection, Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

impl Handover {
    /// Wraps the function that takes the connection and the unread bytes.
    ///
    /// Dropping the future that it returns closes the connection; what the future answers is
    /// nobody's.
    pub fn new<F, Fut>(takeover: F) -> Self
    where
        F: FnOnce(Connection, Bytes) -> Fut + Send + 'static,
        Fut: Future + Send + 'static,
    {
        Self(Arc::new(Mutex::new(Some(Box::new(
            |connection, unread| {
                Box::pin(Ended {
                    future: takeover(connection, unread),
                })
            },
        )))))
    }

    /// Takes the function out; `None` when it was taken before.
    pub fn take(&self) -> Option<Takeover> {
        lock(&self.0).take()
    }
}

pin_project! {
    /// A future whose answer is nobody's.
    struct Ended<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Ended<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().future.poll(cx).map(drop)
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handover")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_one_takeover() {
        let handover = Handover::new(|_connection, _unread| async {});
        let clone = handover.clone();
        assert!(clone.take().is_some());
        assert!(handover.take().is_none());
    }
}
