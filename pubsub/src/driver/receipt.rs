//! What has become of a message that was published.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::engine::EngineError;
use crate::proto::cursor::Cursor;

/// What has become of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Its place, where the channel has a history.
    pub cursor: Option<Cursor>,
    /// How many subscriptions it was delivered to, in this process.
    pub n_delivered: u64,
}

/// Tells what has become of a message.
///
/// # Cancel safety
///
/// The message was published before; dropping this forgets the receipt.
#[derive(Debug)]
#[must_use = "without a receipt, publish"]
pub struct Published {
    pub(crate) place: Place,
    pub(crate) n_delivered: oneshot::Receiver<u64>,
}

/// Where a message's place is known from.
#[derive(Debug)]
pub(crate) enum Place {
    Known(Option<Cursor>),
    Asked(oneshot::Receiver<Result<Cursor, EngineError>>),
}

impl Future for Published {
    type Output = Receipt;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Receipt> {
        if let Place::Asked(answer) = &mut self.place {
            let answer = ready!(Pin::new(answer).poll(cx));
            let cursor = answer.ok().and_then(Result::ok);
            self.place = Place::Known(cursor);
        }
        let n_delivered = ready!(Pin::new(&mut self.n_delivered).poll(cx));
        let cursor = match self.place {
            Place::Known(cursor) => cursor,
            Place::Asked(_) => None,
        };
        Poll::Ready(Receipt {
            cursor,
            n_delivered: n_delivered.unwrap_or_default(),
        })
    }
}
