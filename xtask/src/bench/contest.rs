//! Rounds of waves over several servers, by turns, so that all meet the machine's moods alike.

use super::report::Sample;
use super::server::Server;
use super::wave::Wave;
use crate::failure::Failure;

/// What is asked in a contest.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) request: Vec<u8>,
    pub(super) n_pipelined: usize,
    pub(super) n_connections: usize,
    /// Waves in one measurement.
    pub(super) n_waves: usize,
}

/// Measures the CPU time of each server for one request, in microseconds, once a round.
///
/// # Errors
///
/// A server does not answer as it should.
pub(super) fn hold(
    servers: &[&Server],
    workload: &Workload,
    n_rounds: usize,
) -> Result<Vec<Sample>, Failure> {
    let mut samples: Vec<Sample> = servers
        .iter()
        .map(|server| Sample {
            server: server.name,
            values: Vec::new(),
        })
        .collect();
    for _ in 0..n_rounds {
        for (server, sample) in servers.iter().zip(&mut samples) {
            sample.values.push(micros_per_request(server, workload)?);
        }
    }
    Ok(samples)
}

fn micros_per_request(server: &Server, workload: &Workload) -> Result<f64, Failure> {
    let mut wave = Wave::open(
        server.address,
        workload.n_connections,
        &workload.request,
        workload.n_pipelined,
    )
    .map_err(Failure::io(server.name))?;
    wave.run(workload.n_waves / 10 + 1)
        .map_err(Failure::io(server.name))?;
    let before = server.cpu_nanos()?;
    wave.run(workload.n_waves)
        .map_err(Failure::io(server.name))?;
    let nanos = server.cpu_nanos()? - before;
    let n_requests = workload.n_waves * workload.n_connections * workload.n_pipelined;
    Ok(nanos as f64 / n_requests as f64 / 1000.0)
}
