//! How fast one client may publish.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A limit of messages a second for each client; a second's worth of them may come at once.
#[derive(Debug)]
pub(super) struct PublishRate {
    /// The time that one message takes.
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When each client's messages will have taken their time.
    done: HashMap<String, Instant>,
    /// How many clients there are when those that are done are forgotten.
    forget_at: usize,
}

impl PublishRate {
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        let state = State {
            done: HashMap::new(),
            forget_at: MIN_FORGET,
        };
        Self {
            interval: Duration::from_secs(1) / per_second.get(),
            state: Mutex::new(state),
        }
    }

    /// Takes a client's messages, of which a batch may be larger than the burst, if nothing was
    /// before it.
    ///
    /// # Errors
    ///
    /// It has to wait so long, and they are not counted.
    pub(super) fn take(&self, client: &str, n: u32, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.done.len() >= state.forget_at {
            state.done.retain(|_, done| *done > now);
            state.forget_at = MIN_FORGET.max(2 * state.done.len());
        }
        let before = state.done.get(client).map_or(now, |done| now.max(*done));
        let done = before + self.interval * n;
        let wait = (done - now).saturating_sub(BURST).min(before - now);
        if !wait.is_zero() {
            return Err(wait);
        }
        state.done.insert(client.to_owned(), done);
        Ok(())
    }
}

/// Returns whom an address is of: an IPv6 subscriber is given a whole /64.
pub(super) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() >> 64 << 64).into(),
        four => four,
    }
}

const BURST: Duration = Duration::from_secs(1);
const MIN_FORGET: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: u32) -> (PublishRate, Instant) {
        let rate = PublishRate::new(NonZeroU32::new(per_second).unwrap());
        (rate, tokio::time::Instant::now().into_std())
    }

    #[test]
    fn a_client_publishes_a_second_s_worth_and_then_waits() {
        let (rate, start) = rate(4);
        for _ in 0..4 {
            assert_eq!(rate.take("a", 1, start), Ok(()));
        }
        let quarter = Duration::from_millis(250);
        assert_eq!(rate.take("a", 1, start), Err(quarter));
        assert_eq!(rate.take("b", 1, start), Ok(()));
        assert_eq!(rate.take("a", 1, start + quarter), Ok(()));
        assert_eq!(rate.take("a", 1, start + quarter), Err(quarter));
        assert_eq!(rate.take("a", 4, start + BURST * 9), Ok(()));
    }

    #[test]
    fn a_batch_waits_for_what_was_before_it_and_no_longer() {
        let (rate, start) = rate(4);
        assert_eq!(rate.take("a", 100, start), Ok(()));
        assert_eq!(rate.take("a", 1, start), Err(BURST * 24 + BURST / 4));
        assert_eq!(rate.take("a", 100, start + BURST * 24), Err(BURST));
        assert_eq!(rate.take("a", 100, start + BURST * 25), Ok(()));
    }

    #[test]
    fn addresses_of_one_subscriber_are_one_client() {
        for (address, network) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            assert_eq!(network_of(address.parse().unwrap()).to_string(), network);
        }
    }

    #[test]
    fn clients_that_are_done_are_forgotten() {
        let (rate, start) = rate(1);
        for n in 0..3 * MIN_FORGET {
            let now = start + BURST * u32::try_from(n).unwrap();
            assert_eq!(rate.take(&n.to_string(), 1, now), Ok(()));
        }
        assert!(rate.state.lock().unwrap().done.len() <= MIN_FORGET);
    }
}
