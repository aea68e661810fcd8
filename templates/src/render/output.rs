//! Where the text goes, and how much of it there may be.

use super::buffer::Buffer;
use crate::{ErrorKind, Escape};

/// How much is gathered before a writer gets it.
pub(crate) const PIECE_BYTES: usize = 8 << 10;

/// Where the text goes.
pub(crate) enum Sink<'w> {
    /// It stays in the buffer.
    Buffer,
    /// It goes on in pieces.
    Pieces(&'w mut dyn FnMut(&[u8]) -> Result<(), ErrorKind>),
}

pub(super) struct Output<'w> {
    pub(super) buffer: Buffer,
    pub(super) escape: Escape,
    /// The length of the text at which something is to be done.
    pub(super) mark: usize,
    sink: Sink<'w>,
    /// Bytes that may still be written before the text is full.
    limit: usize,
    /// How many callers will change text that is still here.
    n_captures: usize,
}

impl<'w> Output<'w> {
    pub(super) fn new(buffer: Buffer, sink: Sink<'w>, escape: Escape, max_bytes: usize) -> Self {
        let mut output = Self {
            buffer,
            escape,
            mark: 0,
            sink,
            limit: max_bytes,
            n_captures: 0,
        };
        output.set_mark();
        output
    }

    fn set_mark(&mut self) {
        // What is captured cannot leave, so only the limit counts.
        self.mark = match self.sink {
            Sink::Pieces(_) if self.n_captures == 0 => PIECE_BYTES.min(self.limit),
            Sink::Pieces(_) | Sink::Buffer => self.limit,
        };
    }

    /// Makes room where the text has passed the mark.
    pub(super) fn drain(&mut self) -> Result<(), ErrorKind> {
        if self.buffer.end > self.limit {
            return Err(ErrorKind::OutputTooLong);
        }
        if let Sink::Pieces(write) = &mut self.sink {
            write(self.buffer.as_bytes())?;
            self.limit -= self.buffer.end;
            self.buffer.end = 0;
            self.set_mark();
        }
        Ok(())
    }

    /// Gives the rest to the writer, or else back.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, ErrorKind> {
        self.drain()?;
        Ok(self.buffer.into_bytes())
    }

    /// Keeps what is written from now on here; returns where it begins.
    pub(super) fn begin_capture(&mut self) -> usize {
        self.n_captures += 1;
        self.set_mark();
        self.buffer.end
    }

    /// Escapes what has been written since the capture's beginning.
    pub(super) fn end_capture(&mut self, begin: usize) {
        self.n_captures -= 1;
        self.set_mark();
        let raw = self.buffer.split_off(begin);
        let escaped = self.escape.escaped(&raw);
        self.buffer.push(escaped.as_bytes());
    }
}
