//! Length of files and of functions, tests not counted.

use super::Finding;
use super::source::Source;

const MAX_FILE_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 60;

/// Finds what is too long.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let n_lines = source.n_lines_without_tests();
    if n_lines > MAX_FILE_LINES {
        findings.push(Finding::new(
            &source.path,
            1,
            format!(
                "{n_lines} lines without tests, {MAX_FILE_LINES} are the limit: split by purpose"
            ),
        ));
    }
    for function in source.functions() {
        let n_lines = source.code[function.clone()].matches('\n').count() + 1;
        if n_lines > MAX_FUNCTION_LINES && !source.is_test(function.start) {
            findings.push(Finding::new(
                &source.path,
                source.line(function.start),
                format!("a function of {n_lines} lines, {MAX_FUNCTION_LINES} are the limit: split by step"),
            ));
        }
    }
    findings
}
