//! One thread of a server, its own or the caller's: the runtime, the accept loops, the end.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::oneshot;

use crate::net::Listener;
use crate::net::limits::{Limits, Place};
use crate::{Phase, Shutdown};

/// Registers a listener with the thread's runtime and returns the accept loop.
pub(super) type Start =
    Arc<dyn Fn(Listener, Arc<Limits>, Shutdown) -> io::Result<AcceptLoop> + Send + Sync>;
type AcceptLoop = Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// The listeners of one thread.
pub(super) type Share = Vec<(Listener, Start)>;

/// A thread as the supervisor sees it.
pub(super) struct Thread {
    pub(super) ready: oneshot::Receiver<()>,
    ended: oneshot::Receiver<io::Result<()>>,
}

impl Thread {
    /// Serves on a thread of its own.
    pub(super) fn beside(
        index: usize,
        share: Share,
        limits: Arc<Limits>,
        shutdown: Shutdown,
    ) -> io::Result<Self> {
        let stopper = Stopper(shutdown);
        let (tell_ready, ready) = oneshot::channel();
        let (tell_end, ended) = oneshot::channel();
        let body = move || {
            let served = serve_share(share, limits, &stopper.0, tell_ready);
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build_local(LocalOptions::default());
            let result = runtime.and_then(|runtime| runtime.block_on(served));
            // The supervisor is gone only when it has given this thread up.
            tell_end.send(result).unwrap_or_default();
        };
        drop(
            thread::Builder::new()
                .name(format!("astatine-{index}"))
                .spawn(body)?,
        );
        Ok(Self { ready, ended })
    }

    /// Serves on the thread and the runtime of the supervisor.
    pub(super) fn here(share: Share, limits: Arc<Limits>, shutdown: Shutdown) -> Self {
        let stopper = Stopper(shutdown);
        let (tell_ready, ready) = oneshot::channel();
        let (tell_end, ended) = oneshot::channel();
        drop(tokio::task::spawn_local(async move {
            let result = serve_share(share, limits, &stopper.0, tell_ready).await;
            drop(stopper);
            // The supervisor waits for it.
            tell_end.send(result).unwrap_or_default();
        }));
        Self { ready, ended }
    }

    /// Waits for the thread's end and returns its result.
    pub(super) async fn end(self) -> io::Result<()> {
        self.ended
            .await
            .unwrap_or_else(|_| Err(io::Error::other("a thread of the server panicked")))
    }
}

/// The server on whose thread one is.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) shutdown: Shutdown,
    limits: Arc<Limits>,
}

thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

impl Host {
    /// Returns the server of this thread; `None` on threads of other runtimes.
    pub(super) fn current() -> Option<Self> {
        HOST.with_borrow(Clone::clone)
    }

    /// Keeps the server waiting, when it ends, for a connection that was not accepted.
    pub(super) fn hold(&self) -> Place {
        self.limits.hold()
    }
}

/// The time of a server on its thread.
struct Tenancy;

impl Tenancy {
    fn begin(host: Host) -> Self {
        HOST.set(Some(host));
        Self
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        HOST.set(None);
    }
}

/// Begins the shutdown when it is dropped: one thread or accept loop that ends early ends all.
struct Stopper(Shutdown);

impl Drop for Stopper {
    fn drop(&mut self) {
        self.0.advance(Phase::Draining);
    }
}

/// The life of one thread.
async fn serve_share(
    share: Share,
    limits: Arc<Limits>,
    shutdown: &Shutdown,
    tell_ready: oneshot::Sender<()>,
) -> io::Result<()> {
    let _tenancy = Tenancy::begin(Host {
        shutdown: shutdown.clone(),
        limits: Arc::clone(&limits),
    });
    let mut loops = Vec::with_capacity(share.len());
    for (listener, start) in share {
        let accept_loop = start(listener, Arc::clone(&limits), shutdown.clone())?;
        let stopper = Stopper(shutdown.clone());
        loops.push(tokio::task::spawn_local(async move {
            let _stopper = stopper;
            accept_loop.await
        }));
    }
    // The supervisor waits for it, unless it has given up.
    tell_ready.send(()).unwrap_or_default();
    let mut result = Ok(());
    for accept_loop in loops {
        let ended = accept_loop.await.unwrap_or_else(|error| Err(error.into()));
        result = result.and(ended);
    }
    // What is still open when everything is cut ends with the runtime.
    let mut empty = pin!(limits.empty());
    let mut cut = shutdown.reached(Phase::Cut);
    poll_fn(|cx| match empty.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => Pin::new(&mut cut).poll(cx),
    })
    .await;
    result
}
