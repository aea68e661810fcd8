//! The counters.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has happened since the start, as it stood at one moment.
///
/// Once nothing is under way, what was published times its subscriptions is `n_delivered`,
/// `n_dropped_slow`, `n_dropped_closed`, and `n_dropped_overflow` together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages that were published in this process, or came from an engine.
    pub n_published: u64,
    /// Messages that were put on their way to a subscriber, those that are sent again included.
    pub n_delivered: u64,
    /// Messages that a subscriber was too slow for, and was not given.
    pub n_dropped_slow: u64,
    /// Messages that had been put on their way, counted as delivered, and gave way to newer ones.
    pub n_evicted: u64,
    /// Messages for a subscriber that was closed, or closing.
    pub n_dropped_closed: u64,
    /// Messages for subscribers of a thread that had no room left, and were not in a history.
    pub n_dropped_overflow: u64,
    /// Messages that an engine had no room for, or that were for one that is detached.
    pub n_dropped_engine: u64,
    /// Times that a thread had no room left.
    pub n_overflows: u64,
    /// Subscribers that were closed because they were too slow.
    pub n_closed_slow: u64,
    /// Times that a subscriber had missed something, and was given it from the history.
    pub n_repaired: u64,
    /// Times that a subscriber was told that something is lost.
    pub n_gaps: u64,
    /// Panics of callbacks, engines, and what makes envelopes and tells of gaps. Behind one of an
    /// envelope the message goes out without it.
    pub n_panics: u64,
}

macro_rules! counters {
    ($($name:ident),*) => {
        /// The counters, as threads add to them.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($name: AtomicU64,)*
        }

        impl Counters {
            pub(crate) fn add(&self, more: &Stats) {
                $(if more.$name > 0 {
                    self.$name.fetch_add(more.$name, Ordering::Relaxed);
                })*
            }

            pub(crate) fn snapshot(&self) -> Stats {
                Stats { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters!(
    n_published,
    n_delivered,
    n_dropped_slow,
    n_evicted,
    n_dropped_closed,
    n_dropped_overflow,
    n_dropped_engine,
    n_overflows,
    n_closed_slow,
    n_repaired,
    n_gaps,
    n_panics
);
