//! What an idle connection costs in memory.

use std::io;
use std::net::SocketAddr;

use super::report::{Figure, Report, Sample, Target};
use crate::failure::Failure;
use crate::server::Server;

const N_CONNECTIONS: usize = 10_000;

/// Connections that have been served and have nothing to do.
pub(super) struct Idle<'a> {
    pub(super) name: &'static str,
    pub(super) servers: &'a [&'static str],
    /// In bytes.
    pub(super) at_most: f64,
}

impl Idle<'_> {
    /// Measures the resident memory that each of many connections adds.
    pub(super) fn measure<T>(
        &self,
        start: impl Fn(&'static str) -> Result<Server, Failure>,
        open: impl Fn(SocketAddr, usize) -> io::Result<T>,
        report: &mut Report,
    ) {
        println!("==> {}", self.name);
        let mut samples = Vec::new();
        for &server in self.servers {
            match start(server).and_then(|server| bytes_per_connection(&server, &open)) {
                Ok(value) => samples.push(Sample {
                    server,
                    values: vec![value],
                }),
                Err(failure) => report.miss(format!("{} of {server}: {failure}", self.name)),
            }
        }
        report.add(Figure {
            name: self.name.to_owned(),
            unit: "bytes",
            samples,
            targets: vec![Target {
                beside: None,
                at_most: self.at_most,
            }],
        });
    }
}

fn bytes_per_connection<T>(
    server: &Server,
    open: impl Fn(SocketAddr, usize) -> io::Result<T>,
) -> Result<f64, Failure> {
    let open = |n| open(server.address, n).map_err(Failure::io(server.name));
    // A server that has answered once has finished its start.
    drop(open(1)?);
    let before = server.resident_bytes()?;
    let idle = open(N_CONNECTIONS)?;
    let after = server.resident_bytes()?;
    drop(idle);
    Ok((after as f64 - before as f64) / N_CONNECTIONS as f64)
}
