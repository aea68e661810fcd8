//! The head of a response: found line by line, read once when whole, by the server's strict reader.

use bytes::Bytes;
use http::{Response, StatusCode, Version};

use crate::error::Violation;
use crate::proto::framing::FramingFields;
use crate::proto::head::{self, Limits, LineScan, Section};
use crate::proto::names::Role;
use crate::proto::{field_line, octet};

/// Takes a response's head off the input, once it is whole, and fills in the response.
pub(super) fn receive<B>(
    input: &mut Bytes,
    scan: &mut LineScan,
    limits: Limits,
    response: &mut Response<B>,
) -> Result<Option<FramingFields>, Violation> {
    let Some(len) = scan.find_end(input, Section::ResponseHead, limits)? else {
        return Ok(None);
    };
    *scan = LineScan::default();
    let block = input.split_to(len);
    let line_len = octet::find(b'\r', &block)
        .filter(|at| block.get(at + 1) == Some(&b'\n'))
        .ok_or(Violation::BareCr)?;
    let (version, status) = read_status_line(&block[..line_len])?;
    *response.version_mut() = version;
    *response.status_mut() = status;
    let mut framing = FramingFields::default();
    let headers = response.headers_mut();
    headers.clear();
    let mut rest = &block[line_len + 2..];
    loop {
        let line = field_line::read(rest)?.ok_or_else(|| field_line::blame(&block))?;
        if line.is_empty() {
            return Ok(Some(framing));
        }
        rest = line.behind;
        let see = |role, value: &[u8]| match role {
            Role::Connection | Role::ContentLength | Role::TransferEncoding => {
                framing.see(role, value)
            }
            // These mean something in requests only.
            Role::Other | Role::Expect | Role::Host | Role::Te => Ok(()),
        };
        head::append(&block, (line.name, line.value), headers, see)?;
    }
}

/// Reads `HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 §4).
///
/// The last space may be missing where there is no reason, as many servers have it: nothing can be
/// taken for something else. The reason is dropped.
fn read_status_line(line: &[u8]) -> Result<(Version, StatusCode), Violation> {
    let (version, rest) = line.split_first_chunk::<9>().ok_or(Violation::StatusLine)?;
    let version = match version {
        b"HTTP/1.1 " => Version::HTTP_11,
        b"HTTP/1.0 " => Version::HTTP_10,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor, b' ']
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Violation::Version);
        }
        _ => return Err(Violation::StatusLine),
    };
    let (digits, reason) = rest.split_first_chunk::<3>().ok_or(Violation::StatusLine)?;
    if !matches!(reason, [] | [b' ', ..]) || !reason.iter().all(|b| is_reason(*b)) {
        return Err(Violation::StatusLine);
    }
    let status = StatusCode::from_bytes(digits).map_err(|_| Violation::StatusLine)?;
    Ok((version, status))
}

/// `HTAB / SP / VCHAR / obs-text`.
fn is_reason(octet: u8) -> bool {
    matches!(octet, b'\t' | b' '..=b'~' | 0x80..)
}
