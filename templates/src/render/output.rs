//! Where the text goes, and how much of it there may be.

use crate::compile::BLOCK_BYTES;
use crate::{ErrorKind, Escape};

/// How much is gathered before a writer gets it.
pub(crate) const PIECE_BYTES: usize = 8 << 10;

/// Where the text goes.
pub(crate) enum Sink<'w> {
    /// It stays.
    Text,
    /// It goes on in pieces.
    Pieces(&'w mut dyn FnMut(&str) -> Result<(), ErrorKind>),
}

pub(super) struct Output<'w> {
    pub(super) text: String,
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
    #[inline(always)]
    pub(super) fn new(capacity: usize, sink: Sink<'w>, escape: Escape, max_bytes: usize) -> Self {
        let mut output = Self {
            text: String::with_capacity(capacity + BLOCK_BYTES),
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
            Sink::Pieces(_) | Sink::Text => self.limit,
        };
    }

    /// Makes room where the text has passed the mark.
    pub(super) fn drain(&mut self) -> Result<(), ErrorKind> {
        if self.text.len() > self.limit {
            return Err(ErrorKind::OutputTooLong);
        }
        if let Sink::Pieces(write) = &mut self.sink {
            write(&self.text)?;
            self.limit -= self.text.len();
            self.text.clear();
            self.set_mark();
        }
        Ok(())
    }

    /// Gives the rest to the writer, or else back.
    pub(super) fn finish(mut self) -> Result<String, ErrorKind> {
        self.drain()?;
        Ok(self.text)
    }

    /// Keeps what is written from now on here; returns where it begins.
    pub(super) fn begin_capture(&mut self) -> usize {
        self.n_captures += 1;
        self.set_mark();
        self.text.len()
    }

    /// Escapes what has been written since the capture's beginning.
    pub(super) fn end_capture(&mut self, begin: usize) {
        self.n_captures -= 1;
        self.set_mark();
        let raw = self.text.split_off(begin);
        self.text.push_str(&self.escape.escaped(&raw));
    }
}
