//! The life of a connection as one table (RFC 6455 §7.1).
//!
//! ```text
//!        SendClose              ReceiveClose
//! Open ─────────────► Closing ───────────────► Closed
//!   │                    │                       ▲
//!   │ ReceiveClose, answered at once             │
//!   ├────────────────────┼───────────────────────┘
//!   │ Break              │ Break
//!   └────────────────────┴────────► Broken
//! ```
//!
//! Rules behind the table:
//! - Nothing is sent behind our Close frame, nothing is read behind the peer's (§5.5.1).
//! - While we wait for the peer's Close frame, what it sends must still be well-formed, but nobody
//!   is told of it.
//! - A violation is answered with a Close frame if none was sent, and ends both directions (§7.1.7).

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Messages flow both ways.
    Open,
    /// Our Close frame is sent, the peer's is not there.
    Closing,
    /// Both Close frames are there.
    Closed,
    /// The peer broke a rule, or ended the stream without a Close frame.
    Broken,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    SendClose,
    ReceiveClose,
    Break,
}

impl Life {
    /// Moves on. An input that does not fit is a mistake of this crate.
    pub(super) fn apply(&mut self, input: Input) {
        *self = match (*self, input) {
            (Self::Open, Input::SendClose) => Self::Closing,
            (Self::Open | Self::Closing, Input::ReceiveClose) => Self::Closed,
            (Self::Open | Self::Closing, Input::Break) => Self::Broken,
            (life @ (Self::Closing | Self::Closed | Self::Broken), input) => {
                unreachable!("{input:?} at {life:?}")
            }
        };
    }

    /// Tells whether frames may be sent.
    pub(super) fn is_sending(self) -> bool {
        self == Self::Open
    }

    /// Tells whether frames are read.
    pub(super) fn is_receiving(self) -> bool {
        matches!(self, Self::Open | Self::Closing)
    }
}
