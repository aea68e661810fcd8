//! How a pool reaches an origin: by TCP, or through one Unix socket.
//!
//! A connector is any `Service<Origin>` whose response is a `Box<dyn Io>`; TLS is another one.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use astatine_reactor::{Foreign, Io};
use http::uri::Scheme;
use tokio::net::{TcpStream, UnixStream};
use tower_service::Service;

use super::origin::Origin;

/// Connects by TCP to the first address of the origin's host that answers.
///
/// It speaks no TLS, so an origin of https is an error of the kind `Unsupported`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpConnector;

/// Connects to one Unix socket, whatever the origin is: the URI still gives Host.
#[derive(Clone, Debug)]
pub struct UnixConnector(Arc<Path>);

impl UnixConnector {
    /// Takes the socket's path.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().into())
    }
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send>>;

impl Service<Origin> for TcpConnector {
    type Response = Box<dyn Io>;
    type Error = io::Error;
    type Future = Connecting;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, origin: Origin) -> Self::Future {
        Box::pin(async move {
            if *origin.scheme() == Scheme::HTTPS {
                let what = "this connector speaks no TLS";
                return Err(io::Error::new(io::ErrorKind::Unsupported, what));
            }
            let stream = TcpStream::connect((origin.host(), origin.port())).await?;
            // A head and a body that come apart must not wait for each other.
            stream.set_nodelay(true)?;
            Ok(Box::new(Foreign(stream)) as Box<dyn Io>)
        })
    }
}

impl Service<Origin> for UnixConnector {
    type Response = Box<dyn Io>;
    type Error = io::Error;
    type Future = Connecting;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _origin: Origin) -> Self::Future {
        let path = Arc::clone(&self.0);
        Box::pin(async move {
            let stream = UnixStream::connect(path).await?;
            Ok(Box::new(Foreign(stream)) as Box<dyn Io>)
        })
    }
}
