//! The head of a response: how its body will be framed, and the bytes of the head.

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// How the body of a response is framed (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// There is no body.
    None,
    /// The body has this many bytes.
    Length(u64),
    /// The body has the chunked coding.
    Chunked,
    /// The body ends with the connection.
    UntilClose,
}

/// A `date` field with its line end (RFC 9110 §6.6.1).
pub type DateField = [u8; DATE_FIELD_LEN];

/// Bytes in `date: Sun, 06 Nov 1994 08:49:37 GMT` and its line end.
pub const DATE_FIELD_LEN: usize = 37;

/// What the answer needs to know of the request; by default, of a plain GET.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub(super) is_head: bool,
    pub(super) is_connect: bool,
    pub(super) is_http_10: bool,
    pub(super) takes_trailers: bool,
}

/// What a response says of itself, beside the fields that are sent as they are.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    length: Option<u64>,
    closes: bool,
    has_date: bool,
    upgrades: bool,
}

impl Given {
    /// Takes a field into account, and tells whether it is sent as it is.
    ///
    /// Few fields come here: the loop over all of them is kept small.
    #[inline(never)]
    fn see(&mut self, name: &HeaderName, value: &HeaderValue, keeps_connection: bool) -> bool {
        if *name == CONTENT_LENGTH {
            self.length = parse_length(value);
            false
        } else if *name == CONNECTION {
            self.closes |= !keeps_connection && asks_to_close(value);
            keeps_connection
        } else {
            self.has_date |= *name == DATE;
            self.upgrades |= *name == UPGRADE;
            *name != TRANSFER_ENCODING
        }
    }
}

/// The fields of a response, and behind them those that are written already.
type Fields<'a> = (&'a HeaderMap, &'a [u8]);

/// How a response is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoded {
    pub(super) transfer: Transfer,
    pub(super) is_persistent: bool,
}

/// Writes the head of a final response. Fields that frame the body, and those that speak of the
/// connection, are written from the decision, never as given.
pub(super) fn encode(
    asked: Asked,
    (status, (headers, lines)): (StatusCode, Fields<'_>),
    exact_len: Option<u64>,
    is_persistent: bool,
    date: &DateField,
    output: &mut Vec<u8>,
) -> Encoded {
    output.reserve(256 + headers.len() * 64 + lines.len());
    encode_status(status, output);
    let given = encode_fields(headers, false, output);
    output.extend_from_slice(lines);
    let (transfer, stated) = frame(asked, status, given.length, exact_len);
    if let Some(len) = stated {
        encode_content_length(len, output);
    } else if transfer == Transfer::Chunked {
        output.extend_from_slice(b"transfer-encoding: chunked\r\n");
    }
    // Behind a success of CONNECT the client speaks another protocol (RFC 9110 §9.3.6).
    let is_tunnel = asked.is_connect && status.is_success();
    let is_persistent =
        is_persistent && !given.closes && !is_tunnel && transfer != Transfer::UntilClose;
    // Whoever sends Upgrade says so in Connection too (RFC 9110 §7.8).
    match (is_persistent, given.upgrades) {
        (true, false) if asked.is_http_10 => {
            output.extend_from_slice(b"connection: keep-alive\r\n")
        }
        (true, false) => {}
        (true, true) => output.extend_from_slice(b"connection: upgrade\r\n"),
        (false, false) => output.extend_from_slice(b"connection: close\r\n"),
        (false, true) => output.extend_from_slice(b"connection: close, upgrade\r\n"),
    }
    encode_end(given.has_date, date, output);
    Encoded {
        transfer,
        is_persistent,
    }
}

/// Writes the head of a response behind which another protocol takes the stream: 101, and a
/// success of CONNECT, with their own `connection` field; any other with `close`. Nothing frames
/// a body.
pub(super) fn encode_handover(
    asked: Asked,
    (status, (headers, lines)): (StatusCode, Fields<'_>),
    date: &DateField,
    output: &mut Vec<u8>,
) {
    let switches =
        status == StatusCode::SWITCHING_PROTOCOLS || asked.is_connect && status.is_success();
    encode_status(status, output);
    let given = encode_fields(headers, switches, output);
    output.extend_from_slice(lines);
    if !switches {
        output.extend_from_slice(b"connection: close\r\n");
    }
    encode_end(given.has_date, date, output);
}

/// Decides the framing of a response's body: RFC 9112 §6.3, RFC 9110 §8.6.
///
/// The first value is what will be sent, the second the length that is stated, also where no
/// body is sent.
fn frame(
    asked: Asked,
    status: StatusCode,
    given: Option<u64>,
    exact_len: Option<u64>,
) -> (Transfer, Option<u64>) {
    if status == StatusCode::OK && !asked.is_head && !asked.is_connect {
        return frame_content(asked, given.or(exact_len));
    }
    if status.is_informational()
        || status == StatusCode::NO_CONTENT
        || asked.is_connect && status.is_success()
    {
        return (Transfer::None, None);
    }
    if status == StatusCode::RESET_CONTENT {
        return (Transfer::None, Some(0));
    }
    if status == StatusCode::NOT_MODIFIED {
        return (Transfer::None, given);
    }
    if asked.is_head {
        // An empty body beside HEAD says nothing of the length that GET would have.
        return (
            Transfer::None,
            given.or_else(|| exact_len.filter(|len| *len > 0)),
        );
    }
    frame_content(asked, given.or(exact_len))
}

/// Decides the framing of content that is sent.
fn frame_content(asked: Asked, len: Option<u64>) -> (Transfer, Option<u64>) {
    match len {
        Some(len) => (Transfer::Length(len), Some(len)),
        None if asked.is_http_10 => (Transfer::UntilClose, None),
        None => (Transfer::Chunked, None),
    }
}

/// Writes the fields that are sent as they are, and returns what the others say.
#[inline(always)]
fn encode_fields(headers: &HeaderMap, keeps_connection: bool, output: &mut Vec<u8>) -> Given {
    let mut given = Given::default();
    for (name, value) in headers {
        let text = name.as_str().as_bytes();
        if !is_seen(text) || given.see(name, value, keeps_connection) {
            output.extend_from_slice(text);
            output.extend_from_slice(b": ");
            output.extend_from_slice(value.as_bytes());
            output.extend_from_slice(b"\r\n");
        }
    }
    given
}

/// Tells whether a field of this name says something of the response.
#[inline]
fn is_seen(name: &[u8]) -> bool {
    // Few others have one of these lengths.
    match name.len() {
        4 => name == b"date",
        7 => name == b"upgrade",
        10 => name == b"connection",
        14 => name == b"content-length",
        17 => name == b"transfer-encoding",
        _ => false,
    }
}

fn encode_end(has_date: bool, date: &DateField, output: &mut Vec<u8>) {
    if !has_date {
        output.extend_from_slice(date);
    }
    output.extend_from_slice(b"\r\n");
}

/// Writes a status line (RFC 9112 §4), with an empty reason where the status has none.
#[inline]
fn encode_status(status: StatusCode, output: &mut Vec<u8>) {
    if status == StatusCode::OK {
        output.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    } else {
        encode_other_status(status, output);
    }
}

#[inline(never)]
fn encode_other_status(status: StatusCode, output: &mut Vec<u8>) {
    output.extend_from_slice(b"HTTP/1.1 ");
    output.extend_from_slice(status.as_str().as_bytes());
    output.extend_from_slice(b" ");
    output.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    output.extend_from_slice(b"\r\n");
}

/// Tells whether a `connection` field asks for the connection to end.
fn asks_to_close(value: &HeaderValue) -> bool {
    let mut options = value.as_bytes().split(|b| *b == b',');
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

fn parse_length(value: &HeaderValue) -> Option<u64> {
    let (first, rest) = value.as_bytes().split_first()?;
    rest.iter().try_fold(digit(*first)?, |len, octet| {
        len.checked_mul(10)?.checked_add(digit(*octet)?)
    })
}

fn digit(octet: u8) -> Option<u64> {
    octet.is_ascii_digit().then(|| u64::from(octet - b'0'))
}

/// Writes a length's field in one piece, made from its end.
pub(super) fn encode_content_length(len: u64, output: &mut Vec<u8>) {
    const NAME: [u8; 16] = *b"content-length: ";
    let mut field = *b"content-length: 18446744073709551615\r\n";
    let mut at = field.len() - 2;
    let mut rest = len;
    loop {
        at -= 1;
        field[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let start = at - NAME.len();
    field[start..at].copy_from_slice(&NAME);
    output.extend_from_slice(&field[start..]);
}
