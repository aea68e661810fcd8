//! `cargo xtask ci`: what a change must pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::tidy::Package;
use crate::{USAGE, step, test, tidy};

/// Runs the gates, the quick ones first.
pub(crate) fn run(options: &[&str]) -> Result<(), Failure> {
    if options.iter().any(|o| !["--full", "--no-test"].contains(o)) {
        return Err(Failure::Usage(USAGE));
    }
    let is_full = options.contains(&"--full");
    step::run(&mut step::cargo("fmt --all -- --check"))?;
    let other_workspaces = other_workspaces()?;
    for workspace in &other_workspaces {
        let mut fmt = step::cargo("fmt --all --manifest-path");
        step::run(fmt.arg(workspace).args(["--", "--check"]))?;
    }
    tidy::run()?;
    step::run(&mut step::cargo(
        "clippy --workspace --all-targets --all-features -- -D warnings",
    ))?;
    step::run(
        step::cargo("doc --workspace --no-deps --all-features").env("RUSTDOCFLAGS", "-Dwarnings"),
    )?;
    let packages = tidy::packages()?;
    check_features(&packages, if is_full { 2 } else { 0 })?;
    if is_full {
        check_wasm(&packages)?;
        for workspace in &other_workspaces {
            let mut clippy = step::cargo("clippy --all-targets --manifest-path");
            step::run(clippy.arg(workspace).args(["--", "-D", "warnings"]))?;
        }
    }
    check_dependencies()?;
    if options.contains(&"--no-test") {
        Ok(())
    } else {
        test::run()
    }
}

/// Returns the manifests of the workspaces beside the main one, which excludes them.
fn other_workspaces() -> Result<Vec<PathBuf>, Failure> {
    let path = step::root().join("Cargo.toml");
    let manifest = fs::read_to_string(&path).map_err(Failure::io(path.display().to_string()))?;
    let lists = manifest
        .lines()
        .filter(|line| line.starts_with("exclude = "));
    let folders = lists.flat_map(|list| list.split('"').skip(1).step_by(2));
    let manifests = folders.map(|folder| Path::new(folder).join("Cargo.toml"));
    Ok(manifests.collect())
}

/// Builds each library with its default features off and every choice of at most `depth` features.
fn check_features(packages: &[Package], depth: usize) -> Result<(), Failure> {
    for package in packages.iter().filter(|package| package.is_library) {
        for choice in choices(&package.features, depth) {
            let mut command = step::cargo("check --lib --no-default-features");
            command.arg("--package").arg(&package.name);
            if !choice.is_empty() {
                command.arg("--features").arg(choice.join(","));
            }
            step::run(&mut command)?;
        }
    }
    Ok(())
}

/// Returns every choice of at most `depth` of the features, the empty one first.
fn choices(features: &[String], depth: usize) -> Vec<Vec<&str>> {
    let mut choices: Vec<Vec<&str>> = vec![Vec::new()];
    let mut begin = 0;
    for _ in 0..depth {
        let end = choices.len();
        for i in begin..end {
            let last = choices[i].last().copied();
            for feature in features {
                // Only in ascending order, so that each set comes once.
                if last.is_none_or(|last| last < feature.as_str()) {
                    let mut choice = choices[i].clone();
                    choice.push(feature);
                    choices.push(choice);
                }
            }
        }
        begin = end;
    }
    choices
}

/// Builds the libraries' cores for a target that has no system below it.
fn check_wasm(packages: &[Package]) -> Result<(), Failure> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder =
        step::output(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]))?;
    if !Path::new(folder.trim()).exists() {
        println!("==> {TARGET} is not installed: its check is skipped");
        return Ok(());
    }
    for package in packages.iter().filter(|package| package.is_library) {
        let mut command = step::cargo("check --lib --no-default-features");
        command.args(["--target", TARGET, "--package", &package.name]);
        step::run(&mut command)?;
    }
    Ok(())
}

fn check_dependencies() -> Result<(), Failure> {
    if step::is_present(&mut step::cargo("deny --version")) {
        step::run(&mut step::cargo("deny check bans licenses sources"))
    } else {
        println!("==> cargo-deny is not installed: its check is skipped");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fuzz_crate_is_checked() {
        let checked = other_workspaces().unwrap();
        for package in tidy::packages().unwrap() {
            let manifest = Path::new(&package.folder).join("fuzz/Cargo.toml");
            let exists = step::root().join(&manifest).exists();
            assert_eq!(checked.contains(&manifest), exists, "{manifest:?}");
        }
    }

    #[test]
    fn every_pair_of_features_is_chosen_once() {
        let features = ["a", "b", "c"].map(String::from);
        let chosen: Vec<String> = choices(&features, 2).iter().map(|c| c.concat()).collect();
        assert_eq!(chosen, ["", "a", "b", "c", "ab", "ac", "bc"]);
        assert_eq!(choices(&features, 0), [Vec::<&str>::new()]);
    }
}
