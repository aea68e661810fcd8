//! A network of peers, as an operator lists those whose word is believed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::Address;

/// A network of peers: a block of Internet addresses, or all peers of Unix sockets.
///
/// It is written `10.0.0.0/8`, `2001:db8::/32`, `127.0.0.1` for one address alone, or `unix`. An
/// IPv4 address is itself also where it comes in IPv6's clothes (`::ffff:10.0.0.1`), and no part
/// of any IPv6 network.
///
/// # Examples
///
/// ```
/// use astatine_reactor::{Address, Network};
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains(&Address::Tcp(([10, 1, 2, 3], 80).into())));
/// # Ok::<_, astatine_reactor::NetworkParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Four { first: Ipv4Addr, prefix: u32 },
    Six { first: Ipv6Addr, prefix: u32 },
    Unix,
}

impl Network {
    /// The peers of Unix sockets.
    pub const UNIX: Self = Self(Kind::Unix);

    /// Tells whether the address is in the network. A stream without an address is in none.
    pub fn contains(&self, address: &Address) -> bool {
        match address {
            Address::Tcp(address) => self.contains_ip(address.ip()),
            Address::Unix(_) => self.0 == Kind::Unix,
            Address::Unnamed => false,
        }
    }

    /// Tells whether the Internet address is in the network.
    pub fn contains_ip(&self, ip: IpAddr) -> bool {
        match (self.0, ip.to_canonical()) {
            (Kind::Four { first, prefix }, IpAddr::V4(ip)) => differing_4(ip, prefix, first) == 0,
            (Kind::Six { first, prefix }, IpAddr::V6(ip)) => differing_6(ip, prefix, first) == 0,
            _ => false,
        }
    }
}

/// Returns the bits of the prefix in which the two differ.
fn differing_4(ip: Ipv4Addr, prefix: u32, other: Ipv4Addr) -> u32 {
    let differing = ip.to_bits() ^ other.to_bits();
    differing.checked_shr(32 - prefix).unwrap_or_default()
}

/// As [`differing_4`].
fn differing_6(ip: Ipv6Addr, prefix: u32, other: Ipv6Addr) -> u128 {
    let differing = ip.to_bits() ^ other.to_bits();
    differing.checked_shr(128 - prefix).unwrap_or_default()
}

impl From<IpAddr> for Network {
    /// Makes the network of one address.
    fn from(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V4(first) => Kind::Four { first, prefix: 32 },
            IpAddr::V6(first) => Kind::Six { first, prefix: 128 },
        })
    }
}

impl FromStr for Network {
    type Err = NetworkParseError;

    fn from_str(text: &str) -> Result<Self, NetworkParseError> {
        if text == "unix" {
            return Ok(Self::UNIX);
        }
        let Some((address, length)) = text.split_once('/') else {
            let ip: IpAddr = text.parse().map_err(|_| NetworkParseError::Address)?;
            return Ok(ip.into());
        };
        let ip: IpAddr = address.parse().map_err(|_| NetworkParseError::Address)?;
        let is_number = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
        let length = length.parse().ok().filter(|_| is_number);
        let prefix: u32 = length.ok_or(NetworkParseError::Prefix)?;
        let network = match ip {
            IpAddr::V4(first) if prefix <= 32 => Kind::Four { first, prefix },
            IpAddr::V6(six) if prefix <= 128 => match six.to_ipv4_mapped() {
                Some(first) if prefix >= 96 => Kind::Four {
                    first,
                    prefix: prefix - 96,
                },
                _ => Kind::Six { first: six, prefix },
            },
            _ => return Err(NetworkParseError::Prefix),
        };
        if has_host_bits(network) {
            return Err(NetworkParseError::HostBits);
        }
        Ok(Self(network))
    }
}

fn has_host_bits(network: Kind) -> bool {
    match network {
        Kind::Four { first, prefix } => first.to_bits().checked_shl(prefix).unwrap_or(0) != 0,
        Kind::Six { first, prefix } => first.to_bits().checked_shl(prefix).unwrap_or(0) != 0,
        Kind::Unix => false,
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Four { first, prefix } => write!(f, "{first}/{prefix}"),
            Kind::Six { first, prefix } => write!(f, "{first}/{prefix}"),
            Kind::Unix => f.write_str("unix"),
        }
    }
}

/// Why a text names no [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkParseError {
    /// It does not begin with an Internet address.
    Address,
    /// The length of the prefix is no number, or longer than the address.
    Prefix,
    /// The address has bits behind the prefix: it is one of the network, not the network's own.
    HostBits,
}

impl fmt::Display for NetworkParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "a network is ADDRESS, ADDRESS/LENGTH or unix",
            Self::Prefix => "the prefix is no number, or too long for its address",
            Self::HostBits => "the address has bits behind the prefix",
        })
    }
}

impl std::error::Error for NetworkParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, inside: &[&str], outside: &[&str]) {
        let network: Network = network.parse().unwrap();
        for (addresses, expected) in [(inside, true), (outside, false)] {
            for address in addresses {
                let ip = address.parse().unwrap();
                assert_eq!(network.contains_ip(ip), expected, "{address} in {network}");
            }
        }
    }

    #[test]
    fn a_network_contains_what_shares_its_prefix() {
        check("10.0.0.0/8", &["10.0.0.0", "10.255.255.255"], &["11.0.0.0"]);
        check("192.0.2.7", &["192.0.2.7"], &["192.0.2.6", "192.0.2.39"]);
        check("192.0.2.6/31", &["192.0.2.7"], &["192.0.2.8", "192.0.2.5"]);
        check("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::"]);
        check("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::"]);
        check("::1", &["::1"], &["::2", "::"]);
        check("::/0", &["::", "2001:db8::"], &["127.0.0.1"]);
    }

    #[test]
    fn an_ipv4_address_is_itself_in_ipv6_s_clothes() {
        check(
            "10.0.0.0/8",
            &["::ffff:10.1.2.3"],
            &["::ffff:11.1.2.3", "::10.1.2.3"],
        );
        check(
            "::ffff:10.0.0.0/104",
            &["10.1.2.3", "::ffff:10.1.2.3"],
            &["11.0.0.0"],
        );
        check("::ffff:10.0.0.1", &["10.0.0.1"], &["10.0.0.2"]);
    }

    #[test]
    fn unix_peers_are_a_network_of_their_own() {
        let unix = Address::Unix(None);
        assert!(Network::UNIX.contains(&unix));
        assert!(!Network::UNIX.contains(&Address::Tcp(([127, 0, 0, 1], 1).into())));
        assert!(!Network::UNIX.contains(&Address::Unnamed));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(!all.contains(&unix) && !all.contains(&Address::Unnamed));
        assert_eq!("unix".parse(), Ok(Network::UNIX));
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in [
            "10.0.0.0/8",
            "192.0.2.1/32",
            "2001:db8::/32",
            "::/0",
            "unix",
        ] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        use NetworkParseError::{Address, HostBits, Prefix};
        let cases = [
            ("", Address),
            ("localhost", Address),
            ("10.0.0/8", Address),
            ("/8", Address),
            ("10.0.0.0/", Prefix),
            ("10.0.0.0/33", Prefix),
            ("10.0.0.0/+8", Prefix),
            ("10.0.0.0/8/8", Prefix),
            ("::/129", Prefix),
            ("10.0.0.1/8", HostBits),
            ("2001:db8::1/64", HostBits),
            ("::ffff:10.0.0.1/104", HostBits),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Network>(), Err(expected), "{text:?}");
        }
    }
}
