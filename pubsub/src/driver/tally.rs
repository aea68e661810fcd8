//! How many subscriptions a publication has reached in this process, known when the last
//! dispatcher is done with it.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::oneshot;

/// Counts for one publication; dropped with it, it tells the sum.
#[derive(Debug)]
pub(crate) struct Tally {
    n_delivered: AtomicU64,
    done: Mutex<Option<oneshot::Sender<u64>>>,
}

impl Tally {
    pub(crate) fn new() -> (Self, oneshot::Receiver<u64>) {
        let (done, sum) = oneshot::channel();
        let tally = Self {
            n_delivered: AtomicU64::new(0),
            done: Mutex::new(Some(done)),
        };
        (tally, sum)
    }

    pub(crate) fn add(&self, n: u64) {
        self.n_delivered.fetch_add(n, Ordering::Relaxed);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let n = *self.n_delivered.get_mut();
        let done = self.done.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = done.take() {
            // Whoever asked may have stopped waiting.
            done.send(n).unwrap_or_default();
        }
    }
}
