//! The token that tells connections to end: first in good order, then at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::lock::lock;

/// How far a shutdown has come. Later phases are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Serve.
    Running,
    /// Serve, and let whoever sends clients here find others: new connections are accepted, and
    /// each answer says that its connection ends.
    LameDuck,
    /// Finish what was begun, begin nothing new.
    Draining,
    /// Stop where you are.
    Cut,
}

/// A cloneable token for one server; clones share the phase.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    phase: AtomicU8,
    waiting: Mutex<Slab<Waker>>,
}

impl Shutdown {
    /// Makes a token in [`Phase::Running`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the phase; one relaxed load, cheap enough for every request.
    #[inline]
    pub fn phase(&self) -> Phase {
        match self.0.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::LameDuck,
            2 => Phase::Draining,
            _ => Phase::Cut,
        }
    }

    /// Moves on to `phase` and wakes all who wait. A phase that was passed before is not gone
    /// back to.
    pub fn advance(&self, phase: Phase) {
        let before = self.0.phase.fetch_max(phase as u8, Ordering::AcqRel);
        if before >= phase as u8 {
            return;
        }
        // Woken outside the lock: a waker may run code that drops its `Reached`.
        let woken: Vec<Waker> = {
            let waiting = lock(&self.0.waiting);
            waiting.iter().map(|(_, waker)| waker.clone()).collect()
        };
        woken.iter().for_each(Waker::wake_by_ref);
    }

    /// Returns a future that completes when the shutdown has come to `phase`.
    ///
    /// # Cancel safety
    ///
    /// It holds no state but its place in the list; dropping it is safe.
    pub fn reached(&self, phase: Phase) -> Reached {
        Reached {
            shutdown: self.clone(),
            phase,
            place: None,
        }
    }
}

/// Completes when a [`Shutdown`] has come to a phase.
///
/// It may be polled again after it has completed. Polling it costs one load while the phase is
/// not reached and the task stays the same.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Reached {
    shutdown: Shutdown,
    phase: Phase,
    place: Option<(usize, Waker)>,
}

impl Reached {
    /// Tells whether the phase is reached, without waiting for it.
    #[inline]
    pub fn is_reached(&self) -> bool {
        self.shutdown.phase() >= self.phase
    }
}

impl Reached {
    /// Waits in the list from now on, by this task's waker.
    #[cold]
    fn take_place(&mut self, cx: &Context<'_>) -> Poll<()> {
        let key = {
            let mut waiting = lock(&self.shutdown.0.waiting);
            match self.place {
                Some((key, _)) => {
                    waiting[key] = cx.waker().clone();
                    key
                }
                None => waiting.insert(cx.waker().clone()),
            }
        };
        self.place = Some((key, cx.waker().clone()));
        // The phase may have come between the first look and the place in the list.
        if self.is_reached() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Future for Reached {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_reached() {
            return Poll::Ready(());
        }
        match &self.place {
            Some((_, waker)) if waker.will_wake(cx.waker()) => Poll::Pending,
            _ => self.take_place(cx),
        }
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let Some((key, _)) = self.place.take() {
            let waker = {
                let mut waiting = lock(&self.shutdown.0.waiting);
                waiting.try_remove(key)
            };
            // Dropped outside the lock, as any foreign code.
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_waiting_task_is_woken_by_its_phase_and_not_by_an_earlier_one() {
        let shutdown = Shutdown::new();
        let cut = tokio::spawn(shutdown.reached(Phase::Cut));
        let draining = tokio::spawn(shutdown.reached(Phase::Draining));
        tokio::task::yield_now().await;
        shutdown.advance(Phase::Draining);
        draining.await.unwrap();
        assert!(!cut.is_finished());
        shutdown.advance(Phase::Cut);
        cut.await.unwrap();
        shutdown.advance(Phase::Running);
        assert_eq!(shutdown.phase(), Phase::Cut);
    }

    #[test]
    fn a_dropped_waiter_leaves_no_place_behind() {
        let shutdown = Shutdown::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut reached = shutdown.reached(Phase::Draining);
        assert!(Pin::new(&mut reached).poll(&mut cx).is_pending());
        assert_eq!(shutdown.0.waiting.lock().unwrap().len(), 1);
        drop(reached);
        assert!(shutdown.0.waiting.lock().unwrap().is_empty());
    }
}
