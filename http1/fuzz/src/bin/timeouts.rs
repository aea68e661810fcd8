//! The two waits of a connection, in virtual time.
//!
//! Nothing is over before the deadline that was told, and at the deadline something is: a wait, or
//! a window that makes room for a later deadline. So a timer neither fires early nor spins.
#![no_main]

use std::time::{Duration, Instant};

use astatine_http1::Config;
use astatine_http1::proto::{Timeouts, Wait};
use libfuzzer_sys::fuzz_target;

const WAITS: [Wait; 7] = [
    Wait::FirstByte,
    Wait::Head,
    Wait::NextRequest,
    Wait::Body,
    Wait::Service,
    Wait::HalfClosed,
    Wait::Linger,
];

fuzz_target!(|data: &[u8]| {
    #[expect(clippy::disallowed_methods, reason = "an instant to count from")]
    let mut now = Instant::now();
    let config = Config::default();
    let mut timeouts = Timeouts::new(now);
    let mut draining_since = None;
    for op in data.chunks_exact(2) {
        let amount = u64::from(op[1]);
        match op[0] % 8 {
            0 => now += Duration::from_millis(amount * 40),
            1 => timeouts.wait_for(WAITS[usize::from(op[1]) % WAITS.len()], now),
            2 => timeouts.begin(WAITS[usize::from(op[1]) % WAITS.len()], now),
            3 => timeouts.received(usize::from(op[1]) * 32),
            4 => timeouts.write_pending(usize::from(op[1]) * 64, now),
            5 => timeouts.write_done(),
            6 => draining_since = draining_since.xor(Some(now)),
            _ => now += Duration::from_secs(amount),
        }
        let Some(deadline) = timeouts.poll_deadline(&config, draining_since) else {
            let never = now + Duration::from_secs(1 << 32);
            assert_eq!(
                timeouts.handle_timeout(never, &config, draining_since),
                None
            );
            continue;
        };
        let before = deadline - Duration::from_millis(1);
        let early = timeouts.handle_timeout(before.min(now), &config, draining_since);
        assert!(early.is_none() || now >= deadline);
        now = now.max(deadline);
        if timeouts
            .handle_timeout(now, &config, draining_since)
            .is_some()
        {
            // The connection ends; the next one begins.
            timeouts = Timeouts::new(now);
        } else {
            let next = timeouts.poll_deadline(&config, draining_since);
            assert!(next.is_none_or(|next| next > now), "a timer that spins");
        }
    }
});
