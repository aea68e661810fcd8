//! What was measured, beside its bounds.

use crate::failure::Failure;

/// A table of figures.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Row>);

#[derive(Debug)]
struct Row {
    what: String,
    value: String,
    bound: String,
    holds: bool,
}

impl Report {
    pub(super) fn add(&mut self, what: String, value: String, bound: String, holds: bool) {
        self.0.push(Row {
            what,
            value,
            bound,
            holds,
        });
    }

    pub(super) fn print(&self) {
        println!("\n{:<48} {:<44} {:<20}", "", "measured", "at most");
        for row in &self.0 {
            let verdict = if row.holds { "" } else { "BROKEN" };
            println!(
                "{:<48} {:<44} {:<20} {verdict}",
                row.what, row.value, row.bound
            );
        }
    }

    /// Tells whether every bound holds.
    pub(super) fn judge(&self) -> Result<(), Failure> {
        match self.0.iter().filter(|row| !row.holds).count() {
            0 => Ok(()),
            n_broken => Err(Failure::Output {
                program: "soak",
                what: format!("{n_broken} bounds are broken"),
            }),
        }
    }
}

/// Writes a count of bytes in MiB.
#[expect(clippy::cast_precision_loss, reason = "a figure for a table")]
pub(super) fn mebibytes(n_bytes: u64) -> String {
    format!("{:.1} MiB", n_bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_bound_is_a_failure() {
        let mut report = Report::default();
        report.add("memory".into(), "1".into(), "2".into(), true);
        assert!(report.judge().is_ok());
        report.add("p99".into(), "3".into(), "2".into(), false);
        assert!(report.judge().is_err());
    }
}
