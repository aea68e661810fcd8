//! `cargo xtask bench`: what a request costs, beside the peers and beside the limit.
//!
//! | file | what |
//! |---|---|
//! | `wave` | the load: a request on every connection, then every answer |
//! | `contest` | rounds of waves over several servers, by turns |
//! | `echo` | the load on WebSockets: messages on every connection, then every echo |
//! | `http`, `files`, `websocket`, `fanout` | the areas: which servers, which requests, which targets |
//! | `crowd` | the load of fan-out: one publisher, and subscribers that each must hear it |
//! | `templates` | the area without servers: template engines |
//! | `idle`, `instructions`, `latency` | the figures that are not CPU per request |
//! | `peers` | the programs and how they are started |
//! | `cpu` | on which core and by which policy the bench runs |
//! | `report` | ratios, the table, JSON |

mod contest;
mod cpu;
mod crowd;
mod echo;
mod fanout;
mod files;
mod http;
mod idle;
mod instructions;
mod latency;
mod peers;
mod report;
mod templates;
#[cfg(test)]
mod tests;
mod wave;
mod websocket;

use std::path::PathBuf;

pub(crate) use cpu::raise_descriptor_limit;

use crate::failure::Failure;
use crate::{USAGE, step};
use report::Report;

/// What is measured and how often.
#[derive(Debug)]
struct Options {
    n_rounds: usize,
    json: Option<PathBuf>,
    /// Count the instructions of every server, not only of ours and of hyper.
    counts_all: bool,
}

/// An area's name and what measures it.
type Area = (
    &'static str,
    fn(&Options, &mut Report) -> Result<(), Failure>,
);

const AREAS: &[Area] = &[
    ("http", http::measure),
    ("static", files::measure),
    ("fanout", fanout::measure),
    ("templates", templates::measure),
    ("websocket", websocket::measure),
];

/// Measures the areas named, or all, and prints one table.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let (areas, options) = parse(args)?;
    cpu::become_batch()?;
    cpu::raise_descriptor_limit()?;
    cpu::pin(cpu::SERVERS)?;
    let mut reports = Vec::new();
    for (name, measure) in areas {
        let mut report = Report::new(name);
        if let Err(failure) = measure(&options, &mut report) {
            report.miss(failure.to_string());
        }
        let default = peers::folder()?.join(format!("{name}.json"));
        report.write_json(options.json.as_ref().unwrap_or(&default))?;
        reports.push(report);
    }
    report::print(&reports);
    match reports.iter().map(|report| report.missing.len()).sum() {
        0 => Ok(()),
        n_missing => Err(Failure::Unmeasured(n_missing)),
    }
}

fn parse(args: &[&str]) -> Result<(Vec<Area>, Options), Failure> {
    let mut options = Options {
        n_rounds: 5,
        json: None,
        counts_all: false,
    };
    let mut areas: Vec<Area> = Vec::new();
    let mut args = args.iter();
    while let Some(&arg) = args.next() {
        match arg {
            "--all-instructions" => options.counts_all = true,
            "--rounds" => {
                let n_rounds = args.next().and_then(|n| n.parse().ok());
                options.n_rounds = n_rounds.filter(|n| *n > 0).ok_or(Failure::Usage(USAGE))?;
            }
            "--json" => {
                let path = args.next().ok_or(Failure::Usage(USAGE))?;
                options.json = Some(step::root().join(path));
            }
            name => {
                let area = AREAS.iter().find(|(area, _)| *area == name);
                areas.push(*area.ok_or(Failure::Usage(USAGE))?);
            }
        }
    }
    if areas.is_empty() {
        areas = AREAS.to_vec();
    }
    if options.json.is_some() && areas.len() > 1 {
        return Err(Failure::Usage(USAGE));
    }
    Ok((areas, options))
}
