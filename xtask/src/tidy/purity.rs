//! What the sans-I/O cores may name, and what is built with them: no system, no clock, no runtime,
//! no chance.

use std::collections::BTreeSet;

use super::source::Source;
use super::{Finding, Package};
use crate::failure::Failure;
use crate::step;

/// Each library that has a core, with everything that is built for it without default features.
const CORES: &[(&str, &[&str])] = &[
    ("astatine-http1", &["bytes", "http", "itoa"]),
    ("astatine-pubsub", &[]),
    (
        "astatine-static-files",
        &["bytes", "http", "httpdate", "itoa"],
    ),
    (
        "astatine-websocket",
        &[
            "block-buffer",
            "bytes",
            "cfg-if",
            "cpufeatures",
            "crypto-common",
            "digest",
            "http",
            "hybrid-array",
            "itoa",
            "sha1",
            "typenum",
        ],
    ),
];

/// Paths that a core may not name, nor anything below them.
const BANNED: &[&str] = &[
    "core::net",
    "core::time",
    "fastrand",
    "getrandom",
    "libc",
    "mio",
    "rand",
    "rustix",
    "socket2",
    "std::env",
    "std::fs",
    "std::hash::RandomState",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time",
    "tokio",
];

/// Exceptions: times that are handed in as values.
const ALLOWED: &[&str] = &[
    "core::time::Duration",
    "std::time::Duration",
    "std::time::Instant",
];

/// Whole libraries, as an import under another name has them: what is used of them would not be
/// seen.
const WHOLE: &[&str] = &["core", "core::", "core::self", "std", "std::", "std::self"];

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
        let reads_clock = path.ends_with("Instant::now") || path.ends_with("Instant::elapsed");
        let is_whole = WHOLE.contains(&path.as_str());
        if !source.is_test(at) && (is_whole || reads_clock || (is_banned && !is_allowed)) {
            findings.push(Finding::new(
                &source.path,
                source.line(at),
                format!("a core names `{path}`: have the driver hand the value in"),
            ));
        }
    }
    for (at, call) in source.code.match_indices(".elapsed(") {
        if !source.is_test(at) {
            findings.push(Finding::new(
                &source.path,
                source.line(at),
                format!(
                    "a core calls `{call})`, which reads the clock: have the driver hand it in"
                ),
            ));
        }
    }
    findings
}

/// Compares what is built for each core with the list.
pub(super) fn check_trees(packages: &[Package]) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for (name, allowed) in CORES {
        let Some(package) = packages.iter().find(|package| package.name == *name) else {
            continue;
        };
        let mut cargo = step::cargo("tree --no-default-features --edges normal --prefix none");
        let tree = step::output(cargo.args(["--package", name]))?;
        let manifest = format!("{}/Cargo.toml", package.folder);
        findings.extend(check_tree(&manifest, &tree, allowed));
    }
    Ok(findings)
}

/// Compares a tree, whose first line is the core itself, with its list.
pub(super) fn check_tree(manifest: &str, tree: &str, allowed: &[&str]) -> Option<Finding> {
    let lines = tree.lines().skip(1);
    let built: BTreeSet<&str> = lines.filter_map(|line| line.split(' ').next()).collect();
    (built != allowed.iter().copied().collect()).then(|| {
        let built: Vec<&str> = built.into_iter().collect();
        Finding::new(
            manifest,
            1,
            format!(
                "its core is built with {}: keep it small, or change the list in xtask/src/tidy/purity.rs",
                built.join(", ")
            ),
        )
    })
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
            let name = part.trim_start_matches("::");
            if name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                paths.push((at, whole.trim_start_matches("::").to_owned()));
            }
        }
        at += length + behind.map_or(0, char::len_utf8);
    }
    paths
}
