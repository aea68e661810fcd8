//! Event streams as others' tables see them, against sse's parser.

use std::path::Path;

use crate::failure::Failure;
use crate::step;

/// Runs our own cases; where a folder is given, every table in it that says which events a client
/// sees too, each case whole, byte by byte and cut at each place.
pub(super) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let ours = step::run(&mut step::cargo(
        "test --package astatine-sse --lib proto::tests",
    ));
    let Some(folder) = folder else {
        return ours;
    };
    let mut judge = step::cargo("run --release --package astatine-sse --example cases --");
    let theirs = step::run(judge.args(super::tables_with("events", folder)?));
    // Both are run, so that one report tells all.
    ours.and(theirs)
}
