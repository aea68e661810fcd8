//! HTTP/1 as others' request tables see it: their runner against http1's mirror.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::server::Server;
use crate::step;

/// Runs our own corpus; where a folder is given, its runner `h1run.py` with every table beside it
/// too, each case whole and in segments of one byte.
pub(super) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else {
        return step::run(&mut step::cargo(
            "test --package astatine-http1 --test it corpus",
        ));
    };
    let tables = super::tables_with("steps", folder)?;
    step::run(&mut step::cargo(
        "build --release --package astatine-http1 --example mirror",
    ))?;
    let mirror = Server::start("mirror", |address| {
        let mut mirror = Command::new(step::built("examples/mirror"));
        mirror.arg(address.to_string());
        Ok(mirror)
    })?;
    let judge = |segments: &[&str]| {
        let mut runner = Command::new("python3");
        runner
            .arg(folder.join("h1run.py"))
            .arg(mirror.address.to_string())
            .args(&tables)
            .args(["--fail-over", "0"])
            .args(segments);
        step::run(&mut runner)
    };
    // Both are run, so that one report tells all.
    let (whole, split) = (judge(&[]), judge(&["--split", "1"]));
    whole.and(split)
}
