//! The ends of a connection, as the kernel names them.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use rustix::net::{SocketAddrAny, SocketAddrUnix};

use crate::Address;

/// Names an end of a connection as the kernel gave it.
pub(super) fn address_of(any: Option<SocketAddrAny>) -> Address {
    let Some(any) = any else {
        return Address::Unnamed;
    };
    if let Ok(address) = SocketAddr::try_from(any.clone()) {
        return Address::Tcp(canonical(address));
    }
    match SocketAddrUnix::try_from(any) {
        Ok(unix) => Address::Unix(unix.path_bytes().map(path_of)),
        Err(_) => Address::Unnamed,
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

/// Writes an IPv4 client of an IPv6 socket as the IPv4 address that it is.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}
