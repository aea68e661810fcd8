//! Timers of a runtime: what runs later, again and again, or when nothing else does.
//!
//! Everything here runs as a task of the runtime that it is called on: on a thread of a `Server`
//! that is the thread itself, so there it can be called from `make_service`, which each thread
//! calls once, and from all that the thread serves. No two callbacks of such a thread run at once;
//! on a runtime of several threads they may.
//!
//! A callback must not block. One that panics ends its own timer, and nothing else. What is left
//! when the runtime ends is dropped without being called; a `Server` does not wait for it.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! use astatine_reactor::timer::{Repetitions, run_every};
//! use tokio::sync::mpsc::channel;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (tell, mut told) = channel(3);
//! let mut n = 0;
//! run_every(Duration::from_millis(5), Repetitions::Times(3), move || {
//!     n += 1;
//!     tell.try_send(n).expect("there is room for three");
//! });
//! assert_eq!(told.recv().await, Some(1));
//! assert_eq!(told.recv().await, Some(2));
//! assert_eq!(told.recv().await, Some(3));
//! assert_eq!(told.recv().await, None);
//! # }
//! ```

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, yield_now};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

/// A handle to what is to run. Dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct Timer(AbortHandle);

impl Timer {
    /// Takes back what has not begun, and has its callback dropped. A call that is running goes on;
    /// it may cancel its own timer, and none follows then.
    pub fn cancel(&self) {
        self.0.abort();
    }
}

/// How often [`run_every`] calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetitions {
    /// Until it is cancelled.
    Forever,
    /// So many times.
    Times(u32),
}

/// Runs the callback behind what is to run already. On a thread of a `Server`, and on any runtime
/// of one thread, callbacks run in the order in which they were deferred.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn defer(callback: impl FnOnce() + Send + 'static) -> Timer {
    Timer(tokio::spawn(async { callback() }).abort_handle())
}

/// Runs the callback once, when the time has passed; as [`defer`] does where it is zero.
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub fn run_after(delay: Duration, callback: impl FnOnce() + Send + 'static) -> Timer {
    if delay.is_zero() {
        return defer(callback);
    }
    let passed = sleep(delay);
    let task = async {
        passed.await;
        callback();
    };
    Timer(tokio::spawn(task).abort_handle())
}

/// Runs the callback at a fixed rate, the first time when one period has passed.
///
/// The times are whole periods from now, however long calls take. A call that comes late leaves
/// the next where it was; times that have passed meanwhile are left out, and not counted among the
/// repetitions.
///
/// # Units
///
/// The period is at least a millisecond, the resolution of the clock.
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub fn run_every(
    period: Duration,
    repetitions: Repetitions,
    mut callback: impl FnMut() + Send + 'static,
) -> Timer {
    let period = period.clamp(MIN_PERIOD, MAX_PERIOD);
    let mut times = interval_at(Instant::now() + period, period);
    times.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let task = async move {
        let mut n_called = 0;
        while repetitions == Repetitions::Forever || Repetitions::Times(n_called) != repetitions {
            times.tick().await;
            callback();
            n_called = n_called.wrapping_add(1);
            // A call that has cancelled its timer ends here, also where the next is due already.
            yield_now().await;
        }
    };
    Timer(tokio::spawn(task).abort_handle())
}

/// Runs the callback once, when the runtime has run out of what there is to do: no task is ready,
/// so one of its threads has gone to wait for what comes in, or for a time. On a `Server`, whose
/// threads each have a runtime, it is this thread that waits. A thread that is busy all the time is
/// asked each millisecond.
///
/// For the next time, ask again.
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub fn on_idle(callback: impl FnOnce() + Send + 'static) -> Timer {
    let metrics = Handle::current().metrics();
    let n_waits = move || -> u64 {
        (0..metrics.num_workers())
            .map(|worker| metrics.worker_park_count(worker))
            .sum()
    };
    let before = n_waits();
    let task = async move {
        while n_waits() == before {
            sleep(MIN_PERIOD).await;
        }
        callback();
    };
    Timer(tokio::spawn(task).abort_handle())
}

const MIN_PERIOD: Duration = Duration::from_millis(1);
/// Far enough for everybody, and no instant behind it overflows.
const MAX_PERIOD: Duration = Duration::from_secs(1 << 30);
