//! What an idle keep-alive connection costs in memory.

use std::path::Path;

use super::report::{Figure, Report, Sample, Target};
use super::{http, wave::Wave};
use crate::failure::Failure;

const N_CONNECTIONS: usize = 10_000;

/// Measures the resident memory that each of many connections adds after one request on each.
pub(super) fn measure(servers: &[&'static str], nginx: Option<&Path>, report: &mut Report) {
    println!("==> idle connections");
    let mut samples = Vec::new();
    for name in servers {
        if *name == "nginx" && nginx.is_none() {
            continue;
        }
        match bytes_per_connection(name, nginx) {
            Ok(value) => samples.push(Sample {
                server: name,
                values: vec![value],
            }),
            Err(failure) => report.miss(format!("idle connections of {name}: {failure}")),
        }
    }
    report.add(Figure {
        name: "idle connection".to_owned(),
        unit: "bytes",
        samples,
        targets: vec![Target {
            beside: None,
            at_most: 1536.0,
        }],
    });
}

fn bytes_per_connection(name: &'static str, nginx: Option<&Path>) -> Result<f64, Failure> {
    let server = http::start(name, nginx)?;
    let open = |n| Wave::open(server.address, n, &http::plain()).map_err(Failure::io(name));
    // A server that has answered once has finished its start.
    drop(open(1)?);
    let before = server.resident_bytes()?;
    let idle = open(N_CONNECTIONS)?;
    let after = server.resident_bytes()?;
    drop(idle);
    Ok((after as f64 - before as f64) / N_CONNECTIONS as f64)
}
