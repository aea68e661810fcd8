//! What runs beside the work of a server: the clock of a shutdown, and the signals.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Phase, Shutdown};

/// Runs `work` to its end, and `companion`, which has none, beside it.
pub(super) async fn beside<T>(
    work: impl Future<Output = T>,
    companion: impl Future<Output = Infallible>,
) -> T {
    let mut work = pin!(work);
    let mut companion = pin!(companion);
    poll_fn(|cx| {
        let Poll::Pending = companion.as_mut().poll(cx);
        work.as_mut().poll(cx)
    })
    .await
}

/// Cuts what is left when a shutdown has taken its grace.
pub(super) async fn cut_after(grace: Duration, shutdown: &Shutdown) -> Infallible {
    shutdown.reached(Phase::Draining).await;
    tokio::time::sleep(grace).await;
    shutdown.advance(Phase::Cut);
    pending().await
}

/// The signals that end a server: INT and TERM begin a shutdown, INT during one ends it at once.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes the two signals; they do not end the process any more.
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Moves the shutdown on with each signal.
    pub(super) async fn watch(mut self, shutdown: &Shutdown) -> Infallible {
        poll_fn(|cx| {
            while let Poll::Ready(Some(())) = self.interrupt.poll_recv(cx) {
                shutdown.advance(match shutdown.phase() {
                    Phase::Running => Phase::Draining,
                    Phase::Draining | Phase::Cut => Phase::Cut,
                });
            }
            while let Poll::Ready(Some(())) = self.terminate.poll_recv(cx) {
                shutdown.advance(Phase::Draining);
            }
            Poll::Pending
        })
        .await
    }
}
