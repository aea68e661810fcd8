//! What trusted proxies say of a request, and how it is read off the field `Forwarded`.

use astatine_reactor::Network;
use http::HeaderMap;
use http::header::FORWARDED;
use http::uri::{Authority, Scheme};

use super::elements::{self, Element};
use super::node::Node;

/// What trusted proxies say of a request; [`TrustedProxyLayer`](super::TrustedProxyLayer) puts it
/// into the request's extensions.
///
/// # Spec
///
/// Named by the parameters of RFC 7239 §5.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forwarded {
    /// Whom the request was forwarded for (`for`): the client, or the hop nearest to it that is
    /// known.
    pub for_node: Node,
    /// The end of the proxy on which the request came in (`by`). `X-Forwarded-For` has none.
    pub by_node: Option<Node>,
    /// The scheme that the client used (`proto`).
    pub proto: Option<Scheme>,
    /// The host that the client asked for (`host`).
    pub host: Option<Authority>,
}

impl Forwarded {
    const UNKNOWN: Self = Self {
        for_node: Node::UNKNOWN,
        by_node: None,
        proto: None,
        host: None,
    };
}

/// Reads the field `Forwarded` of a request that came from a trusted peer; `None` without one.
pub(super) fn read(headers: &HeaderMap, networks: &[Network]) -> Option<Forwarded> {
    // Read from the left, since a quoted string cannot be read from the right: the hop that counts
    // is the last which is not trusted, or else the first of all.
    let mut first = None;
    let mut untrusted = None;
    for line in headers.get_all(FORWARDED) {
        let Ok(elements) = elements::read(line.as_bytes()) else {
            untrusted = Some(Forwarded::UNKNOWN);
            continue;
        };
        for element in elements {
            let node = element.for_node.as_deref().and_then(Node::read);
            let node = node.unwrap_or(Node::UNKNOWN);
            if !node.is_in(networks) {
                untrusted = Some(told(node, &element));
            } else if first.is_none() {
                first = Some(told(node, &element));
            }
        }
    }
    untrusted.or(first)
}

fn told(for_node: Node, element: &Element<'_>) -> Forwarded {
    Forwarded {
        for_node,
        by_node: element.by_node.as_deref().and_then(Node::read),
        proto: element.proto.as_deref().and_then(read_proto),
        host: element.host.as_deref().and_then(read_host),
    }
}

/// Reads the name of a scheme; what is none tells nothing.
pub(super) fn read_proto(bytes: &[u8]) -> Option<Scheme> {
    // RFC 3986 §3.1 has a letter first; what follows it `Scheme` looks at.
    let begins = bytes.first().is_some_and(u8::is_ascii_alphabetic);
    Scheme::try_from(bytes).ok().filter(|_| begins)
}

/// Reads a host and its port, as the field Host has them; what is none tells nothing.
pub(super) fn read_host(bytes: &[u8]) -> Option<Authority> {
    let host = Authority::try_from(bytes).ok()?;
    Some(host).filter(|host| !host.as_str().contains('@') && !host.host().is_empty())
}
