//! The head of a request, and the trailer section: found line by line, read once when whole.
//!
//! Nothing is judged before its section is complete, so the verdict does not depend on how the
//! stream was cut into segments. There is one reader and it is strict: lines end by CRLF, parts
//! are where RFC 9112 has them; what an octet of a name or value may be is left to the types of `http`.

use std::ops::Range;

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};

use super::framing::{Framing, FramingFields};
use super::names::{self, Role};
use super::{octet, target};
use crate::config::Config;
use crate::error::Violation;

/// What a request's head says of the bytes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadFacts {
    /// How the request's body is framed.
    pub framing: Framing,
    /// Whether the client wants the connection to go on after the answer.
    pub is_persistent: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// Whether the client takes trailers.
    pub takes_trailers: bool,
}

/// Finds the end of a head, or of a trailer section, as lines arrive.
#[derive(Debug, Default)]
pub(super) struct LineScan {
    /// Bytes looked at.
    scanned: usize,
    /// Where the line under way starts.
    line_start: usize,
    n_lines: usize,
}

/// Which kind of lines a [`LineScan`] looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Head,
    /// A response's head: its status line may be as long as any other.
    ResponseHead,
    Trailers,
}

/// How much a section may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_request_line_bytes: usize,
    pub(super) max_header_line_bytes: usize,
    pub(super) max_headers: usize,
    pub(super) max_head_bytes: usize,
}

impl From<&Config> for Limits {
    fn from(config: &Config) -> Self {
        Self {
            max_request_line_bytes: config.max_request_line_bytes,
            max_header_line_bytes: config.max_header_line_bytes,
            max_headers: config.max_headers,
            max_head_bytes: config.max_head_bytes,
        }
    }
}

impl LineScan {
    /// Looks at the bytes that came since the last call and returns the section's length once it
    /// is whole, empty line included.
    pub(super) fn find_end(
        &mut self,
        input: &[u8],
        section: Section,
        limits: impl Into<Limits>,
    ) -> Result<Option<usize>, Violation> {
        let limits = limits.into();
        while let Some(found) = octet::find(b'\n', &input[self.scanned..]) {
            let lf = self.scanned + found;
            // Limits come first: a line in pieces is measured before its end is seen.
            let line_len = (lf - self.line_start).saturating_sub(1);
            self.check_line(line_len, lf + 1, section, limits)?;
            if lf == 0 || input[lf - 1] != b'\r' {
                return Err(Violation::BareLf);
            }
            self.scanned = lf + 1;
            self.line_start = lf + 1;
            if line_len == 0 {
                return Ok(Some(lf + 1));
            }
            self.n_lines += 1;
        }
        self.scanned = input.len();
        // Of a line that is not complete, the last octet may be the CR of its end.
        let line_len = (self.scanned - self.line_start).saturating_sub(1);
        self.check_line(line_len, self.scanned, section, limits)?;
        Ok(None)
    }

    /// Returns how many lines of fields the section has, once it is whole.
    fn n_fields(&self, section: Section) -> usize {
        match section {
            Section::Head | Section::ResponseHead => self.n_lines.saturating_sub(1),
            Section::Trailers => self.n_lines,
        }
    }

    fn check_line(
        &self,
        line_len: usize,
        section_len: usize,
        section: Section,
        limits: Limits,
    ) -> Result<(), Violation> {
        if section == Section::Head && self.n_lines == 0 {
            if line_len > limits.max_request_line_bytes {
                return Err(Violation::RequestLineTooLong);
            }
        } else if line_len > 0 && self.n_fields(section) >= limits.max_headers {
            return Err(Violation::TooManyHeaders);
        } else if line_len > limits.max_header_line_bytes {
            return Err(Violation::HeaderLineTooLong);
        }
        if section_len > limits.max_head_bytes {
            return Err(Violation::HeadTooLong);
        }
        Ok(())
    }
}

/// Takes a request's head off the input, once it is whole, and fills in the request.
///
/// A head that arrives in one piece and keeps every rule is read at once. Any other is measured
/// line by line first, so that what is wrong with it is judged by its lines, not by its segments.
pub(super) fn receive<B>(
    input: &mut Bytes,
    scan: &mut LineScan,
    config: &Config,
    n_fields_expected: usize,
    request: &mut Request<B>,
) -> Result<Option<HeadFacts>, Violation> {
    if scan.scanned == 0 {
        skip_empty_lines(input, config)?;
        if input[..] == *b"\r" {
            return Ok(None);
        }
        if let Ok(Some((len, facts))) = read(input, config, n_fields_expected, request) {
            input.advance(len);
            return Ok(Some(facts));
        }
    }
    let Some(len) = scan.find_end(input, Section::Head, config)? else {
        return Ok(None);
    };
    *scan = LineScan::default();
    request.headers_mut().clear();
    match read(&input.split_to(len), config, n_fields_expected, request)? {
        Some((_, facts)) => Ok(Some(facts)),
        None => Err(Violation::BareCr),
    }
}

/// Takes a trailer section off the input, once it is whole. Fields that frame or route a message,
/// or that say who asks, are dropped (RFC 9110 §6.5.1).
pub(super) fn receive_trailers(
    input: &mut Bytes,
    scan: &mut LineScan,
    limits: impl Into<Limits>,
) -> Result<Option<HeaderMap>, Violation> {
    let Some(len) = scan.find_end(input, Section::Trailers, limits)? else {
        return Ok(None);
    };
    *scan = LineScan::default();
    let section = input.split_to(len);
    let mut trailers = HeaderMap::new();
    let mut lines = Lines {
        section: &section,
        at: 0,
    };
    loop {
        let line = lines.next_line().ok_or(Violation::BareCr)?;
        if line.is_empty() {
            return Ok(Some(trailers));
        }
        let (name, value) = split_field(&section, line)?;
        let value = HeaderValue::from_maybe_shared(section.slice(value));
        let value = value.map_err(|_| Violation::HeaderField)?;
        let name = HeaderName::from_bytes(&section[name]).map_err(|_| Violation::HeaderField)?;
        if is_allowed_in_trailers(&name) {
            trailers
                .try_append(name, value)
                .map_err(|_| Violation::TooManyHeaders)?;
        }
    }
}

/// A server takes empty lines before a request (RFC 9112 §2.2).
fn skip_empty_lines(input: &mut Bytes, config: &Config) -> Result<(), Violation> {
    let mut n_skipped = 0;
    while input.starts_with(b"\r\n") {
        input.advance(2);
        n_skipped += 2;
        if n_skipped > config.max_head_bytes {
            return Err(Violation::HeadTooLong);
        }
    }
    Ok(())
}

/// The lines of a section, by where they lie in it.
pub(super) struct Lines<'section> {
    pub(super) section: &'section [u8],
    pub(super) at: usize,
}

/// Where a line lies, without its CRLF.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Line {
    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

impl Lines<'_> {
    /// Finds the next CR; `None` when there is none, or no LF behind it.
    #[inline]
    pub(super) fn next_line(&mut self) -> Option<Line> {
        let start = self.at;
        let end = start + octet::find(b'\r', &self.section[start..])?;
        if self.section.get(end + 1) != Some(&b'\n') {
            return None;
        }
        self.at = end + 2;
        Some(Line { start, end })
    }
}

/// Reads a head from the start of `block`, and returns its length; `None` when its end, or the
/// end of one of its lines, is not there.
fn read<B>(
    block: &Bytes,
    config: &Config,
    n_fields_expected: usize,
    request: &mut Request<B>,
) -> Result<Option<(usize, HeadFacts)>, Violation> {
    let mut lines = Lines {
        section: block,
        at: 0,
    };
    let Some(line) = lines.next_line() else {
        return Ok(None);
    };
    if line.end > config.max_request_line_bytes {
        return Err(Violation::RequestLineTooLong);
    }
    let version = read_request_line(block, line, request)?;
    let mut framing = FramingFields::default();
    let headers = request.headers_mut();
    // A map makes room for six at first, by itself.
    if n_fields_expected > 6 {
        headers.reserve(n_fields_expected);
    }
    loop {
        let Some(line) = lines.next_line() else {
            return Ok(None);
        };
        if line.end - line.start > config.max_header_line_bytes {
            return Err(Violation::HeaderLineTooLong);
        }
        if line.is_empty() {
            break;
        }
        if headers.len() >= config.max_headers {
            return Err(Violation::TooManyHeaders);
        }
        read_field(block, line, headers, |role, value| framing.see(role, value))?;
    }
    if lines.at > config.max_head_bytes {
        return Err(Violation::HeadTooLong);
    }
    prefer_target_authority(request)?;
    Ok(Some((lines.at, framing.conclude(version)?)))
}

/// Reads `method SP request-target SP HTTP-version` (RFC 9112 §3).
fn read_request_line<B>(
    block: &Bytes,
    line: Line,
    request: &mut Request<B>,
) -> Result<Version, Violation> {
    let text = &block[line.start..line.end];
    let Some((before, version)) = text.split_last_chunk::<9>() else {
        return Err(Violation::RequestLine);
    };
    let method_len = octet::find(b' ', before).ok_or(Violation::RequestLine)?;
    let target_start = method_len + 1;
    // A second space, or none before the version, is no part of a target.
    if target_start == before.len() || octet::find(b' ', &before[target_start..]).is_some() {
        return Err(Violation::RequestLine);
    }
    let version = if version == b" HTTP/1.1" {
        Version::HTTP_11
    } else {
        read_other_version(version)?
    };
    let method = Method::from_bytes(&before[..method_len]).map_err(|_| Violation::RequestLine)?;
    let target = line.start + target_start..line.start + before.len();
    target::read(&method, block, target, request.uri_mut())?;
    *request.method_mut() = method;
    *request.version_mut() = version;
    Ok(version)
}

/// Reads a version that is not the usual one, with the space before it (RFC 9112 §2.3).
fn read_other_version(version: &[u8; 9]) -> Result<Version, Violation> {
    match version {
        b" HTTP/1.0" => Ok(Version::HTTP_10),
        [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Violation::Version)
        }
        _ => Err(Violation::RequestLine),
    }
}

/// The authority of an absolute-form target stands above Host (RFC 9112 §3.2.2), also for a service
/// that looks at Host alone.
fn prefer_target_authority<B>(request: &mut Request<B>) -> Result<(), Violation> {
    if request.method() == Method::CONNECT {
        return Ok(());
    }
    let Some(authority) = request.uri().authority() else {
        return Ok(());
    };
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Violation::RequestTarget)?;
    request.headers_mut().insert(http::header::HOST, host);
    Ok(())
}

/// Reads a field, stores it, and shows it to `see` where it says something of the framing.
pub(super) fn read_field(
    block: &Bytes,
    line: Line,
    headers: &mut HeaderMap,
    see: impl FnOnce(Role, &[u8]) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let (name, value) = split_field(block, line)?;
    let (name, octets) = (&block[name], &block[value.clone()]);
    let value = HeaderValue::from_maybe_shared(block.slice(value));
    let value = value.map_err(|_| Violation::HeaderField)?;
    // The two arms differ in who owns the name: a known one is not copied before it is stored.
    let stored = match names::find(name) {
        Some(known) => {
            if known.role != Role::Other {
                see(known.role, octets)?;
            }
            headers.try_append(&known.name, value)
        }
        None => {
            let name = HeaderName::from_bytes(name).map_err(|_| Violation::HeaderField)?;
            headers.try_append(name, value)
        }
    };
    stored.map(drop).map_err(|_| Violation::TooManyHeaders)
}

/// Splits `field-name ":" OWS field-value OWS` (RFC 9112 §5) into name and value.
///
/// Whoever makes a name of the name sees that it is a token, so neither white space before the
/// colon nor a folded line passes.
#[inline]
fn split_field(block: &[u8], line: Line) -> Result<(Range<usize>, Range<usize>), Violation> {
    let text = &block[line.start..line.end];
    let name_len = octet::find(b':', text).ok_or(Violation::HeaderField)?;
    let mut value = &text[name_len + 1..];
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    let start = line.end - value.len();
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    Ok((
        line.start..line.start + name_len,
        start..start + value.len(),
    ))
}

/// RFC 9110 §6.5.1: no field that is needed before the content may come behind it.
pub(super) fn is_allowed_in_trailers(name: &HeaderName) -> bool {
    const FORBIDDEN: [HeaderName; 22] = [
        http::header::AUTHORIZATION,
        http::header::CACHE_CONTROL,
        http::header::CONNECTION,
        http::header::CONTENT_ENCODING,
        http::header::CONTENT_LENGTH,
        http::header::CONTENT_RANGE,
        http::header::CONTENT_TYPE,
        http::header::COOKIE,
        http::header::EXPECT,
        http::header::HOST,
        http::header::IF_MATCH,
        http::header::IF_MODIFIED_SINCE,
        http::header::IF_NONE_MATCH,
        http::header::IF_RANGE,
        http::header::IF_UNMODIFIED_SINCE,
        http::header::MAX_FORWARDS,
        http::header::PROXY_AUTHORIZATION,
        http::header::RANGE,
        http::header::TE,
        http::header::TRAILER,
        http::header::TRANSFER_ENCODING,
        http::header::UPGRADE,
    ];
    !FORBIDDEN.contains(name)
}
