//! Event streams as others' tables see them, against sse's parser.

use std::path::{Path, PathBuf};

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
    let theirs = step::run(judge.args(event_tables(folder)?));
    // Both are run, so that one report tells all.
    ours.and(theirs)
}

/// Lists the tables of a folder whose cases have events, by absolute paths.
fn event_tables(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let what = folder.display().to_string();
    let folder = folder.canonicalize().map_err(Failure::io(&what))?;
    let mut tables = Vec::new();
    for entry in folder.read_dir().map_err(Failure::io(&what))? {
        let path = entry.map_err(Failure::io(&what))?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read(&path).map_err(Failure::io(path.display().to_string()))?;
        let table: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        if !table["cases"][0]["events"].is_null() {
            tables.push(path);
        }
    }
    tables.sort();
    if tables.is_empty() {
        return Err(Failure::Output {
            program: "conformance sse",
            what: format!("no table of events in {what}"),
        });
    }
    Ok(tables)
}
