//! The hand-off to a dispatcher in every order in which threads can meet there.
//!
//! loom runs its model with locks of its own, so the queue is built here a second time, with those.

use std::future::poll_fn;
use std::task::Poll;

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;

use handoff::{Handoff, Refusal, Taken};

#[path = "../../src/driver/handoff.rs"]
mod handoff;

mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }
}

/// Takes once.
async fn take<T>(handoff: &Handoff<T>, items: &mut Vec<T>) -> Taken {
    poll_fn(|cx| handoff.poll_take(items, cx)).await
}

/// Runs in all orders in which threads are interrupted at most so many times where they need not be:
/// faults that need more are said to be rare, and the rest would take hours.
fn explore(f: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(f);
}

#[test]
fn nothing_is_lost_and_each_publisher_keeps_its_order() {
    explore(|| {
        let handoff = Arc::new(Handoff::new(usize::MAX));
        let publishers: Vec<_> = (0..2)
            .map(|publisher| {
                let handoff = Arc::clone(&handoff);
                thread::spawn(move || {
                    for n in 0..=publisher {
                        assert_eq!(handoff.push((publisher, n), 1), Ok(()));
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        while all.len() < 3 {
            let mut items = Vec::new();
            // A wake-up that is lost would leave it waiting, which loom calls a deadlock.
            assert_eq!(block_on(take(&handoff, &mut items)), Taken::All);
            assert!(!items.is_empty());
            all.append(&mut items);
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
        all.sort_by_key(|(publisher, _)| *publisher);
        assert_eq!(all, [(0, 0), (1, 0), (1, 1)]);
    });
}

#[test]
fn the_dispatcher_hears_of_what_was_refused() {
    explore(|| {
        let handoff = Arc::new(Handoff::new(1));
        let publisher = {
            let handoff = Arc::clone(&handoff);
            thread::spawn(move || {
                let full = Err((Refusal::Full, 2));
                handoff.push(1, 1).unwrap();
                let is_refused = handoff.push(2, 1) == full;
                // Without bytes there is always room.
                handoff.push(3, 0).unwrap();
                is_refused
            })
        };
        let (mut all, mut was_told) = (Vec::new(), false);
        while all.last() != Some(&3) {
            let mut items = Vec::new();
            was_told |= block_on(take(&handoff, &mut items)) == Taken::SomeRefused;
            all.append(&mut items);
        }
        let is_refused = publisher.join().unwrap();
        assert_eq!(was_told, is_refused);
        assert_eq!(
            all,
            if is_refused {
                vec![1, 3]
            } else {
                vec![1, 2, 3]
            }
        );
    });
}

#[test]
fn a_dispatcher_that_waits_hears_of_the_end() {
    explore(|| {
        let handoff = Arc::new(Handoff::new(usize::MAX));
        let closer = {
            let handoff = Arc::clone(&handoff);
            thread::spawn(move || {
                let pushed = handoff.push(1, 1);
                handoff.close();
                pushed
            })
        };
        let mut items = Vec::new();
        let mut taken = block_on(take(&handoff, &mut items));
        if taken == Taken::All {
            assert_eq!(items, [1]);
            items.clear();
            taken = block_on(take(&handoff, &mut items));
        }
        assert_eq!(taken, Taken::Closed);
        assert!(closer.join().unwrap().is_ok());
        assert_eq!(handoff.push(2, 1), Err((Refusal::Closed, 2)));
        let polled = block_on(poll_fn(|cx| Poll::Ready(handoff.poll_take(&mut items, cx))));
        assert_eq!(polled, Poll::Ready(Taken::Closed));
    });
}
