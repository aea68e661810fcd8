//! HTTP/1 as others' request tables see it: their runner against http1's mirror.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::failure::Failure;
use crate::step;

/// Runs our own corpus; where a folder is given, its runner `h1run.py` with every table beside it
/// too, each case whole and in segments of one byte.
pub(super) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else {
        return step::run(&mut step::cargo(
            "test --package astatine-http1 --test it corpus",
        ));
    };
    let tables = request_tables(folder)?;
    step::run(&mut step::cargo(
        "build --release --package astatine-http1 --example mirror",
    ))?;
    let mirror = Mirror::start()?;
    let judge = |segments: &[&str]| {
        let mut runner = Command::new("python3");
        runner
            .arg(folder.join("h1run.py"))
            .arg(&mirror.address)
            .args(&tables)
            .args(["--fail-over", "0"])
            .args(segments);
        step::run(&mut runner)
    };
    // Both are run, so that one report tells all.
    let (whole, split) = (judge(&[]), judge(&["--split", "1"]));
    whole.and(split)
}

/// Lists the tables of a folder whose cases are requests: those have steps.
fn request_tables(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let what = folder.display().to_string();
    let mut tables = Vec::new();
    for entry in folder.read_dir().map_err(Failure::io(&what))? {
        let path = entry.map_err(Failure::io(&what))?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read(&path).map_err(Failure::io(path.display().to_string()))?;
        let table: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        if !table["cases"][0]["steps"].is_null() {
            tables.push(path);
        }
    }
    tables.sort();
    if tables.is_empty() {
        return Err(Failure::Output {
            program: "conformance http",
            what: format!("no table of requests in {what}"),
        });
    }
    Ok(tables)
}

/// The server under test. It ends when this is dropped.
struct Mirror {
    address: String,
    child: Child,
}

impl Mirror {
    /// Starts it on a free port and waits until it says which.
    fn start() -> Result<Self, Failure> {
        const NAME: &str = "mirror";
        let mut child = Command::new(step::root().join("target/release/examples/mirror"))
            .arg("127.0.0.1:0")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Failure::io(NAME))?;
        let mut line = String::new();
        let read = child
            .stderr
            .take()
            .map_or(Ok(0), |log| BufReader::new(log).read_line(&mut line));
        let mut mirror = Self {
            address: String::new(),
            child,
        };
        read.map_err(Failure::io(NAME))?;
        let address = line.trim().strip_prefix("listening on ");
        mirror.address = address
            .ok_or_else(|| Failure::Output {
                program: NAME,
                what: line.clone(),
            })?
            .to_owned();
        Ok(mirror)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        // It may have ended by itself, and there is nothing to save.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
