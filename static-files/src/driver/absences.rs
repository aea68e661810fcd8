//! Names that lead to nothing, remembered for a moment.

use std::fmt;
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

/// The keys of look-ups that found nothing, and when. Before a service that answers most
/// requests itself, this spares it the search for each.
///
/// It has its own bound, so that clients who ask for what is not there push out no file.
pub(crate) struct Absences(Option<Entries>);

type Entries = Cache<Box<[u8]>, Duration, ByLength, RandomState>;

impl Absences {
    /// Makes a memory of at most `max_bytes`, none for 0.
    pub(crate) fn new(max_bytes: u64) -> Self {
        let n_items = usize::try_from(max_bytes / USUAL_BYTES).unwrap_or(MAX_ESTIMATE);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(n_items.min(MAX_ESTIMATE))
            .weight_capacity(max_bytes)
            .build()
            .ok()
            .filter(|_| max_bytes > 0);
        Self(options.map(|options| {
            let lifecycle = DefaultLifecycle::default();
            Entries::with_options(options, ByLength, RandomState::default(), lifecycle)
        }))
    }

    /// Tells whether nothing was found less than `max_stale` before `now`.
    pub(crate) fn holds(&self, key: &[u8], now: Duration, max_stale: Duration) -> bool {
        let found = self.0.as_ref().and_then(|entries| entries.get(key));
        found.is_some_and(|at| now.saturating_sub(at) < max_stale)
    }

    /// Notes that a search which began at `now` found nothing.
    pub(crate) fn insert(&self, key: &[u8], now: Duration) {
        if let Some(entries) = &self.0 {
            if key.len() <= MAX_KEY_BYTES {
                entries.insert(key.into(), now);
            }
        }
    }
}

impl fmt::Debug for Absences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Absences").finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Box<[u8]>, Duration> for ByLength {
    fn weight(&self, key: &Box<[u8]>, _: &Duration) -> u64 {
        key.len() as u64 + OVERHEAD_BYTES
    }
}

const OVERHEAD_BYTES: u64 = 64;
const USUAL_BYTES: u64 = 128;
const MAX_ESTIMATE: usize = 64 * 1024;
const MAX_KEY_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_remembered_for_a_moment_and_in_bounds() {
        const MAX_BYTES: u64 = 100_000;
        let absences = Absences::new(MAX_BYTES);
        let second = Duration::from_secs(1);
        absences.insert(b"/a", second);
        assert!(absences.holds(b"/a", second * 3 / 2, second));
        assert!(!absences.holds(b"/a", second * 2, second));
        assert!(!absences.holds(b"/b", second, second));
        for i in 0..100_000 {
            absences.insert(format!("/no/such/file/{i}").as_bytes(), second);
        }
        absences.insert(&[b'x'; 5_000], second);
        assert!(!absences.holds(&[b'x'; 5_000], second, second));
        let weight = absences.0.as_ref().unwrap().weight();
        assert!(weight > 0 && weight <= MAX_BYTES, "{weight}");
    }

    #[test]
    fn without_bytes_nothing_is_remembered() {
        let absences = Absences::new(0);
        absences.insert(b"/a", Duration::ZERO);
        assert!(!absences.holds(b"/a", Duration::ZERO, Duration::from_secs(1)));
    }
}
