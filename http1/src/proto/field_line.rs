//! One field line of a head or a trailer section: `field-name ":" OWS field-value OWS CRLF`.

use std::ops::Range;

use bytes::Bytes;

use super::octet;
use super::value::Value;
use crate::error::Violation;

/// Where the parts of a field line lie in its block.
#[derive(Clone, Debug)]
pub(super) struct FieldLine<'a> {
    /// Whatever stands before the first colon: whether it is a token is not judged here. Empty in
    /// the empty line that ends a section.
    pub(super) name: Range<usize>,
    /// Without white space around it.
    pub(super) value: Value<'a>,
    /// Where the line's CRLF stands.
    pub(super) end: usize,
}

impl FieldLine<'_> {
    /// Tells whether this is the empty line.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.name.is_empty()
    }

    /// Returns where the next line starts.
    #[inline]
    pub(super) fn next(&self) -> usize {
        self.end + 2
    }
}

/// Reads the line that starts at `start`; `None` when its end is not there.
// Never inlined: on its own it has registers enough for all that it looks at.
#[inline(always)]
pub(super) fn read(block: &Bytes, start: usize) -> Result<Option<FieldLine<'_>>, Violation> {
    let octets = &block[start..];
    if let [b'\r', ..] = octets {
        return Ok(is_line_end(block, start)?.then_some(FieldLine {
            name: start..start,
            value: Value::empty(block),
            end: start,
        }));
    }
    let Some(name_len) = octet::find(b':', octets) else {
        return Ok(None);
    };
    if name_len == 0 {
        return Err(Violation::HeaderField);
    }
    let colon = start + name_len;
    // Nearly always one space and no more.
    let n_spaces = match octets[name_len + 1..] {
        [b' ', first, ..] if first > b' ' => 1,
        ref behind => behind
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count(),
    };
    let Some((value, end)) = Value::read(block, colon + 1 + n_spaces) else {
        return Ok(None);
    };
    Ok(is_line_end(block, end)?.then_some(FieldLine {
        name: start..colon,
        value,
        end,
    }))
}

/// Says what is wrong with octets that should be a name before a colon, or lines: a CR on its own,
/// or else white space before the colon, a folded line, a line without a colon (RFC 9112 §5.1,
/// §5.2).
#[cold]
pub(super) fn blame(octets: &[u8]) -> Violation {
    let has_bare_cr = octets
        .windows(2)
        .any(|two| two[0] == b'\r' && two[1] != b'\n');
    if has_bare_cr || octets.ends_with(b"\r") {
        Violation::BareCr
    } else {
        Violation::HeaderField
    }
}

/// Tells whether the CRLF that has to stand at `at` is complete.
#[inline]
fn is_line_end(block: &[u8], at: usize) -> Result<bool, Violation> {
    match block[at..] {
        [b'\r', b'\n', ..] => Ok(true),
        [b'\r'] => Ok(false),
        [b'\r', _, ..] => Err(Violation::BareCr),
        _ => Err(Violation::HeaderField),
    }
}
