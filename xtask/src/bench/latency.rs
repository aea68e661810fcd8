//! The slowest of a hundred answers, by wrk from the other core: for plausibility, not to gate on.

use std::process::Command;

use super::report::{Figure, Report};
use super::{Options, contest, cpu};
use crate::failure::Failure;
use crate::server::Server;
use crate::step;

/// Measures the 99th percentile of each server's time to answer.
pub(super) fn measure(options: &Options, servers: &[&Server], report: &mut Report) {
    if !step::is_present(Command::new("sh").args(["-c", "command -v wrk"])) {
        println!("==> wrk is not installed: no latency is measured");
        return;
    }
    println!("==> latency: {} rounds", options.n_rounds);
    let samples = contest::take_turns(servers, options.n_rounds, report, p99_micros);
    report.add(Figure {
        name: "p99 by wrk".to_owned(),
        unit: "us",
        samples,
        targets: Vec::new(),
    });
}

fn p99_micros(server: &Server) -> Result<f64, Failure> {
    let mut command = Command::new("wrk");
    command.args(["-t", "1", "-c", "64", "-d", "1s", "--latency"]);
    command.arg(format!("http://{}/", server.address));
    cpu::pin(cpu::LOAD)?;
    let text = step::output(&mut command);
    cpu::pin(cpu::SERVERS)?;
    p99(&text?).ok_or_else(|| Failure::Output {
        program: "wrk",
        what: "its output has no 99th percentile".to_owned(),
    })
}

/// Returns the 99th percentile that wrk's output states, in microseconds.
pub(super) fn p99(text: &str) -> Option<f64> {
    let value = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("99%"))?
        .trim();
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    let (unit, factor) = units.iter().find(|(unit, _)| value.ends_with(unit))?;
    let number: f64 = value.strip_suffix(unit)?.parse().ok()?;
    Some(number * factor)
}
