//! Where a browser says that a request comes from (RFC 6455 §10.2).

use http::{HeaderMap, Uri, header};

use super::server::single;

/// What a request's Origin is to the host that it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// There is none: no browser sent the request.
    Absent,
    /// The host itself. The scheme is not compared, since a proxy before us may end TLS.
    Same,
    /// Another one, or one that cannot be read: what its pages may do here is to be decided.
    Other,
}

/// Compares the Origin of a request with its Host.
///
/// Browsers let pages of any origin open a WebSocket, and send the user's cookies along. A server
/// that knows its users by cookies must refuse [`Origin::Other`].
pub fn origin(headers: &HeaderMap) -> Origin {
    if !headers.contains_key(header::ORIGIN) {
        return Origin::Absent;
    }
    let origin = single(headers, header::ORIGIN).and_then(parse_origin);
    let host = single(headers, header::HOST);
    match (origin, host) {
        (Some((host, port, default_port)), Some(other)) => {
            let Some((other_host, other_port)) = parse_host(other) else {
                return Origin::Other;
            };
            let is_same = host.eq_ignore_ascii_case(&other_host)
                && port.unwrap_or(default_port) == other_port.unwrap_or(default_port);
            if is_same { Origin::Same } else { Origin::Other }
        }
        (_, _) => Origin::Other,
    }
}

/// Returns host, port and the scheme's port.
fn parse_origin(value: &[u8]) -> Option<(String, Option<u16>, u16)> {
    let uri = Uri::try_from(value).ok()?;
    let default_port = match uri.scheme_str()? {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    Some((uri.host()?.to_owned(), uri.port_u16(), default_port))
}

fn parse_host(value: &[u8]) -> Option<(String, Option<u16>)> {
    let authority = http::uri::Authority::try_from(value).ok()?;
    Some((authority.host().to_owned(), authority.port_u16()))
}
