//! The heads of a handshake on the wire: a request is written, a response is read.

use std::io;

use astatine_reactor::Io;
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::ConnectError;
use crate::error::HandshakeViolation;

/// Sends a request.
pub(super) async fn write(io: &mut dyn Io, request: &Request<()>) -> io::Result<()> {
    let path = request.uri().path_and_query();
    // Where there is a query alone, the text of it has no slash before.
    let target = path.map_or_else(|| "/".to_owned(), ToString::to_string);
    let mut head = format!("GET {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in request.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    io.write_all(&head).await?;
    io.flush().await
}

/// Receives a response that is no interim one, and returns what was read behind it.
pub(super) async fn read(io: &mut dyn Io) -> Result<(Response<()>, Bytes), ConnectError> {
    let mut input = BytesMut::with_capacity(ROOM_BYTES);
    loop {
        let head = read_head(io, &mut input).await?;
        let response = parse(&head).ok_or(HandshakeViolation::Response)?;
        let status = response.status();
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok((response, input.freeze()));
        }
    }
}

/// Takes a head with its empty line off the input, which is read as far as it takes.
async fn read_head(io: &mut dyn Io, input: &mut BytesMut) -> Result<BytesMut, ConnectError> {
    let mut n_searched = 0_usize;
    loop {
        let from = n_searched.saturating_sub(END.len());
        let end = input[from..].windows(END.len()).position(|at| at == END);
        if let Some(end) = end {
            return Ok(input.split_to(from + end + END.len()));
        }
        n_searched = input.len();
        if n_searched >= MAX_HEAD_BYTES {
            return Err(HandshakeViolation::Response.into());
        }
        if io.read_buf(input).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// Reads a head; `None` when it is none of HTTP/1.1.
fn parse(head: &[u8]) -> Option<Response<()>> {
    // The parser takes a bare LF for the end of a line (against RFC 9112 §2.2).
    let mut lines = head.strip_suffix(b"\n")?.split(|octet| *octet == b'\n');
    if !lines.all(|line| line.ends_with(b"\r")) {
        return None;
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let parsing = parsed.parse(head).ok()?;
    if parsing != httparse::Status::Complete(head.len()) || parsed.version != Some(1) {
        return None;
    }
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(parsed.code?).ok()?;
    for field in parsed.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(field.value).ok()?;
        response.headers_mut().append(name, value);
    }
    Some(response)
}

const END: &[u8; 4] = b"\r\n\r\n";
const ROOM_BYTES: usize = 1 << 10;
const MAX_HEAD_BYTES: usize = 32 << 10;
const MAX_HEADERS: usize = 128;
