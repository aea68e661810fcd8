//! One field line of a head or a trailer section: `field-name ":" OWS field-value OWS CRLF`.

use super::octet;
use super::value::Value;
use crate::error::Violation;

/// The parts of a field line.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldLine<'a> {
    /// Whatever stands before the first colon: whether it is a token is not judged here. Empty in
    /// the empty line that ends a section.
    pub(super) name: &'a [u8],
    /// Without white space around it.
    pub(super) value: Value<'a>,
    /// What stands behind the line's CRLF.
    pub(super) behind: &'a [u8],
}

impl FieldLine<'_> {
    /// Tells whether this is the empty line.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.name.is_empty()
    }
}

/// Reads the line at the start; `None` when its end is not there.
#[inline(always)]
pub(super) fn read(octets: &[u8]) -> Result<Option<FieldLine<'_>>, Violation> {
    if let [b'\r', ..] = octets {
        let behind = split_line_end(octets)?;
        return Ok(behind.map(|behind| FieldLine {
            name: &[],
            value: Value::EMPTY,
            behind,
        }));
    }
    let Some(name_len) = octet::find(b':', octets) else {
        return Ok(None);
    };
    if name_len == 0 {
        return Err(Violation::HeaderField);
    }
    let (name, from_colon) = octets.split_at(name_len);
    // Nearly always one space and no more.
    let from_value = match from_colon {
        [_, b' ', first, ..] if *first > b' ' => &from_colon[2..],
        _ => {
            let is_space = |octet: &&u8| matches!(**octet, b' ' | b'\t');
            let n_spaces = from_colon[1..].iter().take_while(is_space).count();
            &from_colon[1 + n_spaces..]
        }
    };
    let Some((value, from_end)) = Value::read(from_value) else {
        return Ok(None);
    };
    let behind = split_line_end(from_end)?;
    Ok(behind.map(|behind| FieldLine {
        name,
        value,
        behind,
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

/// Splits off the CRLF that has to be there; `None` when it is not complete.
#[inline]
fn split_line_end(octets: &[u8]) -> Result<Option<&[u8]>, Violation> {
    if let Some(behind) = octets.strip_prefix(b"\r\n") {
        return Ok(Some(behind));
    }
    match octets {
        [b'\r'] => Ok(None),
        [b'\r', _, ..] => Err(Violation::BareCr),
        _ => Err(Violation::HeaderField),
    }
}
