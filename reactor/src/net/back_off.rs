//! How long to wait before the next try.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::net::ConnectConfig;

/// The tries of one handler that have failed in a row.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    n_failed: u32,
}

impl BackOff {
    /// Notes how long a connection has lasted: one that closes at once is no success.
    pub(super) fn lasted(&mut self, duration: Duration, config: &ConnectConfig) {
        if duration >= config.max_wait {
            self.n_failed = 0;
        }
    }

    /// Returns how long to wait before the next try; `None` where there is none.
    ///
    /// The wait doubles each time. A random half of it is left out, so that the clients of a
    /// server that comes back do not all come at once.
    pub(super) fn next(&mut self, config: &ConnectConfig) -> Option<Duration> {
        let doubled = 1_u32.checked_shl(self.n_failed).unwrap_or(u32::MAX);
        self.n_failed = self.n_failed.saturating_add(1);
        if config
            .max_tries
            .is_some_and(|max| self.n_failed >= max.get())
        {
            return None;
        }
        let wait = config.min_wait.saturating_mul(doubled).min(config.max_wait);
        // Each state of the standard library's hasher has a random key of its own.
        let random = RandomState::new().hash_one(0) % 1000;
        let left_out = wait.as_nanos() / 2 * u128::from(random) / 1000;
        Some(wait - Duration::from_nanos(u64::try_from(left_out).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_less_a_random_half() {
        let (mut back_off, mut config) = (BackOff::default(), ConnectConfig::default());
        config.min_wait = Duration::from_millis(100);
        config.max_wait = Duration::from_millis(1000);
        for full in [100, 200, 400, 800].into_iter().chain([1000; 100]) {
            let wait = back_off.next(&config).unwrap();
            let full = Duration::from_millis(full);
            assert!(full / 2 <= wait && wait <= full, "{wait:?} of {full:?}");
        }
    }

    #[test]
    fn waits_differ() {
        let config = ConnectConfig::default();
        let waits = [(); 8].map(|()| BackOff::default().next(&config));
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }

    #[test]
    fn only_a_connection_that_lasts_begins_anew() {
        let (mut back_off, mut config) = (BackOff::default(), ConnectConfig::default());
        config.max_tries = NonZeroU32::new(2);
        assert!(back_off.next(&config).is_some());
        back_off.lasted(config.max_wait / 2, &config);
        assert_eq!(back_off.next(&config), None);
        back_off.lasted(config.max_wait, &config);
        assert!(back_off.next(&config).is_some());
    }

    #[test]
    fn any_times_are_fine() {
        let (mut back_off, mut config) = (BackOff::default(), ConnectConfig::default());
        (config.min_wait, config.max_wait) = (Duration::MAX, Duration::MAX);
        assert!(back_off.next(&config).is_some());
        (config.min_wait, config.max_wait) = (Duration::ZERO, Duration::ZERO);
        assert_eq!(back_off.next(&config), Some(Duration::ZERO));
    }
}
