//! A client that behaves, and how long the slowest of a hundred of its answers takes.

use std::io;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::client::Client;

const N_RUNS: usize = 5;
const N_REQUESTS: usize = 1000;
/// Requests on one connection.
const N_KEPT: usize = 20;
/// Between two requests, so that a run lasts long enough to meet what happens now and then.
const PAUSE: Duration = Duration::from_millis(1);

/// Returns the median of the runs' 99th percentiles.
pub(super) fn p99(server: SocketAddr, path: &str) -> io::Result<Duration> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut runs = Vec::with_capacity(N_RUNS);
    for _ in 0..N_RUNS {
        let mut times = Vec::with_capacity(N_REQUESTS);
        for _ in 0..N_REQUESTS / N_KEPT {
            let mut begun = now();
            let mut client = Client::connect(server)?;
            for _ in 0..N_KEPT {
                client.send(request.as_bytes())?;
                let answer = client.answer("GET")?;
                times.push(begun.elapsed());
                if answer.status != 200 {
                    return Err(io::Error::other(format!("status {}", answer.status)));
                }
                sleep(PAUSE);
                begun = now();
            }
        }
        times.sort_unstable();
        runs.push(times[times.len() * 99 / 100]);
    }
    runs.sort_unstable();
    Ok(runs[runs.len() / 2])
}

#[expect(clippy::disallowed_methods, reason = "latency is read off the clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}
