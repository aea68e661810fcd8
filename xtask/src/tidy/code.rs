//! Attributes that hide something, sleeping tests, `unsafe`, conditional code inside functions.

use super::Finding;
use super::source::{Source, words};

/// Finds the file's breaches.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = attributes(source);
    findings.extend(conditional_code(source));
    findings.extend(sleeping_tests(source));
    findings.extend(unsafe_code(source));
    findings
}

fn attributes(source: &Source) -> Vec<Finding> {
    const BANNED: &[(&str, &str)] = &[
        (
            "#[allow(",
            "`allow` outlives its reason: mend it, or `#[expect(…, reason = \"…\")]`",
        ),
        (
            "#![allow(",
            "`allow` outlives its reason: mend it, or `#![expect(…, reason = \"…\")]`",
        ),
        (
            "#[ignore",
            "a test that does not run proves nothing: assert what is so today, or delete it",
        ),
    ];
    let mut findings = Vec::new();
    for (attribute, what) in BANNED {
        for (at, _) in source.code.match_indices(attribute) {
            findings.push(Finding::new(&source.path, source.line(at), *what));
        }
    }
    findings
}

/// Finds `cfg` inside functions that are not tests.
fn conditional_code(source: &Source) -> Vec<Finding> {
    let functions = source.functions();
    ["#[cfg(", "cfg!("]
        .iter()
        .flat_map(|form| source.code.match_indices(form))
        .filter(|(at, _)| functions.iter().any(|function| function.contains(at)))
        .filter(|(at, _)| !source.is_test(*at))
        .map(|(at, _)| {
            Finding::new(
                &source.path,
                source.line(at),
                "`cfg` inside a function: put the variants into modules with one `cfg` at `mod`",
            )
        })
        .collect()
}

/// Finds tests that wait for the clock. With the runtime's clock paused, a sleep is a step of
/// virtual time and passes.
fn sleeping_tests(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, call) in source.code.match_indices("sleep(") {
        let before = &source.code[..at];
        let is_blocking = before.ends_with("thread::");
        let is_paused = before
            .rfind("#[tokio::test")
            .map_or(source.code.as_str(), |test| &source.code[test..at])
            .contains("start_paused");
        let is_call = before.ends_with("time::") || is_blocking || !before.ends_with(is_part);
        if source.is_test(at) && is_call && (is_blocking || !is_paused) {
            findings.push(Finding::new(
                &source.path,
                source.line(at),
                format!("`{call}` in a test: wait for the event, or pause the runtime's clock"),
            ));
        }
    }
    findings
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == ':' || c == '.'
}

/// Finds `unsafe` outside the files that may have it, and roots of other crates that do not forbid
/// it.
fn unsafe_code(source: &Source) -> Vec<Finding> {
    let is_home = UNSAFE_FILES.contains(&&*source.path);
    let mut findings: Vec<Finding> = words(&source.code, "unsafe")
        .filter(|_| !is_home)
        .map(|at| {
            Finding::new(
                &source.path,
                source.line(at),
                "`unsafe` lives in the files that ARCHITECTURE.md names: use a safe call",
            )
        })
        .collect();
    let is_crate_root = ["src/lib.rs", "src/main.rs"].iter().any(|root| {
        source
            .path
            .split_once('/')
            .is_some_and(|(_, file)| file == *root)
    });
    if is_crate_root
        && !UNSAFE_FILES
            .iter()
            .any(|file| file.split('/').next() == source.path.split('/').next())
        && !source.code.contains("#![forbid(unsafe_code)]")
    {
        findings.push(Finding::new(
            &source.path,
            1,
            "the crate's root lacks `#![forbid(unsafe_code)]`: add it below the docs",
        ));
    }
    findings
}

/// Each is named, with its reason, in ARCHITECTURE.md.
const UNSAFE_FILES: [&str; 2] = ["reactor/src/net/sys.rs", "http1/src/proto/value.rs"];
