//! Who waits for a stream to take more bytes: one half, the other, or both.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// The two ends of an application's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Reader,
    Writer,
}

impl Half {
    fn other(self) -> Self {
        match self {
            Self::Reader => Self::Writer,
            Self::Writer => Self::Reader,
        }
    }
}

/// Wakes every half that waits. A stream remembers one task alone, and that task may have lost its
/// interest since.
#[derive(Debug, Default)]
pub(super) struct Writable([Mutex<Option<Waker>>; 2]);

impl Writable {
    /// Notes that a half waits.
    pub(super) fn register(&self, half: Half, waker: &Waker) {
        let mut slot = self.slot(half);
        if !slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
    }

    /// Notes that a half has found everything written, which may be what the other waits for.
    pub(super) fn done(&self, half: Half) {
        drop(self.slot(half).take());
        self.wake(half.other());
    }

    fn wake(&self, half: Half) {
        let waker = self.slot(half).take();
        // Called outside the lock: a waker may run any code.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn slot(&self, half: Half) -> MutexGuard<'_, Option<Waker>> {
        self.0[half as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Writable {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Self::wake(self, Half::Reader);
        Self::wake(self, Half::Writer);
    }
}
