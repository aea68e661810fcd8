//! The inflater (RFC 7692 §7.2.2), which stops at the limit of a message.

use std::str;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

use super::{Context, Direction};
use crate::config::Config;
use crate::error::Violation;
use crate::proto::message::Kind;

/// Inflates messages of one direction.
///
/// Where the context is [`Context::PerMessage`], it may serve many connections.
#[derive(Debug)]
pub struct Inflater {
    decompress: Decompress,
    context: Context,
}

impl Inflater {
    /// Makes an inflater of the peer's direction.
    pub fn new(direction: Direction) -> Self {
        let bits = direction.window_bits.value();
        Self {
            decompress: Decompress::new_with_window_bits(false, bits),
            context: direction.context,
        }
    }

    /// Inflates a whole message.
    ///
    /// # Spec
    ///
    /// RFC 7692 §7.2.2; a text is UTF-8 once it is inflated (§6.2).
    ///
    /// # Errors
    ///
    /// It is no message, or longer than the limit, beyond which nothing is inflated. End the
    /// connection by [`Connection::fail`](crate::proto::Connection::fail).
    pub fn inflate(
        &mut self,
        kind: Kind,
        payload: &[u8],
        config: &Config,
    ) -> Result<Bytes, Violation> {
        if self.context == Context::PerMessage {
            self.decompress.reset(false);
        }
        let mut message = Vec::new();
        let end = self.inflate_piece(payload, &mut message, config.max_message_bytes)?;
        // A peer that ends its stream with the message has nothing left to flush.
        if end == End::Open {
            self.inflate_piece(&super::TAIL, &mut message, config.max_message_bytes)?;
        }
        if kind == Kind::Text && str::from_utf8(&message).is_err() {
            return Err(Violation::Text);
        }
        Ok(Bytes::from(message))
    }

    fn inflate_piece(
        &mut self,
        piece: &[u8],
        message: &mut Vec<u8>,
        max_len: usize,
    ) -> Result<End, Violation> {
        let mut rest = piece;
        loop {
            if message.len() == message.capacity() {
                // Room for one byte more than may come shows whether it does.
                let room = (max_len - message.len()).saturating_add(1);
                let wanted = message.len().max(rest.len() * 3).max(MIN_ROOM);
                message.reserve_exact(wanted.min(room));
            }
            let before = self.decompress.total_in();
            let status = self
                .decompress
                .decompress_vec(rest, message, FlushDecompress::Sync)
                .map_err(|_| Violation::Deflate)?;
            let n_taken = (self.decompress.total_in() - before) as usize;
            rest = &rest[n_taken..];
            if message.len() > max_len {
                return Err(Violation::MessageTooLong);
            }
            match status {
                // A final block ends the stream, but not the message.
                Status::StreamEnd => {
                    self.decompress.reset(false);
                    if rest.is_empty() {
                        return Ok(End::Final);
                    }
                }
                Status::Ok | Status::BufError => {
                    let has_room = message.len() < message.capacity();
                    if has_room && rest.is_empty() {
                        return Ok(End::Open);
                    }
                    if has_room && n_taken == 0 {
                        return Err(Violation::Deflate);
                    }
                }
            }
        }
    }
}

/// How a piece left the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// More of it may come.
    Open,
    /// Its last block is complete.
    Final,
}

/// The least room that a message begins with.
const MIN_ROOM: usize = 256;
