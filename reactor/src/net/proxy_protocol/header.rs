//! The header itself: what it says, and how many of its bytes are still to come.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

use super::error::HeaderError;
use crate::Address;
use crate::net::address::canonical;

/// What is known of a header from its first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// At least so many bytes are missing, never more than there are.
    Missing(usize),
    /// These bytes are a header, with nothing behind it.
    Complete(Header),
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// The connection is the proxy's own, or one whose ends it does not name.
    Own,
    /// The connection is somebody else's.
    Proxied {
        source: Address,
        destination: Address,
    },
}

/// Reads what has come of a header. Whoever never takes more than is said to be missing never takes
/// a byte that belongs to the next protocol.
pub(super) fn read(input: &[u8]) -> Result<Reading, HeaderError> {
    let begins = |signature: &[u8]| {
        let n_common = input.len().min(signature.len());
        input[..n_common] == signature[..n_common]
    };
    if begins(SIGNATURE_1) {
        read_line(input)
    } else if begins(SIGNATURE_2) {
        read_binary(input)
    } else {
        Err(HeaderError::Signature)
    }
}

const SIGNATURE_1: &[u8] = b"PROXY ";
const SIGNATURE_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The shortest line, and the longest, with their ends.
const MIN_LINE_BYTES: usize = b"PROXY UNKNOWN\r\n".len();
const MAX_LINE_BYTES: usize = 107;
const LINE_END_BYTES: usize = 2;
/// A line has as many spaces where it names addresses.
const SPACES_OF_TCP: usize = 5;

/// Reads a header of version 1 (part 2.1 of the specification).
fn read_line(input: &[u8]) -> Result<Reading, HeaderError> {
    if input.len() > MAX_LINE_BYTES {
        return Err(HeaderError::LineTooLong);
    }
    if input.len() < MIN_LINE_BYTES {
        return Ok(Reading::Missing(MIN_LINE_BYTES - input.len()));
    }
    let Some(line) = input.strip_suffix(b"\r\n") else {
        let is_at_end = input.ends_with(b"\r");
        let missing = if is_at_end { 1 } else { missing_of(input) };
        if input.len() + missing > MAX_LINE_BYTES {
            return Err(HeaderError::LineTooLong);
        }
        let line = input.strip_suffix(b"\r").unwrap_or(input);
        return if has_line_end(line) {
            Err(HeaderError::Line)
        } else {
            Ok(Reading::Missing(missing))
        };
    };
    if has_line_end(line) {
        return Err(HeaderError::Line);
    }
    parse_line(line)
        .map(Reading::Complete)
        .ok_or(HeaderError::Line)
}

/// Returns how much of a line without its end is missing at the least: each field that has not
/// begun is a space and a byte.
fn missing_of(line: &[u8]) -> usize {
    let n_spaces = line.iter().filter(|byte| **byte == b' ').count();
    if line.starts_with(b"PROXY TCP") {
        2 * SPACES_OF_TCP.saturating_sub(n_spaces) + LINE_END_BYTES
    } else {
        LINE_END_BYTES
    }
}

fn has_line_end(line: &[u8]) -> bool {
    line.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
}

fn parse_line(line: &[u8]) -> Option<Header> {
    let line = line.strip_prefix(SIGNATURE_1)?;
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        // Whatever stands behind it is to be ignored.
        return Some(Header::Own);
    }
    let mut fields = std::str::from_utf8(line).ok()?.split(' ');
    let parse_ip = match fields.next()? {
        "TCP4" => |text: &str| Ipv4Addr::from_str(text).ok().map(IpAddr::V4),
        "TCP6" => |text: &str| Ipv6Addr::from_str(text).ok().map(IpAddr::V6),
        _ => return None,
    };
    let (source, destination) = (parse_ip(fields.next()?)?, parse_ip(fields.next()?)?);
    let ports = (parse_port(fields.next()?)?, parse_port(fields.next()?)?);
    if fields.next().is_some() {
        return None;
    }
    Some(proxied(
        SocketAddr::new(source, ports.0),
        SocketAddr::new(destination, ports.1),
    ))
}

/// Reads a decimal number without leading zeros.
fn parse_port(text: &str) -> Option<u16> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let has_zeros = text.len() > 1 && text.starts_with('0');
    text.parse().ok().filter(|_| is_decimal && !has_zeros)
}

fn proxied(source: SocketAddr, destination: SocketAddr) -> Header {
    Header::Proxied {
        source: Address::Tcp(canonical(source)),
        destination: Address::Tcp(canonical(destination)),
    }
}

/// What comes before the addresses: signature, version and command, family, length.
const FIXED_BYTES: usize = 16;

/// Reads a header of version 2 (part 2.2 of the specification).
fn read_binary(input: &[u8]) -> Result<Reading, HeaderError> {
    let Some((fixed, rest)) = input.split_first_chunk::<FIXED_BYTES>() else {
        return Ok(Reading::Missing(FIXED_BYTES - input.len()));
    };
    let [.., command, family, high, low] = *fixed;
    if !matches!(command, LOCAL | PROXY) {
        return Err(HeaderError::Command);
    }
    let len = usize::from(u16::from_be_bytes([high, low]));
    if rest.len() < len {
        return Ok(Reading::Missing(len - rest.len()));
    }
    if command == LOCAL {
        return Ok(Reading::Complete(Header::Own));
    }
    let (header, extensions) = match family {
        // Nobody can tell where addresses of no family would end.
        UNSPEC => return Ok(Reading::Complete(Header::Own)),
        TCP4 => {
            let (ips, rest) = two::<4>(rest)?;
            let (ports, rest) = two::<2>(rest)?;
            (proxied(end(ips.0, ports.0), end(ips.1, ports.1)), rest)
        }
        TCP6 => {
            let (ips, rest) = two::<16>(rest)?;
            let (ports, rest) = two::<2>(rest)?;
            (proxied(end(ips.0, ports.0), end(ips.1, ports.1)), rest)
        }
        UNIX_STREAM => {
            let (paths, rest) = two::<108>(rest)?;
            let (source, destination) = (unix(&paths.0), unix(&paths.1));
            (
                Header::Proxied {
                    source,
                    destination,
                },
                rest,
            )
        }
        _ => return Err(HeaderError::Family),
    };
    skip_extensions(extensions)?;
    Ok(Reading::Complete(header))
}

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

const UNSPEC: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

/// What a header says of the source and of the destination, in bytes.
type Ends<const N: usize> = ([u8; N], [u8; N]);

/// Splits the source's and the destination's part off.
fn two<const N: usize>(bytes: &[u8]) -> Result<(Ends<N>, &[u8]), HeaderError> {
    let split = |bytes| <[u8]>::split_first_chunk::<N>(bytes).ok_or(HeaderError::Addresses);
    let (source, rest) = split(bytes)?;
    let (destination, rest) = split(rest)?;
    Ok(((*source, *destination), rest))
}

fn end(ip: impl Into<IpAddr>, port: [u8; 2]) -> SocketAddr {
    SocketAddr::new(ip.into(), u16::from_be_bytes(port))
}

/// Names a Unix socket; a name that begins with NUL is no path.
fn unix(field: &[u8; 108]) -> Address {
    let path = field.split(|byte| *byte == 0).next().unwrap_or_default();
    let path = Some(path).filter(|path| !path.is_empty());
    Address::Unix(path.map(|path| std::ffi::OsStr::from_bytes(path).into()))
}

/// Walks over the extensions: one byte of type, two of length, the value.
fn skip_extensions(mut extensions: &[u8]) -> Result<(), HeaderError> {
    while !extensions.is_empty() {
        let (fixed, rest) = extensions
            .split_first_chunk::<3>()
            .ok_or(HeaderError::Extension)?;
        let len = usize::from(u16::from_be_bytes([fixed[1], fixed[2]]));
        extensions = rest.get(len..).ok_or(HeaderError::Extension)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
