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

/// Finds `unsafe` outside the one file that may have it, and crate roots that do not forbid it.
fn unsafe_code(source: &Source) -> Vec<Finding> {
    let is_home = source.path.starts_with("reactor/") && source.path.ends_with("/sys.rs");
    let mut findings: Vec<Finding> = words(&source.code, "unsafe")
        .filter(|_| !is_home)
        .map(|at| {
            Finding::new(
                &source.path,
                source.line(at),
                "`unsafe` lives in reactor's sys.rs only: use a safe call, or move it there",
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
        && !source.path.starts_with("reactor/")
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
