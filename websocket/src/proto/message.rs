//! Messages, which come as one frame or as many (RFC 6455 §5.4).

use bytes::{Bytes, BytesMut};

use super::frame::{Header, Opcode};
use super::utf8::Utf8;
use crate::config::Config;
use crate::error::Violation;

/// What a message's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

/// A message as it came in.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) is_deflated: bool,
    pub(super) payload: Bytes,
}

/// Puts a message together. Its limits are held before a byte of a frame is kept.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// The message that has begun.
    begun: Option<Begun>,
    n_frames: u32,
    utf8: Utf8,
    /// The payload of the frames that are complete; empty as long as there is only one.
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Begun {
    kind: Kind,
    is_deflated: bool,
}

impl Assembly {
    /// Tells whether no message has begun.
    pub(super) fn is_idle(&self) -> bool {
        self.begun.is_none()
    }

    /// Takes the header of a data frame.
    pub(super) fn begin_frame(
        &mut self,
        header: &Header,
        config: &Config,
    ) -> Result<(), Violation> {
        let begun = match (header.opcode, self.begun) {
            (Opcode::Continuation, Some(begun)) => begun,
            (Opcode::Continuation, None) => return Err(Violation::UnexpectedContinuation),
            (Opcode::Text, None) => self.begin(Kind::Text, header),
            (Opcode::Binary, None) => self.begin(Kind::Binary, header),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::UnfinishedMessage),
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => {
                unreachable!("a control frame is no part of a message")
            }
        };
        self.n_frames += 1;
        if self.n_frames > config.max_frames {
            return Err(Violation::TooManyFrames);
        }
        let max_len = begun.max_len(config).saturating_sub(self.payload.len());
        if header.payload_len > max_len as u64 {
            return Err(Violation::MessageTooLong);
        }
        Ok(())
    }

    fn begin(&mut self, kind: Kind, header: &Header) -> Begun {
        let begun = Begun {
            kind,
            is_deflated: header.is_deflated,
        };
        self.begun = Some(begun);
        self.n_frames = 0;
        begun
    }

    /// Takes a piece of a frame's payload as soon as it is there, so that what can be no text is
    /// refused before its message is complete.
    pub(super) fn check(&mut self, piece: &[u8]) -> Result<(), Violation> {
        match self.begun {
            // What is compressed is checked once it is not.
            Some(Begun {
                kind: Kind::Text,
                is_deflated: false,
            }) => self.utf8.check(piece).map_err(|_| Violation::Text),
            Some(_) | None => Ok(()),
        }
    }

    /// Takes a frame's whole payload; returns the message if it is complete.
    pub(super) fn end_frame(
        &mut self,
        is_final: bool,
        payload: BytesMut,
    ) -> Result<Option<Message>, Violation> {
        if !is_final {
            self.payload.extend_from_slice(&payload);
            return Ok(None);
        }
        let Some(Begun { kind, is_deflated }) = self.begun.take() else {
            unreachable!("a frame ends that has begun")
        };
        if !self.utf8.is_complete() {
            return Err(Violation::Text);
        }
        let payload = if !self.payload.is_empty() {
            self.payload.extend_from_slice(&payload);
            Bytes::from(std::mem::take(&mut self.payload))
        } else if payload.is_empty() {
            // An empty slice would hold on to the whole block all the same.
            Bytes::new()
        } else {
            payload.freeze()
        };
        Ok(Some(Message {
            kind,
            is_deflated,
            payload,
        }))
    }
}

impl Begun {
    /// Returns the most bytes that the message may have on the wire.
    fn max_len(self, config: &Config) -> usize {
        let max = config.max_message_bytes;
        if self.is_deflated {
            // The worst that a compressor does is nine bits for eight.
            max.saturating_add(max / 8 + 64)
        } else {
            max
        }
    }
}
