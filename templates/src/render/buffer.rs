//! The text that is made.
//!
//! Where it ends is handed to and from each function that writes, so that the loops of the machine
//! have it in a register: the place of each piece depends on the one before, and a length in
//! memory would cost the way there and back for each.

use std::fmt::Write;

use crate::compile::Text;
use crate::context::Kind;
use crate::escape::write_html;
use crate::{Escape, Value};

/// Bytes that are written from the beginning; the rest is there to be written.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(super) bytes: Vec<u8>,
    pub(super) end: usize,
}

impl Buffer {
    #[expect(
        clippy::slow_vector_initialization,
        reason = "glibc's calloc passes by the cache of the thread, which most pages fit in"
    )]
    pub(crate) fn with_capacity(n_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(n_bytes);
        bytes.resize(n_bytes, 0);
        Self { bytes, end: 0 }
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.end);
        self.bytes
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// Takes the end away, from this byte on.
    pub(super) fn split_off(&mut self, begin: usize) -> String {
        let text = self.bytes[begin..self.end].to_vec();
        self.end = begin;
        String::from_utf8(text).expect("all that is written is text")
    }

    pub(super) fn push(&mut self, text: &[u8]) {
        self.end = write(text, &mut self.bytes, self.end);
    }
}

/// Writes an instruction's text; returns its end.
#[inline(always)]
pub(super) fn write_text(text: &Text, bytes: &mut Vec<u8>, end: usize) -> usize {
    match text {
        Text::Block { len, bytes: block } => {
            put(block, bytes, end);
            end + usize::from(*len)
        }
        Text::Long(text) => write(text, bytes, end),
    }
}

/// Writes a value, escaped; returns its end. It answers `None` for what cannot be written: a
/// lambda, and what refuses.
#[inline(always)]
pub(super) fn write_value(
    value: &Value<'_>,
    escape: Escape,
    bytes: &mut Vec<u8>,
    end: usize,
) -> Option<usize> {
    match value.0 {
        Kind::Text(text) => Some(match escape {
            Escape::Html => write_html(text.as_bytes(), bytes, end),
            other => write_escaped(text, other, bytes, end),
        }),
        Kind::Unsigned(number) => Some(match DIGITS.get(number as usize) {
            Some(digits) => {
                put(digits, bytes, end);
                end + if number < 10 { 1 } else { 2 }
            }
            None if number < 10_000 => write_four(number as usize, bytes, end),
            None => write_number(number, bytes, end),
        }),
        _ => write_rare(value, escape, bytes, end),
    }
}

/// Copies so many bytes as are known when this crate is compiled.
#[inline(always)]
pub(crate) fn put<const N: usize>(from: &[u8; N], bytes: &mut Vec<u8>, at: usize) {
    match room::<N>(bytes, at) {
        Some(room) => room.copy_from_slice(from),
        None => put_behind(from, bytes, at),
    }
}

/// Returns the bytes from a place on, if there are so many.
#[inline(always)]
pub(crate) fn room<const N: usize>(bytes: &mut [u8], at: usize) -> Option<&mut [u8; N]> {
    // Asked in this way it is one comparison.
    let end = at.checked_add(N)?;
    bytes.get_mut(at..end)?.first_chunk_mut()
}

/// Copies where there was no room.
#[cold]
#[inline(never)]
fn put_behind(from: &[u8], bytes: &mut Vec<u8>, at: usize) {
    write(from, bytes, at);
}

#[cold]
#[inline(never)]
fn grow(bytes: &mut Vec<u8>, n_bytes: usize) {
    let n_bytes = n_bytes.max(2 * bytes.len()).max(64);
    bytes.resize(n_bytes, 0);
}

/// Writes text; returns its end.
pub(crate) fn write(text: &[u8], bytes: &mut Vec<u8>, at: usize) -> usize {
    let end = at + text.len();
    if bytes.len() < end {
        grow(bytes, end);
    }
    bytes[at..end].copy_from_slice(text);
    end
}

#[inline(never)]
fn write_escaped(text: &str, escape: Escape, bytes: &mut Vec<u8>, at: usize) -> usize {
    match escape {
        Escape::Html => write_html(text.as_bytes(), bytes, at),
        Escape::None => write(text.as_bytes(), bytes, at),
        other => write(other.escaped(text).as_bytes(), bytes, at),
    }
}

/// Writes a number of up to four digits, at least three.
#[inline]
fn write_four(number: usize, bytes: &mut Vec<u8>, at: usize) -> usize {
    let (high, low) = (number / 100, number % 100);
    let digits = |pair: usize| [b'0' + (pair / 10) as u8, b'0' + (pair % 10) as u8];
    let ([a, b], [c, d]) = (digits(high), digits(low));
    if number < 1_000 {
        put(&[b, c, d], bytes, at);
        at + 3
    } else {
        put(&[a, b, c, d], bytes, at);
        at + 4
    }
}

#[inline(never)]
fn write_number(number: u64, bytes: &mut Vec<u8>, at: usize) -> usize {
    write(itoa::Buffer::new().format(number).as_bytes(), bytes, at)
}

/// Writes a value of a kind that is not met often.
#[inline(never)]
fn write_rare(value: &Value<'_>, escape: Escape, bytes: &mut Vec<u8>, at: usize) -> Option<usize> {
    Some(match value.0 {
        Kind::Text(text) => write_escaped(text, escape, bytes, at),
        Kind::Unsigned(number) => write_number(number, bytes, at),
        Kind::Signed(number) => write(itoa::Buffer::new().format(number).as_bytes(), bytes, at),
        Kind::Float(number) => write(number.to_string().as_bytes(), bytes, at),
        Kind::Bool(true) => write(b"true", bytes, at),
        Kind::Bool(false) => write(b"false", bytes, at),
        Kind::Char(c) => write_escaped(c.encode_utf8(&mut [0; 4]), escape, bytes, at),
        Kind::Display(value) => {
            let mut text = String::new();
            write!(text, "{value}").ok()?;
            write_escaped(&text, escape, bytes, at)
        }
        Kind::Lambda(_) => return None,
        // A list or a thing with fields has no text of its own.
        Kind::Missing | Kind::Null | Kind::Fields(_) | Kind::Items(_) | Kind::Node(..) => at,
    })
}

/// The numbers below 100; of one digit, the first counts.
static DIGITS: [[u8; 2]; 100] = {
    let mut digits = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        let (tens, ones) = (b'0' + number as u8 / 10, b'0' + number as u8 % 10);
        digits[number] = if number < 10 { [ones, 0] } else { [tens, ones] };
        number += 1;
    }
    digits
};
