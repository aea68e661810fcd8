//! Why a command of xtask failed.

use std::fmt;
use std::io;
use std::process::{ExitCode, ExitStatus};

/// What went wrong, in words that name the thing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is not understood; carries the usage text.
    Usage(&'static str),
    /// A step's program ended badly.
    Step { step: String, status: ExitStatus },
    /// A file or a program could not be used.
    Io { what: String, source: io::Error },
    /// A program said something that is not understood.
    Output { program: &'static str, what: String },
    /// `tidy` found this many breaches, which it has printed.
    Untidy(usize),
    /// `bench` could not measure this many things, which it has printed.
    Unmeasured(usize),
}

impl Failure {
    /// Returns a closure for `map_err` that names what was attempted.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Returns the process's exit code: 2 for a wrong command line, 1 for the rest.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(usage) => write!(f, "command line not understood\n\n{usage}"),
            Self::Step { step, status } => write!(f, "{step}: {status}"),
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Output { program, what } => write!(f, "{program}: {what}"),
            Self::Untidy(n_findings) => write!(f, "{n_findings} breaches of the house rules"),
            Self::Unmeasured(n_missing) => write!(f, "{n_missing} things could not be measured"),
        }
    }
}
