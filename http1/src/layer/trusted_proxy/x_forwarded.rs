//! The older fields `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.

use astatine_reactor::Network;
use http::HeaderMap;

use super::forwarded::{Forwarded, read_host, read_proto};
use super::node::Node;

/// Which fields are believed beside `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside {
    pub(super) has_proto: bool,
    pub(super) has_host: bool,
}

/// Reads the fields of a request that came from a trusted peer; `None` where no hop is named.
pub(super) fn read(headers: &HeaderMap, networks: &[Network], beside: Beside) -> Option<Forwarded> {
    let mut client = None;
    for hop in hops_from_the_right(headers) {
        let node = Node::read_bare(hop).unwrap_or(Node::UNKNOWN);
        let is_trusted = node.is_in(networks);
        client = Some(node);
        if !is_trusted {
            break;
        }
    }
    // The lists need not be of one length: many proxies append to the first alone, so a place in
    // one says nothing of a place in another, and only the last value is no client's.
    let last = |name, is_believed| last(headers, name).filter(|_| is_believed);
    Some(Forwarded {
        for_node: client?,
        by_node: None,
        proto: last("x-forwarded-proto", beside.has_proto).and_then(read_proto),
        host: last("x-forwarded-host", beside.has_host).and_then(read_host),
    })
}

/// Returns the hops, the last first; empty ones are none.
fn hops_from_the_right(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all("x-forwarded-for")
        .iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|octet| *octet == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|value| !value.is_empty())
}

/// Returns the last value of a list, also where it is empty: a proxy that had nothing to say has
/// not said what stands before it.
fn last<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a [u8]> {
    let line = headers.get_all(name).iter().next_back()?;
    let value = line.as_bytes().rsplit(|octet| *octet == b',').next();
    value.map(<[u8]>::trim_ascii)
}
