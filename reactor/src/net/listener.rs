//! A listening socket, and how it is opened.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketAddrUnix, SocketType, bind, getsockname, listen, sockopt,
};

use crate::Address;
use crate::net::socket_file::SocketFile;
use crate::net::{Bind, BindError, Inherited, sys};

/// A socket that listens: TCP or Unix, non-blocking.
///
/// The file of a Unix socket that [`Listener::bind`] made is removed when the listener stops.
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
    local: Address,
    file: Option<Arc<SocketFile>>,
}

impl Listener {
    /// Opens one listener for each address that `bind` stands for.
    ///
    /// Inherited sockets are looked for in `inherited`; see [`Inherited::from_env`].
    ///
    /// # Errors
    ///
    /// The address is in use, not this machine's, or not allowed to this user.
    pub fn bind(bind: &Bind, inherited: &Inherited, backlog: u16) -> Result<Vec<Self>, BindError> {
        let sets = Self::bind_sets(bind, inherited, backlog, 1)?;
        Ok(sets.into_iter().flatten().collect())
    }

    /// Returns the address that the socket is bound to, with the port that the system chose.
    pub fn address(&self) -> &Address {
        &self.local
    }

    /// Opens for each address a set of `n_threads` listeners that share it.
    pub(super) fn bind_sets(
        bind: &Bind,
        inherited: &Inherited,
        backlog: u16,
        n_threads: usize,
    ) -> Result<Vec<Vec<Self>>, BindError> {
        match bind {
            Bind::Port(port) => Ok(vec![bind_port(*port, backlog, n_threads)?]),
            Bind::Tcp(address) => Ok(vec![bind_tcp(*address, backlog, n_threads)?]),
            Bind::Host { name, port } => bind_host(name, *port, backlog, n_threads),
            Bind::Unix { path, mode } => {
                let listener = bind_unix(path, *mode, backlog)?;
                Ok(vec![share(listener, n_threads, &bind.to_string())?])
            }
            Bind::InheritedNumber(number) => Ok(vec![inherit(*number, n_threads)?]),
            Bind::InheritedName(name) => {
                let numbers = inherited.sockets().filter(|(known, _)| known == name);
                let sets: Vec<_> = numbers
                    .map(|(_, number)| inherit(number, n_threads))
                    .collect::<Result<_, _>>()?;
                if sets.is_empty() {
                    return Err(BindError::NoSuchName(name.clone()));
                }
                Ok(sets)
            }
        }
    }

    /// Takes over a socket that listens already.
    fn adopt(socket: OwnedFd) -> Result<Self, Errno> {
        if sockopt::socket_type(&socket)? != SocketType::STREAM
            || !sockopt::socket_acceptconn(&socket)?
        {
            return Err(Errno::INVAL);
        }
        ioctl_fionbio(&socket, true)?;
        let local = address_of(getsockname(&socket).ok());
        if matches!(local, Address::Tcp(_)) {
            sockopt::set_tcp_nodelay(&socket, true)?;
        }
        Ok(Self {
            socket,
            local,
            file: None,
        })
    }

    /// Gives the parts to an accept loop.
    pub(super) fn into_parts(self) -> (OwnedFd, Address, Option<Arc<SocketFile>>) {
        (self.socket, self.local, self.file)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Takes every interface: IPv6 and IPv4 by one socket, or IPv4 alone where there is no IPv6.
fn bind_port(port: u16, backlog: u16, n_threads: usize) -> Result<Vec<Listener>, BindError> {
    let all_six = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    let all_four = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    match open_tcp(all_six, backlog, n_threads) {
        Err(errno) if is_missing(errno) => bind_tcp(all_four, backlog, n_threads),
        opened => opened.map_err(|errno| failed(format!(":{port}"), errno)),
    }
}

fn bind_tcp(
    address: SocketAddr,
    backlog: u16,
    n_threads: usize,
) -> Result<Vec<Listener>, BindError> {
    open_tcp(address, backlog, n_threads).map_err(|errno| failed(address.to_string(), errno))
}

/// Takes the addresses of the name that this machine has.
fn bind_host(
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
    for address in (name, port).to_socket_addrs().map_err(resolve)? {
        let address = SocketAddr::new(address.ip(), port);
        match open_tcp(address, backlog, n_threads) {
            Ok(set) => {
                // A port that the system has chosen is the same for all addresses.
                if let Some(Address::Tcp(bound)) = set.first().map(|listener| &listener.local) {
                    port = bound.port();
                }
                sets.push(set);
            }
            Err(errno) if is_missing(errno) => missing = failed(address.to_string(), errno),
            Err(errno) => return Err(failed(address.to_string(), errno)),
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

fn failed(address: String, errno: Errno) -> BindError {
    BindError::Listen {
        address,
        cause: errno.into(),
    }
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
    let listeners = sockets.into_iter().map(|socket| Listener {
        socket,
        local: Address::Tcp(canonical(bound)),
        file: None,
    });
    Ok(listeners.collect())
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

fn bind_unix(path: &Path, mode: u32, backlog: u16) -> Result<Listener, BindError> {
    let (socket, file) = SocketFile::bind(path, mode)?;
    listen(&socket, i32::from(backlog))
        .map_err(|errno| failed(format!("unix:{}", path.display()), errno))?;
    Ok(Listener {
        socket,
        local: Address::Unix(Some(path.to_owned())),
        file: Some(Arc::new(file)),
    })
}

fn inherit(number: RawFd, n_threads: usize) -> Result<Vec<Listener>, BindError> {
    let address = format!("fd:{number}");
    let socket =
        sys::duplicate_inherited(number).map_err(|errno| failed(address.clone(), errno))?;
    let listener = Listener::adopt(socket).map_err(|_| BindError::NotListening(number))?;
    share(listener, n_threads, &address)
}

/// Shares one listening socket between threads: each has a descriptor of its own.
fn share(listener: Listener, n_threads: usize, address: &str) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::with_capacity(n_threads);
    for _ in 1..n_threads {
        listeners.push(Listener {
            socket: rustix::io::fcntl_dupfd_cloexec(&listener.socket, 0)
                .map_err(|errno| failed(address.to_owned(), errno))?,
            local: listener.local.clone(),
            file: listener.file.clone(),
        });
    }
    listeners.push(listener);
    Ok(listeners)
}

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
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}

/// What [`serve`](crate::serve()) takes as its listener: one of tokio's, of std's, or a
/// [`Listener`].
pub trait IntoListener {
    /// Makes a [`Listener`] of it.
    ///
    /// # Errors
    ///
    /// The socket does not listen, or the runtime does not let it go.
    fn into_listener(self) -> io::Result<Listener>;
}

impl IntoListener for Listener {
    fn into_listener(self) -> io::Result<Listener> {
        Ok(self)
    }
}

impl IntoListener for std::net::TcpListener {
    fn into_listener(self) -> io::Result<Listener> {
        Ok(Listener::adopt(self.into())?)
    }
}

impl IntoListener for std::os::unix::net::UnixListener {
    fn into_listener(self) -> io::Result<Listener> {
        Ok(Listener::adopt(self.into())?)
    }
}

impl IntoListener for tokio::net::TcpListener {
    fn into_listener(self) -> io::Result<Listener> {
        self.into_std()?.into_listener()
    }
}

impl IntoListener for tokio::net::UnixListener {
    fn into_listener(self) -> io::Result<Listener> {
        self.into_std()?.into_listener()
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::tcp_nodelay;

    use super::*;

    fn accepted_nodelay(listener: &Listener) -> bool {
        let Address::Tcp(address) = listener.address() else {
            unreachable!("it was bound to TCP")
        };
        let _client = std::net::TcpStream::connect(address).unwrap();
        let (socket, _) = sys::accept(listener.as_fd()).unwrap();
        tcp_nodelay(socket).unwrap()
    }

    #[test]
    fn what_is_accepted_has_nodelay_set() {
        let bind = "127.0.0.1:0".parse().unwrap();
        let sets = Listener::bind_sets(&bind, &Inherited::default(), 16, 2).unwrap();
        assert!(
            sets.iter()
                .flatten()
                .all(|listener| { sockopt::tcp_nodelay(listener).unwrap() })
        );
        let alone = Listener::bind(&bind, &Inherited::default(), 16).unwrap();
        assert!(accepted_nodelay(&alone[0]));
    }

    #[test]
    fn what_is_accepted_from_a_foreign_listener_has_nodelay_set() {
        let foreign = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(accepted_nodelay(&foreign.into_listener().unwrap()));
    }
}
