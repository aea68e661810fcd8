//! What the sans-I/O cores may name: no system, no clock, no runtime, no chance.

use super::Finding;
use super::source::Source;

/// Paths that a core may not name, nor anything below them.
const BANNED: &[&str] = &[
    "rand",
    "rustix",
    "socket2",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
    "tokio",
];

/// Exceptions: times that are handed in as values.
const ALLOWED: &[&str] = &["std::time::Duration", "std::time::Instant"];

/// Finds what makes a core impure.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let is_core = source.path.contains("/src/proto/")
        || source.path.starts_with("static-files/src/plan/")
        || source.path.ends_with("/src/proto.rs");
    if !is_core {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (at, path) in paths(&source.code) {
        let is_banned = BANNED.iter().any(|banned| is_below(&path, banned));
        let is_allowed = ALLOWED.iter().any(|allowed| is_below(&path, allowed));
        let reads_clock = path.ends_with("Instant::now");
        if !source.is_test(at) && (reads_clock || (is_banned && !is_allowed)) {
            findings.push(Finding::new(
                &source.path,
                source.line(at),
                format!("a core names `{path}`: have the driver hand the value in"),
            ));
        }
    }
    findings
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Returns every path of the code with its place; `a::{b, c::d}` gives `a::b` and `a::c::d`.
fn paths(code: &str) -> Vec<(usize, String)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut paths = Vec::new();
    // The prefix that each open brace adds; blocks add nothing.
    let mut prefixes: Vec<String> = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let part = &rest[..length];
        let whole = format!("{}{part}", prefixes.last().map_or("", String::as_str));
        let behind = rest[length..].chars().next();
        if behind == Some('{') {
            prefixes.push(if part.ends_with("::") {
                whole
            } else {
                String::new()
            });
        } else {
            if behind == Some('}') {
                prefixes.pop();
            }
            if part.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                paths.push((at, whole.trim_start_matches("::").to_owned()));
            }
        }
        at += length + behind.map_or(0, char::len_utf8);
    }
    paths
}
