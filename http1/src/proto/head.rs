//! The head of a request: found line by line, read once when it is whole.
//!
//! Nothing is judged before its line is complete, so the verdict does not depend on how the
//! stream was cut into segments.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Buf, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};

use super::framing::{Framing, FramingFields};
use super::names;
use super::target;
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
    Trailers,
}

impl LineScan {
    /// Looks at the bytes that came since the last call and returns the section's length once it
    /// is whole, empty line included.
    pub(super) fn find_end(
        &mut self,
        input: &[u8],
        section: Section,
        config: &Config,
    ) -> Result<Option<usize>, Violation> {
        while let Some(found) = input[self.scanned..].iter().position(|b| *b == b'\n') {
            let lf = self.scanned + found;
            if lf == 0 || input[lf - 1] != b'\r' {
                return Err(Violation::BareLf);
            }
            let line_len = lf - 1 - self.line_start;
            self.check_line(line_len, lf + 1, section, config)?;
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
        self.check_line(line_len, self.scanned, section, config)?;
        Ok(None)
    }

    /// Returns how many lines of fields the section has, once it is whole.
    fn n_fields(&self, section: Section) -> usize {
        match section {
            Section::Head => self.n_lines.saturating_sub(1),
            Section::Trailers => self.n_lines,
        }
    }

    fn check_line(
        &self,
        line_len: usize,
        section_len: usize,
        section: Section,
        config: &Config,
    ) -> Result<(), Violation> {
        if section == Section::Head && self.n_lines == 0 {
            if line_len > config.max_request_line_bytes {
                return Err(Violation::RequestLineTooLong);
            }
        } else if line_len > 0 && self.n_fields(section) >= config.max_headers {
            return Err(Violation::TooManyHeaders);
        } else if line_len > config.max_header_line_bytes {
            return Err(Violation::HeaderLineTooLong);
        }
        if section_len > config.max_head_bytes {
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
    input: &mut BytesMut,
    scan: &mut LineScan,
    config: &Config,
    request: &mut Request<B>,
) -> Result<Option<HeadFacts>, Violation> {
    if scan.scanned == 0 {
        skip_empty_lines(input, config)?;
        if input[..] == *b"\r" {
            return Ok(None);
        }
        let mut fields = [FieldAt::default(); USUAL_FIELDS];
        let mut parsed = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
        if let Ok(Some(head)) = read(input, &mut parsed, &mut fields, config) {
            return fill(input, &head, &fields[..head.n_fields], request).map(Some);
        }
    }
    let Some(len) = scan.find_end(input, Section::Head, config)? else {
        return Ok(None);
    };
    let n_fields = scan.n_fields(Section::Head);
    *scan = LineScan::default();
    let mut fields = vec![FieldAt::default(); n_fields];
    let mut parsed = vec![MaybeUninit::uninit(); n_fields];
    match read(&input[..len], &mut parsed, &mut fields, config)? {
        Some(head) => fill(input, &head, &fields[..head.n_fields], request).map(Some),
        None => Err(Violation::RequestLine),
    }
}

/// Fields of a head that is read at once.
const USUAL_FIELDS: usize = 24;

/// Where the parts of a head lie in the input.
struct HeadAt {
    len: usize,
    method_len: usize,
    target_len: usize,
    version: Version,
    n_fields: usize,
}

/// Where a field lies in the input.
#[derive(Clone, Copy, Default)]
struct FieldAt {
    name: u32,
    name_end: u32,
    value: u32,
    value_end: u32,
}

impl FieldAt {
    fn name(self) -> Range<usize> {
        self.name as usize..self.name_end as usize
    }

    fn value(self) -> Range<usize> {
        self.value as usize..self.value_end as usize
    }
}

/// Finds the parts of a head; `None` when it is not whole.
fn read<'input>(
    input: &'input [u8],
    parsed: &mut [MaybeUninit<httparse::Header<'input>>],
    fields: &mut [FieldAt],
    config: &Config,
) -> Result<Option<HeadAt>, Violation> {
    let mut request = httparse::Request::new(&mut []);
    let len = match request.parse_with_uninit_headers(input, parsed) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(blame(error, input)),
    };
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Ok(None);
    };
    let offset_of = |part: &[u8]| part.as_ptr() as usize - input.as_ptr() as usize;
    let ends_well = |end: usize| input[..end].ends_with(b"\r\n");
    // Single spaces and nothing else part the request line (RFC 9112 §3); httparse takes more.
    let mut line = method.len() + 1 + target.len() + b" HTTP/1.1\r\n".len();
    if offset_of(method.as_bytes()) != 0
        || offset_of(target.as_bytes()) != method.len() + 1
        || !ends_well(line)
    {
        return Err(Violation::RequestLine);
    }
    if line - 2 > config.max_request_line_bytes {
        return Err(Violation::RequestLineTooLong);
    }
    let n_fields = request.headers.len();
    if n_fields > config.max_headers {
        return Err(Violation::TooManyHeaders);
    }
    for (field, at) in request.headers.iter().zip(&mut *fields) {
        let name = offset_of(field.name.as_bytes());
        // Every line ends by CRLF (RFC 9112 §2.2); httparse takes LF.
        check_line_end(input, line, name, config)?;
        line = name;
        let span = |part: &[u8]| {
            let start = u32::try_from(offset_of(part)).ok()?;
            Some((start, start.checked_add(u32::try_from(part.len()).ok()?)?))
        };
        let (Some((name, name_end)), Some((value, value_end))) =
            (span(field.name.as_bytes()), span(field.value))
        else {
            return Err(Violation::HeadTooLong);
        };
        *at = FieldAt {
            name,
            name_end,
            value,
            value_end,
        };
    }
    check_line_end(input, line, len - 2, config)?;
    if len > config.max_head_bytes {
        return Err(Violation::HeadTooLong);
    }
    let version = if minor == 0 {
        Version::HTTP_10
    } else {
        Version::HTTP_11
    };
    let (method_len, target_len) = (method.len(), target.len());
    Ok(Some(HeadAt {
        len,
        method_len,
        target_len,
        version,
        n_fields,
    }))
}

/// Checks a line by where it starts and where the next one does.
fn check_line_end(
    input: &[u8],
    start: usize,
    next: usize,
    config: &Config,
) -> Result<(), Violation> {
    if !input[..next].ends_with(b"\r\n") {
        return Err(Violation::BareLf);
    }
    if next - start > config.max_header_line_bytes + 2 {
        return Err(Violation::HeaderLineTooLong);
    }
    Ok(())
}

/// Takes a head off the input and makes the request of its bytes.
fn fill<B>(
    input: &mut BytesMut,
    at: &HeadAt,
    fields: &[FieldAt],
    request: &mut Request<B>,
) -> Result<HeadFacts, Violation> {
    let head = input.split_to(at.len).freeze();
    let method = Method::from_bytes(&head[..at.method_len]).map_err(|_| Violation::RequestLine)?;
    let target_at = at.method_len + 1;
    let target = head.slice(target_at..target_at + at.target_len);
    *request.uri_mut() = target::parse(&method, target)?;
    *request.method_mut() = method;
    *request.version_mut() = at.version;
    let headers = request.headers_mut();
    headers.reserve(fields.len());
    let mut framing = FramingFields::default();
    for at in fields {
        let (name, role) = name_of(&head[at.name()])?;
        framing.see(role, &head[at.value()])?;
        let value = HeaderValue::from_maybe_shared(head.slice(at.value()));
        headers.append(name, value.map_err(|_| Violation::HeaderField)?);
    }
    framing.conclude(at.version)
}

/// Takes a trailer section off the input, once it is whole. Fields that frame or route a message,
/// or that say who asks, are dropped (RFC 9110 §6.5.1).
pub(super) fn receive_trailers(
    input: &mut BytesMut,
    scan: &mut LineScan,
    config: &Config,
) -> Result<Option<HeaderMap>, Violation> {
    let Some(len) = scan.find_end(input, Section::Trailers, config)? else {
        return Ok(None);
    };
    let n_fields = scan.n_fields(Section::Trailers);
    *scan = LineScan::default();
    let section = input.split_to(len).freeze();
    let mut fields = vec![httparse::EMPTY_HEADER; n_fields];
    let fields = match httparse::parse_headers(&section, &mut fields) {
        Ok(httparse::Status::Complete((len, fields))) if len == section.len() => fields,
        Ok(_) | Err(_) => return Err(Violation::HeaderField),
    };
    let mut headers = HeaderMap::with_capacity(n_fields);
    for field in fields {
        let (name, _) = name_of(field.name.as_bytes())?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| Violation::HeaderField)?;
        if is_allowed_in_trailers(&name) {
            headers.append(name, value);
        }
    }
    Ok(Some(headers))
}

/// A server takes empty lines before a request (RFC 9112 §2.2).
fn skip_empty_lines(input: &mut BytesMut, config: &Config) -> Result<(), Violation> {
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

/// Finds what httparse refused. A version that it does not know is well formed if it has the form
/// of one.
fn blame(error: httparse::Error, head: &[u8]) -> Violation {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue => Violation::HeaderField,
        httparse::Error::TooManyHeaders => Violation::TooManyHeaders,
        httparse::Error::Version => {
            let line = head.split(|b| *b == b'\r').next().unwrap_or_default();
            let mut parts = line.split(|b| *b == b' ').skip(2);
            match (parts.next(), parts.next()) {
                (Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor]), None)
                    if major.is_ascii_digit() && minor.is_ascii_digit() =>
                {
                    Violation::Version
                }
                _ => Violation::RequestLine,
            }
        }
        httparse::Error::NewLine => {
            let end = head
                .windows(2)
                .position(|w| w == b"\r\n")
                .unwrap_or(head.len());
            let is_line_whole =
                head[..end].ends_with(b" HTTP/1.1") || head[..end].ends_with(b" HTTP/1.0");
            if is_line_whole && !head.starts_with(b"\r") {
                Violation::HeaderField
            } else {
                Violation::RequestLine
            }
        }
        httparse::Error::Status | httparse::Error::Token => Violation::RequestLine,
    }
}

/// Makes a name of octets that are known to be a token.
fn name_of(name: &[u8]) -> Result<(HeaderName, names::Role), Violation> {
    if let Some(found) = names::find(name) {
        return Ok(found);
    }
    let name = HeaderName::from_bytes(name).map_err(|_| Violation::HeaderField)?;
    Ok((name, names::Role::Other))
}

/// RFC 9110 §6.5.1: no field that is needed before the content may come behind it.
fn is_allowed_in_trailers(name: &HeaderName) -> bool {
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
