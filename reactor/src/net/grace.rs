//! What runs beside the work of a server: the clock of a shutdown, and the signals.

use std::convert::Infallible;
use std::fs;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::iter;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Config, Phase, Shutdown};

/// Runs the work of a server, or waits for what is left of it: the shutdown moves on with its clock
/// and with signals, and `work` is given up when it goes on although everything was cut.
pub(super) async fn oversee(
    work: impl Future<Output = io::Result<()>>,
    config: &Config,
    shutdown: &Shutdown,
) -> io::Result<()> {
    let signals = Signals::install()?;
    let work = or_stuck(work, shutdown);
    let work = beside(work, advance_after(config, shutdown));
    beside(work, signals.watch(shutdown)).await
}

async fn or_stuck(
    work: impl Future<Output = io::Result<()>>,
    shutdown: &Shutdown,
) -> io::Result<()> {
    let mut work = pin!(work);
    let mut stuck = pin!(async {
        shutdown.reached(Phase::Cut).await;
        tokio::time::sleep(STUCK_AFTER).await;
    });
    poll_fn(|cx| {
        if let Poll::Ready(result) = work.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        stuck.as_mut().poll(cx).map(|()| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "a thread is blocked",
            ))
        })
    })
    .await
}

/// How long a thread that was cut may take to come back from a call that blocks.
const STUCK_AFTER: Duration = Duration::from_secs(1);

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
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where HUP is ignored, as below nohup.
    hang_up: Option<Signal>,
}

impl Signals {
    /// Takes the signals; they do not end the process any more.
    fn install() -> io::Result<Self> {
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
    async fn watch(mut self, shutdown: &Shutdown) -> Infallible {
        poll_fn(|cx| {
            while let Poll::Ready(Some(())) = self.interrupt.poll_recv(cx) {
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

/// Tells whether who started the process had it ignore a signal, as Linux tells in `/proc`.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}
