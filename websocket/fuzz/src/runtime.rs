//! What a target needs of a runtime: to be inside one, and to poll by hand.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
}

/// Runs a function inside a runtime that runs no task of its own.
pub fn with_runtime<T>(run: impl FnOnce() -> T) -> T {
    RUNTIME.with(|runtime| {
        let _inside = runtime.enter();
        run()
    })
}

/// Polls a future once.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
