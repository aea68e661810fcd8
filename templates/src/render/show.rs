//! Appends text and values.

use crate::compile::{BLOCK_BYTES, Text};
use crate::context::Kind;
use crate::escape::push_html;
use crate::{Escape, Value};

/// Appends text.
///
/// A string whose place in memory nobody is told is kept in registers: the place of each piece
/// depends on the one before, and a length in memory would cost the way there and back for each. So
/// what the loops of the machine call takes the string and gives it back.
#[inline(always)]
pub(crate) fn push(piece: &str, text: &mut String) {
    if piece.len() <= text.capacity() - text.len() {
        text.push_str(piece);
    } else {
        *text = push_and_grow(piece, std::mem::take(text));
    }
}

#[cold]
#[inline(never)]
fn push_and_grow(piece: &str, mut text: String) -> String {
    text.push_str(piece);
    text
}

/// Appends an instruction's text.
#[inline(always)]
pub(super) fn push_text(piece: &Text, text: &mut String) {
    if piece.padded.len() == BLOCK_BYTES {
        let end = text.len() + piece.n_bytes;
        push(&piece.padded, text);
        text.truncate(end);
    } else {
        push(&piece.padded, text);
    }
}

/// Appends a value, escaped. It answers `None` for what has to be called.
#[inline(always)]
pub(super) fn push_value(value: &Value<'_>, escape: Escape, text: &mut String) -> Option<()> {
    match value.0 {
        Kind::Text(value) if matches!(escape, Escape::Html) => push_html(value, text),
        Kind::Unsigned(number @ ..100) => push_pair(number as usize, text),
        Kind::Unsigned(number @ ..10_000) => {
            push_pair(number as usize / 100, text);
            push(pair(number as usize % 100), text);
        }
        _ => {
            let (back, done) = push_rare(value, escape, std::mem::take(text));
            *text = back;
            return done;
        }
    }
    Some(())
}

/// Appends a value of a kind that is not met often.
#[inline(never)]
fn push_rare(value: &Value<'_>, escape: Escape, mut text: String) -> (String, Option<()>) {
    let mut digits = itoa::Buffer::new();
    match value.0 {
        Kind::Text(value) if matches!(escape, Escape::None) => text.push_str(value),
        Kind::Text(value) => text.push_str(&escape.escaped(value)),
        Kind::Unsigned(number) => text.push_str(digits.format(number)),
        Kind::Signed(number) => text.push_str(digits.format(number)),
        Kind::Float(number) => text.push_str(&number.to_string()),
        Kind::Bool(true) => text.push_str("true"),
        Kind::Bool(false) => text.push_str("false"),
        Kind::Char(c) => text.push_str(&escape.escaped(c.encode_utf8(&mut [0; 4]))),
        // A list or a thing with fields has no text of its own.
        Kind::Missing | Kind::Null | Kind::Fields(_) | Kind::Items(_) | Kind::Node(..) => {}
        Kind::Display(_) | Kind::Lambda(_) => return (text, None),
    }
    (text, Some(()))
}

/// Appends a number below 100.
#[inline(always)]
fn push_pair(number: usize, text: &mut String) {
    if number < 10 {
        push(&pair(number)[1..], text);
    } else {
        push(pair(number), text);
    }
}

/// Returns the last two digits of a number below 100.
#[inline(always)]
fn pair(number: usize) -> &'static str {
    &PAIRS[2 * number..2 * number + 2]
}

const PAIRS: &str = "\
    00010203040506070809\
    10111213141516171819\
    20212223242526272829\
    30313233343536373839\
    40414243444546474849\
    50515253545556575859\
    60616263646566676869\
    70717273747576777879\
    80818283848586878889\
    90919293949596979899\
";
