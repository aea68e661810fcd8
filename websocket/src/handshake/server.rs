//! The server's side (RFC 6455 §4.2).

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};

use super::key::Key;
use super::list::{elements, has_token, insert, is_token};
use super::{Established, Offer, deflate, extension};
use crate::config::Config;
use crate::error::HandshakeViolation;
use crate::proto::Extension;

/// What a server answers, and what it agreed on.
#[derive(Debug)]
pub struct Accepted {
    /// The answer, 101. More fields and cookies may be added.
    pub response: Response<()>,
    /// What both go on with.
    pub agreed: Established,
}

/// Answers a request for a WebSocket.
///
/// Whether the request's origin may have one is the caller's to decide before, see
/// [`origin`](super::origin()).
///
/// # Spec
///
/// RFC 6455 §4.2.1, §4.2.2.
///
/// # Errors
///
/// The request is none, or malformed: answer with [`HandshakeViolation::response`].
///
/// # Examples
///
/// ```
/// use astatine_websocket::Config;
/// use astatine_websocket::handshake::{self, Offer};
///
/// let request = http::Request::builder()
///     .uri("/chat")
///     .header("upgrade", "websocket")
///     .header("connection", "upgrade")
///     .header("sec-websocket-version", "13")
///     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .body(())
///     .unwrap();
/// let accepted = handshake::accept(&request, Offer::default(), &Config::default()).unwrap();
/// assert_eq!(accepted.response.status(), 101);
/// ```
pub fn accept<B>(
    request: &Request<B>,
    offer: Offer<'_>,
    config: &Config,
) -> Result<Accepted, HandshakeViolation> {
    let headers = request.headers();
    if request.method() != Method::GET
        || request.version() != Version::HTTP_11
        || !has_token(headers, &header::UPGRADE, "websocket")
        || !has_token(headers, &header::CONNECTION, "upgrade")
    {
        return Err(HandshakeViolation::NoUpgrade);
    }
    if single(headers, header::SEC_WEBSOCKET_VERSION) != Some(b"13") {
        return Err(HandshakeViolation::Version);
    }
    let key = single(headers, header::SEC_WEBSOCKET_KEY).ok_or(HandshakeViolation::Key)?;
    let key = Key::parse(key)?;
    let subprotocol = choose_subprotocol(headers, offer.subprotocols)?;
    let extensions = extension::parse(headers)?;
    let agreed = match offer.extension {
        Extension::None => None,
        Extension::Deflate => deflate::answer(&extensions, config),
    };
    let mut response = switching(&key);
    let fields = response.headers_mut();
    if let Some(subprotocol) = subprotocol {
        insert(fields, header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    let deflate = agreed.map(|(terms, value)| {
        insert(fields, header::SEC_WEBSOCKET_EXTENSIONS, &value);
        terms
    });
    Ok(Accepted {
        response,
        agreed: Established {
            subprotocol: subprotocol.map(str::to_owned),
            deflate,
        },
    })
}

fn switching(key: &Key) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.reserve(8);
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key.accept_value());
    response
}

/// Returns the value of a field that must not be there twice.
pub(super) fn single(headers: &HeaderMap, name: header::HeaderName) -> Option<&[u8]> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?;
    values
        .next()
        .is_none()
        .then(|| value.as_bytes().trim_ascii())
}

/// Returns the first of the client's subprotocols that is among ours.
fn choose_subprotocol<'a>(
    headers: &'a HeaderMap,
    ours: &[&str],
) -> Result<Option<&'a str>, HandshakeViolation> {
    let theirs: Vec<_> = elements(headers, &header::SEC_WEBSOCKET_PROTOCOL).collect();
    let is_repeated = |(at, name)| theirs[..at].contains(name);
    if !theirs.iter().all(|name| is_token(name)) || theirs.iter().enumerate().any(is_repeated) {
        return Err(HandshakeViolation::Subprotocol);
    }
    Ok(theirs.into_iter().find(|name| ours.contains(name)))
}
