//! What is left of a body, on its way in or out, and the pieces that it comes and goes in.

use std::mem;

use bytes::Bytes;
use http::HeaderMap;

use super::chunked::{self, Decoder};
use super::head::Limits;
use super::response::Transfer;
use crate::error::{Misuse, Violation};

/// What is left of a body that comes in.
#[derive(Debug)]
pub(super) enum Body {
    None,
    Length(u64),
    Chunked(Box<Decoder>),
    UntilClose,
}

/// A piece of a body that comes in.
#[derive(Debug, PartialEq)]
pub enum BodyEvent {
    /// Content.
    Data(Bytes),
    /// The end, with the trailers that may be seen.
    End(HeaderMap),
}

/// What goes behind a piece of a body that goes out, see
/// [`Connection::send_data`](super::Connection::send_data).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Nothing.
    Plain,
    /// A line end: the piece is a chunk.
    Chunked,
}

impl Body {
    pub(super) fn new(transfer: Transfer) -> Self {
        match transfer {
            Transfer::None => Self::None,
            Transfer::Length(len) => Self::Length(len),
            Transfer::Chunked => Self::Chunked(Box::new(Decoder::new())),
            Transfer::UntilClose => Self::UntilClose,
        }
    }

    /// Takes the next piece off the input; `None` when there is too little of it. A chunk longer
    /// than `max_chunk_len` is refused by its size.
    pub(super) fn receive(
        &mut self,
        input: &mut Bytes,
        limits: impl Into<Limits>,
        max_chunk_len: u64,
    ) -> Result<Option<BodyEvent>, Violation> {
        match self {
            Self::None | Self::Length(0) => Ok(Some(BodyEvent::End(HeaderMap::new()))),
            Self::Length(_) | Self::UntilClose if input.is_empty() => Ok(None),
            Self::Length(left) => {
                let len = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= len as u64;
                Ok(Some(BodyEvent::Data(input.split_to(len))))
            }
            Self::UntilClose => Ok(Some(BodyEvent::Data(mem::take(input)))),
            Self::Chunked(decoder) => decoder.receive(input, limits, max_chunk_len),
        }
    }

    /// Takes a body that lies whole in the input; `None` when it does not.
    pub(super) fn receive_whole(&self, input: &mut Bytes) -> Option<Bytes> {
        let Self::Length(len) = self else {
            return None;
        };
        let len = usize::try_from(*len).ok()?;
        (len <= input.len()).then(|| input.split_to(len))
    }

    /// Returns how many bytes are known to be missing; `None` when only the end will tell.
    pub(super) fn n_left(&self) -> Option<u64> {
        match self {
            Self::None => Some(0),
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }
}

impl Transfer {
    /// Writes what goes before a piece of a body that goes out, and tells what goes behind it.
    #[inline(always)]
    pub(super) fn send_data(&mut self, len: usize, output: &mut Vec<u8>) -> Result<Chunk, Misuse> {
        match self {
            Self::None => Err(Misuse::BodyLongerThanDeclared),
            Self::Length(left) => match left.checked_sub(len as u64) {
                Some(rest) => {
                    *left = rest;
                    Ok(Chunk::Plain)
                }
                None => Err(Misuse::BodyLongerThanDeclared),
            },
            Self::Chunked => {
                chunked::encode_chunk_size(len, output);
                Ok(Chunk::Chunked)
            }
            Self::UntilClose => Ok(Chunk::Plain),
        }
    }

    /// Ends a body that goes out. Trailers are sent where it is chunked.
    #[inline(always)]
    pub(super) fn send_end(
        self,
        trailers: Option<&HeaderMap>,
        output: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        match self {
            Self::Length(left) if left > 0 => return Err(Misuse::BodyShorterThanDeclared),
            Self::Chunked => chunked::encode_last_chunk(trailers, output),
            Self::None | Self::Length(_) | Self::UntilClose => {}
        }
        Ok(())
    }
}
