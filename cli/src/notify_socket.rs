//! The socket on which a service manager waits for word, as systemd does with `Type=notify`.

use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};

use astatine_reactor::{Phase, Shutdown};

use crate::variables;

/// The socket, connected.
///
/// # Spec
///
/// sd_notify(3), where the socket is a file, or an abstract one of Linux.
#[derive(Debug)]
pub(crate) struct NotifySocket(UnixDatagram);

impl NotifySocket {
    /// Connects to the socket that the environment names, if it names one.
    pub(crate) fn from_env() -> Option<Self> {
        let path = PathBuf::from(variables::read(VARIABLE)?);
        let connect = || {
            let socket = UnixDatagram::unbound()?;
            // A manager that does not read must hold nobody up.
            socket.set_nonblocking(true)?;
            socket.connect_addr(&address_of(&path)?)?;
            Ok(Self(socket))
        };
        connect()
            .inspect_err(|error: &io::Error| {
                tracing::warn!("{VARIABLE}={} is told nothing: {error}", path.display());
            })
            .ok()
    }

    /// Tells that the server is reached, and when a shutdown begins.
    pub(crate) fn follow(self, shutdown: &Shutdown) {
        self.tell("READY=1");
        let ending = shutdown.reached(Phase::LameDuck);
        drop(tokio::spawn(async move {
            ending.await;
            self.tell("STOPPING=1");
        }));
    }

    fn tell(&self, state: &str) {
        if let Err(error) = self.0.send(state.as_bytes()) {
            tracing::warn!("the service manager is not told {state}: {error}");
        }
    }
}

#[cfg(target_os = "linux")]
fn address_of(path: &Path) -> io::Result<SocketAddr> {
    match path.as_os_str().as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(path),
    }
}

#[cfg(not(target_os = "linux"))]
fn address_of(path: &Path) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(path)
}

const VARIABLE: &str = "NOTIFY_SOCKET";
