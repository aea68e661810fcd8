//! Names and places of files, and how a file opens.

use std::path::Path;

use super::source::Source;
use super::{Finding, Package};
use crate::failure::Failure;

/// What may stand at the root beside the packages' folders.
const ROOT: &[&str] = &[
    ".cargo",
    ".ci",
    ".git",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "STYLE.md",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
    "target",
];

/// Names that say nothing about what is inside.
const BANNED_NAMES: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "prelude", "types", "util", "utils",
];

/// Finds what does not belong at the root.
pub(super) fn check_root(root: &Path, packages: &[Package]) -> Result<Vec<Finding>, Failure> {
    let names = names_in(root)?;
    Ok(root_findings(&names, packages))
}

pub(super) fn root_findings(names: &[String], packages: &[Package]) -> Vec<Finding> {
    let is_known = |name: &&String| {
        ROOT.contains(&name.as_str()) || packages.iter().any(|p| p.folder == **name)
    };
    names
        .iter()
        .filter(|name| !is_known(name))
        .map(|name| {
            Finding::new(
                name,
                1,
                "clutters the root: move it into the folder that it serves, or delete it",
            )
        })
        .collect()
}

/// Lists the pages at the root and all files of the packages, as paths relative to the root.
pub(super) fn files(root: &Path, packages: &[Package]) -> Result<Vec<String>, Failure> {
    let mut files: Vec<String> = names_in(root)?
        .into_iter()
        .filter(|name| name.ends_with(".md"))
        .collect();
    let mut folders: Vec<String> = packages.iter().map(|p| p.folder.clone()).collect();
    while let Some(folder) = folders.pop() {
        for name in names_in(&root.join(&folder))? {
            let path = format!("{folder}/{name}");
            if !root.join(&path).is_dir() {
                files.push(path);
            } else if name != "target" {
                folders.push(path);
            }
        }
    }
    Ok(files)
}

fn names_in(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    let entries = folder
        .read_dir()
        .map_err(Failure::io(folder.display().to_string()))?;
    for entry in entries {
        let entry = entry.map_err(Failure::io(folder.display().to_string()))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Finds names that say nothing, of the file and of its folders.
pub(super) fn check_name(path: &str) -> Option<Finding> {
    let stem = |part: &str| part.split('.').next().map(str::to_lowercase);
    let banned = path
        .split('/')
        .filter_map(stem)
        .find(|stem| BANNED_NAMES.contains(&stem.as_str()))?;
    Some(Finding::new(
        path,
        1,
        format!(
            "`{banned}` says nothing: name the file after its purpose, or put each item beside its one user"
        ),
    ))
}

/// Finds a file whose first line does not say what it is for.
pub(super) fn check_opening(source: &Source) -> Option<Finding> {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    if matches!(name, "mod.rs" | "tests.rs") || source.text.starts_with("//! ") {
        return None;
    }
    Some(Finding::new(
        &source.path,
        1,
        "begins without `//!`: say the file's one purpose in its first line",
    ))
}
