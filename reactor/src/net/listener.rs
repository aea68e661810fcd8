//! A listening socket, and what may be used as one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;

use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{SocketType, getsockname, listen, sockopt};

use crate::Address;
use crate::net::address::address_of;
use crate::net::socket_file::SocketFile;
use crate::net::tcp::{bind_host, bind_port, bind_tcp};
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
        Ok(Self::new(socket, local))
    }

    /// Wraps a socket that has no file.
    pub(super) fn new(socket: OwnedFd, local: Address) -> Self {
        Self {
            socket,
            local,
            file: None,
        }
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

fn bind_unix(path: &Path, mode: u32, backlog: u16) -> Result<Listener, BindError> {
    let (socket, file) = SocketFile::bind(path, mode)?;
    listen(&socket, i32::from(backlog))
        .map_err(|errno| BindError::listen(format!("unix:{}", path.display()), errno))?;
    Ok(Listener {
        socket,
        local: Address::Unix(Some(path.to_owned())),
        file: Some(Arc::new(file)),
    })
}

fn inherit(number: RawFd, n_threads: usize) -> Result<Vec<Listener>, BindError> {
    let address = format!("fd:{number}");
    let socket = sys::duplicate_inherited(number)
        .map_err(|errno| BindError::listen(address.clone(), errno))?;
    let listener = Listener::adopt(socket).map_err(|_| BindError::NotListening(number))?;
    share(listener, n_threads, &address)
}

/// Shares one listening socket between threads: each has a descriptor of its own.
fn share(listener: Listener, n_threads: usize, address: &str) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::with_capacity(n_threads);
    for _ in 1..n_threads {
        listeners.push(Listener {
            socket: rustix::io::fcntl_dupfd_cloexec(&listener.socket, 0)
                .map_err(|errno| BindError::listen(address.to_owned(), errno))?,
            local: listener.local.clone(),
            file: listener.file.clone(),
        });
    }
    listeners.push(listener);
    Ok(listeners)
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
