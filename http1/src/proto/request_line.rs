//! The request line: `method SP request-target SP HTTP-version` (RFC 9112 §3).

use std::ops::Range;

use bytes::Bytes;
use http::Version;

use super::{octet, target};
use crate::config::Config;
use crate::error::Violation;

/// Where the parts of a request line lie in the block at whose start it is. Method and target have
/// the octets that they may have, and the version is one that is served.
#[derive(Clone, Debug)]
pub(super) struct RequestLine {
    pub(super) method_len: usize,
    /// Without its fragment.
    pub(super) target: Range<usize>,
    pub(super) version: Version,
    /// With its CRLF.
    pub(super) len: usize,
}

/// Reads a line as nearly all are: in origin-form a target without odd octets.
#[inline(always)]
pub(super) fn read_usual(block: &[u8], config: &Config) -> Option<RequestLine> {
    let method_len = if block.starts_with(b"GET ") {
        3
    } else {
        octet::find(b' ', block).filter(|len| octet::is_token(&block[..*len]))?
    };
    let start = method_len + 1;
    let octets = &block[start..];
    let target_len = target::len_of_usual(octets)?;
    let version = match octets[target_len..].first_chunk()? {
        b" HTTP/1.1\r\n" => Version::HTTP_11,
        b" HTTP/1.0\r\n" => Version::HTTP_10,
        _ => return None,
    };
    let line_len = start + target_len + 9;
    (line_len <= config.max_request_line_bytes).then(|| RequestLine {
        method_len,
        target: start..start + target_len,
        version,
        len: line_len + 2,
    })
}

/// Reads any line, and says what is wrong with it; `None` when its end is not there.
pub(super) fn read(block: &Bytes, config: &Config) -> Result<Option<RequestLine>, Violation> {
    let Some(line_len) = octet::find(b'\r', block) else {
        return Ok(None);
    };
    if block.get(line_len + 1) != Some(&b'\n') {
        return Ok(None);
    }
    if line_len > config.max_request_line_bytes {
        return Err(Violation::RequestLineTooLong);
    }
    let Some((before, version)) = block[..line_len].split_last_chunk::<9>() else {
        return Err(Violation::RequestLine);
    };
    let method_len = octet::find(b' ', before).ok_or(Violation::RequestLine)?;
    let target_start = method_len + 1;
    // A second space, or none before the version, is no part of a target.
    if target_start == before.len() || octet::find(b' ', &before[target_start..]).is_some() {
        return Err(Violation::RequestLine);
    }
    let version = read_version(version)?;
    let method = &block[..method_len];
    if !octet::is_token(method) {
        return Err(Violation::RequestLine);
    }
    let target_len = target::trim(method, &before[target_start..], config.fragments)?;
    Ok(Some(RequestLine {
        method_len,
        target: target_start..target_start + target_len,
        version,
        len: line_len + 2,
    }))
}

/// Reads a version with the space before it (RFC 9112 §2.3).
fn read_version(version: &[u8; 9]) -> Result<Version, Violation> {
    match version {
        b" HTTP/1.1" => Ok(Version::HTTP_11),
        b" HTTP/1.0" => Ok(Version::HTTP_10),
        // A version to come is taken for the highest that is known (RFC 9110 §2.5).
        [b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => Ok(Version::HTTP_11),
        [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Violation::Version)
        }
        _ => Err(Violation::RequestLine),
    }
}
