//! `cargo xtask test`: every test of the workspace.

use crate::failure::Failure;
use crate::step;

/// Runs the tests, by nextest where it is installed, then the examples in the documentation,
/// which nextest leaves out.
pub(crate) fn run() -> Result<(), Failure> {
    if step::is_present(&mut step::cargo("nextest --version")) {
        step::run(&mut step::cargo("nextest run --workspace --all-features"))?;
    } else {
        step::run(&mut step::cargo(
            "test --workspace --all-features --all-targets",
        ))?;
    }
    step::run(&mut step::cargo("test --workspace --all-features --doc"))
}
