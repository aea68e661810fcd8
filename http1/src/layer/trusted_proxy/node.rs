//! The names of hops (RFC 7239 §6).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use astatine_reactor::Network;

/// A hop of a request, as a proxy names it.
///
/// # Spec
///
/// RFC 7239 §6. A port that is obfuscated is left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Node {
    /// Who it is.
    pub name: NodeName,
    /// The port that it came from, where the proxy tells.
    pub port: Option<u16>,
}

/// Who a [`Node`] is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeName {
    /// An Internet address; an IPv4 address also where it came in IPv6's clothes.
    Ip(IpAddr),
    /// A name that the proxy made up, its underscore included; it has letters, digits and `._-`
    /// only.
    Obfuscated(Box<str>),
    /// The proxy does not know, or does not tell in a way that can be understood.
    Unknown,
}

impl Node {
    /// A hop that nobody names.
    pub(super) const UNKNOWN: Self = Self {
        name: NodeName::Unknown,
        port: None,
    };

    /// Reads a node as RFC 7239 §6 writes it.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (ip, port) = rest.split_once(']')?;
                let ip = Ipv6Addr::from_str(ip).ok()?;
                (NodeName::Ip(IpAddr::V6(ip).to_canonical()), port)
            }
            None => {
                let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                (NodeName::read(name)?, port)
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            Some(port) if is_obfuscated(port) => None,
            Some(port) => Some(read_port(port)?),
        };
        Some(Self { name, port })
    }

    /// Reads a node as `X-Forwarded-For` has it: IPv6 addresses may lack their brackets.
    pub(super) fn read_bare(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        match Ipv6Addr::from_str(text) {
            Ok(ip) => Some(Self {
                name: NodeName::Ip(IpAddr::V6(ip).to_canonical()),
                port: None,
            }),
            Err(_) => Self::read(bytes),
        }
    }

    /// Tells whether the hop is in one of the networks.
    pub(super) fn is_in(&self, networks: &[Network]) -> bool {
        match self.name {
            NodeName::Ip(ip) => networks.iter().any(|network| network.contains_ip(ip)),
            NodeName::Obfuscated(_) | NodeName::Unknown => false,
        }
    }
}

impl NodeName {
    fn read(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("unknown") {
            Some(Self::Unknown)
        } else if is_obfuscated(text) {
            Some(Self::Obfuscated(text.into()))
        } else {
            Ipv4Addr::from_str(text).ok().map(|ip| Self::Ip(ip.into()))
        }
    }
}

fn is_obfuscated(text: &str) -> bool {
    text.strip_prefix('_').is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    })
}

fn read_port(text: &str) -> Option<u16> {
    let is_decimal = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_decimal)
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Obfuscated(name) => f.write_str(name),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
