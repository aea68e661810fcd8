//! The accept loop that `Server`, `serve` and `serve_local` share.

use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{SocketAddrAny, getsockname};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tower_service::Service;

use crate::net::address::address_of;
use crate::net::limits::{Limits, Place};
use crate::net::socket::register;
use crate::net::socket_file::SocketFile;
use crate::net::{Listener, Socket, sys};
use crate::{Address, Connection, PeerInfo, Phase, Reached, Shutdown};

/// Accepts from one listener until the shutdown begins, and calls the service for each
/// connection.
pub(super) struct Acceptor<S, P> {
    listener: AsyncFd<OwnedFd>,
    local: Address,
    file: Option<Arc<SocketFile>>,
    service: S,
    spawn: P,
    limits: Arc<Limits>,
    shutdown: Shutdown,
    /// Whether the system was short of something since the queue was last empty.
    is_short: bool,
}

/// Any error, as tower's layers have it.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a turn of accepting ended.
enum Turn {
    /// The queue is empty, and the next event is waited for.
    Empty,
    /// There may be more.
    More,
}

impl<S, P> Acceptor<S, P>
where
    S: Service<Connection, Response = ()>,
    S::Error: Into<BoxError>,
    P: Fn(Served<S::Future>, &Shutdown),
{
    /// Registers the listener with the runtime around.
    pub(super) fn new(
        listener: Listener,
        service: S,
        spawn: P,
        limits: Arc<Limits>,
        shutdown: Shutdown,
    ) -> io::Result<Self> {
        let (socket, local, file) = listener.into_parts();
        Ok(Self {
            listener: register(socket)?,
            local,
            file,
            service,
            spawn,
            limits,
            shutdown,
            is_short: false,
        })
    }

    /// Runs until the shutdown has begun and the queue is served, then closes the listener.
    /// Connections may still be open when it returns.
    pub(super) async fn run(mut self) -> io::Result<()> {
        let mut draining = self.shutdown.reached(Phase::Draining);
        while readable(&self.listener, &mut draining).await? {
            self.turn().await?;
        }
        // From here on nobody new shall come; those in the queue were told that we listen.
        if let Some(file) = &self.file {
            file.remove();
        }
        while self.shutdown.phase() < Phase::Cut {
            if matches!(self.turn().await?, Turn::Empty) {
                break;
            }
        }
        Ok(())
    }

    /// Accepts a bounded number of connections, then lets others run.
    async fn turn(&mut self) -> io::Result<Turn> {
        for _ in 0..MAX_A_TURN {
            if !self.service_ready().await? {
                return Ok(Turn::Empty);
            }
            match self.accept() {
                Ok((socket, remote)) => self.open(socket, remote),
                Err(Errno::WOULDBLOCK) => {
                    self.is_short = false;
                    return Ok(Turn::Empty);
                }
                Err(errno) if is_of_one_connection(errno) => {}
                Err(errno) if is_of_the_listener(errno) => return Err(errno.into()),
                Err(errno) => {
                    self.back_off(errno).await;
                    return Ok(Turn::More);
                }
            }
        }
        tokio::task::yield_now().await;
        Ok(Turn::More)
    }

    /// Waits for the service; false when everything is cut meanwhile.
    async fn service_ready(&mut self) -> io::Result<bool> {
        let mut cut: Option<Reached> = None;
        poll_fn(|cx| {
            if let Poll::Ready(ready) = self.service.poll_ready(cx) {
                return Poll::Ready(ready.map(|()| true).map_err(io::Error::other));
            }
            let cut = cut.get_or_insert_with(|| self.shutdown.reached(Phase::Cut));
            Pin::new(cut).poll(cx).map(|()| Ok(false))
        })
        .await
    }

    /// Accepts one connection, without waiting.
    fn accept(&self) -> Result<(OwnedFd, Option<SocketAddrAny>), Errno> {
        let accept = |listener: &OwnedFd| retry_on_intr(|| sys::accept(listener.as_fd()));
        if self.shutdown.phase() >= Phase::Draining {
            // The last look at the queue must not rely on an event that may not have come yet.
            return accept(self.listener.get_ref());
        }
        self.listener
            .try_io(Interest::READABLE, |listener| Ok(accept(listener)?))
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::WOULDBLOCK))
    }

    /// Calls the service for a connection, unless there are too many to refuse even.
    fn open(&mut self, socket: OwnedFd, remote: Option<SocketAddrAny>) {
        let local = self.local_of(&socket);
        let remote = match (address_of(remote), &local) {
            (Address::Unnamed, Address::Unix(_)) => Address::Unix(None),
            (remote, _) => remote,
        };
        let Some(place) = self.limits.enter(&remote) else {
            return;
        };
        let socket = match Socket::register(socket) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::debug!(%error, "cannot watch a connection");
                return;
            }
        };
        let mut peer = PeerInfo::new(remote, local);
        peer.refused = place.refused();
        let connection = Connection::new(socket, peer, self.shutdown.clone());
        // Calling is the user's code, and a panic there is the connection's matter only.
        let call = AssertUnwindSafe(|| self.service.call(connection));
        let Ok(future) = catch_unwind(call) else {
            tracing::error!("the service panicked when it was called");
            return;
        };
        (self.spawn)(
            Served {
                future,
                _place: place,
            },
            &self.shutdown,
        );
    }

    /// Names our end; a socket that is bound to every address has to be asked.
    fn local_of(&self, socket: &OwnedFd) -> Address {
        match &self.local {
            Address::Tcp(local) if local.ip().is_unspecified() => {
                address_of(getsockname(socket).ok())
            }
            local => local.clone(),
        }
    }

    /// Waits until others may have closed something; the queue keeps those who come.
    async fn back_off(&mut self, errno: Errno) {
        if !self.is_short {
            self.is_short = true;
            let error = io::Error::from(errno);
            tracing::warn!(address = %self.local, %error, "cannot accept, trying again");
        }
        // Which of the two came first makes no difference here.
        tokio::time::timeout(BACK_OFF, self.shutdown.reached(Phase::Cut))
            .await
            .unwrap_or_default();
    }
}

/// Waits for a connection; false when the shutdown has begun.
async fn readable(listener: &AsyncFd<OwnedFd>, draining: &mut Reached) -> io::Result<bool> {
    poll_fn(|cx| {
        if Pin::new(&mut *draining).poll(cx).is_ready() {
            return Poll::Ready(Ok(false));
        }
        listener.poll_read_ready(cx).map_ok(|_guard| true)
    })
    .await
}

/// How many connections are accepted before others run.
const MAX_A_TURN: usize = 64;

/// How long to wait for descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Tells whether the failure is of a connection that ended in the queue, as accept(2) lists them.
fn is_of_one_connection(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::CONNABORTED
            | Errno::CONNRESET
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::NETDOWN
            | Errno::NETUNREACH
            | Errno::NOPROTOOPT
            | Errno::PERM
            | Errno::PROTO
            | Errno::TIMEDOUT
    )
}

/// Tells whether the listener can never accept again.
fn is_of_the_listener(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP
    )
}

pin_project! {
    /// A connection that is being served: it ends with its service.
    ///
    /// It is held for as long as the connection is open, so it holds nothing that its runtime
    /// does not need: a thread of a server is cut by dropping its runtime.
    pub(super) struct Served<F> {
        #[pin]
        future: F,
        // Behind the future, so that the descriptor is closed when the place is given back.
        _place: Place,
    }
}

impl<F> Served<F> {
    /// Ends the connection also when everything is cut, for a runtime that lives on.
    pub(super) fn until_cut(self, shutdown: &Shutdown) -> UntilCut<F> {
        UntilCut {
            cut: shutdown.reached(Phase::Cut),
            served: self,
        }
    }
}

impl<F, E> Future for Served<F>
where
    F: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Err(error) = ready!(self.project().future.poll(cx)) {
            let error = error.into();
            tracing::debug!(
                error = &*error as &dyn std::error::Error,
                "connection ended"
            );
        }
        Poll::Ready(())
    }
}

pin_project! {
    /// A connection that is served until its service ends, or everything is cut.
    pub(super) struct UntilCut<F> {
        cut: Reached,
        #[pin]
        served: Served<F>,
    }
}

impl<F, E> Future for UntilCut<F>
where
    F: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if Pin::new(this.cut).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        this.served.poll(cx)
    }
}
