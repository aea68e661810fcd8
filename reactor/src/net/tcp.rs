//! How TCP sockets are opened: a set of them on each address.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, bind, getsockname, listen, sockopt};

use crate::Address;
use crate::net::address::canonical;
use crate::net::{BindError, Listener, sys};

/// Takes every interface: IPv6 and IPv4 by one socket, or IPv4 alone where there is no IPv6.
pub(super) fn bind_port(
    port: u16,
    backlog: u16,
    n_threads: usize,
) -> Result<Vec<Listener>, BindError> {
    let all_six = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    let all_four = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    match open_tcp(all_six, backlog, n_threads) {
        Err(errno) if is_missing(errno) => bind_tcp(all_four, backlog, n_threads),
        opened => opened.map_err(|errno| BindError::listen(format!(":{port}"), errno)),
    }
}

pub(super) fn bind_tcp(
    address: SocketAddr,
    backlog: u16,
    n_threads: usize,
) -> Result<Vec<Listener>, BindError> {
    open_tcp(address, backlog, n_threads)
        .map_err(|errno| BindError::listen(address.to_string(), errno))
}

/// Takes the addresses of the name that this machine has.
pub(super) fn bind_host(
    name: &str,
    port: u16,
    backlog: u16,
    n_threads: usize,
) -> Result<Vec<Vec<Listener>>, BindError> {
    let resolve = |cause| BindError::Resolve {
        name: name.to_owned(),
        cause,
    };
    let mut port = port;
    let mut sets: Vec<Vec<Listener>> = Vec::new();
    let mut missing = resolve(io::ErrorKind::NotFound.into());
    for mut address in (name, port).to_socket_addrs().map_err(resolve)? {
        address.set_port(port);
        match open_tcp(address, backlog, n_threads) {
            Ok(set) => {
                // A port that the system has chosen is the same for all addresses.
                if let Some(Address::Tcp(bound)) = set.first().map(Listener::address) {
                    port = bound.port();
                }
                sets.push(set);
            }
            Err(errno) if is_missing(errno) => {
                missing = BindError::listen(address.to_string(), errno)
            }
            Err(errno) => return Err(BindError::listen(address.to_string(), errno)),
        }
    }
    if sets.is_empty() {
        return Err(missing);
    }
    Ok(sets)
}

/// Tells whether the machine has no such address.
fn is_missing(errno: Errno) -> bool {
    errno == Errno::ADDRNOTAVAIL || errno == Errno::AFNOSUPPORT
}

/// Opens `n_threads` sockets on one address, among which the kernel spreads the connections.
///
/// The first one is bound and listens before SO_REUSEPORT is set on it, so that a port on which
/// an other server listens is an error and not shared with it.
fn open_tcp(address: SocketAddr, backlog: u16, n_threads: usize) -> Result<Vec<Listener>, Errno> {
    let first = tcp_socket(address)?;
    bind(&first, &address)?;
    listen(&first, i32::from(backlog))?;
    let bound = SocketAddr::try_from(getsockname(&first)?)?;
    let is_spread = SPREADS && n_threads > 1;
    if is_spread {
        sockopt::set_socket_reuseport(&first, true)?;
    }
    let mut sockets = vec![first];
    while sockets.len() < n_threads {
        let next = if is_spread {
            let next = tcp_socket(address)?;
            sockopt::set_socket_reuseport(&next, true)?;
            bind(&next, &bound)?;
            listen(&next, i32::from(backlog))?;
            next
        } else {
            rustix::io::fcntl_dupfd_cloexec(&sockets[0], 0)?
        };
        sockets.push(next);
    }
    let local = Address::Tcp(canonical(bound));
    let listeners = sockets.into_iter();
    Ok(listeners
        .map(|socket| Listener::new(socket, local.clone()))
        .collect())
}

/// Whether SO_REUSEPORT spreads connections; elsewhere one socket is shared.
const SPREADS: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Makes a socket for the address; what it accepts inherits NODELAY.
fn tcp_socket(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = sys::stream_socket(family)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, false)?;
    }
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    Ok(socket)
}
