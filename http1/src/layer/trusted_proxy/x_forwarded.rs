//! The older fields `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.

use astatine_reactor::Network;
use http::HeaderMap;

use super::forwarded::{Forwarded, read_host, read_proto};
use super::node::Node;

/// Reads the fields of a request that came from a trusted peer; `None` where no hop is named.
pub(super) fn read(headers: &HeaderMap, networks: &[Network]) -> Option<Forwarded> {
    let mut found = None;
    for (distance, hop) in from_the_right(headers, "x-forwarded-for").enumerate() {
        let node = Node::read_bare(hop).unwrap_or(Node::UNKNOWN);
        let is_trusted = node.is_in(networks);
        found = Some((distance, node));
        if !is_trusted {
            break;
        }
    }
    let (distance, for_node) = found?;
    // The proxy that wrote the hop has its word at the same place of the other lists; where
    // proxies keep one value instead, it stands for all of them.
    let beside = |name| from_the_right(headers, name).take(distance + 1).last();
    Some(Forwarded {
        for_node,
        by_node: None,
        proto: beside("x-forwarded-proto").and_then(read_proto),
        host: beside("x-forwarded-host").and_then(read_host),
    })
}

/// Returns the values of a list, the last first; empty ones are none.
fn from_the_right<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|octet| *octet == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|value| !value.is_empty())
}
