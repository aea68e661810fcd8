//! `cargo xtask tidy`: the rules of STYLE.md that a machine can check.
//!
//! | file | rules |
//! |---|---|
//! | `edges` | who may depend on whom, features that members may state |
//! | `layout` | names and places of files, the root's content |
//! | `size` | length of files and functions |
//! | `code` | attributes, sleeping tests, `unsafe`, conditional code inside functions |
//! | `purity` | what the sans-I/O cores may name, and what is built with them |
//! | `words` | boasting in documentation |
//! | `facts` | facts that stand in more than one place agree |

mod code;
mod edges;
mod facts;
mod layout;
mod purity;
mod size;
mod source;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

pub(crate) use edges::{Package, packages};

use crate::failure::Failure;
use crate::step;
use source::Source;

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// Relative to the root.
    file: String,
    /// Counted from 1.
    line: usize,
    /// What is wrong, and what to do.
    what: String,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Checks the whole workspace and prints every breach.
pub(crate) fn run() -> Result<(), Failure> {
    println!("==> tidy");
    let root = step::root();
    let packages = packages()?;
    let mut findings = edges::check(&packages);
    findings.extend(layout::check_root(root, &packages)?);
    findings.extend(facts::check(root, &packages)?);
    findings.extend(purity::check_trees(&packages)?);
    for file in layout::files(root, &packages)? {
        findings.extend(layout::check_name(&file));
        let path = root.join(&file);
        let text =
            || std::fs::read_to_string(&path).map_err(Failure::io(path.display().to_string()));
        if file.ends_with(".md") {
            findings.extend(words::check_page(&file, &text()?));
        } else if file.ends_with(".rs") {
            let source = Source::new(&file, text()?);
            findings.extend(layout::check_opening(&source));
            findings.extend(size::check(&source));
            findings.extend(code::check(&source));
            findings.extend(purity::check(&source));
            findings.extend(words::check_source(&source));
        }
    }
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        n_findings => Err(Failure::Untidy(n_findings)),
    }
}
