//! One deadline a connection: a slot in its thread's table, swept every half second.
//!
//! Setting a deadline is one store, so a driver may do it for every request. The price is the
//! resolution: a deadline fires up to [`Deadline::RESOLUTION`] late, never early.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Id};

use crate::lock::lock;

/// The deadline of one connection.
///
/// It belongs to the thread on which it was made; a sweeper task on that thread's runtime keeps
/// the table's time and wakes the tasks whose time has come.
#[derive(Debug)]
pub struct Deadline {
    slot: Arc<Slot>,
    table: Arc<Table>,
    registered: Option<Waker>,
}

#[derive(Debug)]
struct Slot {
    /// Milliseconds since the table's start; `NEVER` when there is no deadline.
    at: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

#[derive(Debug)]
struct Table {
    runtime: Id,
    start: Instant,
    /// Milliseconds in which the thread has served, at the last sweep.
    now: AtomicU64,
    /// Milliseconds since `start` at the last sweep.
    clock: AtomicU64,
    is_swept: AtomicBool,
    slots: Mutex<Vec<Arc<Slot>>>,
}

const NEVER: u64 = u64::MAX;

thread_local! {
    static TABLE: RefCell<Option<Arc<Table>>> = const { RefCell::new(None) };
}

impl Deadline {
    /// How late a deadline may fire.
    pub const RESOLUTION: Duration = Duration::from_millis(500);

    /// Makes an entry in this thread's table, with no deadline set.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled.
    #[expect(clippy::new_without_default, reason = "it needs a runtime around it")]
    pub fn new() -> Self {
        let runtime = Handle::current();
        let table = TABLE.with_borrow_mut(|kept| match kept {
            Some(table) if table.runtime == runtime.id() => Arc::clone(table),
            _ => Arc::clone(kept.insert(Arc::new(Table::new(runtime.id())))),
        });
        let slot = Arc::new(Slot {
            at: AtomicU64::new(NEVER),
            waker: Mutex::new(None),
        });
        table.insert(Arc::clone(&slot), &runtime);
        Self {
            slot,
            table,
            registered: None,
        }
    }

    /// Returns the table's time: the clock as it was at the last sweep, at most
    /// [`Deadline::RESOLUTION`] ago. It stands still while the thread is blocked.
    #[inline]
    pub fn now(&self) -> Instant {
        self.table.start + Duration::from_millis(self.table.now.load(Ordering::Relaxed))
    }

    /// Sets the deadline, or takes it away.
    ///
    /// An instant that was computed from [`Deadline::now`] fires no earlier than it says.
    #[inline]
    pub fn set(&self, at: Option<Instant>) {
        let at = at.map_or(NEVER, |at| {
            let millis = at.saturating_duration_since(self.table.start).as_millis();
            // The table's time lags by less than one sweep; a deadline never fires early.
            u64::try_from(millis)
                .unwrap_or(NEVER)
                .saturating_add(Self::LAG_MILLIS)
        });
        self.slot.at.store(at, Ordering::Relaxed);
    }

    /// Completes when the deadline has passed. The task is woken by the sweep that finds it so,
    /// also when the deadline is set after the poll.
    #[inline]
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self
            .registered
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            let waker = cx.waker().clone();
            *lock(&self.slot.waker) = Some(waker.clone());
            self.registered = Some(waker);
        }
        if self.slot.at.load(Ordering::Relaxed) <= self.table.now.load(Ordering::Relaxed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "half a second in milliseconds"
    )]
    const LAG_MILLIS: u64 = Self::RESOLUTION.as_millis() as u64;
}

impl Drop for Deadline {
    fn drop(&mut self) {
        // The sweep takes the slot out; until then it must not keep the task alive.
        *lock(&self.slot.waker) = None;
        self.slot.at.store(NEVER, Ordering::Relaxed);
    }
}

impl Table {
    fn new(runtime: Id) -> Self {
        Self {
            runtime,
            start: clock(),
            now: AtomicU64::new(0),
            clock: AtomicU64::new(0),
            is_swept: AtomicBool::new(false),
            slots: Mutex::new(Vec::new()),
        }
    }

    fn insert(self: &Arc<Self>, slot: Arc<Slot>, runtime: &Handle) {
        lock(&self.slots).push(slot);
        if !self.is_swept.swap(true, Ordering::Relaxed) {
            self.read_clock();
            let task = Sweeper(Arc::clone(self));
            drop(runtime.spawn(task.run()));
        }
    }

    /// Moves the table's time on, and returns it.
    ///
    /// A thread that was blocked could not serve anybody, so that time is not counted against
    /// those who waited: one sweep counts for twice the resolution at most.
    fn read_clock(&self) -> u64 {
        let millis = clock().saturating_duration_since(self.start).as_millis();
        let clock = u64::try_from(millis).unwrap_or(NEVER - 1);
        let passed = clock.saturating_sub(self.clock.swap(clock, Ordering::Relaxed));
        let now = self.now.load(Ordering::Relaxed) + passed.min(2 * Deadline::LAG_MILLIS);
        self.now.store(now, Ordering::Relaxed);
        now
    }

    /// Wakes the tasks whose time has come and drops the slots of connections that are gone;
    /// tells whether any slot is left.
    fn sweep(&self) -> bool {
        let now = self.read_clock();
        let mut woken = Vec::new();
        let mut slots = lock(&self.slots);
        slots.retain(|slot| Arc::strong_count(slot) > 1);
        for slot in slots
            .iter()
            .filter(|slot| slot.at.load(Ordering::Relaxed) <= now)
        {
            let waker = lock(&slot.waker);
            woken.extend(waker.clone());
        }
        if slots.is_empty() {
            slots.shrink_to_fit();
            self.is_swept.store(false, Ordering::Relaxed);
        }
        let any_left = !slots.is_empty();
        // Woken outside the lock: a waker may run any code.
        drop(slots);
        woken.iter().for_each(Waker::wake_by_ref);
        any_left
    }
}

/// Runs while the table has slots. Dropped with its runtime, it leaves the table unswept.
struct Sweeper(Arc<Table>);

impl Sweeper {
    async fn run(self) {
        loop {
            tokio::time::sleep(Deadline::RESOLUTION).await;
            if !self.0.sweep() {
                return;
            }
        }
    }
}

/// The runtime's clock, so that tests may pause it.
fn clock() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn fires_after_its_time_and_within_twice_the_resolution() {
        let mut deadline = Deadline::new();
        let begun = clock();
        deadline.set(Some(deadline.now() + Duration::from_secs(10)));
        poll_fn(|cx| deadline.poll_expired(cx)).await;
        let elapsed = clock() - begun;
        assert!(elapsed >= Duration::from_secs(10), "{elapsed:?}");
        assert!(elapsed <= Duration::from_secs(11), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_thread_was_blocked_is_not_counted() {
        let mut deadline = Deadline::new();
        deadline.set(Some(deadline.now() + Duration::from_secs(10)));
        // One step of an hour: no sweep could run meanwhile.
        tokio::time::advance(Duration::from_secs(3600)).await;
        let unblocked = clock();
        poll_fn(|cx| deadline.poll_expired(cx)).await;
        let waited = clock() - unblocked;
        assert!(waited >= Duration::from_secs(8), "{waited:?}");
        assert!(waited <= Duration::from_secs(11), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_taken_away_does_not_fire() {
        let mut deadline = Deadline::new();
        deadline.set(Some(deadline.now() + Duration::from_secs(1)));
        deadline.set(None);
        let fired = tokio::time::timeout(
            Duration::from_secs(60),
            poll_fn(|cx| deadline.poll_expired(cx)),
        );
        assert!(fired.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_sweeper_ends_with_the_last_slot_and_begins_again_with_the_next() {
        for _ in 0..2 {
            let deadline = Deadline::new();
            let table = Arc::clone(&deadline.table);
            assert!(table.is_swept.load(Ordering::Relaxed));
            drop(deadline);
            tokio::time::sleep(Deadline::RESOLUTION * 3).await;
            assert!(!table.is_swept.load(Ordering::Relaxed));
            assert!(table.slots.lock().unwrap().is_empty());
        }
    }
}
