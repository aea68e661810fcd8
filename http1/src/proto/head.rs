//! The head of a request: found line by line, read once when it is whole.
//!
//! Nothing is judged before its line is complete, so the verdict does not depend on how the
//! stream was cut into segments.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};

use super::framing::{Framing, FramingFields};
use super::names;
use super::target;
use crate::config::Config;
use crate::error::Violation;

/// A request's head, and what it says of the bytes behind it.
#[derive(Debug)]
pub struct RequestHead {
    /// The request, without its body.
    pub request: Request<()>,
    /// How its body is framed.
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
        while let Some(found) = memchr::memchr(b'\n', &input[self.scanned..]) {
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

/// Takes a request's head off the input, once it is whole.
pub(super) fn receive(
    input: &mut BytesMut,
    scan: &mut LineScan,
    config: &Config,
) -> Result<Option<RequestHead>, Violation> {
    if scan.scanned == 0 {
        skip_empty_lines(input, config)?;
        if input[..] == *b"\r" {
            return Ok(None);
        }
    }
    let Some(len) = scan.find_end(input, Section::Head, config)? else {
        return Ok(None);
    };
    let n_fields = scan.n_fields(Section::Head);
    *scan = LineScan::default();
    parse(input.split_to(len).freeze(), n_fields).map(Some)
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
        let (name, value, _) = field_of(&section, field)?;
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

fn parse(head: Bytes, n_fields: usize) -> Result<RequestHead, Violation> {
    with_fields(n_fields, |fields| {
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(&head, fields) {
            Ok(httparse::Status::Complete(len)) if len == head.len() => {}
            Ok(_) => return Err(Violation::RequestLine),
            Err(error) => return Err(blame(error, &head)),
        }
        let (Some(method), Some(target), Some(minor)) =
            (parsed.method, parsed.path, parsed.version)
        else {
            return Err(Violation::RequestLine);
        };
        check_request_line(&head, method, target)?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| Violation::RequestLine)?;
        let version = if minor == 0 {
            Version::HTTP_10
        } else {
            Version::HTTP_11
        };
        let uri = target::parse(&method, slice_of(&head, target.as_bytes()))?;
        let mut headers = HeaderMap::with_capacity(n_fields);
        let mut framing = FramingFields::default();
        for field in parsed.headers.iter() {
            let (name, value, role) = field_of(&head, field)?;
            framing.see(role, value.as_bytes())?;
            headers.append(name, value);
        }
        let framing = framing.conclude(version)?;
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.version_mut() = version;
        *request.headers_mut() = headers;
        Ok(RequestHead {
            request,
            framing: framing.framing,
            is_persistent: framing.is_persistent,
            expects_continue: framing.expects_continue,
            takes_trailers: framing.takes_trailers,
        })
    })
}

/// The request line has single spaces and nothing else between its parts (RFC 9112 §3); httparse
/// takes more.
fn check_request_line(head: &Bytes, method: &str, target: &str) -> Result<(), Violation> {
    let canonical_len = method.len() + 1 + target.len() + b" HTTP/1.1\r\n".len();
    let starts_at_once = offset_of(head, method.as_bytes()) == 0;
    let one_space = offset_of(head, target.as_bytes()) == method.len() + 1;
    let ends_at_once =
        head.get(canonical_len - 1) == Some(&b'\n') && head.get(canonical_len - 2) == Some(&b'\r');
    if starts_at_once && one_space && ends_at_once {
        Ok(())
    } else {
        Err(Violation::RequestLine)
    }
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
            let end = memchr::memmem::find(head, b"\r\n").unwrap_or(head.len());
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

/// Lends room for the fields that httparse finds: on the stack for an ordinary head.
fn with_fields<'head, T>(
    n_fields: usize,
    parse: impl FnOnce(&mut [MaybeUninit<httparse::Header<'head>>]) -> T,
) -> T {
    const ON_STACK: usize = 64;
    if n_fields <= ON_STACK {
        parse(&mut [const { MaybeUninit::uninit() }; ON_STACK])
    } else {
        parse(&mut vec![MaybeUninit::uninit(); n_fields])
    }
}

/// Makes a field of the head's own bytes.
fn field_of(
    head: &Bytes,
    field: &httparse::Header<'_>,
) -> Result<(HeaderName, HeaderValue, names::Role), Violation> {
    let (name, role) = match names::find(field.name.as_bytes()) {
        Some(found) => found,
        None => {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            (
                name.map_err(|_| Violation::HeaderField)?,
                names::Role::Other,
            )
        }
    };
    let value = HeaderValue::from_maybe_shared(slice_of(head, field.value));
    Ok((name, value.map_err(|_| Violation::HeaderField)?, role))
}

/// Returns the part of `whole` that a parser borrowed from it.
fn slice_of(whole: &Bytes, part: &[u8]) -> Bytes {
    let start = offset_of(whole, part);
    whole.slice(start..start + part.len())
}

fn offset_of(whole: &Bytes, part: &[u8]) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
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
