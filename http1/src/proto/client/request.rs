//! The head of a request: how its body will be framed, and the bytes of the head.
//!
//! A request is judged whole before its first byte is written, so one that is refused leaves no
//! trace on the connection.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::Authority;
use http::{Method, Request, Uri, Version};

use crate::error::Misuse;
use crate::proto::framing::{decimal, elements};
use crate::proto::response::{Transfer, encode_content_length};
use crate::proto::target;

/// What the response's framing needs to know of the request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub(super) is_head: bool,
    pub(super) is_connect: bool,
    pub(super) upgrades: bool,
}

/// How a request is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoded {
    pub(super) asked: Asked,
    pub(super) transfer: Transfer,
    pub(super) waits_for_leave: bool,
    pub(super) is_persistent: bool,
}

/// Writes the head of a request. What frames the body is written from the decision; a field that
/// the caller gave for it has to agree.
pub(super) fn encode<B>(
    request: &Request<B>,
    exact_len: Option<u64>,
    output: &mut Vec<u8>,
) -> Result<Encoded, Misuse> {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let is_http_10 = request.version() == Version::HTTP_10;
    let given = Given::read(headers)?;
    let transfer = frame(method, is_http_10, &given, exact_len)?;
    let target = Target::new(method, uri)?;
    let host = host(uri, headers, is_http_10)?;
    let has_body = !matches!(transfer, Transfer::None | Transfer::Length(0));

    output.reserve(256 + headers.len() * 64);
    output.extend_from_slice(method.as_str().as_bytes());
    output.extend_from_slice(b" ");
    target.encode(output);
    output.extend_from_slice(if is_http_10 {
        b" HTTP/1.0\r\n"
    } else {
        b" HTTP/1.1\r\n"
    });
    if let Some(host) = host {
        encode_field(&HOST, host, output);
    }
    // No body, no leave to send it (RFC 9110 §10.1.1); HTTP/1.0 does not know the question.
    let waits_for_leave = given.expects_continue && has_body && !is_http_10;
    for (name, value) in headers {
        let is_dropped = *name == EXPECT && given.expects_continue && !waits_for_leave;
        if ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) && !is_dropped {
            encode_field(name, value.as_bytes(), output);
        }
    }
    match transfer {
        Transfer::Length(len) => encode_content_length(len, output),
        Transfer::Chunked => output.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Transfer::None | Transfer::UntilClose => {}
    }
    // RFC 9110 §7.8 and §10.1.4: these two are for the next hop alone, and say so.
    if given.upgrades && !given.says_upgrade {
        output.extend_from_slice(b"connection: upgrade\r\n");
    }
    if given.has_te && !given.says_te {
        output.extend_from_slice(b"connection: te\r\n");
    }
    output.extend_from_slice(b"\r\n");
    Ok(Encoded {
        asked: Asked {
            is_head: *method == Method::HEAD,
            is_connect: *method == Method::CONNECT,
            upgrades: given.upgrades && !is_http_10,
        },
        transfer,
        waits_for_leave,
        is_persistent: !given.closes && (!is_http_10 || given.keeps_alive),
    })
}

/// What the caller's fields say of the message and of the connection.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    length: Option<u64>,
    is_chunked: bool,
    expects_continue: bool,
    upgrades: bool,
    has_te: bool,
    closes: bool,
    keeps_alive: bool,
    says_upgrade: bool,
    says_te: bool,
}

impl Given {
    fn read(headers: &HeaderMap) -> Result<Self, Misuse> {
        let mut given = Self {
            upgrades: headers.contains_key(UPGRADE),
            has_te: headers.contains_key(TE),
            ..Self::default()
        };
        if let Some(value) = single(headers, &CONTENT_LENGTH, Misuse::ContentLength)? {
            given.length = Some(decimal(value).ok_or(Misuse::ContentLength)?);
        }
        if let Some(value) = single(headers, &TRANSFER_ENCODING, Misuse::TransferEncoding)? {
            given.is_chunked = value.eq_ignore_ascii_case(b"chunked");
            if !given.is_chunked {
                return Err(Misuse::TransferEncoding);
            }
        }
        given.expects_continue = headers
            .get(EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        for option in headers.get_all(CONNECTION) {
            for option in elements(option.as_bytes()) {
                given.closes |= option.eq_ignore_ascii_case(b"close");
                given.keeps_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                given.says_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
                given.says_te |= option.eq_ignore_ascii_case(b"te");
            }
        }
        Ok(given)
    }
}

/// Returns the value of a field that may stand once.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    misuse: Misuse,
) -> Result<Option<&'a [u8]>, Misuse> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(HeaderValue::as_bytes);
    if values.next().is_some() {
        Err(misuse)
    } else {
        Ok(first)
    }
}

/// Decides the framing of a request's body: RFC 9112 §6.3, RFC 9110 §8.6.
fn frame(
    method: &Method,
    is_http_10: bool,
    given: &Given,
    exact_len: Option<u64>,
) -> Result<Transfer, Misuse> {
    let transfer = match (given.is_chunked, given.length, exact_len) {
        (true, Some(_), _) => return Err(Misuse::TransferEncoding),
        (true, None, _) if is_http_10 => return Err(Misuse::TransferEncoding),
        (true, None, _) => Transfer::Chunked,
        (false, Some(given), Some(exact)) if given != exact => return Err(Misuse::ContentLength),
        (false, Some(len), _) => Transfer::Length(len),
        (false, None, Some(0)) if !means_body(method) => Transfer::None,
        (false, None, Some(len)) => Transfer::Length(len),
        (false, None, None) if is_http_10 => return Err(Misuse::ContentLength),
        (false, None, None) => Transfer::Chunked,
    };
    // RFC 9110 §9.3.6, §9.3.8.
    if [Method::CONNECT, Method::TRACE].contains(method) && transfer != Transfer::None {
        return Err(Misuse::BodyNotAllowed);
    }
    Ok(transfer)
}

/// Tells whether a server expects a body, so that an empty one is worth a word (RFC 9110 §8.6).
fn means_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// A request-target (RFC 9112 §3.2) of the forms that an origin server, or a tunnel, is asked in.
#[derive(Debug)]
enum Target<'uri> {
    Authority(&'uri str),
    Asterisk,
    /// The path and query; a path that is empty becomes `/`.
    Origin(&'uri str),
}

impl<'uri> Target<'uri> {
    fn new(method: &Method, uri: &'uri Uri) -> Result<Self, Misuse> {
        if *method == Method::CONNECT {
            let authority = uri.authority().filter(|a| a.port_u16().is_some());
            let authority = without_userinfo(authority.ok_or(Misuse::Target)?);
            return if target::is_host(authority.as_bytes()) {
                Ok(Self::Authority(authority))
            } else {
                Err(Misuse::Target)
            };
        }
        match uri.path_and_query().map_or("/", |target| target.as_str()) {
            "*" if *method == Method::OPTIONS => Ok(Self::Asterisk),
            origin if origin.starts_with(['/', '?']) && origin.bytes().all(is_target_octet) => {
                Ok(Self::Origin(origin))
            }
            _ => Err(Misuse::Target),
        }
    }

    fn encode(&self, output: &mut Vec<u8>) {
        match self {
            Self::Authority(authority) => output.extend_from_slice(authority.as_bytes()),
            Self::Asterisk => output.extend_from_slice(b"*"),
            Self::Origin(origin) => {
                if origin.starts_with('?') {
                    output.extend_from_slice(b"/");
                }
                output.extend_from_slice(origin.as_bytes());
            }
        }
    }
}

/// As strict as a server may be, and no stricter: `Uri` lets octets beyond ASCII pass.
fn is_target_octet(octet: u8) -> bool {
    matches!(octet, b'!' | b'"' | b'$'..=b'~')
}

/// Returns what Host says: the caller's word, or the URI's authority (RFC 9112 §3.2).
fn host<'a>(
    uri: &'a Uri,
    headers: &'a HeaderMap,
    is_http_10: bool,
) -> Result<Option<&'a [u8]>, Misuse> {
    let given = single(headers, &HOST, Misuse::Host)?;
    let host = match (given, uri.authority()) {
        (Some(b""), _) => return Ok(Some(b"")),
        (Some(given), _) => given,
        (None, Some(authority)) => without_userinfo(authority).as_bytes(),
        (None, None) if is_http_10 => return Ok(None),
        (None, None) => return Err(Misuse::Host),
    };
    if target::is_host(host) {
        Ok(Some(host))
    } else {
        Err(Misuse::Host)
    }
}

/// A user's name and password are for nobody to see (RFC 9110 §4.2.4).
fn without_userinfo(authority: &Authority) -> &str {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

fn encode_field(name: &HeaderName, value: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(name.as_str().as_bytes());
    output.extend_from_slice(b": ");
    output.extend_from_slice(value);
    output.extend_from_slice(b"\r\n");
}
