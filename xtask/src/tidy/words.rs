//! Words that boast: a reader who meets one stops believing the rest.

use super::Finding;
use super::source::Source;

const BOASTS: &[&str] = &[
    "battle-tested",
    "best-in-class",
    "blazing",
    "blazingly",
    "bulletproof",
    "bullet-proof",
    "cutting-edge",
    "effortless",
    "effortlessly",
    "enterprise-grade",
    "lightning-fast",
    "next-generation",
    "production-grade",
    "production-ready",
    "revolutionary",
    "rock-solid",
    "seamless",
    "seamlessly",
    "state-of-the-art",
    "ultra-fast",
    "unparalleled",
    "world-class",
];

/// Finds boasts in a page of documentation.
pub(super) fn check_page(path: &str, text: &str) -> Vec<Finding> {
    text.lines()
        .enumerate()
        .filter_map(|(i, line)| check_line(path, i + 1, line))
        .collect()
}

/// Finds boasts in a source file's documentation.
pub(super) fn check_source(source: &Source) -> Vec<Finding> {
    source
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| {
            let line = line.trim_start();
            line.starts_with("///") || line.starts_with("//!")
        })
        .filter_map(|(i, line)| check_line(&source.path, i + 1, line))
        .collect()
}

fn check_line(path: &str, number: usize, line: &str) -> Option<Finding> {
    // What is quoted is spoken about, not said.
    let said: String = line
        .split(['"', '`'])
        .step_by(2)
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    let boast = said
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .find(|word| BOASTS.contains(word))?;
    Some(Finding::new(
        path,
        number,
        format!("`{boast}` boasts: give a number with its method, or nothing"),
    ))
}
