//! The threads of a server's own runtime on which jobs block, counted.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::watch;

/// How many there are.
pub(super) struct JobThreads(watch::Receiver<usize>);

impl JobThreads {
    /// Makes a runtime, and what counts its threads. A job whose thread has not begun is not
    /// counted; it is dropped with the runtime.
    pub(super) fn of_runtime() -> io::Result<(LocalRuntime, Self)> {
        // tokio panics where its poller has left no descriptors for its signals.
        drop((
            UnixStream::pair()?,
            UnixStream::pair()?,
            UnixStream::pair()?,
        ));
        let (begun, counted) = watch::channel(0_usize);
        let begun = Arc::new(begun);
        let ended = Arc::clone(&begun);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_keep_alive(IDLE_FOR)
            .on_thread_start(move || begun.send_modify(|n_threads| *n_threads += 1))
            .on_thread_stop(move || ended.send_modify(|n_threads| *n_threads -= 1))
            .build_local(LocalOptions::default())?;
        Ok((runtime, Self(counted)))
    }

    pub(super) fn is_empty(&self) -> bool {
        *self.0.borrow() == 0
    }

    /// Waits for the end of all.
    pub(super) async fn end(mut self) -> io::Result<()> {
        // Nobody is left to count, either, once the runtime and its threads are gone.
        drop(self.0.wait_for(|n_threads| *n_threads == 0).await);
        Ok(())
    }
}

/// How long a thread waits for one more job. For as long a server of one thread is not alone, so
/// this is short beside the time for which it serves from memory, and long beside what starting a
/// thread costs.
const IDLE_FOR: Duration = Duration::from_secs(1);
