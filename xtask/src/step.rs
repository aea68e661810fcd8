//! One step of a recipe: a program that runs at the workspace's root.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// Returns the workspace's root folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the root")
}

/// Returns the folder that cargo builds into, for the workspace in a folder of the root.
pub(crate) fn target(workspace: &str) -> PathBuf {
    let chosen = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    // A relative one is below the root, where cargo is run.
    root().join(chosen.unwrap_or_else(|| Path::new(workspace).join("target")))
}

/// Returns a program or an example that was built with `--release`.
pub(crate) fn built(program: &str) -> PathBuf {
    target("").join("release").join(program)
}

/// Returns a folder below `target` for what a command writes, made if it is not there.
pub(crate) fn folder(name: &str) -> Result<PathBuf, Failure> {
    let folder = target("").join(name);
    std::fs::create_dir_all(&folder).map_err(Failure::io(folder.display().to_string()))?;
    Ok(folder)
}

/// Makes a cargo command with these arguments, separated by spaces, at the root.
pub(crate) fn cargo(args: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args.split_whitespace()).current_dir(root());
    command
}

/// Runs a command with its output passed through.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let step = name(command);
    println!("==> {step}");
    let status = command.status().map_err(Failure::io(&step))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Step { step, status })
    }
}

/// Runs a command and returns what it printed.
///
/// # Errors
///
/// The program cannot be started, or does not end with 0; its complaint is passed through.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let step = name(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::io(&step))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Failure::Step {
            step,
            status: output.status,
        })
    }
}

/// Tells whether a program is there: whether the command ends with 0.
pub(crate) fn is_present(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(workspace: &str) {
        let mut cargo = cargo("metadata --no-deps --format-version 1 --manifest-path");
        cargo.arg(root().join(workspace).join("Cargo.toml"));
        let metadata: serde_json::Value =
            serde_json::from_str(&output(&mut cargo).unwrap()).unwrap();
        let told = metadata["target_directory"].as_str().map(Path::new);
        assert_eq!(told, Some(&*target(workspace)));
    }

    #[test]
    fn it_is_known_where_cargo_builds() {
        check("");
        check("xtask/peers");
    }
}
