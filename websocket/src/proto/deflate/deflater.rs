//! The compressor (RFC 7692 §7.2.1).

use flate2::{Compress, Compression, FlushCompress};

use super::{Context, Direction};
use crate::config::Config;
use crate::proto::frame::{self, Form};
use crate::proto::message::Kind;

/// Compresses messages for one direction.
///
/// Where the context is [`Context::PerMessage`], it may serve many connections.
#[derive(Debug)]
pub struct Deflater {
    compress: Compress,
    context: Context,
    min_bytes: usize,
}

impl Deflater {
    /// Makes a compressor of our own direction.
    pub fn new(direction: Direction, config: &Config) -> Self {
        let bits = direction.window_bits.value();
        Self {
            compress: Compress::new_with_window_bits(LEVEL, false, bits),
            context: direction.context,
            min_bytes: config.deflate_min_bytes,
        }
    }

    /// Compresses a message into the scratch, which is cleared before; `None` when the message is
    /// to be sent as it is, since it is short or does not get shorter.
    ///
    /// Where the context is kept, what is returned must be sent: the next messages refer to it.
    ///
    /// # Spec
    ///
    /// RFC 7692 §7.2.1: the four bytes that end each flush are left out.
    pub fn deflate<'a>(&mut self, payload: &[u8], scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if payload.is_empty() || payload.len() < self.min_bytes {
            return None;
        }
        if self.context == Context::PerMessage {
            self.compress.reset();
        }
        scratch.clear();
        self.flush(payload, scratch);
        let deflated = scratch.strip_suffix(&super::TAIL).unwrap_or(scratch);
        let is_worth_it = deflated.len() < payload.len();
        (is_worth_it || self.context == Context::Kept).then_some(deflated)
    }

    /// Compresses all of a payload, up to the border of a byte.
    fn flush(&mut self, payload: &[u8], output: &mut Vec<u8>) {
        let mut rest = payload;
        // A call that leaves room has taken all input and written the whole flush.
        while output.len() == output.capacity() || !rest.is_empty() {
            output.reserve(rest.len() / 2 + MIN_ROOM);
            let before = self.compress.total_in();
            self.compress
                .compress_vec(rest, output, FlushCompress::Sync)
                .expect("it only fails over a dictionary, and is given none");
            rest = &rest[(self.compress.total_in() - before) as usize..];
        }
    }
}

/// Writes a server's frame of a whole message for every peer whose terms the compressor has,
/// compressed where that pays. The compressor must keep no context.
///
/// It needs no connection, so one encoding can be shared by any number of them.
pub fn encode_deflated(
    kind: Kind,
    payload: &[u8],
    deflater: &mut Deflater,
    scratch: &mut Vec<u8>,
    output: &mut Vec<u8>,
) {
    let (form, payload) = match deflater.deflate(payload, scratch) {
        Some(deflated) => (Form::Deflated, deflated),
        None => (Form::Plain, payload),
    };
    frame::encode_head(kind, form, payload.len(), output);
    output.extend_from_slice(payload);
}

/// For 64 KiB of JSON, level 6 takes twice the instructions (callgrind) and writes 0.82 of the
/// bytes; level 1 takes 0.56 and writes 1.38.
const LEVEL: Compression = Compression::new(2);

/// The least room that a call is given.
const MIN_ROOM: usize = 64;
