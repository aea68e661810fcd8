//! `cargo xtask test`: every test of the workspace.

use crate::failure::Failure;
use crate::step;

/// Runs the tests, by nextest where it is installed, then the examples in the documentation,
/// which nextest leaves out.
pub(crate) fn run() -> Result<(), Failure> {
    if step::is_present(&mut step::cargo("nextest --version")) {
        step::run(
            step::cargo("nextest run --workspace --all-features --no-fail-fast")
                .args(["--config-file", "xtask/nextest.toml"]),
        )?;
    } else {
        step::run(&mut step::cargo(
            "test --workspace --all-features --all-targets --no-fail-fast",
        ))?;
    }
    step::run(&mut step::cargo("test --workspace --all-features --doc"))
}
