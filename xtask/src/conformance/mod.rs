//! `cargo xtask conformance`: what others have written down of a protocol, against us.

mod autobahn;
mod client;
mod http;
mod mustache;
mod sse;

use std::path::Path;

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
