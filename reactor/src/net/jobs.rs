//! The threads of a server's own runtime that jobs block, counted.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

/// How many there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs(Arc<(Mutex<usize>, Condvar)>);

impl Jobs {
    /// Returns a runtime whose threads are counted here.
    pub(super) fn runtime(&self) -> io::Result<LocalRuntime> {
        let (begun, ended) = (self.clone(), self.clone());
        Builder::new_current_thread()
            .enable_all()
            .thread_keep_alive(IDLE_FOR)
            // It is asked for before there is a thread, so none is missed.
            .thread_name_fn(move || {
                begun.update(|n_threads| n_threads + 1);
                "astatine-job".into()
            })
            .on_thread_stop(move || ended.update(|n_threads| n_threads - 1))
            .build_local(LocalOptions::default())
    }

    /// Waits for the end of all, but no longer than `max`.
    pub(super) fn wait(&self, max: Duration) -> io::Result<()> {
        let (n_threads, changed) = &*self.0;
        let n_threads = n_threads.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, _) = changed
            .wait_timeout_while(n_threads, max, |n_threads| *n_threads > 0)
            .unwrap_or_else(PoisonError::into_inner);
        if *left > 0 {
            return Err(blocked());
        }
        Ok(())
    }

    fn update(&self, change: impl FnOnce(usize) -> usize) {
        let (n_threads, changed) = &*self.0;
        let mut n_threads = n_threads.lock().unwrap_or_else(PoisonError::into_inner);
        *n_threads = change(*n_threads);
        changed.notify_all();
    }
}

/// Returns the error of a server that leaves a thread behind.
pub(super) fn blocked() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "a thread is blocked")
}

/// How long a thread waits for one more job. For as long a server of one thread is not alone, so
/// this is short beside the time for which it serves from memory, and long beside what starting a
/// thread costs.
const IDLE_FOR: Duration = Duration::from_secs(1);
