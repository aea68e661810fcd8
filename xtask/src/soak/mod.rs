//! `cargo xtask soak`: whether slow clients and large bodies leave the server as it was.
//!
//! | file | what |
//! |---|---|
//! | `slow`, `attack`, `healthy` | slow clients of four forms, beside one that behaves |
//! | `stream` | large bodies, both ways |
//! | `report` | figures and their bounds |

mod attack;
mod healthy;
mod report;
mod slow;
mod stream;

use std::path::PathBuf;

use crate::failure::Failure;
use crate::{USAGE, bench, step};
use report::Report;

/// The servers, built.
#[derive(Debug)]
struct Programs {
    binary: PathBuf,
    /// http1's example that streams.
    stream: PathBuf,
}

/// An area's name and what runs it.
type Area = (
    &'static str,
    fn(&Programs, &mut Report) -> Result<(), Failure>,
);

const AREAS: &[Area] = &[("slow", slow::run), ("stream", stream::run)];

/// Runs the areas named, or all, and prints one table.
///
/// # Errors
///
/// A server does not start or does not answer, or a bound is broken.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let mut areas = Vec::new();
    for arg in args {
        let area = AREAS.iter().find(|(name, _)| name == arg);
        areas.push(area.ok_or(Failure::Usage(USAGE))?);
    }
    if areas.is_empty() {
        areas = AREAS.iter().collect();
    }
    bench::raise_descriptor_limit()?;
    step::run(&mut step::cargo("build --release --package astatine-cli"))?;
    step::run(&mut step::cargo(
        "build --release --package astatine-http1 --example stream",
    ))?;
    let programs = Programs {
        binary: step::built("astatine"),
        stream: step::built("examples/stream"),
    };
    let mut report = Report::default();
    let ran = areas
        .iter()
        .try_for_each(|(_, run)| run(&programs, &mut report));
    report.print();
    ran.and_then(|()| report.judge())
}
