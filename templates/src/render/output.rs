//! The text that is made, its limit, and the writer behind it.

use std::fmt::Write;

use crate::context::Kind;
use crate::escape::append_html;
use crate::{ErrorKind, Escape, Lambda, Value};

/// How much is gathered before a writer gets it.
pub(crate) const PIECE_BYTES: usize = 8 << 10;

/// Where the text goes.
pub(crate) enum Sink<'w> {
    /// It stays in the string.
    Buffer,
    /// It goes on in pieces.
    Pieces(&'w mut dyn FnMut(&str) -> Result<(), ErrorKind>),
}

/// What a value asks to be done, beside being written.
pub(super) enum Shown<'d> {
    Done,
    /// It is to be called.
    Lambda(&'d dyn Lambda),
}

pub(super) struct Output<'w> {
    text: &'w mut String,
    sink: Sink<'w>,
    escape: Escape,
    /// The length of the text at which something is to be done.
    mark: usize,
    /// Bytes that may still be written before the text is full.
    limit: usize,
    /// How many callers will change text that is still here.
    n_captures: usize,
}

impl<'w> Output<'w> {
    pub(super) fn new(
        text: &'w mut String,
        sink: Sink<'w>,
        escape: Escape,
        max_bytes: usize,
    ) -> Self {
        let mut output = Self {
            limit: text.len().saturating_add(max_bytes),
            text,
            sink,
            escape,
            mark: 0,
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

    #[inline]
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Looks whether there is too much text, or enough for a piece.
    #[inline]
    pub(super) fn check(&mut self) -> Result<(), ErrorKind> {
        if self.text.len() > self.mark {
            self.drain()
        } else {
            Ok(())
        }
    }

    #[cold]
    fn drain(&mut self) -> Result<(), ErrorKind> {
        if self.text.len() > self.limit {
            return Err(ErrorKind::OutputTooLong);
        }
        if let Sink::Pieces(write) = &mut self.sink {
            write(self.text)?;
            self.limit -= self.text.len();
            self.text.clear();
            self.set_mark();
        }
        Ok(())
    }

    /// Gives the rest to the writer.
    pub(super) fn finish(&mut self) -> Result<(), ErrorKind> {
        self.check()?;
        match self.sink {
            Sink::Pieces(_) if !self.text.is_empty() => self.drain(),
            Sink::Pieces(_) | Sink::Buffer => Ok(()),
        }
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
        self.escape_from(begin);
    }

    fn escape_from(&mut self, begin: usize) {
        let raw = self.text.split_off(begin);
        self.escape.append(&raw, self.text);
    }

    #[inline]
    pub(super) fn push_escaped(&mut self, text: &str) {
        match self.escape {
            Escape::Html => append_html(text, self.text),
            other => other.append(text, self.text),
        }
    }

    /// Writes a value, escaped.
    #[inline]
    pub(super) fn show<'d>(&mut self, value: Value<'d>) -> Result<Shown<'d>, ErrorKind> {
        match value.0 {
            Kind::Text(text) => self.push_escaped(text),
            Kind::Display(value) => {
                let begin = self.text.len();
                write!(self.text, "{value}").map_err(|_| ErrorKind::Display)?;
                self.escape_from(begin);
            }
            Kind::Char(c) => self.push_escaped(c.encode_utf8(&mut [0; 4])),
            _ => return self.show_raw(value),
        }
        Ok(Shown::Done)
    }

    /// Writes a value as it is.
    #[inline]
    pub(super) fn show_raw<'d>(&mut self, value: Value<'d>) -> Result<Shown<'d>, ErrorKind> {
        match value.0 {
            Kind::Unsigned(number) => self.push(itoa::Buffer::new().format(number)),
            Kind::Text(text) => self.push(text),
            Kind::Signed(number) => self.push(itoa::Buffer::new().format(number)),
            Kind::Float(number) => {
                write!(self.text, "{number}").map_err(|_| ErrorKind::Display)?;
            }
            Kind::Bool(is_true) => self.push(if is_true { "true" } else { "false" }),
            Kind::Char(c) => self.text.push(c),
            Kind::Display(value) => {
                write!(self.text, "{value}").map_err(|_| ErrorKind::Display)?;
            }
            Kind::Lambda(lambda) => return Ok(Shown::Lambda(lambda)),
            // A list or a thing with fields has no text of its own.
            Kind::Missing | Kind::Null | Kind::Fields(_) | Kind::Items(_) | Kind::Node(..) => {}
        }
        Ok(Shown::Done)
    }
}
