//! The end of a connection: what is written leaves, then our side ends, then the peer's bytes are
//! discarded until its side ends too, for a while.
//!
//! Closing a socket with unread input would reset the connection and could take the last response
//! away from the peer (RFC 9112 §9.6).

use std::task::{Context, Poll};

use super::Turn;
use super::scratch::Scratch;
use super::transport::Transport;
use crate::error::Error;

/// How far the end has come.
#[derive(Debug)]
pub(super) enum Closing {
    /// The output is being written.
    Flushing,
    /// Our side has ended; so much of the peer's was discarded.
    Lingering { n_discarded: usize },
    /// A response broke off; what was written before is being written.
    Breaking(Box<Error>),
}

/// A peer that sends more than this behind the last response is cut off.
const MAX_DISCARDED_BYTES: usize = 256 << 10;

impl Closing {
    /// Begins the end.
    pub(super) fn begin() -> Self {
        Self::Flushing
    }

    /// Begins the end of a connection on which a response broke off.
    pub(super) fn break_off(error: Error) -> Self {
        Self::Breaking(Box::new(error))
    }

    pub(super) fn turn(
        &mut self,
        transport: &mut Transport,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Result<Turn, Error> {
        match self {
            Self::Flushing | Self::Breaking(_) if !transport.output.is_empty() => Ok(Turn::Waits),
            Self::Breaking(error) => Err(std::mem::replace(error, Error::Disconnected)),
            Self::Flushing => match transport.poll_shutdown(cx) {
                Poll::Pending => Ok(Turn::Waits),
                Poll::Ready(Ok(())) if !transport.is_eof() => {
                    *self = Self::Lingering { n_discarded: 0 };
                    Ok(Turn::Moved)
                }
                // There is nobody left to say goodbye to.
                Poll::Ready(_) => Ok(Turn::Ended),
            },
            Self::Lingering { n_discarded } => match transport.poll_discard(scratch, cx) {
                Poll::Pending => Ok(Turn::Waits),
                Poll::Ready(Ok(0) | Err(_)) => Ok(Turn::Ended),
                Poll::Ready(Ok(n)) => {
                    *n_discarded += n;
                    let is_enough = *n_discarded > MAX_DISCARDED_BYTES;
                    Ok(if is_enough { Turn::Ended } else { Turn::Moved })
                }
            },
        }
    }
}
