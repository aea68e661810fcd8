//! Facts that stand in more than one place, and files that must be there.

use std::path::Path;

use super::{Finding, Package};
use crate::failure::Failure;

/// Compares the root's files with each other, and the members' manifests with the root's.
pub(super) fn check(root: &Path, packages: &[Package]) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        if !root.join(licence).exists() {
            findings.push(Finding::new(
                licence,
                1,
                "the licence's text is missing: add it",
            ));
        }
    }
    let manifest = read(root, "Cargo.toml")?;
    let msrv = quoted(&manifest, "rust-version").unwrap_or_default();
    findings.extend(check_clippy(&read(root, "clippy.toml")?, msrv));
    findings.extend(check_readme(&read(root, "README.md")?, msrv));
    let peers = read(root, "xtask/peers/Cargo.toml")?;
    findings.extend(check_profile(&peers, &manifest));
    let script = read(root, ".ci/run")?;
    if !script.contains(TEST_COMMAND) {
        findings.push(Finding::new(
            ".ci/run",
            1,
            format!("does not run `{TEST_COMMAND}`, which README promises"),
        ));
    }
    for package in packages {
        let path = format!("{}/Cargo.toml", package.folder);
        findings.extend(check_member(&path, &read(root, &path)?));
    }
    Ok(findings)
}

const TEST_COMMAND: &str = "cargo xtask test";

/// Returns the file's text, empty if there is none.
fn read(root: &Path, name: &str) -> Result<String, Failure> {
    let path = root.join(name);
    if !path.exists() {
        return Ok(String::new());
    }
    std::fs::read_to_string(&path).map_err(Failure::io(path.display().to_string()))
}

/// Returns the value of the first line `key = "value"`.
fn quoted<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))?;
    value.split('"').nth(1)
}

pub(super) fn check_clippy(text: &str, msrv: &str) -> Option<Finding> {
    let stated = quoted(text, "msrv").unwrap_or_default();
    (stated != msrv).then(|| {
        Finding::new(
            "clippy.toml",
            1,
            format!("msrv is `{stated}`, Cargo.toml says `{msrv}`: write Cargo.toml's"),
        )
    })
}

/// Finds a profile of the peers that differs from ours: a comparison of builds, not of servers.
pub(super) fn check_profile(peers: &str, ours: &str) -> Option<Finding> {
    (section(peers, "[profile.release]") != section(ours, "[profile.release]")).then(|| {
        Finding::new(
            "xtask/peers/Cargo.toml",
            1,
            "its [profile.release] differs from the root's: write the root's",
        )
    })
}

/// Returns the lines of a section of a manifest, without comments and empty lines.
fn section<'a>(manifest: &'a str, heading: &str) -> Vec<&'a str> {
    manifest
        .lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

pub(super) fn check_readme(text: &str, msrv: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for command in ["cargo run --release -- PUBLIC_DIR", TEST_COMMAND] {
        if !text.contains(command) {
            let what = format!("lacks the command `{command}`: a newcomer starts there");
            findings.push(Finding::new("README.md", 1, what));
        }
    }
    let mut is_stated = false;
    for (i, line) in text.lines().enumerate() {
        for stated in line.split("Rust 1.").skip(1) {
            is_stated = true;
            let minor: String = stated.chars().take_while(char::is_ascii_digit).collect();
            if format!("1.{minor}") != msrv {
                let what = format!("says Rust 1.{minor}, Cargo.toml says {msrv}: they must agree");
                findings.push(Finding::new("README.md", i + 1, what));
            }
        }
    }
    if !is_stated {
        let what = format!("does not say which Rust it needs: write `Rust {msrv}`");
        findings.push(Finding::new("README.md", 1, what));
    }
    findings
}

/// Finds versions and lints that a member states by itself.
pub(super) fn check_member(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut section = "";
    for (i, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            section = line;
        }
        let is_dependency = section.contains("dependencies") && line.contains('=');
        // A package that depends on itself, for features of its examples, has no version to state.
        let is_itself = line.contains(r#"{ path = ".","#);
        if is_dependency && !is_itself && !line.contains("workspace = true") {
            findings.push(Finding::new(
                path,
                i + 1,
                "a dependency with its own version: state it in the root's [workspace.dependencies]",
            ));
        }
    }
    if !text.contains("[lints]\nworkspace = true") {
        findings.push(Finding::new(
            path,
            1,
            "does not take the workspace's lints: add `[lints]` with `workspace = true`",
        ));
    }
    findings
}
