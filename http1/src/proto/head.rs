//! The head of a request, and the trailer section: found line by line, read once when whole.
//!
//! What is wrong is judged by lines, in their order, so the verdict does not depend on how the
//! stream was cut into segments: the request line as soon as it is complete, for who speaks another
//! protocol sends no end of a head; fields once all are there. There is one reader and it is strict:
//! lines end by CRLF, parts are where RFC 9112 has them; what an octet of a name or value may be is
//! left to the types of `http`.

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use super::framing::{Framing, FramingFields};
use super::names::{self, Role};
use super::request_line::{self, RequestLine};
use super::value::Value;
use super::{field_line, octet, target};
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
    /// Bytes of empty lines skipped before a request.
    n_skipped: usize,
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
        let (max_len, violation) = if section == Section::Head && self.n_lines == 0 {
            (limits.max_request_line_bytes, Violation::RequestLineTooLong)
        } else if self.n_fields(section) >= limits.max_headers {
            (0, Violation::TooManyHeaders)
        } else {
            (limits.max_header_line_bytes, Violation::HeaderLineTooLong)
        };
        // Of two limits the one that comes first in the stream is broken, however it is cut.
        if line_len > max_len && self.line_start + max_len < limits.max_head_bytes {
            return Err(violation);
        }
        if section_len > limits.max_head_bytes {
            return Err(Violation::HeadTooLong);
        }
        Ok(())
    }
}

/// What a request's head may be received into: `http::Request`, or [`Head`](crate::Head), which
/// leaves it as it came.
#[expect(private_bounds, reason = "there are these two")]
pub trait RequestHead: Form {}

impl<H: Form> RequestHead for H {}

/// What is done with the parts of a head as they are read. They lie in the block of memory at whose
/// start the head does.
pub(super) trait Form {
    /// Forgets what was read.
    fn clear(&mut self);

    /// Takes the request line's parts.
    fn set_line(&mut self, block: &Bytes, line: &RequestLine) -> Result<(), Violation>;

    /// Makes room for fields.
    fn reserve(&mut self, n_fields: usize);

    /// Returns how many fields the head has.
    fn n_fields(&self) -> usize;

    /// Adds a field, and takes what it says of the framing into account.
    fn append(
        &mut self,
        block: &Bytes,
        name: &[u8],
        value: Value<'_>,
        framing: &mut FramingFields,
    ) -> Result<(), Violation>;

    /// Ends the head, which is `len` long and has so many fields.
    fn finish(&mut self, block: &Bytes, len: usize, n_fields: usize) -> Result<(), Violation>;

    /// Tells whether this is the method.
    fn is_method(&self, method: &Method) -> bool;

    /// Returns the version.
    fn version(&self) -> Version;
}

/// Takes a request's head off the input and fills in the request, if it is whole, short, and keeps
/// every rule; any other is left to [`receive`].
#[inline(always)]
pub(super) fn receive_usual<H: Form>(
    input: &mut Bytes,
    scan: &mut LineScan,
    config: &Config,
    n_fields_expected: usize,
    request: &mut H,
) -> Option<HeadFacts> {
    if scan.scanned > 0 {
        return None;
    }
    let line = request_line::read_usual(input, config)?;
    match read(input, &line, n_fields_expected, request) {
        Ok(Some((len, facts))) if keeps_limits(len, request.n_fields(), config) => {
            input.advance(len);
            scan.n_skipped = 0;
            Some(facts)
        }
        _ => None,
    }
}

/// Takes a request's head off the input, once it is whole, and fills in the request.
///
/// It is measured line by line first, so that what is wrong with it is judged by its lines, not by
/// its segments.
pub(super) fn receive<H: Form>(
    input: &mut Bytes,
    scan: &mut LineScan,
    config: &Config,
    n_fields_expected: usize,
    request: &mut H,
) -> Result<Option<HeadFacts>, Violation> {
    if scan.scanned == 0 {
        skip_empty_lines(input, scan, config)?;
        if input[..] == *b"\r" {
            return Ok(None);
        }
    }
    if scan.n_lines == 0 {
        judge_line(input, scan, config)?;
    }
    let Some(len) = scan.find_end(input, Section::Head, config)? else {
        return Ok(None);
    };
    *scan = LineScan::default();
    request.clear();
    let head = input.split_to(len);
    let line = request_line::read(&head, config)?.ok_or_else(|| field_line::blame(&head))?;
    match read(&head, &line, n_fields_expected, request)? {
        Some((_, facts)) => Ok(Some(facts)),
        None => Err(field_line::blame(&head)),
    }
}

/// Judges the request line by its first octet, and once it is complete. Where it does not end as
/// lines do, that is left to the scan.
fn judge_line(input: &Bytes, scan: &LineScan, config: &Config) -> Result<(), Violation> {
    let is_begun_well = |first: &u8| octet::is_token(&[*first]) || b"\r\n".contains(first);
    if !input.first().is_none_or(is_begun_well) {
        return Err(Violation::RequestLine);
    }
    if let Some(found) = octet::find(b'\n', &input[scan.scanned..]) {
        let len = scan.scanned + found + 1;
        if input[..len].ends_with(b"\r\n") {
            scan.check_line(len - 2, len, Section::Head, config.into())?;
            request_line::read(&input.slice(..len), config)?;
        }
    }
    Ok(())
}

/// Tells whether a head is so short that no line of it can be too long, and has few enough fields.
#[inline]
fn keeps_limits(len: usize, n_fields: usize, config: &Config) -> bool {
    let max_len = config.max_header_line_bytes.min(config.max_head_bytes);
    len <= max_len && n_fields <= config.max_headers
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
    let mut rest = &section[..];
    loop {
        let line = field_line::read(rest)?.ok_or_else(|| field_line::blame(&section))?;
        if line.is_empty() {
            return Ok(Some(trailers));
        }
        rest = line.behind;
        let value = line.value.share(&section);
        let name = HeaderName::from_bytes(line.name).map_err(|_| field_line::blame(line.name))?;
        if is_allowed_in_trailers(&name) {
            trailers
                .try_append(name, value)
                .map_err(|_| Violation::TooManyHeaders)?;
        }
    }
}

/// A server takes empty lines before a request (RFC 9112 §2.2).
fn skip_empty_lines(
    input: &mut Bytes,
    scan: &mut LineScan,
    config: &Config,
) -> Result<(), Violation> {
    while input.starts_with(b"\r\n") {
        input.advance(2);
        scan.n_skipped += 2;
        if scan.n_skipped > config.max_head_bytes {
            return Err(Violation::HeadTooLong);
        }
    }
    Ok(())
}

/// Reads a head from the start of `block`, where its first line was read, and returns its length;
/// `None` when its end, or the end of one of its lines, is not there.
fn read<H: Form>(
    block: &Bytes,
    line: &RequestLine,
    n_fields_expected: usize,
    request: &mut H,
) -> Result<Option<(usize, HeadFacts)>, Violation> {
    request.set_line(block, line)?;
    let mut rest = &block[line.len..];
    let mut n_fields = 0;
    let mut framing = FramingFields::default();
    request.reserve(n_fields_expected);
    loop {
        let Some(field) = field_line::read(rest)? else {
            return Ok(None);
        };
        rest = field.behind;
        if field.is_empty() {
            break;
        }
        n_fields += 1;
        request.append(block, field.name, field.value, &mut framing)?;
    }
    let len = block.len() - rest.len();
    request.finish(block, len, n_fields)?;
    Ok(Some((len, framing.conclude(line.version)?)))
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

/// Stores a field, and shows it to `see` where it says something of the framing.
#[inline]
pub(super) fn append(
    block: &Bytes,
    (name, value): (&[u8], Value<'_>),
    headers: &mut HeaderMap,
    see: impl FnOnce(Role, &[u8]) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let octets = value.octets();
    let value = value.share(block);
    // The two arms differ in who owns the name: a known one is not copied before it is stored.
    let stored = match names::find(name) {
        Some(known) => {
            if known.role != Role::Other {
                see(known.role, octets)?;
            }
            headers.try_append(&known.name, value)
        }
        None => {
            let name = HeaderName::from_bytes(name).map_err(|_| field_line::blame(name))?;
            headers.try_append(name, value)
        }
    };
    stored.map(drop).map_err(|_| Violation::TooManyHeaders)
}

impl<B> Form for Request<B> {
    fn clear(&mut self) {
        *self.method_mut() = Method::GET;
        *self.uri_mut() = Uri::default();
        self.headers_mut().clear();
    }

    #[inline(always)]
    fn set_line(&mut self, block: &Bytes, line: &RequestLine) -> Result<(), Violation> {
        // What is there is the usual.
        let method = &block[..line.method_len];
        if method != b"GET" {
            *self.method_mut() = Method::from_bytes(method).map_err(|_| Violation::RequestLine)?;
        }
        target::read(method, block, line.target.clone(), self.uri_mut())?;
        *self.version_mut() = line.version;
        Ok(())
    }

    fn reserve(&mut self, n_fields: usize) {
        // A map makes room for six at first, by itself.
        if n_fields > 6 {
            self.headers_mut().reserve(n_fields);
        }
    }

    fn n_fields(&self) -> usize {
        self.headers().len()
    }

    #[inline]
    fn append(
        &mut self,
        block: &Bytes,
        name: &[u8],
        value: Value<'_>,
        framing: &mut FramingFields,
    ) -> Result<(), Violation> {
        append(block, (name, value), self.headers_mut(), |role, octets| {
            framing.see(role, octets)
        })
    }

    #[inline(always)]
    fn finish(&mut self, _block: &Bytes, _len: usize, _n_fields: usize) -> Result<(), Violation> {
        prefer_target_authority(self)
    }

    fn is_method(&self, method: &Method) -> bool {
        self.method() == method
    }

    fn version(&self) -> Version {
        self.version()
    }
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
