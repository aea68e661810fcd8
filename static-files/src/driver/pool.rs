//! The threads that may wait for the disk, and how many of them at the same time.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// A bounded share of the runtime's blocking threads.
#[derive(Clone, Debug)]
pub(crate) struct Pool(Arc<Semaphore>);

/// Work on its way through the pool.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Pool {
    pub(crate) fn new(max_threads: NonZeroUsize) -> Self {
        let max_threads = max_threads.get().min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(max_threads)))
    }

    /// Runs `work` on a blocking thread as soon as one of ours is free.
    ///
    /// # Cancel safety
    ///
    /// Dropped before the work began, it never begins; after that it runs to its end unseen.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Work<T> {
        let slots = Arc::clone(&self.0);
        Box::pin(async move {
            let slot = slots.acquire_owned().await.map_err(io::Error::other)?;
            let work = move || {
                let done = work();
                drop(slot);
                done
            };
            spawn_blocking(work).await.map_err(io::Error::other)?
        })
    }
}
