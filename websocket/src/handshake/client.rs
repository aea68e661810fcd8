//! The client's side (RFC 6455 §4.1).

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};

use super::key::Key;
use super::list::{has_token, insert, is_token};
use super::server::single;
use super::{Established, Offer, deflate, extension};
use crate::config::Config;
use crate::error::{HandshakeViolation, Misuse};
use crate::proto::Extension;
use crate::proto::deflate::Terms;

/// Returns the request that opens a connection. More fields and cookies may be added.
///
/// # Spec
///
/// RFC 6455 §4.1.
///
/// # Errors
///
/// The URI has no host, or a subprotocol is no token.
pub fn request(
    uri: Uri,
    key: &Key,
    offer: Offer<'_>,
    config: &Config,
) -> Result<Request<()>, Misuse> {
    let authority = uri.authority().ok_or(Misuse::Uri)?.as_str();
    // Who the user is, is not the host's name.
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = HeaderValue::from_str(host).map_err(|_| Misuse::Uri)?;
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    let version = HeaderValue::from_static("13");
    headers.insert(header::SEC_WEBSOCKET_VERSION, version);
    headers.insert(header::SEC_WEBSOCKET_KEY, key.value());
    if !offer.subprotocols.iter().all(|name| is_token(name)) {
        return Err(Misuse::Subprotocol);
    }
    if !offer.subprotocols.is_empty() {
        let list = offer.subprotocols.join(", ");
        insert(headers, header::SEC_WEBSOCKET_PROTOCOL, &list);
    }
    if offer.extension == Extension::Deflate {
        let list = deflate::offer(config);
        insert(headers, header::SEC_WEBSOCKET_EXTENSIONS, &list);
    }
    Ok(request)
}

/// Judges the answer to a [`request`] of the same key, offer and configuration.
///
/// # Spec
///
/// RFC 6455 §4.1, the list behind "the client MUST validate the server's response".
///
/// # Errors
///
/// The server did not switch, or to something that was not asked for: close the connection.
pub fn check<B>(
    response: &Response<B>,
    key: &Key,
    offer: Offer<'_>,
    config: &Config,
) -> Result<Established, HandshakeViolation> {
    let headers = response.headers();
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(HandshakeViolation::Status(response.status().as_u16()));
    }
    let is_websocket = single(headers, header::UPGRADE)
        .is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"));
    if !is_websocket || !has_token(headers, &header::CONNECTION, "upgrade") {
        return Err(HandshakeViolation::NotSwitched);
    }
    if single(headers, header::SEC_WEBSOCKET_ACCEPT) != Some(key.accept_value().as_bytes()) {
        return Err(HandshakeViolation::Accept);
    }
    Ok(Established {
        subprotocol: agreed_subprotocol(headers, offer.subprotocols)?,
        deflate: agreed_extension(headers, offer.extension, config)?,
    })
}

/// Returns the one subprotocol of an answer, which must be among ours.
fn agreed_subprotocol(
    headers: &HeaderMap,
    ours: &[&str],
) -> Result<Option<String>, HandshakeViolation> {
    if !headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    let name = single(headers, header::SEC_WEBSOCKET_PROTOCOL);
    let agreed = ours.iter().find(|ours| Some(ours.as_bytes()) == name);
    match agreed {
        Some(name) => Ok(Some((*name).to_owned())),
        None => Err(HandshakeViolation::Subprotocol),
    }
}

fn agreed_extension(
    headers: &HeaderMap,
    offered: Extension,
    config: &Config,
) -> Result<Option<Terms>, HandshakeViolation> {
    let answered = extension::parse(headers)?;
    let terms = match (offered, &answered[..]) {
        (_, []) => return Ok(None),
        (Extension::Deflate, [answer]) => deflate::agree(answer, config),
        (Extension::Deflate | Extension::None, _) => None,
    };
    terms.map(Some).ok_or(HandshakeViolation::Extensions)
}
