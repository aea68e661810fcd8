//! Rounds of waves over several servers, by turns, so that all meet the machine's moods alike.

use std::io;

use super::report::{Report, Sample};
use super::wave::{Exchange, Wave};
use crate::failure::Failure;
use crate::server::Server;

/// How many connections a wave has.
pub(super) const N_CONNECTIONS: usize = 64;

/// What is asked in a contest.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) exchange: Exchange,
    /// Waves in one measurement.
    pub(super) n_waves: usize,
}

/// Measures the CPU time of each server for one request, in microseconds, once a round.
pub(super) fn hold(
    servers: &[&Server],
    workload: &Workload,
    n_rounds: usize,
    report: &mut Report,
) -> Vec<Sample> {
    take_turns(servers, n_rounds, report, |server| {
        micros_per_request(server, workload)
    })
}

/// Measures something of each server, once a round. A server that fails is noted in the report
/// and takes no further part.
pub(super) fn take_turns(
    servers: &[&Server],
    n_rounds: usize,
    report: &mut Report,
    mut measure: impl FnMut(&Server) -> Result<f64, Failure>,
) -> Vec<Sample> {
    let begin = |server: &&Server| Sample {
        server: server.name,
        values: Vec::new(),
    };
    let mut contestants: Vec<(&Server, Sample)> = servers
        .iter()
        .map(|server| (*server, begin(server)))
        .collect();
    for _ in 0..n_rounds {
        contestants.retain_mut(|(server, sample)| match measure(server) {
            Ok(value) => {
                sample.values.push(value);
                true
            }
            Err(failure) => {
                report.miss(failure.to_string());
                false
            }
        });
    }
    contestants.into_iter().map(|(_, sample)| sample).collect()
}

fn micros_per_request(server: &Server, workload: &Workload) -> Result<f64, Failure> {
    let mut wave = Wave::open(server.address, N_CONNECTIONS, &workload.exchange)
        .map_err(Failure::io(server.name))?;
    let micros = micros_per_wave(server, workload.n_waves, |n_waves| wave.run(n_waves))?;
    Ok(micros / (N_CONNECTIONS * workload.exchange.n_pipelined) as f64)
}

/// Measures the CPU time of a server for one wave of a load, in microseconds.
pub(super) fn micros_per_wave(
    server: &Server,
    n_waves: usize,
    mut run: impl FnMut(usize) -> io::Result<()>,
) -> Result<f64, Failure> {
    run(n_waves / 10 + 1).map_err(Failure::io(server.name))?;
    let before = server.cpu_nanos()?;
    run(n_waves).map_err(Failure::io(server.name))?;
    let nanos = server.cpu_nanos()? - before;
    Ok(nanos as f64 / n_waves as f64 / 1000.0)
}
