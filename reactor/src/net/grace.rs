//! What runs beside the work of a server: the clock of a shutdown, and the signals.

use std::convert::Infallible;
use std::fs;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::iter;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use signal_hook::low_level::unregister;
use signal_hook::{SigId, flag};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Config, Phase, Shutdown};

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

/// Moves a shutdown on when its time as a lame duck is over, and cuts what is left at the end of
/// its grace.
pub(super) async fn advance_after(config: &Config, shutdown: &Shutdown) -> Infallible {
    shutdown.reached(Phase::LameDuck).await;
    let draining = shutdown.reached(Phase::Draining);
    // Over at once when a signal, or the token, has moved on meanwhile.
    let waited = tokio::time::timeout(config.lame_duck, draining).await;
    if waited.is_err() {
        shutdown.advance(Phase::Draining);
    }
    tokio::time::sleep(config.shutdown_grace).await;
    shutdown.advance(Phase::Cut);
    pending().await
}

/// The signals that end a server: INT, TERM and HUP begin a shutdown, INT during one ends it at
/// once. USR1 and USR2 are taken and do nothing.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where HUP is ignored, as below nohup.
    hang_up: Option<Signal>,
}

impl Signals {
    /// Takes the signals; they do not end the process any more.
    pub(super) fn install() -> io::Result<Self> {
        // Nobody listens, but once taken they stay taken.
        drop(signal(SignalKind::user_defined1())?);
        drop(signal(SignalKind::user_defined2())?);
        let hang_up = SignalKind::hangup();
        let hang_up = (!is_ignored(hang_up)).then(|| signal(hang_up));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: hang_up.transpose()?,
        })
    }

    /// Moves the shutdown on with each signal.
    pub(super) async fn watch(
        mut self,
        shutdown: &Shutdown,
        impatience: &Impatience,
    ) -> Infallible {
        poll_fn(|cx| {
            while let Poll::Ready(Some(())) = self.interrupt.poll_recv(cx) {
                impatience.is_due.store(false, Ordering::Relaxed);
                shutdown.advance(match shutdown.phase() {
                    Phase::Running => Phase::LameDuck,
                    Phase::LameDuck | Phase::Draining | Phase::Cut => Phase::Cut,
                });
            }
            for signal in iter::once(&mut self.terminate).chain(&mut self.hang_up) {
                while let Poll::Ready(Some(())) = signal.poll_recv(cx) {
                    shutdown.advance(Phase::LameDuck);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// While it lives, INT has its default effect where nobody has noticed the one before: the thread
/// that would is blocked.
pub(super) struct Impatience {
    is_due: Arc<AtomicBool>,
    ids: [SigId; 2],
}

impl Impatience {
    /// Begins, and takes INT.
    pub(super) fn begin() -> io::Result<Self> {
        let is_due = Arc::new(AtomicBool::new(false));
        let kind = SignalKind::interrupt().as_raw_value();
        // They are called in this order.
        let end = flag::register_conditional_default(kind, Arc::clone(&is_due))?;
        let ids = [end, flag::register(kind, Arc::clone(&is_due))?];
        Ok(Self { is_due, ids })
    }
}

impl Drop for Impatience {
    fn drop(&mut self) {
        for id in self.ids {
            unregister(id);
        }
    }
}

/// Tells whether who started the process had it ignore a signal, as Linux tells in `/proc`.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}
