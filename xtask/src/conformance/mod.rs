//! `cargo xtask conformance`: what others have written down of a protocol, against us.

mod autobahn;
mod client;
mod http;
mod mustache;
mod sse;

use std::path::{Path, PathBuf};

use crate::USAGE;
use crate::failure::Failure;

/// Runs the suites of a subject, those that lie in the folder included.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let (subject, folder) = match args {
        [subject] => (*subject, None),
        [subject, folder] => (*subject, Some(Path::new(*folder))),
        _ => return Err(Failure::Usage(USAGE)),
    };
    match (subject, folder) {
        ("autobahn", None) => autobahn::run(),
        ("client", None) => client::run(),
        ("http", _) => http::run(folder),
        ("mustache", _) => mustache::run(folder),
        ("sse", _) => sse::run(folder),
        _ => Err(Failure::Usage(USAGE)),
    }
}

/// Lists the tables of a folder whose cases have such a part, by absolute paths.
fn tables_with(part: &str, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
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
        if !table["cases"][0][part].is_null() {
            tables.push(path);
        }
    }
    tables.sort();
    if tables.is_empty() {
        return Err(Failure::Output {
            program: "conformance",
            what: format!("no table of cases with {part} in {what}"),
        });
    }
    Ok(tables)
}
