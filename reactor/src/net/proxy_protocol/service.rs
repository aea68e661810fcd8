//! The layer around a listener's service, and the future that reads a header before the service is
//! called.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, ReadBuf};
use tower_layer::Layer;
use tower_service::Service;

use super::error::{Error, HeaderError};
use super::header::{Header, Reading, read};
use crate::net::accept::BoxError;
use crate::{Connection, Deadline, Network};

/// Reads the header of the PROXY protocol on connections from listed networks.
///
/// A connection from elsewhere is passed on as it is: what looks like a header there is for its
/// protocol to refuse. So is one that a limit has refused, and that is only told so. Whoever is
/// listed must send a header: without a good one in time the connection is closed. The first bad
/// one is a warning, since its proxy may be set up so that all are. Limits for each
/// address are the listener's, so they count the proxy's address, not the one in the header.
#[derive(Clone, Debug)]
pub struct ProxyProtocolLayer {
    networks: Arc<[Network]>,
    timeout: Duration,
    has_warned: Arc<AtomicBool>,
}

impl ProxyProtocolLayer {
    /// How long a header may take unless something else is said.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

    /// Expects a header from the peers in these networks.
    pub fn new(networks: impl Into<Arc<[Network]>>) -> Self {
        Self {
            networks: networks.into(),
            timeout: Self::DEFAULT_TIMEOUT,
            has_warned: Arc::default(),
        }
    }

    /// Takes another time for a header to arrive in, [`ProxyProtocolLayer::DEFAULT_TIMEOUT`]
    /// otherwise. It acts up to a second late, never early.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn expects_header(&self, connection: &Connection) -> bool {
        let remote = &connection.peer.remote;
        connection.peer.refused.is_none()
            && self.networks.iter().any(|network| network.contains(remote))
    }
}

impl<S> Layer<S> for ProxyProtocolLayer {
    type Service = ProxyProtocol<S>;

    fn layer(&self, inner: S) -> ProxyProtocol<S> {
        ProxyProtocol {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service of [`ProxyProtocolLayer`].
#[derive(Clone, Debug)]
pub struct ProxyProtocol<S> {
    inner: S,
    layer: ProxyProtocolLayer,
}

impl<S> Service<Connection> for ProxyProtocol<S>
where
    S: Service<Connection, Response = ()> + Clone,
    S::Error: Into<BoxError>,
{
    type Response = ();
    type Error = Error;
    type Future = ProxyProtocolFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ready = self.inner.poll_ready(cx);
        ready.map_err(|error| Error::Service(error.into()))
    }

    fn call(&mut self, connection: Connection) -> Self::Future {
        let state = if self.layer.expects_header(&connection) {
            // The inner service that was found ready goes along; its clone stays.
            let clone = self.inner.clone();
            State::Reading {
                inner: mem::replace(&mut self.inner, clone),
                intake: Some(Intake::new(connection, &self.layer)),
            }
        } else {
            State::Serving {
                future: self.inner.call(connection),
            }
        };
        ProxyProtocolFuture { state }
    }
}

pin_project! {
    /// Serves one connection; made by calling [`ProxyProtocol`].
    ///
    /// It completes with `Ok` also where the peer ends the stream without having sent a byte, as
    /// those do that only look whether the server is there.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes the connection where it is.
    #[must_use = "futures do nothing unless polled"]
    pub struct ProxyProtocolFuture<S: Service<Connection>> {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Connection>> {
        Reading { inner: S, intake: Option<Intake> },
        Serving { #[pin] future: S::Future },
    }
}

impl<S> Future for ProxyProtocolFuture<S>
where
    S: Service<Connection, Response = ()>,
    S::Error: Into<BoxError>,
{
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut state = self.as_mut().project().state;
            let future = match state.as_mut().project() {
                StateProjection::Serving { future } => {
                    let served = ready!(future.poll(cx));
                    return Poll::Ready(served.map_err(|error| Error::Service(error.into())));
                }
                StateProjection::Reading { inner, intake } => {
                    let reading = intake.as_mut().expect("it is not polled after its end");
                    let header = ready!(reading.poll_header(cx));
                    let connection = intake.take().map(|intake| intake.connection);
                    let (Some(header), Some(mut connection)) = (header?, connection) else {
                        return Poll::Ready(Ok(()));
                    };
                    if let Header::Proxied {
                        source,
                        destination,
                    } = header
                    {
                        connection.peer.remote = source;
                        connection.peer.local = destination;
                    }
                    inner.call(connection)
                }
            };
            state.set(State::Serving { future });
        }
    }
}

impl<S: Service<Connection>> fmt::Debug for ProxyProtocolFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyProtocolFuture")
            .finish_non_exhaustive()
    }
}

/// A connection whose header is on its way.
struct Intake {
    connection: Connection,
    header: Vec<u8>,
    deadline: Deadline,
    has_warned: Arc<AtomicBool>,
}

/// Most that is read at once; a long header is kept as it comes, not as it says it will.
const MAX_READ_BYTES: usize = 512;

impl Intake {
    fn new(connection: Connection, layer: &ProxyProtocolLayer) -> Self {
        let deadline = Deadline::new();
        deadline.set(deadline.now().checked_add(layer.timeout));
        Self {
            connection,
            header: Vec::new(),
            deadline,
            has_warned: Arc::clone(&layer.has_warned),
        }
    }

    /// Reads the header; `None` when the stream ends before its first byte.
    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Header>, Error>> {
        loop {
            let n_missing = match read(&self.header).map_err(|error| self.bad(error))? {
                Reading::Missing(n_missing) => n_missing,
                Reading::Complete(header) => return Poll::Ready(Ok(Some(header))),
            };
            let mut space = [0; MAX_READ_BYTES];
            let mut space = ReadBuf::new(&mut space[..n_missing.min(MAX_READ_BYTES)]);
            match Pin::new(&mut self.connection.io).poll_read(cx, &mut space) {
                Poll::Ready(Ok(())) if !space.filled().is_empty() => {
                    self.header.extend_from_slice(space.filled());
                }
                Poll::Ready(Ok(())) if self.header.is_empty() => return Poll::Ready(Ok(None)),
                Poll::Ready(Ok(())) => return Poll::Ready(Err(Error::Closed)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Error::Io(error))),
                Poll::Pending => {
                    ready!(self.deadline.poll_expired(cx));
                    return Poll::Ready(Err(Error::Timeout));
                }
            }
        }
    }

    fn bad(&self, error: HeaderError) -> Error {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            let peer = &self.connection.peer.remote;
            tracing::warn!(%peer, %error, "bad PROXY header; such connections are closed");
        }
        Error::Header(error)
    }
}
